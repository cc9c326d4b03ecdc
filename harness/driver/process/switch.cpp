#include "harness/driver/process/switch.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace skidpad::driver::process {

namespace {

constexpr std::uint64_t wake_tag = UINT64_MAX;
constexpr std::size_t under_way_bytes_max = 64 << 20;
/// So that one busy machine does not starve the others, nor those who wait for the lock.
constexpr int frames_per_turn_max = 64;

Instant monotonic_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant{std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)};
}

const std::uint8_t* destination(std::span<const char> frame) { return reinterpret_cast<const std::uint8_t*>(frame.data()) + frame_header_bytes; }

}  // namespace

Switch::Switch(std::uint64_t seed)
    : seed_(seed),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      port_by_number_(65536, -1),
      buffer_(frame_bytes_max) {
  ASSERT(epoll_.open() && wake_.open());
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = wake_tag;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  thread_ = std::thread([this] { run(); });
}

Switch::~Switch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
}

void Switch::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

std::size_t Switch::port_index(const std::string& name) {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (ports_[i].name == name) return i;
  }
  ports_.emplace_back().name = name;
  return ports_.size() - 1;
}

void Switch::plug(const std::string& name, const std::string& address, FileDescriptor tap) {
  const std::lock_guard lock(mutex_);
  const std::size_t index = port_index(name);
  unplug_port(index);
  Port& port = ports_[index];
  port.number = port_number_of(address);
  port.tap = std::move(tap);
  port_by_number_[port.number] = static_cast<std::int32_t>(index);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = index;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, port.tap.get(), &event);
}

void Switch::unplug_port(std::size_t index) {
  Port& port = ports_[index];
  if (!port.tap.open()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, port.tap.get(), nullptr);
  port.tap.close();
  port_by_number_[port.number] = -1;
}

void Switch::unplug(const std::string& name) {
  const std::lock_guard lock(mutex_);
  unplug_port(port_index(name));
}

void Switch::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const std::size_t index = port_index(name);
  unplug_port(index);
  ports_[index].links.clear();
  for (Port& port : ports_) port.links.erase(index);
}

LinkStream& Switch::stream(std::size_t from, std::size_t to) {
  auto& links = ports_[from].links;
  const auto found = links.find(to);
  if (found != links.end()) return found->second;
  return links.emplace(to, LinkStream(seed_, LinkName{ports_[from].name, ports_[to].name})).first->second;
}

void Switch::change_links(const std::vector<LinkChange>& changes) {
  const std::lock_guard lock(mutex_);
  for (const LinkChange& change : changes) {
    const std::size_t from = port_index(change.link.from);
    const std::size_t to = port_index(change.link.to);
    stream(from, to).set_rule(change.rule);
  }
}

void Switch::heal_all_links() {
  const std::lock_guard lock(mutex_);
  for (Port& port : ports_) {
    for (auto& [to, link] : port.links) link.set_rule(LinkRule{});
  }
}

std::vector<LinkStatus> Switch::links() const {
  const std::lock_guard lock(mutex_);
  std::vector<LinkStatus> statuses;
  for (const Port& port : ports_) {
    for (const auto& [to, link] : port.links) {
      statuses.push_back(LinkStatus{LinkName{port.name, ports_[to].name}, link.rule(), link.counters()});
    }
  }
  std::sort(statuses.begin(), statuses.end(), [](const LinkStatus& a, const LinkStatus& b) { return a.link < b.link; });
  return statuses;
}

void Switch::run() {
  ::pthread_setname_np(::pthread_self(), "switch");
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  epoll_event events[64];
  std::optional<Instant> due_next;
  for (;;) {
    timespec wait{};
    if (due_next) {
      const auto left = std::max(Duration{}, *due_next - monotonic_now());
      wait.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000);
      wait.tv_nsec = static_cast<long>(left.count() % 1'000'000'000);
    }
    const int count = ::epoll_pwait2(epoll_.get(), events, 64, due_next ? &wait : nullptr, nullptr);
    ASSERT(count >= 0 || errno == EINTR);
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == wake_tag) {
        std::uint64_t value;
        (void)!::read(wake_.get(), &value, sizeof value);
      } else {
        read_port(events[i].data.u64);
      }
    }
    deliver_due(monotonic_now());
    due_next = under_way_.empty() ? std::nullopt : std::optional(under_way_.top().due);
  }
}

void Switch::read_port(std::size_t index) {
  for (int turn = 0; turn < frames_per_turn_max; ++turn) {
    Port& port = ports_[index];
    if (!port.tap.open()) return;  // unplugged since epoll reported it
    const ssize_t size = ::read(port.tap.get(), buffer_.data(), buffer_.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
      unplug_port(index);  // the device is gone with its machine
      return;
    }
    if (static_cast<std::size_t>(size) < frame_header_bytes + 14) continue;
    forward(index, std::span<const char>(buffer_.data(), static_cast<std::size_t>(size)));
  }
}

void Switch::forward(std::size_t from, std::span<const char> frame) {
  const std::uint8_t* mac = destination(frame);
  std::shared_ptr<const Frame> kept;
  if ((mac[0] & 1) == 0) {
    const std::int32_t to = port_by_number_[static_cast<std::size_t>(mac[4]) << 8 | mac[5]];
    if (to >= 0 && static_cast<std::size_t>(to) != from) offer(from, static_cast<std::size_t>(to), frame, kept);
    return;
  }
  for (std::size_t to = 0; to < ports_.size(); ++to) {
    if (to != from && ports_[to].tap.open()) offer(from, to, frame, kept);
  }
}

void Switch::offer(std::size_t from, std::size_t to, std::span<const char> frame, std::shared_ptr<const Frame>& kept) {
  const Instant now = monotonic_now();
  if (!under_way_.empty() && under_way_.top().due <= now) deliver_due(now);
  LinkStream& link = stream(from, to);
  const std::size_t size_bytes = frame.size() - frame_header_bytes;
  const LinkStream::Fate fate = link.decide(now, size_bytes);
  for (std::size_t copy = 0; copy < fate.count; ++copy) {
    if (fate.due[copy] <= now) {
      if (!write_frame(to, frame)) link.overflowed(1, size_bytes);
    } else if (under_way_bytes_ + frame.size() > under_way_bytes_max) {
      link.overflowed(1, size_bytes);
    } else {
      if (!kept) kept = std::make_shared<const Frame>(frame.begin(), frame.end());
      under_way_bytes_ += frame.size();
      under_way_.push(UnderWay{fate.due[copy], sequence_++, from, to, kept});
    }
  }
}

void Switch::deliver_due(Instant now) {
  while (!under_way_.empty() && under_way_.top().due <= now) {
    const UnderWay arrived = under_way_.top();
    under_way_.pop();
    under_way_bytes_ -= arrived.frame->size();
    if (write_frame(arrived.to, *arrived.frame)) continue;
    const auto link = ports_[arrived.from].links.find(arrived.to);
    if (link != ports_[arrived.from].links.end() && link->second.counters().forwarded > 0) {
      link->second.overflowed(1, arrived.frame->size() - frame_header_bytes);
    }
  }
}

bool Switch::write_frame(std::size_t to, std::span<const char> frame) {
  const Port& port = ports_[to];
  if (!port.tap.open()) return false;
  ssize_t written;
  do {
    written = ::write(port.tap.get(), frame.data(), frame.size());
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(frame.size());
}

}  // namespace skidpad::driver::process
