#include "controllers/etcd_operator/backup_controller.hpp"
#include "controllers/etcd_operator/snapshot_file.hpp"

namespace skidpad::controllers::etcd_operator {

using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::success;
using runtime::text_at;

namespace {
constexpr std::int64_t tries_max = 15;
}

Task<Result<std::optional<Duration>>> RestoreController::reconcile() {
  std::optional<Duration> next;
  auto read = co_await around_.client.get(types::restores, namespace_, name_);
  if (!read && read.error().code == ErrorCode::not_found) co_return next;
  if (!read) co_return read.error();
  Json restore = std::move(read.value());
  Json status = find(restore, {"status"}).is_object() ? restore["status"] : Json::object();
  const std::string phase = text_at(status, {"phase"});
  const std::int64_t tries = integer_at(status, {"tries"});
  if (client::is_deleting(restore) || phase == "Finished" || (phase == "Failed" && tries >= tries_max)) co_return next;
  next = around_.settings.poll_interval / 4;
  if (!around_.may_act()) co_return next;
  Result<void> done = success();
  if (phase.empty() || phase == "Failed") {
    done = co_await begin(restore, status);
  } else {
    done = co_await follow(restore, status);
  }
  if (!done) {
    // Nothing was stopped or destroyed yet, or the cluster's own controller goes on: try again, ever more seldom (K9).
    if (phase.empty() || phase == "Failed") status["phase"] = "Failed";
    status["reason"] = done.error().message;
    status["succeeded"] = false;
    status["tries"] = tries + 1;
    next = std::min<Duration>(around_.settings.poll_interval * (std::int64_t{1} << std::min<std::int64_t>(tries, 5)), std::chrono::minutes(5));
    around_.events.record(restore, types::restores, client::EventType::warning, "RestoreFailed", done.error().message);
  }
  if (status != find(restore, {"status"})) {
    Json object = restore;
    object["status"] = status;
    auto written = co_await around_.client.update_status(types::restores, std::move(object));
    if (!written) co_return written.error();
  }
  co_return next;
}

/// Everything that can be checked is checked before the first process of the old cluster is stopped (K10).
Task<Result<void>> RestoreController::begin(Json restore, Json& status) {
  const std::string backup_name = text_at(restore, {"spec", "backupName"}), cluster_name = text_at(restore, {"spec", "etcdCluster", "name"});
  auto backup = co_await around_.client.get(types::backups, namespace_, backup_name);
  if (!backup) co_return runtime::wrap(backup.error(), "spec.backupName");
  std::string object = text_at(restore, {"spec", "object"});
  Json chosen = nullptr;
  for (const Json& one : list_at(backup.value(), {"status", "backups"})) {
    const bool better = chosen.is_null() || integer_at(one, {"revision"}) > integer_at(chosen, {"revision"});
    if (object.empty() ? better : text_at(one, {"object"}) == object) chosen = one;
  }
  if (chosen.is_null()) co_return Error(ErrorCode::not_found, object.empty() ? "EtcdBackup " + backup_name + " has no verified backup" : "spec.object: " + object + " is no verified backup of EtcdBackup " + backup_name);
  object = text_at(chosen, {"object"});
  auto place = co_await open_place(around_.client, backup.value());
  if (!place) co_return place.error();
  auto bytes = co_await place.value().store->get(object);
  if (!bytes) co_return bytes.error();
  const std::string sha256 = text_at(chosen, {"sha256"});
  if (auto whole = check_snapshot(bytes.value(), sha256); !whole) co_return runtime::wrap(whole.error(), object);
  bytes.value().clear();

  auto cluster = co_await around_.client.get(types::clusters, namespace_, cluster_name);
  if (!cluster && cluster.error().code != ErrorCode::not_found) co_return cluster.error();
  if (!cluster) {
    Json fresh;
    fresh["apiVersion"] = types::clusters.api_version();
    fresh["kind"] = types::clusters.kind;
    fresh["metadata"]["name"] = cluster_name;
    fresh["metadata"]["namespace"] = namespace_;
    fresh["metadata"]["annotations"][annotation_restore] = client::uid_of(restore);
    fresh["spec"] = find(backup.value(), {"status", "clusterSpec"});
    cluster = co_await around_.client.create(types::clusters, std::move(fresh));
    if (!cluster) co_return runtime::wrap(cluster.error(), "creating EtcdCluster " + cluster_name);
  }
  ClusterStatus of_cluster = cluster_status_of(cluster.value());
  if (of_cluster.recovery && of_cluster.recovery->requested_by != "EtcdRestore/" + name_) co_return Error(ErrorCode::conflict, "recovery " + of_cluster.recovery->id + " of EtcdCluster " + cluster_name + " is under way");
  if (!of_cluster.recovery) {
    Recovery recovery;
    recovery.id = "r" + std::to_string(++of_cluster.recovery_count);
    recovery.from_backup = true;
    recovery.source = place.value().source;
    recovery.source["object"] = object;
    recovery.source["sha256"] = sha256;
    recovery.source["snapshotRevision"] = integer_at(chosen, {"revision"});
    recovery.source["snapshotTime"] = text_at(chosen, {"time"});
    recovery.source["restoreUID"] = client::uid_of(restore);
    recovery.revision_min = of_cluster.revision_seen;
    recovery.requested_by = "EtcdRestore/" + name_;
    recovery.started = runtime::format_rfc3339(runtime_.wall_now());
    of_cluster.recovery = std::move(recovery);
    of_cluster.phase = "Recovering";
    Json changed = cluster.value();
    changed["status"] = to_json(of_cluster);
    auto written = co_await around_.client.update_status(types::clusters, std::move(changed));
    if (!written) co_return written.error();
  }
  status["phase"] = "Started";
  status["reason"] = "";
  status["object"] = object;
  status["snapshotRevision"] = integer_at(chosen, {"revision"});
  around_.events.record(restore, types::restores, client::EventType::normal, "RestoreStarted", object + " is verified; EtcdCluster " + cluster_name + " is begun again from it");
  co_return success();
}

Task<Result<void>> RestoreController::follow(Json restore, Json& status) {
  const std::string cluster_name = text_at(restore, {"spec", "etcdCluster", "name"});
  auto cluster = co_await around_.client.get(types::clusters, namespace_, cluster_name);
  if (!cluster) co_return cluster.error();
  const ClusterStatus of_cluster = cluster_status_of(cluster.value());
  if (of_cluster.recovery) {
    // CoreOS's and Rancher's names of the steps.
    static const std::map<Recovery::Phase, std::string> names{{Recovery::Phase::started, "Started"}, {Recovery::Phase::shutdown, "Shutdown"},
                                                              {Recovery::Phase::restore, "Restore"}, {Recovery::Phase::bump, "Cleanup"},
                                                              {Recovery::Phase::restart, "Restart"}};
    if (of_cluster.recovery->requested_by == "EtcdRestore/" + name_) status["phase"] = names.at(of_cluster.recovery->phase);
    co_return success();
  }
  if (of_cluster.finished_restore != client::uid_of(restore)) co_return Error(ErrorCode::conflict, "EtcdCluster " + cluster_name + " gave this restore up");
  status["phase"] = "Restart";
  const auto ready = integer_at(of_cluster.rest, {"readyCount"});
  if (ready < integer_at(cluster.value(), {"spec", "size"})) co_return success();
  status["phase"] = "Finished";
  status["reason"] = "";
  status["succeeded"] = true;
  status["restoredRevision"] = integer_at(of_cluster.rest, {"lastRecovery", "restoredRevision"});
  around_.events.record(restore, types::restores, client::EventType::normal, "RestoreFinished", "EtcdCluster " + cluster_name + " is whole again");
  co_return success();
}

}  // namespace skidpad::controllers::etcd_operator
