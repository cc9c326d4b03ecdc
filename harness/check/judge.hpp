/// @file judge.hpp
/// The one path from a recorded run to its verdict: the runner uses it, and `skidpad check DIR` uses it again on the files.
/// Promise: pure. Equal records give equal judgements, without the cluster, the clock or the network.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/check/data_audit.hpp"
#include "harness/check/floor.hpp"
#include "harness/check/probes.hpp"
#include "harness/check/recovery.hpp"
#include "harness/check/remediation.hpp"
#include "harness/check/verdict.hpp"
#include "harness/history/record.hpp"
#include "harness/history/run_directory.hpp"

namespace skidpad::check {

struct Judgement {
  Verdict verdict = Verdict::unknown;
  std::string summary;                        ///< one sentence for a busy reader
  std::vector<Guarantee> guarantees;          ///< in the order of the run's story
  Recovery recovery;
  std::optional<Floor> floor;
  std::optional<Duration> recovery_limit;
  std::vector<ProbeSummary> probes;
  std::vector<Remediation> remediations;
  std::vector<RestoreAudit> restores;
  std::vector<history::FaultInterval> faults;
  Duration run_duration{};                    ///< run time; simulated time on the simulated driver
};

Judgement judge(const history::RunRecord& record);

/// From the texts of the recorded files. Throws UsageError when they are not such files.
Judgement judge(const history::RunTexts& texts, const std::string& directory);

}  // namespace skidpad::check
