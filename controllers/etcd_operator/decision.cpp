#include "controllers/etcd_operator/decision.hpp"

#include <algorithm>

namespace skidpad::controllers::etcd_operator {

using Verb = Action::Verb;

std::string_view to_text(Verb verb) {
  switch (verb) {
    case Verb::nothing: return "nothing";
    case Verb::wait: return "wait";
    case Verb::create_seed: return "create_seed";
    case Verb::start_pod: return "start_pod";
    case Verb::delete_pod: return "delete_pod";
    case Verb::add_member: return "add_member";
    case Verb::promote: return "promote";
    case Verb::remove_member: return "remove_member";
    case Verb::move_leader: return "move_leader";
    case Verb::recover_from_member: return "recover_from_member";
    case Verb::recover_from_backup: return "recover_from_backup";
    case Verb::fail_no_backup: return "fail_no_backup";
  }
  return "?";
}

namespace {

Action act(Verb verb, const std::string& member, std::string rule, std::string reason) {
  Action action(verb, member, std::move(reason));
  action.rule = std::move(rule);
  return action;
}
Action wait(std::string rule, std::string reason) { return act(Verb::wait, "", std::move(rule), std::move(reason)); }

bool is_voter(const MemberSight& member, bool leader_known) { return leader_known ? member.listed && !member.learner : member.recorded && !member.learner; }

/// Best first where members are chosen to go: crowded zone, newest, leader last (E5).
const MemberSight* victim_of(const ClusterSight& sight) {
  const auto crowd = [&](const std::string& zone) {
    return std::count_if(sight.members.begin(), sight.members.end(), [&](const MemberSight& other) { return other.listed && other.zone == zone; });
  };
  const MemberSight* victim = nullptr;
  std::ptrdiff_t victim_crowd = 0;
  for (const MemberSight& member : sight.members) {
    if (!member.listed || member.leader) continue;
    const std::ptrdiff_t members_there = crowd(member.zone);
    if (victim != nullptr && members_there < victim_crowd) continue;
    victim = &member;  // a later one of an equal crowd is newer
    victim_crowd = members_there;
  }
  return victim;
}

class Judge {
 public:
  Judge(const ClusterSpec& spec, const Policy& policy, const ClusterSight& sight) : spec_(spec), policy_(policy), sight_(sight) {}

  Action decide() const {
    if (spec_.paused) return wait("E20", "paused");
    if (!sight_.created) return create();
    if (!sight_.leader_known) return without_leader();
    for (const auto step : {&Judge::tidy, &Judge::restart, &Judge::drop_failed_joiner, &Judge::change_what_is_down, &Judge::drop_dead, &Judge::hold_for_unhealthy, &Judge::join, &Judge::resize,
                            &Judge::upgrade}) {
      if (auto action = (this->*step)()) return *action;
    }
    return Action();
  }

 private:
  using Choice = std::optional<Action>;

  Action create() const {
    for (const MemberSight& member : sight_.members) {
      if (!member.recorded) continue;
      if (member.pod == PodState::none && member.host_exists) return act(Verb::start_pod, member.name, "E2", "the first member has no pod yet");
      // Nothing was ever acknowledged, so a first member that cannot come up is simply replaced.
      if (member.gone()) return act(Verb::remove_member, member.name, "E2", "the first member's host is gone before the cluster began");
      return wait("E1", "waiting for the first member " + member.name);
    }
    if (sight_.hosts.empty()) return wait("E3", "no node can carry a member");
    Action action = act(Verb::create_seed, "", "E1", "the cluster has no member yet");
    action.host = sight_.hosts.front();
    return action;
  }

  /// Only pods may come back (E12, E15, E22); a lost quorum is repaired under E13's conditions.
  Action without_leader() const {
    if (auto action = restart()) return *action;
    std::size_t voters = 0, gone = 0;
    const MemberSight* best = nullptr;
    const MemberSight* silent = nullptr;
    for (const MemberSight& member : sight_.members) {
      if (!is_voter(member, false)) continue;
      ++voters;
      if (member.gone()) {
        ++gone;
        continue;
      }
      if (!member.answers) silent = &member;
      if (member.answers && (best == nullptr || std::pair(member.term, member.index) > std::pair(best->term, best->index))) best = &member;
    }
    if (!sight_.quorum_lost_for) return wait("E22", "no leader is known");
    if (voters > 0 && voters - gone >= quorum_of(voters)) return wait("E12", "quorum is lost, and enough members may come back with their data");
    const Duration grace = policy_.bug_no_grace ? Duration::zero() : policy_.recovery_grace;
    if (*sight_.quorum_lost_for < grace) return wait("E13", "quorum is lost for good; grace until " + runtime::format_go_duration(grace) + " after the loss");
    if (silent != nullptr) return wait("E14", silent->name + " does not answer and is not known to be gone: it may hold the newest data");
    if (best == nullptr && !sight_.backup_known) return act(Verb::fail_no_backup, "", "E16", "every member's data is gone and there is no verified backup");
    if (!sight_.recovery_approved) return wait("E13", "recovery needs approval");
    if (best != nullptr) return act(Verb::recover_from_member, best->name, "E13", best->name + " holds the newest data that is left");
    return act(Verb::recover_from_backup, "", "E16", "every member's data is gone");
  }

  /// Pods of nobody: left by a removal that was cut short, or made by somebody else (E10).
  Choice tidy() const {
    for (const MemberSight& member : sight_.members) {
      if (!member.listed && member.pod != PodState::none && member.pod != PodState::terminating)
        return act(Verb::delete_pod, member.name, "E10", "it is no member of the cluster");
    }
    return std::nullopt;
  }

  /// A member whose data may still be there gets its pod back (E7).
  Choice restart() const {
    for (const MemberSight& member : sight_.members) {
      const bool ours = sight_.leader_known ? member.listed && member.recorded : member.recorded;
      if (!ours || member.gone()) continue;
      if (member.pod == PodState::none) return act(Verb::start_pod, member.name, "E7", "it has no pod");
      if (member.pod == PodState::failed) return act(Verb::delete_pod, member.name, "E7", "its pod has failed");
    }
    return std::nullopt;
  }

  /// An unstarted member or learner has no vote yet: removing it can break nothing (E10).
  Choice drop_failed_joiner() const {
    for (const MemberSight& member : sight_.members) {
      if (!member.listed || !member.learner) continue;
      if (member.gone()) return act(Verb::remove_member, member.name, "E10", "the joining member's host or data is gone");
      if (!member.started && member.unstarted_for && *member.unstarted_for >= policy_.unstarted_max)
        return act(Verb::remove_member, member.name, "E10", "it did not start within " + runtime::format_go_duration(policy_.unstarted_max));
      if (member.started && !member.healthy && member.unhealthy_for && *member.unhealthy_for >= policy_.unhealthy_after)
        return act(Verb::remove_member, member.name, "E6", "the joining member is unhealthy");
    }
    return std::nullopt;
  }

  bool removal_keeps_quorum(const MemberSight& member) const {
    const std::size_t voters = voter_count(sight_), healthy = healthy_voter_count(sight_);
    if (policy_.bug_ignore_quorum) return true;
    if (voters <= 1 || healthy < quorum_of(voters)) return false;
    return healthy - (member.healthy ? 1 : 0) >= quorum_of(voters - 1);
  }

  Choice drop_dead() const {
    const MemberSight* dead = nullptr;
    for (const MemberSight& member : sight_.members) {
      if (!member.listed || member.learner) continue;
      if (policy_.bug_remove_healthy && member.healthy && !member.leader && member.unhealthy_for == std::nullopt && voter_count(sight_) == spec_.size)
        return act(Verb::remove_member, member.name, "bug", "planted");
      if (member.healthy) continue;
      const bool long_enough = member.unhealthy_for && *member.unhealthy_for >= policy_.unhealthy_after;
      if (!member.gone() && !long_enough) continue;
      if (dead == nullptr || (member.gone() && !dead->gone())) dead = &member;
    }
    if (dead == nullptr) return std::nullopt;
    if (policy_.bug_add_voter_first && voter_count(sight_) <= spec_.size) return std::nullopt;
    if (!removal_keeps_quorum(*dead)) return wait("E8", dead->name + " is dead; its removal would leave no quorum of healthy voters");
    return act(Verb::remove_member, dead->name, "E6", dead->gone() ? "its data is gone" : "it is unhealthy for too long");
  }

  Choice hold_for_unhealthy() const {
    if (policy_.bug_add_voter_first) return std::nullopt;
    for (const MemberSight& member : sight_.members) {
      if (member.listed && !member.learner && !member.healthy) return wait("E4", member.name + " is unhealthy; nothing is added meanwhile");
    }
    return std::nullopt;
  }

  Choice join() const {
    for (const MemberSight& member : sight_.members) {
      if (!member.listed || !member.learner) continue;
      if (member.started && member.healthy) return act(Verb::promote, member.name, "E4", "it is caught up");
      return wait("E4", "waiting for " + member.name + " to catch up");
    }
    return std::nullopt;
  }

  Choice resize() const {
    const std::size_t voters = voter_count(sight_);
    if (voters < spec_.size) {
      if (sight_.hosts.empty()) return wait("E3", "no further node can carry a member");
      Action action = act(Verb::add_member, "", "E4", std::to_string(voters) + " of " + std::to_string(spec_.size) + " voters");
      action.host = sight_.hosts.front();
      return action;
    }
    if (voters > spec_.size) {
      const MemberSight* victim = victim_of(sight_);
      if (victim == nullptr || !removal_keeps_quorum(*victim)) return wait("E8", "no member can be spared now");
      return act(Verb::remove_member, victim->name, "E5", std::to_string(voters) + " voters where " + std::to_string(spec_.size) + " are wanted");
    }
    return std::nullopt;
  }

  /// An upgrade that has not reached every member can be taken back, as patches of one minor version read each other's data.
  std::string why_not(const EtcdVersion& from, const EtcdVersion& to) const {
    const bool begun = std::any_of(sight_.members.begin(), sight_.members.end(), [&](const MemberSight& member) { return member.listed && member.version == spec_.version; });
    if (begun && to < from && std::pair(to.major, to.minor) == std::pair(from.major, from.minor)) return "";
    return why_no_upgrade(from, to);
  }

  /// A member that has been down for a while takes nothing from the quorum while its version is changed: so a bad release is taken
  /// back (U15).
  Choice change_what_is_down() const {
    const auto to = EtcdVersion::parse(spec_.version);
    if (healthy_voter_count(sight_) < quorum_of(voter_count(sight_))) return std::nullopt;
    for (const MemberSight& member : sight_.members) {
      const auto from = EtcdVersion::parse(member.version);
      const bool runs = member.pod == PodState::running || member.pod == PodState::pending;
      const bool down = !member.healthy && member.unhealthy_for && *member.unhealthy_for >= policy_.unhealthy_after / 4;
      if (!member.listed || !down || member.gone() || !runs || !from || !to || *from <= *to || !why_not(*from, *to).empty()) continue;
      return act(Verb::delete_pod, member.name, "U15", "it is down, and back from " + member.version + " to " + spec_.version);
    }
    return std::nullopt;
  }

  /// One at a time, all healthy, leader last after its leadership moved (U15).
  Choice upgrade() const {
    const auto to = EtcdVersion::parse(spec_.version);
    const MemberSight* leader = nullptr;
    const MemberSight* current = nullptr;
    for (const MemberSight& member : sight_.members) {
      if (!member.listed) continue;
      if (member.version == spec_.version) {
        current = &member;
        continue;
      }
      const auto from = EtcdVersion::parse(member.version);
      if (!from || !to) continue;
      if (const std::string why = why_not(*from, *to); !why.empty()) return wait("U15", why);
      if (healthy_voter_count(sight_) - 1 < quorum_of(voter_count(sight_))) return wait("U15", "with one member less there is no quorum; the version stays");
      if (member.leader) {
        leader = &member;
        continue;
      }
      return act(Verb::delete_pod, member.name, "U15", "from " + member.version + " to " + spec_.version);
    }
    if (leader == nullptr) return std::nullopt;
    if (current == nullptr) return wait("U15", "nobody to take the leadership over");
    Action action = act(Verb::move_leader, leader->name, "U15", "the leader is upgraded last");
    action.other = current->name;
    return action;
  }

  const ClusterSpec& spec_;
  const Policy& policy_;
  const ClusterSight& sight_;
};

}  // namespace

std::size_t voter_count(const ClusterSight& sight) {
  return static_cast<std::size_t>(std::count_if(sight.members.begin(), sight.members.end(), [&](const MemberSight& member) { return is_voter(member, sight.leader_known); }));
}

std::size_t healthy_voter_count(const ClusterSight& sight) {
  return static_cast<std::size_t>(std::count_if(sight.members.begin(), sight.members.end(), [&](const MemberSight& member) { return is_voter(member, sight.leader_known) && member.healthy; }));
}

Action decide(const ClusterSpec& spec, const Policy& policy, const ClusterSight& sight) { return Judge(spec, policy, sight).decide(); }

}  // namespace skidpad::controllers::etcd_operator
