#include "fakes/kube_apiserver/storage/store.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using client::Compare;
using client::RangeRequest;
using client::TxnRequest;
using runtime::ErrorCode;

constexpr std::string_view registry = "/registry/";
constexpr std::size_t written_max = 4096;
constexpr std::int64_t page_objects = 500;

const char* type_name(EventType type) {
  switch (type) {
    case EventType::added: return "ADDED";
    case EventType::modified: return "MODIFIED";
    case EventType::deleted: return "DELETED";
  }
  return "";
}

}  // namespace

std::string prefix_of_key(std::string_view key) {
  if (key.substr(0, registry.size()) != registry) return "";
  const std::size_t first_end = key.find('/', registry.size());
  if (first_end == std::string_view::npos) return "";
  const std::string_view first = key.substr(registry.size(), first_end - registry.size());
  if (first == "ranges" || first == "masterleases") return "";
  if (first != "services" && first.find('.') == std::string_view::npos) return std::string(key.substr(0, first_end + 1));
  const std::size_t second_end = key.find('/', first_end + 1);
  return second_end == std::string_view::npos ? "" : std::string(key.substr(0, second_end + 1));
}

const std::string& StoreEvent::line(EventType as) const {
  std::string& line = lines_[static_cast<int>(as)];
  if (line.empty()) {
    ObjectPtr shown = object;
    if (as == EventType::deleted && type != EventType::deleted && previous) shown = previous->at_revision(revision);
    const std::string& encoded = shown->encoded();
    line.reserve(encoded.size() + 40);
    line.append("{\"type\":\"").append(type_name(as)).append("\",\"object\":").append(encoded).append("}\n");
  }
  return line;
}

std::uint64_t EventStream::position_after(Revision revision) const {
  const auto found = std::upper_bound(history_.begin(), history_.end(), revision, [](Revision wanted, const StoreEvent& event) { return wanted < event.revision; });
  return first_position() + static_cast<std::uint64_t>(found - history_.begin());
}

Store::Store(runtime::Runtime& runtime, client::EtcdClient& etcd) : runtime_(runtime), etcd_(etcd), tasks_(runtime.stop()) {}
Store::~Store() = default;

// --- following etcd ---------------------------------------------------------------------------------------------------

Task<void> Store::run() {
  for (;;) {
    co_await load();
    ready_.set();
    co_await follow();
  }
}

Task<void> Store::load() {
  for (;;) {
    std::map<std::string, ObjectPtr> objects;
    Revision revision = 0;
    std::string from(registry);
    const std::string end = client::prefix_end(registry);
    bool complete = false;
    for (;;) {
      RangeRequest request = RangeRequest::interval(from, end);
      request.limit = page_objects;
      request.revision = revision;
      auto answer = co_await etcd_.range(std::move(request));
      if (!answer) {
        runtime_.log().warning("store_load_failed", {{"error", answer.error().message}});
        break;
      }
      if (revision == 0) revision = answer.value().header.revision;
      for (const client::KeyValue& kv : answer.value().kvs) {
        if (prefix_of_key(kv.key).empty()) continue;
        if (auto object = StoredObject::from_storage(kv.key, kv.value, kv.mod_revision)) objects.emplace(kv.key, std::move(object));
      }
      if (!answer.value().more || answer.value().kvs.empty()) {
        complete = true;
        break;
      }
      from = answer.value().kvs.back().key + '\0';
    }
    if (complete) {
      etcd_healthy_ = true;
      replace_all(std::move(objects), revision);
      co_return;
    }
    co_await runtime_.sleep_for(std::chrono::milliseconds(200));
  }
}

void Store::replace_all(std::map<std::string, ObjectPtr> objects, Revision revision) {
  objects_ = std::move(objects);
  counts_.clear();
  for (const auto& [key, object] : objects_) ++counts_[prefix_of_key(key)];
  loaded_at_ = revision;
  revision_ = revision;
  written_.clear();
  for (auto& [prefix, stream] : streams_) {  // watchers find their position gone and end
    stream.end_ += 1;
    stream.history_.clear();
    stream.complete_after_ = revision;
    stream.changed_.notify_all();
  }
  advanced_.notify_all();
}

Task<void> Store::follow() {
  client::WatchRequest request = client::WatchRequest::prefix("");
  request.start_revision = revision_ + 1;
  client::EtcdWatch watch = etcd_.watch(request);
  for (;;) {
    auto batch = co_await watch.next();
    if (!batch) {
      runtime_.log().warning("store_watch_lost", {{"error", batch.error().message}});
      co_return;  // compacted away: load again
    }
    for (const client::EtcdWatchEvent& event : batch.value().events) apply(event);
    if (batch.value().revision > revision_) {
      revision_ = batch.value().revision;
      advanced_.notify_all();
    }
  }
}

void Store::apply(const client::EtcdWatchEvent& event) {
  const std::string& key = event.kv.key;
  const std::string prefix = prefix_of_key(key);
  if (prefix.empty()) return;
  const auto found = objects_.find(key);
  StoreEvent made;
  made.revision = event.kv.mod_revision;
  made.previous = found == objects_.end() ? nullptr : found->second;
  if (event.type == client::EtcdWatchEvent::Type::put) {
    const auto own = written_.find(made.revision);
    if (own != written_.end() && own->second->key() == key) {
      made.object = own->second;
      written_.erase(own);
    } else {
      made.object = StoredObject::from_storage(key, event.kv.value, made.revision);
    }
    if (!made.object) return;
    made.type = made.previous ? EventType::modified : EventType::added;
    if (found == objects_.end()) {
      objects_.emplace(key, made.object);
      ++counts_[prefix];
    } else {
      found->second = made.object;
    }
  } else {
    if (!made.previous) return;
    made.type = EventType::deleted;
    made.object = made.previous->at_revision(made.revision);
    objects_.erase(found);
    --counts_[prefix];
  }
  append(prefix, std::move(made));
}

void Store::append(const std::string& prefix, StoreEvent event) {
  EventStream& events = stream(prefix);
  events.history_.push_back(std::move(event));
  ++events.end_;
  if (events.history_.size() > EventStream::history_events_max) {
    events.complete_after_ = events.history_.front().revision;
    events.history_.pop_front();
  }
  events.changed_.notify_all();
}

EventStream& Store::stream(const std::string& prefix) {
  const auto [found, made] = streams_.try_emplace(prefix);
  // What happened to this prefix since the load would be in its history: append() is the only other place that makes a stream.
  if (made) found->second.complete_after_ = loaded_at_;
  return found->second;
}

// --- reading ----------------------------------------------------------------------------------------------------------

ObjectPtr Store::cached(const std::string& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<ObjectPtr> Store::cached_list(const std::string& prefix) const {
  std::vector<ObjectPtr> list;
  visit(prefix, [&](const ObjectPtr& object) { list.push_back(object); });
  return list;
}

std::size_t Store::object_count(const std::string& prefix) const {
  const auto found = counts_.find(prefix);
  return found == counts_.end() ? 0 : found->second;
}

Task<void> Store::fetch_revisions() {
  while (fetch_next_) {
    const std::shared_ptr<Fetch> current = std::exchange(fetch_next_, nullptr);
    RangeRequest request = RangeRequest::one("/registry/health");
    request.count_only = true;
    ++etcd_calls["get"];
    auto answer = co_await etcd_.range(std::move(request));
    etcd_healthy_ = answer.has_value();
    if (answer) {
      current->revision = answer.value().header.revision;
    } else {
      current->error.emplace(answer.error());
    }
    current->done.set();
  }
  fetching_ = false;
}

Task<Revision> Store::wait_until_fresh() {
  // Only a question asked after this call counts; those who come while one is on its way share the next.
  if (!fetch_next_) fetch_next_ = std::make_shared<Fetch>();
  const std::shared_ptr<Fetch> mine = fetch_next_;
  if (!fetching_) {
    fetching_ = true;
    tasks_.spawn("fetch_revisions", fetch_revisions());
  }
  co_await mine->done.wait();
  if (mine->error) fail(*mine->error);
  co_await wait_until_reached(mine->revision);
  co_return mine->revision;
}

Task<void> Store::wait_until_reached(Revision revision) {
  const runtime::Instant due = runtime_.now() + std::chrono::seconds(3);
  while (revision_ < revision) {
    if (runtime_.now() >= due) throw too_large_resource_version(revision, revision_);
    co_await advanced_.wait_until(runtime_, due);
  }
}

Task<ObjectPtr> Store::read(std::string key) {
  ++etcd_calls["get"];
  auto answer = co_await etcd_.get(key);
  if (!answer) fail(answer.error());
  if (!answer.value()) co_return nullptr;
  co_return StoredObject::from_storage(key, answer.value()->value, answer.value()->mod_revision);
}

Task<bool> Store::is_compacted(Revision revision) {
  RangeRequest request = RangeRequest::one("/registry/health");
  request.revision = revision;
  request.count_only = true;
  auto answer = co_await etcd_.range(std::move(request));
  co_return !answer && answer.error().code == ErrorCode::gone;
}

Task<std::vector<ObjectPtr>> Store::read_at(std::string prefix, Revision revision) {
  ++etcd_calls["list"];
  RangeRequest request = RangeRequest::prefix(prefix);
  request.revision = revision;
  auto answer = co_await etcd_.range(std::move(request));
  if (!answer) {
    if (answer.error().code == ErrorCode::gone) throw expired("The provided continue parameter is too old");
    fail(answer.error());
  }
  std::vector<ObjectPtr> list;
  for (const client::KeyValue& kv : answer.value().kvs) {
    if (auto object = StoredObject::from_storage(kv.key, kv.value, kv.mod_revision)) list.push_back(std::move(object));
  }
  co_return list;
}

void Store::fail(const runtime::Error& error) {
  if (runtime::effect_unknown(error.code)) {
    ApiError timeout(504, "Timeout", "Timeout: request did not complete within requested timeout - context deadline exceeded");
    timeout.details = Json::object();
    throw timeout;
  }
  throw plain_error(error.message);
}

// --- writing ----------------------------------------------------------------------------------------------------------

Task<ObjectPtr> Store::create(std::string key, Json value, WriteExtras extras) {
  TxnRequest request;
  request.compares = std::move(extras.compares);
  request.compares.push_back(Compare::absent(key));
  const std::string bytes = encode_for_storage(value);
  request.then.emplace_back(client::PutRequest(key, bytes, extras.etcd_lease));
  for (client::TxnOperation& operation : extras.then) request.then.push_back(std::move(operation));
  ++etcd_calls["create"];
  auto answer = co_await etcd_.txn(std::move(request));
  if (!answer) fail(answer.error());
  if (!answer.value().succeeded) co_return nullptr;
  const Revision revision = answer.value().header.revision;
  ObjectPtr object = StoredObject::from_written(key, std::move(value), bytes, revision);
  if (revision > revision_ && written_.size() < written_max) written_.emplace(revision, object);
  co_return object;
}

Task<ObjectPtr> Store::update(std::string key, Mutation mutation, WriteExtras extras) {
  ObjectPtr present = cached(key);
  bool certain = false;  // that `present` is what etcd holds now
  for (int attempt = 0; attempt < 1000; ++attempt) {
    Change change{Json()};
    Json& next = change.value;
    std::optional<ApiError> refusal;
    try {
      change = mutation(present);
    } catch (const ApiError& error) {
      refusal.emplace(error);
    }
    bool same = false;
    if (!refusal && present) {
      next["metadata"]["resourceVersion"] = std::to_string(present->revision());
      same = !change.remove && next == present->value();
    }
    if ((refusal || same) && !certain) {
      ObjectPtr newest = co_await read(key);
      certain = true;
      if ((newest ? newest->revision() : 0) != (present ? present->revision() : 0)) {
        present = std::move(newest);
        continue;
      }
    }
    if (refusal) throw *refusal;
    if (same) co_return present;
    TxnRequest request;
    request.compares = extras.compares;
    request.compares.push_back(Compare::mod_revision(key, present ? present->revision() : 0));
    std::string bytes;
    if (change.remove) {
      request.then.emplace_back(client::DeleteRequest::one(key));
    } else {
      bytes = encode_for_storage(next);
      request.then.emplace_back(client::PutRequest(key, bytes, extras.etcd_lease));
    }
    for (const client::TxnOperation& operation : extras.then) request.then.push_back(operation);
    request.otherwise.emplace_back(RangeRequest::one(key));
    ++etcd_calls["update"];
    auto answer = co_await etcd_.txn(std::move(request));
    if (!answer) fail(answer.error());
    if (answer.value().succeeded) {
      const Revision revision = answer.value().header.revision;
      if (change.remove) co_return StoredObject::from_value(key, std::move(next), present->revision());
      ObjectPtr object = StoredObject::from_written(key, std::move(next), bytes, revision);
      if (revision > revision_ && written_.size() < written_max) written_.emplace(revision, object);
      co_return object;
    }
    const auto& found = answer.value().responses.front().range.kvs;
    ObjectPtr newest = found.empty() ? nullptr : StoredObject::from_storage(key, found.front().value, found.front().mod_revision);
    if (!extras.compares.empty() && (newest ? newest->revision() : 0) == (present ? present->revision() : 0)) co_return nullptr;
    present = std::move(newest);
    certain = true;
  }
  throw plain_error("too many conflicting writes to " + key);
}

Task<Revision> Store::remove(ObjectPtr state, WriteExtras extras) {
  TxnRequest request;
  request.compares = std::move(extras.compares);
  request.compares.push_back(Compare::mod_revision(state->key(), state->revision()));
  request.then.emplace_back(client::DeleteRequest::one(state->key()));
  for (client::TxnOperation& operation : extras.then) request.then.push_back(std::move(operation));
  ++etcd_calls["delete"];
  auto answer = co_await etcd_.txn(std::move(request));
  if (!answer) fail(answer.error());
  co_return answer.value().succeeded ? answer.value().header.revision : 0;
}

}  // namespace skidpad::fakes::kube_apiserver
