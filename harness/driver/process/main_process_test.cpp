// The process tests' own main: machines, supervisors and helpers are this same executable under another verb.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "harness/driver/process/network_device.hpp"
#include "harness/driver/process/node_init.hpp"
#include "harness/driver/process/process_test_helpers.hpp"
#include "harness/driver/process/supervisor.hpp"

namespace skidpad::driver::process::test {

namespace {

sockaddr_in socket_address(const std::string& address, int port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, address.c_str(), &result.sin_addr);
  return result;
}

bool readable(int socket, int milliseconds) {
  pollfd watched{socket, POLLIN, 0};
  return ::poll(&watched, 1, milliseconds) == 1;
}

void sleep_milliseconds(int milliseconds) {
  const timespec pause{milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
  ::nanosleep(&pause, nullptr);
}

[[noreturn]] void serve(const char* address, int port) {
  const sockaddr_in here = socket_address(address, port);
  const int one = 1;
  const int tcp = ::socket(AF_INET, SOCK_STREAM, 0);
  ::setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const int udp = ::socket(AF_INET, SOCK_DGRAM, 0);
  if (::bind(tcp, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 || ::listen(tcp, 64) != 0) std::exit(1);
  if (::bind(udp, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) std::exit(1);
  static char buffer[65536];
  for (;;) {
    pollfd watched[2] = {{tcp, POLLIN, 0}, {udp, POLLIN, 0}};
    ::poll(watched, 2, -1);
    if (watched[1].revents != 0) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t got = ::recvfrom(udp, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got >= 0) ::sendto(udp, buffer, static_cast<std::size_t>(got), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
    if (watched[0].revents != 0) {
      const int connection = ::accept(tcp, nullptr, nullptr);
      if (::fork() == 0) {
        for (ssize_t got; (got = ::read(connection, buffer, sizeof buffer)) > 0;) (void)!::write(connection, buffer, static_cast<std::size_t>(got));
        ::_exit(0);
      }
      ::close(connection);
    }
  }
}

}  // namespace

int helper_main(const std::vector<std::string>& arguments) {
  const std::string& verb = arguments.at(0);
  if (verb == "serve") serve(arguments.size() > 2 ? arguments[2].c_str() : "0.0.0.0", std::atoi(arguments.at(1).c_str()));
  if (verb == "daemon") {
    if (const pid_t child = ::fork(); child != 0) {
      ::waitpid(child, nullptr, 0);
      for (;;) ::pause();
    }
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    for (;;) ::pause();
  }
  if (verb == "crash") return 3;
  if (verb == "append") {
    const int file = ::open(arguments.at(1).c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    (void)!::write(file, "line\n", 5);
    for (;;) ::pause();
  }
  return 64;
}

std::string own_executable() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  return std::string(path, static_cast<std::size_t>(size));
}

bool is_root() { return ::geteuid() == 0; }

int in_network_of(std::int64_t host_pid, const std::function<int()>& run) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (host_pid != 0 && !join_network_namespace(host_pid)) ::_exit(255);
    ::_exit(run());
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

int udp_echoes(const std::string& address, int port, int count, int wait_milliseconds) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = socket_address(address, port);
  ::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  int echoes = 0;
  for (int i = 0; i < count; ++i) {
    char text[32];
    const int size = std::snprintf(text, sizeof text, "%d", i);
    ::send(socket, text, static_cast<std::size_t>(size), 0);
    char answer[32];
    if (readable(socket, wait_milliseconds) && ::recv(socket, answer, sizeof answer, 0) == size && std::memcmp(answer, text, static_cast<std::size_t>(size)) == 0) ++echoes;
  }
  ::close(socket);
  return echoes;
}

void udp_send(const std::string& address, int port, int count, int interval_microseconds) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = socket_address(address, port);
  for (int i = 0; i < count; ++i) {
    ::sendto(socket, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    const timespec pause{0, interval_microseconds * 1000L};
    if (interval_microseconds > 0) ::nanosleep(&pause, nullptr);
  }
  ::close(socket);
}

bool tcp_echo(const std::string& address, int port, std::size_t size_bytes) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in to = socket_address(address, port);
  ::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  std::string sent(size_bytes, 'a');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>('a' + i % 23);
  std::string got;
  std::size_t written = 0;
  while (got.size() < size_bytes) {
    pollfd watched{socket, static_cast<short>(POLLIN | (written < size_bytes ? POLLOUT : 0)), 0};
    if (::poll(&watched, 1, 2000) != 1) break;
    char buffer[65536];
    const ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
    if (size == 0 || (size < 0 && errno != EAGAIN)) break;
    if (size > 0) got.append(buffer, static_cast<std::size_t>(size));
    if (written < size_bytes) {
      const ssize_t more = ::send(socket, sent.data() + written, size_bytes - written, MSG_NOSIGNAL);
      if (more > 0) written += static_cast<std::size_t>(more);
    }
  }
  ::close(socket);
  return got == sent;
}

bool eventually(const std::function<bool()>& holds, int milliseconds_max) {
  const auto due = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds_max);
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= due) return false;
    sleep_milliseconds(5);
  }
  return true;
}

TemporaryDirectory::TemporaryDirectory() {
  char path[] = "/tmp/skidpad-test-XXXXXX";
  path_ = ::mkdtemp(path);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace skidpad::driver::process::test

int main(int argc, char** argv) {
  using namespace skidpad::driver::process;
  const std::string verb = argc > 1 ? argv[1] : "";
  const std::vector<std::string> rest(argv + std::min(argc, 2), argv + argc);
  if (verb == "node-init") return node_init_main(rest);
  if (verb == "supervisor") return supervisor_main(rest);
  if (verb == "helper") return test::helper_main(rest);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
