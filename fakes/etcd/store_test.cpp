#include "fakes/etcd/store.hpp"

#include <gtest/gtest.h>

#include "fakes/etcd/command.hpp"
#include "fakes/etcd/log_file.hpp"
#include "harness/runtime/sim/sim_disk.hpp"

namespace skidpad::fakes::etcd {
namespace {

Store sample() {
  Store store;
  store.put(PutRequest("a", "1"));
  store.put(PutRequest("b", "1"));
  store.put(PutRequest("a", "2"));
  store.remove(DeleteRequest::one("b"));
  store.put(PutRequest("b", "3"));
  return store;
}

TEST(Store, CountsRevisionsFromTwo) {
  const Store store = sample();
  EXPECT_EQ(store.revision(), 6);
  const Applied all = store.range(RangeRequest::prefix(""));
  ASSERT_EQ(all.result.kvs.size(), 2u);
  EXPECT_EQ(all.result.kvs[0]->version, 2);
  EXPECT_EQ(all.result.kvs[1]->create_revision, 6) << "a key created anew after its removal starts over";
  EXPECT_EQ(all.result.kvs[1]->version, 1);
}

TEST(Store, ReadsEveryKeptRevision) {
  const Store store = sample();
  const std::vector<std::pair<Revision, std::string>> cases{{2, "a=1"}, {3, "a=1 b=1"}, {4, "a=2 b=1"}, {5, "a=2"}, {6, "a=2 b=3"}};
  for (const auto& [revision, expected] : cases) {
    RangeRequest request = RangeRequest::prefix("");
    request.revision = revision;
    std::string seen;
    for (const KeyValuePointer& kv : store.range(request).result.kvs) seen += (seen.empty() ? "" : " ") + kv->key + "=" + kv->value;
    EXPECT_EQ(seen, expected) << revision;
  }
}

TEST(Store, CompactionKeepsWhatItsRevisionShows) {
  Store store = sample();
  EXPECT_FALSE(store.compact(4).error);
  RangeRequest request = RangeRequest::prefix("");
  request.revision = 4;
  EXPECT_EQ(store.range(request).result.count, 2);
  request.revision = 3;
  EXPECT_EQ(store.range(request).error->message, error_compacted.message);
  EXPECT_EQ(store.change(store.changes_begin()).kv->mod_revision, 4);
  EXPECT_FALSE(store.compact(5).error);
  request.revision = 5;
  EXPECT_EQ(store.range(request).result.count, 1);
}

TEST(Store, RevokedLeaseTakesItsKeysAtOneRevision) {
  Store store;
  EXPECT_FALSE(store.lease_grant(EtcdLeaseId{7}, 10).error);
  store.put(PutRequest("a", "1", EtcdLeaseId{7}));
  store.put(PutRequest("b", "1", EtcdLeaseId{7}));
  store.put(PutRequest("b", "1"));  // taken off the lease
  store.put(PutRequest("c", "1", EtcdLeaseId{7}));
  const Revision before = store.revision();
  EXPECT_FALSE(store.lease_revoke(EtcdLeaseId{7}).error);
  EXPECT_EQ(store.revision(), before + 1);
  EXPECT_EQ(store.range(RangeRequest::prefix("")).result.count, 1);
}

TEST(Store, SavedAndLoadedIsTheSame) {
  Store store = sample();
  store.lease_grant(EtcdLeaseId{7}, 10);
  store.put(PutRequest("c", "1", EtcdLeaseId{7}));
  store.compact(3);
  Store copy;
  ASSERT_TRUE(copy.load(store.save()));
  EXPECT_EQ(copy.hash(copy.revision()), store.hash(store.revision()));
  EXPECT_EQ(copy.save(), store.save());
  EXPECT_EQ(copy.leases().at(EtcdLeaseId{7}).keys, store.leases().at(EtcdLeaseId{7}).keys);
  EXPECT_FALSE(copy.load("nonsense"));
}

TEST(Command, SurvivesItsEncoding) {
  Command command;
  command.kind = Command::Kind::txn;
  command.request_id = UINT64_MAX;
  TxnRequest inner;
  inner.then.emplace_back(DeleteRequest::prefix("x"));
  command.txn.compares.push_back(Compare::value("k", std::string("\0\xff", 2), Compare::Relation::not_equal));
  command.txn.then.emplace_back(PutRequest("k", "v", EtcdLeaseId{-3}));
  command.txn.then.emplace_back(inner);
  command.txn.otherwise.emplace_back(RangeRequest::one("k"));
  Command copy;
  ASSERT_TRUE(decode(encode(command), copy));
  EXPECT_EQ(encode(copy), encode(command));
  EXPECT_EQ(copy.txn.then[0].put.etcd_lease, EtcdLeaseId{-3});
  const std::string text = encode(command);
  for (std::size_t size = 0; size < text.size(); ++size) {
    Command broken;
    decode(std::string_view(text).substr(0, size), broken);  // must not crash
  }
}

class Log : public testing::Test {
 protected:
  Log() : disk([] { return runtime::WallTime(); }) {}
  static Entry entry(std::uint64_t index, std::uint64_t term, const std::string& text) {
    return Entry(index, term, false, std::make_shared<const std::string>(text));
  }
  runtime::sim::SimDisk disk;
};

TEST_F(Log, PowerCutTakesOnlyWhatWasNotSynced) {
  LogFile log(disk, "/var/etcd");
  EXPECT_FALSE(log.exists());
  ASSERT_TRUE(disk.make_directories("/var/etcd", 0700));
  ASSERT_TRUE(log.create(MemberId{5}, 9));
  HardState state;
  state.term = 3;
  state.vote = MemberId{5};
  ASSERT_TRUE(log.save(&state, {entry(1, 3, "one"), entry(2, 3, "two")}, true));
  ASSERT_TRUE(log.save(nullptr, {entry(3, 3, "three")}, false));
  disk.lose_unsynced();
  LogFile again(disk, "/var/etcd");
  const auto loaded = again.load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded.value().member, MemberId{5});
  EXPECT_EQ(loaded.value().hard_state, state);
  ASSERT_EQ(loaded.value().entries.size(), 2u);
  EXPECT_EQ(*loaded.value().entries[1].data, "two");
}

TEST_F(Log, LaterEntriesReplaceEarlierOnesOfTheSameIndex) {
  ASSERT_TRUE(disk.make_directories("/var/etcd", 0700));
  LogFile log(disk, "/var/etcd");
  ASSERT_TRUE(log.create(MemberId{5}, 9));
  ASSERT_TRUE(log.save(nullptr, {entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c")}, true));
  ASSERT_TRUE(log.save(nullptr, {entry(2, 2, "B")}, true));
  const auto loaded = LogFile(disk, "/var/etcd").load();
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded.value().entries.size(), 2u);
  EXPECT_EQ(*loaded.value().entries[1].data, "B");
}

TEST_F(Log, TornTailIsDroppedAndOtherDamageIsNot) {
  ASSERT_TRUE(disk.make_directories("/var/etcd", 0700));
  LogFile log(disk, "/var/etcd");
  ASSERT_TRUE(log.create(MemberId{5}, 9));
  ASSERT_TRUE(log.save(nullptr, {entry(1, 1, "a"), entry(2, 1, "bbbbbbbb")}, true));
  const std::string path = "/var/etcd/member/wal/" + disk.list("/var/etcd/member/wal").value().at(0);
  const std::string whole = disk.read(path, 1 << 20).value();
  ASSERT_TRUE(disk.write(path, std::string_view(whole).substr(0, whole.size() - 3), 0600));
  const auto torn = LogFile(disk, "/var/etcd").load();
  ASSERT_TRUE(torn);
  EXPECT_EQ(torn.value().entries.size(), 1u);
  std::string damaged = whole;
  damaged[whole.size() - 3] ^= 1;
  ASSERT_TRUE(disk.write(path, damaged, 0600));
  const auto corrupt = LogFile(disk, "/var/etcd").load();
  ASSERT_FALSE(corrupt);
  EXPECT_EQ(corrupt.error().code, runtime::ErrorCode::corrupt);
}

TEST_F(Log, SnapshotReplacesTheLogBehindIt) {
  ASSERT_TRUE(disk.make_directories("/var/etcd", 0700));
  LogFile log(disk, "/var/etcd");
  ASSERT_TRUE(log.create(MemberId{5}, 9));
  ASSERT_TRUE(log.save(nullptr, {entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c")}, true));
  RaftSnapshot snapshot;
  snapshot.index = 2;
  snapshot.term = 1;
  snapshot.voters.insert(MemberId{5});
  snapshot.data = std::make_shared<const std::string>("state");
  ASSERT_TRUE(log.save_snapshot(snapshot, HardState(), {entry(3, 1, "c")}));
  ASSERT_TRUE(log.save(nullptr, {entry(4, 1, "d")}, true));
  disk.lose_unsynced();
  const auto loaded = LogFile(disk, "/var/etcd").load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(*loaded.value().snapshot.data, "state");
  EXPECT_EQ(loaded.value().snapshot.voters.size(), 1u);
  ASSERT_EQ(loaded.value().entries.size(), 2u);
  EXPECT_EQ(loaded.value().entries[0].index, 3u);
}

}  // namespace
}  // namespace skidpad::fakes::etcd
