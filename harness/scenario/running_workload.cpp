#include "harness/scenario/running_workload.hpp"

#include "harness/cluster/cluster_maker.hpp"
#include "harness/scenario/words.hpp"
#include "harness/scenario/workload_objects.hpp"
#include "harness/workload/etcd_registers.hpp"

namespace skidpad::scenario {

using runtime::ErrorCode;
using runtime::Result;
using runtime::success;
using namespace std::chrono_literals;

namespace {

Task<Result<void>> read_once(client::KubernetesClient& api) {
  auto read = co_await api.get(client::types::namespaces, "", "default");
  if (!read) co_return read.error();
  co_return success();
}

Task<Result<void>> write_once(client::KubernetesClient& api) {
  Json object;
  object["apiVersion"] = "v1";
  object["kind"] = "ConfigMap";
  object["metadata"] = {{"name", "skidpad-probe"}, {"namespace", workload_namespace}};
  object["data"]["at"] = std::to_string(api.runtime().now().time_since_epoch().count());
  auto written = co_await api.update(client::types::config_maps, object);
  if (!written && written.error().code == ErrorCode::not_found) written = co_await api.create(client::types::config_maps, object);
  if (!written) co_return written.error();
  co_return success();
}

}  // namespace

RunningWorkload::RunningWorkload(runtime::Runtime& runtime, history::Recorder& recorder, Instant start, const RunPlan& plan, const cluster::ClusterAssets& assets,
                                 client::KubernetesClient& admin, const runtime::Random& random, runtime::StopState& stop)
    : runtime_(runtime), recorder_(recorder), start_(start), plan_(plan), assets_(assets), admin_(admin), random_(random), tasks_(stop), traffic_group_(stop) {}

Task<Result<void>> RunningWorkload::create() {
  for (const Json& object : workload_objects(plan_.scenario.workload, plan_.timers, workload_namespace)) {
    auto type = cluster::type_of(object);
    ASSERT(type.has_value());
    auto created = co_await admin_.create(type.value(), object);
    if (!created) co_return created.error();
    if (type.value() == client::types::services) {
      node_ports_[client::name_of(created.value())] = static_cast<std::uint16_t>(runtime::integer_at(created.value()["spec"]["ports"][0], {"nodePort"}));
    }
  }
  co_return success();
}

Task<void> RunningWorkload::start(std::function<std::vector<runtime::Endpoint>()> managed_etcd) {
  const auto& all_traffic = plan_.scenario.workload.traffic;
  for (std::size_t index = 0; index < all_traffic.size(); ++index) co_await start_traffic(all_traffic[index], index, managed_etcd);
  for (const Probe& probe : plan_.scenario.probes) start_probe(probe);
}

std::int64_t RunningWorkload::revision_max() const {
  std::int64_t highest = 0;
  for (const auto& traffic : traffic_) highest = std::max(highest, traffic->revision_max());
  return highest;
}

Task<void> RunningWorkload::audit(Instant due) {
  traffic_group_.request_stop();
  co_await traffic_group_.join();
  for (const auto& traffic : traffic_) co_await traffic->audit(due);
  for (const auto& [traffic, watch] : watches_) co_await watch->finish(traffic->revision_max(), due);
}

/// The Service on every node, control plane first: users come in where no worker's loss is in the way.
std::vector<runtime::Endpoint> RunningWorkload::service_entries(const std::string& service) const {
  std::vector<runtime::Endpoint> entries;
  for (const bool workers : {false, true}) {
    for (const cluster::NodePlan& node : assets_.plan.nodes) {
      const bool plain_worker = node.worker && !node.control_plane;
      if (plain_worker == workers) entries.push_back(runtime::Endpoint{node.address, node_ports_.at(service)});
    }
  }
  return entries;
}

Task<void> RunningWorkload::start_traffic(const Traffic& traffic, std::size_t index, std::function<std::vector<runtime::Endpoint>()> managed_etcd) {
  const Duration every = plan_.resolved(traffic.every);
  if (traffic.kind == TrafficKind::http) {
    for (std::uint32_t client = 0; client < traffic.clients; ++client) {
      workload::ProbeSchedule schedule;
      schedule.name = "traffic-" + *traffic.service + "-" + std::to_string(client);
      schedule.target = "Service/" + *traffic.service;
      schedule.interval = every;
      schedule.timeout = 2s;
      start_question(std::move(schedule), service_entries(*traffic.service), "/echo");
    }
    co_return;
  }
  workload::RegisterTrafficOptions options;
  options.workload = std::string(to_word(traffic.kind)) + "-" + std::to_string(index);
  options.clients = traffic.clients;
  options.keys = traffic.keys;
  options.every = every;
  std::function<std::unique_ptr<workload::Registers>()> connect;
  if (traffic.kind == TrafficKind::etcd) {
    connect = [this, managed_etcd = std::move(managed_etcd)] { return workload::make_etcd_registers(runtime_, managed_etcd(), 5s); };
  } else if (traffic.kind == TrafficKind::api) {
    connect = [this] { return workload::make_api_registers(runtime_, assets_.admin, workload_namespace, 5s); };
  } else {
    connect = [this, entries = service_entries(*traffic.service)] { return workload::make_http_registers(runtime_, entries, 5s); };
  }
  traffic_.push_back(std::make_unique<workload::RegisterTraffic>(runtime_, recorder_, start_, random_.split(options.workload), options, std::move(connect)));
  co_await traffic_.back()->prepare(runtime_.now() + 1min);
  if (traffic.watchers > 0) {
    workload::WatchTrafficOptions watch;
    watch.workload = options.workload;
    watch.namespace_name = workload_namespace;
    watch.watchers = traffic.watchers;
    watch.silence_max = 10 * every + 5s;
    watches_.emplace_back(traffic_.back().get(), std::make_unique<workload::WatchTraffic>(runtime_, recorder_, start_, assets_.admin, std::move(watch)));
    tasks_.spawn(options.workload + "-watch", watches_.back().second->run());
  }
  traffic_group_.spawn(options.workload, traffic_.back()->run());
}

void RunningWorkload::start_question(workload::ProbeSchedule schedule, std::vector<runtime::Endpoint> entries, const std::string& path) {
  questions_.push_back(std::make_unique<workload::HttpQuestion>(runtime_, std::move(entries), path, schedule.timeout));
  workload::HttpQuestion& question = *questions_.back();
  tasks_.spawn(schedule.name, workload::probe(runtime_, recorder_, start_, std::move(schedule), tally_, [&question] { return question.ask(); }));
}

void RunningWorkload::start_probe(const Probe& probe) {
  workload::ProbeSchedule schedule;
  schedule.name = probe.name;
  schedule.interval = plan_.resolved(probe.interval);
  schedule.timeout = plan_.resolved(probe.timeout);
  if (probe.kind == ProbeKind::http) {
    schedule.target = "Service/" + *probe.service + probe.path;
    start_question(std::move(schedule), service_entries(*probe.service), probe.path);
    return;
  }
  client::ClientOptions options;
  options.user_agent = "skidpad-probe";
  options.request_timeout = schedule.timeout;
  options.connect_timeout = schedule.timeout / 3;
  api_probes_.push_back(std::make_unique<client::KubernetesClient>(runtime_, assets_.admin, options));
  client::KubernetesClient& api = *api_probes_.back();
  schedule.target = probe.kind == ProbeKind::api_read ? "Namespace/default" : "ConfigMap/default/skidpad-probe";
  const bool writes = probe.kind == ProbeKind::api_write;
  tasks_.spawn(schedule.name, workload::probe(runtime_, recorder_, start_, schedule, tally_, [&api, writes] { return writes ? write_once(api) : read_once(api); }));
}

}  // namespace skidpad::scenario
