/// @file machine_provider.hpp
/// A small cloud: machines that can be made, deleted, switched, reinstalled, over an HTTP API with JSON (version v1).
///
/// With the user's token:
///   POST   /v1/machines                      {name?, address?, role?, labels, files, units} -> 201, state Provisioning
///   GET    /v1/machines, /v1/machines/NAME   -> {"machines":[...]}, a machine
///   DELETE /v1/machines/NAME                 -> 200 when it is gone
///   POST   /v1/machines/NAME/power           {"state":"on"|"off"} -> the machine, when done
///   POST   /v1/machines/NAME/reinstall       {files, units}: empty disk, new files, power on -> the machine, when done
/// With the administrator's token also (faults and their witnesses):
///   GET, PUT, DELETE /v1/machines/NAME/files?path=P     the file's bytes as the body; PUT ...&mode=0600
///   GET    /v1/machines/NAME/processes       -> {"processes":[...]}
///   POST   /v1/machines/NAME/signal          {"pid":7,"start_time":N?,"signal":9}
///   POST   /v1/machines/NAME/pause           {"paused":true|false}
///   GET    /v1/links                         -> {"links":[{from,to,cut,...,"counters":{...}}]}
///   PUT    /v1/links                         {"links":[{from,to,both?,cut,loss,...}]}: all at one moment
///   DELETE /v1/links                         heals every link
/// GET /healthz needs no token. Errors: {"error":{"code":"invalid","message":"units[0].argv: expected ..."}}.
///
/// Promise: operations on one machine happen one after another; a request whose client goes away is still carried out.
/// Limits: the provider forgets its machines when it ends (its backend ends them too).
#pragma once

#include "fakes/machine_provider/machine_backend.hpp"
#include "harness/runtime/http/http_server.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::machine_provider {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::Runtime;

struct MachineProviderOptions {
  std::string user_token;
  std::string admin_token;            ///< also does all that the user's does
  Duration provisioning_delay{};      ///< from the request to the machine's boot
  std::size_t machine_count_max = 250;
};

class MachineProvider {
 public:
  MachineProvider(Runtime& runtime, MachineBackend& backend, MachineProviderOptions options);
  ~MachineProvider();
  MachineProvider(const MachineProvider&) = delete;

  /// For HttpServer.
  Task<void> handle(const HttpRequest& request, HttpResponder& responder);

  // The same operations for those who live in the same process.
  Result<Machine> create(MachineSpec spec);
  Result<Machine> get(const std::string& name);
  std::vector<Machine> list();
  Task<Result<void>> remove(std::string name);
  Task<Result<Machine>> set_power(std::string name, bool on);
  Task<Result<Machine>> reinstall(std::string name, InstallRequest request);

 private:
  struct Entry {
    Machine machine;
    runtime::Mutex operating;
    bool doomed = false;  ///< asked to be deleted
  };
  using EntryPointer = std::shared_ptr<Entry>;
  enum class Access { none, user, admin };

  Task<HttpResponse> respond(const HttpRequest& request);
  Task<HttpResponse> respond_machine(const HttpRequest& request, std::string name, std::string verb);
  HttpResponse respond_files(const HttpRequest& request, const std::string& name);
  HttpResponse respond_faults(const HttpRequest& request, const std::string& name, const std::string& verb);
  HttpResponse respond_links(const HttpRequest& request);
  Access access_of(const HttpRequest& request) const;

  Result<EntryPointer> find(const std::string& name);
  void refresh(Machine& machine) const;
  std::string free_address();
  Task<void> provision(EntryPointer entry);
  Task<Result<void>> install_and_boot(EntryPointer entry);
  Task<Result<void>> boot(EntryPointer entry);
  Task<Result<void>> remove_now(EntryPointer entry);
  Task<Result<void>> set_power_now(EntryPointer entry, bool on);
  Task<Result<void>> reinstall_now(EntryPointer entry, InstallRequest request);
  /// Carries the operation out in the provider's own task group, so that it does not end with the request.
  Task<Result<void>> carry_out(std::string name, Task<Result<void>> operation);

  Runtime& runtime_;
  MachineBackend& backend_;
  MachineProviderOptions options_;
  std::map<std::string, EntryPointer> machines_;
  std::uint32_t address_next_ = 1;
  runtime::TaskGroup operations_;
};

}  // namespace skidpad::fakes::machine_provider
