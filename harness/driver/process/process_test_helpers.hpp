/// @file process_test_helpers.hpp
/// For the process tests: little programs that machines run (this same executable), and code run inside a machine's network.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace skidpad::driver::process::test {

/// `THIS helper serve PORT`: echoes TCP and UDP. `helper daemon`: leaves the session, forks twice and sleeps on as an orphan.
/// `helper crash`: ends at once with code 3. `helper append FILE`: appends a line to a file and sleeps.
int helper_main(const std::vector<std::string>& arguments);
/// The path of this executable.
std::string own_executable();
bool is_root();

/// Runs in a child process inside the network namespace of `host_pid` (0: where we are); returns what the function returns.
int in_network_of(std::int64_t host_pid, const std::function<int()>& run);
/// How many of `count` UDP datagrams to an echo server come back, each waited for `wait_milliseconds`.
int udp_echoes(const std::string& address, int port, int count, int wait_milliseconds);
/// Sends without waiting for anything, `interval_microseconds` apart.
void udp_send(const std::string& address, int port, int count, int interval_microseconds);
/// True if a TCP echo of `size_bytes` bytes comes back whole within two seconds.
bool tcp_echo(const std::string& address, int port, std::size_t size_bytes);
/// Tries until true, at most so long.
bool eventually(const std::function<bool()>& holds, int milliseconds_max = 5000);

/// A directory under /tmp, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace skidpad::driver::process::test
