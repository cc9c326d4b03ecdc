/// @file etcd_operator_fault.hpp
/// What happens to the etcd operator's cluster beside lost machines: its owner changes it or asks for a restore, its backup store
/// misbehaves, a member's log is damaged.
/// Promise: each changes the one object, store or file it names. The store's trouble is taken back by heal(); a change, a restore
/// and a damaged log are not.
/// Witnesses: for a change or a restore what the API server's own store holds; for the store its S3 answers; for a log the
/// bytes on the disk, read again.
#pragma once

#include "harness/fault/fault.hpp"

namespace skidpad::fault {

/// Where the objects of the cluster are.
struct EtcdOperatorObjects {
  std::string namespace_name;
  std::string cluster;
  std::string backup;
};

struct EtcdChange {
  std::optional<std::int64_t> size;
  std::string version;   ///< "" leaves it
};
std::unique_ptr<Fault> make_etcd_change(Scene scene, EtcdOperatorObjects objects, EtcdChange change);

/// From the newest backup; into the cluster itself, or, with another name, into a new one. `id` names the EtcdRestore.
std::unique_ptr<Fault> make_etcd_restore(Scene scene, EtcdOperatorObjects objects, std::string id, std::string into);

/// slow: answers after `slow`. lying: what is read is not what was written. losing: acknowledges and keeps nothing. full and
/// refusing: says so. silent: takes requests and never answers.
enum class StoreTrouble { slow, lying, losing, full, refusing, silent };
struct StoreAccess {
  std::uint16_t port = 9000;
  std::string bucket;
  std::string access_key_id;
  std::string secret_access_key;
};
std::unique_ptr<Fault> make_backup_store_fault(Scene scene, EtcdOperatorObjects objects, StoreAccess access, StoreTrouble trouble, Duration slow);

/// One bit of an entry in the member's write-ahead log, below `data_directory` on the machine; then its process is killed, so that
/// it reads the log again.
std::unique_ptr<Fault> make_data_corruption(Scene scene, EtcdOperatorObjects objects, std::string data_directory, std::vector<TargetMachine> targets);

}  // namespace skidpad::fault
