#include "harness/scenario/managed_etcd.hpp"

#include "harness/cluster/etcd_operator_objects.hpp"
#include "harness/runtime/sha256.hpp"

namespace skidpad::scenario {
namespace {

using runtime::Result;
using runtime::success;
using namespace std::chrono_literals;

constexpr char namespace_name[] = "kube-system";
constexpr char cluster_name[] = "data";
constexpr char backup_name[] = "data-backup";
constexpr std::uint16_t client_port = 2379;
constexpr Duration ask_time_max = 1s;
const client::ResourceType clusters{"etcd.database.coreos.com", "v1beta2", "etcdclusters", "EtcdCluster", client::Scope::namespaced};
const client::ResourceType restores{"etcd.database.coreos.com", "v1beta2", "etcdrestores", "EtcdRestore", client::Scope::namespaced};
const client::ResourceType backups{"etcd.database.coreos.com", "v1beta2", "etcdbackups", "EtcdBackup", client::Scope::namespaced};

/// As etcd's own tool tells: whole pages, then their SHA-256.
bool is_whole_snapshot(std::string_view bytes) {
  constexpr std::size_t hash_bytes = 32, page_bytes = 512;
  if (bytes.size() <= hash_bytes || bytes.size() % page_bytes != hash_bytes) return false;
  const std::string_view body = bytes.substr(0, bytes.size() - hash_bytes);
  return runtime::bytes_of(runtime::sha256(body)) == bytes.substr(body.size());
}

/// "etcd/kube-system.data_v1234_20261122T220320Z.db" -> 1234
std::int64_t revision_in_name(const std::string& name) {
  const std::size_t at = name.rfind("_v");
  return at == std::string::npos ? 0 : std::atoll(name.c_str() + at + 2);
}

std::string flag(const char* name, Duration duration) {
  return std::string(name) + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

fault::EtcdOperatorObjects managed_etcd_objects() { return {namespace_name, cluster_name, backup_name}; }

ManagedEtcd::ManagedEtcd(runtime::Runtime& runtime, client::KubernetesClient& admin, const cluster::ClusterAssets& assets, history::Recorder& recorder,
                         Instant start, EtcdOperator settings, const history::Timers& timers, Duration poll_interval, Duration grace,
                         Duration backup_every)
    : runtime_(runtime), admin_(admin), assets_(assets), recorder_(recorder), start_(start), settings_(settings), timers_(timers), poll_interval_(poll_interval), grace_(grace),
      backup_every_(backup_every) {
  health_.wanted = settings_.size;
}

std::vector<runtime::Endpoint> ManagedEtcd::endpoints() const {
  std::vector<runtime::Endpoint> all;
  for (const cluster::NodePlan& node : assets_.plan.nodes) {
    if (node.worker && !node.etcd) all.push_back(runtime::Endpoint{node.address, client_port});
  }
  return all;
}

Task<Result<void>> ManagedEtcd::create(Instant due) {
  std::vector<std::pair<client::ResourceType, Json>> objects;
  Json object;
  object["metadata"] = {{"name", cluster_name}, {"namespace", namespace_name}};
  object["spec"] = {{"size", settings_.size},
                    {"version", cluster::managed_etcd_version},
                    {"pod",
                     {{"nodeSelector", {{"node-role.kubernetes.io/worker", ""}}},
                      {"etcdArguments",
                       {flag("--heartbeat-interval=", timers_.etcd_heartbeat_interval), flag("--election-timeout=", timers_.etcd_election_timeout)}}}},
                    {"recovery", {{"grace", runtime::format_go_duration(grace_)}, {"autoRecover", settings_.auto_recover}}}};
  objects.emplace_back(clusters, object);
  if (backup_every_ > Duration::zero()) {
    const auto seconds = std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(backup_every_).count());
    object["metadata"]["name"] = backup_name;
    object["spec"] = {{"clusterName", cluster_name},
                      {"storageType", "S3"},
                      {"s3",
                       {{"path", std::string(cluster::object_store_bucket) + "/etcd"},
                        {"endpoint", std::string("http://") + cluster::object_store_address + ":" + std::to_string(cluster::object_store_port)},
                        {"awsSecret", "object-store"}}},
                      {"backupPolicy", {{"backupIntervalInSecond", seconds}, {"maxBackups", 5}}}};
    objects.emplace_back(backups, object);
  }
  for (auto& [type, wanted] : objects) {
    wanted["apiVersion"] = type.api_version();
    wanted["kind"] = type.kind;
    for (;;) {
      auto created = co_await admin_.create(type, wanted);
      if (created || created.error().code == runtime::ErrorCode::already_exists) break;
      // The operator makes the definitions when it first leads.
      if (runtime_.now() >= due) co_return runtime::wrap(created.error(), "creating " + type.kind);
      co_await runtime_.sleep_for(200ms);
    }
  }
  co_return success();
}

Task<void> ManagedEtcd::ask(std::string address) {
  auto& client = clients_[address];
  if (!client) {
    client::EtcdClientOptions options;
    options.endpoints = {runtime::Endpoint{address, client_port}};
    options.connect_timeout = options.request_timeout = ask_time_max;
    client = std::make_unique<client::EtcdClient>(runtime_, std::move(options));
  }
  Seen seen;
  auto status = co_await client->status(runtime::Endpoint(client->options().endpoints.front()));
  if (status) {
    seen.status = std::move(status.value());
    client::RangeRequest question = client::RangeRequest::one("traffic/health");
    auto read = co_await client->range(std::move(question));
    seen.healthy = read.has_value();
    if (read) seen.status.header.revision = read.value().header.revision;
    seen_[address] = std::move(seen);
  } else {
    seen_.erase(address);
  }
}

Task<bool> ManagedEtcd::look() {
  std::set<std::pair<client::MemberId, bool>> listed_before, listed;
  if (!list_from_.empty()) {
    auto list = co_await clients_[list_from_]->member_list();
    if (list) {
      for (const client::Member& member : list.value().members) listed_before.emplace(member.id, member.is_learner);
    }
  }
  const client::Revision newest_before = revision_newest_;
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup group(stop);
  std::map<std::string, std::string> node_at;
  for (const cluster::NodePlan& node : assets_.plan.nodes) {
    if (!node.worker || node.etcd) continue;
    node_at[node.address] = node.name;
    group.spawn("ask", ask(node.address));
  }
  co_await group.join();
  std::string from;
  for (const auto& [address, seen] : seen_) {
    if (!seen.healthy) continue;
    if (from.empty() || seen.status.leader == seen.status.header.member_id) from = address;
  }
  leader_node_.reset();
  Json told;
  std::size_t healthy = 0;
  if (from.empty()) {
    list_from_.clear();
    told = {{"serves", false}, {"wanted", settings_.size}};
  } else {
    auto list = co_await clients_[from]->member_list();
    if (!list) co_return true;
    for (const client::Member& member : list.value().members) listed.emplace(member.id, member.is_learner);
    const bool changed = list_from_ != from || listed != listed_before;
    list_from_ = from;
    if (changed) co_return false;
    nodes_.clear();
    told = {{"serves", true}, {"wanted", settings_.size}, {"cluster_id", std::to_string(list.value().header.cluster_id)}, {"members", Json::array()}};
    for (const client::Member& member : list.value().members) {
      bool answers = false;
      std::string on, version;
      for (const auto& [address, node] : node_at) {
        if (std::none_of(member.peer_urls.begin(), member.peer_urls.end(), [&](const std::string& url) { return url.find("//" + address + ":") != std::string::npos; })) continue;
        on = node;
        const auto seen = seen_.find(address);
        if (seen == seen_.end() || seen->second.status.header.member_id != member.id) continue;
        answers = seen->second.healthy;
        version = seen->second.status.version;
        if (answers && seen->second.status.leader == member.id) leader_node_ = node;
        if (answers) note_revision(newest_before, seen->second.status.header.revision);
      }
      if (!on.empty()) nodes_.push_back(on);
      if (answers && !member.is_learner && (wanted_version_.empty() || version == wanted_version_)) ++healthy;
      told["members"].push_back({{"id", client::to_text(member.id)}, {"name", member.name}, {"node", on}, {"voter", !member.is_learner}, {"healthy", answers}});
      if (!version.empty()) told["members"].back()["version"] = version;
      if (leader_node_ && *leader_node_ == on) told["members"].back()["leader"] = true;
    }
  }
  health_.healthy = restoring_ ? 0 : healthy;
  if (told != told_members_) recorder_.event(now(), event_etcd_members, cluster_name, told);
  told_members_ = std::move(told);
  co_return true;
}

/// Reads are linearizable: one that began after another ended cannot show less than that one did.
void ManagedEtcd::note_revision(client::Revision newest_before, client::Revision seen) {
  if (seen < newest_before) {
    const Json fields = {{"from", newest_before}, {"to", seen}};
    recorder_.event(now(), event_etcd_revision_back, cluster_name, fields);
    revision_newest_ = seen;
    return;
  }
  revision_newest_ = std::max(revision_newest_, seen);
}

/// A watcher as any client has one: it goes on from where it was, and lists again when it is told that this is gone.
Task<void> ManagedEtcd::watch() {
  client::EtcdClientOptions options;
  options.endpoints = endpoints();
  options.connect_timeout = options.request_timeout = ask_time_max;
  options.watch_probe_interval = 2s;
  options.watch_probe_timeout = ask_time_max;
  client::EtcdClient client(runtime_, std::move(options));
  client::Revision next = 0;
  for (;;) {
    client::WatchRequest request = client::WatchRequest::prefix("traffic/");
    request.start_revision = next;
    client::EtcdWatch watch = client.watch(std::move(request));
    for (;;) {
      auto batch = co_await watch.next();
      if (batch) continue;
      if (batch.error().code == runtime::ErrorCode::gone) {
        const Json fields = {{"newest", watch.next_revision() - 1}, {"compacted", watch.compact_revision()}};
        recorder_.event(now(), event_etcd_relist, cluster_name, fields);
        next = watch.compact_revision();
      }
      break;
    }
    co_await runtime_.sleep_for(200ms);
  }
}

Task<void> ManagedEtcd::look_at_objects() {
  auto object = co_await admin_.get(clusters, namespace_name, cluster_name);
  if (object) {
    settings_.size = static_cast<std::uint32_t>(runtime::integer_at(object.value(), {"spec", "size"}, settings_.size));
    health_.wanted = settings_.size;
    wanted_version_ = runtime::text_at(object.value(), {"spec", "version"});
    const Json& done = runtime::find(object.value(), {"status", "lastRecovery"});
    if (done.is_object() && done != told_recovery_) {
      told_recovery_ = done;
      recorder_.event(now(), event_etcd_recovery, cluster_name, told_recovery_);
    }
  }
  co_await look_at_restores();
  if (backup_every_ == Duration::zero()) co_return;
  auto backup = co_await admin_.get(backups, namespace_name, backup_name);
  if (!backup) co_return;
  has_backup_ |= !runtime::list_at(backup.value(), {"status", "backups"}).empty();
  const Json seen = backup.value();
  co_await look_at_backups(seen);
}

Task<void> ManagedEtcd::look_at_restores() {
  client::ListOptions options;
  options.namespace_name = namespace_name;
  auto listed = co_await admin_.list_all(restores, std::move(options));
  if (!listed) co_return;
  restoring_ = false;
  for (const client::ObjectPointer& restore : listed.value().items) {
    const std::string name = client::name_of(*restore), phase = runtime::text_at(*restore, {"status", "phase"});
    restoring_ |= phase != "Finished";
    const auto known = restore_phases_.find(name);
    if (known != restore_phases_.end() && known->second == phase) continue;
    restore_phases_[name] = phase;
    const Json fields = {{"phase", phase}, {"reason", runtime::text_at(*restore, {"status", "reason"})}};
    recorder_.event(now(), event_etcd_restore, name, fields);
  }
}

/// By the address of its pod: cluster IPs are for those in the cluster.
Task<std::unique_ptr<client::ObjectStore>> ManagedEtcd::open_store() {
  client::ListOptions options;
  options.namespace_name = namespace_name;
  options.label_selector = "app=object-store";
  auto pods = co_await admin_.list_all(client::types::pods, std::move(options));
  std::unique_ptr<client::ObjectStore> none;
  if (!pods || pods.value().items.empty()) co_return none;
  client::S3Options s3;
  s3.endpoint = "http://" + runtime::text_at(*pods.value().items.front(), {"status", "podIP"}) + ":" + std::to_string(cluster::object_store_port);
  s3.bucket = cluster::object_store_bucket;
  s3.credentials.access_key_id = cluster::object_store_key;
  s3.credentials.secret_access_key = cluster::object_store_secret;
  s3.timeout = 5s;
  auto store = co_await client::open_s3(runtime_, std::move(s3));
  if (!store) co_return none;
  co_return std::move(store.value());
}

Task<void> ManagedEtcd::look_at_backups(const Json& backup) {
  Json told = {{"answers", false}, {"objects", Json::array()}, {"claimed", Json::array()}};
  for (const Json& one : runtime::list_at(backup, {"status", "backups"})) told["claimed"].push_back(runtime::text_at(one, {"object"}));
  auto store = co_await open_store();
  if (store) {
    auto listed = co_await store->list("");
    told["answers"] = listed.has_value();
    if (!listed) listed = std::vector<client::StoredObject>();
    for (const client::StoredObject& object : listed.value()) {
      Json& known = whole_backups_[object.name];
      if (known.is_null()) {
        auto bytes = co_await store->get(object.name);
        if (!bytes || !is_whole_snapshot(bytes.value())) {
          told["objects"].push_back({{"name", object.name}, {"whole", false}});
          continue;
        }
        known = {{"name", object.name}, {"revision", revision_in_name(object.name)}, {"whole", true}};
      }
      told["objects"].push_back(known);
    }
  }
  if (told != told_backups_) recorder_.event(now(), event_etcd_backups, cluster_name, told);
  told_backups_ = std::move(told);
}

Task<void> ManagedEtcd::run() {
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup group(stop);
  group.spawn("watch", watch());
  for (;;) {
    for (int tries = 0; tries < 3; ++tries) {
      const bool settled = co_await look();
      if (settled) break;
    }
    co_await look_at_objects();
    co_await runtime_.sleep_for(poll_interval_);
  }
}

}  // namespace skidpad::scenario
