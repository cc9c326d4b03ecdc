/// @file data_audit.hpp
/// What each restore of the etcd operator's cluster cost: which acknowledged writes are gone, from when they were, how long nobody
/// served, what came back from the dead, and who saw revisions go back. For the reader: verdicts are those of guarantees.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/check/remediation.hpp"

namespace skidpad::check {

struct RestoreAudit {
  std::string recovery;                    ///< "r1"
  bool from_backup = false;                ///< otherwise from a survivor's data
  std::int64_t restored_revision = 0;      ///< the newest that was kept
  std::int64_t raised_to = 0;              ///< where the cluster goes on
  std::size_t acknowledged = 0;            ///< writes acknowledged before the restore
  std::vector<std::string> lost;           ///< those of them above restored_revision, for people, oldest first
  /// Recovery point achieved: from the last kept write's acknowledgement to the last lost one's; zero when none is lost.
  Duration recovery_point{};
  /// Recovery time achieved: from the first look at which nobody served to the first at which somebody did.
  std::optional<Duration> recovery_time;
  std::vector<std::string> back_from_the_dead;  ///< keys read after the restore as they were before a lost write or delete
  std::size_t watchers_told = 0;           ///< watches that were told to list again
  std::size_t revisions_back = 0;          ///< looks that saw a revision below one seen before
};

/// In the order of the restores; empty if the cluster was never begun again.
std::vector<RestoreAudit> audit_restores(const history::RunRecord& record);

/// E13, E16: no client ever saw the store's revision below one it had seen. not_applicable: no member was watched.
ConductResult check_revisions_rise(const history::RunRecord& record);

/// K9: every restore that was asked for has finished at the end. not_applicable: none was.
ConductResult check_restores_finish(const history::RunRecord& record);

}  // namespace skidpad::check
