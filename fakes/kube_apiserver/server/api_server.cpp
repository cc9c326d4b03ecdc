#include "fakes/kube_apiserver/server/api_server.hpp"

#include "fakes/kube_apiserver/api/conversion.hpp"
#include "fakes/kube_apiserver/api/protobuf.hpp"
#include "fakes/kube_apiserver/api/utf8.hpp"
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/server/gzip.hpp"
#include "fakes/kube_apiserver/server/table.hpp"
#include "fakes/kube_apiserver/server/yaml_text.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

bool is_writing(const std::string& verb) { return verb == "create" || verb == "update" || verb == "patch" || verb == "delete" || verb == "deletecollection"; }

constexpr const char* page_not_found = "@page";  ///< a reason that is no Status: plain text
constexpr std::size_t body_bytes_max = 3 * 1024 * 1024;
constexpr std::size_t audit_id_length_max = 64;
constexpr std::size_t gzip_bytes_min = 128 * 1024;

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string warning_header(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return "299 - \"" + escaped + "\"";
}

}  // namespace

std::string Request::scope_prefix() const {
  std::string prefix = resource->storage_prefix();
  if (resource->namespaced && !info.object_namespace.empty()) prefix.append(info.object_namespace).append("/");
  return prefix;
}

std::string Request::manager() const {
  const std::string given = query_value(query, "fieldManager");
  if (!given.empty()) return given;
  std::string agent(http.headers.get("User-Agent"));
  agent = agent.substr(0, agent.find('/'));
  return agent.empty() ? "unknown" : mended_utf8(agent);
}

ApiServer::ApiServer(runtime::Runtime& runtime, Store& store, Authenticator& authenticator, Authorizer& authorizer, ServerOptions options)
    : runtime_(runtime), store_(store), authenticator_(authenticator), authorizer_(authorizer), options_(std::move(options)), random_(runtime.random().split("kube-apiserver")) {
  if (options_.audit) audit_ = std::make_unique<AuditLog>(runtime_, *options_.audit);
}

Task<void> ApiServer::handle(const runtime::HttpRequest& http, runtime::HttpResponder& responder) {
  Request request(http);
  Answer answer;
  bool streamed = false;
  const runtime::Instant started = runtime_.now();
  std::int64_t* inflight = nullptr;
  request.query = runtime::parse_query(http.query());
  std::string path;
  if (!runtime::percent_decode(http.path(), path, false)) path = std::string(http.path());
  path = mended_utf8(path);
  for (auto& [key, value] : request.query) {
    key = mended_utf8(key);
    value = mended_utf8(value);
  }
  request.info = parse_request_info(http.method, path, request.query);
  if (request.info.verb != "watch") {
    inflight = is_writing(request.info.verb) ? &metrics_.inflight_writing : &metrics_.inflight_reading;
    ++*inflight;
  }
  struct Leaving {
    std::int64_t* count;
    ~Leaving() {
      if (count != nullptr) --*count;
    }
  } leaving{inflight};
  request.audit_id = std::string(http.headers.get("Audit-ID").substr(0, audit_id_length_max));
  if (request.audit_id.empty()) request.audit_id = random_.uuid();
  co_await answer_request(request, responder, answer, streamed);
  if (audit_ && !request.audit) {
    begin_audit(request);
    note_audit("ResponseStarted", request, answer.status, answer.body);  // nobody: refused before it was received
  } else if (audit_) {
    note_audit("ResponseComplete", request, answer.status, answer.body);
  }
  const RequestInfo& info = request.info;
  if (info.is_resource) {
    const char* scope = !info.name.empty() || info.verb == "create" ? "resource" : !info.object_namespace.empty() ? "namespace" : "cluster";
    metrics_.request_done(upper(info.verb), info.group, info.version, info.resource, info.subresource, scope, answer.status, runtime_.now() - started, answer.body.size());
  } else {
    metrics_.request_done(upper(info.verb), "", "", "", info.path.substr(0, 40), "", answer.status, runtime_.now() - started, answer.body.size());
  }
  if (streamed) co_return;
  runtime::HttpResponse response;
  response.status = answer.status;
  response.headers = std::move(answer.headers);
  response.headers.add("Audit-Id", request.audit_id);
  response.headers.add("Cache-Control", "no-cache, private");
  if (!answer.content_type.empty()) response.headers.add("Content-Type", answer.content_type);
  for (const std::string& warning : request.warnings) response.headers.add("Warning", warning_header(warning));
  response.body = std::move(answer.body);
  if (response.body.size() > gzip_bytes_min && request.info.is_resource && http.headers.get("Accept-Encoding").find("gzip") != std::string_view::npos) {
    response.body = gzip(response.body);
    response.headers.add("Content-Encoding", "gzip");
    response.headers.add("Vary", "Accept-Encoding");
  }
  (void)co_await responder.send(std::move(response));
}

Task<void> ApiServer::answer_request(Request& request, runtime::HttpResponder& responder, Answer& answer, bool& streamed) {
  std::optional<ApiError> failure;
  try {
    if (request.http.body.size() > body_bytes_max) throw ApiError(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728");
    request.user = authenticator_.authenticate(request.http);
    if (audit_) {
      begin_audit(request);
      note_audit("RequestReceived", request, 0, "");
    }
    impersonate(request);
    answer = co_await dispatch(request, responder, streamed);
  } catch (const ApiError& error) {
    failure.emplace(error);
  } catch (const DecodeError& error) {
    failure.emplace(bad_request(error.what()));
  } catch (const std::exception& error) {
    runtime_.log().error("request_failed", {{"method", request.http.method}, {"target", request.http.target}, {"error", error.what()}});
    failure.emplace(internal_error(error.what()));
  }
  if (!failure) co_return;
  if (streamed) co_return;  // the head is gone; the stream just ends
  if (failure->reason == page_not_found) {
    answer = Answer(404, failure->message, "text/plain; charset=utf-8");
    co_return;
  }
  try {
    answer = Answer(failure->code, encode_object(failure->status()) + "\n");
    if (request.representation.type == MediaType::protobuf) {
      answer.body = encode_protobuf(failure->status()).value_or(answer.body);
      answer.content_type = "application/vnd.kubernetes.protobuf";
    }
    if (request.representation.type == MediaType::yaml) {
      answer.body = to_yaml(failure->status());
      answer.content_type = "application/yaml";
    }
  } catch (const std::exception& error) {  // whatever a client sent, it is not worth the server
    answer = Answer(500, "internal error\n", "text/plain; charset=utf-8");
  }
  if (failure->retry_after_seconds > 0) answer.headers.add("Retry-After", std::to_string(failure->retry_after_seconds));
}

void ApiServer::begin_audit(Request& request) {
  request.audit = std::make_unique<AuditRecord>();
  request.audit->decision = audit_->policy().decide(request.user, request.info);
  request.audit->id = request.audit_id;
  request.audit->user = request.user;
  request.audit->received_at = runtime::format_rfc3339_micro(runtime_.wall_now());
}

void ApiServer::note_audit(const char* stage, const Request& request, int code, const std::string& body) {
  if (!audit_ || !request.audit) return;
  audit_->write(stage, *request.audit, request.info, request.http, code, body);
}

void ApiServer::authorize(Request& request) {
  Attributes attributes;
  attributes.user = request.user;
  const RequestInfo& info = request.info;
  attributes.verb = info.verb;
  if (info.is_resource) {
    attributes.group = info.group;
    attributes.version = info.version;
    attributes.resource = info.resource;
    attributes.subresource = info.subresource;
    attributes.object_namespace = info.object_namespace;
    attributes.name = info.name;
  } else {
    attributes.path = info.path;
  }
  const Decision decision = authorizer_.decide(attributes);
  if (request.audit) {
    request.audit->verdict = decision.allowed ? "allow" : "forbid";
    request.audit->verdict_reason = decision.reason;
  }
  if (decision.allowed) return;
  throw forbidden(info.group, info.is_resource ? info.resource : "", info.is_resource ? info.name : "", denial_text(attributes));
}

void ApiServer::find_resource(Request& request) {
  const RequestInfo& info = request.info;
  request.resource = find_built_in(info.group, info.version, info.resource);
  if (request.resource == nullptr) {
    request.custom = CustomResources::of(store_).find(info.group, info.version, info.resource);
    request.resource = request.custom.get();
  }
  if (request.resource == nullptr) {
    const auto& all = built_in_resources();
    const bool known = std::any_of(all.begin(), all.end(), [&](const Resource& each) { return each.group == info.group; }) || CustomResources::of(store_).has_group(info.group);
    if (!known) throw ApiError(404, page_not_found, "404 page not found\n");
    throw unknown_resource();
  }
  const Resource& resource = *request.resource;
  if (!resource.namespaced && !info.object_namespace.empty() && resource.kind != "Namespace") throw unknown_resource();
  if (resource.namespaced && info.object_namespace.empty() && !info.name.empty() && info.verb != "list" && info.verb != "watch" && info.verb != "deletecollection") {
    throw unknown_resource();
  }
  if (!info.subresource.empty()) {
    request.sub = resource.subresource(info.subresource);
    if (request.sub == nullptr && resource.custom && (info.subresource == "status" || info.subresource == "scale")) throw not_found(resource, info.name);
    if (request.sub == nullptr) throw unknown_resource();
  }
}

Task<Answer> ApiServer::dispatch(Request& request, runtime::HttpResponder& responder, bool& streamed) {
  authorize(request);
  const RequestInfo& info = request.info;
  if (!info.is_resource) co_return co_await answer_path(request);
  if (!store_.is_ready()) {
    ApiError error(503, "ServiceUnavailable", "the server is currently unable to handle the request");
    error.retry_after_seconds = 1;
    throw error;
  }
  if (info.group == "metrics.k8s.io" && serves_resource_metrics()) co_return co_await resource_metrics(request);
  find_resource(request);
  const Resource& resource = *request.resource;
  const bool reads = info.verb == "get" || info.verb == "list" || info.verb == "watch";
  request.representation = negotiate(request.http.headers.get("Accept"), true);
  request.dry_run = query_has(request.query, "dryRun");
  if (request.sub != nullptr) {
    const std::string verb = info.verb;
    if (std::find(request.sub->verbs.begin(), request.sub->verbs.end(), verb) == request.sub->verbs.end()) throw method_not_allowed();
    const std::string& sub = info.subresource;
    const bool connects = sub == "log" || sub == "exec" || sub == "attach" || sub == "portforward" || sub == "proxy";
    if (connects) co_return co_await connect(request, responder, streamed);
    co_return co_await subresource(request);
  }
  const bool collection = info.name.empty() || info.verb == "list" || info.verb == "watch" || info.verb == "deletecollection";
  const std::string& method = request.http.method;
  if (collection && method != "GET" && method != "POST" && method != "DELETE") throw method_not_allowed();
  if (!collection && method == "POST") throw method_not_allowed();
  if (!resource.has_verb(info.verb)) throw method_not_allowed();
  if (resource.namespaced && info.object_namespace.empty() && !reads) throw method_not_allowed();
  if (info.verb == "get") co_return co_await get(request);
  if (info.verb == "list") co_return co_await list(request);
  if (info.verb == "watch") {
    co_await watch(request, responder, streamed);
    co_return Answer();
  }
  if (info.verb == "create") {
    if (resource.group == "authorization.k8s.io" || resource.group == "authentication.k8s.io") co_return co_await review(request);
    if (resource.kind == "Binding") co_return co_await bind(request);
    co_return co_await create(request);
  }
  if (info.verb == "update") co_return co_await replace(request);
  if (info.verb == "patch") co_return co_await patch(request);
  if (info.verb == "delete") co_return co_await remove(request);
  if (info.verb == "deletecollection") co_return co_await remove_collection(request);
  throw method_not_allowed();
}

// --- representation ---------------------------------------------------------------------------------------------------

bool ApiServer::version_differs(const Resource& resource) const { return stored_differently(resource); }

Json ApiServer::in_version(const Request& request, const Json& stored) const {
  Json object = stored;
  from_storage(object, *request.resource);
  return object;
}

Answer ApiServer::encode_answer(const Request& request, const Json& value, int status) {
  if (request.representation.type == MediaType::yaml) return Answer(status, to_yaml(value), "application/yaml");
  if (request.representation.type == MediaType::protobuf) {
    auto bytes = encode_protobuf(value);
    if (bytes) return Answer(status, std::move(*bytes), "application/vnd.kubernetes.protobuf");
  }
  std::string agent(request.http.headers.get("User-Agent"));
  const bool pretty = query_has(request.query, "pretty") ? query_flag(request.query, "pretty") : agent.compare(0, 4, "curl") == 0 || agent.compare(0, 4, "Wget") == 0;
  if (!pretty) return Answer(status, encode_object(value) + "\n");
  const auto ordered = nlohmann::ordered_json::parse(encode_object(value));
  return Answer(status, ordered.dump(2) + "\n");
}

Answer ApiServer::show_value(const Request& request, const Json& object, int status) {
  if (request.representation.shown == Shown::table) {
    Json table = make_table(*request.resource, {&object}, query_value(request.query, "includeObject"), runtime_.wall_now());
    table["metadata"]["resourceVersion"] = runtime::text_at(object, {"metadata", "resourceVersion"});
    table["apiVersion"] = "meta.k8s.io/" + request.representation.table_version;
    return encode_answer(request, table, status);
  }
  if (request.representation.shown == Shown::partial_metadata) return encode_answer(request, partial_metadata(object, request.representation.table_version), status);
  return encode_answer(request, object, status);
}

Answer ApiServer::show(const Request& request, const ObjectPtr& object, int status) {
  const bool plain = request.representation.type == MediaType::json && request.representation.shown == Shown::object && !version_differs(*request.resource);
  if (plain && !query_has(request.query, "pretty") && request.http.headers.get("User-Agent").substr(0, 4) != "curl") {
    return Answer(status, object->encoded() + "\n");
  }
  return show_value(request, in_version(request, object->value()), status);
}

Json status_with(const char* status, int code) {
  return {{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", Json::object()}, {"status", status}, {"code", code}};
}

}  // namespace skidpad::fakes::kube_apiserver
