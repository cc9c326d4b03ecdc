#include "fakes/kubelet/exec_session.hpp"
#include "fakes/kubelet/pod_container.hpp"
#include "fakes/kubelet/prober.hpp"
#include "harness/client/kubernetes/object.hpp"
#include "harness/runtime/interactive.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::list_at;
using runtime::Process;
using runtime::ProcessSpec;
using runtime::Signal;
using runtime::text_at;
using Phase = ContainerState::Phase;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t termination_message_bytes_max = 4096;
constexpr char service_account_mount[] = "/var/run/secrets/kubernetes.io/serviceaccount";

std::vector<std::string> words(const Json& container, std::string_view field) {
  std::vector<std::string> list;
  for (const Json& word : list_at(container, {field})) {
    if (word.is_string()) list.push_back(word.get<std::string>());
  }
  return list;
}

/// Stands for any image on a hollow node.
std::optional<Image> hollow_image(const std::string& name) {
  Image image;
  image.name = name;
  image.executable = "/bin/sleep";
  image.arguments = {"infinity"};
  return image;
}

std::string random_container_id(runtime::Random& random) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string id = "skidpad://";
  for (int i = 0; i < 4; ++i) {
    std::uint64_t value = random.next();
    for (int digit = 0; digit < 16; ++digit, value >>= 4) id += digits[value & 15];
  }
  return id;
}

}  // namespace

std::string Pod::container_directory(const Container& container) const { return directory_ + "/containers/" + container.state.name; }

std::string Pod::log_path_of(const Container& container, int restart_count) const {
  return services_.log_directory + "/" + client::namespace_of(pod_) + "_" + client::name_of(pod_) + "_" + uid_ + "/" + container.state.name + "/" +
         std::to_string(restart_count) + ".log";
}

void Pod::fail_with(Container& container, const std::string& reason, const std::string& message) {
  container.state.phase = Phase::waiting;
  container.state.waiting_reason = reason;
  container.state.waiting_message = message;
}

Task<void> Pod::start(Container& container) {
  const WallTime wall = services_.runtime.wall_now();
  const Instant now = services_.runtime.now();
  const auto image = services_.hollow ? hollow_image(container.state.image) : services_.images.find(container.state.image);
  if (!image) {
    const std::string name = container.state.image;
    const std::string full = full_image_name(name);
    if (text_at(container.spec, {"imagePullPolicy"}) == "Never") {
      fail_with(container, "ErrImageNeverPull", "Container image \"" + name + "\" is not present with pull policy of Never");
      event(true, "ErrImageNeverPull", container.state.waiting_message, &container);
      container.retry_at = now + 10s;
    } else if (container.state.waiting_reason == "ErrImagePull") {
      // The failed pull was shown; the wait until the next one has its own name.
      fail_with(container, "ImagePullBackOff", "Back-off pulling image \"" + name + "\"");
      event(false, "BackOff", container.state.waiting_message, &container);
      event(true, "Failed", "Error: ImagePullBackOff", &container);
      container.retry_at = now + container.image_backoff.delay();
    } else {
      const std::string why = "failed to pull and unpack image \"" + full + "\": failed to resolve reference \"" + full + "\": " + full + ": not found";
      event(false, "Pulling", "Pulling image \"" + name + "\"", &container);
      event(true, "Failed", "Failed to pull image \"" + name + "\": rpc error: code = NotFound desc = " + why, &container);
      event(true, "Failed", "Error: ErrImagePull", &container);
      fail_with(container, "ErrImagePull", "rpc error: code = NotFound desc = " + why);
      container.image_backoff.attempt(wall, wall);
      container.retry_at = now + 1s;
    }
    wake_at(*container.retry_at);
    co_return;
  }
  event(false, "Pulled", "Container image \"" + container.state.image + "\" already present on machine", &container);
  auto spec = co_await make_process(container, *image);
  if (terminating_ || container.running()) co_return;
  if (!spec) {
    fail_with(container, "CreateContainerConfigError", spec.error().message);
    event(true, "Failed", "Error: " + spec.error().message, &container);
    container.retry_at = services_.runtime.now() + std::min<Duration>(10s, services_.restart_backoff.initial);
    wake_at(*container.retry_at);
    co_return;
  }
  container.retry_at.reset();
  container.backoff_told = false;
  if (container.state.termination) {
    container.restart_backoff.attempt(container.state.termination->finished_at, services_.runtime.wall_now());
    container.state.last_termination = container.state.termination;
    container.state.termination.reset();
    ++container.state.restart_count;
  } else if (container.state.last_termination) {
    ++container.state.restart_count;  // an init container that runs again in a new sandbox
  }
  spec.value().output_path = log_path_of(container, container.state.restart_count);
  (void)services_.runtime.disk().make_directories(runtime::parent_path(spec.value().output_path));
  container.state.container_id = random_container_id(services_.runtime.random());
  event(false, "Created", "Created container: " + container.state.name, &container);
  const std::string executable = spec.value().executable;
  auto process = services_.runtime.processes().spawn(std::move(spec.value()));
  container.state.started_at = services_.runtime.wall_now();
  if (!process) {
    Termination end;
    end.exit_code = 128;
    end.reason = "StartError";
    end.message = "failed to create containerd task: failed to create shim task: exec: \"" + executable + "\": " + process.error().message;
    end.started_at = end.finished_at = container.state.started_at;
    end.container_id = container.state.container_id;
    event(true, "Failed", "Error: " + end.message, &container);
    container.state.termination = end;
    container.state.phase = Phase::terminated;
    container.state.ready = container.state.started = false;
    save();
    changed_.set();
    co_return;
  }
  container.process = std::move(process.value());
  container.state.process = container.process->id();
  container.state.phase = Phase::running;
  container.state.waiting_reason.clear();
  container.state.waiting_message.clear();
  save();
  event(false, "Started", "Started container " + container.state.name, &container);
  started(container);
  tasks_->spawn("container_watch", watch(container));
}

void Pod::started(Container& container) {
  ++container.instance;
  container.exited.reset();
  container.started.reset();
  container.kill_sooner.reset();
  container.killing = false;
  container.must_die.clear();
  container.must_die_grace.reset();
  container.probes.clear();
  if (find(container.spec, {"lifecycle", "postStart"}).is_object()) tasks_->spawn("post_start", run_hook(container, "postStart", 24h));
  start_probes(container);
}

Task<Result<Environment>> Pod::container_environment(Container& container, Image image) {
  Environment base;
  auto services = services_.service_environment(pod_);
  if (services) {
    base = std::move(services.value());
  } else if (!static_) {
    co_return services.error();
  }
  std::map<std::pair<std::string, std::string>, Result<ReferencedData>> looked_up;
  for (const auto& reference : environment_references(container.spec)) {
    auto data = co_await services_.objects.get(reference.first, client::namespace_of(pod_), reference.second);
    looked_up.emplace(reference, std::move(data));
  }
  const LookUp look_up = [&looked_up](const std::string& kind, const std::string& name) -> Result<ReferencedData> {
    const auto found = looked_up.find({kind, name});
    if (found == looked_up.end()) return Error(ErrorCode::not_found, kind + " \"" + name + "\" not found");
    if (!found->second && found->second.error().code == ErrorCode::not_found) {
      return Error(ErrorCode::not_found, std::string(kind == "Secret" ? "secret" : "configmap") + " \"" + name + "\" not found");
    }
    return found->second;
  };
  auto made = make_environment(pod_with_address(), container.spec, services_.allocatable(), std::move(base), look_up);
  if (!made) co_return made.error();
  Environment environment = image.environment;
  environment.emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  environment["HOSTNAME"] = runtime::bool_at(pod_, {"spec", "hostNetwork"}) ? services_.node_name : text_at(pod_, {"spec", "hostname"}, client::name_of(pod_));
  // Ours: a container has no network namespace, so it must be told which address is its own.
  environment["POD_IP"] = address_;
  environment["HOST_IP"] = services_.node_address;
  environment["POD_NAME"] = client::name_of(pod_);
  environment["POD_NAMESPACE"] = client::namespace_of(pod_);
  environment["NODE_NAME"] = services_.node_name;
  // What the real runtime calls this machine's own address; programs of other makers ignore both.
  environment["SKIDPAD_NODE_ADDRESS"] = address_;
  const std::string network = services_.runtime.environment("SKIDPAD_NODE_NETWORK");
  if (!network.empty()) environment["SKIDPAD_NODE_NETWORK"] = network;
  for (auto& [name, value] : made.value()) environment[name] = std::move(value);
  co_return environment;
}

Task<Result<ProcessSpec>> Pod::make_process(Container& container, Image image) {
  CO_TRY(Environment environment, co_await container_environment(container, image));
  container.mappings = mount_mappings(container.spec, volume_paths_, environment);
  const std::string own_directory = container_directory(container);
  CO_TRY(services_.runtime.disk().make_directories(own_directory));
  const std::string message_path = text_at(container.spec, {"terminationMessagePath"}, "/dev/termination-log");
  (void)services_.runtime.disk().remove(own_directory + "/termination-log");
  container.mappings.add(message_path, own_directory + "/termination-log");
  const std::vector<std::string> none;
  CommandLine line = command_line(image, services_.hollow ? none : words(container.spec, "command"), services_.hollow ? none : words(container.spec, "args"));
  ProcessSpec spec;
  spec.executable = find_executable(services_.runtime.disk(), expand(line.executable, environment));
  for (const std::string& word : line.arguments) spec.arguments.push_back(container.mappings.rewrite(expand(word, environment)));
  for (auto& [name, value] : environment) value = container.mappings.rewrite(value);
  for (const PathMapping& mapping : container.mappings.mappings()) {
    if (mapping.mount_path == service_account_mount) environment["SKIDPAD_SERVICE_ACCOUNT_DIRECTORY"] = mapping.host_path;
  }
  spec.environment = environment;
  container.environment = std::move(environment);
  const std::string directory = text_at(container.spec, {"workingDir"});
  spec.working_directory = directory.empty() ? own_directory : container.mappings.rewrite(directory);
  const std::string pipe = input_pipe(container.state.name);
  // What is not there fails as it would without a shell in front of it.
  if (!pipe.empty() && services_.runtime.disk().exists(spec.executable)) read_input_from_pipe(spec, pipe, runtime::bool_at(container.spec, {"stdinOnce"}));
  co_return spec;
}

std::string Pod::input_pipe(const std::string& name) const {
  // Simulated programs do not read, and no shell starts them.
  if (dynamic_cast<runtime::InteractiveProcesses*>(&services_.runtime.processes()) == nullptr) return "";
  for (const auto& container : containers_) {
    if (container->state.name == name && runtime::bool_at(container->spec, {"stdin"})) return container_directory(*container) + "/stdin";
  }
  return "";
}

ProcessSpec Pod::command_in(const Container& container, const std::vector<std::string>& command) const {
  ProcessSpec spec;
  spec.environment = container.environment;
  spec.working_directory = container_directory(container);
  if (command.empty()) return spec;
  spec.executable = find_executable(services_.runtime.disk(), container.mappings.rewrite(command[0]));
  for (std::size_t i = 1; i < command.size(); ++i) spec.arguments.push_back(container.mappings.rewrite(command[i]));
  return spec;
}

ProcessSpec Pod::command_beside(const std::string& name, const std::vector<std::string>& command) const {
  for (const auto& container : containers_) {
    if (container->state.name != name) continue;
    ProcessSpec spec = command_in(*container, command);
    const std::string directory = text_at(container->spec, {"workingDir"});
    if (!directory.empty()) spec.working_directory = container->mappings.rewrite(directory);
    return spec;
  }
  return ProcessSpec();
}

void Pod::adopt(Container& container) {
  auto process = services_.runtime.processes().adopt(container.state.process);
  if (process) {
    ++adopted_count_;
    container.process = std::move(process.value());
    return;
  }
  ++lost_count_;
  Termination end;
  end.exit_code = 255;
  end.reason = "Unknown";
  end.started_at = container.state.started_at;
  end.finished_at = services_.runtime.wall_now();
  end.container_id = container.state.container_id;
  container.state.termination = end;
  container.state.phase = Phase::terminated;
  container.state.ready = container.state.started = false;
}

Task<void> Pod::watch(Container& container) {
  const runtime::ExitStatus status = co_await container.process->wait();
  ended(container, status);
}

void Pod::ended(Container& container, runtime::ExitStatus status) {
  ASSERT(container.running());
  Termination end;
  end.exit_code = status.code_known ? status.code : 255;
  end.signal = 0;  // the container runtimes of Kubernetes report 128 + signal as the code and leave this out
  end.reason = !status.code_known ? "Unknown" : status.code == 0 ? "Completed" : "Error";
  end.started_at = container.state.started_at;
  end.finished_at = services_.runtime.wall_now();
  end.container_id = container.state.container_id;
  auto& disk = services_.runtime.disk();
  if (auto message = disk.read(container_directory(container) + "/termination-log")) {
    end.message = message.value().substr(0, termination_message_bytes_max);
  } else if (end.exit_code != 0 && text_at(container.spec, {"terminationMessagePolicy"}) == "FallbackToLogsOnError") {
    const std::string path = log_path_of(container, container.state.restart_count);
    const auto log = disk.status(path);
    const std::uint64_t size = log ? log.value().size_bytes : 0;
    const std::uint64_t offset = size > termination_message_bytes_max ? size - termination_message_bytes_max : 0;
    if (auto tail = disk.read_from(path, offset, termination_message_bytes_max)) end.message = std::move(tail.value());
  }
  container.state.termination = std::move(end);
  container.state.phase = Phase::terminated;
  container.state.ready = container.state.started = false;
  container.probing.reset();
  container.probes.clear();
  container.killing = false;
  container.process.reset();
  container.exited.set();
  save();
  changed_.set();
}

void Pod::start_kill(Container& container, Duration grace, const std::string& message) {
  ASSERT(container.running() && !container.killing);
  container.killing = true;
  container.kill_due = services_.runtime.now() + grace;
  event(false, "Killing", message, &container);
  // Liveness and startup must not kill a container that is going anyway; readiness goes on until the end.
  container.must_die.clear();
  tasks_->spawn("container_kill", kill(container, grace));
}

Task<void> Pod::kill(Container& container, Duration grace) {
  Runtime& runtime = services_.runtime;
  // The next instance may have started by the time this task hears of the end of its own.
  const std::uint64_t instance = container.instance;
  const auto is_over = [&] { return container.instance != instance || container.exited.is_set(); };
  if (find(container.spec, {"lifecycle", "preStop"}).is_object() && grace > Duration{}) {
    co_await run_hook(container, "preStop", grace);
    // Whatever the hook took, the process gets two seconds to end by itself.
    container.kill_due = std::max(container.kill_due, runtime.now() + std::min<Duration>(2s, grace));
  }
  if (is_over()) co_return;
  container.process->signal(Signal::terminate);
  while (!is_over() && runtime.now() < container.kill_due) {
    container.kill_sooner.reset();
    runtime::TaskGroup waiting(co_await runtime::CurrentStop());
    struct Wake {
      static Task<void> when(runtime::Event& event, runtime::Event& other) {
        co_await event.wait();
        other.set();
      }
    };
    // Ended, or due, or due sooner than it was.
    waiting.spawn("exit", Wake::when(container.exited, container.kill_sooner));
    co_await container.kill_sooner.wait_until(runtime, container.kill_due);
  }
  if (is_over()) co_return;
  runtime.log().info("container_killed", {{"pod", client::key_of(pod_)}, {"container", container.state.name}});
  container.process->signal(Signal::kill);
}

Task<void> Pod::run_hook(Container& container, std::string hook, Duration timeout) {
  const Json& action = find(container.spec, {"lifecycle", hook});
  Runtime& runtime = services_.runtime;
  const std::uint64_t instance = container.instance;
  ProbeAnswer answer;
  answer.success = true;
  if (find(action, {"exec"}).is_object()) {
    ProcessSpec command = command_in(container, words(action["exec"], "command"));
    const auto ran = co_await runtime::with_timeout(runtime, timeout, runtime.processes().run(std::move(command)), "hook");
    answer.success = ran && ran.value().status.code == 0;
    if (!answer.success) answer.output = ran ? "exited with " + std::to_string(ran.value().status.code) + ": " + ran.value().output : ran.error().message;
  } else if (find(action, {"httpGet"}).is_object() || find(action, {"tcpSocket"}).is_object()) {
    Json probe = Json::object();
    probe["ports"] = find(container.spec, {"ports"});
    probe["livenessProbe"] = action;
    auto spec = read_probe(probe, ProbeKind::liveness);
    spec->timeout = timeout;
    ProcessSpec no_command;
    answer = co_await ask(runtime, *spec, address_, no_command);
  } else if (find(action, {"sleep"}).is_object()) {
    const Duration wanted = std::chrono::seconds(runtime::integer_at(action, {"sleep", "seconds"}));
    co_await runtime.sleep_for(std::min(wanted, timeout));
  }
  if (answer.success || container.instance != instance) co_return;
  if (hook == "postStart") {
    event(true, "FailedPostStartHook", "PostStartHook failed", &container);
    container.must_die = "FailedPostStartHook";
    changed_.set();
  } else {
    event(true, "FailedPreStopHook", "PreStopHook failed", &container);
  }
}

void Pod::start_probes(Container& container) {
  ASSERT(container.running());
  container.probing = std::make_unique<runtime::TaskGroup>(tasks_->stop());
  // A container taken up after a restart of the kubelet keeps what was known of it, or every restart would empty the endpoints.
  const bool was_started = container.state.started;
  const bool was_ready = container.state.ready;
  for (const ProbeKind kind : {ProbeKind::startup, ProbeKind::liveness, ProbeKind::readiness}) {
    auto spec = read_probe(container.spec, kind);
    if (!spec || services_.hollow || container.state.kind == ContainerKind::init) continue;
    ProbeState state(kind, spec->success_threshold, spec->failure_threshold);
    if ((kind == ProbeKind::startup && was_started) || (kind == ProbeKind::readiness && was_ready)) state.assume_success();
    container.probes.emplace(kind, Container::Probe(std::move(*spec), state));
  }
  container.state.started = was_started || !container.probes.contains(ProbeKind::startup);
  if (container.state.started) container.started.set();
  update_readiness(container);
  for (const ProbeKind kind : {ProbeKind::startup, ProbeKind::liveness, ProbeKind::readiness}) {
    if (!container.probes.contains(kind) || (kind == ProbeKind::startup && was_started)) continue;
    container.probing->spawn("probe", probe(container, kind));
  }
}

Task<void> Pod::probe(Container& container, ProbeKind kind) {
  Runtime& runtime = services_.runtime;
  Container::Probe& probe = container.probes.at(kind);
  const WallTime begin = container.state.started_at + probe.spec.initial_delay;
  const Duration delay = begin - runtime.wall_now();
  if (delay > Duration{}) co_await runtime.sleep_for(delay);
  if (kind != ProbeKind::startup) co_await container.started.wait();
  Instant regular = runtime.now();
  int early_attempts = 0;
  while (true) {
    if (kind != ProbeKind::readiness && container.killing) co_return;
    const Instant now = runtime.now();
    const bool counts = now >= regular;
    if (counts) regular = std::max(regular + probe.spec.period, now);
    ProcessSpec command = command_in(container, probe.spec.command);
    const ProbeAnswer answer = co_await ask(runtime, probe.spec, address_, std::move(command));
    if (container.killing && kind != ProbeKind::readiness) co_return;
    if (answer.success) probe.ever_succeeded = true;
    bool changed = false;
    if (counts || answer.success) {
      changed = probe.state.record(answer.success);
      if (!answer.success) event(true, "Unhealthy", std::string(title(kind)) + " probe failed: " + answer.output, &container);
    }
    if (changed) probed(container, kind, changed);
    if (probe.state.container_must_die() || (kind == ProbeKind::startup && container.state.started)) co_return;
    const bool hurry = kind != ProbeKind::liveness && !probe.ever_succeeded;
    const Instant next = hurry ? std::min(regular, runtime.now() + early_wait(early_attempts++, probe.spec.period)) : regular;
    co_await runtime.sleep_until(next);
  }
}

void Pod::probed(Container& container, ProbeKind kind, bool changed) {
  ASSERT(changed);
  const Container::Probe& probe = container.probes.at(kind);
  if (probe.state.container_must_die()) {
    container.must_die = "failed " + std::string(name(kind)) + " probe";
    container.must_die_grace = probe.spec.termination_grace;
  } else if (kind == ProbeKind::startup && probe.state.result() == ProbeState::Result::success) {
    container.state.started = true;
    container.started.set();
  }
  update_readiness(container);
  changed_.set();
}

void Pod::update_readiness(Container& container) {
  const auto readiness = container.probes.find(ProbeKind::readiness);
  const bool answers = readiness == container.probes.end() || readiness->second.state.result() == ProbeState::Result::success;
  const bool ready = container.running() && container.state.started && answers;
  if (ready == container.state.ready) return;
  container.state.ready = ready;
  save();
}

}  // namespace skidpad::fakes::kubelet
