/// @file behaviour_facts_testing.hpp
/// Checks of behaviour traces: what a watcher saw, event by event, against facts that a real control plane showed.
/// A trace is a list of {"t", "event", "kind", "name", "object"}; a fact's check is one of order, after/comes, never, count, always, finally.
#pragma once

#include <algorithm>
#include <optional>
#include <regex>
#include <set>

#include "harness/runtime/json.hpp"

namespace skidpad::behaviours {

/// The value at a JSON pointer; a segment key=value picks the list's element with that value. Null where there is none.
inline const Json& at_pointer(const Json& document, const std::string& pointer) {
  static const Json nothing;
  const Json* here = &document;
  for (std::size_t begin = 1; begin <= pointer.size() && pointer.size() > 1;) {
    const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
    std::string segment = pointer.substr(begin, end - begin);
    begin = end + 1;
    for (const auto& [escaped, plain] : {std::pair<std::string, std::string>{"~1", "/"}, {"~0", "~"}}) {
      for (std::size_t found; (found = segment.find(escaped)) != std::string::npos;) segment.replace(found, 2, plain);
    }
    const std::size_t equals = segment.find('=');
    const Json* next = &nothing;
    if (here->is_object()) {
      if (const auto found = here->find(segment); found != here->end()) next = &*found;
    } else if (here->is_array() && !segment.empty() && std::all_of(segment.begin(), segment.end(), ::isdigit)) {
      if (std::stoul(segment) < here->size()) next = &(*here)[std::stoul(segment)];
    } else if (here->is_array() && equals != std::string::npos) {
      for (const Json& element : *here) {
        if (runtime::text_at(element, {segment.substr(0, equals)}) == segment.substr(equals + 1)) next = &element;
      }
    }
    here = next;
  }
  return *here;
}

inline bool holds(const Json& want, const Json& got);

inline bool holds_operator(const std::string& name, const Json& wanted, const Json& got) {
  const double number = got.is_number() ? got.get<double>() : 0;
  if (name == "absent") return (got.is_null() || got.empty() || got == "") == wanted.get<bool>();
  if (name == "matches") return got.is_string() && std::regex_search(got.get<std::string>(), std::regex(wanted.get<std::string>()));
  if (name == "not") return got != wanted;
  if (name == "min") return number >= wanted.get<double>();
  if (name == "max") return number <= wanted.get<double>();
  if (name == "in") return std::find(wanted.begin(), wanted.end(), got) != wanted.end();
  if (name == "length") return (got.is_null() ? 0 : got.size()) == wanted.get<std::size_t>();
  bool found = false;  // has, hasNot
  for (const Json& element : got.is_array() ? got : Json::array()) {
    bool all = element.is_object();
    for (const auto& [key, value] : wanted.items()) all = all && holds(value, element.value(key, Json()));
    found = found || all;
  }
  return found == (name == "has");
}

inline bool holds(const Json& want, const Json& got) {
  static const std::set<std::string> operators{"absent", "matches", "not", "has", "hasNot", "min", "max", "in", "length"};
  if (!want.is_object() || want.empty()) return want == got;
  for (const auto& [key, value] : want.items()) {
    if (operators.count(key) == 0) return want == got;
  }
  return std::all_of(want.items().begin(), want.items().end(), [&](const auto& entry) { return holds_operator(entry.key(), entry.value(), got); });
}

/// Shell patterns with * only, which is all that facts use.
inline bool matches_name(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') return matches_name(pattern.substr(1), name) || (!name.empty() && matches_name(pattern, name.substr(1)));
  return !name.empty() && pattern[0] == name[0] && matches_name(pattern.substr(1), name.substr(1));
}

enum class Match { events, living_objects };

inline bool matches(const Json& selector, const Json& event, Match what = Match::events) {
  const std::string type = runtime::text_at(event, {"event"});
  if (what == Match::events) {
    const Json types = selector.value("event", Json());
    if (types.is_null() && type == "ACTION") return false;
    if (types.is_string() && types != type) return false;
    if (types.is_array() && std::find(types.begin(), types.end(), type) == types.end()) return false;
  }
  if (selector.contains("kind") && event.value("kind", Json()) != selector["kind"]) return false;
  if (selector.contains("name") && !matches_name(runtime::text_at(selector, {"name"}), runtime::text_at(event, {"name"}))) return false;
  const Json where = selector.value("where", Json::object());
  return std::all_of(where.items().begin(), where.items().end(), [&](const auto& entry) {
    return holds(entry.value(), at_pointer(runtime::find(event, {"object"}), entry.key()));
  });
}

/// Index of the first match from `start` on, or of the one that "occurrence" names (-1: the last).
inline std::optional<std::size_t> first(const Json& events, const Json& selector, std::size_t start, std::size_t end) {
  const std::int64_t occurrence = runtime::integer_at(selector, {"occurrence"}, 1);
  std::optional<std::size_t> last;
  std::int64_t count = 0;
  for (std::size_t i = start; i < end; ++i) {
    if (!matches(selector, events[i])) continue;
    last = i;
    if (++count == occurrence) return i;
  }
  return occurrence == -1 ? last : std::nullopt;
}

/// "" if the check holds on these events, otherwise what is wrong.
inline std::string check_fact(const Json& check, const Json& events) {
  const std::size_t size = events.size();
  const double low = check.value("is", check.value("min", 0.0));
  const double high = check.value("is", check.value("max", 1e9));
  const auto range = [&] { return ", expected " + std::to_string(low) + " to " + std::to_string(high); };
  if (check.contains("order")) {
    std::size_t next = 0;
    for (const Json& selector : check["order"]) {
      const auto found = first(events, selector, next, size);
      if (!found) return "nothing matches " + selector.dump() + " from event " + std::to_string(next) + " on";
      next = *found + 1;
    }
    return "";
  }
  if (check.contains("after")) {
    const auto one = first(events, check["after"], 0, size);
    if (!one) return "nothing matches " + check["after"].dump();
    const auto other = first(events, check["comes"], *one + 1, size);
    if (!other) return "nothing matches " + check["comes"].dump() + " after t=" + events[*one]["t"].dump();
    const double took = events[*other]["t"].get<double>() - events[*one]["t"].get<double>();
    return low <= took && took <= high ? "" : "took " + std::to_string(took) + " s" + range();
  }
  std::optional<std::size_t> from = check.contains("from") ? first(events, check["from"], 0, size) : 0;
  std::optional<std::size_t> to = check.contains("to") ? first(events, check["to"], from.value_or(0), size) : size;
  if (!from || !to) return "the bounds do not occur";
  if (check.contains("never")) {
    const auto found = first(events, check["never"], *from, *to);
    return found ? "event at t=" + events[*found]["t"].dump() + ": " + events[*found].dump().substr(0, 400) : "";
  }
  if (check.contains("count")) {
    double count = 0;
    for (const Json& event : events) count += matches(check["count"], event);
    return low <= count && count <= high ? "" : std::to_string(count) + " events match " + check["count"].dump() + range();
  }
  std::map<std::pair<std::string, std::string>, const Json*> living;
  const auto count_living = [&](const Json& selector) {
    return static_cast<double>(std::count_if(living.begin(), living.end(), [&](const auto& entry) { return matches(selector, *entry.second, Match::living_objects); }));
  };
  for (std::size_t i = 0; i < size; ++i) {
    const Json& event = events[i];
    if (event["event"] == "ACTION") continue;
    const auto key = std::pair(runtime::text_at(event, {"kind"}), runtime::text_at(event, {"name"}));
    if (event["event"] == "DELETED") {
      living.erase(key);
    } else {
      living[key] = &event;
    }
    if (!check.contains("always") || i < *from || i > *to) continue;
    const double count = count_living(check["always"]);
    if (count < low || count > high) return "at t=" + event["t"].dump() + " " + std::to_string(count) + " objects match " + check["always"].dump() + range();
  }
  if (check.contains("always")) return "";
  if (!check.contains("finally")) return "unknown check " + check.dump();
  const double count = count_living(check["finally"]);
  const double least = check.value("is", check.value("min", 1.0));
  return least <= count && count <= high ? "" : std::to_string(count) + " objects match " + check["finally"].dump() + " at the end" + range();
}

}  // namespace skidpad::behaviours
