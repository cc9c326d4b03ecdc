/// @file prober.hpp
/// Asks one question again and again, as an impatient user would, and records each answer.
/// Promise: one probe at a time, begun every interval; a slow answer delays the next, it never hides it.
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/history/recorder.hpp"

namespace skidpad::workload {

using runtime::Duration;
using runtime::Instant;
using runtime::Result;
using runtime::Runtime;
using runtime::Task;

struct ProbeSchedule {
  std::string name;
  std::string target;        ///< for people: what is asked
  Duration interval{};
  Duration timeout{};
};

/// How the last probes went, for judging a steady state while a run lasts.
class ProbeTally {
 public:
  struct Count {
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
  };
  void add(Duration returned, bool answered);
  /// Of the probes that returned at or after this run time; the tally forgets older ones than any it was asked for.
  Count since(Duration time) const;

 private:
  struct Probe {
    Duration returned;
    bool answered;
  };
  mutable std::deque<Probe> probes_;
};

/// Good if it returns success within the timeout.
using Question = std::function<Task<Result<void>>()>;

/// Until stopped. Run time is counted from `start`.
Task<void> probe(Runtime& runtime, history::Recorder& recorder, Instant start, ProbeSchedule schedule, ProbeTally& tally, Question question);

/// GET over a fresh connection each time, to the first of the servers that takes it; 2xx is good.
class HttpQuestion {
 public:
  HttpQuestion(Runtime& runtime, std::vector<runtime::Endpoint> servers, std::string path, Duration timeout);
  Task<Result<void>> ask();

 private:
  std::string path_;
  runtime::HttpClient client_;
};

}  // namespace skidpad::workload
