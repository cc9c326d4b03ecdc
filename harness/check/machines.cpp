#include "harness/check/machines.hpp"

#include <algorithm>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

bool holds(const Json& names, const Json& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

}  // namespace

Guarantee judge_machines_match_nodes(const history::RunRecord& record) {
  Guarantee result;
  result.name = "machines_match_nodes";
  result.claim = "In the end there were as many worker machines as at the start, each of them a node";
  const auto seen = std::find_if(record.events.rbegin(), record.events.rend(), [](const auto& event) { return event.kind == machines_event; });
  if (seen == record.events.rend()) {
    result.verdict = Verdict::not_applicable;
    result.reason = "no healer's machines were listed";
    return result;
  }
  if (const std::string error = runtime::text_at(seen->fields, {"error"}); !error.empty()) {
    result.verdict = Verdict::unknown;
    result.reason = "the machines could not be listed: " + error;
    return result;
  }
  const Json& machines = runtime::list_at(seen->fields, {"machines"});
  const Json& nodes = runtime::list_at(seen->fields, {"nodes"});
  for (const Json& machine : machines) {
    if (!holds(nodes, machine)) result.evidence.push_back("machine " + machine.get<std::string>() + " is no node");
  }
  for (const Json& node : nodes) {
    if (!holds(machines, node)) result.evidence.push_back("node " + node.get<std::string>() + " has no machine");
  }
  const auto wanted = static_cast<std::size_t>(runtime::integer_at(seen->fields, {"wanted"}));
  if (machines.size() != wanted) result.evidence.push_back(counted(machines.size(), "worker machine") + " where " + std::to_string(wanted) + " are wanted");
  result.verdict = result.evidence.empty() ? Verdict::pass : Verdict::fail;
  result.reason = result.evidence.empty() ? counted(machines.size(), "machine") + ", each a node" : result.evidence.front();
  return result;
}

}  // namespace skidpad::check
