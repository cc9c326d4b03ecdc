#include "harness/driver/process/node_init.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harness/driver/process/component_failure.hpp"
#include "harness/driver/process/machine_boot.hpp"
#include "harness/driver/process/network_device.hpp"
#include "harness/driver/process/process_table.hpp"
#include "harness/runtime/json.hpp"

namespace skidpad::driver::process {

namespace {

using Milliseconds = std::chrono::milliseconds;

Milliseconds monotonic_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Milliseconds(time.tv_sec * 1000LL + time.tv_nsec / 1'000'000);
}

void say(const std::string& text) {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  const runtime::WallTime now{std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)};
  std::fprintf(stderr, "%s node-init: %s\n", runtime::format_rfc3339_micro(now).c_str(), text.c_str());
}

bool is_below(const std::string& path, const std::string& directory) { return path.rfind(directory + "/", 0) == 0; }

Result<void> bind_onto(const std::string& source, const std::string& target) {
  if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) return system_error("bind " + source + " onto " + target);
  return success();
}

/// A /tmp of the machine's own. What the machine needs from the host's /tmp (its own disk, programs under test) is bound back.
Result<void> make_own_tmp(const MachineBoot& boot) {
  std::vector<std::string> kept;
  for (const std::string& path : boot.visible_paths) {
    const bool inside_another = std::any_of(kept.begin(), kept.end(), [&](const std::string& other) { return path == other || is_below(path, other); });
    if (is_below(path, "/tmp") && !inside_another) kept.push_back(path);
  }
  std::vector<FileDescriptor> handles;
  for (const std::string& path : kept) {
    handles.emplace_back(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!handles.back().open()) return system_error("open " + path);
  }
  const std::string own = boot.directory + "/tmp";
  TRY(make_directories(own));
  ::chmod(own.c_str(), 01777);
  TRY(bind_onto(own, "/tmp"));
  for (std::size_t i = 0; i < kept.size(); ++i) {
    struct stat facts {};
    if (::fstat(handles[i].get(), &facts) != 0) return system_error("look at " + kept[i]);
    if (S_ISDIR(facts.st_mode)) {
      TRY(make_directories(kept[i]));
    } else {
      // A single program, such as a binary right in /tmp: something must be there to mount it on.
      TRY(make_directories(runtime::parent_path(kept[i])));
      if (::access(kept[i].c_str(), F_OK) != 0) {
        TRY(write_text(kept[i], ""));
      }
    }
    const std::string source = "/proc/self/fd/" + std::to_string(handles[i].get());
    // Recursive: the kept directory may hold mounts (a tmpfs as a disk of limited size).
    if (::mount(source.c_str(), kept[i].c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return system_error("bind " + kept[i]);
  }
  return success();
}

/// The machine's own /etc/<name>, if it has one on its disk and the host has one to cover.
Result<void> cover_etc_file(const MachineBoot& boot, const std::string& file, const std::string& otherwise) {
  const std::string own = boot.root + "/etc/" + file;
  if (::access(own.c_str(), F_OK) != 0) {
    TRY(make_directories(boot.root + "/etc"));
    TRY(write_text(own, otherwise));
  }
  char resolved[PATH_MAX];
  if (::realpath(("/etc/" + file).c_str(), resolved) == nullptr) return success();
  return bind_onto(own, resolved);
}

Result<FileDescriptor> set_up_namespaces(const MachineBoot& boot) {
  if (::sethostname(boot.name.c_str(), boot.name.size()) != 0) return system_error("set the host name");
  // First of all: nothing mounted here may spread to the host.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return system_error("make mounts private");
  TRY(cover_etc_file(boot, "resolv.conf", "nameserver 127.0.0.1\noptions ndots:5 timeout:1 attempts:2\n"));
  TRY(cover_etc_file(boot, "hosts", "127.0.0.1 localhost\n" + boot.address + " " + boot.name + "\n"));
  TRY(make_own_tmp(boot));
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return system_error("mount /proc");
  switch_off_ipv6();
  TRY(bring_up_loopback());
  TapOptions tap;
  tap.address = boot.address;
  return open_tap(tap);
}

Result<void> send_message(int control, const Json& message, int attached) {
  std::string text = message.dump();
  iovec piece{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  if (attached >= 0) {
    header.msg_control = ancillary;
    header.msg_controllen = sizeof ancillary;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &attached, sizeof(int));
  }
  if (::sendmsg(control, &header, MSG_NOSIGNAL) < 0) return system_error("tell the supervisor");
  return success();
}

class Init {
 public:
  Init(MachineBoot boot, int control) : boot_(std::move(boot)), control_(control) {}

  int run() {
    sigset_t handled;
    ::sigemptyset(&handled);
    ::sigaddset(&handled, SIGCHLD);
    ::sigprocmask(SIG_SETMASK, &handled, nullptr);
    const FileDescriptor signals(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
    ASSERT(signals.open());
    for (const MachineUnit& unit : boot_.units) units_.push_back(Running{unit, 0, monotonic_now(), {}, 0});
    for (;;) {
      pollfd watched[2] = {{control_, POLLIN, 0}, {signals.get(), POLLIN, 0}};
      const int ready = ::poll(watched, 2, started_ ? milliseconds_to_next_start() : -1);
      if (ready < 0 && errno != EINTR) return 1;
      if (watched[1].revents != 0) {
        signalfd_siginfo ignored[16];
        while (::read(signals.get(), ignored, sizeof ignored) > 0) {
        }
      }
      reap();
      if (watched[0].revents != 0 && !hear()) return end_machine();
      if (started_) start_due();
    }
  }

 private:
  struct Running {
    MachineUnit unit;
    pid_t pid;
    Milliseconds due;  ///< next start while it does not run
    Milliseconds started{};
    int short_lives = 0;  ///< in a row
  };

  /// False when the supervisor is gone.
  bool hear() {
    char message[256];
    const ssize_t size = ::recv(control_, message, sizeof message, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    started_ = started_ || size > 0;
    return size > 0;
  }

  int milliseconds_to_next_start() const {
    int wait = -1;
    for (const Running& running : units_) {
      if (running.pid != 0) continue;
      const auto left = static_cast<int>(std::max<std::int64_t>(0, (running.due - monotonic_now()).count()));
      wait = wait < 0 ? left : std::min(wait, left);
    }
    return wait;
  }

  void reap() {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto ended = std::find_if(units_.begin(), units_.end(), [pid](const Running& running) { return running.pid == pid; });
      if (ended == units_.end()) continue;  // an orphan
      ended->pid = 0;
      ended->due = monotonic_now() + Milliseconds(static_cast<std::int64_t>(ended->unit.restart_seconds * 1000));
      const std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "code " + std::to_string(WEXITSTATUS(status));
      ended->short_lives = monotonic_now() - ended->started < short_life ? ended->short_lives + 1 : 0;
      const Json record{{"short_lives", ended->short_lives}, {"how", WIFSIGNALED(status) ? how : "exit " + how}};
      (void)write_text(unit_record_path(boot_.directory, ended->unit.name), record.dump());
      say("unit " + ended->unit.name + " ended with " + how + ", next start in " + std::to_string(ended->unit.restart_seconds) + " s");
    }
  }

  void start_due() {
    for (Running& running : units_) {
      if (running.pid != 0 || running.due > monotonic_now()) continue;
      running.started = monotonic_now();
      running.pid = start(running.unit);
      if (running.pid < 0) {
        say("cannot start unit " + running.unit.name + ": " + std::strerror(errno));
        running.pid = 0;
        running.due = monotonic_now() + Milliseconds(std::max<std::int64_t>(100, static_cast<std::int64_t>(running.unit.restart_seconds * 1000)));
      }
    }
  }

  pid_t start(const MachineUnit& unit) {
    std::map<std::string, std::string> environment = boot_.environment;
    for (const auto& [key, value] : unit.env) environment[key] = value;
    environment[tag_variable] = boot_.tag();
    std::vector<std::string> assignments;
    for (const auto& [key, value] : environment) assignments.push_back(key + "=" + value);
    std::vector<char*> envp;
    for (std::string& assignment : assignments) envp.push_back(assignment.data());
    envp.push_back(nullptr);
    std::vector<char*> argv;
    for (const std::string& argument : unit.argv) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const std::string log = boot_.root + "/var/log/" + unit.name + ".log";
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::setsid();
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int input = ::open("/dev/null", O_RDONLY);
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(input, 0);
    ::dup2(output >= 0 ? output : 2, 1);
    ::dup2(1, 2);
    ::close_range(3, ~0U, 0);
    if (::chdir(boot_.root.c_str()) != 0) ::_exit(126);
    ::execvpe(argv[0], argv.data(), envp.data());
    std::fprintf(stderr, "cannot run %s: %s\n", argv[0], std::strerror(errno));
    ::_exit(errno == ENOENT ? 127 : 126);
  }

  int end_machine() {
    if (boot_.isolation == Isolation::namespaces) ::_exit(0);  // the kernel ends everything else in the pid namespace
    kill_until_gone(
        [this] {
          reap();
          return descendants_and_tagged(::getpid(), boot_.tag());
        },
        Milliseconds(5000));
    return 0;
  }

  MachineBoot boot_;
  int control_;
  bool started_ = false;
  std::vector<Running> units_;
};

}  // namespace

int node_init_main(const std::vector<std::string>& arguments) {
  std::string spec_path;
  int control = -1;
  for (const std::string& argument : arguments) {
    if (argument.rfind("--spec=", 0) == 0) spec_path = argument.substr(7);
    if (argument.rfind("--control-fd=", 0) == 0) control = std::atoi(argument.c_str() + 13);
  }
  if (spec_path.empty() || control < 0) {
    std::fprintf(stderr, "node-init is started by skidpad's supervisor, not by hand\n");
    return 64;
  }
  ::prctl(PR_SET_NAME, "node-init");
  ::fcntl(control, F_SETFD, FD_CLOEXEC);
  ::umask(022);

  const auto fail = [control](const Error& error) {
    say(error.message);
    (void)send_message(control, Json{{"error", error.message}}, -1);
    return 1;
  };
  auto text = read_text(spec_path);
  if (!text) return fail(text.error());
  auto json = runtime::parse_json(text.value());
  if (!json) return fail(json.error());
  auto boot = machine_boot_from_json(json.value());
  if (!boot) return fail(boot.error());

  FileDescriptor tap;
  if (boot.value().isolation == Isolation::namespaces) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto opened = set_up_namespaces(boot.value());
    if (!opened) return fail(opened.error());
    tap = std::move(opened.value());
  } else {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::setsid();
  }
  if (auto made = make_directories(boot.value().root + "/var/log"); !made) return fail(made.error());
  if (auto sent = send_message(control, Json{{"ready", true}}, tap.get()); !sent) return fail(sent.error());
  tap.close();  // the supervisor holds it now
  return Init(std::move(boot.value()), control).run();
}

}  // namespace skidpad::driver::process
