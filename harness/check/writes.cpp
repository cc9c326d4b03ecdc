#include "harness/check/writes.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

using history::Operation;
using history::Outcome;
using runtime::Duration;

bool is_write(const Operation& operation) {
  const std::string& name = operation.operation;
  return name == "put" || name == "append" || name == "delete" || name == "cas";
}

/// A write that cannot have had an effect says nothing about the final value.
bool may_have_effect(const Operation& operation) {
  return operation.outcome != Outcome::failed && !(operation.operation == "cas" && operation.outcome == Outcome::ok && !operation.applied);
}

struct OfKey {
  std::vector<const Operation*> writes;
  const Operation* final_read = nullptr;
};

/// For a key with appends: what matters is that each acknowledged piece is in the final text.
void judge_appended(const std::string& key, const OfKey& of_key, WritesResult& result) {
  const std::string text = of_key.final_read->observed.value_or("");
  for (const Operation* write : of_key.writes)
    if (write->outcome == Outcome::ok && text.find(*write->value) == std::string::npos)
      result.lost.push_back("key " + key + ": " + describe(*write));
}

void judge_register(const std::string& key, const OfKey& of_key, WritesResult& result) {
  const std::optional<std::string>& seen = of_key.final_read->observed;
  // The acknowledged write that began last: a value from a write that had returned before it began is stale.
  const Operation* newest = nullptr;
  bool explained = !seen;  // "absent" needs a delete, or no acknowledged write at all
  bool written = false;
  for (const Operation* write : of_key.writes)
    if (write->outcome == Outcome::ok && (!newest || write->call > newest->call)) newest = write;
  if (!seen) explained = newest == nullptr;
  for (const Operation* write : of_key.writes) {
    const bool matches = write->operation == "delete" ? !seen : seen && write->value == seen;
    if (!matches) continue;
    written = true;
    const bool overtaken = newest && newest != write && write->outcome == Outcome::ok && *write->returned < newest->call;
    if (!overtaken) explained = true;
  }
  if (explained) return;
  const std::string final_value = "key " + key + " is finally " + (seen ? "\"" + seen->substr(0, 60) + "\"" : std::string("absent"));
  if (seen && !written) result.invented.push_back(final_value + ", which nobody wrote");
  if (newest) result.lost.push_back(final_value + ": lost " + describe(*newest));
}

}  // namespace

WritesResult check_acknowledged_writes(std::span<const Operation> operations) {
  std::map<std::string, OfKey> keys;
  WritesResult result;
  for (const Operation& operation : operations) {
    if (!is_write(operation) || !may_have_effect(operation)) continue;
    keys[operation.key].writes.push_back(&operation);
    if (operation.outcome == Outcome::ok) ++result.acknowledged;
  }
  for (const Operation& operation : operations) {
    if (operation.operation != "get" || operation.outcome != Outcome::ok) continue;
    const auto found = keys.find(operation.key);
    if (found == keys.end()) continue;
    OfKey& of_key = found->second;
    const bool after_all_writes = std::all_of(of_key.writes.begin(), of_key.writes.end(), [&operation](const Operation* write) {
      return write->returned.value_or(write->call) < operation.call;
    });
    if (after_all_writes && (!of_key.final_read || operation.call >= of_key.final_read->call)) of_key.final_read = &operation;
  }
  std::vector<std::string> not_audited;
  for (const auto& [key, of_key] : keys) {
    ++result.keys_written;
    if (!of_key.final_read) {
      not_audited.push_back(key);
      continue;
    }
    ++result.keys_audited;
    const bool appended = std::any_of(of_key.writes.begin(), of_key.writes.end(), [](const Operation* write) { return write->operation == "append"; });
    const bool only_appended = std::all_of(of_key.writes.begin(), of_key.writes.end(), [](const Operation* write) { return write->operation == "append"; });
    if (only_appended) judge_appended(key, of_key, result);
    else if (!appended) judge_register(key, of_key, result);
    else not_audited.push_back(key);  // appends mixed with overwrites: the linearizability check judges those
  }
  if (!result.lost.empty() || !result.invented.empty()) {
    result.verdict = Verdict::fail;
    result.reason = counted(result.lost.size(), "acknowledged write") + " lost";
    if (!result.invented.empty()) result.reason += ", " + counted(result.invented.size(), "value") + " nobody wrote";
  } else if (!not_audited.empty()) {
    result.verdict = Verdict::unknown;
    result.reason = counted(not_audited.size(), "key") + " without a conclusive final read: " + listed(not_audited);
  } else {
    result.verdict = Verdict::pass;
    result.reason = "all " + std::to_string(result.acknowledged) + " acknowledged writes on " + std::to_string(result.keys_written) + " keys accounted for";
  }
  return result;
}

}  // namespace skidpad::check
