#include "harness/driver/process/supervisor.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>

#include "fakes/machine_provider/machine_provider.hpp"
#include "harness/driver/process/capabilities.hpp"
#include "harness/driver/process/forwarder.hpp"
#include "harness/driver/process/network_device.hpp"
#include "harness/driver/process/process_backend.hpp"
#include "harness/driver/process/sweep.hpp"
#include "harness/driver/process/switch.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/http/http_server.hpp"
#include "harness/runtime/real/real_runtime.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::driver::process {

namespace {

constexpr std::uint16_t provider_port = 7070;
constexpr const char* cluster_prefix = "10.240";

struct Settings {
  std::string state_directory;
  std::string run;
  std::string isolation = "auto";
  std::int64_t seed = 1;
  std::vector<ForwardSpec> forwards;
  Duration provisioning_delay{};
  std::int64_t machine_count_max = 250;
  std::vector<std::string> visible_paths;
  bool die_with_parent = false;
};

bool is_run_name(const std::string& text) {
  return !text.empty() && text.size() <= 63 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

std::string run_name_of(const std::string& directory) {
  std::string name;
  for (const char c : runtime::file_name(directory)) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    name += (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') ? small : '-';
  }
  return name.empty() ? "cluster" : name.substr(0, 40);
}

/// Throws UsageError.
Settings read_flags(const std::vector<std::string>& arguments) {
  Settings settings;
  std::vector<std::string> forwards;
  runtime::Flags flags("skidpad supervisor", "Holds the machines and links of one cluster on this host. Started by skidpad itself.");
  flags.add("state-dir", settings.state_directory, "the cluster's own directory");
  flags.require("state-dir");
  flags.add("run", settings.run, "names the run in process tags and cgroups");
  flags.add("isolation", settings.isolation, "auto, namespaces or loopback");
  flags.add("seed", settings.seed, "of the links' faults");
  // Not a slice: a forward holds commas itself. Targets of one port follow each other.
  flags.add("forward", forwards, "HOSTPORT=ADDRESS:PORT,ADDRESS:PORT");
  flags.add("provisioning-delay", settings.provisioning_delay, "from a machine's creation to its boot");
  flags.add("machine-count-max", settings.machine_count_max, "quota of the machine provider");
  flags.add("visible-path", settings.visible_paths, "stays visible to machines although it lies below /tmp");
  flags.add("die-with-parent", settings.die_with_parent, "end when the thread that started it ends");
  if (!flags.parse(arguments)) {
    std::printf("%s", flags.output().c_str());
    std::exit(0);
  }
  std::vector<std::string> joined;
  for (const std::string& part : forwards) {
    if (part.find('=') == std::string::npos && !joined.empty()) {
      joined.back() += "," + part;
    } else {
      joined.push_back(part);
    }
  }
  for (const std::string& text : joined) {
    auto forward = parse_forward(text);
    if (!forward) throw UsageError("--" + forward.error().message);
    settings.forwards.push_back(std::move(forward.value()));
  }
  if (settings.isolation != "auto") {
    if (auto isolation = parse_isolation(settings.isolation); !isolation) throw UsageError("--isolation: expected auto, namespaces or loopback");
  }
  if (settings.machine_count_max < 1) throw UsageError("--machine-count-max: expected at least 1");
  if (settings.run.empty()) settings.run = run_name_of(settings.state_directory);
  if (!is_run_name(settings.run)) throw UsageError("--run: expected up to 63 small letters, digits or '-'");
  return settings;
}

/// The first 127.x that nobody serves a provider on.
Result<std::string> free_loopback_prefix() {
  for (int block = 240; block < 255; ++block) {
    const std::string prefix = "127." + std::to_string(block);
    const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(provider_port);
    ::inet_pton(AF_INET, (prefix + ".0.1").c_str(), &address.sin_addr);
    const int one = 1;
    ::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return prefix;
  }
  return Error(ErrorCode::io, "no free block of loopback addresses: other clusters hold 127.240 to 127.254 on port 7070");
}

Result<std::string> token_in(const std::string& path, runtime::Random& random) {
  if (auto text = read_text(path)) {
    std::string token = text.value().substr(0, text.value().find('\n'));
    if (!token.empty()) return token;
  }
  std::string token = random.uuid();
  TRY(write_text(path, token + "\n", 0600));
  return token;
}

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string directory_of_this_program() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? runtime::parent_path(std::string(path, static_cast<std::size_t>(size))) : "";
}

/// One supervisor from its first step to its last. Members in the order in which they must outlive each other.
class Supervisor {
 public:
  explicit Supervisor(Settings settings) : settings_(std::move(settings)) {}

  Result<void> run() {
    TRY(enter_state_directory());
    TRY(choose_isolation());
    // Before the network namespace changes: these listeners are for the host's users.
    for (const ForwardSpec& forward : settings_.forwards) {
      TRY(const std::uint16_t port, forwarder_.open(forward));
      state_.forward_ports.push_back(port);
    }
    TRY(enter_network());
    runtime::RealRuntimeOptions runtime_options;
    runtime_options.program = "supervisor";
    runtime_options.stops_on_signal = true;
    runtime_.emplace(runtime_options);
    backend_.emplace(*runtime_, switch_.get(), backend_options());
    TRY(backend_->prepare());
    Result<void> served = serve();
    Result<void> cleaned = backend_->clean_up();
    ::unlink((settings_.state_directory + "/supervisor.json").c_str());
    if (!served) return served;
    return cleaned;
  }

 private:
  Result<void> enter_state_directory() {
    TRY(make_directories(settings_.state_directory));
    char resolved[PATH_MAX];
    if (::realpath(settings_.state_directory.c_str(), resolved) == nullptr) return system_error("find " + settings_.state_directory);
    settings_.state_directory = resolved;
    TRY(const SweepReport report, sweep(settings_.state_directory, LivingSupervisor::leave));
    if (report.supervisor_alive) return Error(ErrorCode::already_exists, "another supervisor serves " + settings_.state_directory + "; skidpad down ends it");
    if (!report.remaining.empty()) return Error(ErrorCode::io, "an earlier run left something that cannot be removed: " + report.remaining.front());
    return success();
  }

  Result<void> choose_isolation() {
    const Capabilities capabilities = detect();
    state_.isolation = settings_.isolation == "auto" ? capabilities.best_isolation() : parse_isolation(settings_.isolation).value();
    state_.limits = capabilities.limits(state_.isolation);
    if (state_.isolation == Isolation::loopback) return success();
    for (const Capability& capability : capabilities.all) {
      if (!capability.available && capability.name != "cgroup") return Error(ErrorCode::unsupported, capability.reason + ": " + capability.mend);
    }
    return success();
  }

  Result<void> enter_network() {
    if (state_.isolation == Isolation::loopback) {
      // Orphans of a machine whose node-init was killed come to us, where they are found and ended.
      ::prctl(PR_SET_CHILD_SUBREAPER, 1);
      TRY(state_.address_prefix, free_loopback_prefix());
    } else {
      state_.address_prefix = cluster_prefix;
      if (::unshare(CLONE_NEWNET) != 0) return system_error("make a network namespace");
      switch_off_ipv6();
      TRY(bring_up_loopback());
      TapOptions options;
      options.address = state_.address_prefix + ".0.1";
      TRY(auto tap, open_tap(options));
      switch_ = std::make_unique<Switch>(static_cast<std::uint64_t>(settings_.seed));
      switch_->plug(client::machines::provider_port_name, options.address, std::move(tap));
    }
    state_.provider = runtime::Endpoint{state_.address_prefix + ".0.1", provider_port};
    return success();
  }

  ProcessBackendOptions backend_options() const {
    ProcessBackendOptions options;
    options.run = settings_.run;
    options.state_directory = settings_.state_directory;
    options.isolation = state_.isolation;
    options.address_prefix = state_.address_prefix;
    options.visible_paths = settings_.visible_paths;
    options.visible_paths.push_back(settings_.state_directory);
    options.visible_paths.push_back(directory_of_this_program());
    const char* path = std::getenv("PATH");
    options.environment["PATH"] = path != nullptr ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    if (state_.isolation == Isolation::namespaces) options.cgroups = detect_cgroups();
    return options;
  }

  Result<void> serve() {
    fakes::machine_provider::MachineProviderOptions options;
    TRY(options.user_token, token_in(settings_.state_directory + "/provider-token", runtime_->random()));
    TRY(options.admin_token, token_in(settings_.state_directory + "/admin-token", runtime_->random()));
    options.provisioning_delay = settings_.provisioning_delay;
    options.machine_count_max = static_cast<std::size_t>(settings_.machine_count_max);
    fakes::machine_provider::MachineProvider provider(*runtime_, *backend_, options);
    runtime::HttpServerLimits limits;
    limits.body_bytes_max = 64 << 20;  // a machine's files come in one request
    runtime::HttpServer server(
        *runtime_, [&provider](const runtime::HttpRequest& request, runtime::HttpResponder& responder) { return provider.handle(request, responder); }, limits);
    runtime::ListenOptions listen;
    listen.at = state_.provider;
    TRY(auto listener, runtime_->network().listen(std::move(listen)));
    TRY(announce());
    forwarder_.start();
    runtime_->log().info("supervisor_serves", to_json(state_));
    try {
      runtime_->run_until_complete(server.serve(std::move(listener)));
    } catch (const runtime::Cancelled&) {
      runtime_->log().info("supervisor_stops");
    }
    forwarder_.stop();
    return success();
  }

  Result<void> announce() {
    const auto self = find_process(::getpid());
    ASSERT(self.has_value());
    state_.pid = self->host_pid;
    state_.start_time = self->start_time;
    state_.run = settings_.run;
    const std::string path = settings_.state_directory + "/supervisor.json";
    TRY(write_text(path + ".new", to_json(state_).dump(2) + "\n"));
    if (::rename((path + ".new").c_str(), path.c_str()) != 0) return system_error("write " + path);
    return success();
  }

  Settings settings_;
  SupervisorState state_;
  Forwarder forwarder_;
  std::unique_ptr<Switch> switch_;
  std::optional<runtime::RealRuntime> runtime_;
  std::optional<ProcessBackend> backend_;
};

}  // namespace

int supervisor_main(std::vector<std::string> arguments) {
  ::prctl(PR_SET_NAME, "supervisor");
  ::umask(022);
  try {
    Settings settings = read_flags(arguments);
    if (settings.die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    raise_file_limit();
    Supervisor supervisor(std::move(settings));
    if (auto done = supervisor.run(); !done) {
      std::fprintf(stderr, "error: %s\n", done.error().message.c_str());
      return 1;
    }
    return 0;
  } catch (const UsageError& wrong) {
    std::fprintf(stderr, "error: %s\n", wrong.what());
    return 64;
  }
}

}  // namespace skidpad::driver::process
