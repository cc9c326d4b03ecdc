// Decisions as tables, then a membership that is broken at random while the decisions are carried out: what must never happen
// does not, and each planted bug is found.
#include <gtest/gtest.h>

#include "controllers/etcd_operator/decision.hpp"
#include "harness/runtime/random.hpp"

namespace skidpad::controllers::etcd_operator {
namespace {

using namespace std::chrono_literals;
using Verb = Action::Verb;

MemberSight voter(const std::string& name, bool healthy = true) {
  MemberSight member;
  member.name = name;
  member.host = "host-" + name;
  member.recorded = member.listed = member.started = true;
  member.healthy = member.answers = healthy;
  member.version = "3.4.23";
  member.pod = PodState::running;
  if (!healthy) member.unhealthy_for = 1s;
  return member;
}

MemberSight learner(const std::string& name, bool started, bool healthy) {
  MemberSight member = voter(name, healthy);
  member.learner = true;
  member.started = started;
  if (!started) member.unstarted_for = 1s;
  return member;
}

HostSight host(const std::string& name) {
  HostSight host;
  host.name = name;
  host.address = "10.0.0.9";
  return host;
}

/// a leads, all are healthy.
ClusterSight running(int size) {
  ClusterSight sight;
  sight.created = sight.leader_known = true;
  for (int i = 0; i < size; ++i) sight.members.push_back(voter(std::string(1, static_cast<char>('a' + i))));
  sight.members.front().leader = true;
  sight.hosts.push_back(host("spare"));
  return sight;
}

struct Case {
  const char* name;
  std::size_t size;
  std::function<void(ClusterSight& sight, ClusterSpec& spec)> change;
  Verb verb;
  const char* member;
  const char* rule;
};

void expect(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    ClusterSight sight = running(static_cast<int>(each.size));
    ClusterSpec spec;
    spec.size = each.size;
    each.change(sight, spec);
    const Action action = decide(spec, Policy(), sight);
    EXPECT_EQ(to_text(action.verb), to_text(each.verb)) << each.name << ": " << action.reason;
    EXPECT_EQ(action.member, each.member) << each.name;
    EXPECT_EQ(action.rule, each.rule) << each.name << ": " << action.reason;
  }
}

TEST(EtcdDecision, KeepsAClusterAtItsSize) {
  expect({
      {"nothing to do", 3, [](auto&, auto&) {}, Verb::nothing, "", ""},
      {"paused, though one is gone", 3, [](auto& s, auto& spec) { spec.paused = true; s.members[1].healthy = false; s.members[1].data_lost = true; }, Verb::wait, "", "E20"},
      {"grows by a learner", 3, [](auto&, auto& spec) { spec.size = 5; }, Verb::add_member, "", "E4"},
      {"no host", 3, [](auto& s, auto& spec) { spec.size = 5; s.hosts.clear(); }, Verb::wait, "", "E3"},
      {"not while a voter is unhealthy", 3, [](auto& s, auto& spec) { spec.size = 5; s.members[2] = voter("c", false); }, Verb::wait, "", "E4"},
      {"one learner at a time", 3, [](auto& s, auto& spec) { spec.size = 5; s.members.push_back(learner("d", false, false)); }, Verb::wait, "", "E4"},
      {"a caught-up learner votes", 3, [](auto& s, auto& spec) { spec.size = 5; s.members.push_back(learner("d", true, true)); }, Verb::promote, "d", "E4"},
      {"a learner that never starts goes", 3, [](auto& s, auto& spec) { spec.size = 5; s.members.push_back(learner("d", false, false)); s.members[3].unstarted_for = 60s; }, Verb::remove_member, "d", "E10"},
      {"a learner on a lost host goes", 3, [](auto& s, auto& spec) { spec.size = 5; s.members.push_back(learner("d", false, false)); s.members[3].host_exists = false; }, Verb::remove_member, "d", "E10"},
      {"a dead voter goes before a learner votes", 5, [](auto& s, auto&) { s.members[4] = learner("e", true, true); s.members[1] = voter("b", false); s.members[1].data_lost = true; }, Verb::remove_member, "b", "E6"},
      {"shrinks by the newest", 3, [](auto&, auto& spec) { spec.size = 1; }, Verb::remove_member, "c", "E5"},
      {"never by the leader while there are others", 3, [](auto& s, auto& spec) { spec.size = 1; s.members[0].leader = false; s.members[2].leader = true; }, Verb::remove_member, "b", "E5"},
      {"shrinks where it is crowded", 5, [](auto& s, auto& spec) { spec.size = 3; s.members[1].zone = s.members[2].zone = "z"; }, Verb::remove_member, "e", "E5"},
      {"a stray pod goes", 3, [](auto& s, auto&) { MemberSight stray; stray.name = "x"; stray.pod = PodState::running; s.members.push_back(stray); }, Verb::delete_pod, "x", "E10"},
      {"a member without a pod gets one", 3, [](auto& s, auto&) { s.members[1] = voter("b", false); s.members[1].pod = PodState::none; }, Verb::start_pod, "b", "E7"},
      {"but not where its data is lost", 3, [](auto& s, auto&) { s.members[1] = voter("b", false); s.members[1].pod = PodState::none; s.members[1].data_lost = true; }, Verb::remove_member, "b", "E6"},
  });
}

TEST(EtcdDecision, NeverTakesAClusterBelowItsQuorum) {
  expect({
      {"one of three unhealthy for long", 3, [](auto& s, auto&) { s.members[1] = voter("b", false); s.members[1].unhealthy_for = 41s; }, Verb::remove_member, "b", "E6"},
      {"one of three unhealthy for a moment", 3, [](auto& s, auto&) { s.members[1] = voter("b", false); }, Verb::wait, "", "E4"},
      {"two of five", 5, [](auto& s, auto&) { for (int i : {1, 2}) { s.members[std::size_t(i)].healthy = false; s.members[std::size_t(i)].unhealthy_for = 60s; } }, Verb::remove_member, "b", "E6"},
      {"the one whose data is gone first", 5, [](auto& s, auto&) { for (int i : {1, 2}) { s.members[std::size_t(i)].healthy = false; s.members[std::size_t(i)].unhealthy_for = 60s; } s.members[2].data_lost = true; }, Verb::remove_member, "c", "E6"},
      {"one of two: the quorum would be the one that is left", 2, [](auto& s, auto& spec) { spec.size = 3; s.members[1].healthy = false; s.members[1].data_lost = true; }, Verb::wait, "", "E8"},
      {"the sole member", 1, [](auto& s, auto&) { s.members[0].healthy = false; s.members[0].unhealthy_for = 1h; s.members[0].data_lost = true; }, Verb::wait, "", "E8"},
      {"no upgrade of a sole member", 1, [](auto&, auto& spec) { spec.version = "3.5.0"; }, Verb::wait, "", "U15"},
  });
}

TEST(EtcdDecision, UpgradesOneAtATimeLeaderLast) {
  expect({
      {"a follower first", 3, [](auto&, auto& spec) { spec.version = "3.4.24"; }, Verb::delete_pod, "b", "U15"},
      {"one minor up", 3, [](auto&, auto& spec) { spec.version = "3.5.1"; }, Verb::delete_pod, "b", "U15"},
      {"the leader moves when it alone is old", 3, [](auto& s, auto& spec) { spec.version = "3.4.24"; s.members[1].version = s.members[2].version = "3.4.24"; }, Verb::move_leader, "a", "U15"},
      {"not while one is unhealthy", 3, [](auto& s, auto& spec) { spec.version = "3.4.24"; s.members[2] = voter("c", false); }, Verb::wait, "", "E4"},
      {"a begun upgrade is taken back", 3, [](auto& s, auto& spec) { spec.version = "3.4.23"; s.members[1].version = "3.4.24"; }, Verb::delete_pod, "b", "U15"},
      {"a bad release is taken back while its member is down", 3,
       [](auto& s, auto&) { s.members[2] = voter("c", false); s.members[2].version = "3.4.24"; s.members[2].unhealthy_for = 15s; }, Verb::delete_pod, "c", "U15"},
      {"a member of it that was asked once in vain is left alone", 3, [](auto& s, auto&) { s.members[2] = voter("c", false); s.members[2].version = "3.4.24"; }, Verb::wait, "", "E4"},
      {"a finished upgrade is not", 3, [](auto& s, auto&) { for (auto& member : s.members) member.version = "3.4.24"; }, Verb::wait, "", "U15"},
      {"no downgrade", 3, [](auto&, auto& spec) { spec.version = "3.4.22"; }, Verb::wait, "", "U15"},
      {"no two minors", 3, [](auto&, auto& spec) { spec.version = "3.6.0"; }, Verb::wait, "", "U15"},
      {"no next major", 3, [](auto&, auto& spec) { spec.version = "4.4.23"; }, Verb::wait, "", "U15"},
  });
}

TEST(EtcdDecision, BeginsAgainOnlyWhenTooMuchIsGoneForGood) {
  const auto lose = [](ClusterSight& s, std::vector<std::size_t> gone) {
    s.leader_known = false;
    s.quorum_lost_for = 11min;
    s.recovery_approved = true;
    for (MemberSight& member : s.members) {
      member.listed = member.healthy = member.leader = false;
      member.index = 10;
    }
    for (const std::size_t i : gone) {
      s.members[i].data_lost = true;
      s.members[i].answers = false;
    }
  };
  expect({
      {"silence of two is no death", 3, [&](auto& s, auto&) { lose(s, {}); s.members[1].answers = s.members[2].answers = false; }, Verb::wait, "", "E12"},
      {"one gone, one silent: may come back", 3, [&](auto& s, auto&) { lose(s, {1}); s.members[2].answers = false; }, Verb::wait, "", "E12"},
      {"two gone", 3, [&](auto& s, auto&) { lose(s, {0, 1}); }, Verb::recover_from_member, "c", "E13"},
      {"the newest data wins", 5, [&](auto& s, auto&) { lose(s, {0, 1, 2}); s.members[3].term = 5; s.members[4].index = 99; }, Verb::recover_from_member, "d", "E13"},
      {"a silent survivor may hold newer data", 5, [&](auto& s, auto&) { lose(s, {0, 1, 2}); s.members[4].answers = false; }, Verb::wait, "", "E14"},
      {"within the grace", 3, [&](auto& s, auto&) { lose(s, {0, 1}); s.quorum_lost_for = 9min; }, Verb::wait, "", "E13"},
      {"without approval", 3, [&](auto& s, auto&) { lose(s, {0, 1}); s.recovery_approved = false; }, Verb::wait, "", "E13"},
      {"all gone, a backup", 3, [&](auto& s, auto&) { lose(s, {0, 1, 2}); s.backup_known = true; }, Verb::recover_from_backup, "", "E16"},
      {"all gone, a backup, no approval", 3, [&](auto& s, auto&) { lose(s, {0, 1, 2}); s.backup_known = true; s.recovery_approved = false; }, Verb::wait, "", "E13"},
      {"all gone, no backup", 3, [&](auto& s, auto&) { lose(s, {0, 1, 2}); }, Verb::fail_no_backup, "", "E16"},
      {"a survivor beats a backup", 3, [&](auto& s, auto&) { lose(s, {0, 1}); s.backup_known = true; }, Verb::recover_from_member, "c", "E13"},
      {"pods come back first", 3, [&](auto& s, auto&) { lose(s, {}); s.members[1].pod = PodState::none; }, Verb::start_pod, "b", "E7"},
      {"no leader, no removal", 3, [&](auto& s, auto&) { lose(s, {0}); s.quorum_lost_for.reset(); }, Verb::wait, "", "E22"},
      {"paused", 3, [&](auto& s, auto& spec) { lose(s, {0, 1}); spec.paused = true; }, Verb::wait, "", "E20"},
      {"the quorum is one of five short", 5, [&](auto& s, auto&) { lose(s, {0, 1}); s.members[2].answers = false; }, Verb::wait, "", "E12"},
  });
}

TEST(EtcdDecision, BeginsWithOneMember) {
  ClusterSpec spec;
  ClusterSight sight;
  sight.hosts.push_back(host("h1"));
  EXPECT_EQ(decide(spec, Policy(), sight).verb, Verb::create_seed);
  sight.hosts.clear();
  EXPECT_EQ(decide(spec, Policy(), sight).rule, "E3");
  MemberSight first;
  first.name = "a";
  first.recorded = true;
  sight.members.push_back(first);
  EXPECT_EQ(decide(spec, Policy(), sight).verb, Verb::start_pod);
  sight.members[0].pod = PodState::running;
  EXPECT_EQ(decide(spec, Policy(), sight).verb, Verb::wait);
  sight.members[0].host_exists = false;
  EXPECT_EQ(decide(spec, Policy(), sight).verb, Verb::remove_member);
}

TEST(EtcdVersions, OnlyPatchesAndOneMinorUp) {
  const auto version = [](const char* text) { return *EtcdVersion::parse(text); };
  EXPECT_EQ(why_no_upgrade(version("3.4.23"), version("3.4.24")), "");
  EXPECT_EQ(why_no_upgrade(version("3.4.23"), version("3.5.0")), "");
  EXPECT_NE(why_no_upgrade(version("3.4.23"), version("3.4.22")), "");
  EXPECT_NE(why_no_upgrade(version("3.4.23"), version("3.6.0")), "");
  for (const char* bad : {"", "3", "3.4", "3.4.", "3.4.x", "3.4.23-0", "v3.4.23", "3.4.23.1"}) EXPECT_FALSE(EtcdVersion::parse(bad)) << bad;
}

/// A membership in which processes die, come back and lose their disks, and decisions are carried out, sometimes only half-way.
class Exploration {
 public:
  Exploration(std::uint64_t seed, Policy policy) : random_(seed), policy_(policy) {
    spec_.size = 3;
    sight_ = running(3);
    for (MemberSight& member : sight_.members) member.version = spec_.version;
    next_ = 3;
  }

  /// What must never happen and did; "" if all is well.
  std::string run(int steps) {
    for (int step = 0; step < steps && offence_.empty(); ++step) {
      disturb();
      look();
      carry_out(decide(spec_, policy_, sight_));
      see_again();
    }
    return offence_;
  }
  /// Once nothing is broken any more: whether the size is reached.
  bool settles() {
    for (MemberSight& member : sight_.members) {
      if (!member.gone()) member.healthy = true;
    }
    for (int step = 0; step < 60; ++step) {
      for (MemberSight& member : sight_.members) {
        if (member.pod == PodState::running && !member.gone()) member.healthy = member.started = member.answers = true;
      }
      look();
      see_again();
      const Action action = decide(spec_, policy_, sight_);
      if (action.verb == Verb::nothing) return voter_count(sight_) == spec_.size;
      carry_out(action);
    }
    return !sight_.leader_known;  // too much was lost: that needs approval
  }

 private:
  void disturb() {
    if (sight_.members.empty()) return;
    MemberSight& member = sight_.members[random_.below(sight_.members.size())];
    switch (random_.below(12)) {
      case 0: member.healthy = member.answers = false; break;
      case 1: member.healthy = member.answers = false; member.data_lost = true; break;
      case 2: case 3: case 4: case 5:
        for (MemberSight& other : sight_.members) {
          if (!other.gone() && other.pod == PodState::running) other.healthy = other.answers = other.started = true;
        }
        break;
      case 6: spec_.size = 1 + 2 * random_.below(3); break;
      case 7: if (!member.gone()) member.pod = PodState::none, member.healthy = member.answers = false; break;
      default: break;
    }
  }

  void look() {
    std::size_t voters = 0, healthy = 0;
    MemberSight* leader = nullptr;
    for (MemberSight& member : sight_.members) {
      if (!member.healthy) member.unhealthy_for = random_.below(2) == 0 ? 1s : 60s;
      else member.unhealthy_for.reset();
      if (member.listed && !member.started) member.unstarted_for = random_.below(4) == 0 ? 60s : 1s;
      member.leader = false;
      if (!member.learner && is_member(member)) {
        ++voters;
        if (member.healthy) {
          ++healthy;
          leader = &member;
        }
      }
    }
    const bool quorum = voters > 0 && healthy >= quorum_of(voters);
    sight_.leader_known = quorum;
    if (quorum) leader->leader = true;
    sight_.quorum_lost_for = quorum ? std::optional<Duration>() : std::optional<Duration>(random_.below(3) == 0 ? Duration(20min) : Duration(1min));
    for (MemberSight& member : sight_.members) member.listed = quorum && is_member(member);
    sight_.recovery_approved = false;
    sight_.hosts.assign(1, host("spare"));
    go_blind();
  }
  /// Now and then the operator cannot see a member that is well.
  void go_blind() {
    blind_.clear();
    if (sight_.members.empty() || random_.below(3) != 0) return;
    MemberSight& member = sight_.members[random_.below(sight_.members.size())];
    if (!member.healthy || member.gone()) return;
    blind_ = member.name;
    member.healthy = member.leader = false;
    member.unhealthy_for = 60s;
  }
  void see_again() {
    for (MemberSight& member : sight_.members) {
      if (member.name == blind_) member.healthy = true;
    }
    blind_.clear();
  }
  bool is_member(const MemberSight& member) const { return removed_.count(member.name) == 0; }

  void check(const char* what) {
    std::size_t voters = 0, healthy = 0, joining = 0;
    for (const MemberSight& member : sight_.members) {
      if (!is_member(member)) continue;
      if (member.learner) ++joining;
      if (member.learner) continue;
      ++voters;
      if (member.healthy || member.name == blind_) ++healthy;
    }
    if (healthy < quorum_of(voters)) offence_ = std::string("below quorum after ") + what;
    if (joining > 1) offence_ = "two members join at once";
  }

  void carry_out(const Action& action) {
    const auto found = std::find_if(sight_.members.begin(), sight_.members.end(), [&](const MemberSight& member) { return member.name == action.member; });
    switch (action.verb) {
      case Verb::add_member: {
        for (const MemberSight& member : sight_.members) {
          if (is_member(member) && !member.learner && !member.healthy) offence_ = "added while " + member.name + " is unhealthy";
        }
        MemberSight joined = learner("m" + std::to_string(next_++), false, false);
        if (random_.below(3) == 0) joined.pod = PodState::none;  // the operator died before it made the pod
        sight_.members.push_back(joined);
        check("add");
        break;
      }
      case Verb::promote:
        for (const MemberSight& member : sight_.members) {
          if (is_member(member) && !member.learner && !member.healthy) offence_ = "promoted while " + member.name + " is unhealthy";
        }
        found->learner = false;
        check("promote");
        break;
      case Verb::remove_member: {
        const bool wanted = action.rule == "E5" || found->learner;
        if (found->healthy && !wanted) offence_ = "healthy voter " + found->name + " removed";
        if (found->leader && voter_count(sight_) > 1) offence_ = "leader removed";
        removed_.insert(found->name);
        found->recorded = found->listed = false;
        if (random_.below(3) == 0) found->pod = PodState::running;  // the operator died before it deleted the pod
        else sight_.members.erase(found);
        check("remove");
        break;
      }
      case Verb::start_pod:
        found->pod = PodState::running;
        if (found->gone()) offence_ = "started without data";
        break;
      case Verb::delete_pod:
        if (is_member(*found) && found->healthy) offence_ = "pod of a healthy member deleted";
        if (is_member(*found)) found->pod = PodState::none;
        else sight_.members.erase(found);
        break;
      case Verb::recover_from_member:
      case Verb::recover_from_backup: offence_ = "recovered without approval"; break;
      default: break;
    }
  }

  runtime::Random random_;
  Policy policy_;
  ClusterSpec spec_;
  ClusterSight sight_;
  std::set<std::string> removed_;
  std::string blind_;
  int next_ = 0;
  std::string offence_;
};

TEST(EtcdDecision, KeepsItsPromisesInRandomMemberships) {
  int settled = 0;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    Exploration exploration(seed, Policy());
    ASSERT_EQ(exploration.run(120), "") << "seed " << seed;
    settled += exploration.settles() ? 1 : 0;
  }
  EXPECT_EQ(settled, 500);
}

TEST(EtcdDecision, PlantedBugsAreFound) {
  const struct {
    const char* name;
    void (*plant)(Policy& policy);
  } bugs[] = {{"removes healthy voters", [](Policy& policy) { policy.bug_remove_healthy = true; }},
              {"forgets the quorum", [](Policy& policy) { policy.bug_ignore_quorum = true; }},
              {"adds before it removes", [](Policy& policy) { policy.bug_add_voter_first = true; }}};
  for (const auto& bug : bugs) {
    Policy policy;
    bug.plant(policy);
    bool found = false;
    for (std::uint64_t seed = 1; seed <= 2000 && !found; ++seed) found = !Exploration(seed, policy).run(120).empty();
    EXPECT_TRUE(found) << bug.name;
  }
}

}  // namespace
}  // namespace skidpad::controllers::etcd_operator
