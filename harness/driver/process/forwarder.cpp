#include "harness/driver/process/forwarder.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <list>

namespace skidpad::driver::process {

namespace {

using Milliseconds = std::chrono::milliseconds;
/// While there is another target to try; enough for links slowed by a fault, and short for a person who waits.
constexpr Milliseconds connect_time_with_alternative{250};
constexpr Milliseconds connect_time_max{3000};
constexpr Milliseconds shunned_time{5000};
constexpr std::size_t connections_max = 1000;
constexpr std::size_t pending_bytes_max = 256 << 10;

Milliseconds monotonic_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Milliseconds(time.tv_sec * 1000LL + time.tv_nsec / 1'000'000);
}

sockaddr_in to_socket_address(const runtime::Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  ::inet_pton(AF_INET, endpoint.address.c_str(), &address.sin_addr);
  return address;
}

void set_no_delay(int socket) {
  const int one = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

}  // namespace

Result<ForwardSpec> parse_forward(std::string_view text) {
  const Error wrong(ErrorCode::invalid, "forward \"" + std::string(text) + "\": expected HOSTPORT=ADDRESS:PORT,ADDRESS:PORT");
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return wrong;
  ForwardSpec spec;
  const auto [end, error] = std::from_chars(text.data(), text.data() + equals, spec.host_port);
  if (error != std::errc() || end != text.data() + equals) return wrong;
  for (std::string_view rest = text.substr(equals + 1); !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    auto target = runtime::parse_endpoint(rest.substr(0, comma));
    if (!target || !runtime::is_ipv4(target.value().address) || target.value().port == 0) return wrong;
    spec.targets.push_back(target.value());
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  if (spec.targets.empty()) return wrong;
  return spec;
}

/// All of the forwarder's thread.
class Forwarder::Loop {
 public:
  Loop(std::vector<Entry>& entries, int wake) : entries_(entries), wake_(wake), turns_(entries.size()), shunned_until_(entries.size()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) shunned_until_[i].resize(entries_[i].targets.size());
  }

  void run() {
    for (;;) {
      std::vector<pollfd> watched{{wake_, POLLIN, 0}};
      for (const Entry& entry : entries_) watched.push_back({entry.listener.get(), static_cast<short>(pairs_.size() < connections_max ? POLLIN : 0), 0});
      int wait = -1;
      for (const Pair& pair : pairs_) {
        for (int index = 0; index < 2; ++index) {
          // poll reports a hangup even to those who ask for nothing; a negative descriptor is passed over.
          const short events = interest(pair, index);
          watched.push_back({events == 0 ? -1 : pair.side[index].socket.get(), events, 0});
        }
        if (pair.connecting) {
          const auto left = static_cast<int>(std::max<std::int64_t>(0, (pair.connect_due - monotonic_now()).count()));
          wait = wait < 0 ? left : std::min(wait, left);
        }
      }
      if (::poll(watched.data(), watched.size(), wait) < 0 && errno != EINTR) return;
      if (watched[0].revents != 0) return;
      std::size_t at = 1 + entries_.size();
      for (auto pair = pairs_.begin(); pair != pairs_.end(); at += 2) {
        const bool keep = serve(*pair, watched[at].revents, watched[at + 1].revents);
        pair = keep ? std::next(pair) : pairs_.erase(pair);
      }
      for (std::size_t i = 0; i < entries_.size(); ++i) {
        if ((watched[1 + i].revents & POLLIN) != 0) accept_all(i);
      }
    }
  }

 private:
  struct Side {
    FileDescriptor socket;
    std::string pending;     ///< read from the other side, not yet written here
    bool read_ended = false;
    bool write_ended = false;
  };
  struct Pair {
    Side side[2];  ///< the user's, the target's
    std::size_t entry = 0;
    std::size_t target = 0;
    std::size_t tries = 0;
    bool connecting = false;
    Milliseconds connect_due{};
  };

  static short interest(const Pair& pair, int index) {
    const Side& side = pair.side[index];
    if (pair.connecting) return index == 1 ? POLLOUT : 0;
    short events = 0;
    if (!side.read_ended && pair.side[1 - index].pending.size() < pending_bytes_max) events |= POLLIN;
    if (!side.pending.empty()) events |= POLLOUT;
    return events;
  }

  void accept_all(std::size_t entry) {
    while (pairs_.size() < connections_max) {
      FileDescriptor accepted(::accept4(entries_[entry].listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!accepted.open()) return;
      set_no_delay(accepted.get());
      Pair& pair = pairs_.emplace_back();
      pair.side[0].socket = std::move(accepted);
      pair.entry = entry;
      pair.target = turns_[entry]++ % entries_[entry].targets.size();
      skip_shunned(pair);
      if (!connect(pair)) pairs_.pop_back();
    }
  }

  void skip_shunned(Pair& pair) {
    const auto& shunned = shunned_until_[pair.entry];
    for (std::size_t i = 0; i < shunned.size(); ++i) {
      const std::size_t candidate = (pair.target + i) % shunned.size();
      if (shunned[candidate] > monotonic_now()) continue;
      pair.target = candidate;
      return;
    }
  }

  /// Begins with the current target, or the next that can be begun with. False if none is left.
  bool connect(Pair& pair) {
    const auto& targets = entries_[pair.entry].targets;
    for (; pair.tries < targets.size(); next_target(pair)) {
      pair.side[1].socket = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      if (!pair.side[1].socket.open()) return false;
      set_no_delay(pair.side[1].socket.get());
      const sockaddr_in address = to_socket_address(targets[pair.target]);
      if (::connect(pair.side[1].socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EINPROGRESS) {
        pair.connecting = true;
        pair.connect_due = monotonic_now() + (pair.tries + 1 < targets.size() ? connect_time_with_alternative : connect_time_max);
        return true;
      }
    }
    return false;
  }

  void next_target(Pair& pair) {
    auto& shunned = shunned_until_[pair.entry];
    shunned[pair.target] = monotonic_now() + shunned_time;
    pair.target = (pair.target + 1) % shunned.size();
    ++pair.tries;
  }

  /// False when the pair is finished.
  bool serve(Pair& pair, short events_user, short events_target) {
    if (pair.connecting) {
      if ((events_user & (POLLERR | POLLHUP)) != 0) return false;
      if (events_target == 0 && monotonic_now() < pair.connect_due) return true;
      int error = ETIMEDOUT;
      socklen_t size = sizeof error;
      if (events_target != 0) ::getsockopt(pair.side[1].socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) {
        next_target(pair);
        return connect(pair);
      }
      pair.connecting = false;
      shunned_until_[pair.entry][pair.target] = Milliseconds{};
      return true;
    }
    const short events[2] = {events_user, events_target};
    for (int index = 0; index < 2; ++index) {
      if ((events[index] & (POLLIN | POLLHUP | POLLERR)) != 0 && !read_side(pair, index)) return false;
    }
    for (int index = 0; index < 2; ++index) {
      if (!write_side(pair, index)) return false;
    }
    return !(pair.side[0].write_ended && pair.side[1].write_ended);
  }

  static bool read_side(Pair& pair, int index) {
    Side& from = pair.side[index];
    Side& to = pair.side[1 - index];
    char buffer[65536];
    while (!from.read_ended && to.pending.size() < pending_bytes_max) {
      const ssize_t size = ::recv(from.socket.get(), buffer, sizeof buffer, 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return errno == EAGAIN;
      from.read_ended = size == 0;
      to.pending.append(buffer, static_cast<std::size_t>(size));
    }
    return true;
  }

  static bool write_side(Pair& pair, int index) {
    Side& side = pair.side[index];
    while (!side.pending.empty()) {
      const ssize_t size = ::send(side.socket.get(), side.pending.data(), side.pending.size(), MSG_NOSIGNAL);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return errno == EAGAIN;
      side.pending.erase(0, static_cast<std::size_t>(size));
    }
    if (pair.side[1 - index].read_ended && !side.write_ended) {
      ::shutdown(side.socket.get(), SHUT_WR);
      side.write_ended = true;
    }
    return true;
  }

  std::vector<Entry>& entries_;
  int wake_;
  std::vector<std::size_t> turns_;
  std::vector<std::vector<Milliseconds>> shunned_until_;
  std::list<Pair> pairs_;
};

Forwarder::~Forwarder() { stop(); }

Result<std::uint16_t> Forwarder::open(const ForwardSpec& spec) {
  ASSERT(!thread_.joinable());
  FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.open()) return system_error("socket");
  const int one = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address = to_socket_address(runtime::Endpoint{"127.0.0.1", spec.host_port});
  const std::string where = "listen on 127.0.0.1:" + std::to_string(spec.host_port);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return system_error(where);
  if (::listen(listener.get(), 128) != 0) return system_error(where);
  socklen_t size = sizeof address;
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  entries_.push_back(Entry{std::move(listener), spec.targets});
  return ntohs(address.sin_port);
}

void Forwarder::start() {
  if (entries_.empty()) return;
  wake_ = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "forwarder");
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    Loop(entries_, wake_.get()).run();
  });
}

void Forwarder::stop() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  thread_.join();
}

}  // namespace skidpad::driver::process
