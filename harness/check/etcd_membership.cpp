#include "harness/check/etcd_membership.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

using history::Event;
using runtime::bool_at;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;
namespace kind = history::event_kind;

constexpr std::string_view look_kind = "etcd_members";
constexpr std::string_view told_kind = "etcd_recovery";
constexpr std::string_view backups_kind = "etcd_backups";

struct Member {
  std::string name;
  std::string node;
  bool voter = false;
  bool healthy = false;
  bool lost = false;   ///< a fault took its machine or its disk
};
using Members = std::map<std::string, Member>;  ///< by member ID

Members members_of(const Event& look) {
  Members members;
  for (const Json& one : list_at(look.fields, {"members"})) {
    members[text_at(one, {"id"})] = Member{text_at(one, {"name"}), text_at(one, {"node"}), bool_at(one, {"voter"}), bool_at(one, {"healthy"}), false};
  }
  return members;
}

std::size_t voter_count(const Members& members) {
  return static_cast<std::size_t>(std::count_if(members.begin(), members.end(), [](const auto& member) { return member.second.voter; }));
}

std::size_t quorum_of(std::size_t voters) { return voters / 2 + 1; }

/// Faults after which a member's data is known not to come back.
bool destroys(std::string_view fault_kind) {
  return fault_kind == "destroy_machine" || fault_kind == "reinstall_machine" || fault_kind == "delete_node" || fault_kind == "corrupt_data";
}

ConductResult concluded(ConductResult result, bool watched, bool served, std::string good) {
  if (!watched) {
    result.verdict = Verdict::not_applicable;
    result.reason = "no etcd operator's members were watched";
  } else if (!result.evidence.empty()) {
    result.verdict = Verdict::fail;
    result.reason = result.evidence.front();
  } else if (!served) {
    result.verdict = Verdict::unknown;
    result.reason = "no member ever answered";
  } else {
    result.verdict = Verdict::pass;
    result.reason = std::move(good);
  }
  return result;
}

bool is_cleanup(const Event& event) { return event.kind == kind::phase && event.subject == "cleanup"; }

/// Two looks in a row, and what was seen before them.
class StepJudge {
 public:
  explicit StepJudge(Duration patience) : patience_(patience) {}

  void look(const Event& event) {
    const Members now = members_of(event);
    const std::string cluster_id = text_at(event.fields, {"cluster_id"});
    judge_hosts(event, now);
    judge_names(event, now);
    for (const auto& [id, member] : now) {
      if (member.voter && (member.healthy || before_.empty())) established_.insert(id);
    }
    judge_joining(event, now);
    if (!before_.empty() && cluster_id == cluster_id_) judge_change(event, now);
    for (const auto& [id, member] : now) {
      if (member.healthy || !member.voter) unhealthy_since_.erase(id);
      else unhealthy_since_.try_emplace(id, event.time);
    }
    cluster_id_ = cluster_id;
    before_ = now;
  }
  void silence() { before_.clear(); }

  std::vector<std::string> evidence;
  std::size_t changes = 0;

 private:
  void fail(const Event& event, const std::string& what) { evidence.push_back("at " + describe(event.time) + ": " + what); }

  void judge_hosts(const Event& event, const Members& now) {
    std::map<std::string, std::string> on;
    for (const auto& [id, member] : now) {
      const auto [other, alone] = on.try_emplace(member.node, member.name);
      if (!alone && !member.node.empty()) fail(event, "members " + other->second + " and " + member.name + " are both on " + member.node);
    }
  }

  void judge_names(const Event& event, const Members& now) {
    for (const auto& [id, member] : now) {
      if (member.name.empty()) continue;
      const auto known = ids_.try_emplace(member.name, id).first;
      if (known->second != id) fail(event, "the name " + member.name + " of member " + known->second + " was given again, to " + id);
      known->second = id;
    }
  }

  void judge_joining(const Event& event, const Members& now) {
    std::vector<std::string> joining;
    for (const auto& [id, member] : now) {
      if (!member.voter || !established_.contains(id)) joining.push_back(member.name.empty() ? id : member.name);
    }
    if (joining.size() > 1) fail(event, listed(joining) + " were joining at once");
  }

  void judge_change(const Event& event, const Members& now) {
    const std::size_t voters = voter_count(now), voters_before = voter_count(before_);
    changes += voters != voters_before;
    if (voters > voters_before) {
      for (const auto& [id, since] : unhealthy_since_) {
        const auto still = now.find(id);
        if (still == now.end() || event.time - since <= patience_) continue;
        fail(event, "a voter was added while " + still->second.name + " was unhealthy since " + describe(since));
      }
    }
    std::size_t stay_healthy = 0;
    std::string removed;
    for (const auto& [id, member] : before_) {
      if (!member.voter) continue;
      if (!now.contains(id)) removed = member.name;
      else if (member.healthy) ++stay_healthy;
    }
    if (!removed.empty() && stay_healthy < quorum_of(voters))
      fail(event, removed + " was removed where only " + std::to_string(stay_healthy) + " of the " + std::to_string(voters) + " voters that stay were healthy");
  }

  Duration patience_;
  Members before_;
  std::string cluster_id_;
  std::map<std::string, std::string> ids_;           ///< by name
  std::set<std::string> established_;                ///< voters that have once been healthy
  std::map<std::string, Duration> unhealthy_since_;  ///< of voters, by ID
};

}  // namespace

ConductResult check_membership_steps(const history::RunRecord& record) {
  // An operator's look may be as old as its longest question: half its period, and then the step is made.
  StepJudge judge(record.header.timers.healer_poll_interval / 2 + std::chrono::seconds(2));
  bool watched = false, served = false;
  for (const Event& event : record.events) {
    if (is_cleanup(event)) break;
    if (event.kind != look_kind) continue;
    watched = true;
    if (!bool_at(event.fields, {"serves"})) {
      judge.silence();
      continue;
    }
    served = true;
    judge.look(event);
  }
  ConductResult result;
  result.evidence = std::move(judge.evidence);
  return concluded(std::move(result), watched, served, counted(judge.changes, "change") + " of the voters, one by one");
}

ConductResult check_no_needless_recovery(const history::RunRecord& record) {
  ConductResult result;
  Members members;                   ///< as last seen serving
  std::string cluster_id;
  bool watched = false, served = false, silent = false, asked = false;
  bool told = false, seen = false;   ///< the recovery under way: by the operator's status, by the members
  std::size_t recoveries = 0;
  const auto begun_again = [&](const Event& event, const std::string& what) {
    ++recoveries;
    const std::size_t voters = voter_count(members);
    const auto lost = static_cast<std::size_t>(std::count_if(members.begin(), members.end(), [](const auto& one) { return one.second.voter && one.second.lost; }));
    if (asked || voters - lost < quorum_of(voters)) return;
    result.evidence.push_back("at " + describe(event.time) + ": " + what + ", though only " + std::to_string(lost) + " of " + std::to_string(voters) + " voters had lost their data");
  };
  for (const Event& event : record.events) {
    if (is_cleanup(event)) break;
    if (event.kind == kind::fault_injected) {
      const std::string fault = text_at(event.fields, {"fault_kind"});
      asked |= fault == "restore_etcd";
      for (const Json& target : list_at(event.fields, {"targets"})) {
        for (auto& [id, member] : members) member.lost |= destroys(fault) && target == member.node;
      }
    } else if (event.kind == told_kind) {
      if (!seen) begun_again(event, "the operator began the cluster again");
      told = !seen;
      seen = false;
    } else if (event.kind == look_kind) {
      watched = true;
      if (!bool_at(event.fields, {"serves"})) {
        silent = true;
        continue;
      }
      served = true;
      Members now = members_of(event);
      const std::string id = text_at(event.fields, {"cluster_id"});
      const std::size_t before = voter_count(members);
      const bool another = !cluster_id.empty() && id != cluster_id;
      const bool shrunk = silent && before > 2 && voter_count(now) == 1;
      if (another || shrunk) {
        if (!told) begun_again(event, another ? "the cluster ID changed" : "one voter is left of " + std::to_string(before));
        seen = !told;
        told = false;
      }
      for (auto& [member_id, member] : now) {
        const auto known = members.find(member_id);
        member.lost = known != members.end() && known->second.lost && !member.healthy;
      }
      cluster_id = id;
      silent = false;
      members = std::move(now);
    }
  }
  return concluded(std::move(result), watched, served, recoveries == 0 ? "the cluster was never begun again" : counted(recoveries, "recovery") + ", none without need");
}

ConductResult check_upgrade_in_order(const history::RunRecord& record) {
  struct Known {
    std::string version;
    bool led = false;   ///< when it last answered
  };
  std::map<std::string, Known> known;  ///< by member ID
  ConductResult result;
  std::size_t changes = 0;
  bool changing = false;
  for (const Event& event : record.events) {
    if (is_cleanup(event)) break;
    if (event.kind == kind::fault_injected) changing |= text_at(event.fields, {"fault_kind"}) == "change_etcd";
    if (event.kind != look_kind || !bool_at(event.fields, {"serves"})) continue;
    const std::string at = "at " + describe(event.time) + ": ";
    std::vector<std::string> silent;
    std::map<std::string, Known> now;
    for (const Json& one : list_at(event.fields, {"members"})) {
      const std::string id = text_at(one, {"id"}), version = text_at(one, {"version"});
      const auto before = known.find(id);
      now[id] = before == known.end() ? Known() : before->second;
      if (bool_at(one, {"voter"}) && !bool_at(one, {"healthy"})) silent.push_back(text_at(one, {"name"}));
      if (!bool_at(one, {"healthy"}) || version.empty()) continue;
      if (before != known.end() && !before->second.version.empty() && before->second.version != version) {
        ++changes;
        for (const auto& [other, of_other] : known) {
          if (other != id && before->second.led && of_other.version == before->second.version)
            result.evidence.push_back(at + text_at(one, {"name"}) + " went to " + version + " as the leader, while others still had " + of_other.version);
        }
      }
      now[id] = Known{version, bool_at(one, {"leader"})};
    }
    if (changing && silent.size() > 1) result.evidence.push_back(at + listed(silent) + " did not answer at once");
    known = std::move(now);
  }
  if (changes == 0) {
    result.verdict = Verdict::not_applicable;
    result.reason = "no member changed its version";
    return result;
  }
  return concluded(std::move(result), true, true, counted(changes, "member") + " changed the version, one at a time, the leader last");
}

ConductResult check_backups_kept(const history::RunRecord& record) {
  ConductResult result;
  constexpr Duration told_by = std::chrono::seconds(3);  ///< a status is written later than an object is deleted
  std::set<std::string> store_faults;
  std::map<std::string, Duration> missing_since;
  const auto judge_missing = [&](Duration now) {
    for (const auto& [name, since] : missing_since) {
      if (now - since >= told_by) result.evidence.push_back("since " + describe(since) + " the operator counts " + name + ", and the store has no whole object of that name");
    }
  };
  std::string newest;
  std::int64_t newest_revision = 0;
  bool watched = false, held = false;
  for (const Event& event : record.events) {
    if (is_cleanup(event)) {
      judge_missing(event.time);
      break;
    }
    if (event.kind == kind::fault_injected && text_at(event.fields, {"fault_kind"}) == "backup_store") {
      judge_missing(event.time);
      missing_since.clear();
      store_faults.insert(event.subject);
    }
    if (event.kind == kind::fault_healed) store_faults.erase(event.subject);
    if (event.kind != backups_kind) continue;
    watched = true;
    if (!store_faults.empty() || !bool_at(event.fields, {"answers"})) {
      missing_since.clear();
      continue;
    }
    std::set<std::string> whole;
    std::string best;
    std::int64_t best_revision = 0;
    for (const Json& object : list_at(event.fields, {"objects"})) {
      if (!bool_at(object, {"whole"})) continue;
      whole.insert(text_at(object, {"name"}));
      if (const std::int64_t revision = integer_at(object, {"revision"}); revision >= best_revision) {
        best = text_at(object, {"name"});
        best_revision = revision;
      }
    }
    const std::string at = "at " + describe(event.time) + ": ";
    if (held && whole.empty()) result.evidence.push_back(at + "no whole backup is left; the last was " + newest);
    else if (held && !whole.contains(newest) && best_revision < newest_revision) result.evidence.push_back(at + "the newest backup " + newest + " is gone, and none as new is there");
    held = !whole.empty();
    newest = best;
    newest_revision = best_revision;
    std::map<std::string, Duration> missing;
    for (const Json& claim : list_at(event.fields, {"claimed"})) {
      const std::string name = claim.is_string() ? claim.get<std::string>() : "";
      if (name.empty() || whole.contains(name)) continue;
      const auto known = missing_since.find(name);
      missing[name] = known == missing_since.end() ? event.time : known->second;
    }
    judge_missing(event.time);
    missing_since = std::move(missing);
  }
  if (!watched) {
    result.verdict = Verdict::not_applicable;
    result.reason = "no backups were watched";
    return result;
  }
  return concluded(std::move(result), watched, true, held ? "the newest whole backup was " + newest : "no backup was ever whole");
}

ConductResult check_one_leader_acts(const history::RunRecord& record) {
  struct Acting {
    std::string controller, instance;
    Duration begin{}, end{};
  };
  std::map<std::string, std::vector<Duration>> handovers;  ///< by Lease
  for (const Event& event : record.events) {
    constexpr std::string_view prefix = "Lease/kube-system/";
    if (event.kind == kind::object && event.subject.starts_with(prefix)) handovers[event.subject.substr(prefix.size())].push_back(event.time);
  }
  constexpr std::string_view own = "controller_", leads = "_is_leader";
  std::map<std::string, std::set<std::string>> instances;  ///< by controller, as its Lease is named
  for (const history::MetricSample& sample : record.metrics) {
    if (!sample.metric.starts_with(own) || !sample.metric.ends_with(leads)) continue;
    std::string name = sample.metric.substr(own.size(), sample.metric.size() - own.size() - leads.size());
    std::replace(name.begin(), name.end(), '_', '-');
    instances[name].insert(sample.target);
  }
  std::vector<Acting> acts;
  std::map<std::string, std::pair<std::optional<Duration>, Duration>> scrapes;  ///< of each instance: the one before, and the newest
  std::map<std::string, double> values;                                        ///< by series
  for (const history::MetricSample& sample : record.metrics) {
    auto& [before, newest] = scrapes.try_emplace(sample.target, std::nullopt, sample.time).first->second;
    if (sample.time > newest) {
      before = newest;
      newest = sample.time;
    }
    if (!sample.metric.starts_with(own) || !sample.metric.ends_with("_total")) continue;
    for (const auto& [controller, of_it] : instances) {
      std::string prefix = std::string(own) + controller + "_";
      std::replace(prefix.begin(), prefix.end(), '-', '_');
      if (!sample.metric.starts_with(prefix)) continue;
      std::string series = sample.target + " " + sample.metric;
      for (const auto& [label, value] : sample.labels) series += "," + label + "=" + value;
      // A series begins at zero with the first act of its kind; what an instance did before it was first scraped is not dated.
      double& value = values[series];
      if (before && sample.value > value) acts.push_back(Acting{controller, sample.target, *before, sample.time});
      value = sample.value;
    }
  }
  ConductResult result;
  if (std::none_of(instances.begin(), instances.end(), [](const auto& one) { return one.second.size() > 1; })) {
    result.verdict = Verdict::not_applicable;
    result.reason = "no controller had two instances that were scraped";
    return result;
  }
  std::sort(acts.begin(), acts.end(), [](const Acting& a, const Acting& b) { return a.end < b.end; });
  std::map<std::string, Acting> previous;  ///< by controller
  for (const Acting& act : acts) {
    const auto [before, first] = previous.try_emplace(act.controller, act);
    if (!first && before->second.instance != act.instance) {
      const Duration since = std::min(before->second.begin, act.begin);
      const auto& changes = handovers[act.controller];
      // We may hear of it late, as when our own API server is away.
      const Duration heard_by = act.end + record.header.timers.leader_lease_duration;
      const bool handed_over = std::any_of(changes.begin(), changes.end(), [&](Duration time) { return since <= time && time <= heard_by; });
      if (!handed_over)
        result.evidence.push_back("at " + describe(act.end) + ": " + act.instance + " acted as " + act.controller + ", at " + describe(before->second.end) + " " +
                                  before->second.instance + " did, and the Lease did not change hands");
    }
    before->second = act;
  }
  result.verdict = result.evidence.empty() ? Verdict::pass : Verdict::fail;
  result.reason = result.evidence.empty() ? counted(acts.size(), "act") + " seen, each by the one that held the Lease" : result.evidence.front();
  return result;
}

}  // namespace skidpad::check
