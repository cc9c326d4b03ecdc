#include "harness/check/data_audit.hpp"

#include <algorithm>
#include <map>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

using history::Event;
using history::Operation;
using runtime::bool_at;
using runtime::integer_at;
using runtime::text_at;

/// Traffic on the operator's cluster; other stores count revisions of their own.
bool is_of_etcd(const Operation& operation) { return operation.workload.empty() || operation.workload.starts_with("etcd"); }

bool is_acknowledged_write(const Operation& operation) {
  return is_of_etcd(operation) && operation.revision && operation.returned && operation.outcome == history::Outcome::ok && (operation.operation == "put" || operation.operation == "delete");
}

void audit_writes(const std::vector<Operation>& operations, Duration told, RestoreAudit& audit) {
  std::optional<Duration> last_kept, last_lost;
  std::map<std::string, const Operation*> kept, lost;  ///< the newest of each key
  const auto newest = [](std::map<std::string, const Operation*>& of, const Operation& write) {
    const Operation*& known = of[write.key];
    if (known == nullptr || *known->revision < *write.revision) known = &write;
  };
  std::vector<const Operation*> gone;
  for (const Operation& write : operations) {
    if (!is_acknowledged_write(write) || *write.returned > told || *write.revision > audit.raised_to) continue;
    ++audit.acknowledged;
    const bool is_lost = *write.revision > audit.restored_revision;
    std::optional<Duration>& last = is_lost ? last_lost : last_kept;
    last = std::max(last.value_or(Duration::zero()), *write.returned);
    newest(is_lost ? lost : kept, write);
    if (is_lost) gone.push_back(&write);
  }
  std::sort(gone.begin(), gone.end(), [](const Operation* a, const Operation* b) { return *a->revision < *b->revision; });
  for (const Operation* write : gone) audit.lost.push_back("revision " + std::to_string(*write->revision) + ": " + describe(*write));
  if (last_lost) audit.recovery_point = *last_lost - std::min(*last_lost, last_kept.value_or(Duration::zero()));
  for (const Operation& read : operations) {
    if (read.operation != "get" || !is_of_etcd(read) || read.outcome != history::Outcome::ok || !read.observed || read.call < told) continue;
    const auto before = kept.find(read.key);
    const bool back = lost.contains(read.key) && before != kept.end() && before->second->value == read.observed;
    const std::string told_of = read.key + " = " + *read.observed;
    if (back && std::find(audit.back_from_the_dead.begin(), audit.back_from_the_dead.end(), told_of) == audit.back_from_the_dead.end()) audit.back_from_the_dead.push_back(told_of);
  }
}

}  // namespace

std::vector<RestoreAudit> audit_restores(const history::RunRecord& record) {
  std::vector<RestoreAudit> audits;
  std::optional<Duration> silent_since;
  std::optional<Duration> outage;     ///< the last that ended
  for (const Event& event : record.events) {
    if (event.kind == "etcd_members") {
      const bool serves = bool_at(event.fields, {"serves"});
      if (!serves && !silent_since) silent_since = event.time;
      if (!serves || !silent_since) continue;
      outage = event.time - *silent_since;
      silent_since.reset();
      if (!audits.empty() && !audits.back().recovery_time) audits.back().recovery_time = outage;
    } else if (event.kind == "etcd_recovery") {
      RestoreAudit audit;
      audit.recovery = text_at(event.fields, {"id"});
      audit.from_backup = bool_at(event.fields, {"fromBackup"});
      audit.restored_revision = integer_at(event.fields, {"restoredRevision"});
      audit.raised_to = integer_at(event.fields, {"raisedTo"});
      // The members are asked more often than the status is written: mostly they served before it said so.
      if (!silent_since) audit.recovery_time = outage;
      audit_writes(record.operations, event.time, audit);
      audits.push_back(std::move(audit));
    } else if (!audits.empty() && event.kind == "etcd_relist") {
      ++audits.back().watchers_told;
    } else if (!audits.empty() && event.kind == "etcd_revision_back") {
      ++audits.back().revisions_back;
    }
  }
  return audits;
}

ConductResult check_revisions_rise(const history::RunRecord& record) {
  ConductResult result;
  bool watched = false;
  for (const Event& event : record.events) {
    watched |= event.kind == "etcd_members" && bool_at(event.fields, {"serves"});
    if (event.kind != "etcd_revision_back") continue;
    result.evidence.push_back("at " + describe(event.time) + ": revision " + std::to_string(integer_at(event.fields, {"to"})) + " after " + std::to_string(integer_at(event.fields, {"from"})));
  }
  result.verdict = !result.evidence.empty() ? Verdict::fail : watched ? Verdict::pass : Verdict::not_applicable;
  result.reason = !result.evidence.empty() ? result.evidence.front() : watched ? "no look saw a revision below one before" : "no etcd operator's members were watched";
  return result;
}

ConductResult check_restores_finish(const history::RunRecord& record) {
  std::map<std::string, std::string> last;
  for (const Event& event : record.events) {
    if (event.kind == history::event_kind::phase && event.subject == "cleanup") break;
    if (event.kind == "etcd_restore") last[event.subject] = text_at(event.fields, {"phase"});
  }
  ConductResult result;
  for (const auto& [name, phase] : last) {
    if (phase != "Finished") result.evidence.push_back("EtcdRestore " + name + " ended as " + (phase.empty() ? "not begun" : phase));
  }
  result.verdict = last.empty() ? Verdict::not_applicable : result.evidence.empty() ? Verdict::pass : Verdict::fail;
  result.reason = last.empty() ? "no restore was asked for" : result.evidence.empty() ? counted(last.size(), "restore") + " finished" : result.evidence.front();
  return result;
}

}  // namespace skidpad::check
