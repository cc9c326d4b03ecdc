#include "harness/driver/process/machine_boot.hpp"

#include "harness/client/machines/json_reader.hpp"

namespace skidpad::driver::process {

std::string_view name(Isolation isolation) { return isolation == Isolation::namespaces ? "namespaces" : "loopback"; }

Result<Isolation> parse_isolation(std::string_view text) {
  for (const Isolation isolation : {Isolation::namespaces, Isolation::loopback}) {
    if (name(isolation) == text) return isolation;
  }
  return Error(ErrorCode::invalid, "isolation: expected namespaces or loopback, not \"" + std::string(text) + "\"");
}

Json to_json(const MachineBoot& boot) {
  Json units = Json::array();
  for (const MachineUnit& unit : boot.units) {
    units.push_back(Json{{"name", unit.name}, {"argv", unit.argv}, {"env", unit.env}, {"restart_seconds", unit.restart_seconds}});
  }
  return Json{{"run", boot.run},
              {"name", boot.name},
              {"address", boot.address},
              {"isolation", name(boot.isolation)},
              {"directory", boot.directory},
              {"root", boot.root},
              {"visible_paths", boot.visible_paths},
              {"environment", boot.environment},
              {"units", std::move(units)}};
}

Result<MachineBoot> machine_boot_from_json(const Json& json) {
  client::machines::JsonReader reader(json, "");
  MachineBoot boot;
  boot.run = reader.text("run", true);
  boot.name = reader.text("name", true);
  boot.address = reader.text("address", true);
  boot.directory = reader.text("directory", true);
  boot.root = reader.text("root", true);
  boot.visible_paths = reader.text_list("visible_paths");
  boot.environment = reader.text_map("environment");
  const std::string isolation = reader.text("isolation", true);
  const Json& units = reader.list("units");
  TRY(reader.finish());
  TRY(boot.isolation, parse_isolation(isolation));
  Json install{{"units", units}};
  TRY(auto request, client::machines::install_request_from_json(install));
  boot.units = std::move(request.units);
  return boot;
}

}  // namespace skidpad::driver::process
