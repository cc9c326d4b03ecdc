#include "harness/check/watches.hpp"

#include <algorithm>
#include <map>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

using history::Operation;
using history::Outcome;

struct Writes {
  std::map<std::int64_t, const Operation*> acknowledged;                             ///< by revision
  std::multimap<std::pair<std::string, std::string>, const Operation*> attempted;  ///< by key and value; all that may have had an effect
};

/// From a list to the next one, or to the end.
struct Stretch {
  std::int64_t begin = 0;
  std::int64_t served = 0;  ///< up to this revision nothing may be missing
  std::map<std::int64_t, const Operation*> events;
};

struct Watcher {
  std::string workload;
  std::vector<Stretch> stretches;
  std::size_t resumes = 0;
  bool ended = false;
};

bool is_watch(const Operation& operation) { return operation.operation.starts_with("watch_"); }

std::string said(const std::string& client, const Operation& event) {
  return client + ": " + event.key + " = " + (event.observed ? "\"" + event.observed->substr(0, 60) + "\"" : "deleted") + " at revision " + std::to_string(*event.revision);
}

bool was_written(const Writes& writes, const Operation& event) {
  const auto [begin, end] = writes.attempted.equal_range({event.key, event.observed.value_or("")});
  return std::any_of(begin, end, [&event](const auto& write) { return !write.second->revision || write.second->revision == event.revision; });
}

void follow(const Operation& seen, const Writes& writes, Watcher& watcher, std::vector<std::string>& wrong) {
  const std::int64_t revision = seen.revision.value_or(0);
  if (seen.operation == "watch_list" || watcher.stretches.empty()) watcher.stretches.push_back({revision, revision, {}});
  Stretch& stretch = watcher.stretches.back();
  if (seen.operation == "watch_event") {
    if (revision <= stretch.served) {
      const bool twice = stretch.events.contains(revision);
      wrong.push_back(said(seen.client, seen) + (twice ? " came twice" : " came after revision " + std::to_string(stretch.served)));
    }
    if (!was_written(writes, seen)) wrong.push_back(said(seen.client, seen) + " is no write of anybody");
    stretch.events.emplace(revision, &seen);
  }
  if (seen.operation == "watch_resume") ++watcher.resumes;
  if (seen.operation == "watch_end") watcher.ended = true;
  stretch.served = std::max(stretch.served, revision);
}

}  // namespace

ConductResult check_watches(std::span<const Operation> operations) {
  std::map<std::string, Writes> writes;
  for (const Operation& operation : operations) {
    if (operation.operation != "put" || operation.outcome == Outcome::failed) continue;
    Writes& of_workload = writes[operation.workload];
    of_workload.attempted.emplace(std::pair(operation.key, operation.value.value_or("")), &operation);
    if (operation.outcome == Outcome::ok && operation.revision) of_workload.acknowledged.emplace(*operation.revision, &operation);
  }
  std::map<std::string, Watcher> watchers;
  std::vector<std::string> wrong, behind, unended;
  for (const Operation& operation : operations) {
    if (!is_watch(operation)) continue;
    Watcher& watcher = watchers[operation.client];
    watcher.workload = operation.workload;
    follow(operation, writes[operation.workload], watcher, wrong);
  }

  ConductResult result;
  std::size_t acknowledged = 0, resumes = 0, lists = 0;
  for (const auto& [client, watcher] : watchers) {
    const Writes& written = writes[watcher.workload];
    for (const Stretch& stretch : watcher.stretches) {
      const auto begin = written.acknowledged.upper_bound(stretch.begin);
      for (auto write = begin; write != written.acknowledged.end() && write->first <= stretch.served; ++write)
        if (!stretch.events.contains(write->first)) wrong.push_back(client + " never saw revision " + std::to_string(write->first) + ": " + describe(*write->second));
    }
    const std::int64_t newest = written.acknowledged.empty() ? 0 : written.acknowledged.rbegin()->first;
    if (!watcher.ended) unended.push_back(client);
    else if (watcher.stretches.back().served < newest)
      behind.push_back(client + " was served up to revision " + std::to_string(watcher.stretches.back().served) + " of " + std::to_string(newest));
    acknowledged += written.acknowledged.size();
    resumes += watcher.resumes;
    lists += watcher.stretches.size();
  }
  if (watchers.empty()) {
    result.verdict = Verdict::not_applicable;
    result.reason = "nobody watched";
  } else if (!wrong.empty()) {
    result.verdict = Verdict::fail;
    result.reason = counted(wrong.size(), "event") + " missing, twice, out of order or invented";
    result.evidence = std::move(wrong);
  } else if (!behind.empty()) {
    result.verdict = Verdict::fail;
    result.reason = counted(behind.size(), "watcher") + " never served the last acknowledged write";
    result.evidence = std::move(behind);
  } else if (!unended.empty() || acknowledged == 0) {
    result.verdict = Verdict::unknown;
    result.reason = acknowledged == 0 ? "no acknowledged write names its revision" : "cut off before the end: " + listed(unended);
  } else {
    result.reason = counted(watchers.size(), "watcher") + " saw every acknowledged write once and in order, over " + counted(resumes, "resumption") + " and " + counted(lists, "list");
  }
  return result;
}

}  // namespace skidpad::check
