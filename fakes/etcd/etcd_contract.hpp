/// @file etcd_contract.hpp
/// What a client may rely on from etcd 3.4, as programs that run against any cluster: real etcd, the model on real sockets, the
/// model in the simulator. Where they differ, the real one is right.
#pragma once

#include "harness/client/etcd/etcd_client.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::etcd {

/// Members by number from 0; each has addresses and a data directory of its own, whether it runs or not.
class ContractCluster {
 public:
  virtual ~ContractCluster() = default;
  /// The test's own process.
  virtual runtime::Runtime& runtime() = 0;
  virtual runtime::Endpoint client_endpoint(std::size_t member) = 0;
  virtual std::string peer_url(std::size_t member) = 0;
  virtual std::string data_directory(std::size_t member) = 0;
  virtual runtime::Duration heartbeat_interval() = 0;
  runtime::Duration election_timeout() { return 10 * heartbeat_interval(); }
  /// Starts the member's process with these flags.
  virtual void start_process(std::size_t member, std::vector<std::string> flags) = 0;
  virtual void kill(std::size_t member) = 0;
  virtual void wipe(std::size_t member) = 0;
  /// The exit code, once the process has ended by itself.
  virtual std::optional<int> exit_code(std::size_t member) = 0;
  /// Where a snapshot may be put, and whether etcd's own tool accepts it.
  virtual std::string scratch_path(const std::string& name) = 0;
  virtual runtime::Task<bool> snapshot_accepted(std::string path) = 0;

  std::string name(std::size_t member) { return "m" + std::to_string(member); }
  /// The usual flags; `members` are those of --initial-cluster.
  std::vector<std::string> flags(std::size_t member, const std::vector<std::size_t>& members, bool existing);
  void start(std::size_t member, const std::vector<std::size_t>& members, bool existing = false) { start_process(member, flags(member, members, existing)); }
  client::EtcdClientOptions client_options(const std::vector<std::size_t>& members);

  void expect(bool holds, std::string what) {
    if (!holds) findings.push_back(std::move(what));
  }
  std::vector<std::string> findings;  ///< what did not hold
};

struct Contract {
  std::string name;
  std::size_t member_count;  ///< started as a new cluster beforehand
  runtime::Task<void> (*run)(ContractCluster& cluster);
};
const std::vector<Contract>& contracts();

/// Starts the members and runs the contract.
runtime::Task<void> run_contract(ContractCluster& cluster, const Contract& contract);

}  // namespace skidpad::fakes::etcd
