#include "fakes/machine_provider/machine_provider.hpp"

#include "harness/client/machines/json_reader.hpp"

namespace skidpad::fakes::machine_provider {

using runtime::Error;
using runtime::ErrorCode;

namespace {

constexpr std::uint32_t hosts_per_block = 250;

HttpResponse json_response(int status, const Json& body) {
  HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = body.dump() + "\n";
  return response;
}

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid: return 400;
    case ErrorCode::unauthorized: return 401;
    case ErrorCode::forbidden: return 403;
    case ErrorCode::not_found: return 404;
    case ErrorCode::already_exists:
    case ErrorCode::conflict: return 409;
    case ErrorCode::unsupported: return 501;
    case ErrorCode::timeout: return 504;
    default: return 500;
  }
}

HttpResponse error_response(const Error& error) {
  return json_response(status_of(error.code), Json{{"error", Json{{"code", runtime::name(error.code)}, {"message", error.message}}}});
}

HttpResponse method_not_allowed(const HttpRequest& request) {
  return json_response(405, Json{{"error", Json{{"code", "invalid"}, {"message", request.method + " is not possible on " + std::string(request.path())}}}});
}

Error no_such_machine(const std::string& name) { return Error(ErrorCode::not_found, "machine " + name + ": there is none of that name"); }

/// "/v1/machines/a/power" -> {"v1","machines","a","power"}
std::vector<std::string> path_parts(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t slash = std::min(path.find('/'), path.size());
    std::string part;
    if (!runtime::percent_decode(path.substr(0, slash), part, false)) part = path.substr(0, slash);
    parts.push_back(std::move(part));
    path.remove_prefix(slash);
  }
  return parts;
}

std::string query_value(const HttpRequest& request, std::string_view key) {
  for (const auto& [name, value] : runtime::parse_query(request.query())) {
    if (name == key) return value;
  }
  return "";
}

HttpResponse machine_response(const Result<Machine>& machine, int status = 200) {
  return machine ? json_response(status, to_json(machine.value())) : error_response(machine.error());
}

HttpResponse done_response(const Result<void>& done) { return done ? json_response(200, Json::object()) : error_response(done.error()); }

Result<unsigned> parse_mode(const std::string& text) {
  if (text.empty()) return 0644U;
  unsigned mode = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '7' || mode > 07777) return invalid_field("mode", "octal digits such as 0644");
    mode = mode * 8 + static_cast<unsigned>(digit - '0');
  }
  if (mode > 07777) return invalid_field("mode", "octal digits such as 0644");
  return mode;
}

}  // namespace

MachineProvider::MachineProvider(Runtime& runtime, MachineBackend& backend, MachineProviderOptions options)
    : runtime_(runtime), backend_(backend), options_(std::move(options)), operations_(runtime.stop()) {}

MachineProvider::~MachineProvider() = default;

// --- operations ---

Result<MachineProvider::EntryPointer> MachineProvider::find(const std::string& name) {
  const auto found = machines_.find(name);
  if (found == machines_.end()) return no_such_machine(name);
  return found->second;
}

void MachineProvider::refresh(Machine& machine) const {
  if (machine.state != MachineState::running || backend_.alive(machine.spec.name)) return;
  machine.state = MachineState::off;
  machine.last_error = "its first process ended";
}

std::string MachineProvider::free_address() {
  // Addresses are handed out in turn, not lowest first: a replacement must not be taken for the machine it replaces.
  for (std::uint32_t tries = 0; tries < 254 * hosts_per_block; ++tries) {
    const std::uint32_t number = address_next_++ % (254 * hosts_per_block);
    if (number == 0) continue;
    const std::string address = backend_.address_prefix() + "." + std::to_string(1 + (number - 1) / hosts_per_block) + "." +
                                std::to_string(1 + (number - 1) % hosts_per_block);
    const bool taken = std::any_of(machines_.begin(), machines_.end(), [&](const auto& item) { return item.second->machine.spec.address == address; });
    if (!taken) return address;
  }
  ASSERT(false);
  return "";
}

Result<Machine> MachineProvider::create(MachineSpec spec) {
  if (machines_.size() >= options_.machine_count_max) {
    return Error(ErrorCode::forbidden, "quota: there are " + std::to_string(machines_.size()) + " machines, no more are allowed");
  }
  if (spec.name.empty()) {
    do {
      spec.name = "machine-" + runtime_.random().name_suffix(5);
    } while (machines_.count(spec.name) != 0);
  }
  if (machines_.count(spec.name) != 0) return Error(ErrorCode::already_exists, "name: there is a machine " + spec.name + " already");
  if (spec.address.empty()) {
    spec.address = free_address();
  } else {
    const std::string& prefix = backend_.address_prefix();
    if (!runtime::is_ipv4(spec.address) || spec.address.rfind(prefix + ".", 0) != 0 || spec.address.rfind(prefix + ".0.", 0) == 0) {
      return invalid_field("address", "an address from " + prefix + ".1.1 to " + prefix + ".254.250");
    }
    for (const auto& [name, entry] : machines_) {
      if (entry->machine.spec.address == spec.address) return Error(ErrorCode::already_exists, "address: machine " + name + " has it already");
    }
  }
  auto entry = std::make_shared<Entry>();
  entry->machine.spec = std::move(spec);
  entry->machine.root = backend_.root(entry->machine.spec.name);
  entry->machine.created = runtime_.wall_now();
  for (std::size_t i = 0; i < entry->machine.spec.files.size(); ++i) {
    if (auto file = expand(entry->machine.spec.files[i], entry->machine); !file) {
      return Error(ErrorCode::invalid, "files[" + std::to_string(i) + "]." + file.error().message);
    }
  }
  machines_[entry->machine.spec.name] = entry;
  runtime_.log().info("machine_requested", Json{{"machine", entry->machine.spec.name}, {"address", entry->machine.spec.address}});
  operations_.spawn("provision " + entry->machine.spec.name, provision(entry));
  return entry->machine;
}

Task<void> MachineProvider::provision(EntryPointer entry) {
  runtime::Mutex::Held held = co_await entry->operating.lock();
  if (options_.provisioning_delay > Duration{}) co_await runtime_.sleep_for(options_.provisioning_delay);
  if (entry->doomed) co_return;
  (void)co_await install_and_boot(entry);
}

Task<Result<void>> MachineProvider::install_and_boot(EntryPointer entry) {
  entry->machine.state = MachineState::provisioning;
  std::vector<MachineFile> files;
  for (const MachineFile& file : entry->machine.spec.files) {
    auto expanded = expand(file, entry->machine);
    if (!expanded) co_return expanded.error();
    files.push_back(std::move(expanded.value()));
  }
  auto installed = co_await backend_.install(entry->machine, std::move(files));
  if (!installed) {
    entry->machine.state = MachineState::off;
    entry->machine.last_error = installed.error().message;
    runtime_.log().warning("machine_install_failed", Json{{"machine", entry->machine.spec.name}, {"error", installed.error().message}});
    co_return installed.error();
  }
  co_return co_await boot(entry);
}

Task<Result<void>> MachineProvider::boot(EntryPointer entry) {
  Machine expanded = entry->machine;
  for (MachineUnit& unit : expanded.spec.units) unit = expand(unit, expanded);
  auto booted = co_await backend_.power_on(expanded);
  if (!booted) {
    entry->machine.state = MachineState::off;
    entry->machine.last_error = booted.error().message;
    runtime_.log().warning("machine_boot_failed", Json{{"machine", entry->machine.spec.name}, {"error", booted.error().message}});
    co_return booted.error();
  }
  entry->machine.state = MachineState::running;
  entry->machine.last_error.clear();
  ++entry->machine.boot_count;
  runtime_.log().info("machine_running", Json{{"machine", entry->machine.spec.name}, {"boot_count", entry->machine.boot_count}});
  co_return runtime::success();
}

Task<Result<void>> MachineProvider::carry_out(std::string name, Task<Result<void>> operation) {
  struct Outcome {
    std::optional<Result<void>> result;
    runtime::Event finished;
  };
  const auto outcome = std::make_shared<Outcome>();
  const auto run = [](std::shared_ptr<Outcome> shared, Task<Result<void>> task) -> Task<void> {
    shared->result.emplace(co_await task);
    shared->finished.set();
  };
  operations_.spawn(std::move(name), run(outcome, std::move(operation)));
  co_await outcome->finished.wait();
  co_return std::move(*outcome->result);
}

Result<Machine> MachineProvider::get(const std::string& name) {
  TRY(auto entry, find(name));
  refresh(entry->machine);
  return entry->machine;
}

std::vector<Machine> MachineProvider::list() {
  std::vector<Machine> machines;
  for (auto& [name, entry] : machines_) {
    refresh(entry->machine);
    machines.push_back(entry->machine);
  }
  return machines;
}

Task<Result<void>> MachineProvider::remove(std::string name) {
  auto entry = find(name);
  if (!entry) co_return entry.error();
  entry.value()->doomed = true;
  entry.value()->machine.state = MachineState::deleting;
  Task<Result<void>> operation = remove_now(entry.value());
  co_return co_await carry_out("remove " + name, std::move(operation));
}

Task<Result<void>> MachineProvider::remove_now(EntryPointer entry) {
  runtime::Mutex::Held held = co_await entry->operating.lock();
  const std::string name = entry->machine.spec.name;
  const auto found = machines_.find(name);
  if (found == machines_.end() || found->second != entry) co_return runtime::success();  // another request was first
  entry->machine.state = MachineState::deleting;
  auto destroyed = co_await backend_.destroy(name);
  if (destroyed) {
    machines_.erase(name);
    runtime_.log().info("machine_deleted", Json{{"machine", name}});
  } else {
    entry->machine.last_error = destroyed.error().message;
  }
  co_return destroyed;
}

Task<Result<Machine>> MachineProvider::set_power(std::string name, bool on) {
  auto entry = find(name);
  if (!entry) co_return entry.error();
  Task<Result<void>> operation = set_power_now(entry.value(), on);
  auto done = co_await carry_out("power " + name, std::move(operation));
  if (!done) co_return done.error();
  co_return get(name);
}

Task<Result<void>> MachineProvider::set_power_now(EntryPointer entry, bool on) {
  runtime::Mutex::Held held = co_await entry->operating.lock();
  const std::string name = entry->machine.spec.name;
  if (entry->doomed) {
    Error error(ErrorCode::conflict, "machine " + name + " is being deleted");
    co_return error;
  }
  refresh(entry->machine);
  if (on && entry->machine.state == MachineState::running) co_return runtime::success();
  if (on) co_return co_await boot(entry);
  auto done = co_await backend_.power_off(name);
  entry->machine.state = MachineState::off;
  entry->machine.last_error = done ? "" : done.error().message;
  runtime_.log().info("machine_off", Json{{"machine", name}});
  co_return done;
}

Task<Result<Machine>> MachineProvider::reinstall(std::string name, InstallRequest request) {
  auto entry = find(name);
  if (!entry) co_return entry.error();
  for (std::size_t i = 0; i < request.files.size(); ++i) {
    auto file = expand(request.files[i], entry.value()->machine);
    if (file) continue;
    Error error(ErrorCode::invalid, "files[" + std::to_string(i) + "]." + file.error().message);
    co_return error;
  }
  Task<Result<void>> operation = reinstall_now(entry.value(), std::move(request));
  auto done = co_await carry_out("reinstall " + name, std::move(operation));
  if (!done) co_return done.error();
  co_return get(name);
}

Task<Result<void>> MachineProvider::reinstall_now(EntryPointer entry, InstallRequest request) {
  runtime::Mutex::Held held = co_await entry->operating.lock();
  const std::string name = entry->machine.spec.name;
  if (entry->doomed) {
    Error error(ErrorCode::conflict, "machine " + name + " is being deleted");
    co_return error;
  }
  auto off = co_await backend_.power_off(name);
  if (!off) co_return off.error();
  entry->machine.spec.files = std::move(request.files);
  entry->machine.spec.units = std::move(request.units);
  co_return co_await install_and_boot(entry);
}

// --- HTTP ---

MachineProvider::Access MachineProvider::access_of(const HttpRequest& request) const {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view header = request.headers.get("Authorization");
  if (header.substr(0, scheme.size()) != scheme) return Access::none;
  const std::string_view token = header.substr(scheme.size());
  if (token.empty()) return Access::none;
  if (token == options_.admin_token) return Access::admin;
  return token == options_.user_token ? Access::user : Access::none;
}

Task<void> MachineProvider::handle(const HttpRequest& request, HttpResponder& responder) {
  HttpResponse response = co_await respond(request);
  (void)co_await responder.send(std::move(response));
}

Task<HttpResponse> MachineProvider::respond(const HttpRequest& request) {
  if (request.path() == "/healthz") {
    HttpResponse healthy;
    healthy.body = "ok";
    co_return healthy;
  }
  const Access access = access_of(request);
  if (access == Access::none) co_return error_response(Error(ErrorCode::unauthorized, "Authorization: expected \"Bearer TOKEN\" with a token of this provider"));
  const std::vector<std::string> parts = path_parts(request.path());
  const bool machines = parts.size() >= 2 && parts[0] == "v1" && parts[1] == "machines" && parts.size() <= 4;
  const bool links = parts.size() == 2 && parts[0] == "v1" && parts[1] == "links";
  if (!machines && !links) co_return error_response(Error(ErrorCode::not_found, std::string(request.path()) + ": there is nothing here; see /v1/machines"));
  const std::string name = parts.size() > 2 ? parts[2] : "";
  const std::string verb = parts.size() > 3 ? parts[3] : "";
  const bool for_admin = links || verb == "files" || verb == "processes" || verb == "signal" || verb == "pause";
  if (for_admin && access != Access::admin) co_return error_response(Error(ErrorCode::forbidden, std::string(request.path()) + " needs the administrator's token"));
  if (links) co_return respond_links(request);
  if (verb == "files") co_return respond_files(request, name);
  if (for_admin) co_return respond_faults(request, name, verb);
  co_return co_await respond_machine(request, name, verb);
}

Task<HttpResponse> MachineProvider::respond_machine(const HttpRequest& request, std::string name, std::string verb) {
  Json body = Json::object();
  if (!request.body.empty()) {
    auto parsed = runtime::parse_json(request.body);
    if (!parsed) co_return error_response(Error(ErrorCode::invalid, "body: " + parsed.error().message));
    body = std::move(parsed.value());
  }
  if (name.empty()) {
    if (request.method == "GET") {
      Json machines = Json::array();
      for (const Machine& machine : list()) machines.push_back(to_json(machine));
      co_return json_response(200, Json{{"machines", std::move(machines)}});
    }
    if (request.method != "POST") co_return method_not_allowed(request);
    auto spec = machine_spec_from_json(body);
    if (!spec) co_return error_response(spec.error());
    co_return machine_response(create(std::move(spec.value())), 201);
  }
  if (verb.empty()) {
    if (request.method == "GET") co_return machine_response(get(name));
    if (request.method != "DELETE") co_return method_not_allowed(request);
    auto removed = co_await remove(name);
    co_return done_response(removed);
  }
  if (verb != "power" && verb != "reinstall") co_return error_response(Error(ErrorCode::not_found, std::string(request.path()) + ": there is nothing here"));
  if (request.method != "POST") co_return method_not_allowed(request);
  if (verb == "power") {
    JsonReader reader(body, "");
    const std::string state = reader.text("state", true);
    if (state != "on" && state != "off") reader.refuse("state", "\"on\" or \"off\"");
    if (auto finished = reader.finish(); !finished) co_return error_response(finished.error());
    auto machine = co_await set_power(name, state == "on");
    co_return machine_response(machine);
  }
  auto install = install_request_from_json(body);
  if (!install) co_return error_response(install.error());
  auto machine = co_await reinstall(name, std::move(install.value()));
  co_return machine_response(machine);
}

HttpResponse MachineProvider::respond_files(const HttpRequest& request, const std::string& name) {
  auto entry = find(name);
  if (!entry) return error_response(entry.error());
  MachineFile wanted;
  wanted.path = query_value(request, "path");
  if (wanted.path.empty() || (wanted.path[0] != '/' && wanted.path.rfind("${ROOT}/", 0) != 0)) return error_response(invalid_field("path", "an absolute path"));
  auto file = expand(wanted, entry.value()->machine);
  if (!file) return error_response(file.error());
  if (request.method == "GET") {
    auto content = backend_.read_file(name, file.value().path);
    if (!content) return error_response(content.error());
    HttpResponse response;
    response.headers.set("Content-Type", "application/octet-stream");
    response.body = std::move(content.value());
    return response;
  }
  if (request.method == "DELETE") return done_response(backend_.remove_file(name, file.value().path));
  if (request.method != "PUT") return method_not_allowed(request);
  auto mode = parse_mode(query_value(request, "mode"));
  if (!mode) return error_response(mode.error());
  file.value().content = request.body;
  file.value().mode = mode.value();
  return done_response(backend_.write_file(name, file.value()));
}

HttpResponse MachineProvider::respond_faults(const HttpRequest& request, const std::string& name, const std::string& verb) {
  if (auto entry = find(name); !entry) return error_response(entry.error());
  if (verb == "processes") {
    if (request.method != "GET") return method_not_allowed(request);
    auto processes = backend_.processes(name);
    if (!processes) return error_response(processes.error());
    Json list = Json::array();
    for (const MachineProcess& process : processes.value()) list.push_back(to_json(process));
    return json_response(200, Json{{"processes", std::move(list)}});
  }
  if (request.method != "POST") return method_not_allowed(request);
  auto body = runtime::parse_json(request.body);
  if (!body) return error_response(Error(ErrorCode::invalid, "body: " + body.error().message));
  JsonReader reader(body.value(), "");
  if (verb == "pause") {
    if (!reader.value("paused").is_boolean()) reader.refuse("paused", "true or false");
    const bool paused = reader.boolean("paused", false);
    if (auto finished = reader.finish(); !finished) return error_response(finished.error());
    return done_response(backend_.set_paused(name, paused));
  }
  const std::int64_t pid = reader.integer("pid", 0, 1, INT32_MAX);
  if (pid == 0) reader.refuse("pid", "a process id");
  const std::int64_t start_time = reader.integer("start_time", 0, 0, INT64_MAX);
  const std::int64_t signal = reader.integer("signal", 0, 1, 64);
  if (signal == 0) reader.refuse("signal", "a signal's number");
  if (auto finished = reader.finish(); !finished) return error_response(finished.error());
  return done_response(backend_.signal_process(name, pid, static_cast<std::uint64_t>(start_time), static_cast<int>(signal)));
}

HttpResponse MachineProvider::respond_links(const HttpRequest& request) {
  if (request.method == "GET") {
    auto links = backend_.links();
    if (!links) return error_response(links.error());
    Json list = Json::array();
    for (const LinkStatus& link : links.value()) list.push_back(to_json(link));
    return json_response(200, Json{{"links", std::move(list)}});
  }
  if (request.method == "DELETE") return done_response(backend_.heal_all_links());
  if (request.method != "PUT") return method_not_allowed(request);
  auto body = runtime::parse_json(request.body);
  if (!body) return error_response(Error(ErrorCode::invalid, "body: " + body.error().message));
  JsonReader reader(body.value(), "");
  const Json& list = reader.list("links");
  if (list.empty()) reader.refuse("links", "a list of at least one link");
  if (auto finished = reader.finish(); !finished) return error_response(finished.error());
  std::vector<LinkChange> changes;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string field = "links[" + std::to_string(i) + "]";
    auto read = link_changes_from_json(list[i], field);
    if (!read) return error_response(read.error());
    for (LinkChange& change : read.value()) {
      for (const std::string& end : {change.link.from, change.link.to}) {
        if (end != provider_port_name && machines_.count(end) == 0) return error_response(Error(ErrorCode::not_found, field + ": there is no machine " + end));
      }
      changes.push_back(std::move(change));
    }
  }
  return done_response(backend_.change_links(changes));
}

}  // namespace skidpad::fakes::machine_provider
