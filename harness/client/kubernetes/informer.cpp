#include "harness/client/kubernetes/informer.hpp"

namespace skidpad::client {

namespace {

constexpr Duration watch_timeout_min = std::chrono::minutes(5);   // as client-go: 5 to 10 minutes, drawn
constexpr Duration watch_timeout_max = std::chrono::minutes(10);
/// Servers send a bookmark about every minute: a watch that is silent for longer is taken for broken and resumed.
constexpr Duration silence_max = std::chrono::seconds(90);
constexpr Duration backoff_reset_after = std::chrono::minutes(2);

/// Stops a watch that has been silent for too long. Looks rarely instead of being moved with every event.
struct SilenceTimer final : runtime::TimerNode {
  SilenceTimer(Runtime& runtime, runtime::StopState& stop, const Instant& last_contact)
      : runtime(runtime), stop(stop), last_contact(last_contact) {
    runtime.timers().arm(*this, runtime.now() + silence_max);
  }
  void fire() override {
    if (runtime.now() - last_contact >= silence_max) {
      stop.request_stop();
    } else {
      runtime.timers().arm(*this, last_contact + silence_max);
    }
  }
  Runtime& runtime;
  runtime::StopState& stop;
  const Instant& last_contact;
};

}  // namespace

ObjectPointer Store::find(std::string_view key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<ObjectPointer> Store::in_namespace(std::string_view namespace_name) const {
  const std::string prefix = std::string(namespace_name) + "/";
  std::vector<ObjectPointer> found;
  for (auto entry = objects_.lower_bound(prefix); entry != objects_.end() && entry->first.starts_with(prefix); ++entry) {
    found.push_back(entry->second);
  }
  return found;
}

void Store::add_index(const std::string& name, IndexFunction function) {
  auto [index, is_new] = indexes_.try_emplace(name);
  if (!is_new) return;
  index->second.function = std::move(function);
  for (const auto& [key, object] : objects_) {
    std::vector<std::string> values;
    index->second.function(*object, values);
    for (const std::string& value : values) index->second.values[value][key] = object;
  }
}

std::vector<ObjectPointer> Store::by_index(const std::string& name, std::string_view value) const {
  std::vector<ObjectPointer> found;
  const auto index = indexes_.find(name);
  ASSERT(index != indexes_.end());
  const auto bucket = index->second.values.find(value);
  if (bucket == index->second.values.end()) return found;
  found.reserve(bucket->second.size());
  for (const auto& [key, object] : bucket->second) found.push_back(object);
  return found;
}

void Store::index(const std::string& key, const ObjectPointer& object) {
  for (auto& [name, index] : indexes_) {
    std::vector<std::string> values;
    index.function(*object, values);
    for (const std::string& value : values) index.values[value][key] = object;
  }
}

void Store::unindex(const std::string& key, const ObjectPointer& object) {
  for (auto& [name, index] : indexes_) {
    std::vector<std::string> values;
    index.function(*object, values);
    for (const std::string& value : values) {
      const auto bucket = index.values.find(value);
      if (bucket == index.values.end()) continue;
      bucket->second.erase(key);
      if (bucket->second.empty()) index.values.erase(bucket);
    }
  }
}

ObjectPointer Store::put(ObjectPointer object) {
  std::string key = key_of(*object);
  ObjectPointer before;
  const auto found = objects_.find(key);
  if (found != objects_.end()) {
    before = found->second;
    unindex(key, before);
    found->second = object;
  } else {
    objects_.emplace(key, object);
  }
  index(key, object);
  return before;
}

ObjectPointer Store::erase(std::string_view key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return nullptr;
  ObjectPointer before = found->second;
  unindex(found->first, before);
  objects_.erase(found);
  return before;
}

InformerHandler on_any_change(std::function<void(const ObjectPointer&)> changed) {
  InformerHandler handler;
  handler.added = changed;
  handler.updated = [changed](const ObjectPointer&, const ObjectPointer& now) { changed(now); };
  handler.deleted = std::move(changed);
  return handler;
}

Informer::Informer(KubernetesClient& client, ResourceType type, InformerOptions options)
    : client_(client), type_(std::move(type)), options_(std::move(options)) {}

void Informer::add_handler(InformerHandler handler) {
  handlers_.push_back(std::move(handler));
  const auto& added = handlers_.back().added;
  if (!added) return;
  for (const auto& [key, object] : store_.objects()) added(object);
}

void Informer::tell_added(const ObjectPointer& object) {
  for (const InformerHandler& handler : handlers_) {
    if (handler.added) handler.added(object);
  }
}

void Informer::tell_updated(const ObjectPointer& before, const ObjectPointer& now) {
  for (const InformerHandler& handler : handlers_) {
    if (handler.updated) handler.updated(before, now);
  }
}

void Informer::tell_deleted(const ObjectPointer& last) {
  for (const InformerHandler& handler : handlers_) {
    if (handler.deleted) handler.deleted(last);
  }
}

void Informer::apply(WatchEvent event) {
  ASSERT(event.object != nullptr);
  const std::string& version = resource_version_of(*event.object);
  if (!version.empty()) resource_version_ = version;
  if (event.type == WatchEventType::bookmark) return;
  if (event.type == WatchEventType::deleted) {
    if (store_.erase(key_of(*event.object)) != nullptr) tell_deleted(event.object);
  } else {
    const ObjectPointer before = store_.put(event.object);
    if (before == nullptr) {
      tell_added(event.object);
    } else if (resource_version_of(*before) != version) {  // a repeated event tells nothing new
      if (uid_of(*before) != uid_of(*event.object)) {
        tell_deleted(before);
        tell_added(event.object);
      } else {
        tell_updated(before, event.object);
      }
    }
  }
  changed_.notify_all();
}

void Informer::replace(std::vector<ObjectPointer> items) {
  std::set<std::string, std::less<>> listed;
  for (const ObjectPointer& item : items) listed.insert(key_of(*item));
  std::vector<ObjectPointer> vanished;
  for (const auto& [key, object] : store_.objects()) {
    if (listed.count(key) == 0) vanished.push_back(object);
  }
  for (const ObjectPointer& object : vanished) {
    store_.erase(key_of(*object));
    tell_deleted(object);
  }
  for (ObjectPointer& item : items) {
    const ObjectPointer known = store_.find(key_of(*item));
    // The same state: keep what handlers have seen, tell nothing.
    if (known != nullptr && uid_of(*known) == uid_of(*item) && resource_version_of(*known) == resource_version_of(*item)) continue;
    store_.put(item);
    if (known == nullptr) {
      tell_added(item);
    } else if (uid_of(*known) != uid_of(*item)) {
      tell_deleted(known);
      tell_added(item);
    } else {
      tell_updated(known, item);
    }
  }
}

Task<Result<void>> Informer::list() {
  ListOptions options;
  options.namespace_name = options_.namespace_name;
  options.label_selector = options_.label_selector;
  options.field_selector = options_.field_selector;
  auto listed = co_await client_.list_all(type_, options);
  if (!listed) co_return listed.error();
  last_contact_ = client_.runtime().now();
  resource_version_ = listed.value().resource_version;
  ++relist_count_;
  replace(std::move(listed.value().items));
  synced_.set();
  changed_.notify_all();
  co_return runtime::success();
}

Task<Result<void>> Informer::watch_once() {
  Runtime& runtime = client_.runtime();
  WatchOptions options;
  options.namespace_name = options_.namespace_name;
  options.label_selector = options_.label_selector;
  options.field_selector = options_.field_selector;
  options.resource_version = resource_version_;
  options.timeout = runtime.random().between(watch_timeout_min, watch_timeout_max);
  auto watch = co_await client_.watch(type_, options);
  if (!watch) co_return watch.error();
  last_contact_ = runtime.now();
  for (;;) {
    auto event = co_await watch.value().next();
    if (!event) co_return event.error();
    last_contact_ = runtime.now();
    if (!event.value()) co_return runtime::success();
    apply(std::move(*event.value()));
  }
}

Task<Result<void>> Informer::follow() {
  last_contact_ = client_.runtime().now();
  runtime::StopState& outer = co_await runtime::CurrentStop();
  runtime::StopState inner(outer);
  KubernetesClient::OpenWatch open(client_, inner);
  SilenceTimer silence(client_.runtime(), inner, last_contact_);
  auto watching = watch_once();
  watching.use_stop_state(inner);
  std::optional<Result<void>> result;
  try {
    result.emplace(co_await watching);
  } catch (const runtime::Cancelled&) {
    if (outer.stop_requested()) throw;
  }
  if (result) co_return std::move(*result);
  Error stopped(ErrorCode::timeout, "watch " + type_.plural + ": silent for too long, or told to reconnect");
  co_return stopped;
}

Task<void> Informer::run() {
  Runtime& runtime = client_.runtime();
  bool must_list = true;
  Duration backoff = options_.backoff_first;
  Instant last_failure{};
  for (;;) {
    const Instant began = runtime.now();
    std::optional<Error> failure;
    if (must_list) {
      auto listed = co_await list();
      if (listed) {
        must_list = false;
      } else {
        failure.emplace(listed.error());
      }
    }
    if (!failure) {
      auto followed = co_await follow();
      if (!followed) {
        failure.emplace(followed.error());
        if (failure->code == ErrorCode::gone || failure->code == ErrorCode::corrupt) must_list = true;
      } else if (runtime.now() - began < std::chrono::seconds(1)) {
        failure.emplace(ErrorCode::unavailable, "watch ended at once");  // do not spin on a server that closes right away
      }
    }
    if (!failure) continue;
    // A watch that hung for long is resumed at once, over another connection.
    if (failure->code == ErrorCode::timeout && !must_list && runtime.now() - last_failure > options_.backoff_first) {
      last_failure = runtime.now();
      continue;
    }
    // An expired version is answered by a list at once; the first failure after a long good time starts small again.
    if (failure->code == ErrorCode::gone && runtime.now() - last_failure > backoff_reset_after) {
      last_failure = runtime.now();
      continue;
    }
    if (runtime.now() - last_failure > backoff_reset_after) backoff = options_.backoff_first;
    last_failure = runtime.now();
    if (runtime.log().enabled(runtime::LogLevel::info)) {
      Json fields = Json::object();
      fields["kind"] = type_.kind;
      fields["error"] = failure->message;
      runtime.log().info("watch_broken", fields);
    }
    const Duration wait = runtime.random().between(backoff, backoff * 2);
    backoff = std::min(backoff * 2, options_.backoff_max);
    co_await runtime.sleep_for(wait);
  }
}

Informer& InformerSet::informer(const ResourceType& type, const InformerOptions& options) {
  for (Entry& entry : entries_) {
    if (entry.informer->type() == type && entry.informer->options() == options) return *entry.informer;
  }
  entries_.emplace_back();
  entries_.back().informer = std::make_unique<Informer>(client_, type, options);
  return *entries_.back().informer;
}

void InformerSet::start(runtime::TaskGroup& group) {
  for (Entry& entry : entries_) {
    if (entry.started) continue;
    entry.started = true;
    group.spawn("informer " + entry.informer->type().plural, entry.informer->run());
  }
}

bool InformerSet::has_synced() const {
  for (const Entry& entry : entries_) {
    if (entry.started && !entry.informer->has_synced()) return false;
  }
  return true;
}

Task<void> InformerSet::wait_until_synced() {
  for (Entry& entry : entries_) {
    if (entry.started) co_await entry.informer->synced().wait();
  }
}

}  // namespace skidpad::client
