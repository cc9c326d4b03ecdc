#include "controllers/node_healer/healer_state.hpp"

#include <charconv>

namespace skidpad::controllers::node_healer {

using runtime::bool_at;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

namespace {

constexpr std::int64_t format_version = 1;
constexpr std::size_t name_length_max = 63;

/// Where "-rN" begins, or the name's end.
std::size_t suffix_begin(const std::string& worker, std::int64_t& generation) {
  generation = 0;
  const std::size_t dash = worker.rfind("-r");
  if (dash == std::string::npos || dash == 0) return worker.size();
  const std::string_view digits = std::string_view(worker).substr(dash + 2);
  if (digits.empty() || digits.size() > 9 || digits.front() == '0') return worker.size();
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return worker.size();
  std::from_chars(digits.data(), digits.data() + digits.size(), generation);
  return dash;
}

void put_time(Json& json, const char* key, const std::optional<WallTime>& time) {
  if (time) json[key] = runtime::format_rfc3339_micro(*time);
}

bool take_time(const Json& json, const char* key, std::optional<WallTime>& time) {
  const std::string text = text_at(json, {key});
  if (text.empty()) return true;
  WallTime parsed{};
  if (!runtime::parse_rfc3339(text, parsed)) return false;
  time = parsed;
  return true;
}

Json to_json(const Remediation& remediation) {
  Json json = Json::object();
  json["node"] = remediation.node;
  json["uid"] = remediation.uid;
  json["replacement"] = remediation.replacement;
  json["reason"] = remediation.reason;
  json["labels"] = remediation.labels;
  json["started"] = runtime::format_rfc3339_micro(remediation.started);
  json["announced"] = remediation.announced;
  json["created"] = remediation.created;
  put_time(json, "createdAt", remediation.created_at);
  json["fenced"] = remediation.fenced;
  json["nodeDeleted"] = remediation.node_deleted;
  return json;
}

bool take(const Json& json, Remediation& remediation) {
  remediation.node = text_at(json, {"node"});
  remediation.uid = text_at(json, {"uid"});
  remediation.replacement = text_at(json, {"replacement"});
  remediation.reason = text_at(json, {"reason"});
  for (const auto& [key, value] : list_at(json, {"labels"}).items()) {
    if (!value.is_string()) return false;
    remediation.labels[key] = value.get<std::string>();
  }
  std::optional<WallTime> started;
  if (!take_time(json, "started", started) || !take_time(json, "createdAt", remediation.created_at)) return false;
  remediation.started = started.value_or(WallTime{});
  remediation.announced = bool_at(json, {"announced"});
  remediation.created = bool_at(json, {"created"});
  remediation.fenced = bool_at(json, {"fenced"});
  remediation.node_deleted = bool_at(json, {"nodeDeleted"});
  return !remediation.node.empty() && !remediation.replacement.empty();
}

}  // namespace

std::string slot_of(const std::string& worker) {
  std::int64_t generation = 0;
  return worker.substr(0, suffix_begin(worker, generation));
}

std::int64_t generation_of(const std::string& worker) {
  std::int64_t generation = 0;
  suffix_begin(worker, generation);
  return generation;
}

std::string next_name(const std::string& worker, const HealerState& state) {
  std::string slot = slot_of(worker);
  std::int64_t last = generation_of(worker);
  if (const auto known = state.slots.find(slot); known != state.slots.end()) last = std::max(last, known->second.generation);
  for (const auto& [name, joined] : state.workers) {
    if (slot_of(name) == slot) last = std::max(last, generation_of(name));
  }
  const std::string suffix = "-r" + std::to_string(last + 1);
  if (slot.size() + suffix.size() > name_length_max) slot.resize(name_length_max - suffix.size());
  return slot + suffix;
}

Json to_json(const HealerState& state) {
  Json json = Json::object();
  json["version"] = format_version;
  json["workers"] = state.workers;
  json["slots"] = Json::object();
  for (const auto& [name, slot] : state.slots) {
    Json& one = json["slots"][name];
    one["generation"] = slot.generation;
    one["failures"] = slot.failures;
    put_time(one, "finishedAt", slot.finished_at);
    put_time(one, "failedAt", slot.failed_at);
    if (slot.gave_up) one["gaveUp"] = true;
  }
  if (state.open) json["open"] = to_json(*state.open);
  json["restricted"] = state.restricted;
  json["restrictedCount"] = state.restricted_count;
  return json;
}

Result<HealerState> healer_state_from_json(const Json& json) {
  const Error corrupt(ErrorCode::corrupt, "the healer's state is not what it wrote");
  if (!json.is_object() || integer_at(json, {"version"}) != format_version) return corrupt;
  HealerState state;
  for (const auto& [name, joined] : list_at(json, {"workers"}).items()) {
    if (!joined.is_boolean()) return corrupt;
    state.workers[name] = joined.get<bool>();
  }
  for (const auto& [name, one] : list_at(json, {"slots"}).items()) {
    Slot slot;
    slot.generation = integer_at(one, {"generation"});
    slot.failures = integer_at(one, {"failures"});
    slot.gave_up = bool_at(one, {"gaveUp"});
    if (!take_time(one, "finishedAt", slot.finished_at) || !take_time(one, "failedAt", slot.failed_at)) return corrupt;
    state.slots[name] = slot;
  }
  if (const Json& open = find(json, {"open"}); !open.is_null()) {
    state.open.emplace();
    if (!take(open, *state.open)) return corrupt;
  }
  state.restricted = bool_at(json, {"restricted"});
  state.restricted_count = integer_at(json, {"restrictedCount"});
  return state;
}

}  // namespace skidpad::controllers::node_healer
