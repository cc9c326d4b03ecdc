#include "harness/client/machines/machine.hpp"

#include "harness/client/machines/json_reader.hpp"
#include "harness/runtime/network.hpp"

namespace skidpad::client::machines {

namespace {

constexpr std::size_t name_length_max = 63;

/// DNS label, as Kubernetes wants node names; it is also a directory and a cgroup.
bool is_label(std::string_view text) {
  if (text.empty() || text.size() > name_length_max || text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

/// As systemd allows, without '/': it names a log file.
bool is_unit_name(std::string_view text) {
  if (text.empty() || text.size() > name_length_max || text.front() == '.') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

MachineFile read_file(const Json& json, const std::string& path, JsonReader& outer) {
  JsonReader reader(json, path);
  MachineFile file;
  file.path = reader.text("path", true);
  if (!file.path.empty() && file.path[0] != '/' && file.path.rfind("${ROOT}/", 0) != 0) {
    reader.refuse(reader.path_of("path"), "an absolute path");
  }
  file.content = reader.text("content");
  file.mode = static_cast<unsigned>(reader.integer("mode", 0644, 0, 07777));
  if (auto finished = reader.finish(); !finished) {
    const std::string& message = finished.error().message;
    const std::size_t colon = message.find(": expected ");
    outer.refuse(message.substr(0, colon), message.substr(colon + 11));
  }
  return file;
}

MachineUnit read_unit(const Json& json, const std::string& path, JsonReader& outer) {
  JsonReader reader(json, path);
  MachineUnit unit;
  unit.name = reader.text("name", true);
  if (!is_unit_name(unit.name)) reader.refuse(reader.path_of("name"), "up to 63 letters, digits, '-', '_' or '.'");
  unit.argv = reader.text_list("argv", true);
  unit.env = reader.text_map("env");
  unit.restart_seconds = reader.number("restart_seconds", 1, 0, 3600);
  if (auto finished = reader.finish(); !finished) {
    const std::string& message = finished.error().message;
    const std::size_t colon = message.find(": expected ");
    outer.refuse(message.substr(0, colon), message.substr(colon + 11));
  }
  return unit;
}

void read_install(JsonReader& reader, std::vector<MachineFile>& files, std::vector<MachineUnit>& units) {
  const Json& file_list = reader.list("files");
  for (std::size_t i = 0; i < file_list.size(); ++i) {
    files.push_back(read_file(file_list[i], reader.path_of("files") + "[" + std::to_string(i) + "]", reader));
  }
  const Json& unit_list = reader.list("units");
  std::set<std::string> names;
  for (std::size_t i = 0; i < unit_list.size(); ++i) {
    const std::string path = reader.path_of("units") + "[" + std::to_string(i) + "]";
    units.push_back(read_unit(unit_list[i], path, reader));
    if (!names.insert(units.back().name).second) reader.refuse(path + ".name", "a name that no other unit has");
  }
}

Json to_json(const MachineFile& file) { return Json{{"path", file.path}, {"content", file.content}, {"mode", file.mode}}; }
Json to_json(const MachineUnit& unit) {
  return Json{{"name", unit.name}, {"argv", unit.argv}, {"env", unit.env}, {"restart_seconds", unit.restart_seconds}};
}
void put_install(const std::vector<MachineFile>& files, const std::vector<MachineUnit>& units, Json& json) {
  json["files"] = Json::array();
  for (const MachineFile& file : files) json["files"].push_back(to_json(file));
  json["units"] = Json::array();
  for (const MachineUnit& unit : units) json["units"].push_back(to_json(unit));
}

constexpr std::string_view state_names[] = {"Provisioning", "Running", "Off", "Deleting"};

/// False if ".." climbs above the start.
bool stays_below(std::string_view path) {
  int depth = 0;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    depth += part == ".." ? -1 : 1;
    if (depth < 0) return false;
  }
  return true;
}

}  // namespace

std::string_view name(MachineState state) { return state_names[static_cast<std::size_t>(state)]; }

std::string pod_cidr_of(const std::string& address) {
  const std::size_t last = address.rfind('.');
  if (last == std::string::npos) return "";
  const std::size_t third = address.rfind('.', last - 1);
  return address.substr(0, third + 1) + std::to_string(std::stoi(address.substr(last + 1)) + 1) + ".0/24";
}

std::string expand(std::string_view text, const Machine& machine) {
  const std::string pod_cidr = pod_cidr_of(machine.spec.address);
  const std::pair<std::string_view, const std::string&> variables[] = {
      {"${ROOT}", machine.root}, {"${NAME}", machine.spec.name}, {"${ADDRESS}", machine.spec.address}, {"${POD_CIDR}", pod_cidr}};
  std::string expanded;
  while (!text.empty()) {
    const std::size_t dollar = std::min(text.find("${"), text.size());
    expanded += text.substr(0, dollar);
    text.remove_prefix(dollar);
    if (text.empty()) break;
    const auto* variable = std::find_if(std::begin(variables), std::end(variables), [&](const auto& v) { return text.substr(0, v.first.size()) == v.first; });
    if (variable == std::end(variables)) {
      expanded += "${";
      text.remove_prefix(2);
    } else {
      expanded += variable->second;
      text.remove_prefix(variable->first.size());
    }
  }
  return expanded;
}

MachineUnit expand(const MachineUnit& unit, const Machine& machine) {
  MachineUnit expanded = unit;
  for (std::string& argument : expanded.argv) argument = expand(argument, machine);
  for (auto& [key, value] : expanded.env) value = expand(value, machine);
  return expanded;
}

Result<MachineFile> expand(const MachineFile& file, const Machine& machine) {
  MachineFile expanded = file;
  constexpr std::string_view root_variable = "${ROOT}";
  std::string_view below = file.path;
  if (below.substr(0, root_variable.size()) == root_variable) below.remove_prefix(root_variable.size());
  const std::string rest = expand(below, machine);
  if (!stays_below(rest)) return invalid_field("path", "a path below the machine's disk, not \"" + file.path + "\"");
  // A path may come back as the machine itself sees it, with its root in front.
  const bool rooted = !machine.root.empty() && rest.rfind(machine.root + "/", 0) == 0;
  expanded.path = rooted ? rest : machine.root + rest;
  expanded.content = expand(file.content, machine);
  return expanded;
}

Result<MachineSpec> machine_spec_from_json(const Json& json) {
  JsonReader reader(json, "");
  MachineSpec spec;
  spec.name = reader.text("name");
  if (!spec.name.empty() && !is_label(spec.name)) reader.refuse("name", "up to 63 small letters, digits or '-', not at the ends");
  if (spec.name == "provider") reader.refuse("name", "another name than \"provider\"");
  spec.address = reader.text("address");
  if (!spec.address.empty() && !runtime::is_ipv4(spec.address)) reader.refuse("address", "an IPv4 address");
  spec.labels = reader.text_map("labels");
  const std::string role = reader.text("role");
  if (!role.empty()) spec.labels["role"] = role;
  read_install(reader, spec.files, spec.units);
  TRY(reader.finish());
  return spec;
}

Result<InstallRequest> install_request_from_json(const Json& json) {
  JsonReader reader(json, "");
  InstallRequest request;
  read_install(reader, request.files, request.units);
  TRY(reader.finish());
  return request;
}

Json to_json(const MachineSpec& spec) {
  Json json{{"name", spec.name}, {"address", spec.address}, {"labels", spec.labels}};
  put_install(spec.files, spec.units, json);
  return json;
}

Json to_json(const InstallRequest& request) {
  Json json = Json::object();
  put_install(request.files, request.units, json);
  return json;
}

Json to_json(const Machine& machine) {
  Json json{{"name", machine.spec.name},     {"address", machine.spec.address},   {"labels", machine.spec.labels},
            {"state", name(machine.state)},  {"root", machine.root},              {"boot_count", machine.boot_count},
            {"last_error", machine.last_error}, {"created", runtime::format_rfc3339_micro(machine.created)}};
  json["units"] = Json::array();
  for (const MachineUnit& unit : machine.spec.units) json["units"].push_back(to_json(unit));
  return json;
}

Result<Machine> machine_from_json(const Json& json) {
  JsonReader reader(json, "machine");
  Machine machine;
  machine.spec.name = reader.text("name", true);
  machine.spec.address = reader.text("address", true);
  machine.spec.labels = reader.text_map("labels");
  machine.root = reader.text("root");
  machine.boot_count = static_cast<std::uint64_t>(reader.integer("boot_count", 0, 0, INT64_MAX));
  machine.last_error = reader.text("last_error");
  if (!runtime::parse_rfc3339(reader.text("created"), machine.created)) reader.refuse("machine.created", "an RFC 3339 time");
  const std::string state = reader.text("state", true);
  const auto* found = std::find(std::begin(state_names), std::end(state_names), state);
  if (found == std::end(state_names)) {
    reader.refuse("machine.state", "Provisioning, Running, Off or Deleting");
  } else {
    machine.state = static_cast<MachineState>(found - std::begin(state_names));
  }
  std::vector<MachineFile> no_files;
  read_install(reader, no_files, machine.spec.units);
  TRY(reader.finish());
  return machine;
}

Json to_json(const MachineProcess& process) {
  return Json{{"pid", process.pid}, {"parent_pid", process.parent_pid}, {"start_time", process.start_time},
              {"argv", process.argv}, {"state", process.state}};
}

Result<MachineProcess> machine_process_from_json(const Json& json) {
  JsonReader reader(json, "process");
  MachineProcess process;
  process.pid = reader.integer("pid", 0, 1, INT64_MAX);
  process.parent_pid = reader.integer("parent_pid", 0, 0, INT64_MAX);
  process.start_time = static_cast<std::uint64_t>(reader.integer("start_time", 0, 0, INT64_MAX));
  process.argv = reader.text_list("argv");
  process.state = reader.text("state");
  TRY(reader.finish());
  return process;
}

}  // namespace skidpad::client::machines
