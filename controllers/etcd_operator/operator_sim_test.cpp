// The whole operator against the model of etcd on simulated hosts that die, return, lose their disks and are cut off, while eight
// clients write. Times are the kubernetes profile's: a look every 8 s.
#include "controllers/etcd_operator/testing/small_world.hpp"

#include "controllers/etcd_operator/backup_controller.hpp"

namespace skidpad::controllers::etcd_operator {
namespace {

using testing::SmallWorld;
using namespace std::chrono_literals;
using runtime::Runtime;
using runtime::text_at;

std::string available(SmallWorld& it) {
  const Json& condition = client::condition_of(it.cluster(), "Available");
  return text_at(condition, {"status"}) + " " + text_at(condition, {"reason"});
}

void begin(SmallWorld& it, int size = 3, Json more = Json::object()) {
  it.start_operator();
  it.create_cluster(size, std::move(more));
  ASSERT_TRUE(it.reaches(60s, [&] { return it.whole(static_cast<std::size_t>(size)); })) << it.cluster().dump(1);
  it.start_traffic();
  it.run_for(3s);
}

/// Nothing acknowledged is missing, and one cluster took all writes.
void expect_nothing_lost(SmallWorld& it) {
  it.stop_traffic();
  EXPECT_GT(it.acknowledged.size(), 50u);
  const auto lost = it.lost();
  EXPECT_TRUE(lost.empty()) << lost.size() << " lost, the first at revision " << (lost.empty() ? 0 : lost.front().revision);
  EXPECT_EQ(it.cluster_ids.size(), 1u);
}

/// Whole again without this member, by a status written after it went.
bool whole_without(SmallWorld& it, const std::string& member) {
  const auto ready = it.ready();
  return it.told("MemberRemoved") + it.told("RecoveryFinished") >= 1 && std::find(ready.begin(), ready.end(), member) == ready.end() && it.whole(3);
}

std::size_t backup_count(SmallWorld& it) { return runtime::list_at(it.backup(), {"status", "backups"}).size(); }

TEST(EtcdOperator, MakesThreeVotersOnThreeHosts) {
  SmallWorld it;
  begin(it);
  EXPECT_EQ(it.phase(), "Running");
  EXPECT_EQ(available(it), "True QuorumServes");
  std::set<std::string> hosts;
  for (const std::string& member : it.ready()) hosts.insert(it.host_of(member));
  EXPECT_EQ(hosts.size(), 3u);
  EXPECT_EQ(text_at(it.cluster(), {"status", "currentVersion"}), "3.4.23");
  expect_nothing_lost(it);
}

TEST(EtcdOperator, ScalesFromOneToThreeToFiveAndBackUnderTraffic) {
  SmallWorld it;
  begin(it, 1);
  for (const int size : {3, 5, 3}) {
    it.change_spec([size](Json& spec) { spec["size"] = size; });
    ASSERT_TRUE(it.reaches(60s, [&] { return it.whole(static_cast<std::size_t>(size)); })) << size << it.cluster()["status"].dump(1);
  }
  EXPECT_EQ(it.told("MemberRemoved"), 2u);
  expect_nothing_lost(it);
}

TEST(EtcdOperator, LetsAMemberWithItsDataComeBackByItself) {
  SmallWorld it;
  begin(it);
  const auto before = it.ready();
  it.kill_etcd(it.host_of(before.front()));
  it.run_for(30s);
  EXPECT_TRUE(it.whole(3));
  EXPECT_EQ(it.ready(), before);
  EXPECT_EQ(it.told("MemberRemoved"), 0u);
  expect_nothing_lost(it);
}

TEST(EtcdOperator, ReplacesAMemberThatLostItsDisk) {
  SmallWorld it;
  begin(it);
  const std::string lost = it.ready().front();
  it.lose_disk(it.host_of(lost));
  ASSERT_TRUE(it.reaches(60s, [&] { return whole_without(it, lost); })) << it.cluster()["status"].dump(1);
  EXPECT_EQ(it.told("MemberRemoved"), 1u);
  expect_nothing_lost(it);
}

TEST(EtcdOperator, ReplacesAMemberWhoseHostIsDestroyedAndOneWhoseHostHangs) {
  SmallWorld it;
  begin(it);
  const std::string first = it.ready().front();
  it.destroy(it.host_of(first));
  ASSERT_TRUE(it.reaches(60s, [&] { return whole_without(it, first); })) << it.cluster()["status"].dump(1);
  const std::string second = it.ready().front();
  it.power_off(it.host_of(second));
  ASSERT_TRUE(it.reaches(90s, [&] { return whole_without(it, second); })) << it.cluster()["status"].dump(1);
  EXPECT_EQ(it.told("MemberRemoved"), 2u);
  expect_nothing_lost(it);
}

TEST(EtcdOperator, SeesALostQuorumAndLetsItComeBack) {
  SmallWorld it;
  begin(it);
  const auto members = it.ready();
  std::vector<std::string> hosts;
  for (const std::string& member : members) hosts.push_back(it.host_of(member));
  it.power_off(hosts[0]);
  it.power_off(hosts[1]);
  ASSERT_TRUE(it.reaches(24s, [&] { return available(it) == "False QuorumLost"; })) << it.cluster()["status"].dump(1);
  EXPECT_EQ(it.phase(), "QuorumLost");
  it.run_for(3min);  // longer than an unhealthy member is otherwise borne with
  it.power_on(hosts[0]);
  it.power_on(hosts[1]);
  ASSERT_TRUE(it.reaches(60s, [&] { return it.whole(3); })) << it.cluster()["status"].dump(1);
  EXPECT_EQ(it.ready(), members);
  EXPECT_EQ(it.told("MemberRemoved"), 0u);
  EXPECT_EQ(it.told("RecoveryStarted"), 0u);
  expect_nothing_lost(it);
}

TEST(EtcdOperator, SurvivesAPowerCutOfAllHosts) {
  SmallWorld it;
  begin(it);
  const auto members = it.ready();
  std::vector<std::string> hosts;
  for (const std::string& member : members) hosts.push_back(it.host_of(member));
  for (const std::string& host : hosts) it.power_off(host);
  it.run_for(5min);
  for (const std::string& host : hosts) it.power_on(host);
  ASSERT_TRUE(it.reaches(120s, [&] { return it.whole(3); }));
  EXPECT_EQ(it.ready(), members);
  expect_nothing_lost(it);
}

TEST(EtcdOperator, BeginsAgainFromTheSurvivorAfterGraceAndWithApprovalOnly) {
  SmallWorld it(1, 6);
  begin(it, 3, {{"recovery", {{"grace", "2m"}}}});
  const auto members = it.ready();
  const Revision seen = it.acknowledged.back().revision;
  it.destroy(it.host_of(members[0]));
  it.destroy(it.host_of(members[1]));
  it.run_for(115s);
  EXPECT_EQ(it.told("RecoveryStarted"), 0u) << "within the grace";
  it.run_for(60s);
  EXPECT_EQ(it.told("RecoveryStarted"), 0u) << "nobody approved";
  EXPECT_EQ(text_at(it.cluster(), {"status", "reason"}), "recovery needs approval");
  it.annotate("etcd.database.coreos.com/approve-recovery", "r7");
  it.run_for(20s);
  EXPECT_EQ(it.told("RecoveryStarted"), 0u) << "an approval of something else";
  it.annotate("etcd.database.coreos.com/approve-recovery", "r1");
  ASSERT_TRUE(it.reaches(120s, [&] { return it.told("RecoveryFinished") == 1 && it.whole(3); })) << it.cluster()["status"].dump(1);
  EXPECT_EQ(text_at(it.cluster(), {"status", "lastRecovery", "member"}), members[2]);
  it.run_for(5s);
  EXPECT_GT(it.acknowledged.back().revision, seen + 1000) << "watchers must be made to list again";
  EXPECT_TRUE(it.world->machine(it.host_of(members[2]))->disk().exists("/var/lib/etcd-operator/default/data/" + members[2] + ".before-r1/member"));
  expect_nothing_lost(it);  // the survivor had everything that the others had acknowledged
}

TEST(EtcdOperator, TakesNoPartitionForDeath) {
  SmallWorld it;
  begin(it, 3, {{"recovery", {{"grace", "10s"}, {"autoRecover", true}}}});
  for (int host = 1; host <= 5; ++host) it.partition("op-1", "host-" + std::to_string(host), true);
  const std::size_t before = it.acknowledged.size();
  it.run_for(5min);
  EXPECT_EQ(available(it), "False QuorumLost");
  EXPECT_GT(it.acknowledged.size(), before + 1000);
  EXPECT_EQ(it.told("MemberRemoved") + it.told("RecoveryStarted") + it.told("PodDeleted"), 0u);
  for (int host = 1; host <= 5; ++host) it.partition("op-1", "host-" + std::to_string(host), false);
  ASSERT_TRUE(it.reaches(60s, [&] { return it.whole(3); }));
  expect_nothing_lost(it);
}

TEST(EtcdOperator, NeverBeginsEmptyOverACluster) {
  SmallWorld it(1, 6);
  begin(it, 3, {{"recovery", {{"grace", "30s"}, {"autoRecover", true}}}});
  for (const std::string& member : it.ready()) it.lose_disk(it.host_of(member));
  ASSERT_TRUE(it.reaches(90s, [&] { return it.phase() == "Failed"; })) << it.cluster()["status"].dump(1);
  EXPECT_EQ(text_at(it.cluster(), {"status", "reason"}), "NoBackup");
  const std::size_t acknowledged = it.acknowledged.size();
  it.run_for(3min);
  EXPECT_EQ(it.acknowledged.size(), acknowledged);
  EXPECT_EQ(it.cluster_ids.size(), 1u);
}

TEST(EtcdOperator, RestoresTheNewestBackupWhenAllIsGoneAndOnlyWritesSinceAreLost) {
  SmallWorld it(1, 8);
  begin(it, 3, {{"recovery", {{"grace", "30s"}, {"autoRecover", true}}}});
  it.backup_to_s3({{"backupIntervalInSecond", 60}, {"maxBackups", 2}});
  ASSERT_TRUE(it.reaches(200s, [&] { return it.told("BackupSucceeded") >= 3; })) << it.backup().dump(1);
  EXPECT_EQ(runtime::list_at(it.backup(), {"status", "backups"}).size(), 2u);
  it.run_for(10s);
  for (const std::string& member : it.ready()) it.destroy(it.host_of(member));
  ASSERT_TRUE(it.reaches(150s, [&] { return it.told("RecoveryFinished") == 1 && it.whole(3); })) << it.cluster()["status"].dump(1);
  it.stop_traffic();
  const Revision restored = runtime::integer_at(it.cluster(), {"status", "lastRecovery", "restoredRevision"});
  const std::map<std::string, Revision> there = it.read_all();
  std::size_t lost = 0;
  for (const auto& write : it.acknowledged) {
    const bool before = write.revision <= restored, after = write.revision > restored + 1000;
    if (there.contains(write.key)) continue;
    ++lost;
    EXPECT_FALSE(before) << write.key << " was in the backup, revision " << write.revision << " of " << restored;
    EXPECT_FALSE(after) << write.key << " was acknowledged after the restore";
  }
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(it.cluster_ids.size(), 2u) << "a restored cluster has a new identity";
}

TEST(EtcdOperator, CountsOnlyBackupsThatCanBeReadBackAndKeepsTheOnesThereAre) {
  SmallWorld it;
  begin(it);
  it.backup_to_s3({{"backupIntervalInSecond", 30}, {"maxBackups", 1}, {"timeoutInSecond", 20}});
  ASSERT_TRUE(it.reaches(40s, [&] { return backup_count(it) == 1; })) << it.backup().dump(1);
  const std::string first = text_at(it.backup()["status"]["backups"][0], {"object"});
  for (const char* fault : {R"({"lie":true})", R"({"full":true})", R"({"refuse":true})", R"({"slow":"1m"})"}) {
    const auto set = [](Runtime& runtime, std::string body) -> Task<bool> {
      runtime::HttpClientOptions options;
      options.servers = {runtime::Endpoint{"10.0.1.5", 9000}};
      runtime::HttpClient http(runtime, options);
      runtime::HttpRequest request;
      request.method = "POST";
      request.target = "/-/faults";
      request.body = std::move(body);
      auto answer = co_await http.request(std::move(request));
      co_return answer && answer.value().status == 204;
    };
    ASSERT_EQ(it.world->run(set(*it.world->machine("store")->processes().front(), fault), it.world->now() + 5s), true);
    it.run_for(90s);
    EXPECT_FALSE(runtime::bool_at(it.backup(), {"status", "succeeded"})) << fault;
    EXPECT_NE(text_at(it.backup(), {"status", "reason"}), "") << fault;
    ASSERT_EQ(runtime::list_at(it.backup(), {"status", "backups"}).size(), 1u) << fault;
    EXPECT_EQ(text_at(it.backup()["status"]["backups"][0], {"object"}), first) << fault;
  }
  EXPECT_EQ(client::condition_status(it.backup(), "BackupStale"), "True");
  EXPECT_TRUE(it.world->machine("store")->disk().exists("/var/lib/object-store/backups/" + client::s3_encode(first, false)));
  expect_nothing_lost(it);
}

TEST(EtcdOperator, RestoresToTheSameAndToAnotherNameAndRefusesWhatIsNoBackup) {
  SmallWorld it(1, 8);
  begin(it);
  it.backup_to_s3(nullptr);
  ASSERT_TRUE(it.reaches(40s, [&] { return backup_count(it) == 1; })) << it.backup().dump(1);
  const auto restore = [&](const char* name, const char* cluster, const char* object) {
    Json wanted;
    wanted["metadata"] = {{"name", name}, {"namespace", "default"}};
    wanted["spec"] = {{"etcdCluster", {{"name", cluster}}}, {"backupName", "nightly"}};
    if (*object != '\0') wanted["spec"]["object"] = object;
    it.api.put(types::restores, std::move(wanted));
  };
  const auto phase = [&](const char* name) { return text_at(*it.api.get(types::restores, std::string("default/") + name), {"status", "phase"}); };
  restore("wrong", "data", "etcd/readme.txt");
  it.run_for(20s);
  EXPECT_EQ(phase("wrong"), "Failed");
  EXPECT_EQ(it.told("PodDeleted"), 0u);
  EXPECT_TRUE(it.whole(3));
  it.api.erase(types::restores, "default/wrong");

  it.stop_traffic();
  restore("copy", "other", "");
  ASSERT_TRUE(it.reaches(120s, [&] { return phase("copy") == "Finished"; })) << it.cluster("default/other").dump(1);
  EXPECT_TRUE(it.whole(3, "default/other"));
  EXPECT_TRUE(it.whole(3)) << "the cluster that was copied is untouched";

  const std::vector<std::string> before = it.ready();
  const std::string host = it.host_of(before.front());
  restore("back", "data", "");
  ASSERT_TRUE(it.reaches(120s, [&] { return phase("back") == "Finished"; })) << it.cluster()["status"].dump(1);
  EXPECT_TRUE(it.whole(3));
  EXPECT_TRUE(it.world->machine(host)->disk().exists("/var/lib/etcd-operator/default/data/" + before.front() + "/member")) << "old data is kept";
}

TEST(EtcdOperator, DoesNothingWhilePaused) {
  SmallWorld it;
  begin(it);
  it.change_spec([](Json& spec) { spec["paused"] = true; });
  it.run_for(9s);
  EXPECT_TRUE(runtime::bool_at(it.cluster(), {"status", "controlPaused"}));
  const std::string lost = it.ready().front();
  it.lose_disk(it.host_of(lost));
  it.run_for(3min);
  EXPECT_EQ(it.told("MemberRemoved"), 0u);
  EXPECT_EQ(it.ready().size(), 2u);
  it.change_spec([](Json& spec) { spec["paused"] = false; });
  ASSERT_TRUE(it.reaches(60s, [&] { return whole_without(it, lost); }));
  expect_nothing_lost(it);
}

TEST(EtcdOperator, LeavesAStaleDiskAloneWhenItsHostComesBack) {
  SmallWorld it;
  begin(it);
  const std::string member = it.ready().front(), host = it.host_of(member);
  it.power_off(host);
  ASSERT_TRUE(it.reaches(90s, [&] { return whole_without(it, member); }));
  it.power_on(host);
  it.run_for(60s);
  EXPECT_TRUE(it.whole(3));
  EXPECT_EQ(it.etcd_on(host), nullptr) << "a removed member must not run";
  EXPECT_TRUE(it.world->machine(host)->disk().exists("/var/lib/etcd-operator/default/data/" + member + "/member"));
  expect_nothing_lost(it);
}

TEST(EtcdOperator, OverwritesAStatusEditedByHand) {
  SmallWorld it;
  begin(it);
  Json cluster = it.cluster();
  cluster["status"]["readyCount"] = 7;
  cluster["status"]["members"]["ready"] = Json::array({"x"});
  cluster["status"]["memberRecords"] = Json::array();
  it.api.put(types::clusters, std::move(cluster));
  it.run_for(16s);
  EXPECT_TRUE(it.whole(3)) << it.cluster()["status"].dump(1);
  EXPECT_EQ(runtime::integer_at(it.cluster(), {"status", "readyCount"}), 3);
  expect_nothing_lost(it);
}

/// Two operators, one of which is killed at any moment, while members are lost: the end is that of a calm run (E2, E10, O1).
TEST(EtcdOperator, GoesOnWhereADeadOperatorStopped) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SmallWorld it(seed, 7);
    it.start_operator("op-1");
    it.start_operator("op-2");
    it.create_cluster(3, {{"recovery", {{"grace", "20s"}, {"autoRecover", true}}}});
    runtime::Random random(seed);
    const auto suffer = [&](Duration time) {
      const Instant end = it.world->now() + time;
      while (it.world->now() < end) {
        it.run_for(std::chrono::milliseconds(200 + random.below(30000)));
        const std::string who = random.below(2) == 0 ? "op-1" : "op-2";
        it.kill_operator(who);
        it.run_for(std::chrono::milliseconds(random.below(3000)));
        it.start_operator(who);
      }
    };
    suffer(90s);
    ASSERT_TRUE(it.reaches(150s, [&] { return it.whole(3); })) << "seed " << seed << it.cluster().dump(1);
    it.start_traffic();
    it.run_for(2s);
    const std::string first = it.ready().front();
    it.destroy(it.host_of(first));
    suffer(90s);
    ASSERT_TRUE(it.reaches(150s, [&] { return whole_without(it, first); })) << "seed " << seed << it.cluster().dump(1);
    const auto members = it.ready();
    it.destroy(it.host_of(members[0]));
    it.destroy(it.host_of(members[1]));
    suffer(120s);
    ASSERT_TRUE(it.reaches(200s, [&] { return whole_without(it, members[0]) && whole_without(it, members[1]); })) << "seed " << seed << it.cluster().dump(1);
    EXPECT_EQ(it.cluster_ids.size(), 1u) << "seed " << seed;
    expect_nothing_lost(it);
  }
}

/// The only operator dies after each change there is to see, and another process takes over: between every two steps (E10, K8).
TEST(EtcdOperator, IsDoneInTheEndThoughItDiesAfterEveryStep) {
  SmallWorld it(1, 7);
  begin(it, 3, {{"recovery", {{"grace", "20s"}, {"autoRecover", true}}}});
  std::size_t deaths = 0;
  const auto dying = [&](const std::function<bool()>& done) {
    const auto seen = [&] {
      std::string text = it.cluster()["status"].dump();
      for (const auto& [key, pod] : it.api.all(client::types::pods)) text += key;
      return text;
    };
    const Instant end = it.world->now() + 15min;
    std::string before = seen();
    while (it.world->now() < end && !done()) {
      it.run_for(20ms);
      std::string now = seen();
      if (now == before) continue;
      before = std::move(now);
      it.kill_operator("op-1");
      ++deaths;
      it.run_for(500ms);
      it.start_operator("op-1");
    }
    return done();
  };
  const auto members = it.ready();
  it.destroy(it.host_of(members[0]));
  ASSERT_TRUE(dying([&] { return whole_without(it, members[0]); })) << it.cluster()["status"].dump(1);
  const auto left = it.ready();
  it.destroy(it.host_of(left[0]));
  it.destroy(it.host_of(left[1]));
  ASSERT_TRUE(dying([&] { return whole_without(it, left[0]) && whole_without(it, left[1]); })) << it.cluster()["status"].dump(1);
  EXPECT_GT(deaths, 12u);
  expect_nothing_lost(it);
}

/// What a cluster of the same name left on the host years ago is nobody's data (E17).
TEST(EtcdOperator, PutsDataOfAnotherClusterAside) {
  SmallWorld it;
  for (int host = 1; host <= 5; ++host) {
    runtime::Disk& disk = it.world->machine("host-" + std::to_string(host))->disk();
    for (const char* member : {"data-0", "data-1", "data-2"}) {
      const std::string wal = std::string("/var/lib/etcd-operator/default/data/") + member + "/member/wal";
      ASSERT_TRUE(disk.make_directories(wal));
      ASSERT_TRUE(disk.write(wal + "/0000000000000000-0000000000000000.wal", "of another cluster"));
    }
  }
  begin(it);
  const std::string member = it.ready().front();
  EXPECT_TRUE(it.world->machine(it.host_of(member))->disk().exists("/var/lib/etcd-operator/default/data/" + member + ".foreign-1/member/wal"));
  expect_nothing_lost(it);
}

}  // namespace
}  // namespace skidpad::controllers::etcd_operator
