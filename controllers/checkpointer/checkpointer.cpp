#include "controllers/checkpointer/checkpointer.hpp"

namespace skidpad::controllers::checkpointer {

using client::EventType;
using runtime::Error;
using runtime::ErrorCode;
using runtime::Instant;
using runtime::Task;

namespace {

const Json* parent_in(const std::map<std::string, Json>& pods, const std::string& key) {
  const auto found = pods.find(key);
  return found == pods.end() ? nullptr : &found->second;
}

/// What of a parent decides its copy; status and bookkeeping change all the time.
std::string source_of(const Json& parent) {
  return runtime::find(parent, {"spec"}).dump() + client::labels_of(parent).dump();
}

}  // namespace

Checkpointer::Checkpointer(runtime::Runtime& runtime, client::KubernetesClient& client, client::EventRecorder& events,
                           client::Metrics& metrics, const Settings& settings)
    : runtime_(runtime),
      client_(client),
      events_(events),
      metrics_(metrics),
      settings_(settings),
      observer_(runtime, client, settings),
      store_(runtime.disk(), settings.directories) {
  metrics_.describe(metric::transitions, "Changes of a checkpoint's state.");
  metrics_.describe(metric::checkpoints, "Checkpoints on this node by state.");
  metrics_.describe(metric::failures, "Steps that failed and are tried again at the next look.");
  metrics_.describe(metric::api_available, "1 while an API server answers.");
}

Task<void> Checkpointer::run() {
  Instant next = runtime_.now();
  for (;;) {
    co_await tick();
    next = std::max(next + settings_.poll_interval, runtime_.now());
    co_await runtime_.sleep_until(next);
  }
}

/// After a start the files are all that is known of what was.
void Checkpointer::take_over(const std::map<std::string, Stored>& stored) {
  for (const auto& [key, checkpoint] : stored) {
    State state = checkpoint.active ? State::active : State::inactive;
    if (key == settings_.own_key()) state = State::self;
    entries_[key].state = state;
  }
  taken_over_ = true;
}

State Checkpointer::decide(const std::string& key, Entry& entry, const Look& look) {
  Inputs inputs;
  inputs.api_available = look.api_available;
  inputs.api_parent = look.api_parents.contains(key);
  inputs.running = look.running.pods.contains(key);
  inputs.local_parent = look.local_parents.contains(key);
  const bool absent = inputs.api_available && !inputs.api_parent;
  if (!absent && inputs.api_available) entry.absent_since.reset();
  if (absent && !entry.absent_since) entry.absent_since = runtime_.now();
  Knowledge knowledge;
  knowledge.fresh = look.fresh;
  knowledge.grace_over = entry.absent_since && runtime_.now() - *entry.absent_since >= settings_.checkpoint_grace_period;
  State next = next_state(entry.state, inputs, knowledge);
  // The checkpointer's own copy is always in the kubelet's directory: nobody else would start it after a power cut.
  if (key == settings_.own_key() && entry.state == State::none && next == State::inactive) next = State::self;
  if (!is_grace(next) && next != State::remove && next != State::self) entry.absent_since.reset();
  return next;
}

Task<void> Checkpointer::tick() {
  const Look look = co_await observer_.look();
  metrics_.set(metric::api_available, look.api_available ? 1 : 0);
  if (!look.doubt.empty()) runtime_.log().info("api_doubted", {{"reason", look.doubt}});
  if (!look.runtime_known) co_return;  // what runs decides everything
  if (retired_ && !look.api_parents.contains(settings_.own_key())) co_return;
  retired_ = false;
  std::vector<std::string> problems;
  auto stored = store_.read(problems);
  for (const std::string& problem : problems) runtime_.log().warning("checkpoint_file_ignored", {{"problem", problem}});
  if (!stored) {
    failed("", nullptr, "read", stored.error());
    co_return;
  }
  if (!taken_over_) take_over(stored.value());
  for (const auto& [key, pod] : look.local_parents) entries_.try_emplace(key);
  for (const auto& [key, pod] : look.api_parents) {
    if (look.running.pods.contains(key)) entries_.try_emplace(key);
  }
  std::vector<std::pair<std::string, State>> decisions;
  bool remove_self = false;
  for (auto& [key, entry] : entries_) {
    const State next = decide(key, entry, look);
    if (key == settings_.own_key() && next == State::remove) remove_self = true;
    else decisions.emplace_back(key, next);
  }
  if (remove_self) {
    const std::string own = settings_.own_key();
    const bool sure = co_await observer_.confirmed_absent(own);
    if (sure) {
      co_await remove_self_last(own);
      co_return;
    }
  }
  for (const auto& [key, next] : decisions) co_await act(key, entries_[key], next, look, stored.value());
  std::erase_if(entries_, [](const auto& entry) { return entry.second.state == State::none; });
  if (auto collected = store_.collect_garbage(); !collected) failed("", nullptr, "collect", collected.error());
  publish();
}

/// Nobody will look after the other copies here any more, so they go first (behaviour C9).
Task<void> Checkpointer::remove_self_last(std::string own) {
  std::vector<std::string> order;
  for (const auto& [key, entry] : entries_) {
    if (key != own) order.push_back(key);
  }
  order.push_back(own);
  for (const std::string& key : order) {
    const client::NamespacedName name = client::split_key(key);
    if (auto removed = store_.remove(name.namespace_name, name.name); !removed) {
      failed(key, nullptr, "remove", removed.error());
      co_return;
    }
    runtime_.log().info("checkpoint_removed", {{"pod", key}, {"reason", "the checkpointer leaves this node"}});
    metrics_.count(metric::transitions, {{"from", std::string(checkpointer::name(entries_[key].state))}, {"to", "remove"}});
    entries_.erase(key);
  }
  retired_ = true;
  publish();
  co_return;
}

Task<Result<Places>> Checkpointer::fetch_data(const Json& parent, const Json* manifest, bool api_available) {
  const Places before = manifest == nullptr ? Places() : CheckpointStore::places_in(*manifest, parent);
  Places places;
  const std::string namespace_name = client::namespace_of(parent);
  for (const Reference& reference : references_of(parent)) {
    const client::ResourceType& type = reference.kind == Reference::Kind::secret ? client::types::secrets : client::types::config_maps;
    Result<Json> object = Error(ErrorCode::unavailable, "no API server answers");
    if (api_available) object = co_await client_.get(type, namespace_name, reference.name);
    if (!object && (object.error().code == ErrorCode::not_found || !before.contains(reference))) {
      const Error missing = runtime::wrap(object.error(), to_text(reference));
      co_return missing;
    }
    if (!object) {
      places[reference] = before.at(reference);  // what is on disk is better than nothing (C11)
      continue;
    }
    auto files = data_of(object.value(), reference.kind);
    if (!files) co_return files.error();
    auto place = store_.store_data(namespace_name, client::name_of(parent), reference, files.value());
    if (!place) co_return place.error();
    places[reference] = std::move(place.value());
  }
  co_return places;
}

Task<Result<Json>> Checkpointer::refresh(std::string key, Entry& entry, const Json* parent, const Json* manifest, bool api_available) {
  if (parent == nullptr) {
    if (manifest != nullptr) co_return *manifest;
    co_return Error(ErrorCode::not_found, "neither API server nor kubelet shows pod " + key);
  }
  const std::string source = source_of(*parent);
  const bool current = manifest != nullptr && source == entry.source_text && runtime_.now() < entry.data_fresh_until;
  if (current || (manifest != nullptr && !api_available)) co_return *manifest;
  auto places = co_await fetch_data(*parent, manifest, api_available);
  if (!places) co_return places.error();
  auto copy = make_copy(*parent, places.value());
  if (!copy) co_return copy.error();
  entry.source_text = source;
  entry.data_fresh_until = runtime_.now() + settings_.refresh_interval;
  co_return std::move(copy.value());
}

Task<void> Checkpointer::act(std::string key, Entry& entry, State next, const Look& look, const std::map<std::string, Stored>& stored) {
  if (next == State::none) {
    entry.state = State::none;
    co_return;
  }
  const client::NamespacedName name = client::split_key(key);
  if (next == State::remove) {
    const bool sure = co_await observer_.confirmed_absent(key);
    if (!sure) co_return;
    if (auto removed = store_.remove(name.namespace_name, name.name); !removed) {
      failed(key, nullptr, "remove", removed.error());
      co_return;
    }
    runtime_.log().info("checkpoint_removed", {{"pod", key}, {"reason", "its parent is gone"}});
    metrics_.count(metric::transitions, {{"from", std::string(checkpointer::name(entry.state))}, {"to", "remove"}});
    entry = Entry();
    co_return;
  }
  const Json* parent = parent_in(look.api_parents, key);
  if (parent == nullptr || !look.api_available) {
    if (const Json* local = parent_in(look.local_parents, key)) parent = local;
  }
  const auto before = stored.find(key);
  const Json* manifest = before == stored.end() ? nullptr : &before->second.manifest;
  auto copy = co_await refresh(key, entry, parent, manifest, look.api_available);
  if (!copy) {
    failed(key, parent, "copy", copy.error());
    // A copy that exists is still better than none; one that cannot be made leaves the others alone.
    if (manifest == nullptr) co_return;
    copy = *manifest;
  }
  Result<bool> done = store_.write_inactive(copy.value());
  const bool should_run = next == State::active || next == State::active_grace || next == State::self;
  if (done) done = should_run ? store_.activate(copy.value()) : store_.deactivate(name.namespace_name, name.name);
  if (!done) {
    failed(key, parent, "write", done.error());
    co_return;
  }
  if (next == entry.state) co_return;
  runtime_.log().info("checkpoint_changed", {{"pod", key}, {"from", checkpointer::name(entry.state)}, {"to", checkpointer::name(next)}});
  metrics_.count(metric::transitions, {{"from", std::string(checkpointer::name(entry.state))}, {"to", std::string(checkpointer::name(next))}});
  if (parent != nullptr && look.api_available && (next == State::active || entry.state == State::active)) {
    const std::string reason = next == State::active ? "CheckpointActivated" : "CheckpointDeactivated";
    events_.record(*parent, client::types::pods, EventType::normal, reason, "checkpoint of " + key + " is " + std::string(checkpointer::name(next)));
  }
  entry.state = next;
}

void Checkpointer::failed(const std::string& key, const Json* parent, const char* step, const Error& error) {
  metrics_.count(metric::failures, {{"step", step}});
  runtime_.log().warning("checkpoint_failed", {{"pod", key}, {"step", step}, {"error", error.message}});
  if (parent == nullptr) return;
  events_.record(*parent, client::types::pods, EventType::warning, "CheckpointFailed", error.message);
}

void Checkpointer::publish() {
  std::map<State, int> counts;
  for (const auto& [key, entry] : entries_) ++counts[entry.state];
  for (const State state : all_states) metrics_.set(metric::checkpoints, counts[state], {{"state", std::string(name(state))}});
}

}  // namespace skidpad::controllers::checkpointer
