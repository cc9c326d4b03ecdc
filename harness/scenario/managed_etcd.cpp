#include "harness/scenario/managed_etcd.hpp"

#include "harness/cluster/etcd_operator_objects.hpp"

namespace skidpad::scenario {
namespace {

using runtime::Result;
using runtime::success;
using namespace std::chrono_literals;

constexpr char namespace_name[] = "kube-system";
constexpr char cluster_name[] = "data";
constexpr std::uint16_t client_port = 2379;
constexpr Duration ask_time_max = 1s;
const client::ResourceType clusters{"etcd.database.coreos.com", "v1beta2", "etcdclusters", "EtcdCluster", client::Scope::namespaced};
const client::ResourceType backups{"etcd.database.coreos.com", "v1beta2", "etcdbackups", "EtcdBackup", client::Scope::namespaced};

std::string flag(const char* name, Duration duration) {
  return std::string(name) + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

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
                    {"version", "3.4.23"},
                    {"pod",
                     {{"nodeSelector", {{"node-role.kubernetes.io/worker", ""}}},
                      {"etcdArguments",
                       {flag("--heartbeat-interval=", timers_.etcd_heartbeat_interval), flag("--election-timeout=", timers_.etcd_election_timeout)}}}},
                    {"recovery", {{"grace", runtime::format_go_duration(grace_)}, {"autoRecover", settings_.auto_recover}}}};
  objects.emplace_back(clusters, object);
  if (backup_every_ > Duration::zero()) {
    const auto seconds = std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(backup_every_).count());
    object["metadata"]["name"] = "data-backup";
    object["spec"] = {{"clusterName", cluster_name},
                      {"storageType", "S3"},
                      {"s3",
                       {{"path", "backups/etcd"},
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
    auto read = co_await client->get("traffic/health");
    seen.healthy = read.has_value();
    seen_[address] = std::move(seen);
  } else {
    seen_.erase(address);
  }
}

Task<void> ManagedEtcd::look() {
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
    told = {{"serves", false}, {"wanted", settings_.size}};
  } else {
    auto list = co_await clients_[from]->member_list();
    if (!list) co_return;
    nodes_.clear();
    told = {{"serves", true}, {"wanted", settings_.size}, {"cluster_id", std::to_string(list.value().header.cluster_id)}, {"members", Json::array()}};
    for (const client::Member& member : list.value().members) {
      bool answers = false;
      std::string on;
      for (const auto& [address, node] : node_at) {
        if (std::none_of(member.peer_urls.begin(), member.peer_urls.end(), [&](const std::string& url) { return url.find("//" + address + ":") != std::string::npos; })) continue;
        on = node;
        const auto seen = seen_.find(address);
        answers = seen != seen_.end() && seen->second.healthy && seen->second.status.header.member_id == member.id;
        if (seen != seen_.end() && seen->second.status.leader == member.id && answers) leader_node_ = node;
      }
      if (!on.empty()) nodes_.push_back(on);
      if (answers && !member.is_learner) ++healthy;
      told["members"].push_back({{"id", client::to_text(member.id)}, {"name", member.name}, {"node", on}, {"voter", !member.is_learner}, {"healthy", answers}});
    }
  }
  health_.healthy = healthy;
  if (told != told_members_) recorder_.event(now(), event_etcd_members, cluster_name, told);
  told_members_ = std::move(told);
}

Task<void> ManagedEtcd::look_at_objects() {
  auto object = co_await admin_.get(clusters, namespace_name, cluster_name);
  if (object) {
    const Json& done = runtime::find(object.value(), {"status", "lastRecovery"});
    if (done.is_object() && done != told_recovery_) {
      told_recovery_ = done;
      recorder_.event(now(), event_etcd_recovery, cluster_name, told_recovery_);
    }
  }
  if (backup_every_ > Duration::zero() && !has_backup_) {
    auto backup = co_await admin_.get(backups, namespace_name, "data-backup");
    has_backup_ = backup && !runtime::list_at(backup.value(), {"status", "backups"}).empty();
  }
}

Task<void> ManagedEtcd::run() {
  for (;;) {
    co_await look();
    co_await look_at_objects();
    co_await runtime_.sleep_for(poll_interval_);
  }
}

}  // namespace skidpad::scenario
