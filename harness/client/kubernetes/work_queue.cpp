#include "harness/client/kubernetes/work_queue.hpp"

namespace skidpad::client {

using runtime::Duration;
using runtime::Instant;
using runtime::Result;
using runtime::Task;

WorkQueue::WorkQueue(runtime::Runtime& runtime, WorkQueueOptions options) : runtime_(runtime), options_(std::move(options)) {}

void WorkQueue::enqueue(std::string key) {
  waiting_.push_back(std::move(key));
  added_.notify_all();
}

void WorkQueue::add(std::string key) {
  if (!dirty_.emplace(key, runtime_.now()).second) return;
  ++counts_.adds;
  if (processing_.count(key) == 0) enqueue(std::move(key));
}

void WorkQueue::add_after(std::string key, Duration delay) {
  if (delay <= Duration::zero()) return add(std::move(key));
  const Instant due = runtime_.now() + delay;
  auto [entry, is_new] = delayed_.emplace(key, due);
  if (!is_new) {
    if (entry->second <= due) return;
    delayed_order_.erase({entry->second, key});
    entry->second = due;
  }
  delayed_order_.emplace(due, std::move(key));
  arm();
}

void WorkQueue::add_rate_limited(std::string key) {
  const std::size_t failures = failures_[key]++;
  Duration delay = options_.backoff_first;
  for (std::size_t i = 0; i < failures && delay < options_.backoff_max; ++i) delay *= 2;
  ++counts_.retries;
  add_after(std::move(key), std::min(delay, options_.backoff_max));
}

void WorkQueue::forget(const std::string& key) { failures_.erase(key); }

std::size_t WorkQueue::requeue_count(const std::string& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

void WorkQueue::arm() {
  if (timer_.armed()) runtime_.timers().disarm(timer_);
  if (!delayed_order_.empty()) runtime_.timers().arm(timer_, delayed_order_.begin()->first);
}

void WorkQueue::fire_due() {
  const Instant now = runtime_.now();
  while (!delayed_order_.empty() && delayed_order_.begin()->first <= now) {
    std::string key = delayed_order_.begin()->second;
    delayed_order_.erase(delayed_order_.begin());
    delayed_.erase(key);
    add(std::move(key));
  }
  arm();
}

Task<std::string> WorkQueue::take() {
  while (waiting_.empty()) co_await added_.wait();
  std::string key = std::move(waiting_.front());
  waiting_.pop_front();
  const auto dirty = dirty_.find(key);
  ASSERT(dirty != dirty_.end());
  counts_.queue_seconds += runtime::seconds(runtime_.now() - dirty->second);
  dirty_.erase(dirty);
  const bool first_worker = processing_.emplace(key, runtime_.now()).second;
  ASSERT(first_worker);
  co_return key;
}

void WorkQueue::done(const std::string& key) {
  const auto started = processing_.find(key);
  ASSERT(started != processing_.end());
  counts_.work_seconds += runtime::seconds(runtime_.now() - started->second);
  ++counts_.done;
  processing_.erase(started);
  if (dirty_.count(key) != 0) enqueue(key);
}

Task<void> WorkQueue::work(Reconcile reconcile) {
  for (;;) {
    std::string key = co_await take();
    std::string failure;
    bool conflict = false;
    try {
      auto reconciling = reconcile(key);
      Result<void> result = co_await std::move(reconciling);
      if (!result) {
        failure = result.error().message;
        conflict = result.error().code == runtime::ErrorCode::conflict;
      }
      if (!result && failure.empty()) failure = std::string(runtime::name(result.error().code));
    } catch (const runtime::Cancelled&) {
      // Whoever works next, such as a leader that leads anew, begins with it.
      add(key);
      done(key);
      throw;
    } catch (const std::exception& odd_object) {
      failure = std::string("exception: ") + odd_object.what();
    }
    if (failure.empty()) {
      forget(key);
    } else {
      ++counts_.failures;
      // A conflict only says that our cache lags: it is normal, and retried like the rest.
      const auto level = conflict ? runtime::LogLevel::debug : runtime::LogLevel::info;
      if (runtime_.log().enabled(level)) {
        Json fields = Json::object();
        fields["queue"] = options_.name;
        fields["key"] = key;
        fields["error"] = failure;
        runtime_.log().write(level, "reconcile_failed", fields);
      }
      add_rate_limited(key);
    }
    done(key);
  }
}

}  // namespace skidpad::client
