#include "harness/client/kubernetes/event_recorder.hpp"

namespace skidpad::client {

using runtime::text_at;

namespace {

constexpr int send_attempts_max = 12;                                       // as client-go's broadcaster
constexpr Duration send_retry_wait = std::chrono::seconds(10);

std::string hexadecimal(std::uint64_t value) {
  std::string text;
  do {
    text.insert(text.begin(), "0123456789abcdef"[value & 15]);
    value >>= 4;
  } while (value != 0);
  return text;
}

}  // namespace

EventRecorder::EventRecorder(KubernetesClient& client, EventRecorderOptions options) : client_(client), options_(std::move(options)) {}

void EventRecorder::record(const Json& object, const ResourceType& type, EventType event_type, std::string reason, std::string message,
                           std::string action) {
  record_about(object_reference(object, type), event_type, std::move(reason), std::move(message), std::move(action));
}

void EventRecorder::record_about(Json reference, EventType event_type, std::string reason, std::string message, std::string action) {
  if (queue_.size() >= options_.queue_max) {
    ++dropped_;
    return;
  }
  const WallTime now = client_.runtime().wall_now();
  const std::string namespace_name = text_at(reference, {"namespace"}, "default");
  const std::string type_name = event_type == EventType::normal ? "Normal" : "Warning";
  Pending pending;
  pending.identity = text_at(reference, {"uid"}) + "|" + text_at(reference, {"kind"}) + "|" + namespace_name + "/" +
                     text_at(reference, {"name"}) + "|" + type_name + "|" + reason + "|" + message;
  Json event = Json::object();
  event["apiVersion"] = "v1";
  event["kind"] = "Event";
  name_last_ = std::max(name_last_ + 1, std::uint64_t(now.time_since_epoch().count()));
  event["metadata"]["name"] = text_at(reference, {"name"}) + "." + hexadecimal(name_last_);
  event["metadata"]["namespace"] = namespace_name;
  event["involvedObject"] = std::move(reference);
  event["reason"] = std::move(reason);
  event["message"] = std::move(message);
  event["type"] = type_name;
  if (options_.new_style) {
    event["firstTimestamp"] = nullptr;
    event["lastTimestamp"] = nullptr;
    event["eventTime"] = runtime::format_rfc3339_micro(now);
    event["source"] = Json::object();
    event["action"] = std::move(action);
    event["reportingComponent"] = options_.component;
    event["reportingInstance"] = options_.component + "-" + client_.runtime().host_name();
  } else {
    const std::string time = runtime::format_rfc3339(now);
    event["firstTimestamp"] = time;
    event["lastTimestamp"] = time;
    event["count"] = 1;
    event["source"]["component"] = options_.component;
    if (!options_.host.empty()) event["source"]["host"] = options_.host;
    event["reportingComponent"] = options_.component;
    event["reportingInstance"] = options_.host;
  }
  pending.event = std::move(event);
  queue_.push_back(std::move(pending));
  added_.notify_all();
}

Task<void> EventRecorder::send(Pending pending) {
  const auto known = known_.find(pending.identity);
  if (known != known_.end()) {
    const std::int64_t count = ++known->second.count;
    const std::string namespace_name = known->second.namespace_name;
    const std::string name = known->second.name;
    Json patch = Json::object();
    if (options_.new_style) {
      patch["series"]["count"] = count;
      patch["series"]["lastObservedTime"] = pending.event["eventTime"];
    } else {
      patch["count"] = count;
      patch["lastTimestamp"] = pending.event["lastTimestamp"];
    }
    auto patched = co_await client_.patch(types::events, namespace_name, name, PatchType::strategic, std::move(patch));
    if (patched) co_return;
    if (patched.error().code != ErrorCode::not_found) co_return;  // a lost count is not worth a second try
    known_.erase(pending.identity);                               // it expired: make a new one
  }
  for (int attempt = 1;; ++attempt) {
    auto created = co_await client_.create(types::events, pending.event);
    if (created) break;
    const ErrorCode code = created.error().code;
    if (code != ErrorCode::refused && code != ErrorCode::unavailable && code != ErrorCode::timeout && code != ErrorCode::connection_lost) {
      co_return;  // rejected (a namespace being deleted): no use in trying again
    }
    if (attempt >= send_attempts_max) {
      ++dropped_;
      co_return;
    }
    co_await client_.runtime().sleep_for(send_retry_wait);
  }
  Known made;
  made.namespace_name = text_at(pending.event, {"metadata", "namespace"});
  made.name = text_at(pending.event, {"metadata", "name"});
  if (known_.emplace(pending.identity, std::move(made)).second) known_order_.push_back(pending.identity);
  while (known_order_.size() > options_.remembered_max) {
    known_.erase(known_order_.front());
    known_order_.pop_front();
  }
}

Task<void> EventRecorder::run() {
  for (;;) {
    while (queue_.empty()) co_await added_.wait();
    Pending pending = std::move(queue_.front());
    queue_.pop_front();
    co_await send(std::move(pending));
  }
}

}  // namespace skidpad::client
