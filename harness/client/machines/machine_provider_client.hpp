/// @file machine_provider_client.hpp
/// Client of the machine provider's API, for the harness (administrator's token) and the node healer (user's token).
/// Promise: the result's code is the provider's own (invalid, not_found, already_exists, forbidden ...); timeout and
/// connection_lost mean that the effect is unknown.
#pragma once

#include "harness/client/machines/link_rule.hpp"
#include "harness/client/machines/machine.hpp"
#include "harness/runtime/http/http_client.hpp"

namespace skidpad::client::machines {

using runtime::Runtime;
using runtime::Task;

struct MachineProviderClientOptions {
  runtime::Endpoint server;
  std::string token;
  Duration request_timeout = std::chrono::seconds(30);
};

class MachineProviderClient {
 public:
  MachineProviderClient(Runtime& runtime, MachineProviderClientOptions options);

  /// The machine as Provisioning; see wait_until_running().
  Task<Result<Machine>> create(MachineSpec spec);
  Task<Result<Machine>> get(std::string name);
  Task<Result<std::vector<Machine>>> list();
  /// Returns when it is gone.
  Task<Result<void>> remove(std::string name);
  Task<Result<Machine>> set_power(std::string name, bool on);
  Task<Result<Machine>> reinstall(std::string name, InstallRequest request);
  /// Asks every few milliseconds. timeout, or unavailable with the machine's own error when it ended up Off.
  Task<Result<Machine>> wait_until_running(std::string name, Duration timeout);
  /// True when the provider answers at all.
  Task<bool> is_healthy();

  // Administrator's.
  Task<Result<std::string>> read_file(std::string machine, std::string path);
  Task<Result<void>> write_file(std::string machine, MachineFile file);
  Task<Result<void>> remove_file(std::string machine, std::string path);
  Task<Result<std::vector<MachineProcess>>> processes(std::string machine);
  Task<Result<void>> signal_process(std::string machine, MachineProcess process, int signal);
  Task<Result<void>> set_paused(std::string machine, bool paused);
  /// All at one moment.
  Task<Result<void>> change_links(std::vector<LinkChange> changes);
  Task<Result<void>> heal_all_links();
  Task<Result<std::vector<LinkStatus>>> links();

 private:
  Task<Result<std::string>> send(std::string method, std::string target, std::string body);
  Task<Result<Json>> send_json(std::string method, std::string target, std::string body);
  Task<Result<Machine>> send_for_machine(std::string method, std::string target, std::string body);
  Runtime& runtime_;
  std::string token_;
  runtime::HttpClient http_;
};

}  // namespace skidpad::client::machines
