#include "harness/runtime/real/real_processes.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "harness/runtime/real/file_descriptor.hpp"

namespace skidpad::runtime {
namespace {

#ifndef P_PIDFD
constexpr auto wait_by_pidfd = static_cast<idtype_t>(3);
#else
constexpr auto wait_by_pidfd = P_PIDFD;
#endif

int open_pidfd(std::int64_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)); }

struct Identity {
  char state = '?';
  std::uint64_t start_time = 0;
};

/// What /proc/PID/stat says; none if there is no such process.
std::optional<Identity> identity_of(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // The name in field 2 may hold anything, also ") "; what follows its last bracket begins with field 3.
  const auto bracket = line.rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(bracket + 1));
  Identity identity;
  fields >> identity.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  fields >> identity.start_time;
  if (!fields) return std::nullopt;
  return identity;
}

ExitStatus to_exit_status(const siginfo_t& information) {
  ExitStatus status;
  if (information.si_code == CLD_EXITED) {
    status.code = information.si_status;
  } else {
    status.signal = information.si_status;
    status.code = 128 + information.si_status;
  }
  return status;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

struct SpawnAttributes {
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_init(&actions);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  ~SpawnAttributes() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
};

}  // namespace

struct RealProcesses::State {
  ProcessId id;
  std::shared_ptr<Descriptor> pidfd;
  std::optional<ExitStatus> exit_status;
  Event ended;
};

class RealProcesses::RealProcess final : public Process {
 public:
  explicit RealProcess(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ProcessId id() const override { return state_->id; }
  Task<ExitStatus> wait() override { return wait_for(state_); }
  std::optional<ExitStatus> exit_status() const override { return state_->exit_status; }
  void signal(Signal signal) override {
    // Its descendants may outlive the leader; but once another process got its number, the group is known to be gone.
    const auto identity = identity_of(state_->id.pid);
    if (identity && identity->start_time != state_->id.start_time) return;
    if (!identity && !state_->exit_status) return;
    ::kill(static_cast<pid_t>(-state_->id.pid), static_cast<int>(signal));
  }

 private:
  static Task<ExitStatus> wait_for(std::shared_ptr<State> state) {
    co_await state->ended.wait();
    ASSERT(state->exit_status.has_value());
    co_return *state->exit_status;
  }
  std::shared_ptr<State> state_;
};

Task<void> RealProcesses::watch(std::shared_ptr<State> state) {
  for (;;) {
    co_await state->pidfd->ready(Descriptor::Direction::read);
    siginfo_t information{};
    const auto pidfd = static_cast<id_t>(state->pidfd->number());
    if (::waitid(wait_by_pidfd, pidfd, &information, WEXITED | WNOHANG) == 0) {
      if (information.si_pid == 0) continue;  // a spurious wakeup
      state->exit_status = to_exit_status(information);
    } else {
      // Not our child: somebody else learns the code. Readable alone says that it has ended.
      ExitStatus unseen;
      unseen.code_known = false;
      state->exit_status = unseen;
    }
    state->pidfd->close();
    state->ended.set();
    co_return;
  }
}

Result<std::unique_ptr<Process>> RealProcesses::start_watching(ProcessId id, int pidfd) {
  auto state = std::make_shared<State>();
  state->id = id;
  state->pidfd = Descriptor::watch(loop_, pidfd);
  watchers_.spawn("process " + std::to_string(id.pid), watch(state));
  return std::unique_ptr<Process>(std::make_unique<RealProcess>(std::move(state)));
}

Result<std::unique_ptr<Process>> RealProcesses::spawn_with(const ProcessSpec& spec, const Standard& standard) {
  if (::access(spec.executable.c_str(), X_OK) != 0) {
    const ErrorCode code = errno == ENOENT || errno == ENOTDIR ? ErrorCode::not_found : ErrorCode::io;
    return Error(code, "start " + spec.executable + ": " + error_text(errno));
  }
  std::vector<std::string> arguments = spec.arguments;
  arguments.insert(arguments.begin(), spec.executable);
  std::vector<std::string> environment;
  for (const auto& [name, value] : spec.environment) environment.push_back(name + "=" + value);
  // Which machine of which run a process belongs to: a sweep finds by it what nobody else can (driver/process/process_table.hpp).
  if (const char* machine = std::getenv("SKIDPAD_MACHINE"); machine != nullptr && spec.environment.count("SKIDPAD_MACHINE") == 0) {
    environment.push_back(std::string("SKIDPAD_MACHINE=") + machine);
  }

  SpawnAttributes attributes;
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes.attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes.attributes, &all);
  ::posix_spawnattr_setflags(&attributes.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (!standard.terminal.empty()) {
    // The first terminal that the leader of a new session opens becomes its controlling one.
    ::posix_spawn_file_actions_addopen(&attributes.actions, STDIN_FILENO, standard.terminal.c_str(), O_RDWR, 0);
    ::posix_spawn_file_actions_adddup2(&attributes.actions, STDIN_FILENO, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&attributes.actions, STDIN_FILENO, STDERR_FILENO);
  } else {
    if (standard.input < 0) ::posix_spawn_file_actions_addopen(&attributes.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    else ::posix_spawn_file_actions_adddup2(&attributes.actions, standard.input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&attributes.actions, standard.output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&attributes.actions, standard.error, STDERR_FILENO);
  }
  if (!spec.working_directory.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&attributes.actions, spec.working_directory.c_str());
  }
  pid_t pid = 0;
  const int error_number = ::posix_spawn(&pid, spec.executable.c_str(), &attributes.actions, &attributes.attributes,
                                         pointers_to(arguments).data(), pointers_to(environment).data());
  if (error_number != 0) return Error(ErrorCode::io, "start " + spec.executable + ": " + error_text(error_number));
  // Ours until we reap it, so even one that ended at once still has its pidfd and its line in /proc.
  const int pidfd = open_pidfd(pid);
  ASSERT(pidfd >= 0);
  const auto identity = identity_of(pid);
  ASSERT(identity.has_value());
  ProcessId id;
  id.pid = pid;
  id.start_time = identity->start_time;
  return start_watching(id, pidfd);
}

Result<std::unique_ptr<Process>> RealProcesses::spawn(ProcessSpec spec) {
  const std::string path = spec.output_path.empty() ? "/dev/null" : spec.output_path;
  const FileDescriptor output(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!output) return Error(ErrorCode::io, "open " + path + ": " + error_text(errno));
  Standard standard;
  standard.output = standard.error = output.number();
  return spawn_with(spec, standard);
}

Result<std::unique_ptr<Process>> RealProcesses::adopt(ProcessId id) {
  const Error gone(ErrorCode::not_found, "process " + std::to_string(id.pid) + ": has ended");
  if (id.pid <= 0) return gone;
  FileDescriptor pidfd(open_pidfd(id.pid));
  if (!pidfd) return gone;
  // Looked at only now: from here on the pidfd cannot come to mean another process.
  const auto identity = identity_of(id.pid);
  if (!identity || identity->start_time != id.start_time || identity->state == 'Z') return gone;
  return start_watching(id, pidfd.release());
}

namespace {

/// Keeps the first bytes_max bytes of what comes through a pipe, and reads on so that the writer does not block.
struct Capture {
  Capture() {}
  Capture(const Capture&) = delete;
  ~Capture() { pipe->close(); }

  std::shared_ptr<Descriptor> pipe;
  std::size_t bytes_max = 0;
  std::string bytes;

  /// True at the end, false when nothing is there now.
  bool drain() {
    std::array<char, 16384> chunk;
    for (;;) {
      const ssize_t count = ::read(pipe->number(), chunk.data(), chunk.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return false;
      if (count <= 0) return true;
      bytes.append(chunk.data(), std::min(static_cast<std::size_t>(count), bytes_max - bytes.size()));
    }
  }
  Task<void> run() {
    while (!drain()) co_await pipe->ready(Descriptor::Direction::read);
  }
};

/// Ends the process with its descendants when the wait for it ends early, however that happens.
struct KillUnlessEnded {
  explicit KillUnlessEnded(Process& process) : process(process) {}
  ~KillUnlessEnded() {
    if (!process.exit_status()) process.signal(Signal::kill);
  }
  Process& process;
};

}  // namespace

Task<Result<Processes::Output>> RealProcesses::run(ProcessSpec spec, std::size_t output_bytes_max) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) co_return Error(ErrorCode::io, "pipe: " + error_text(errno));
  Capture capture;
  capture.pipe = Descriptor::watch(loop_, ends[0]);
  capture.bytes_max = output_bytes_max;
  FileDescriptor writing(ends[1]);
  Standard standard;
  standard.output = standard.error = writing.number();
  CO_TRY(std::unique_ptr<Process> process, spawn_with(spec, standard));
  writing = FileDescriptor();
  const KillUnlessEnded kill(*process);
  StopState& stop = co_await CurrentStop();
  TaskGroup reading(stop);
  reading.spawn("output of " + spec.executable, capture.run());
  Output output;
  output.status = co_await process->wait();
  // A descendant may keep the pipe open for ever: what is there now counts.
  reading.kill();
  capture.drain();
  output.output = std::move(capture.bytes);
  co_return output;
}

namespace {

class RealInteractive final : public InteractiveProcess {
 public:
  RealInteractive(std::unique_ptr<Process> process, std::shared_ptr<Descriptor> input, std::shared_ptr<Descriptor> output, std::shared_ptr<Descriptor> error)
      : process_(std::move(process)), input_(std::move(input)), output_(std::move(output)), error_(std::move(error)) {}
  ~RealInteractive() override {
    for (const auto& end : {input_, output_, error_}) {
      if (end) end->close();
    }
    if (!process_->exit_status()) process_->signal(Signal::kill);
  }
  Task<std::string> read_output() override { return read(output_); }
  Task<std::string> read_error() override { return read(error_); }
  Task<Result<void>> write_input(std::string bytes) override { return write(input_, std::move(bytes)); }
  void close_input() override {
    if (!input_) return;
    // The other end of a terminal stays open for its output: the end of input is what Ctrl-D says.
    if (input_ != output_) input_->close();
    else (void)!::write(input_->number(), "\4", 1);
  }
  void resize(int columns, int rows) override {
    winsize size{};
    size.ws_col = static_cast<unsigned short>(std::clamp(columns, 0, 65535));
    size.ws_row = static_cast<unsigned short>(std::clamp(rows, 0, 65535));
    if (output_ && !output_->closed()) ::ioctl(output_->number(), TIOCSWINSZ, &size);
  }
  Task<ExitStatus> wait() override { return process_->wait(); }
  void signal(Signal signal) override { process_->signal(signal); }

 private:
  static Task<std::string> read(std::shared_ptr<Descriptor> from) {
    std::array<char, 32768> chunk;
    while (from && !from->closed()) {
      const ssize_t count = ::read(from->number(), chunk.data(), chunk.size());
      if (count > 0) co_return std::string(chunk.data(), static_cast<std::size_t>(count));
      if (count < 0 && errno == EINTR) continue;
      if (count == 0 || errno != EAGAIN) break;  // EIO: the last process on the terminal is gone
      co_await from->ready(Descriptor::Direction::read);
    }
    co_return std::string();
  }
  static Task<Result<void>> write(std::shared_ptr<Descriptor> to, std::string bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      if (!to || to->closed()) co_return Error(ErrorCode::connection_lost, "input is closed");
      const ssize_t count = ::write(to->number(), bytes.data() + at, bytes.size() - at);
      if (count > 0) {
        at += static_cast<std::size_t>(count);
      } else if (errno == EAGAIN) {
        co_await to->ready(Descriptor::Direction::write);
      } else if (errno != EINTR) {
        co_return Error(ErrorCode::connection_lost, "input: " + error_text(errno));
      }
    }
    co_return success();
  }
  std::unique_ptr<Process> process_;
  std::shared_ptr<Descriptor> input_;   ///< the same as output_ where it is a terminal
  std::shared_ptr<Descriptor> output_;
  std::shared_ptr<Descriptor> error_;
};

}  // namespace

Result<std::unique_ptr<InteractiveProcess>> RealProcesses::start(ProcessSpec spec, InteractiveOptions options) {
  Standard standard;
  std::shared_ptr<Descriptor> input, output, error;
  if (options.terminal) {
    FileDescriptor terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    char name[64];
    if (!terminal || ::grantpt(terminal.number()) != 0 || ::unlockpt(terminal.number()) != 0 || ::ptsname_r(terminal.number(), name, sizeof name) != 0) {
      return Error(ErrorCode::io, "open a terminal: " + error_text(errno));
    }
    standard.terminal = name;
    // Held open until the child has it: a terminal that nobody has open reads as ended.
    const FileDescriptor held(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    output = Descriptor::watch(loop_, terminal.release());
    if (options.input) input = output;
    TRY(auto process, spawn_with(spec, standard));
    return std::unique_ptr<InteractiveProcess>(std::make_unique<RealInteractive>(std::move(process), input, output, error));
  }
  // Ours and its end of each: input, output, error.
  std::array<std::array<int, 2>, 3> pipes;
  for (auto& pipe : pipes) pipe.fill(-1);
  std::array<FileDescriptor, 6> owners;
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    if (i == 0 && !options.input) continue;
    if (::pipe2(pipes[i].data(), O_CLOEXEC) != 0) return Error(ErrorCode::io, "pipe: " + error_text(errno));
    owners[2 * i] = FileDescriptor(pipes[i][0]);
    owners[2 * i + 1] = FileDescriptor(pipes[i][1]);
  }
  standard.input = pipes[0][0];
  standard.output = pipes[1][1];
  standard.error = pipes[2][1];
  TRY(auto process, spawn_with(spec, standard));
  if (options.input) input = Descriptor::watch(loop_, owners[1].release());
  output = Descriptor::watch(loop_, owners[2].release());
  error = Descriptor::watch(loop_, owners[4].release());
  return std::unique_ptr<InteractiveProcess>(std::make_unique<RealInteractive>(std::move(process), input, output, error));
}

}  // namespace skidpad::runtime
