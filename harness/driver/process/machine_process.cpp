#include "harness/driver/process/machine_process.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/driver/process/process_table.hpp"

namespace skidpad::driver::process {

namespace {

constexpr int control_in_child = 3;

/// In the child, after a clone out of a threaded process: only what is safe in a signal handler.
[[noreturn]] void become_node_init(int control, int input, int output, char* const* argv, char* const* envp) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal = 1; signal < 32; ++signal) ::signal(signal, SIG_DFL);
  ::dup2(input, 0);
  ::dup2(output, 1);
  ::dup2(output, 2);
  if (control == control_in_child) {
    ::fcntl(control, F_SETFD, 0);
  } else {
    ::dup2(control, control_in_child);
  }
  ::close_range(control_in_child + 1, ~0U, 0);
  ::execve("/proc/self/exe", argv, envp);
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<MachineProcess>> MachineProcess::launch(const MachineLaunch& launch) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return system_error("socketpair");
  FileDescriptor control(ends[0]);
  const FileDescriptor control_of_child(ends[1]);
  const FileDescriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const FileDescriptor output(::open(launch.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!output.open()) return system_error("open " + launch.log_path);

  std::vector<std::string> arguments{"skidpad", "node-init", "--spec=" + launch.boot_path, "--control-fd=" + std::to_string(control_in_child)};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<std::string> assignments;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::string_view(*variable).rfind(std::string(tag_variable) + "=", 0) != 0) assignments.emplace_back(*variable);
  }
  assignments.push_back(std::string(tag_variable) + "=" + launch.tag);
  std::vector<char*> envp;
  for (std::string& assignment : assignments) envp.push_back(assignment.data());
  envp.push_back(nullptr);

  int handle = -1;
  clone_args options{};
  options.flags = CLONE_PIDFD;
  if (launch.isolation == Isolation::namespaces) options.flags |= CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS;
  options.pidfd = reinterpret_cast<std::uint64_t>(&handle);
  options.exit_signal = SIGCHLD;
  // Without CLONE_VM: a fork, whose child may go on in this function.
  const long pid = ::syscall(SYS_clone3, &options, sizeof options);
  if (pid < 0) return system_error("make the machine's namespaces");
  if (pid == 0) become_node_init(control_of_child.get(), input.get(), output.get(), argv.data(), envp.data());
  return std::unique_ptr<MachineProcess>(new MachineProcess(launch, pid, FileDescriptor(handle), std::move(control)));
}

MachineProcess::~MachineProcess() {
  if (!reaped_) kill(std::chrono::seconds(5));
}

Result<std::optional<MachineProcess::Ready>> MachineProcess::poll_ready() {
  char text[4096];
  iovec piece{text, sizeof text};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  header.msg_control = ancillary;
  header.msg_controllen = sizeof ancillary;
  const ssize_t size = ::recvmsg(control_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::optional<Ready>();
  if (size < 0) return system_error("hear node-init");
  if (size == 0) return Error(ErrorCode::io, "node-init ended before the machine was set up; see " + launch_.log_path);
  Ready ready;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    int received = -1;
    std::memcpy(&received, CMSG_DATA(part), sizeof received);
    ready.tap = FileDescriptor(received);
  }
  TRY(const auto json, runtime::parse_json(std::string_view(text, static_cast<std::size_t>(size))));
  if (!runtime::bool_at(json, {"ready"})) return Error(ErrorCode::io, "set up the machine: " + runtime::text_at(json, {"error"}, "no reason given"));
  return std::optional<Ready>(std::move(ready));
}

Result<void> MachineProcess::start_units() {
  if (::send(control_.get(), "start", 5, MSG_NOSIGNAL) < 0) return system_error("start the units");
  return success();
}

bool MachineProcess::alive() const {
  if (reaped_) return false;
  pollfd watched{handle_.get(), POLLIN, 0};
  return ::poll(&watched, 1, 0) == 0;
}

bool MachineProcess::kill(std::chrono::milliseconds time_max) {
  if (reaped_) return true;
  bool gone = true;
  if (launch_.isolation == Isolation::loopback) {
    // node-init last: while it lives, every orphan of the machine is still below it.
    gone = kill_until_gone(
        [this] {
          auto left = descendants_and_tagged(pid_, launch_.tag);
          std::erase_if(left, [this](const HostProcess& process) { return process.host_pid == pid_; });
          return left;
        },
        time_max);
  }
  (void)::syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0);
  // The first process of a pid namespace is reported dead only after the kernel has ended and reaped all others in it.
  pollfd watched{handle_.get(), POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(time_max.count())) != 1) return false;
  int status = 0;
  (void)::waitpid(static_cast<pid_t>(pid_), &status, WNOHANG);
  reaped_ = true;
  return gone;
}

}  // namespace skidpad::driver::process
