/// @file scheduling_queue.hpp
/// Pods that want a node: ready to be tried, waiting out a backoff, or refused until something changes that may help.
/// Promise: highest priority first, then who waited longest; a pod refused by a plugin is tried again when an event that this
/// plugin cares about comes, after its backoff (1 s, doubling to 10 s), and in any case after five minutes.
#pragma once

#include <map>
#include <set>

#include "fakes/kube_scheduler/filters.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kube_scheduler {

struct QueueSizes {
  std::size_t active = 0;
  std::size_t backoff = 0;
  std::size_t unschedulable = 0;
};

class SchedulingQueue {
 public:
  explicit SchedulingQueue(runtime::Runtime& runtime) : runtime_(runtime) {}
  /// A pod without a node: new, or changed. A change of its status alone does not wake it.
  void put(PodFactsPointer pod);
  void remove(const std::string& key);
  runtime::Task<PodFactsPointer> pop();
  /// After a try that failed: waits for an event for one of these plugins, or (empty set) only for its backoff.
  void refused(const std::string& key, PluginSet plugins);
  /// The pod got a node.
  void settled(const std::string& key) { remove(key); }
  /// Something changed that may help pods refused by these plugins.
  void wake(PluginSet plugins);
  std::size_t attempts(const std::string& key) const;
  QueueSizes sizes() const;

 private:
  enum class State { active, trying, backoff, unschedulable };
  struct Entry {
    PodFactsPointer pod;
    State state = State::active;
    std::size_t attempts = 0;
    PluginSet refused_by = 0;
    PluginSet missed = 0;                 ///< events that came while it was being tried
    bool changed = false;                 ///< the pod itself changed while it was being tried
    runtime::Instant queued_at{};
    runtime::Instant retry_at{};          ///< end of the backoff
    runtime::Instant flush_at{};
    std::uint64_t sequence = 0;
  };
  struct Order {
    std::int64_t priority_negated;
    runtime::Instant queued_at;
    std::uint64_t sequence;
    std::string key;
    auto operator<=>(const Order&) const = default;
  };
  struct Timer final : runtime::TimerNode {
    explicit Timer(SchedulingQueue& queue) : queue(queue) {}
    void fire() override { queue.fire_due(); }
    SchedulingQueue& queue;
  };
  Order order(const std::string& key, const Entry& entry) const;
  void activate(const std::string& key, Entry& entry);
  void retry(const std::string& key, Entry& entry);
  void take_out(const std::string& key, Entry& entry);
  void fire_due();
  void arm();

  runtime::Runtime& runtime_;
  std::map<std::string, Entry> entries_;
  std::set<Order> active_;
  std::set<std::pair<runtime::Instant, std::string>> due_;   ///< ends of backoffs and flushes
  Timer timer_{*this};
  runtime::Event added_;
  std::uint64_t sequence_ = 0;
};

}  // namespace skidpad::fakes::kube_scheduler
