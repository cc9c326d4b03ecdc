// The half of supervisor.hpp that the harness uses: start one, find it, enter its network.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "harness/driver/process/network_device.hpp"
#include "harness/driver/process/process_table.hpp"
#include "harness/driver/process/supervisor.hpp"

namespace skidpad::driver::process {

namespace {

std::string last_lines(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return "";
  return text.value().size() > 600 ? text.value().substr(text.value().size() - 600) : text.value();
}

[[noreturn]] void become_supervisor(const SupervisorOptions& options, pid_t parent, int input, int log, char* const* argv) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Ctrl-C in the terminal is for the harness; it ends the supervisor when its own work is done.
  ::setsid();
  if (options.die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
  }
  ::dup2(input, 0);
  ::dup2(log, 1);
  ::dup2(log, 2);
  ::close_range(3, ~0U, 0);
  ::execv(argv[0], argv);
  ::_exit(127);
}

}  // namespace

Json to_json(const SupervisorState& state) {
  return Json{{"pid", state.pid},
              {"start_time", state.start_time},
              {"run", state.run},
              {"isolation", name(state.isolation)},
              {"provider", runtime::to_text(state.provider)},
              {"address_prefix", state.address_prefix},
              {"forward_ports", state.forward_ports},
              {"limits", state.limits}};
}

Result<SupervisorState> read_supervisor_state(const std::string& state_directory) {
  TRY(const auto text, read_text(state_directory + "/supervisor.json"));
  TRY(const auto json, runtime::parse_json(text));
  SupervisorState state;
  state.pid = runtime::integer_at(json, {"pid"});
  state.start_time = static_cast<std::uint64_t>(runtime::integer_at(json, {"start_time"}));
  state.run = runtime::text_at(json, {"run"});
  TRY(state.isolation, parse_isolation(runtime::text_at(json, {"isolation"})));
  TRY(state.provider, runtime::parse_endpoint(runtime::text_at(json, {"provider"})));
  state.address_prefix = runtime::text_at(json, {"address_prefix"});
  for (const Json& port : runtime::list_at(json, {"forward_ports"})) state.forward_ports.push_back(port.get<std::uint16_t>());
  for (const Json& limit : runtime::list_at(json, {"limits"})) state.limits.push_back(limit.get<std::string>());
  if (!is_alive(state.pid, state.start_time)) return Error(ErrorCode::not_found, "supervisor " + std::to_string(state.pid) + " of " + state_directory + " has ended");
  return state;
}

Result<SupervisorState> start_supervisor(const SupervisorOptions& options, std::chrono::milliseconds time_max) {
  TRY(make_directories(options.state_directory));
  const std::string state_path = options.state_directory + "/supervisor.json";
  if (auto running = read_supervisor_state(options.state_directory)) {
    return Error(ErrorCode::already_exists, "a supervisor (pid " + std::to_string(running.value().pid) + ") already serves " + options.state_directory);
  }
  ::unlink(state_path.c_str());
  const std::string log_path = options.state_directory + "/supervisor.log";
  const FileDescriptor log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.open()) return system_error("open " + log_path);
  const FileDescriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));

  std::string executable = options.executable;
  char resolved[PATH_MAX];
  if (::realpath(executable.c_str(), resolved) != nullptr) executable = resolved;
  std::vector<std::string> arguments{executable, "supervisor", "--state-dir=" + options.state_directory, "--isolation=" + options.isolation,
                                     "--seed=" + std::to_string(options.seed), "--provisioning-delay=" + options.provisioning_delay};
  if (!options.run.empty()) arguments.push_back("--run=" + options.run);
  for (const std::string& forward : options.forwards) arguments.push_back("--forward=" + forward);
  for (const std::string& path : options.visible_paths) arguments.push_back("--visible-path=" + path);
  if (options.die_with_parent) arguments.push_back("--die-with-parent");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("start the supervisor");
  if (pid == 0) become_supervisor(options, parent, input.get(), log.get(), argv.data());
  for (std::chrono::milliseconds waited{}; waited < time_max; waited += std::chrono::milliseconds(2)) {
    if (auto state = read_supervisor_state(options.state_directory)) return state;
    if (::waitpid(pid, nullptr, WNOHANG) == pid) return Error(ErrorCode::io, "the supervisor ended while it started: " + last_lines(log_path));
    const timespec pause{0, 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return Error(ErrorCode::timeout, "the supervisor did not start in time: " + last_lines(log_path));
}

Result<void> join_cluster_network(const SupervisorState& state) {
  if (state.isolation == Isolation::loopback) return success();
  if (!is_alive(state.pid, state.start_time)) return Error(ErrorCode::not_found, "supervisor " + std::to_string(state.pid) + " has ended");
  return join_network_namespace(state.pid);
}

}  // namespace skidpad::driver::process
