#include "fakes/kubelet/kubelet_server.hpp"

#include <charconv>

namespace skidpad::fakes::kubelet {

using runtime::Error;
using runtime::ErrorCode;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::Result;
using runtime::success;
using runtime::Task;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t log_chunk_bytes_max = 256 * 1024;
constexpr std::size_t decisions_max = 1000;

/// Takes the parts, since g++ 12 destroys an aggregate made inside a co_await expression twice.
Task<void> reply(HttpResponder& responder, int status, std::string body, std::string type = "text/plain; charset=utf-8") {
  HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", std::move(type));
  response.body = std::move(body);
  (void)co_await responder.send(std::move(response));
}

std::vector<std::string> path_parts(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 1; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    std::string part;
    if (!runtime::percent_decode(path.substr(begin, end - begin), part, false)) part = std::string(path.substr(begin, end - begin));
    if (!part.empty()) parts.push_back(std::move(part));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

std::string last_lines(const std::string& text, std::size_t count) {
  if (count == 0) return "";
  std::size_t position = text.size();
  if (position > 0 && text[position - 1] == '\n') --position;
  while (count > 0 && position > 0) {
    const auto found = text.rfind('\n', position - 1);
    if (found == std::string::npos) return text;
    position = found;
    --count;
  }
  return position == 0 && count > 0 ? text : text.substr(position + 1);
}

KubeletServer::KubeletServer(runtime::Runtime& runtime, client::KubernetesClient* client, const KubeletOptions& options, KubeletView& view, client::Metrics& metrics)
    : runtime_(runtime),
      client_(client),
      options_(options),
      view_(view),
      metrics_(metrics),
      server_(runtime, [this](const HttpRequest& request, HttpResponder& responder) { return answer(request, responder); }),
      healthz_server_(runtime, [this](const HttpRequest& request, HttpResponder& responder) { return answer_healthz(request, responder); }) {}

Task<void> KubeletServer::run() {
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  tasks.spawn("server", serve_tls());
  if (options_.healthz_port != 0) tasks.spawn("healthz", serve_healthz());
  co_await tasks.join();
}

Task<void> KubeletServer::serve_healthz() {
  runtime::ListenOptions listen;
  listen.at.address = options_.healthz_address;
  listen.at.port = options_.healthz_port;
  while (true) {
    auto listener = runtime_.network().listen(listen);
    if (listener) co_await healthz_server_.serve(std::move(listener.value()));
    else runtime_.log().warning("healthz_not_served", {{"error", listener.error().message}});
    co_await runtime_.sleep_for(10s);
  }
}

Task<void> KubeletServer::serve_tls() {
  while (true) {
    runtime::ListenOptions listen;
    listen.at.address = options_.address == "0.0.0.0" ? "" : options_.address;
    listen.at.port = options_.port;
    auto tls = tls_options();
    if (tls) {
      listen.tls = std::move(tls.value());
      auto listener = runtime_.network().listen(std::move(listen));
      if (listener) co_await server_.serve(std::move(listener.value()));
      else runtime_.log().warning("kubelet_port_not_served", {{"error", listener.error().message}});
    } else {
      runtime_.log().warning("kubelet_port_not_served", {{"error", tls.error().message}});
    }
    co_await runtime_.sleep_for(10s);
  }
}

Result<runtime::TlsServerOptions> KubeletServer::tls_options() {
  auto& disk = runtime_.disk();
  runtime::TlsServerOptions tls;
  if (!options_.client_ca_file.empty()) {
    TRY(tls.client_ca_pem, disk.read(options_.client_ca_file));
  }
  const bool given = !options_.tls_certificate_file.empty();
  const std::string certificate_path = given ? options_.tls_certificate_file : options_.certificate_directory + "/kubelet.crt";
  const std::string key_path = given ? options_.tls_key_file : options_.certificate_directory + "/kubelet.key";
  if (!given && (!disk.exists(certificate_path) || !disk.exists(key_path))) {
    // Self-signed, as the real kubelet makes it when none is given.
    TRY(const auto ca, runtime_.pki().make_ca(options_.node_name + "-ca", std::chrono::hours(24 * 365)));
    runtime::CertificateSpec spec;
    spec.common_name = options_.node_name;
    spec.dns_names = {options_.node_name};
    spec.ip_addresses = {options_.node_ip};
    spec.server = true;
    TRY(const auto pair, runtime_.pki().issue(ca, spec));
    TRY(disk.make_directories(options_.certificate_directory, 0750));
    TRY(disk.write_atomically(key_path, pair.key_pem, 0600));
    TRY(disk.write_atomically(certificate_path, pair.certificate_pem + ca.certificate_pem, 0644));
  }
  TRY(tls.certificate_pem, disk.read(certificate_path));
  TRY(tls.key_pem, disk.read(key_path));
  return tls;
}

Task<void> KubeletServer::answer_healthz(const HttpRequest& request, HttpResponder& responder) {
  const bool known = request.path() == "/healthz";
  const int status = known ? 200 : 404;
  const std::string body = known ? "ok" : "404 page not found\n";
  co_await reply(responder, status, body);
}

/// Real mapping of paths to node subresources: pkg/kubelet/server/auth.go.
Task<void> KubeletServer::answer(const HttpRequest& request, HttpResponder& responder) {
  const std::string path(request.path());
  if (!request.peer.verified && !options_.anonymous) {
    co_await reply(responder, 401, "Unauthorized");
    co_return;
  }
  std::string subresource = "proxy";
  if (path.starts_with("/stats")) subresource = "stats";
  if (path.starts_with("/metrics")) subresource = "metrics";
  if (path.starts_with("/logs")) subresource = "log";
  const std::string verb = request.method == "POST" ? "create" : "get";
  if (!co_await may(request.peer, verb, subresource, path)) {
    const std::string user = request.peer.verified ? request.peer.common_name : "system:anonymous";
    co_await reply(responder, 403, "Forbidden (user=" + user + ", verb=" + verb + ", resource=nodes, subresource=" + subresource + ")");
    co_return;
  }
  if (request.method != "GET") {
    co_await reply(responder, 405, "Method Not Allowed\n");
  } else if (path == "/healthz" || path == "/healthz/ping" || path == "/healthz/syncloop") {
    co_await reply(responder, 200, "ok");
  } else if (path == "/pods" || path == "/pods/" || path == "/runningpods/") {
    Json list = Json::object();
    list["kind"] = "PodList";
    list["apiVersion"] = "v1";
    list["metadata"] = Json::object();
    list["items"] = Json::array();
    for (Json& pod : view_.pods()) {
      if (path == "/runningpods/" && runtime::text_at(pod, {"status", "phase"}) != "Running") continue;
      list["items"].push_back(std::move(pod));
    }
    co_await reply(responder, 200, list.dump(), "application/json");
  } else if (path == "/metrics") {
    co_await reply(responder, 200, metrics_.text(), "text/plain; version=0.0.4; charset=utf-8");
  } else if (path == "/stats/summary") {
    co_await reply(responder, 200, view_.stats_summary().dump(), "application/json");
  } else if (path.starts_with("/containerLogs/")) {
    co_await send_logs(request, responder);
  } else {
    co_await reply(responder, 404, "404 page not found\n");
  }
}

Task<bool> KubeletServer::may(runtime::PeerIdentity peer, std::string verb, std::string subresource, std::string path) {
  if (!options_.webhook_authorization || path.starts_with("/healthz")) co_return true;
  const std::string user = peer.verified ? peer.common_name : "system:anonymous";
  if (std::find(peer.organizations.begin(), peer.organizations.end(), "system:masters") != peer.organizations.end()) co_return true;
  if (client_ == nullptr) co_return false;
  const std::string key = user + "\n" + verb + "\n" + subresource;
  const auto known = decisions_.find(key);
  if (known != decisions_.end() && runtime_.now() < known->second.until) co_return known->second.allowed;
  Json review = Json::object();
  review["apiVersion"] = "authorization.k8s.io/v1";
  review["kind"] = "SubjectAccessReview";
  review["spec"]["user"] = user;
  review["spec"]["groups"] = peer.organizations;
  review["spec"]["groups"].push_back(peer.verified ? "system:authenticated" : "system:unauthenticated");
  Json& attributes = review["spec"]["resourceAttributes"];
  attributes["verb"] = verb;
  attributes["version"] = "v1";
  attributes["resource"] = "nodes";
  attributes["subresource"] = subresource;
  attributes["name"] = options_.node_name;
  auto answer = co_await client_->raw("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review.dump());
  if (!answer) co_return false;
  const auto parsed = runtime::parse_json(answer.value());
  Decision decision;
  decision.allowed = parsed && runtime::bool_at(parsed.value(), {"status", "allowed"});
  decision.until = runtime_.now() + (decision.allowed ? std::chrono::seconds(300) : std::chrono::seconds(30));
  if (decisions_.size() >= decisions_max) decisions_.clear();
  decisions_[key] = decision;
  co_return decision.allowed;
}

Task<void> KubeletServer::send_logs(const HttpRequest& request, HttpResponder& responder) {
  const auto parts = path_parts(request.path());
  if (parts.size() != 4) {
    co_await reply(responder, 400, "expected /containerLogs/NAMESPACE/POD/CONTAINER");
    co_return;
  }
  bool follow = false;
  bool previous = false;
  std::optional<std::size_t> lines;
  for (const auto& [name, value] : runtime::parse_query(request.query())) {
    if (name == "follow") follow = value == "true" || value == "1";
    if (name == "previous") previous = value == "true" || value == "1";
    std::size_t count = 0;
    if (name == "tailLines" && std::from_chars(value.data(), value.data() + value.size(), count).ec == std::errc()) lines = count;
  }
  const std::string path = view_.log_path(parts[1], parts[2], parts[3], previous);
  auto& disk = runtime_.disk();
  auto text = disk.read(path);
  if (path.empty() || !text) {
    const std::string which = previous ? "previous terminated container" : "container";
    const int status = path.empty() ? 404 : 400;
    co_await reply(responder, status, which + " \"" + parts[3] + "\" in pod \"" + parts[2] + "\" not found");
    co_return;
  }
  std::uint64_t offset = text.value().size();
  const std::string shown = lines ? last_lines(text.value(), *lines) : std::move(text.value());
  if (!follow) {
    co_await reply(responder, 200, shown);
    co_return;
  }
  runtime::HttpHeaders headers;
  headers.set("Content-Type", "text/plain; charset=utf-8");
  if (!co_await responder.start_stream(200, headers)) co_return;
  if (!shown.empty() && !co_await responder.write_chunk(shown)) co_return;
  while (!responder.disconnected().is_set()) {
    auto more = disk.read_from(path, offset, log_chunk_bytes_max);
    if (!more) break;
    if (!more.value().empty()) {
      offset += more.value().size();
      if (!co_await responder.write_chunk(std::move(more.value()))) co_return;
      continue;
    }
    // The log of an instance that was replaced does not grow any more.
    if (view_.log_path(parts[1], parts[2], parts[3], previous) != path) break;
    co_await responder.disconnected().wait_for(runtime_, 100ms);
  }
  (void)co_await responder.end_stream();
}

}  // namespace skidpad::fakes::kubelet
