#include "harness/client/machines/machine_provider_client.hpp"

namespace skidpad::client::machines {

using runtime::Error;
using runtime::ErrorCode;

namespace {

constexpr Duration poll_interval = std::chrono::milliseconds(3);
constexpr Duration poll_interval_max = std::chrono::seconds(1);

runtime::HttpClientOptions http_options(const MachineProviderClientOptions& options) {
  runtime::HttpClientOptions http;
  http.servers.push_back(options.server);
  http.request_timeout = options.request_timeout;
  return http;
}

std::string machine_target(const std::string& name, const std::string& verb = "") {
  return "/v1/machines/" + runtime::percent_encode(name) + (verb.empty() ? "" : "/" + verb);
}

std::string file_target(const std::string& name, const std::string& path) { return machine_target(name, "files") + "?path=" + runtime::percent_encode(path); }

Error error_of(const std::string& doing, const runtime::HttpResponse& response) {
  std::string message = response.body.substr(0, 200);
  if (const auto body = runtime::parse_json(response.body)) message = runtime::text_at(body.value(), {"error", "message"}, message);
  const ErrorCode code = response.status == 400   ? ErrorCode::invalid
                         : response.status == 401 ? ErrorCode::unauthorized
                         : response.status == 403 ? ErrorCode::forbidden
                         : response.status == 404 ? ErrorCode::not_found
                         : response.status == 409 ? ErrorCode::conflict
                         : response.status == 501 ? ErrorCode::unsupported
                                                  : ErrorCode::unavailable;
  return Error(code, doing + ": " + message, response.status, "");
}

}  // namespace

MachineProviderClient::MachineProviderClient(Runtime& runtime, MachineProviderClientOptions options)
    : runtime_(runtime), token_(options.token), http_(runtime, http_options(options)) {}

Task<Result<std::string>> MachineProviderClient::send(std::string method, std::string target, std::string body) {
  runtime::HttpRequest request;
  request.method = method;
  request.target = target;
  request.headers.set("Authorization", "Bearer " + token_);
  if (!body.empty()) request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  auto response = co_await http_.request(std::move(request));
  if (!response) co_return runtime::wrap(response.error(), "machine provider: " + method + " " + target);
  if (response.value().status >= 300) co_return error_of("machine provider: " + method + " " + target, response.value());
  co_return std::move(response.value().body);
}

Task<Result<Json>> MachineProviderClient::send_json(std::string method, std::string target, std::string body) {
  auto answer = co_await send(std::move(method), std::move(target), std::move(body));
  if (!answer) co_return answer.error();
  co_return runtime::parse_json(answer.value());
}

Task<Result<Machine>> MachineProviderClient::send_for_machine(std::string method, std::string target, std::string body) {
  auto answer = co_await send_json(std::move(method), std::move(target), std::move(body));
  if (!answer) co_return answer.error();
  co_return machine_from_json(answer.value());
}

Task<Result<Machine>> MachineProviderClient::create(MachineSpec spec) { return send_for_machine("POST", "/v1/machines", to_json(spec).dump()); }

Task<Result<Machine>> MachineProviderClient::get(std::string name) { return send_for_machine("GET", machine_target(name), ""); }

Task<Result<std::vector<Machine>>> MachineProviderClient::list() {
  auto answer = co_await send_json("GET", "/v1/machines", "");
  if (!answer) co_return answer.error();
  std::vector<Machine> machines;
  for (const Json& item : runtime::list_at(answer.value(), {"machines"})) {
    auto machine = machine_from_json(item);
    if (!machine) co_return machine.error();
    machines.push_back(std::move(machine.value()));
  }
  co_return machines;
}

Task<Result<void>> MachineProviderClient::remove(std::string name) {
  auto answer = co_await send("DELETE", machine_target(name), "");
  if (!answer) co_return answer.error();
  co_return runtime::success();
}

Task<Result<Machine>> MachineProviderClient::set_power(std::string name, bool on) {
  const Json body{{"state", on ? "on" : "off"}};
  return send_for_machine("POST", machine_target(name, "power"), body.dump());
}

Task<Result<Machine>> MachineProviderClient::reinstall(std::string name, InstallRequest request) {
  return send_for_machine("POST", machine_target(name, "reinstall"), to_json(request).dump());
}

Task<Result<Machine>> MachineProviderClient::wait_until_running(std::string name, Duration timeout) {
  const runtime::Instant begun = runtime_.now();
  const runtime::Instant due = begun + timeout;
  for (;;) {
    auto machine = co_await get(name);
    if (!machine) co_return machine.error();
    if (machine.value().state == MachineState::running) co_return std::move(machine.value());
    const std::string state(machines::name(machine.value().state));
    if (machine.value().state == MachineState::off) {
      Error error(ErrorCode::unavailable, "machine " + name + " is Off: " + machine.value().last_error);
      co_return error;
    }
    if (runtime_.now() >= due) {
      Error error(ErrorCode::timeout, "machine " + name + " is still " + state + " after " + runtime::format_go_duration(timeout));
      co_return error;
    }
    // A machine that took long so far may take longer: an answer holds all its files, and a minute of provisioning is common.
    const Duration waited = runtime_.now() - begun;
    co_await runtime_.sleep_for(std::clamp<Duration>(waited / 16, poll_interval, poll_interval_max));
  }
}

Task<bool> MachineProviderClient::is_healthy() {
  auto answer = co_await send("GET", "/healthz", "");
  co_return answer.has_value();
}

Task<Result<std::string>> MachineProviderClient::read_file(std::string machine, std::string path) { return send("GET", file_target(machine, path), ""); }

Task<Result<void>> MachineProviderClient::write_file(std::string machine, MachineFile file) {
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", file.mode & 07777);
  auto answer = co_await send("PUT", file_target(machine, file.path) + "&mode=" + mode, std::move(file.content));
  if (!answer) co_return answer.error();
  co_return runtime::success();
}

Task<Result<void>> MachineProviderClient::remove_file(std::string machine, std::string path) {
  auto answer = co_await send("DELETE", file_target(machine, path), "");
  if (!answer) co_return answer.error();
  co_return runtime::success();
}

Task<Result<std::vector<MachineProcess>>> MachineProviderClient::processes(std::string machine) {
  auto answer = co_await send_json("GET", machine_target(machine, "processes"), "");
  if (!answer) co_return answer.error();
  std::vector<MachineProcess> processes;
  for (const Json& item : runtime::list_at(answer.value(), {"processes"})) {
    auto process = machine_process_from_json(item);
    if (!process) co_return process.error();
    processes.push_back(std::move(process.value()));
  }
  co_return processes;
}

Task<Result<void>> MachineProviderClient::signal_process(std::string machine, MachineProcess process, int signal) {
  const Json body{{"pid", process.pid}, {"start_time", process.start_time}, {"signal", signal}};
  auto answer = co_await send("POST", machine_target(machine, "signal"), body.dump());
  if (!answer) co_return answer.error();
  co_return runtime::success();
}

Task<Result<void>> MachineProviderClient::set_paused(std::string machine, bool paused) {
  const Json body{{"paused", paused}};
  auto answer = co_await send("POST", machine_target(machine, "pause"), body.dump());
  if (!answer) co_return answer.error();
  co_return runtime::success();
}

Task<Result<void>> MachineProviderClient::change_links(std::vector<LinkChange> changes) {
  Json list = Json::array();
  for (const LinkChange& change : changes) list.push_back(to_json(change));
  const Json body{{"links", std::move(list)}};
  auto answer = co_await send("PUT", "/v1/links", body.dump());
  if (!answer) co_return answer.error();
  co_return runtime::success();
}

Task<Result<void>> MachineProviderClient::heal_all_links() {
  auto answer = co_await send("DELETE", "/v1/links", "");
  if (!answer) co_return answer.error();
  co_return runtime::success();
}

Task<Result<std::vector<LinkStatus>>> MachineProviderClient::links() {
  auto answer = co_await send_json("GET", "/v1/links", "");
  if (!answer) co_return answer.error();
  std::vector<LinkStatus> links;
  for (const Json& item : runtime::list_at(answer.value(), {"links"})) {
    auto link = link_status_from_json(item);
    if (!link) co_return link.error();
    links.push_back(std::move(link.value()));
  }
  co_return links;
}

}  // namespace skidpad::client::machines
