#include "fakes/etcd/raft.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::etcd {
namespace {

using namespace std::chrono_literals;
using runtime::Duration;
using runtime::Instant;

/// Members in one place, with a network that delays, loses, reorders and cuts as a seed says, and disks that keep what was taken.
class Bench {
 public:
  struct Node {
    explicit Node(std::unique_ptr<Raft> raft) : raft(std::move(raft)) {}
    std::unique_ptr<Raft> raft;
    bool up = true;
    HardState disk_state;
    std::vector<Entry> disk_entries;
    std::shared_ptr<const RaftSnapshot> disk_snapshot;
    std::vector<std::pair<std::uint64_t, std::string>> applied;
  };

  Bench(std::size_t count, std::uint64_t seed, RaftOptions planted = RaftOptions()) : random_(seed), planted_(planted) {
    for (std::size_t i = 1; i <= count; ++i) voters_.insert(MemberId{i});
    for (const MemberId id : voters_) boot(id, nullptr);
  }
  void boot(MemberId id, const Node* before) {
    RaftOptions options = planted_;
    options.id = id;
    auto node = std::make_unique<Node>(nullptr);
    Node* raw = node.get();
    node->raft = std::make_unique<Raft>(options, random_.split(client::to_text(id) + std::to_string(boots_++)), now_, [this, raw] { return snapshot_of(*raw); });
    RaftSnapshot snapshot;
    snapshot.voters = voters_;
    if (before != nullptr) {
      if (before->disk_snapshot) snapshot = *before->disk_snapshot;
      node->raft->restore(before->disk_state, snapshot, before->disk_entries);
      node->disk_state = before->disk_state;
      node->disk_entries = before->disk_entries;
      node->disk_snapshot = before->disk_snapshot;
      if (before->disk_snapshot) node->applied = histories_[before->disk_snapshot->index];
    } else {
      node->raft->restore(HardState(), snapshot, {});
    }
    nodes_[id] = std::move(node);
  }
  std::shared_ptr<const RaftSnapshot> snapshot_of(Node& node) {
    auto snapshot = std::make_shared<RaftSnapshot>();
    snapshot->index = node.raft->applied();
    snapshot->term = node.raft->term_of(snapshot->index);
    snapshot->voters = node.raft->voters();
    snapshot->data = std::make_shared<const std::string>();
    histories_[snapshot->index] = node.applied;
    return snapshot;
  }
  void restart(MemberId id) {
    const std::unique_ptr<Node> old = std::move(nodes_[id]);
    boot(id, old.get());
  }
  Node& node(MemberId id) { return *nodes_.at(id); }
  Raft& raft(std::uint64_t id) { return *nodes_.at(MemberId{id})->raft; }

  void pump(Node& node) {
    Raft& raft = *node.raft;
    while (raft.has_ready()) {
      Ready ready = raft.take_ready();
      if (ready.snapshot) {
        node.disk_snapshot = ready.snapshot;
        node.disk_entries.clear();
        node.applied = histories_[ready.snapshot->index];
      }
      for (const Entry& entry : ready.entries) {
        while (!node.disk_entries.empty() && node.disk_entries.back().index >= entry.index) node.disk_entries.pop_back();
        node.disk_entries.push_back(entry);
      }
      if (ready.hard_state) node.disk_state = *ready.hard_state;
      for (Message& message : ready.messages) wire_.push_back({now_ + random_.between(1ms, delay_max), std::move(message)});
      for (const ReadState& read : ready.reads) reads.push_back({read.context, read.index});
      raft.advance(now_);
      for (const Entry& entry : raft.take_committed()) {
        if (entry.data) node.applied.emplace_back(entry.index, *entry.data);
        raft.set_applied(entry.index);
      }
    }
    if (raft.role() == Role::leader) leaders_of_term[raft.term()].insert(raft.id());
  }
  bool cut(MemberId a, MemberId b) const { return cuts.contains({a, b}) || cuts.contains({b, a}); }
  void run_for(Duration duration) {
    const Instant due = now_ + duration;
    while (now_ < due) {
      now_ += 1ms;
      for (auto& [id, node] : nodes_) {
        if (!node->up) continue;
        if (now_ >= node->raft->next_deadline()) node->raft->tick(now_);
        pump(*node);
      }
      for (std::size_t i = 0; i < wire_.size();) {
        if (wire_[i].due > now_) {
          ++i;
          continue;
        }
        Message message = std::move(wire_[i].message);
        wire_.erase(wire_.begin() + static_cast<std::ptrdiff_t>(i));
        Node& to = node(message.to);
        if (!to.up || cut(message.from, message.to) || random_.chance(loss)) continue;
        to.raft->step(std::move(message), now_);
        pump(to);
      }
    }
  }
  Raft* leader() {
    Raft* found = nullptr;
    for (auto& [id, node] : nodes_)
      if (node->up && node->raft->role() == Role::leader && (found == nullptr || node->raft->term() > found->term())) found = node->raft.get();
    return found;
  }
  bool propose(Raft& at, const std::string& text) {
    const bool accepted = at.propose(std::make_shared<const std::string>(text), false, now_);
    pump(node(at.id()));
    return accepted;
  }
  /// Applied logs must be prefixes of one another.
  bool agree() {
    for (auto& [a, left] : nodes_)
      for (auto& [b, right] : nodes_)
        for (std::size_t i = 0; i < std::min(left->applied.size(), right->applied.size()); ++i)
          if (left->applied[i] != right->applied[i]) return false;
    return true;
  }
  bool one_leader_per_term() {
    return std::all_of(leaders_of_term.begin(), leaders_of_term.end(), [](const auto& term) { return term.second.size() == 1; });
  }

  Instant now() const { return now_; }
  std::set<std::pair<MemberId, MemberId>> cuts;
  runtime::Ratio loss{0, 1};
  Duration delay_max = 3ms;
  std::map<std::uint64_t, std::set<MemberId>> leaders_of_term;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> reads;
  std::map<MemberId, std::unique_ptr<Node>> nodes_;
  runtime::Random random_;

 private:
  struct Flying {
    Instant due;
    Message message;
  };
  RaftOptions planted_;
  std::set<MemberId> voters_;
  std::vector<Flying> wire_;
  std::map<std::uint64_t, std::vector<std::pair<std::uint64_t, std::string>>> histories_;
  Instant now_{};
  int boots_ = 0;
};

TEST(Raft, ElectsOneLeaderWithinTwoTimeouts) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Bench bench(3, seed);
    bench.run_for(2200ms);
    ASSERT_NE(bench.leader(), nullptr) << "seed " << seed;
    EXPECT_TRUE(bench.one_leader_per_term());
  }
}

TEST(Raft, LoneMemberCommitsByItself) {
  Bench bench(1, 1);
  bench.run_for(2100ms);
  ASSERT_NE(bench.leader(), nullptr);
  EXPECT_TRUE(bench.propose(*bench.leader(), "a"));
  EXPECT_EQ(bench.node(MemberId{1}).applied.size(), 1u);
}

TEST(Raft, ReplicatesToAllAndFollowersForwardProposals) {
  Bench bench(3, 1);
  bench.run_for(2500ms);
  for (auto& [id, node] : bench.nodes_) EXPECT_TRUE(bench.propose(*node->raft, client::to_text(id)));
  bench.run_for(500ms);
  for (auto& [id, node] : bench.nodes_) EXPECT_EQ(node->applied.size(), 3u);
  EXPECT_TRUE(bench.agree());
}

TEST(Raft, MinorityCommitsNothingAndItsLeaderStepsDown) {
  Bench bench(3, 3);
  bench.run_for(2500ms);
  Raft* old = bench.leader();
  ASSERT_NE(old, nullptr);
  for (std::uint64_t id = 1; id <= 3; ++id)
    if (MemberId{id} != old->id()) bench.cuts.insert({old->id(), MemberId{id}});
  bench.propose(*old, "lost");
  bench.run_for(5s);
  EXPECT_NE(old->role(), Role::leader);
  EXPECT_TRUE(bench.node(old->id()).applied.empty());
  Raft* next = bench.leader();
  ASSERT_NE(next, nullptr);
  EXPECT_NE(next->id(), old->id());
  EXPECT_TRUE(bench.propose(*next, "kept"));
  bench.cuts.clear();
  bench.run_for(5s);
  for (auto& [id, node] : bench.nodes_) {
    ASSERT_EQ(node->applied.size(), 1u);
    EXPECT_EQ(node->applied[0].second, "kept");
  }
}

TEST(Raft, ReadIndexWaitsForAMajority) {
  Bench bench(3, 4);
  bench.run_for(2500ms);
  Raft* leader = bench.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_TRUE(leader->read_index(17, bench.now()));
  bench.run_for(100ms);
  ASSERT_EQ(bench.reads.size(), 1u);
  EXPECT_EQ(bench.reads[0].first, 17u);
  for (std::uint64_t id = 1; id <= 3; ++id)
    if (MemberId{id} != leader->id()) bench.cuts.insert({leader->id(), MemberId{id}});
  leader->read_index(18, bench.now());
  bench.run_for(3s);
  EXPECT_EQ(bench.reads.size(), 1u) << "a cut-off leader must not answer reads";
}

TEST(Raft, TransfersLeadershipAtOnce) {
  Bench bench(3, 5);
  bench.run_for(2500ms);
  Raft* leader = bench.leader();
  ASSERT_NE(leader, nullptr);
  const MemberId target{static_cast<std::uint64_t>(leader->id()) % 3 + 1};
  leader->transfer_leadership(target, bench.now());
  bench.run_for(50ms);
  EXPECT_EQ(bench.node(target).raft->role(), Role::leader);
}

TEST(Raft, FollowerFarBehindGetsASnapshot) {
  Bench bench(3, 6);
  bench.run_for(2500ms);
  Raft* leader = bench.leader();
  ASSERT_NE(leader, nullptr);
  const MemberId behind{static_cast<std::uint64_t>(leader->id()) % 3 + 1};
  bench.node(behind).up = false;
  for (int i = 0; i < 50; ++i) {
    bench.propose(*leader, std::to_string(i));
    bench.run_for(5ms);
  }
  bench.run_for(200ms);
  leader->compact(leader->applied());
  bench.node(behind).up = true;
  bench.run_for(5s);
  EXPECT_EQ(bench.node(behind).applied.size(), 50u);
  EXPECT_TRUE(bench.agree());
}

TEST(Raft, LearnerHasNoVoteUntilPromoted) {
  Bench bench(1, 7);
  bench.run_for(2100ms);
  Raft& leader = bench.raft(1);
  MembershipChange change;
  change.kind = MembershipChange::Kind::add_learner;
  change.id = MemberId{2};
  leader.apply_membership_change(change, bench.now());
  EXPECT_TRUE(bench.propose(leader, "alone"));
  EXPECT_EQ(bench.node(MemberId{1}).applied.size(), 1u) << "a learner is not waited for";
  change.kind = MembershipChange::Kind::add_voter;
  leader.apply_membership_change(change, bench.now());
  EXPECT_TRUE(bench.propose(leader, "together"));
  EXPECT_EQ(bench.node(MemberId{1}).applied.size(), 1u) << "a voter is";
}

TEST(Raft, LostLogIsFatalNotSilent) {
  Bench bench(1, 8);
  Message heartbeat(MessageType::heartbeat, MemberId{1});
  heartbeat.from = MemberId{2};
  heartbeat.term = 5;
  heartbeat.commit = 99;
  bench.raft(1).step(heartbeat, bench.now());
  EXPECT_NE(bench.raft(1).fatal().find("Was the raft log corrupted, truncated, or lost?"), std::string::npos);
}

/// Crashes, cuts and loss at random; true if the invariants held.
bool survives_chaos(std::uint64_t seed, RaftOptions planted) {
  Bench bench(3, seed, planted);
  bench.loss = runtime::Ratio{1, 20};
  bench.delay_max = 400ms;
  int next = 0;
  for (int round = 0; round < 40; ++round) {
    bench.run_for(bench.random_.between(100ms, 1500ms));
    const MemberId a{bench.random_.below(3) + 1}, b{bench.random_.below(3) + 1};
    switch (bench.random_.below(4)) {
      case 0: bench.cuts.insert({a, b}); break;
      case 1: bench.restart(a); break;
      default: bench.cuts.clear();
    }
    if (Raft* leader = bench.leader()) bench.propose(*leader, std::to_string(next++));
    if (!bench.agree() || !bench.one_leader_per_term()) return false;
  }
  return true;
}

TEST(Raft, AgreesUnderRandomFaults) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    RaftOptions options;
    options.pre_vote = seed % 2 == 0;
    ASSERT_TRUE(survives_chaos(seed, options)) << "seed " << seed;
  }
}

TEST(RaftChecks, CatchAMemberThatVotesTwice) {
  RaftOptions planted;
  planted.bug_forget_vote = true;
  bool caught = false;
  for (std::uint64_t seed = 1; seed <= 100 && !caught; ++seed) caught = !survives_chaos(seed, planted);
  EXPECT_TRUE(caught);
}

TEST(RaftChecks, CatchACommitBeforeTheQuorum) {
  RaftOptions planted;
  planted.bug_commit_before_quorum = true;
  bool caught = false;
  for (std::uint64_t seed = 1; seed <= 100 && !caught; ++seed) caught = !survives_chaos(seed, planted);
  EXPECT_TRUE(caught);
}

}  // namespace
}  // namespace skidpad::fakes::etcd
