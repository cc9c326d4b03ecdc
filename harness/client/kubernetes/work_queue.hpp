/// @file work_queue.hpp
/// Keys waiting to be reconciled: each at most once in the queue and never in two workers at a time.
/// Delayed and rate-limited adds; exponential backoff per key. As client-go's workqueue.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>

#include "harness/runtime/runtime.hpp"

namespace skidpad::client {

struct WorkQueueOptions {
  std::string name;                                                   ///< for metrics
  runtime::Duration backoff_first = std::chrono::milliseconds(5);     ///< client-go's default
  runtime::Duration backoff_max = std::chrono::seconds(1000);
};

struct WorkQueueCounts {
  std::uint64_t adds = 0;
  std::uint64_t retries = 0;
  std::uint64_t done = 0;
  std::uint64_t failures = 0;
  double work_seconds = 0;
  double queue_seconds = 0;
};

class WorkQueue {
 public:
  explicit WorkQueue(runtime::Runtime& runtime, WorkQueueOptions options = {});
  WorkQueue(const WorkQueue&) = delete;

  void add(std::string key);
  /// The earlier of two delayed adds of one key wins.
  void add_after(std::string key, runtime::Duration delay);
  /// After this key's backoff, which doubles each time until forget().
  void add_rate_limited(std::string key);
  void forget(const std::string& key);
  std::size_t requeue_count(const std::string& key) const;
  std::size_t size() const { return waiting_.size(); }
  const WorkQueueOptions& options() const { return options_; }
  const WorkQueueCounts& counts() const { return counts_; }

  /// The next key; call done() with it afterwards.
  runtime::Task<std::string> take();
  void done(const std::string& key);

  /// One worker: takes keys for ever. A failure is logged and retried with backoff, success forgets the key.
  using Reconcile = std::function<runtime::Task<runtime::Result<void>>(std::string key)>;
  runtime::Task<void> work(Reconcile reconcile);

 private:
  struct Timer final : runtime::TimerNode {
    explicit Timer(WorkQueue& queue) : queue(queue) {}
    void fire() override { queue.fire_due(); }
    WorkQueue& queue;
  };
  void fire_due();
  void arm();
  void enqueue(std::string key);

  runtime::Runtime& runtime_;
  WorkQueueOptions options_;
  WorkQueueCounts counts_;
  std::deque<std::string> waiting_;
  std::map<std::string, runtime::Instant> dirty_;        ///< in waiting_, or to go there when its worker is done; since when
  std::map<std::string, runtime::Instant> processing_;   ///< since when
  std::map<std::string, std::size_t> failures_;
  std::map<std::string, runtime::Instant> delayed_;
  std::set<std::pair<runtime::Instant, std::string>> delayed_order_;
  Timer timer_{*this};
  runtime::Event added_;
};

}  // namespace skidpad::client
