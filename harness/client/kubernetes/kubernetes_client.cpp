#include "harness/client/kubernetes/kubernetes_client.hpp"

#include <charconv>

#include "harness/runtime/json_text.hpp"

namespace skidpad::client {

using runtime::find;
using runtime::HttpClientOptions;
using runtime::HttpRequest;
using runtime::HttpResponse;
using runtime::HttpStream;
using runtime::integer_at;
using runtime::parse_json;
using runtime::percent_encode;
using runtime::text_at;

namespace {

constexpr Duration token_reread_interval = std::chrono::seconds(60);  // as client-go caches tokenFile
constexpr int conflict_retries_max = 5;

/// A query grown one parameter at a time.
class Query {
 public:
  explicit Query(std::string target) : target_(std::move(target)) {}
  void add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    target_ += separator_;
    separator_ = '&';
    target_ += name;
    target_ += '=';
    target_ += percent_encode(value);
  }
  void add_flag(std::string_view name, bool value) {
    if (value) add(name, "true");
  }
  std::string take() { return std::move(target_); }

 private:
  std::string target_;
  char separator_ = '?';
};

std::string list_target(const ResourceType& type, const ListOptions& options) {
  Query query(type.path(options.namespace_name));
  query.add("labelSelector", options.label_selector);
  query.add("fieldSelector", options.field_selector);
  if (options.limit > 0) query.add("limit", std::to_string(options.limit));
  query.add("continue", options.continue_token);
  query.add("resourceVersion", options.resource_version);
  query.add("resourceVersionMatch", options.resource_version_match);
  return query.take();
}

std::string write_target(std::string path, const WriteOptions& options) {
  Query query(std::move(path));
  query.add("fieldManager", options.field_manager);
  if (options.dry_run) query.add("dryRun", "All");
  query.add_flag("force", options.force);
  return query.take();
}

std::string_view content_type_of(PatchType type) {
  switch (type) {
    case PatchType::json: return "application/json-patch+json";
    case PatchType::merge: return "application/merge-patch+json";
    case PatchType::strategic: return "application/strategic-merge-patch+json";
    case PatchType::apply: return "application/apply-patch+yaml";
  }
  return "";
}

Json delete_body(const DeleteOptions& options) {
  Json body = Json::object();
  body["kind"] = "DeleteOptions";
  body["apiVersion"] = "v1";
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  switch (options.propagation) {
    case Propagation::unset: break;
    case Propagation::orphan: body["propagationPolicy"] = "Orphan"; break;
    case Propagation::background: body["propagationPolicy"] = "Background"; break;
    case Propagation::foreground: body["propagationPolicy"] = "Foreground"; break;
  }
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) body["preconditions"]["resourceVersion"] = options.resource_version;
  return body;
}

ErrorCode code_from_status(int http_status, std::string_view reason) {
  switch (http_status) {
    case 401: return ErrorCode::unauthorized;
    case 403: return ErrorCode::forbidden;
    case 404: return ErrorCode::not_found;
    case 409: return reason == "AlreadyExists" ? ErrorCode::already_exists : ErrorCode::conflict;
    case 410: return ErrorCode::gone;
    case 408:
    case 504: return ErrorCode::timeout;
    case 429:
    case 500:
    case 502:
    case 503: return ErrorCode::unavailable;
    default: return ErrorCode::invalid;
  }
}

HttpClientOptions http_options(const Kubeconfig& config, const ClientOptions& options) {
  HttpClientOptions http;
  http.connect_timeout = options.connect_timeout;
  http.request_timeout = options.request_timeout;
  bool tls = false;
  for (const std::string& server : config.servers) {
    bool this_tls = false;
    auto endpoint = parse_server_url(server, this_tls);
    if (!endpoint) continue;  // reported by the loader of the kubeconfig; an unusable server is like an unreachable one
    tls = tls || this_tls;
    http.servers.push_back(endpoint.value());
  }
  if (tls) {
    runtime::TlsClientOptions security;
    security.ca_pem = config.ca_pem;
    security.certificate_pem = config.certificate_pem;
    security.key_pem = config.key_pem;
    security.server_name = config.server_name;
    security.insecure = config.insecure;
    http.tls = security;
  }
  return http;
}

}  // namespace

Result<runtime::Endpoint> parse_server_url(std::string_view url, bool& tls) {
  std::string_view rest = url;
  std::uint16_t port = 443;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
    tls = true;
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    tls = false;
    port = 80;
  } else {
    return Error(ErrorCode::invalid, "server \"" + std::string(url) + "\" begins with neither https:// nor http://");
  }
  rest = rest.substr(0, rest.find('/'));
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view digits = rest.substr(colon + 1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) {
      return Error(ErrorCode::invalid, "server \"" + std::string(url) + "\" has no valid port");
    }
    rest = rest.substr(0, colon);
  }
  if (rest.empty()) return Error(ErrorCode::invalid, "server \"" + std::string(url) + "\" has no host");
  runtime::Endpoint endpoint;
  endpoint.address = std::string(rest);
  endpoint.port = port;
  return endpoint;
}

Error error_from_status(int http_status, std::string_view body, std::string_view doing) {
  std::string message;
  std::string reason;
  if (auto status = parse_json(body); status && status.value().is_object()) {
    message = text_at(status.value(), {"message"});
    reason = text_at(status.value(), {"reason"});
  }
  if (message.empty()) message = std::string(body.substr(0, 200));
  if (message.empty()) message = std::string(runtime::status_text(http_status));
  return Error(code_from_status(http_status, reason), std::string(doing) + ": " + message, http_status, reason);
}

KubernetesClient::KubernetesClient(Runtime& runtime, Kubeconfig config, ClientOptions options)
    : runtime_(runtime), config_(std::move(config)), options_(std::move(options)), http_(runtime, http_options(config_, options_)) {
  open_watches_.previous = open_watches_.next = &open_watches_;
}

KubernetesClient::~KubernetesClient() {
  while (open_watches_.next != &open_watches_) open_watches_.next->unlink();
  open_watches_.previous = open_watches_.next = nullptr;
}

void KubernetesClient::reconnect() {
  http_.replace_options(http_options(config_, options_));
  for (runtime::Link* link = open_watches_.next; link != &open_watches_;) {
    auto& watch = static_cast<OpenWatch&>(*link);
    link = link->next;
    watch.stop();
  }
}

void KubernetesClient::replace_config(Kubeconfig config) {
  config_ = std::move(config);
  token_.clear();
  http_.replace_options(http_options(config_, options_));
}

const std::string& KubernetesClient::bearer_token() {
  if (config_.token_file.empty()) return config_.token;
  if (token_.empty() || runtime_.now() - token_read_ >= token_reread_interval) {
    if (auto text = runtime_.disk().read(config_.token_file)) {
      token_ = text.value();
      while (!token_.empty() && (token_.back() == '\n' || token_.back() == '\r' || token_.back() == ' ')) token_.pop_back();
    }
    token_read_ = runtime_.now();
  }
  return token_.empty() ? config_.token : token_;
}

HttpRequest KubernetesClient::make_request(std::string method, std::string target) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers.add("Accept", "application/json");
  request.headers.add("User-Agent", options_.user_agent);
  const std::string& token = bearer_token();
  if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
  return request;
}

Task<Result<HttpResponse>> KubernetesClient::send(HttpRequest request, bool write) {
  Duration timeout = options_.request_timeout;
  // Lease objects are how leadership is kept and given back, so they are never held back by it.
  const bool guarded = write && write_deadline_ && request.target.find("/leases") == std::string::npos;
  if (guarded) {
    const Duration left = write_deadline_() - runtime_.now();
    if (left <= Duration::zero()) {
      Error lost(ErrorCode::forbidden, request.method + " " + request.target + ": not sent, no longer the leader");
      co_return lost;
    }
    timeout = std::min(timeout, left);
  }
  co_return co_await http_.request(std::move(request), timeout);
}

Task<Result<Json>> KubernetesClient::send_json(std::string method, std::string target, std::string body, std::string content_type,
                                               bool write) {
  std::string doing = method + " " + std::string(std::string_view(target).substr(0, target.find('?')));
  HttpRequest request = make_request(std::move(method), std::move(target));
  if (!body.empty()) {
    request.headers.add("Content-Type", std::move(content_type));
    request.body = std::move(body);
  }
  auto response = co_await send(std::move(request), write);
  if (!response) co_return runtime::wrap(response.error(), doing);
  if (response.value().status > 399) co_return error_from_status(response.value().status, response.value().body, doing);
  auto object = parse_json(response.value().body);
  if (!object) co_return runtime::wrap(object.error(), doing);
  co_return std::move(object.value());
}

Task<Result<std::string>> KubernetesClient::raw(std::string method, std::string target, std::string body, std::string content_type) {
  std::string doing = method + " " + target;
  const bool write = method != "GET" && method != "HEAD";
  HttpRequest request = make_request(std::move(method), std::move(target));
  if (!body.empty()) {
    request.headers.add("Content-Type", std::move(content_type));
    request.body = std::move(body);
  }
  auto response = co_await send(std::move(request), write);
  if (!response) co_return runtime::wrap(response.error(), doing);
  if (response.value().status > 399) co_return error_from_status(response.value().status, response.value().body, doing);
  co_return std::move(response.value().body);
}

Task<Result<Json>> KubernetesClient::get(ResourceType type, std::string namespace_name, std::string name) {
  ASSERT(!name.empty());
  return send_json("GET", type.path(namespace_name, name), "", "", false);
}

Task<Result<ObjectList>> KubernetesClient::list(ResourceType type, ListOptions options) {
  auto body = co_await send_json("GET", list_target(type, options), "", "", false);
  if (!body) co_return body.error();
  ObjectList list;
  list.resource_version = text_at(body.value(), {"metadata", "resourceVersion"});
  list.continue_token = text_at(body.value(), {"metadata", "continue"});
  auto items = body.value().find("items");
  if (items != body.value().end() && items->is_array()) {
    list.items.reserve(items->size());
    const std::string api_version = type.api_version();
    for (Json& item : *items) {
      if (!item.is_object()) continue;
      item["apiVersion"] = api_version;
      item["kind"] = type.kind;
      list.items.push_back(std::make_shared<const Json>(std::move(item)));
    }
  }
  co_return list;
}

Task<Result<ObjectList>> KubernetesClient::list_all(ResourceType type, ListOptions options, std::int64_t page_size) {
  ObjectList all;
  options.limit = page_size;
  for (;;) {
    auto page = co_await list(type, options);
    if (!page && page.error().code == ErrorCode::gone && !options.continue_token.empty()) {
      // The token expired while we read: begin again, whole this time, as client-go's pager does.
      all.items.clear();
      options.continue_token.clear();
      options.limit = 0;
      continue;
    }
    if (!page) co_return page.error();
    for (ObjectPointer& item : page.value().items) all.items.push_back(std::move(item));
    all.resource_version = page.value().resource_version;
    options.continue_token = page.value().continue_token;
    options.resource_version.clear();
    options.resource_version_match.clear();
    if (options.continue_token.empty()) co_return all;
  }
}

Task<Result<Watch>> KubernetesClient::watch(ResourceType type, WatchOptions options) {
  Query query(type.path(options.namespace_name));
  query.add("watch", "true");
  query.add_flag("allowWatchBookmarks", options.bookmarks);
  query.add("labelSelector", options.label_selector);
  query.add("fieldSelector", options.field_selector);
  query.add("resourceVersion", options.resource_version);
  if (options.timeout > Duration::zero()) {
    query.add("timeoutSeconds", std::to_string(std::chrono::duration_cast<std::chrono::seconds>(options.timeout).count()));
  }
  std::string doing = "watch " + type.plural;
  auto stream = co_await http_.open_stream(make_request("GET", query.take()));
  if (!stream) co_return runtime::wrap(stream.error(), doing);
  if (stream.value().status() > 399) {
    std::string body;
    for (;;) {
      auto more = co_await stream.value().read_some();
      if (!more || more.value().empty() || body.size() > 65536) break;
      body += more.value();
    }
    co_return error_from_status(stream.value().status(), body, doing);
  }
  Watch watch(std::move(stream.value()));
  co_return std::move(watch);
}

Task<Result<std::optional<WatchEvent>>> Watch::next() {
  for (;;) {
    auto line = co_await stream_.read_line();
    if (!line) co_return line.error();
    if (!line.value()) co_return std::optional<WatchEvent>();
    if (line.value()->empty()) continue;
    const std::shared_ptr<const Json> parsed = runtime::read_shared_json(*line.value());
    if (parsed == nullptr) {
      auto why = parse_json(*line.value());
      ASSERT(!why);
      co_return runtime::wrap(why.error(), "watch event");
    }
    const std::string type = text_at(*parsed, {"type"});
    if (!parsed->is_object() || !parsed->contains("object")) {
      Error corrupt(ErrorCode::corrupt, "watch event without object");
      co_return corrupt;
    }
    const Json& body = (*parsed)["object"];
    if (type == "ERROR") {
      const int status = int(integer_at(body, {"code"}, 500));
      co_return error_from_status(status, body.dump(), "watch");
    }
    WatchEventType event_type = WatchEventType::bookmark;
    if (type == "ADDED") {
      event_type = WatchEventType::added;
    } else if (type == "MODIFIED") {
      event_type = WatchEventType::modified;
    } else if (type == "DELETED") {
      event_type = WatchEventType::deleted;
    } else if (type != "BOOKMARK") {
      continue;  // a newer server's event: nothing we could do with it
    }
    std::optional<WatchEvent> event;
    event.emplace(event_type, ObjectPointer(parsed, &body));
    co_return event;
  }
}

Task<Result<Json>> KubernetesClient::create(ResourceType type, Json object, WriteOptions options) {
  if (!object.contains("apiVersion")) object["apiVersion"] = type.api_version();
  if (!object.contains("kind")) object["kind"] = type.kind;
  return send_json("POST", write_target(type.path(namespace_of(object)), options), runtime::json_text(object), "application/json", true);
}

Task<Result<Json>> KubernetesClient::update(ResourceType type, Json object, WriteOptions options) {
  ASSERT(!name_of(object).empty());
  if (!object.contains("apiVersion")) object["apiVersion"] = type.api_version();
  if (!object.contains("kind")) object["kind"] = type.kind;
  return send_json("PUT", write_target(type.path(namespace_of(object), name_of(object)), options), runtime::json_text(object), "application/json", true);
}

Task<Result<Json>> KubernetesClient::update_status(ResourceType type, Json object, WriteOptions options) {
  ASSERT(!name_of(object).empty());
  if (!object.contains("apiVersion")) object["apiVersion"] = type.api_version();
  if (!object.contains("kind")) object["kind"] = type.kind;
  return send_json("PUT", write_target(type.path(namespace_of(object), name_of(object), "status"), options), runtime::json_text(object),
                   "application/json", true);
}

Task<Result<Json>> KubernetesClient::patch(ResourceType type, std::string namespace_name, std::string name, PatchType patch_type,
                                           Json patch, std::string subresource, WriteOptions options) {
  ASSERT(!name.empty());
  return send_json("PATCH", write_target(type.path(namespace_name, name, subresource), options), runtime::json_text(patch),
                   std::string(content_type_of(patch_type)), true);
}

Task<Result<Json>> KubernetesClient::remove(ResourceType type, std::string namespace_name, std::string name, DeleteOptions options) {
  ASSERT(!name.empty());
  return send_json("DELETE", type.path(namespace_name, name), delete_body(options).dump(), "application/json", true);
}

Task<Result<Json>> KubernetesClient::remove_collection(ResourceType type, ListOptions which, DeleteOptions options) {
  return send_json("DELETE", list_target(type, which), delete_body(options).dump(), "application/json", true);
}

Task<Result<Json>> KubernetesClient::evict(std::string namespace_name, std::string pod, DeleteOptions options) {
  Json body = Json::object();
  body["apiVersion"] = "policy/v1";
  body["kind"] = "Eviction";
  body["metadata"]["name"] = pod;
  body["metadata"]["namespace"] = namespace_name;
  Json delete_options = delete_body(options);
  delete_options.erase("kind");
  delete_options.erase("apiVersion");
  if (!delete_options.empty()) body["deleteOptions"] = std::move(delete_options);
  return send_json("POST", types::pods.path(namespace_name, pod, "eviction"), runtime::json_text(body), "application/json", true);
}

Task<Result<Json>> KubernetesClient::bind(std::string namespace_name, std::string pod, std::string pod_uid, std::string node) {
  Json body = Json::object();
  body["apiVersion"] = "v1";
  body["kind"] = "Binding";
  body["metadata"]["name"] = pod;
  body["metadata"]["namespace"] = namespace_name;
  if (!pod_uid.empty()) body["metadata"]["uid"] = pod_uid;
  body["target"]["apiVersion"] = "v1";
  body["target"]["kind"] = "Node";
  body["target"]["name"] = node;
  return send_json("POST", types::pods.path(namespace_name, pod, "binding"), runtime::json_text(body), "application/json", true);
}

Task<Result<Json>> KubernetesClient::subresource(std::string method, ResourceType type, std::string namespace_name, std::string name,
                                                 std::string subresource, Json body) {
  const bool write = method != "GET";
  return send_json(std::move(method), type.path(namespace_name, name, subresource), body.is_null() ? "" : runtime::json_text(body), "application/json",
                   write);
}

Task<Result<Json>> KubernetesClient::update_with_retry(ResourceType type, std::string namespace_name, std::string name, Change change,
                                                       bool status) {
  Duration wait = std::chrono::milliseconds(10);
  for (int attempt = 1;; ++attempt) {
    auto current = co_await get(type, namespace_name, name);
    if (!current) co_return current.error();
    if (!change(current.value())) co_return std::move(current.value());
    auto updating = status ? update_status(type, std::move(current.value())) : update(type, std::move(current.value()));
    auto updated = co_await std::move(updating);
    if (updated || updated.error().code != ErrorCode::conflict || attempt >= conflict_retries_max) co_return updated;
    const Duration jittered = runtime_.random().between(wait, wait * 2);
    co_await runtime_.sleep_for(jittered);
    wait *= 2;
  }
}

}  // namespace skidpad::client
