#include "fakes/kubelet/kubelet.hpp"

#include "fakes/kubelet/bootstrap.hpp"
#include "fakes/kubelet/container_logs.hpp"
#include "fakes/kubelet/manifest.hpp"
#include "harness/client/process_metrics.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::kubelet {

using runtime::bool_at;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;
using namespace std::chrono_literals;

namespace {

constexpr Duration log_look_interval = 1s;
constexpr Duration disk_look_interval = 10s;   // as the real eviction manager
constexpr Duration eviction_grace = 1s;        // of hard thresholds

std::uint64_t bytes_below(runtime::Disk& disk, const std::string& path, int depth = 0) {
  const auto status = disk.status(path);
  if (!status) return 0;
  if (!status.value().is_directory) return status.value().size_bytes;
  std::uint64_t sum = 0;
  const auto names = disk.list(path);
  if (!names || depth > 32) return 0;
  for (const std::string& name : names.value()) sum += bytes_below(disk, path + "/" + name, depth + 1);
  return sum;
}

AddressPool make_addresses(const std::string& cidr) {
  if (cidr.empty()) return AddressPool();
  auto pool = AddressPool::parse(cidr);
  if (!pool) throw UsageError("--pod-cidr: " + pool.error().message);
  return std::move(pool.value());
}

/// A text kept on the disk under the root directory; made by `make` when it is not there or must change.
template <class Make>
std::string kept_text(runtime::Disk& disk, const std::string& path, bool renew, Make make) {
  if (!renew) {
    if (auto known = disk.read(path); known && !known.value().empty()) return known.value();
  }
  const std::string made = make();
  (void)disk.make_directories(runtime::parent_path(path));
  (void)disk.write_atomically(path, made);
  return made;
}

/// What a pod asks for of a resource: containers together, or its largest init container.
double requested(const Json& pod, const char* resource) {
  const auto amount = [&](const Json& container) {
    double value = 0;
    const std::string text = text_at(container, {"resources", "requests", resource}, text_at(container, {"resources", "limits", resource}));
    return parse_quantity(text, value) ? value : 0.0;
  };
  double sum = 0;
  double largest = 0;
  for (const Json& container : list_at(pod, {"spec", "containers"})) sum += amount(container);
  for (const Json& container : list_at(pod, {"spec", "initContainers"})) largest = std::max(largest, amount(container));
  return std::max(sum, largest);
}

}  // namespace

Kubelet::Kubelet(runtime::Runtime& runtime, client::KubernetesClient* client, const KubeletOptions& options)
    : runtime_(runtime),
      client_(client),
      options_(options),
      images_(runtime.disk(), runtime.log(), options.image_store),
      objects_(runtime, client, options.sync_frequency),
      volumes_(runtime, objects_, options.host_root),
      addresses_(make_addresses(options.pod_cidr)),
      services_{.runtime = runtime,
                .images = images_,
                .objects = objects_,
                .volumes = volumes_,
                .addresses = addresses_,
                .listener = *this,
                .service_environment = [this](const Json& pod) { return service_environment(pod); },
                .allocatable = [this] { return machine_capacity(runtime_.disk(), options_); },
                .pods_directory = options.pods_directory(),
                .log_directory = options.pod_log_directory,
                .node_name = options.node_name,
                .node_address = options.node_ip,
                .restart_backoff = BackoffLimits{options.restart_backoff_base, options.restart_backoff_max},
                .image_backoff = BackoffLimits{options.restart_backoff_base, options.restart_backoff_max},
                .sync_frequency = options.sync_frequency,
                .hollow = options.hollow} {
  if (client_ == nullptr) return;
  client::EventRecorderOptions recorder;
  recorder.component = "kubelet";
  recorder.host = options.node_name;
  events_ = std::make_unique<client::EventRecorder>(*client_, recorder);
  statuses_ = std::make_unique<StatusManager>(*client_, std::min<Duration>(1s, options.node_status_update_frequency / 10));
  mirrors_ = std::make_unique<MirrorPods>(*client_, options.node_name);
  // As client-go's reflector (800 ms, at most 30 s) with the default sync frequency of a minute; quicker where all timers are.
  client::InformerOptions all_services;
  all_services.backoff_first = std::clamp<Duration>(options.sync_frequency / 75, 40ms, 800ms);
  all_services.backoff_max = std::clamp<Duration>(options.sync_frequency / 2, 1s, 30s);
  client::InformerOptions own_pods = all_services;
  own_pods.field_selector = "spec.nodeName=" + options.node_name;
  pod_informer_ = std::make_unique<client::Informer>(*client_, client::types::pods, own_pods);
  service_informer_ = std::make_unique<client::Informer>(*client_, client::types::services, all_services);
}

Kubelet::~Kubelet() = default;

NodeFacts Kubelet::node_facts() {
  auto& disk = runtime_.disk();
  NodeFacts facts;
  facts.name = options_.node_name;
  facts.address = options_.node_ip;
  facts.kubelet_version = kubelet_version(runtime_);
  facts.machine_id = kept_text(disk, options_.root_directory + "/machine_id", false, [&] {
    std::string id = runtime_.random().uuid();
    std::erase(id, '-');
    return id;
  });
  facts.boot_id = kept_text(disk, options_.root_directory + "/boot_id", rebooted_, [&] { return runtime_.random().uuid(); });
  facts.pod_cidr = options_.pod_cidr;
  facts.labels = options_.node_labels;
  facts.taints = options_.register_with_taints;
  facts.capacity = machine_capacity(disk, options_);
  facts.kubelet_port = options_.port;
  return facts;
}

Task<void> Kubelet::run() {
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  runtime::TaskGroup pod_tasks(co_await runtime::CurrentStop());
  pod_tasks_ = &pod_tasks;
  (void)runtime_.disk().make_directories(options_.pods_directory(), 0750);
  restore_pods();
  read_manifests(true);
  if (client_ != nullptr) {
    node_ = std::make_unique<NodeAgent>(*client_, *events_, options_, node_facts());
    node_->on_node = [this](const Json& node) {
      mirrors_->set_node_uid(client::uid_of(node));
      // Without --pod-cidr the node takes the block that a controller gave it.
      const std::string cidr = text_at(node, {"spec", "podCIDR"});
      if (addresses_.empty() && !cidr.empty()) {
        if (auto pool = AddressPool::parse(cidr)) addresses_ = std::move(pool.value());
      }
    };
    tasks.spawn("events", events_->run());
    tasks.spawn("node", node_->run());
    tasks.spawn("pod_statuses", statuses_->run());
    tasks.spawn("mirror_pods", mirrors_->run());
    tasks.spawn("services", service_informer_->run());
    tasks.spawn("pods", watch_pods());
    tasks.spawn("certificate", rotate_client_certificate(*client_, options_));
  }
  server_ = std::make_unique<KubeletServer>(runtime_, client_, options_, *this, metrics_);
  tasks.spawn("server", server_->run());
  tasks.spawn("logs", watch_logs());
  if (auto* disk = dynamic_cast<runtime::MeasuresSpace*>(&runtime_.disk())) {
    auto thresholds = default_eviction_thresholds();
    if (options_.eviction_hard) thresholds = parse_eviction_thresholds(*options_.eviction_hard).value();
    const auto space = disk->space(options_.root_directory);
    const bool bounded = space && (space.value().own || options_.eviction_hard);
    if (bounded) tasks.spawn("eviction", watch_disk(*disk, std::move(thresholds)));
  }
  if (!options_.static_pod_path.empty()) tasks.spawn("manifests", watch_manifests());
  metrics_.describe("kubelet_running_pods", "Number of pods that have a running pod sandbox");
  metrics_.describe("kubelet_node_name", "The node's name. The count is always 1.");
  client::add_process_metrics(metrics_, runtime_.disk());
  metrics_.add_collector([this](client::Metrics& now) {
    std::size_t running = 0;
    for (const auto& [uid, pod] : pods_) running += pod->completed() ? 0 : 1;
    now.set("kubelet_running_pods", static_cast<double>(running));
    client::Metrics::Labels node;
    node["node"] = options_.node_name;
    now.set("kubelet_node_name", 1, node);
  });
  runtime_.log().info("kubelet_started", {{"node", options_.node_name}, {"pods_restored", pods_.size()}});
  co_await runtime::Event().wait();  // until stopped
}

// --- pods ---

void Kubelet::restore_pods() {
  const auto names = runtime_.disk().list(options_.pods_directory());
  if (!names) return;
  std::size_t adopted = 0;
  std::size_t lost = 0;
  for (const std::string& name : names.value()) {
    const std::string directory = options_.pods_directory() + "/" + name;
    auto pod = Pod::restore(services_, directory);
    if (!pod) {
      // A directory without a state is what a crash during creation or removal leaves.
      runtime_.log().warning("pod_not_restored", {{"directory", directory}, {"error", pod.error().message}});
      (void)runtime_.disk().remove_recursively(directory);
      continue;
    }
    adopted += pod.value()->adopted_count();
    lost += pod.value()->lost_count();
    start_pod(std::move(pod.value()));
  }
  rebooted_ = adopted == 0 && lost > 0;
  runtime_.log().info("pods_restored", {{"pods", pods_.size()}, {"processes_adopted", adopted}, {"processes_lost", lost}});
}

void Kubelet::start_pod(std::unique_ptr<Pod> pod) {
  Pod& started = *pod;
  ASSERT(!pods_.contains(started.uid()));
  pods_.emplace(started.uid(), std::move(pod));
  pod_tasks_->spawn("pod", run_pod(started));
}

Task<void> Kubelet::run_pod(Pod& pod) {
  co_await pod.run();
  remove_pod(pod);
}

/// The pod has ended: the API is told, its files go, and a successor of the same name may start.
void Kubelet::remove_pod(Pod& pod) {
  ASSERT(pod.finished());
  const std::string uid = pod.uid();
  const std::string full_name = full_pod_name(pod.spec_object());
  const bool was_static = pod.is_static();
  if (statuses_) {
    if (was_static) {
      statuses_->forget(uid);
    } else {
      statuses_->set(uid, pod.spec_object(), uid, pod.status());
      statuses_->finish(uid);
    }
  }
  objects_.forget_pod(uid);
  const auto removed = runtime_.disk().remove_recursively(pod.directory());
  if (!removed && removed.error().code != ErrorCode::not_found) {
    runtime_.log().warning("pod_directory_not_removed", {{"directory", pod.directory()}, {"error", removed.error().message}});
  }
  runtime_.log().info("pod_removed", {{"pod", full_name}, {"uid", uid}});
  pods_.erase(uid);
  if (was_static) apply_static_pods();
}

Pod* Kubelet::find_pod(const std::string& uid) const {
  const auto found = pods_.find(uid);
  return found == pods_.end() ? nullptr : found->second.get();
}

Pod* Kubelet::static_pod(const std::string& full_name) const {
  for (const auto& [uid, pod] : pods_) {
    if (pod->is_static() && full_pod_name(pod->spec_object()) == full_name) return pod.get();
  }
  return nullptr;
}

void Kubelet::pod_event(const Json& pod, bool warning, const std::string& reason, const std::string& message, const std::string& container, ContainerKind kind) {
  runtime_.log().info("pod_event", {{"pod", client::key_of(pod)}, {"container", container}, {"reason", reason}, {"message", message}});
  if (!events_) return;
  Json reference = client::object_reference(pod, client::types::pods);
  const char* list = kind == ContainerKind::main ? "containers{" : kind == ContainerKind::ephemeral ? "ephemeralContainers{" : "initContainers{";
  if (!container.empty()) reference["fieldPath"] = std::string("spec.") + list + container + "}";
  events_->record_about(std::move(reference), warning ? client::EventType::warning : client::EventType::normal, reason, message);
}

std::string Kubelet::api_uid_of(const Json& pod) const {
  return is_static_pod(pod) ? mirrors_->api_uid(full_pod_name(pod)) : client::uid_of(pod);
}

void Kubelet::pod_status_changed(const Json& pod, const Json& status) {
  if (!statuses_) return;
  statuses_->set(client::uid_of(pod), pod, api_uid_of(pod), status);
}

std::vector<Json> Kubelet::pods() const {
  std::vector<Json> list;
  for (const auto& [uid, pod] : pods_) {
    if (pod->confirmed()) list.push_back(pod->object());
  }
  return list;
}

const Pod* Kubelet::pod_named(const std::string& namespace_name, const std::string& name) const {
  const Pod* found = nullptr;
  for (const auto& [uid, pod] : pods_) {
    const Json& object = pod->spec_object();
    if (client::namespace_of(object) != namespace_name || client::name_of(object) != name) continue;
    // A pod and its successor of the same name: the one that stays.
    if (found == nullptr || found->terminating()) found = pod.get();
  }
  return found;
}

void Kubelet::node_event(bool warning, const std::string& reason, const std::string& message) {
  runtime_.log().info("node_event", {{"reason", reason}, {"message", message}});
  if (!events_) return;
  Json about = Json::object();
  about["kind"] = "Node";
  about["name"] = options_.node_name;
  about["uid"] = options_.node_name;
  events_->record_about(std::move(about), warning ? client::EventType::warning : client::EventType::normal, reason, message);
}

/// While the disk runs low, one pod goes at each look, and new ones are refused.
Task<void> Kubelet::watch_disk(runtime::MeasuresSpace& disk, std::vector<EvictionThreshold> thresholds) {
  std::optional<runtime::Instant> last_seen;
  while (true) {
    const auto space = disk.space(options_.root_directory);
    const auto shortage = space ? disk_shortage(thresholds, space.value()) : std::nullopt;
    if (shortage) {
      last_seen = runtime_.now();
      node_event(true, "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage");
    }
    const bool pressure = last_seen && (shortage || runtime_.now() - *last_seen < options_.eviction_transition_period);
    if (pressure != disk_pressure_) {
      disk_pressure_ = pressure;
      const std::string reason = pressure ? "NodeHasDiskPressure" : "NodeHasNoDiskPressure";
      node_event(false, reason, "Node " + options_.node_name + " status is now: " + reason);
      if (node_) node_->change([pressure](NodeFacts& facts) { facts.disk_pressure = pressure; });
    }
    if (shortage) evict_one(*shortage);
    co_await runtime_.sleep_for(disk_look_interval);
  }
}

void Kubelet::evict_one(const DiskShortage& shortage) {
  std::vector<EvictionCandidate> candidates;
  for (const auto& [uid, pod] : pods_) {
    // The room that one gives up is there when it has gone.
    if (pod->failing() && !pod->completed()) return;
    const Json& object = pod->spec_object();
    if (!pod->confirmed() || pod->is_static() || is_critical_pod(object) || pod->completed() || pod->terminating()) continue;
    EvictionCandidate candidate;
    candidate.uid = uid;
    candidate.priority = integer_at(object, {"spec", "priority"});
    candidate.requested_bytes = static_cast<std::uint64_t>(requested(object, "ephemeral-storage"));
    candidate.used_bytes = bytes_below(runtime_.disk(), pod->directory());
    for (const std::string& path : pod->log_paths()) candidate.used_bytes += bytes_below(runtime_.disk(), path);
    candidates.push_back(std::move(candidate));
  }
  if (candidates.empty()) return;
  rank_for_eviction(candidates);
  Pod& victim = *find_pod(candidates.front().uid);
  victim.fail("Evicted", eviction_message(shortage, victim.spec_object(), candidates.front()), eviction_grace);
}

Task<void> Kubelet::watch_logs() {
  LogClock clock(runtime_.disk());
  while (true) {
    co_await runtime_.sleep_for(log_look_interval);
    for (const auto& [uid, pod] : pods_) {
      for (const std::string& path : pod->log_paths()) clock.look(path);
    }
    clock.sweep();
  }
}

Json Kubelet::stats_summary() const {
  const std::string time = runtime::format_rfc3339(runtime_.wall_now());
  Json summary = Json::object();
  summary["node"]["nodeName"] = options_.node_name;
  summary["pods"] = Json::array();
  ResourceUse all = usage_->own();
  for (const auto& [uid, pod] : pods_) {
    Json entry = Json::object();
    entry["podRef"]["name"] = client::name_of(pod->spec_object());
    entry["podRef"]["namespace"] = client::namespace_of(pod->spec_object());
    entry["podRef"]["uid"] = uid;
    entry["containers"] = Json::array();
    ResourceUse sum;
    for (const Json& spec : runtime::list_at(pod->spec_object(), {"spec", "containers"})) {
      const ContainerState* state = pod->container_state(text_at(spec, {"name"}));
      if (state == nullptr || state->phase != ContainerState::Phase::running) continue;
      const ResourceUse use = usage_->look(state->process);
      Json container = Json::object();
      container["name"] = state->name;
      put_usage(container, use, time);
      entry["containers"].push_back(std::move(container));
      sum += use;
    }
    put_usage(entry, sum, time);
    all += sum;
    summary["pods"].push_back(std::move(entry));
  }
  put_usage(summary["node"], all, time);
  return summary;
}

Result<Environment> Kubelet::service_environment(const Json& pod) const {
  if (!service_informer_ || !service_informer_->has_synced()) {
    return Error(ErrorCode::unavailable, "services have not yet been read at least once, cannot construct envvars");
  }
  Environment environment;
  if (bool_at(pod, {"spec", "enableServiceLinks"}, true)) {
    for (const auto& service : service_informer_->store().in_namespace(client::namespace_of(pod))) add_service_environment(*service, environment);
  }
  if (const auto master = service_informer_->store().find("default", "kubernetes")) add_service_environment(*master, environment);
  return environment;
}

// --- static pods ---

Task<void> Kubelet::watch_manifests() {
  // The real kubelet hears of changes from inotify; looking at names, sizes and times once a second comes to the same.
  const Duration look = std::min<Duration>(1s, options_.file_check_frequency);
  runtime::Instant complete_due = runtime_.now() + options_.file_check_frequency;
  while (true) {
    co_await runtime_.sleep_for(look);
    const bool completely = runtime_.now() >= complete_due;
    if (completely) complete_due = runtime_.now() + options_.file_check_frequency;
    read_manifests(completely);
  }
}

/// @param completely  read each file, not only those that look changed
void Kubelet::read_manifests(bool completely) {
  if (options_.static_pod_path.empty()) {
    apply_static_pods();  // those of an earlier configuration end
    return;
  }
  auto& disk = runtime_.disk();
  const auto names = disk.list(options_.static_pod_path);
  if (!names && names.error().code != ErrorCode::not_found) {
    runtime_.log().warning("manifests_not_read", {{"path", options_.static_pod_path}, {"error", names.error().message}});
    return;  // a directory that cannot be read says nothing about its pods
  }
  bool changed = false;
  const std::size_t count_before = files_.size();
  std::map<std::string, ManifestFile> files;
  for (const std::string& name : names ? names.value() : std::vector<std::string>()) {
    const std::string path = options_.static_pod_path + "/" + name;
    if (name.starts_with(".")) continue;
    const auto status = disk.status(path);
    if (!status || status.value().is_directory) continue;
    const auto known = files_.find(name);
    const bool same = known != files_.end() && known->second.status.size_bytes == status.value().size_bytes && known->second.status.modified == status.value().modified;
    if (same && !completely) {
      files.insert(files_.extract(known));
      continue;
    }
    const auto text = disk.read(path, 10 << 20);
    ManifestFile file = known == files_.end() ? ManifestFile() : known->second;
    file.status = status.value();
    if (text && (known == files_.end() || text.value() != known->second.text)) {
      file.text = text.value();
      changed = true;
      auto pod = parse_manifest(file.text, path, options_.node_name);
      if (pod) {
        file.error.clear();
        const std::string full_name = full_pod_name(pod.value());
        const bool taken = std::any_of(files.begin(), files.end(), [&](const auto& other) { return other.second.full_name == full_name; });
        if (taken) {
          runtime_.log().warning("manifest_ignored", {{"path", path}, {"error", "another manifest describes pod " + full_name}});
        } else {
          file.full_name = full_name;
          static_wanted_[full_name] = std::move(pod.value());
        }
      } else {
        // Unlike the real kubelet we keep the pod that this file described before: half a file must not stop an etcd member.
        file.error = pod.error().message;
        runtime_.log().warning("manifest_unusable", {{"path", path}, {"error", file.error}});
        if (node_ && events_) {
          Json about = Json::object();
          about["kind"] = "Node";
          about["name"] = options_.node_name;
          about["uid"] = options_.node_name;
          events_->record_about(std::move(about), client::EventType::warning, "InvalidStaticPod", path + ": " + file.error);
        }
      }
    }
    files[name] = std::move(file);
  }
  if (files.size() != count_before) changed = true;
  files_ = std::move(files);
  if (!changed && !completely) return;
  std::set<std::string> described;
  for (const auto& [name, file] : files_) described.insert(file.full_name);
  std::erase_if(static_wanted_, [&](const auto& wanted) { return !described.contains(wanted.first); });
  apply_static_pods();
}

/// Brings running static pods and wanted ones together. One of the same name but another UID waits until the old one has ended.
void Kubelet::apply_static_pods() {
  std::vector<Pod*> running;
  for (const auto& [uid, pod] : pods_) {
    if (pod->is_static()) running.push_back(pod.get());
  }
  std::set<std::string> busy;
  for (Pod* pod : running) {
    const std::string full_name = full_pod_name(pod->spec_object());
    busy.insert(full_name);
    const auto wanted = static_wanted_.find(full_name);
    if (wanted != static_wanted_.end() && client::uid_of(wanted->second) == pod->uid()) {
      if (!pod->confirmed()) {
        if (mirrors_) mirrors_->set_static_pod(full_name, wanted->second);
        pod->update(wanted->second);
      }
      continue;
    }
    if (mirrors_ && wanted == static_wanted_.end()) mirrors_->remove_static_pod(full_name);
    if (!pod->terminating()) pod->terminate();
  }
  for (const auto& [full_name, wanted] : static_wanted_) {
    if (busy.contains(full_name)) continue;
    Json pod = wanted;
    pod["metadata"]["annotations"][std::string(config_seen_annotation)] = runtime::format_rfc3339(runtime_.wall_now());
    if (mirrors_) mirrors_->set_static_pod(full_name, pod);
    start_pod(std::make_unique<Pod>(services_, std::move(pod), true));
  }
}

// --- pods of the API ---

Task<void> Kubelet::watch_pods() {
  client::InformerHandler handler;
  handler.added = [this](const client::ObjectPointer& pod) { api_pod(*pod); };
  handler.updated = [this](const client::ObjectPointer& before, const client::ObjectPointer& pod) {
    // Deleted and made again between two lists: two pods.
    if (client::uid_of(*before) != client::uid_of(*pod)) api_pod_gone(*before);
    api_pod(*pod);
  };
  handler.deleted = [this](const client::ObjectPointer& pod) { api_pod_gone(*pod); };
  pod_informer_->add_handler(std::move(handler));
  // Pods need the services' variables; where services cannot be read, pods say so one by one.
  co_await service_informer_->synced().wait_for(runtime_, 10s);
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  tasks.spawn("pod_watch", pod_informer_->run());
  co_await pod_informer_->synced().wait();
  all_api_pods_known();
  co_await tasks.join();
}

void Kubelet::all_api_pods_known() {
  api_synced_ = true;
  mirrors_->set_synced();
  for (const auto& [uid, pod] : pods_) {
    if (pod->is_static() || pod->confirmed()) continue;
    runtime_.log().info("pod_unknown_to_api", {{"pod", client::key_of(pod->spec_object())}, {"uid", uid}});
    pod->terminate();
  }
}

/// Why the node refuses a pod: reason and message of its Failed status.
std::optional<std::pair<std::string, std::string>> Kubelet::refusal(const Json& pod) const {
  std::size_t count = 0;
  double cpu = 0;
  double memory = 0;
  for (const auto& [uid, other] : pods_) {
    if (other->completed() || other->terminating()) continue;
    ++count;
    cpu += requested(other->spec_object(), "cpu");
    memory += requested(other->spec_object(), "memory");
  }
  if (disk_pressure_ && !is_critical_pod(pod)) return std::pair(std::string("Evicted"), std::string("Pod was rejected: The node had condition: [DiskPressure]. "));
  const Json capacity = machine_capacity(runtime_.disk(), options_);
  const auto message = [](const char* resource, std::int64_t wanted, std::int64_t used, std::int64_t all) {
    return std::string("Pod was rejected: Node didn't have enough resource: ") + resource + ", requested: " + std::to_string(wanted) +
           ", used: " + std::to_string(used) + ", capacity: " + std::to_string(all);
  };
  if (static_cast<std::int64_t>(count) + 1 > options_.pods_max) {
    return std::pair(std::string("OutOfpods"), message("pods", 1, static_cast<std::int64_t>(count), options_.pods_max));
  }
  double capacity_cpu = 0;
  double capacity_memory = 0;
  parse_quantity(text_at(capacity, {"cpu"}), capacity_cpu);
  parse_quantity(text_at(capacity, {"memory"}), capacity_memory);
  const double wanted_cpu = requested(pod, "cpu");
  if (wanted_cpu > 0 && cpu + wanted_cpu > capacity_cpu + 1e-9) {
    return std::pair(std::string("OutOfcpu"), message("cpu", std::llround(wanted_cpu * 1000), std::llround(cpu * 1000), std::llround(capacity_cpu * 1000)));
  }
  const double wanted_memory = requested(pod, "memory");
  if (wanted_memory > 0 && memory + wanted_memory > capacity_memory) {
    return std::pair(std::string("OutOfmemory"), message("memory", std::llround(wanted_memory), std::llround(memory), std::llround(capacity_memory)));
  }
  return std::nullopt;
}

void Kubelet::api_pod(const Json& object) {
  if (is_mirror_pod(object)) {
    mirrors_->seen(object);
    if (Pod* pod = static_pod(full_pod_name(object))) {
      if (!statuses_->knows(pod->uid())) statuses_->set(pod->uid(), pod->spec_object(), client::uid_of(object), pod->status());
      statuses_->seen(pod->uid(), object);
    }
    return;
  }
  const std::string& uid = client::uid_of(object);
  if (Pod* pod = find_pod(uid)) {
    pod->update(object);
    statuses_->seen(uid, object);
    return;
  }
  if (client::is_deleting(object)) {
    // Nothing of it runs here: it may go.
    if (!statuses_->knows(uid)) statuses_->set(uid, object, uid, find(object, {"status"}));
    statuses_->finish(uid);
    return;
  }
  if (client::is_pod_finished(object)) return;
  const auto refused = refusal(object);
  auto pod = std::make_unique<Pod>(services_, object, false);
  if (refused) pod->reject(refused->first, refused->second);
  start_pod(std::move(pod));
}

void Kubelet::api_pod_gone(const Json& object) {
  if (is_mirror_pod(object)) {
    mirrors_->gone(object);
    return;
  }
  const std::string& uid = client::uid_of(object);
  statuses_->forget(uid);
  Pod* pod = find_pod(uid);
  if (pod == nullptr) return;
  const std::int64_t grace = integer_at(object, {"metadata", "deletionGracePeriodSeconds"}, -1);
  pod->terminate(grace >= 0 ? std::optional<Duration>(std::chrono::seconds(std::max<std::int64_t>(grace, 1))) : std::nullopt);
}

// --- the program ---

Task<int> kubelet_main(Runtime& runtime, std::vector<std::string> arguments) {
  KubeletOptions options;
  std::string output;
  if (!parse_options(runtime, arguments, options, output)) co_return 0;
  if (!options.has_api()) {
    Kubelet standalone(runtime, nullptr, options);
    co_await standalone.run();
    co_return 0;
  }
  // Static pods must not wait for a certificate that only their API server can give.
  const bool bootstrap_needed = !options.bootstrap_kubeconfig.empty() && !runtime.disk().exists(options.kubeconfig);
  if (bootstrap_needed) {
    runtime::TaskGroup waiting(co_await runtime::CurrentStop());
    Kubelet standalone(runtime, nullptr, options);
    waiting.spawn("standalone", standalone.run());
    co_await bootstrap_kubeconfig(runtime, options);
    waiting.kill();
  }
  auto config = client::load_kubeconfig(runtime.disk(), options.kubeconfig);
  if (!config) throw UsageError("--kubeconfig: " + config.error().message);
  client::ClientOptions client_options;
  client_options.user_agent = "kubelet/" + kubelet_version(runtime) + " (linux/amd64) skidpad";
  // As the real one: a heartbeat that takes longer than a status interval is given up.
  client_options.request_timeout = std::max<Duration>(std::min<Duration>(options.node_status_update_frequency, 10s), 1s);
  client::KubernetesClient client(runtime, config.value(), client_options);
  Kubelet kubelet(runtime, &client, options);
  co_await kubelet.run();
  co_return 0;
}

}  // namespace skidpad::fakes::kubelet
