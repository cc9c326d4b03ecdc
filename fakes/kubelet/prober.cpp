#include "fakes/kubelet/prober.hpp"

#include "fakes/kubelet/grpc_health.hpp"
#include "harness/runtime/http/http_client.hpp"

namespace skidpad::fakes::kubelet {

using runtime::ErrorCode;
using runtime::Task;

namespace {

constexpr std::size_t output_bytes_max = 10 * 1024;  // as the real prober's maxRespBodyLength

std::string clipped(std::string text) {
  if (text.size() > 256) text.resize(256);
  return text;
}

Task<ProbeAnswer> ask_tcp(runtime::Runtime& runtime, ProbeSpec spec, std::string address) {
  runtime::ConnectOptions options;
  options.to.address = spec.host.empty() ? address : spec.host;
  options.to.port = static_cast<std::uint16_t>(spec.port);
  options.timeout = spec.timeout;
  auto connection = co_await runtime.network().connect(options);
  ProbeAnswer answer;
  answer.success = connection.has_value();
  if (!connection) answer.output = "dial tcp " + to_text(options.to) + ": " + connection.error().message;
  co_return answer;
}

Task<runtime::Result<std::optional<int>>> check_health(runtime::Runtime& runtime, runtime::ConnectOptions options, std::string service) {
  const std::string authority = to_text(options.to);
  CO_TRY(const auto connection, co_await runtime.network().connect(std::move(options)));
  CO_TRY(co_await connection->write(health_check_request(authority, service)));
  HealthCheckAnswer answer;
  while (!answer.done()) {
    CO_TRY(const std::string bytes, co_await connection->read_some());
    if (bytes.empty()) break;
    CO_TRY(std::string reply, answer.put(bytes));
    if (reply.empty()) continue;
    CO_TRY(co_await connection->write(std::move(reply)));
  }
  co_return answer.status();
}

Task<ProbeAnswer> ask_grpc(runtime::Runtime& runtime, ProbeSpec spec, std::string address) {
  runtime::ConnectOptions options;
  options.to.address = spec.host.empty() ? address : spec.host;
  options.to.port = static_cast<std::uint16_t>(spec.port);
  options.timeout = spec.timeout;
  const std::string server = to_text(options.to);
  Task<runtime::Result<std::optional<int>>> checking = check_health(runtime, std::move(options), spec.service);
  const auto checked = co_await runtime::with_timeout<std::optional<int>>(runtime, spec.timeout, std::move(checking), "gRPC health check");
  ProbeAnswer answer;
  if (!checked) {
    answer.output = "timeout: failed to connect service \"" + server + "\" within " + runtime::format_go_duration(spec.timeout) + ": " + checked.error().message;
    if (checked.error().code != ErrorCode::timeout) answer.output = "error: health rpc failed: " + checked.error().message;
  } else if (!checked.value()) {
    answer.output = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)";
  } else {
    constexpr const char* names[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    const int status = *checked.value();
    answer.success = status == 1;
    if (!answer.success) answer.output = "service unhealthy (responded with \"" + std::string(status >= 0 && status < 4 ? names[status] : "?") + "\")";
  }
  co_return answer;
}

Task<ProbeAnswer> ask_exec(runtime::Runtime& runtime, ProbeSpec spec, runtime::ProcessSpec command) {
  std::string name;
  for (const std::string& word : spec.command) name += (name.empty() ? "" : " ") + word;
  auto ran = co_await runtime::with_timeout(runtime, spec.timeout, runtime.processes().run(std::move(command), output_bytes_max), "exec probe");
  ProbeAnswer answer;
  if (!ran) {
    answer.output = ran.error().code == ErrorCode::timeout ? "command timed out: \"" + name + "\" timed out after " + runtime::format_go_duration(spec.timeout)
                                                           : ran.error().message;
    co_return answer;
  }
  answer.success = ran.value().status.code == 0;
  answer.output = clipped(std::move(ran.value().output));
  co_return answer;
}

}  // namespace

Task<ProbeAnswer> ask_http(runtime::Runtime& runtime, ProbeSpec spec, std::string address) {
  runtime::HttpClientOptions options;
  runtime::Endpoint server;
  server.address = spec.host.empty() ? address : spec.host;
  server.port = static_cast<std::uint16_t>(spec.port);
  options.servers.push_back(server);
  options.connect_timeout = spec.timeout;
  options.request_timeout = spec.timeout;
  options.idle_connections_max = 0;
  const bool tls = spec.scheme == "HTTPS" || spec.scheme == "https";
  if (tls) {
    options.tls.emplace();
    options.tls->insecure = true;  // as the real prober: it asks whether the container answers, not who it is
  }
  const std::string url = std::string(tls ? "https" : "http") + "://" + to_text(server) + spec.path;
  runtime::HttpRequest request;
  request.target = spec.path;
  request.headers.set("User-Agent", "kube-probe/1.32");
  request.headers.set("Accept", "*/*");
  request.headers.set("Connection", "close");
  for (const auto& [name, value] : spec.headers) request.headers.set(name, value);
  runtime::HttpClient client(runtime, std::move(options));
  auto response = co_await client.request(std::move(request), spec.timeout);
  ProbeAnswer answer;
  if (!response) {
    answer.output = "Get \"" + url + "\": " + response.error().message;
  } else {
    answer.success = response.value().status >= 200 && response.value().status < 400;
    if (!answer.success) answer.output = "HTTP probe failed with statuscode: " + std::to_string(response.value().status);
  }
  co_return answer;
}

Task<ProbeAnswer> ask(runtime::Runtime& runtime, ProbeSpec spec, std::string address, runtime::ProcessSpec command) {
  switch (spec.action) {
    case ProbeSpec::Action::http_get: co_return co_await ask_http(runtime, std::move(spec), std::move(address));
    case ProbeSpec::Action::tcp_socket: co_return co_await ask_tcp(runtime, std::move(spec), std::move(address));
    case ProbeSpec::Action::grpc: co_return co_await ask_grpc(runtime, std::move(spec), std::move(address));
    case ProbeSpec::Action::exec: co_return co_await ask_exec(runtime, std::move(spec), std::move(command));
  }
  co_return ProbeAnswer();
}

std::string find_executable(runtime::Disk& disk, const std::string& command) {
  if (command.find('/') != std::string::npos) return command;
  for (const char* directory : {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
    if (disk.exists(directory + command)) return directory + command;
  }
  return command;
}

}  // namespace skidpad::fakes::kubelet
