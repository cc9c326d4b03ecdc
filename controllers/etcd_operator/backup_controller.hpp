/// @file backup_controller.hpp
/// One EtcdBackup: takes snapshots when they are due, counts only those read back whole, prunes old ones (K1 to K7, K12).
/// Promise: nothing is deleted but after a success, and never the newest verified one; a store that fails, lies or is full costs no
/// backup there was.
#pragma once

#include "controllers/etcd_operator/cluster_controller.hpp"
#include "harness/client/object_store/object_store.hpp"

namespace skidpad::controllers::etcd_operator {

/// Where a backup's objects are.
struct BackupPlace {
  BackupPlace() {}
  std::unique_ptr<client::ObjectStore> store;
  std::string prefix;     ///< of object names
  Json source;            ///< what a restoring pod must know: s3 or directory
};
/// invalid or forbidden with what is wrong: the Secret, its keys, the endpoint.
Task<Result<BackupPlace>> open_place(client::KubernetesClient& client, Json backup);

/// When the next backup is due; none: never again (a one-shot that succeeded).
std::optional<Duration> due_in(const Json& backup, WallTime now);
/// Names to delete, oldest first: all but the newest `keep_count`, by revision and time (K4); `keep` is never among them.
std::vector<std::string> to_prune(const std::vector<client::StoredObject>& objects, const std::string& prefix, std::size_t keep_count, const std::string& keep);

class BackupController {
 public:
  using FindCluster = std::function<ClusterController*(const std::string& namespace_name, const std::string& name)>;
  BackupController(Surroundings& surroundings, FindCluster find_cluster, std::string namespace_name, std::string name)
      : around_(surroundings), runtime_(surroundings.client.runtime()), find_cluster_(std::move(find_cluster)), namespace_(std::move(namespace_name)), name_(std::move(name)) {}
  /// None: the object is gone.
  Task<Result<std::optional<Duration>>> reconcile();

 private:
  struct Taken {
    Taken() {}
    std::string object;
    std::string sha256;
    std::uint64_t size_bytes = 0;
    Revision revision = 0;
    std::string version;
    Json cluster_spec;
  };
  Task<Result<Taken>> take(Json backup);
  Task<Result<void>> prune(Json backup, Taken taken, Json& kept);
  void judge_age(const Json& backup, Json& status);

  Surroundings& around_;
  runtime::Runtime& runtime_;
  FindCluster find_cluster_;
  std::string namespace_;
  std::string name_;
};

/// One EtcdRestore: verifies its snapshot, hands it to the cluster's controller and tells how far that is (K8 to K11).
class RestoreController {
 public:
  RestoreController(Surroundings& surroundings, std::string namespace_name, std::string name)
      : around_(surroundings), runtime_(surroundings.client.runtime()), namespace_(std::move(namespace_name)), name_(std::move(name)) {}
  /// None: nothing more to do.
  Task<Result<std::optional<Duration>>> reconcile();

 private:
  Task<Result<void>> begin(Json restore, Json& status);
  Task<Result<void>> follow(Json restore, Json& status);
  Surroundings& around_;
  runtime::Runtime& runtime_;
  std::string namespace_;
  std::string name_;
};

/// An EtcdCluster with this annotation waits for the EtcdRestore of that UID before its first member is made.
inline constexpr char annotation_restore[] = "etcd.database.coreos.com/restore-from";

}  // namespace skidpad::controllers::etcd_operator
