/// @file decision.hpp
/// What to do next with one cluster: pure, from what is seen and remembered.
/// Promise (behaviours E4, E5, E8, E13, E14, E18, E22): at most one membership step; none without a leader or with a quorum that the
/// step would break; a dead member is removed before another is added; voters grow only through learners and never while one is
/// unhealthy; a cluster is begun again only when too many members are known to be gone for good, after a grace, with approval.
#pragma once

#include "controllers/etcd_operator/model.hpp"

namespace skidpad::controllers::etcd_operator {

enum class PodState { none, pending, running, failed, terminating };

/// One member: of the record, of etcd's member list, a pod, or all three.
struct MemberSight {
  MemberSight() {}
  std::string name;
  std::string host;
  std::string zone;
  bool recorded = false;
  bool listed = false;            ///< in etcd's member list
  MemberId id{};
  bool learner = false;
  bool started = false;           ///< etcd knows its name
  bool healthy = false;           ///< a linearizable read through it worked just now; of a learner a serializable one (E21)
  bool answers = false;           ///< it tells its own state, with or without quorum
  bool leader = false;
  std::uint64_t term = 0;
  std::uint64_t index = 0;
  std::string version;            ///< that its pod runs
  PodState pod = PodState::none;
  bool host_exists = true;        ///< there is a Node object
  bool data_lost = false;         ///< for certain: the Node is gone, or its disk was looked at
  std::optional<Duration> unhealthy_for;
  std::optional<Duration> unstarted_for;  ///< since it was listed
  bool gone() const { return data_lost || !host_exists; }
};

/// A node that could carry one more member, best first.
struct HostSight {
  HostSight() {}
  std::string name;
  std::string address;
  std::string zone;
};

struct ClusterSight {
  ClusterSight() {}
  bool created = false;
  bool leader_known = false;      ///< some member answered a linearizable read just now
  std::vector<MemberSight> members;  ///< in the order they were made
  std::vector<HostSight> hosts;
  std::optional<Duration> quorum_lost_for;
  bool recovery_approved = false;
  bool backup_known = false;      ///< a verified one
};

/// What decides beside the sight.
struct Policy {
  Duration unhealthy_after = std::chrono::seconds(40);
  Duration unstarted_max = std::chrono::seconds(50);
  Duration recovery_grace = std::chrono::minutes(10);
  // Bugs to plant, for the tests of the tests.
  bool bug_remove_healthy = false;
  bool bug_ignore_quorum = false;
  bool bug_add_voter_first = false;
  bool bug_no_grace = false;
};

struct Action {
  enum class Verb {
    nothing,
    wait,            ///< `reason` says for what
    create_seed,     ///< on `host`
    start_pod,       ///< of `member`
    delete_pod,
    add_member,      ///< on `host`, as a learner
    promote,
    remove_member,
    move_leader,     ///< away from `member`
    recover_from_member,
    recover_from_backup,
    fail_no_backup,
  };
  Action() {}
  Action(Verb verb, std::string member, std::string reason) : verb(verb), member(std::move(member)), reason(std::move(reason)) {}
  Verb verb = Verb::nothing;
  std::string member;
  std::string other;   ///< move_leader: to whom
  HostSight host;
  std::string rule;    ///< the behaviour it follows, for events
  std::string reason;
};
std::string_view to_text(Action::Verb verb);

Action decide(const ClusterSpec& spec, const Policy& policy, const ClusterSight& sight);

/// floor(voters / 2) + 1
constexpr std::size_t quorum_of(std::size_t voters) { return voters / 2 + 1; }
/// Members that etcd counts, or, where it cannot be asked, all that are remembered.
std::size_t voter_count(const ClusterSight& sight);
std::size_t healthy_voter_count(const ClusterSight& sight);

}  // namespace skidpad::controllers::etcd_operator
