#include "controllers/etcd_operator/backup_controller.hpp"

#include "controllers/etcd_operator/snapshot_file.hpp"
#include "harness/runtime/sha256.hpp"

namespace skidpad::controllers::etcd_operator {

using client::StoredObject;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::success;
using runtime::text_at;
using std::chrono::seconds;

namespace {

constexpr std::int64_t interval_seconds_default = 900;

std::optional<WallTime> wall_time_at(const Json& object, std::initializer_list<std::string_view> path) {
  WallTime time;
  if (!runtime::parse_rfc3339(text_at(object, path), time)) return std::nullopt;
  return time;
}

bool is_periodic(const Json& backup) { return find(backup, {"spec", "backupPolicy"}).is_object(); }
Duration interval_of(const Json& backup) { return seconds(integer_at(backup, {"spec", "backupPolicy", "backupIntervalInSecond"}, interval_seconds_default)); }

Task<Result<std::string>> read_secret(client::KubernetesClient& client, std::string namespace_name, std::string name, std::string key) {
  auto secret = co_await client.get(client::types::secrets, namespace_name, name);
  if (!secret) co_return runtime::wrap(secret.error(), "spec.s3.awsSecret");
  std::string value;
  const std::string encoded = text_at(secret.value(), {"data", key});
  if (encoded.empty() || !client::base64_decode(encoded, value)) co_return Error(ErrorCode::invalid, "spec.s3.awsSecret: Secret " + name + " has no readable key " + key);
  co_return value;
}

}  // namespace

Task<Result<BackupPlace>> open_place(client::KubernetesClient& client, Json backup) {
  BackupPlace place;
  const std::string own = client::namespace_of(backup) + "." + text_at(backup, {"spec", "clusterName"});
  if (text_at(backup, {"spec", "storageType"}) == "Directory") {
    const std::string path = text_at(backup, {"spec", "directory", "path"});
    if (path.empty()) co_return Error(ErrorCode::invalid, "spec.directory.path is missing");
    place.store = client::open_directory(client.runtime(), path);
    place.prefix = own;
    place.source["directory"]["path"] = path;
    co_return place;
  }
  const Json& s3 = find(backup, {"spec", "s3"});
  if (!s3.is_object()) co_return Error(ErrorCode::invalid, "spec.s3 is missing");
  const std::string path = text_at(s3, {"path"}), secret = text_at(s3, {"awsSecret"}), namespace_name = client::namespace_of(backup);
  client::S3Options options;
  options.endpoint = text_at(s3, {"endpoint"});
  options.region = text_at(s3, {"region"}, "us-east-1");
  options.bucket = path.substr(0, path.find('/'));
  options.timeout = seconds(integer_at(backup, {"spec", "backupPolicy", "timeoutInSecond"}, 60));
  CO_TRY(options.credentials.access_key_id, co_await read_secret(client, namespace_name, secret, "accessKeyID"));
  CO_TRY(options.credentials.secret_access_key, co_await read_secret(client, namespace_name, secret, "secretAccessKey"));
  std::string folder = path.find('/') == std::string::npos ? "" : path.substr(path.find('/') + 1);
  if (!folder.empty() && folder.back() != '/') folder += '/';
  place.prefix = folder + own;
  place.source["s3"] = {{"endpoint", options.endpoint}, {"region", options.region}, {"bucket", options.bucket}, {"awsSecret", secret}};
  auto store = co_await client::open_s3(client.runtime(), options);
  if (!store) co_return store.error();
  place.store = std::move(store.value());
  co_return place;
}

std::optional<Duration> due_in(const Json& backup, WallTime now) {
  const auto attempt = wall_time_at(backup, {"status", "lastAttemptDate"});
  const bool succeeded = runtime::bool_at(backup, {"status", "succeeded"});
  if (!is_periodic(backup)) {
    if (succeeded) return std::nullopt;
    if (!attempt) return Duration::zero();
    // A one-shot that failed is tried again, ever more seldom.
    const auto failures = std::clamp<std::int64_t>(integer_at(backup, {"status", "consecutiveFailures"}), 1, 6);
    return std::max<Duration>(Duration::zero(), *attempt + seconds(5) * (std::int64_t{1} << (failures - 1)) - now);
  }
  if (!attempt) return Duration::zero();
  Duration wait = interval_of(backup);
  if (!succeeded) {
    // A missed backup is made good soon, but a store that is down is not hammered.
    const auto failures = std::clamp<std::int64_t>(integer_at(backup, {"status", "consecutiveFailures"}), 1, 6);
    wait = std::min<Duration>(wait, seconds(5) * (std::int64_t{1} << (failures - 1)));
  }
  // A clock that was set back must not put the next backup off for ever.
  if (*attempt > now) return Duration::zero();
  return std::max<Duration>(Duration::zero(), *attempt + wait - now);
}

std::vector<std::string> to_prune(const std::vector<StoredObject>& objects, const std::string& prefix, std::size_t keep_count, const std::string& keep) {
  std::vector<BackupName> ours;
  for (const StoredObject& object : objects) {
    BackupName name;
    if (BackupName::parse(object.name, prefix, name)) ours.push_back(std::move(name));
  }
  std::sort(ours.begin(), ours.end(), [](const BackupName& a, const BackupName& b) { return std::tie(a.revision, a.time) < std::tie(b.revision, b.time); });
  std::vector<std::string> names;
  if (ours.size() <= keep_count) return names;
  for (std::size_t i = 0; i + keep_count < ours.size(); ++i) {
    if (ours[i].text() != keep) names.push_back(ours[i].text());
  }
  return names;
}

Task<Result<BackupController::Taken>> BackupController::take(Json backup) {
  const std::string cluster_name = text_at(backup, {"spec", "clusterName"});
  auto cluster = co_await around_.client.get(types::clusters, namespace_, cluster_name);
  if (!cluster) co_return runtime::wrap(cluster.error(), "spec.clusterName");
  ClusterController* controller = find_cluster_(namespace_, cluster_name);
  if (controller == nullptr || !controller->has_leader() || !controller->backup_source()) co_return Error(ErrorCode::unavailable, "no healthy member to take a backup from");
  const ClusterController::Source source = *controller->backup_source();
  auto place = co_await open_place(around_.client, backup);
  if (!place) co_return place.error();

  client::EtcdClientOptions options;
  options.endpoints = {source.at};
  options.request_timeout = seconds(integer_at(backup, {"spec", "backupPolicy", "timeoutInSecond"}, 60));
  client::EtcdClient etcd(runtime_, options);
  auto status = co_await etcd.status(source.at);
  if (!status) co_return runtime::wrap(status.error(), "asking " + runtime::to_text(source.at));
  const std::string path = "/tmp/etcd-operator-" + client::uid_of(backup) + ".db";
  CO_TRY(runtime_.disk().make_directories("/tmp"));
  auto size = co_await etcd.save_snapshot(source.at, path);
  if (!size) co_return size.error();
  auto bytes = runtime_.disk().read(path);
  (void)runtime_.disk().remove(path);
  if (!bytes) co_return bytes.error();
  CO_TRY(check_snapshot(bytes.value()));

  Taken taken;
  taken.sha256 = runtime::to_hex(runtime::sha256(bytes.value()));
  taken.size_bytes = bytes.value().size();
  // The status was read before the snapshot: it holds at least this revision.
  taken.revision = status.value().header.revision;
  taken.version = status.value().version;
  taken.cluster_spec = find(cluster.value(), {"spec"});
  BackupName name;
  name.prefix = place.value().prefix;
  name.revision = taken.revision;
  name.time = client::amz_date(runtime_.wall_now());
  taken.object = name.text();
  auto stored = co_await place.value().store->put(taken.object, std::move(bytes.value()));
  if (!stored) co_return runtime::wrap(stored.error(), "storing the backup");
  auto again = co_await place.value().store->get(taken.object);
  if (!again) co_return runtime::wrap(again.error(), "reading the backup again");
  if (auto whole = check_snapshot(again.value(), taken.sha256); !whole) {
    // What cannot be trusted must not look like a backup.
    (void)co_await place.value().store->remove(taken.object);
    co_return runtime::wrap(whole.error(), "the stored backup " + taken.object);
  }
  co_return taken;
}

/// Only after a success (K5); what was deleted leaves the status, too.
Task<Result<void>> BackupController::prune(Json backup, Taken taken, Json& kept) {
  const auto count_max = static_cast<std::size_t>(integer_at(backup, {"spec", "backupPolicy", "maxBackups"}, 0));
  if (count_max == 0) co_return success();
  const auto keep = std::max(count_max, static_cast<std::size_t>(integer_at(backup, {"spec", "backupPolicy", "minKeep"}, 1)));
  auto place = co_await open_place(around_.client, backup);
  if (!place) co_return place.error();
  auto objects = co_await place.value().store->list(place.value().prefix);
  if (!objects) co_return objects.error();
  for (const std::string& name : to_prune(objects.value(), place.value().prefix, keep, taken.object)) {
    if (!around_.may_act()) co_return success();
    CO_TRY(co_await place.value().store->remove(name));
    for (std::size_t i = kept.size(); i-- > 0;) {
      if (text_at(kept[i], {"object"}) == name) kept.erase(i);
    }
  }
  co_return success();
}

void BackupController::judge_age(const Json& backup, Json& status) {
  const WallTime now = runtime_.wall_now();
  client::Metrics::Labels labels;
  labels["backup"] = namespace_ + "/" + name_;
  const auto success_time = wall_time_at(status, {"lastSuccessDate"});
  const auto created = client::created_at(backup);
  const WallTime since = success_time ? *success_time : created.value_or(now);
  around_.metrics.set("etcd_operator_backup_age_seconds", runtime::seconds(now - since), labels);
  if (!is_periodic(backup)) return;
  if (!status["conditions"].is_array()) status["conditions"] = Json::array();
  const bool stale = now - since > 2 * interval_of(backup);
  const bool was_stale = text_at(client::condition_of(backup, "BackupStale"), {"status"}) == "True";
  if (stale && !was_stale) around_.events.record(backup, types::backups, client::EventType::warning, "BackupStale", "No verified backup for more than two periods");
  client::set_condition(status["conditions"], "BackupStale", stale ? "True" : "False", stale ? "NoRecentBackup" : "Recent", "", now);
}

Task<Result<std::optional<Duration>>> BackupController::reconcile() {
  std::optional<Duration> next;
  auto read = co_await around_.client.get(types::backups, namespace_, name_);
  if (!read && read.error().code == ErrorCode::not_found) co_return next;
  if (!read) co_return read.error();
  Json backup = std::move(read.value());
  if (client::is_deleting(backup)) co_return next;
  if (!around_.may_act()) {
    next = around_.settings.poll_interval;
    co_return next;
  }
  Json status = find(backup, {"status"}).is_object() ? backup["status"] : Json::object();
  if (const auto due = due_in(backup, runtime_.wall_now()); due && *due <= Duration::zero()) {
    const Instant began = runtime_.now();
    auto taken = co_await take(backup);
    const std::string now = runtime::format_rfc3339(runtime_.wall_now());
    status["lastAttemptDate"] = now;
    status["succeeded"] = taken.has_value();
    client::Metrics::Labels labels;
    labels["backup"] = namespace_ + "/" + name_;
    labels["result"] = taken ? "success" : "error";
    around_.metrics.count("etcd_operator_backups_total", labels);
    around_.metrics.observe("etcd_operator_backup_duration_seconds", runtime::seconds(runtime_.now() - began), {});
    if (taken) {
      const Taken& it = taken.value();
      status["reason"] = "";
      status["consecutiveFailures"] = 0;
      status["lastSuccessDate"] = now;
      status["etcdRevision"] = it.revision;
      status["etcdVersion"] = it.version;
      status["clusterSpec"] = it.cluster_spec;
      if (!status["backups"].is_array()) status["backups"] = Json::array();
      status["backups"].push_back({{"object", it.object}, {"revision", it.revision}, {"sha256", it.sha256}, {"sizeBytes", it.size_bytes}, {"time", now}, {"version", it.version}});
      around_.events.record(backup, types::backups, client::EventType::normal, "BackupSucceeded", it.object + " at revision " + std::to_string(it.revision) + ", verified");
      auto pruned = co_await prune(backup, it, status["backups"]);
      if (!pruned) status["reason"] = "pruning: " + pruned.error().message;
    } else {
      status["reason"] = taken.error().message;
      status["consecutiveFailures"] = integer_at(status, {"consecutiveFailures"}) + 1;
      around_.events.record(backup, types::backups, client::EventType::warning, "BackupFailed", taken.error().message);
    }
  }
  judge_age(backup, status);
  if (status != find(backup, {"status"})) {
    Json object = backup;
    object["status"] = status;
    auto written = co_await around_.client.update_status(types::backups, std::move(object));
    if (!written) co_return runtime::wrap(written.error(), "status of EtcdBackup " + namespace_ + "/" + name_);
    backup = std::move(written.value());
  }
  const auto due = due_in(backup, runtime_.wall_now());
  if (due) next = std::min(std::max<Duration>(*due, std::chrono::milliseconds(50)), around_.settings.poll_interval);
  co_return next;
}

Task<Result<Json>> best_backup(client::KubernetesClient& client, std::string namespace_name, std::string cluster) {
  client::ListOptions options;
  options.namespace_name = namespace_name;
  auto listed = co_await client.list_all(types::backups, options);
  if (!listed) co_return listed.error();
  Json best = nullptr;
  client::ObjectPointer from;
  for (const client::ObjectPointer& backup : listed.value().items) {
    if (text_at(*backup, {"spec", "clusterName"}) != cluster) continue;
    for (const Json& one : list_at(*backup, {"status", "backups"})) {
      if (!best.is_null() && integer_at(one, {"revision"}) <= integer_at(best, {"revision"})) continue;
      best = one;
      from = backup;
    }
  }
  if (best.is_null()) co_return best;
  auto place = co_await open_place(client, *from);
  if (!place) co_return place.error();
  Json source = place.value().source;
  source["object"] = text_at(best, {"object"});
  source["sha256"] = text_at(best, {"sha256"});
  source["snapshotRevision"] = integer_at(best, {"revision"});
  source["snapshotTime"] = text_at(best, {"time"});
  co_return source;
}

}  // namespace skidpad::controllers::etcd_operator
