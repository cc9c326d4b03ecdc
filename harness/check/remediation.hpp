/// @file remediation.hpp
/// The node healer's own conduct: one node at a time, and none while the fuse is blown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/check/verdict.hpp"
#include "harness/history/record.hpp"

namespace skidpad::check {

using runtime::Duration;

struct Remediation {
  std::string node;
  Duration started{};
  std::optional<Duration> ended;
  bool finished = false;            ///< ended well: a replacement joined
  std::size_t nodes_unhealthy = 0;  ///< when it started, the node itself included
  std::size_t nodes_known = 0;
};

/// Remediations in order of their start. A start of a node already being remediated is the same remediation.
std::vector<Remediation> remediations(const std::vector<history::Event>& events);

struct ConductResult {
  Verdict verdict = Verdict::pass;
  std::string reason;
  std::vector<std::string> evidence;
};

/// One that ends when another begins does not overlap it. An unended one lasts to the end.
ConductResult check_remediations_at_once(const std::vector<Remediation>& remediations, std::int64_t at_once_max);

/// Fails when one started with more than max(1, unhealthy_nodes_max) nodes unhealthy (behaviour N2).
ConductResult check_fuse(const std::vector<Remediation>& remediations, std::int64_t unhealthy_nodes_max);

}  // namespace skidpad::check
