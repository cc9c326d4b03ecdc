#include "fakes/kubelet/pod.hpp"

#include "fakes/kubelet/manifest.hpp"
#include "fakes/kubelet/pod_container.hpp"
#include "harness/client/kubernetes/object.hpp"

namespace skidpad::fakes::kubelet {

using runtime::bool_at;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;
using Phase = ContainerState::Phase;
using namespace std::chrono_literals;

namespace {

constexpr char state_file[] = "/state.json";

Duration grace_of(const Json& pod) {
  const std::int64_t deletion = integer_at(pod, {"metadata", "deletionGracePeriodSeconds"}, -1);
  if (deletion >= 0) return std::chrono::seconds(deletion);
  return std::chrono::seconds(std::clamp<std::int64_t>(integer_at(pod, {"spec", "terminationGracePeriodSeconds"}, 30), 0, 365 * 24 * 3600));
}

bool is_own_condition(const std::string& type) {
  return type == "DisruptionTarget" || type == "PodReadyToStartContainers" || type == "Initialized" || type == "Ready" || type == "ContainersReady";
}

}  // namespace

Pod::Pod(PodServices& services, Json pod, bool static_pod) : services_(services), static_(static_pod) {
  uid_ = client::uid_of(pod);
  ASSERT(!uid_.empty());
  directory_ = services.pods_directory + "/" + uid_;
  status_ = find(pod, {"status"});
  if (!status_.is_object()) status_ = Json::object();
  pod.erase("status");
  pod_ = std::move(pod);
  for (const Json& spec : list_at(pod_, {"spec", "initContainers"})) {
    const ContainerKind kind = text_at(spec, {"restartPolicy"}) == "Always" ? ContainerKind::sidecar : ContainerKind::init;
    containers_.push_back(std::make_unique<Container>(spec, kind, services));
  }
  for (const Json& spec : list_at(pod_, {"spec", "containers"})) containers_.push_back(std::make_unique<Container>(spec, ContainerKind::main, services));
  add_ephemeral_containers();
  for (const auto& container : containers_) {
    container->state.waiting_reason = list_at(pod_, {"spec", "initContainers"}).empty() ? "ContainerCreating" : "PodInitializing";
  }
}

Pod::~Pod() = default;

void Pod::add_ephemeral_containers() {
  for (const Json& spec : list_at(pod_, {"spec", "ephemeralContainers"})) {
    if (container_state(text_at(spec, {"name"})) == nullptr) containers_.push_back(std::make_unique<Container>(spec, ContainerKind::ephemeral, services_));
  }
}

Result<std::unique_ptr<Pod>> Pod::restore(PodServices& services, const std::string& pod_directory) {
  TRY(const std::string text, services.runtime.disk().read(pod_directory + state_file));
  TRY(Json saved, runtime::parse_json(text));
  if (!find(saved, {"pod"}).is_object() || text_at(saved, {"pod", "metadata", "uid"}).empty()) {
    return Error(ErrorCode::corrupt, pod_directory + state_file + ": not the state of a pod");
  }
  auto pod = std::make_unique<Pod>(services, saved["pod"], bool_at(saved, {"static"}));
  pod->confirmed_ = false;
  pod->prepared_ = bool_at(saved, {"prepared"});
  pod->address_ = text_at(saved, {"podIP"});
  pod->address_is_own_ = bool_at(saved, {"addressIsOwn"});
  pod->failed_reason_ = text_at(saved, {"failedReason"});
  pod->failed_message_ = text_at(saved, {"failedMessage"});
  WallTime start{};
  if (runtime::parse_rfc3339(text_at(saved, {"startTime"}), start)) pod->start_time_ = start;
  for (const Json& record : list_at(saved, {"volumes"})) pod->volume_paths_[text_at(record, {"name"})] = text_at(record, {"path"});
  for (const Json& record : list_at(saved, {"containers"})) {
    const ContainerState state = container_state_from_json(record);
    for (const auto& container : pod->containers_) {
      if (container->state.name != state.name) continue;
      const ContainerState fresh = container->state;
      container->state = state;
      container->state.kind = fresh.kind;
      container->state.image = fresh.image;
      container->state.waiting_reason = fresh.waiting_reason;
      for (const Json& word : list_at(record, {"mounts"})) container->mappings.add(text_at(word, {"mount"}), text_at(word, {"host"}));
      for (const auto& [name, value] : list_at(record, {"environment"}).items()) {
        if (value.is_string()) container->environment[name] = value.get<std::string>();
      }
    }
  }
  if (pod->address_is_own_ && pod->services_.addresses.take(pod->address_)) {
    (void)services.runtime.network().add_local_address(pod->address_);
  }
  for (const auto& container : pod->containers_) {
    if (container->running()) pod->adopt(*container);
  }
  if (pod->adopted_count_ == 0 && pod->lost_count_ > 0) pod->restart_sandbox();
  return pod;
}

/// All processes are gone although nobody stopped them: the machine was off. Init containers run again, as in a new sandbox.
void Pod::restart_sandbox() {
  for (const auto& container : containers_) {
    if (container->state.kind == ContainerKind::init && container->state.phase == Phase::terminated) {
      container->state.last_termination = container->state.termination;
      container->state.termination.reset();
      container->state.phase = Phase::waiting;
      container->state.waiting_reason = "PodInitializing";
    }
  }
  prepared_ = false;
}

void Pod::update(Json pod) {
  if (!confirmed_) {
    confirmed_ = true;
    if (find(pod, {"status"}).is_object()) status_ = pod["status"];
    if (adopted_count_ == 0 && lost_count_ > 0) {
      event(false, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
    }
  }
  // Conditions that others wrote stay in the status that is reported.
  Json conditions = Json::array();
  for (const Json& condition : list_at(status_, {"conditions"})) {
    if (is_own_condition(text_at(condition, {"type"}))) conditions.push_back(condition);
  }
  for (const Json& condition : list_at(pod, {"status", "conditions"})) {
    const std::string type = text_at(condition, {"type"});
    const bool known = std::any_of(conditions.begin(), conditions.end(), [&](const Json& own) { return text_at(own, {"type"}) == type; });
    if (!known) conditions.push_back(condition);
  }
  status_["conditions"] = std::move(conditions);
  pod.erase("status");
  pod_ = std::move(pod);
  add_ephemeral_containers();
  if (client::is_deleting(pod_)) terminate(grace_of(pod_));
  changed_.set();
}

void Pod::terminate(std::optional<Duration> grace) {
  const Duration wanted = grace.value_or(grace_of(pod_));
  const Instant by = services_.runtime.now() + wanted;
  if (terminating_ && terminate_by_ && *terminate_by_ <= by) return;
  terminating_ = true;
  confirmed_ = true;
  grace_ = wanted;
  terminate_by_ = by;
  for (const auto& container : containers_) {
    if (!container->killing || container->kill_due <= by) continue;
    container->kill_due = by;
    container->kill_sooner.set();
  }
  changed_.set();
}

void Pod::reject(std::string reason, std::string message) {
  failed_reason_ = std::move(reason);
  failed_message_ = std::move(message);
  event(true, failed_reason_, failed_message_);
  changed_.set();
}

void Pod::fail(std::string reason, std::string message, Duration grace) {
  if (failure_ || !failed_reason_.empty() || terminating_) return;
  if (reason == "Evicted") {
    Json condition = Json::object();
    condition["type"] = "DisruptionTarget";
    condition["status"] = "True";
    condition["reason"] = "TerminationByKubelet";
    condition["message"] = message;
    condition["lastProbeTime"] = nullptr;
    condition["lastTransitionTime"] = runtime::format_rfc3339(services_.runtime.wall_now());
    if (!status_["conditions"].is_array()) status_["conditions"] = Json::array();
    status_["conditions"].push_back(std::move(condition));
  }
  event(reason == "Evicted", reason, message);
  failure_.emplace();
  failure_->reason = std::move(reason);
  failure_->message = std::move(message);
  failure_->grace = grace;
  changed_.set();
}

Task<void> Pod::run() {
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  tasks_ = &tasks;
  for (const auto& container : containers_) {
    if (container->running()) tasks.spawn("container_watch", watch(*container));
  }
  while (!finished_) {
    changed_.reset();
    wake_at_.reset();
    co_await step();
    publish();
    if (finished_ || changed_.is_set()) continue;
    if (wake_at_) {
      co_await changed_.wait_until(services_.runtime, *wake_at_);
    } else {
      co_await changed_.wait();
    }
  }
  co_await tasks.stop_and_join();
  tasks_ = nullptr;
}

Task<void> Pod::step() {
  if (!confirmed_) co_return;
  if (terminating_) {
    co_await step_termination();
    co_return;
  }
  if (!failed_reason_.empty()) co_return;
  if (!start_time_) start_time_ = services_.runtime.wall_now();
  if (deadline_passed()) fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline", grace_of(pod_));
  if (failure_) {
    if (!stop_containers(failure_->grace)) co_return;
    failed_reason_ = failure_->reason;
    failed_message_ = failure_->message;
    save();
    (void)services_.runtime.disk().remove_recursively(directory_ + "/volumes");
    give_up_address();
    co_return;
  }
  for (const auto& container : containers_) {
    // Probes of a restored pod begin when its source has confirmed it.
    if (container->running() && !container->probing && !container->killing) start_probes(*container);
  }
  if (completed()) {
    give_up_address();
    co_return;
  }
  if (work_is_over()) {
    (void)stop_containers(grace_of(pod_));  // sidecars serve until the others have done their work
    co_return;
  }
  if (!prepared_ && !co_await prepare()) co_return;
  refresh_volumes_if_due();
  if (!co_await run_init_containers()) co_return;
  for (std::size_t i = 0; i < containers_.size() && !terminating_; ++i) {
    const ContainerKind kind = containers_[i]->state.kind;
    if (kind == ContainerKind::main || kind == ContainerKind::ephemeral) co_await ensure_running(*containers_[i]);
  }
}

/// Address and volumes. False if it must be tried again later.
Task<bool> Pod::prepare() {
  auto& network = services_.runtime.network();
  if (address_.empty()) {
    address_ = services_.node_address;
    if (!bool_at(pod_, {"spec", "hostNetwork"})) {
      if (auto own = services_.addresses.take()) {
        const auto added = network.add_local_address(*own);
        if (added || added.error().code == ErrorCode::already_exists) {
          address_ = *own;
          address_is_own_ = true;
        } else {
          services_.addresses.give_back(*own);
          services_.runtime.log().warning("pod_address_not_added", {{"address", *own}, {"error", added.error().message}});
        }
      } else if (!services_.addresses.empty()) {
        event(true, "FailedCreatePodSandBox", "Failed to create pod sandbox: no addresses available in the node's pod CIDR");
        address_.clear();
        wake_at(services_.runtime.now() + 5s);
        co_return false;
      }
    }
    save();
  }
  publish();
  auto paths = co_await services_.volumes.set_up(pod_with_address(), directory_);
  if (terminating_) co_return false;
  if (!paths) {
    event(true, "FailedMount", paths.error().message);
    // 500 ms at first, as the real kubelet, with its sync frequency of a minute; quicker where all timers are.
    const Duration first = std::clamp<Duration>(services_.sync_frequency / 120, 20ms, 500ms);
    prepare_wait_ = prepare_wait_ == Duration{} ? first : std::min<Duration>(prepare_wait_ * 2, 122s);
    wake_at(services_.runtime.now() + prepare_wait_);
    co_return false;
  }
  volume_paths_ = std::move(paths.value());
  volumes_fresh_until_ = services_.runtime.now() + services_.sync_frequency;
  prepare_wait_ = {};
  prepared_ = true;
  save();
  co_return true;
}

void Pod::refresh_volumes_if_due() {
  if (!has_changing_volumes(pod_)) return;
  const Instant now = services_.runtime.now();
  if (now >= volumes_fresh_until_ && !volumes_refreshing_) {
    volumes_fresh_until_ = now + services_.sync_frequency;
    volumes_refreshing_ = true;
    tasks_->spawn("volume_refresh", refresh_volumes());
  }
  wake_at(volumes_fresh_until_);
}

Task<void> Pod::refresh_volumes() {
  const auto paths = co_await services_.volumes.set_up(pod_with_address(), directory_);
  if (!paths) services_.runtime.log().info("volumes_not_refreshed", {{"pod", client::key_of(pod_)}, {"error", paths.error().message}});
  volumes_refreshing_ = false;
}

/// True when all have done their work and sidecars are up.
Task<bool> Pod::run_init_containers() {
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    Container& container = *containers_[i];
    if (container.state.kind != ContainerKind::init && container.state.kind != ContainerKind::sidecar) break;
    if (container.state.kind == ContainerKind::init && container.state.phase == Phase::terminated && container.state.termination->exit_code == 0) continue;
    co_await ensure_running(container);
    if (terminating_) co_return false;
    if (container.state.kind == ContainerKind::sidecar && container.state.started) continue;
    co_return false;
  }
  co_return true;
}

Task<void> Pod::ensure_running(Container& container) {
  const Instant now = services_.runtime.now();
  if (container.running()) {
    if (!container.must_die.empty() && !container.killing) {
      const Duration grace = container.must_die_grace.value_or(grace_of(pod_));
      const bool by_probe = container.must_die.starts_with("failed ");
      start_kill(container, grace, by_probe ? "Container " + container.state.name + " " + container.must_die + ", will be restarted" : container.must_die);
    }
    co_return;
  }
  if (container.retry_at && now < *container.retry_at) {
    wake_at(*container.retry_at);
    co_return;
  }
  if (container.state.termination) {
    const Termination& end = *container.state.termination;
    if (!should_restart(pod_, container.state.kind, end.exit_code)) {
      container.state.phase = Phase::terminated;
      co_return;
    }
    const WallTime wall = services_.runtime.wall_now();
    const WallTime due = container.restart_backoff.due_after(end.finished_at);
    if (due > wall) {
      const std::string message = "back-off " + runtime::format_go_duration(container.restart_backoff.delay()) + " restarting failed container=" +
                                  container.state.name + " pod=" + full_pod_name(pod_) + "(" + uid_ + ")";
      container.state.phase = Phase::waiting;
      container.state.waiting_reason = "CrashLoopBackOff";
      container.state.waiting_message = message;
      if (!std::exchange(container.backoff_told, true)) {
        event(true, "BackOff", "Back-off restarting failed container " + container.state.name + " in pod " + full_pod_name(pod_) + "(" + uid_ + ")", &container);
      }
      wake_at(now + (due - wall));
      co_return;
    }
  }
  co_await start(container);
}

/// True once none runs. Sidecars go after the others, the last first: they serve those that came after them to the end.
bool Pod::stop_containers(Duration grace) {
  bool any_running = false;
  for (const auto& container : containers_) {
    if (!container->running() || container->state.kind == ContainerKind::sidecar) continue;
    any_running = true;
    if (!container->killing) start_kill(*container, grace, "Stopping container " + container->state.name);
  }
  for (auto at = containers_.rbegin(); at != containers_.rend() && !any_running; ++at) {
    if (!(*at)->running()) continue;
    any_running = true;
    if (!(*at)->killing) start_kill(**at, grace, "Stopping container " + (*at)->state.name);
  }
  return !any_running;
}

/// Whether all containers but sidecars have ended for good.
bool Pod::work_is_over() const {
  for (const auto& container : containers_) {
    const ContainerState& state = container->state;
    if (state.kind == ContainerKind::sidecar || state.kind == ContainerKind::ephemeral) continue;
    const bool ended = state.phase == Phase::terminated && state.termination;
    const bool restarts = ended && should_restart(pod_, state.kind, state.termination->exit_code);
    if (state.kind == ContainerKind::init && ended && state.termination->exit_code != 0 && !restarts) return true;
    if (state.kind == ContainerKind::main && (!ended || restarts)) return false;
  }
  return true;
}

bool Pod::deadline_passed() {
  const std::int64_t deadline = integer_at(pod_, {"spec", "activeDeadlineSeconds"}, -1);
  if (deadline < 0 || !start_time_ || completed()) return false;
  const Duration left = *start_time_ + std::chrono::seconds(deadline) - services_.runtime.wall_now();
  if (left <= Duration{}) return true;
  wake_at(services_.runtime.now() + left);
  return false;
}

Task<void> Pod::step_termination() {
  const Instant now = services_.runtime.now();
  const Duration left = std::max<Duration>(terminate_by_.value_or(now) - now, Duration{});
  if (!stop_containers(left)) co_return;
  for (const auto& container : containers_) {
    if (container->state.phase == Phase::terminated) continue;
    if (!container->state.termination) {
      Termination end;
      end.exit_code = 137;
      end.reason = "ContainerStatusUnknown";
      end.message = "The container could not be located when the pod was terminated";
      container->state.termination = end;
    }
    container->state.phase = Phase::terminated;
  }
  give_up_address();
  finished_ = true;
}

void Pod::give_up_address() {
  if (!address_is_own_) return;
  const auto removed = services_.runtime.network().remove_local_address(address_);
  if (!removed) services_.runtime.log().info("pod_address_not_removed", {{"address", address_}, {"error", removed.error().message}});
  services_.addresses.give_back(address_);
  address_is_own_ = false;
}

bool Pod::completed() const {
  if (!failed_reason_.empty()) return true;
  const std::string phase = pod_phase(pod_, facts());
  return phase == "Succeeded" || phase == "Failed";
}

PodFacts Pod::facts() const {
  PodFacts facts;
  for (const auto& container : containers_) facts.containers.push_back(container->state);
  facts.host_ip = services_.node_address;
  facts.pod_ip = address_;
  facts.start_time = start_time_;
  facts.sandbox_ready = !address_.empty() && !finished_;
  facts.terminating = terminating_;
  facts.failed_reason = failed_reason_;
  facts.failed_message = failed_message_;
  return facts;
}

void Pod::publish() {
  if (!confirmed_) return;
  Json status = make_pod_status(pod_, facts(), status_, services_.runtime.wall_now());
  if (status == status_) return;
  status_ = std::move(status);
  services_.listener.pod_status_changed(pod_, status_);
}

Json Pod::object() const {
  Json object = pod_;
  object["status"] = status_;
  return object;
}

Json Pod::pod_with_address() const {
  Json pod = pod_;
  pod["status"]["podIP"] = address_;
  pod["status"]["hostIP"] = services_.node_address;
  return pod;
}

void Pod::save() {
  Json saved = Json::object();
  saved["pod"] = pod_;
  saved["static"] = static_;
  saved["prepared"] = prepared_;
  saved["podIP"] = address_;
  saved["addressIsOwn"] = address_is_own_;
  if (!failed_reason_.empty()) {
    saved["failedReason"] = failed_reason_;
    saved["failedMessage"] = failed_message_;
  }
  if (start_time_) saved["startTime"] = runtime::format_rfc3339(*start_time_);
  saved["volumes"] = Json::array();
  for (const auto& [name, path] : volume_paths_) saved["volumes"].push_back(Json{{"name", name}, {"path", path}});
  saved["containers"] = Json::array();
  for (const auto& container : containers_) {
    Json record = to_json(container->state);
    record["environment"] = container->environment;
    record["mounts"] = Json::array();
    for (const PathMapping& mapping : container->mappings.mappings()) record["mounts"].push_back(Json{{"mount", mapping.mount_path}, {"host", mapping.host_path}});
    saved["containers"].push_back(std::move(record));
  }
  auto& disk = services_.runtime.disk();
  auto written = disk.make_directories(directory_, 0750);
  if (written) written = disk.write_atomically(directory_ + state_file, saved.dump(), 0600);
  if (!written) services_.runtime.log().error("pod_state_not_written", {{"pod", client::key_of(pod_)}, {"error", written.error().message}});
}

void Pod::wake_at(Instant due) {
  if (!wake_at_ || due < *wake_at_) wake_at_ = due;
}

const ContainerState* Pod::container_state(const std::string& name) const {
  for (const auto& container : containers_) {
    if (container->state.name == name) return &container->state;
  }
  return nullptr;
}

std::vector<std::string> Pod::log_paths() const {
  std::vector<std::string> paths;
  for (const auto& container : containers_) {
    if (!container->state.container_id.empty()) paths.push_back(log_path_of(*container, container->state.restart_count));
  }
  return paths;
}

std::string Pod::log_path(const std::string& name, bool previous) const {
  for (const auto& container : containers_) {
    if (container->state.name != name) continue;
    const int instance = container->state.restart_count - (previous ? 1 : 0);
    return instance < 0 ? "" : log_path_of(*container, instance);
  }
  return "";
}

void Pod::event(bool warning, const std::string& reason, const std::string& message, const Container* container) {
  services_.listener.pod_event(pod_, warning, reason, message, container == nullptr ? "" : container->state.name,
                               container == nullptr ? ContainerKind::main : container->state.kind);
}

}  // namespace skidpad::fakes::kubelet
