/// @file journal.hpp
/// The undo journal of a cluster on this host: what must be removed, written and synced before it is made.
/// Promise: whatever a supervisor made and did not remove can be found from the journal alone, also when the supervisor was
/// killed between writing a line and acting on it; a torn last line is passed over.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/driver/process/system_call.hpp"

namespace skidpad::driver::process {

struct JournalEntry {
  enum class Kind {
    supervisor,  ///< pid, start_time: whoever owns the rest
    cgroup,      ///< path
    tag,         ///< text: processes carry it (process_table.hpp)
    done,        ///< all before it was undone
  };
  Kind kind = Kind::done;
  std::string text;
  std::int64_t pid = 0;
  std::uint64_t start_time = 0;
  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

class Journal {
 public:
  explicit Journal(std::string state_directory) : path_(std::move(state_directory) + "/undo.jsonl") {}
  Result<void> write(const JournalEntry& entry) const;
  /// Entries after the last `done`, in the order written. None if there is no journal.
  Result<std::vector<JournalEntry>> pending() const;
  /// Every entry ever, `done` included: for proving that nothing is left.
  Result<std::vector<JournalEntry>> all() const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace skidpad::driver::process
