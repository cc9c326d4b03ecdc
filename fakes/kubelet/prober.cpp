#include "fakes/kubelet/prober.hpp"

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

Task<ProbeAnswer> ask_exec(runtime::Runtime& runtime, ProbeSpec spec, runtime::ProcessSpec command) {
  const std::string name = command.executable;
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
