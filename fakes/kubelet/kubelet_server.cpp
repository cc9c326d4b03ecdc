#include "fakes/kubelet/kubelet_server.hpp"

#include "fakes/kubelet/container_logs.hpp"
#include "fakes/kubelet/exec_session.hpp"
#include "fakes/kubelet/port_forward.hpp"
#include "harness/client/kubernetes/object.hpp"

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

constexpr std::size_t run_output_bytes_max = 1 << 20;

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

KubeletServer::KubeletServer(runtime::Runtime& runtime, client::KubernetesClient* client, const KubeletOptions& options, KubeletView& view, client::Metrics& metrics)
    : runtime_(runtime),
      options_(options),
      access_(runtime, client, options),
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

Task<void> KubeletServer::answer(const HttpRequest& request, HttpResponder& responder) {
  const std::string path(request.path());
  const auto requester = co_await access_.authenticate(request);
  if (!requester) {
    co_await reply(responder, 401, "Unauthorized");
    co_return;
  }
  const std::string verb = api_verb(request.method);
  const std::string subresource = node_subresource(path);
  if (!co_await access_.authorize(*requester, verb, subresource)) {
    co_await reply(responder, 403, "Forbidden (user=" + requester->name + ", verb=" + verb + ", resource=nodes, subresource=" + subresource + ")");
    co_return;
  }
  co_await answer_authorized(request, responder);
}

Task<void> KubeletServer::answer_authorized(const HttpRequest& request, HttpResponder& responder) {
  const std::string path(request.path());
  std::vector<std::string> parts = path_parts(path);
  const std::string what = parts.empty() ? "" : parts[0];
  if (path == "/healthz" || path == "/healthz/ping" || path == "/healthz/syncloop") {
    co_await reply(responder, 200, "ok");
  } else if (what == "exec" || what == "attach" || what == "portForward" || what == "run" || what == "containerLogs") {
    const bool reads_only = what == "containerLogs";
    const bool writes_only = what == "run";
    if ((request.method == "GET" && !writes_only) || (request.method == "POST" && !reads_only)) co_await answer_about_pod(request, responder, std::move(parts));
    else co_await reply(responder, 405, "405: Method Not Allowed");
  } else if (request.method != "GET") {
    co_await reply(responder, 405, "405: Method Not Allowed");
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
  } else {
    co_await reply(responder, 404, "404 page not found\n");
  }
}

Task<void> KubeletServer::answer_about_pod(const HttpRequest& request, HttpResponder& responder, std::vector<std::string> parts) {
  const bool forwards = parts[0] == "portForward";
  const std::size_t fixed = forwards ? 3 : 4;
  if (parts.size() != fixed && parts.size() != fixed + 1) {
    co_await reply(responder, 404, "404 page not found\n");
    co_return;
  }
  const Pod* pod = view_.pod_named(parts[1], parts[2]);
  const bool by_uid = parts.size() == fixed + 1 && parts[0] != "containerLogs";
  if (pod == nullptr || (by_uid && pod->uid() != parts[3])) {
    co_await reply(responder, 404, "pod \"" + parts[2] + "\" does not exist");
    co_return;
  }
  if (forwards) {
    ForwardedPod forwarded;
    forwarded.full_name = parts[2] + "_" + parts[1];
    forwarded.uid = pod->uid();
    forwarded.address = pod->address();
    if (forwarded.address.empty()) co_await reply(responder, 500, "pod not found (\"" + forwarded.full_name + "\")");
    else co_await serve_port_forward(runtime_, request, responder, std::move(forwarded));
    co_return;
  }
  const std::string container = parts.back();
  if (parts[0] == "containerLogs") {
    co_await send_logs(request, responder, std::move(parts));
    co_return;
  }
  const ContainerState* state = pod->container_state(container);
  if (state == nullptr || state->phase != ContainerState::Phase::running) {
    co_await reply(responder, 500, "container not found (\"" + container + "\")");
    co_return;
  }
  const StreamOptions options = parse_stream_options(request.query());
  if (parts[0] == "attach") {
    const int instance = state->restart_count;
    const auto runs = [this, parts, container, instance] {
      const Pod* now = view_.pod_named(parts[1], parts[2]);
      const ContainerState* running = now == nullptr ? nullptr : now->container_state(container);
      return running != nullptr && running->phase == ContainerState::Phase::running && running->restart_count == instance;
    };
    const std::string log = pod->log_path(container, false);
    const std::string input = pod->input_pipe(container);
    co_await serve_attach(runtime_, request, responder, options, log, input, runs);
    co_return;
  }
  std::vector<std::string> words;
  for (auto& [name, value] : runtime::parse_query(request.query())) {
    if (name == (parts[0] == "run" ? "cmd" : "command")) words.push_back(std::move(value));
  }
  if (parts[0] == "run" && words.size() == 1) {
    // One parameter holds the whole command line.
    std::vector<std::string> split;
    std::istringstream text(words[0]);
    for (std::string word; text >> word;) split.push_back(word);
    words = std::move(split);
  }
  if (words.empty()) {
    co_await reply(responder, 400, "a command is needed");
    co_return;
  }
  runtime::ProcessSpec spec = pod->command_beside(container, words);
  if (parts[0] == "run") {
    co_await run_command(request, responder, std::move(spec));
  } else if (!options.input && !options.output && !options.error) {
    co_await reply(responder, 400, "you must specify at least 1 of stdin, stdout, stderr");
  } else {
    co_await serve_exec(runtime_, request, responder, options, std::move(spec), std::move(words));
  }
}

Task<void> KubeletServer::run_command(const HttpRequest&, HttpResponder& responder, runtime::ProcessSpec spec) {
  auto ran = co_await runtime_.processes().run(std::move(spec), run_output_bytes_max);
  if (!ran) {
    co_await reply(responder, 500, ran.error().message);
  } else if (ran.value().status.code != 0) {
    co_await reply(responder, 500, "command exited with " + std::to_string(ran.value().status.code) + ": " + ran.value().output);
  } else {
    co_await reply(responder, 200, std::move(ran.value().output));
  }
}

Task<void> KubeletServer::send_logs(const HttpRequest& request, HttpResponder& responder, std::vector<std::string> parts) {
  const std::string& container = parts[3];
  const auto options = parse_log_options(request.query(), runtime_.wall_now());
  if (!options) {
    co_await reply(responder, 422, "{\"message\":" + Json(options.error().message).dump() + "}");
    co_return;
  }
  const Pod* pod = view_.pod_named(parts[1], parts[2]);
  const ContainerState* state = pod->container_state(container);
  if (state == nullptr) {
    co_await reply(responder, 404, "container \"" + container + "\" not found in pod \"" + parts[2] + "\"");
    co_return;
  }
  const std::string named = "container \"" + container + "\" in pod \"" + parts[2] + "\"";
  const bool ended_before = state->last_termination || (state->termination && state->phase == ContainerState::Phase::waiting);
  if (options.value().previous && !ended_before) {
    co_await reply(responder, 400, "previous terminated " + named + " not found");
    co_return;
  }
  if (!options.value().previous && state->phase == ContainerState::Phase::waiting && !state->termination && !state->last_termination) {
    const std::string why = state->waiting_reason == "ErrImagePull"       ? "image can't be pulled"
                            : state->waiting_reason == "ImagePullBackOff" ? "trying and failing to pull image"
                                                                          : state->waiting_reason;
    co_await reply(responder, 400, named + " is waiting to start: " + why);
    co_return;
  }
  // While it waits for its restart, the instance that has ended is both the present and the previous one.
  const bool waits = state->phase == ContainerState::Phase::waiting && state->termination;
  const int instance = state->restart_count;
  const std::string path = pod->log_path(container, options.value().previous && !waits);
  const auto grows = [this, parts, container, instance] {
    const Pod* now = view_.pod_named(parts[1], parts[2]);
    const ContainerState* running = now == nullptr ? nullptr : now->container_state(container);
    return running != nullptr && running->phase == ContainerState::Phase::running && running->restart_count == instance;
  };
  co_await stream_log(runtime_, responder, path, options.value(), grows);
}

}  // namespace skidpad::fakes::kubelet
