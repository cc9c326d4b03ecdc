// Subresources that lead to a node or a pod: log, exec, attach, portforward, and the proxies of nodes, pods and services.
#include <charconv>

#include "fakes/kube_apiserver/server/api_server.hpp"
#include "fakes/kube_apiserver/server/stream_translator.hpp"
#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/http/upgrade.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

/// Where a request goes on to.
struct Backend {
  Backend() {}
  runtime::HttpClientOptions client;
  std::string target;  ///< path and query
  std::string host() const { return client.servers.front().address + ":" + std::to_string(client.servers.front().port); }
};

std::string with_query(std::string path, const std::string& query) { return query.empty() ? path : path + "?" + query; }

void add_parameter(std::string& query, const std::string& name, const std::string& value) {
  query += (query.empty() ? "" : "&") + name + "=" + runtime::percent_encode(value);
}

bool flag(const Request& request, const char* name) { return query_flag(request.query, name); }

/// "scheme:name:port", each but the name may be missing.
struct ProxyName {
  std::string scheme, name, port;
};

ProxyName split_proxy_name(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(':', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  ProxyName name;
  if (parts.size() == 1) {
    name.name = parts[0];
  } else if (parts.size() == 2) {
    name.name = parts[0];
    name.port = parts[1];
  } else if (parts.size() == 3 && (parts[0].empty() || parts[0] == "http" || parts[0] == "https")) {
    name.scheme = parts[0];
    name.name = parts[1];
    name.port = parts[2];
  }
  if (name.name.empty()) throw bad_request("invalid proxy request \"" + text + "\"");
  return name;
}

std::uint16_t port_number(const std::string& text) {
  std::uint16_t port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? port : 0;
}

/// What follows ".../proxy" in the path as it was sent, with its escapes.
std::string path_behind_proxy(const Request& request) {
  const std::string_view path = request.http.path();
  std::size_t skipped = request.info.object_namespace.empty() || request.resource->kind == "Node" ? 5 : 7;
  std::size_t at = 0;
  for (; skipped > 0 && at < path.size(); --skipped) {
    while (at < path.size() && path[at] == '/') ++at;
    while (at < path.size() && path[at] != '/') ++at;
  }
  return std::string(path.substr(at));
}

bool is_hop_by_hop(std::string_view name) {
  for (const char* each : {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}) {
    if (runtime::equal_ignoring_case(name, each)) return true;
  }
  return false;
}

/// The kubelet of a node. Its address is looked for as `--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname` says.
Backend kubelet_of(Store& store, const std::string& node, const ServerOptions& options) {
  const ObjectPtr host = store.cached("/registry/minions/" + node);
  std::string address;
  if (host) {
    for (const char* type : {"InternalIP", "ExternalIP", "Hostname"}) {
      for (const Json& each : list_at(host->value(), {"status", "addresses"})) {
        if (text_at(each, {"type"}) == type && address.empty()) address = text_at(each, {"address"});
      }
    }
  }
  if (address.empty()) throw internal_error("no preferred addresses found; known addresses: []");
  const std::int64_t port = integer_at(host->value(), {"status", "daemonEndpoints", "kubeletEndpoint", "Port"});
  Backend backend;
  backend.client.servers.push_back(runtime::Endpoint{address, static_cast<std::uint16_t>(port == 0 ? 10250 : port)});
  backend.client.tls = options.kubelet_client;
  return backend;
}

/// The container asked for, or the only one.
std::string container_of(const Json& spec, const std::string& pod, const std::string& asked) {
  if (!asked.empty()) {
    for (const char* list : {"containers", "initContainers", "ephemeralContainers"}) {
      for (const Json& each : list_at(spec, {list})) {
        if (text_at(each, {"name"}) == asked) return asked;
      }
    }
    throw bad_request("container " + asked + " is not valid for pod " + pod);
  }
  const Json& containers = list_at(spec, {"containers"});
  if (containers.size() == 1) return text_at(containers[0], {"name"});
  const auto names = [&](const char* list) {
    std::string text;
    for (const Json& each : list_at(spec, {list})) text += (text.empty() ? "" : " ") + text_at(each, {"name"});
    return text;
  };
  std::string message = "a container name must be specified for pod " + pod + ", choose one of: [" + names("containers") + "]";
  if (!list_at(spec, {"initContainers"}).empty()) message += " or one of the init containers: [" + names("initContainers") + "]";
  if (!list_at(spec, {"ephemeralContainers"}).empty()) message += " or one of the ephemeral containers: [" + names("ephemeralContainers") + "]";
  throw bad_request(message);
}

std::string log_query(const Request& request) {
  FieldErrors errors;
  std::string query;
  for (const char* name : {"follow", "previous", "timestamps"}) {
    if (flag(request, name)) add_parameter(query, name, "true");
  }
  for (const auto& [name, low] : {std::pair{"limitBytes", 1}, {"sinceSeconds", 1}, {"tailLines", 0}}) {
    if (!query_has(request.query, name)) continue;
    const std::string text = query_value(request.query, name);
    std::int64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) throw bad_request("strconv.ParseInt: parsing " + in_quotes(text) + ": invalid syntax");
    if (number < low) errors.push_back(invalid_value(name, text, low == 0 ? "must be greater than or equal to 0" : "must be greater than 0"));
    add_parameter(query, name, text);
  }
  const std::string since = query_value(request.query, "sinceTime");
  if (!since.empty()) {
    if (query_has(request.query, "sinceSeconds")) errors.push_back(forbidden_value("", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
    add_parameter(query, "sinceTime", since);
  }
  if (!errors.empty()) throw invalid("", "PodLogOptions", request.info.name, errors);
  return query;
}

/// As url.Values encodes them: by name.
std::string exec_query(const Request& request, const StreamWishes& wishes) {
  std::string query;
  for (const auto& [name, value] : request.query) {
    if (name == "command") add_parameter(query, name, value);
  }
  if (wishes.error) add_parameter(query, "error", "1");
  if (wishes.input) add_parameter(query, "input", "1");
  if (wishes.output) add_parameter(query, "output", "1");
  if (wishes.terminal) add_parameter(query, "tty", "1");
  return query;
}

Backend pod_backend(const Request& request, const Json& pod) {
  const ProxyName name = split_proxy_name(request.info.name);
  std::uint16_t port = port_number(name.port);
  for (const Json& container : list_at(pod, {"spec", "containers"})) {
    for (const Json& each : list_at(container, {"ports"})) {
      if (port == 0 && (name.port.empty() || text_at(each, {"name"}) == name.port)) port = static_cast<std::uint16_t>(integer_at(each, {"containerPort"}));
    }
  }
  const std::string address = text_at(pod, {"status", "podIP"});
  if (address.empty()) throw bad_request("address not allowed");
  Backend backend;
  backend.client.servers.push_back(runtime::Endpoint{address, static_cast<std::uint16_t>(port != 0 ? port : name.scheme == "https" ? 443 : 80)});
  if (name.scheme == "https") {
    backend.client.tls.emplace();
    backend.client.tls->insecure = true;
  }
  return backend;
}

ApiError unavailable(const std::string& message) { return ApiError(503, "ServiceUnavailable", message); }

/// Any ready endpoint of the service, drawn.
Backend service_backend(Store& store, const Request& request, runtime::Random& random) {
  const ProxyName wanted = split_proxy_name(request.info.name);
  const ObjectPtr service = store.cached("/registry/services/specs/" + request.info.object_namespace + "/" + wanted.name);
  if (!service) throw not_found(*request.resource, wanted.name);
  std::string port_name = wanted.port;
  if (const std::uint16_t number = port_number(wanted.port); number != 0) {
    bool known = false;
    for (const Json& port : list_at(service->value(), {"spec", "ports"})) {
      if (known || integer_at(port, {"port"}) != number) continue;
      port_name = text_at(port, {"name"});
      known = true;
    }
    if (!known) throw unavailable("no service port " + std::to_string(number) + " found for service " + in_quotes(wanted.name));
  }
  const ObjectPtr endpoints = store.cached("/registry/services/endpoints/" + request.info.object_namespace + "/" + wanted.name);
  std::vector<runtime::Endpoint> ready;
  for (const Json& subset : endpoints ? list_at(endpoints->value(), {"subsets"}) : Json::array()) {
    for (const Json& port : list_at(subset, {"ports"})) {
      if (text_at(port, {"name"}) != port_name) continue;
      for (const Json& address : list_at(subset, {"addresses"})) {
        ready.push_back(runtime::Endpoint{text_at(address, {"ip"}), static_cast<std::uint16_t>(integer_at(port, {"port"}))});
      }
    }
  }
  if (ready.empty()) throw unavailable("no endpoints available for service " + in_quotes(wanted.name));
  Backend backend;
  backend.client.servers.push_back(ready[static_cast<std::size_t>(random.below(ready.size()))]);
  if (wanted.scheme == "https") {
    backend.client.tls.emplace();
    backend.client.tls->insecure = true;
  }
  return backend;
}

HttpRequest forwarded(const Request& request, const Backend& backend, bool upgrade) {
  HttpRequest onward;
  onward.method = request.http.method;
  onward.target = backend.target;
  onward.body = request.http.body;
  onward.headers.set("Host", backend.host());
  for (const auto& [name, value] : request.http.headers.fields()) {
    if (runtime::equal_ignoring_case(name, "Host") || runtime::equal_ignoring_case(name, "Authorization") || is_hop_by_hop(name)) continue;
    onward.headers.add(name, value);
  }
  if (upgrade) {
    onward.headers.set("Connection", "Upgrade");
    onward.headers.set("Upgrade", std::string(request.http.headers.get("Upgrade")));
  }
  onward.headers.add("X-Forwarded-For", request.http.remote.address);
  return onward;
}

/// An answer of the backend goes to the client as it comes.
Task<Answer> pass_on(runtime::Runtime& runtime, const Request& request, Backend backend, HttpResponder& responder, bool& streamed) {
  const bool upgrade = runtime::is_upgrade_request(request.http);
  runtime::HttpClient client(runtime, backend.client);
  const std::string url = std::string(backend.client.tls ? "https://" : "http://") + backend.host() + backend.target;
  HttpRequest onward = forwarded(request, backend, upgrade);
  const bool head_only = onward.method == "HEAD";
  if (head_only) {
    auto head = co_await client.request(std::move(onward));
    if (!head) throw unavailable("error trying to reach service: " + head.error().message);
    Answer answer(head.value().status, "", "");
    for (const auto& [name, value] : head.value().headers.fields()) {
      if (!is_hop_by_hop(name)) answer.headers.add(name, value);
    }
    co_return answer;
  }
  auto answer = co_await client.open_stream(std::move(onward));
  if (!answer) {
    if (request.info.subresource == "proxy") throw unavailable("error trying to reach service: " + answer.error().message);
    throw internal_error("Get \"" + url + "\": " + answer.error().message);
  }
  const int status = answer.value().status();
  if (request.info.subresource == "log" && status >= 400) {
    // As the real server's response checker: the kubelet's text becomes a Status.
    std::string text;
    while (text.size() < 2048) {
      auto more = co_await answer.value().read_some();
      if (!more || more.value().empty()) break;
      text += more.value();
    }
    if (status == 400) throw bad_request(text);
    if (status == 500) throw internal_error(text);
    throw ApiError(status, status == 404 ? "NotFound" : "InternalError", "the server could not find the requested resource ( pods/log " + request.info.name + ")");
  }
  streamed = true;
  if (status == 101) {
    std::string from_backend;
    std::string from_client;
    runtime::HttpHeaders headers = answer.value().headers();
    const auto backend_side = answer.value().take_connection(from_backend);
    auto client_side = co_await runtime::switch_protocols(responder, std::move(headers), from_client);
    if (client_side && !from_backend.empty()) (void)co_await client_side.value()->write(std::move(from_backend));
    if (!from_client.empty()) (void)co_await backend_side->write(std::move(from_client));
    if (client_side) co_await runtime::carry(*client_side.value(), *backend_side, false);
    co_return Answer(101, "", "");
  }
  runtime::HttpHeaders headers;
  for (const auto& [name, value] : answer.value().headers().fields()) {
    if (!is_hop_by_hop(name)) headers.add(name, value);
  }
  if (status == 204 || status == 304) {
    streamed = false;
    Answer empty(status, "", "");
    empty.headers = std::move(headers);
    co_return empty;
  }
  const auto started = co_await responder.start_stream(status, std::move(headers));
  bool complete = false;
  while (started) {
    auto bytes = co_await answer.value().read_some();
    complete = bytes && bytes.value().empty();
    if (!bytes || complete) break;
    const auto written = co_await responder.write_chunk(std::move(bytes.value()));
    if (!written) break;
  }
  // A body that broke off must look so to the client, too: then the last chunk is missing.
  if (complete) (void)co_await responder.end_stream();
  co_return Answer(status, "", "");
}

/// Ends when the client of a stream is gone: the backend may have nothing to say for a long time.
Task<void> notice_gone(runtime::Event& disconnected, runtime::StopState& stop) {
  co_await disconnected.wait();
  stop.request_stop();
}

}  // namespace

Task<Answer> ApiServer::connect(Request& request, runtime::HttpResponder& responder, bool& streamed) {
  const std::string& sub = request.info.subresource;
  const std::string& kind = request.resource->kind;
  const std::string query(request.http.query());
  if (sub == "proxy") {
    Backend backend;
    if (kind == "Node") {
      const ProxyName name = split_proxy_name(request.info.name);
      backend = kubelet_of(store_, name.name, options_);
      if (!name.port.empty()) {
        backend.client.servers.front().port = port_number(name.port);
        if (name.scheme != "https") backend.client.tls.reset();
      }
    } else if (kind == "Pod") {
      const ProxyName name = split_proxy_name(request.info.name);
      const ObjectPtr pod = store_.cached(request.scope_prefix() + name.name);
      if (!pod) throw not_found(*request.resource, name.name);
      backend = pod_backend(request, pod->value());
    } else {
      backend = service_backend(store_, request, random_);
    }
    std::string path = path_behind_proxy(request);
    if (path.empty() && (request.http.method == "GET" || request.http.method == "HEAD") && !runtime::is_upgrade_request(request.http)) {
      Answer moved(301, "", "");
      moved.headers.add("Location", with_query(std::string(request.http.path()) + "/", query));
      co_return moved;
    }
    backend.target = with_query(path.empty() ? "/" : path, query);
    co_return co_await pass_on(runtime_, request, std::move(backend), responder, streamed);
  }

  (void)co_await store_.wait_until_fresh();
  const ObjectPtr pod = store_.cached(request.key());
  if (!pod) throw not_found(*request.resource, request.info.name);
  const Json& spec = find(pod->value(), {"spec"});
  const std::string& name = request.info.name;
  const std::string in_namespace = request.info.object_namespace + "/" + name;
  const std::string container = sub == "portforward" ? "" : container_of(spec, name, query_value(request.query, "container"));
  const std::string parameters = sub == "log" ? log_query(request) : "";
  const std::string node = text_at(spec, {"nodeName"});
  if (node.empty()) {
    if (sub == "log") co_return Answer(204, "", "");
    throw bad_request("pod " + name + " does not have a host assigned");
  }
  Backend backend = kubelet_of(store_, node, options_);
  if (sub == "log") {
    backend.target = with_query("/containerLogs/" + in_namespace + "/" + container, parameters);
    Task<Answer> passing = pass_on(runtime_, request, std::move(backend), responder, streamed);
    runtime::StopState stop(co_await runtime::CurrentStop());
    runtime::TaskGroup watching(co_await runtime::CurrentStop());
    watching.spawn("client_gone", notice_gone(responder.disconnected(), stop));
    passing.use_stop_state(stop);
    Answer answer;
    try {
      answer = co_await passing;
    } catch (const runtime::Cancelled&) {
      streamed = true;
    }
    co_return answer;
  }
  if (!runtime::is_upgrade_request(request.http)) throw bad_request("Upgrade request required");
  if (sub == "portforward") {
    std::string ports;
    for (const auto& [key, value] : request.query) {
      if (key == "ports") add_parameter(ports, "port", value);
    }
    backend.target = with_query("/portForward/" + in_namespace, ports);
    if (offers_protocol(request.http, tunnel_protocol)) {
      streamed = true;
      co_await tunnel_port_forward(runtime_, request.http, responder, std::move(backend.client), std::move(backend.target));
      co_return Answer(101, "", "");
    }
    co_return co_await pass_on(runtime_, request, std::move(backend), responder, streamed);
  }
  StreamWishes wishes;
  wishes.input = flag(request, "stdin");
  wishes.output = flag(request, "stdout");
  wishes.error = flag(request, "stderr");
  wishes.terminal = flag(request, "tty");
  backend.target = with_query("/" + sub + "/" + in_namespace + "/" + container, exec_query(request, wishes));
  if (offers_protocol(request.http, stream_close_protocol)) {
    streamed = true;
    co_await translate_streams(runtime_, request.http, responder, std::move(backend.client), std::move(backend.target), wishes);
    co_return Answer(101, "", "");
  }
  co_return co_await pass_on(runtime_, request, std::move(backend), responder, streamed);
}

}  // namespace skidpad::fakes::kube_apiserver
