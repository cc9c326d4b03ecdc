#include "fakes/kube_scheduler/scheduling_queue.hpp"

namespace skidpad::fakes::kube_scheduler {

using runtime::Duration;
using runtime::find;
using runtime::Instant;
using runtime::Task;

namespace {

constexpr Duration backoff_first = std::chrono::seconds(1);
constexpr Duration backoff_max = std::chrono::seconds(10);
constexpr Duration flush_after = std::chrono::minutes(5);

Duration backoff_for(std::size_t attempts) {
  Duration backoff = backoff_first;
  for (std::size_t i = 1; i < attempts && backoff < backoff_max; ++i) backoff *= 2;
  return std::min(backoff, backoff_max);
}

bool same_to_scheduling(const Json& a, const Json& b) {
  return find(a, {"spec"}) == find(b, {"spec"}) && client::labels_of(a) == client::labels_of(b);
}

}  // namespace

SchedulingQueue::Order SchedulingQueue::order(const std::string& key, const Entry& entry) const {
  Order order;
  order.priority_negated = -entry.pod->priority;
  order.queued_at = entry.queued_at;
  order.sequence = entry.sequence;
  order.key = key;
  return order;
}

void SchedulingQueue::activate(const std::string& key, Entry& entry) {
  entry.state = State::active;
  entry.queued_at = runtime_.now();
  entry.sequence = ++sequence_;
  active_.insert(order(key, entry));
  added_.notify_all();
}

/// Into the active queue, at once or when its backoff is over.
void SchedulingQueue::retry(const std::string& key, Entry& entry) {
  if (entry.retry_at <= runtime_.now()) return activate(key, entry);
  entry.state = State::backoff;
  due_.emplace(entry.retry_at, key);
  arm();
}

void SchedulingQueue::take_out(const std::string& key, Entry& entry) {
  if (entry.state == State::active) active_.erase(order(key, entry));
  if (entry.state == State::backoff) due_.erase({entry.retry_at, key});
  if (entry.state == State::unschedulable) due_.erase({entry.flush_at, key});
}

void SchedulingQueue::put(PodFactsPointer pod) {
  std::string key = pod->key;
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    Entry& entry = entries_[key];
    entry.pod = std::move(pod);
    return activate(key, entry);
  }
  Entry& entry = found->second;
  const bool same = same_to_scheduling(*entry.pod->pod, *pod->pod);
  if (entry.state == State::active) active_.erase(order(key, entry));
  entry.pod = std::move(pod);
  if (entry.state == State::active) active_.insert(order(key, entry));
  if (same) return;
  if (entry.state == State::trying) entry.changed = true;
  if (entry.state == State::unschedulable) {
    take_out(key, entry);
    retry(key, entry);
  }
}

void SchedulingQueue::remove(const std::string& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  take_out(key, found->second);
  entries_.erase(found);
}

Task<PodFactsPointer> SchedulingQueue::pop() {
  while (active_.empty()) co_await added_.wait();
  const std::string key = active_.begin()->key;
  active_.erase(active_.begin());
  Entry& entry = entries_.at(key);
  ASSERT(entry.state == State::active);
  entry.state = State::trying;
  entry.missed = 0;
  entry.changed = false;
  ++entry.attempts;
  co_return entry.pod;
}

void SchedulingQueue::refused(const std::string& key, PluginSet plugins) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;  // deleted while it was tried
  Entry& entry = found->second;
  if (entry.state != State::trying) return;
  entry.refused_by = plugins;
  entry.retry_at = runtime_.now() + backoff_for(entry.attempts);
  if (plugins == 0 || entry.changed || (entry.missed & plugins) != 0) return retry(key, entry);
  entry.state = State::unschedulable;
  entry.flush_at = runtime_.now() + flush_after;
  due_.emplace(entry.flush_at, key);
  arm();
}

void SchedulingQueue::wake(PluginSet plugins) {
  for (auto& [key, entry] : entries_) {
    if (entry.state == State::trying) entry.missed |= plugins;
    if (entry.state != State::unschedulable || (entry.refused_by & plugins) == 0) continue;
    take_out(key, entry);
    retry(key, entry);
  }
}

std::size_t SchedulingQueue::attempts(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? 0 : found->second.attempts;
}

QueueSizes SchedulingQueue::sizes() const {
  QueueSizes sizes;
  for (const auto& [key, entry] : entries_) {
    if (entry.state == State::active) ++sizes.active;
    if (entry.state == State::backoff) ++sizes.backoff;
    if (entry.state == State::unschedulable) ++sizes.unschedulable;
  }
  return sizes;
}

void SchedulingQueue::arm() {
  if (timer_.armed()) runtime_.timers().disarm(timer_);
  if (!due_.empty()) runtime_.timers().arm(timer_, due_.begin()->first);
}

void SchedulingQueue::fire_due() {
  while (!due_.empty() && due_.begin()->first <= runtime_.now()) {
    const std::string key = due_.begin()->second;
    due_.erase(due_.begin());
    activate(key, entries_.at(key));
  }
  arm();
}

}  // namespace skidpad::fakes::kube_scheduler
