/// @file writes.hpp
/// Whether every acknowledged write is still there at the end, and nothing is there that nobody wrote.
/// Works on final reads alone, so it stays exact where a full linearizability check would be too dear, and it lists the writes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "harness/check/verdict.hpp"
#include "harness/history/record.hpp"

namespace skidpad::check {

struct WritesResult {
  Verdict verdict = Verdict::unknown;
  std::size_t acknowledged = 0;           ///< writes answered ok
  std::size_t keys_written = 0;
  std::size_t keys_audited = 0;           ///< of those, with a final read: a get called after every write on the key returned
  std::vector<std::string> lost;          ///< acknowledged writes whose effect is gone, in words
  std::vector<std::string> invented;      ///< final values nobody wrote
  std::string reason;
};

/// A final value may come from a write only if no acknowledged write on that key began after that write had returned.
/// Operations other than get, put, append, delete and cas are ignored. Keys never read at the end make the verdict unknown.
WritesResult check_acknowledged_writes(std::span<const history::Operation> operations);

}  // namespace skidpad::check
