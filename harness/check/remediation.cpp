#include "harness/check/remediation.hpp"

#include <algorithm>
#include <map>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {
namespace kind = history::event_kind;
}

std::vector<Remediation> remediations(const std::vector<history::Event>& events) {
  std::vector<Remediation> all;
  std::map<std::string, bool> node_healthy;
  const auto open_of = [&all](const std::string& node) -> Remediation* {
    for (Remediation& remediation : all)
      if (remediation.node == node && !remediation.ended) return &remediation;
    return nullptr;
  };
  for (const history::Event& event : events) {
    if (event.kind == kind::object && event.subject.starts_with("Node/")) {
      if (runtime::text_at(event.fields, {"change"}) == "deleted") node_healthy.erase(event.subject);
      else if (event.fields.contains("healthy")) node_healthy[event.subject] = runtime::bool_at(event.fields, {"healthy"});
    }
    if (event.kind != kind::remediation) continue;
    const std::string state = runtime::text_at(event.fields, {"state"});
    if (state == "started" && !open_of(event.subject)) {
      Remediation remediation;
      remediation.node = event.subject;
      remediation.started = event.time;
      remediation.nodes_known = node_healthy.size();
      for (const auto& [node, healthy] : node_healthy) remediation.nodes_unhealthy += healthy ? 0 : 1;
      all.push_back(std::move(remediation));
    } else if (state == "finished" || state == "failed") {
      if (Remediation* open = open_of(event.subject)) {
        open->ended = event.time;
        open->finished = state == "finished";
      }
    }
  }
  return all;
}

ConductResult check_remediations_at_once(const std::vector<Remediation>& remediations, std::int64_t at_once_max) {
  ConductResult result;
  std::int64_t most = 0;
  for (const Remediation& one : remediations) {
    std::vector<std::string> together;
    for (const Remediation& other : remediations) {
      const bool running = other.started <= one.started && (!other.ended || *other.ended > one.started || &other == &one);
      if (running) together.push_back(other.node);
    }
    const auto count = static_cast<std::int64_t>(together.size());
    if (count > at_once_max)
      result.evidence.push_back("at " + describe(one.started) + ": " + listed(together) + " remediated at once");
    most = std::max(most, count);
  }
  result.verdict = result.evidence.empty() ? Verdict::pass : Verdict::fail;
  result.reason = "at most " + std::to_string(most) + " at once, allowed " + std::to_string(at_once_max);
  return result;
}

ConductResult check_fuse(const std::vector<Remediation>& remediations, std::int64_t unhealthy_nodes_max) {
  const auto allowed = static_cast<std::size_t>(std::max<std::int64_t>(1, unhealthy_nodes_max));
  ConductResult result;
  for (const Remediation& one : remediations)
    if (one.nodes_unhealthy > allowed)
      result.evidence.push_back("at " + describe(one.started) + ": remediation of " + one.node + " started with " + std::to_string(one.nodes_unhealthy) +
                                " of " + std::to_string(one.nodes_known) + " nodes unhealthy");
  result.verdict = result.evidence.empty() ? Verdict::pass : Verdict::fail;
  result.reason = counted(remediations.size(), "remediation") + ", none allowed above " + counted(allowed, "unhealthy node");
  if (!result.evidence.empty()) result.reason = counted(result.evidence.size(), "remediation") + " started above " + counted(allowed, "unhealthy node");
  return result;
}

}  // namespace skidpad::check
