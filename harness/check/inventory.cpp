#include "harness/check/inventory.hpp"

#include <algorithm>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

const history::Event* last_inventory(const history::RunRecord& record, std::string_view when) {
  for (auto event = record.events.rbegin(); event != record.events.rend(); ++event) {
    if (event->kind == inventory_event && event->subject == when) return &*event;
  }
  return nullptr;
}

Guarantee named(const history::RunRecord& record, const char* name, const char* claim) {
  Guarantee result;
  result.name = name;
  result.claim = claim;
  const auto& asked = record.header.expectations.guarantees;
  if (std::find(asked.begin(), asked.end(), result.name) == asked.end()) {
    result.verdict = Verdict::not_applicable;
    result.reason = "not asked for";
  } else {
    result.verdict = Verdict::unknown;
  }
  return result;
}

}  // namespace

Guarantee judge_objects_preserved(const history::RunRecord& record) {
  Guarantee result = named(record, "objects_preserved", "Every object of the cluster was afterwards the same object as before");
  if (result.verdict == Verdict::not_applicable) return result;
  const history::Event* before = last_inventory(record, "before");
  const history::Event* after = last_inventory(record, "after");
  if (before == nullptr || after == nullptr || runtime::list_at(before->fields, {"objects"}).empty()) {
    result.reason = std::string("no inventory ") + (before == nullptr || runtime::list_at(before->fields, {"objects"}).empty() ? "before" : "after") + " the faults";
    return result;
  }
  const Json& now = runtime::find(after->fields, {"objects"});
  for (const auto& [object, uid] : runtime::list_at(before->fields, {"objects"}).items()) {
    const auto found = now.find(object);
    if (found == now.end()) result.evidence.push_back(object + " is gone");
    else if (*found != uid) result.evidence.push_back(object + " is another object now");
  }
  const std::size_t count = runtime::list_at(before->fields, {"objects"}).size();
  result.verdict = result.evidence.empty() ? Verdict::pass : Verdict::fail;
  result.reason = result.evidence.empty() ? counted(count, "object") + " with their UIDs as before" : counted(result.evidence.size(), "object") + " of " + std::to_string(count) + " lost";
  if (result.evidence.size() > 20) result.evidence.resize(20);
  return result;
}

Guarantee judge_checkpoints_settled(const history::RunRecord& record) {
  Guarantee result = named(record, "checkpoints_settled", "In the end no copy of a pod ran any more");
  if (result.verdict == Verdict::not_applicable) return result;
  const history::Event* after = last_inventory(record, "after");
  if (after == nullptr) {
    result.reason = "no inventory after the faults";
    return result;
  }
  for (const Json& copy : runtime::list_at(after->fields, {"copies"})) result.evidence.push_back(copy.get<std::string>() + " still runs");
  result.verdict = result.evidence.empty() ? Verdict::pass : Verdict::fail;
  result.reason = result.evidence.empty() ? "no copy at " + describe(after->time) : counted(result.evidence.size(), "copy") + " left";
  return result;
}

}  // namespace skidpad::check
