/// @file linearizability.hpp
/// Decides whether a register, or a map of registers, could have produced a recorded history.
/// Promise: exact within its budget; past it, unknown, never a guess. Broken input is an ASSERT.
/// An operation of unknown outcome may take effect at any time after its call, or never. A failed one has no effect.
/// Operations: get, put, append, delete, cas. Others must be filtered out by the caller.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "harness/check/verdict.hpp"
#include "harness/history/record.hpp"

namespace skidpad::check {

/// How a get of an absent key reads.
enum class AbsentReads { as_absent, as_empty_text };

struct LinearizabilityOptions {
  std::size_t states_visited_max = 5'000'000;  ///< per key, in states and not seconds: a slow machine reaches the same verdict
  AbsentReads absent_reads = AbsentReads::as_absent;
};

struct LinearizabilityResult {
  Verdict verdict = Verdict::unknown;
  std::size_t states_visited = 0;
  std::size_t operations_judged = 0;
  std::string reason;                  ///< for a fail: the key, and the operation no order can explain
  std::vector<std::string> evidence;   ///< for a fail: the longest explicable prefix's end and what competes for the next place
};

/// One register. All operations are taken to be on it, whatever their key.
/// @param operations  closed intervals [call, returned] of run time, in any order; no return: open ended.
/// @par Cost          linear for sequential histories, exponential in the widest overlap.
/// @par Source        Wing and Gong 1993; state memoisation as in Lowe 2017.
LinearizabilityResult check_register(std::span<const history::Operation> operations, const LinearizabilityOptions& options = {});

/// A map: keys are independent, so each is judged as a register of its own, in key order.
LinearizabilityResult check_map(std::span<const history::Operation> operations, const LinearizabilityOptions& options = {});

}  // namespace skidpad::check
