#include "fakes/etcd/etcd_contract.hpp"

namespace skidpad::fakes::etcd {

using client::Compare;
using client::DeleteRequest;
using client::EtcdClient;
using client::EtcdLeaseId;
using client::KeyValue;
using client::MemberId;
using client::PutRequest;
using client::RangeRequest;
using client::Revision;
using client::TxnRequest;
using client::WatchBatch;
using client::EtcdWatchEvent;
using client::WatchRequest;
using runtime::Duration;
using runtime::ErrorCode;
using runtime::Instant;
using runtime::Result;
using runtime::Task;

namespace {

/// Members of a cluster of three; named, since g++ 12 mistreats braces inside co_await.
const std::vector<std::size_t> all_three{0, 1, 2};

/// Ends the contract with a finding.
#define REQUIRE(condition, what)              \
  do {                                        \
    if (!(condition)) {                       \
      cluster.expect(false, what);            \
      co_return;                              \
    }                                         \
  } while (false)

template <class T>
std::string why(const Result<T>& result) {
  return result ? std::string("succeeded") : std::string(runtime::name(result.error().code)) + ": " + result.error().message;
}

template <class T>
bool failed_with(const Result<T>& result, ErrorCode code) {
  return !result && result.error().code == code;
}

std::vector<std::string> url_of(ContractCluster& cluster, std::size_t member) { return std::vector<std::string>(1, cluster.peer_url(member)); }

/// Puts until one is acknowledged.
Task<Result<Revision>> put_until_done(ContractCluster& cluster, EtcdClient& etcd, std::string key, std::string value, Duration within) {
  const Instant due = cluster.runtime().now() + within;
  for (;;) {
    Result<client::PutResponse> put = co_await etcd.put(PutRequest(key, value));
    if (put) co_return put.value().header.revision;
    if (cluster.runtime().now() >= due) co_return std::move(put.error());
    co_await cluster.runtime().sleep_for(cluster.heartbeat_interval());
  }
}

/// The number of the leader among the members asked; none within the time.
Task<std::optional<std::size_t>> find_leader(ContractCluster& cluster, EtcdClient& etcd, std::vector<std::size_t> members, Duration within) {
  const Instant due = cluster.runtime().now() + within;
  std::optional<std::size_t> leader;
  while (!leader && cluster.runtime().now() < due) {
    for (const std::size_t member : members) {
      Result<client::EtcdStatus> status = co_await etcd.status(cluster.client_endpoint(member));
      if (status && status.value().leader == status.value().header.member_id) leader = member;
    }
    if (!leader) co_await cluster.runtime().sleep_for(cluster.heartbeat_interval());
  }
  co_return leader;
}

Task<void> keys_and_values(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0}));
  Result<client::PutResponse> first = co_await etcd.put(PutRequest("a", "1"));
  REQUIRE(first, "put: " + why(first));
  const Revision start = first.value().header.revision;
  PutRequest again("a", std::string("\0\xff binary", 9));
  again.prev_kv = true;
  Result<client::PutResponse> second = co_await etcd.put(again);
  REQUIRE(second, "second put: " + why(second));
  cluster.expect(second.value().header.revision == start + 1, "each put takes the next revision");
  cluster.expect(second.value().prev_kv && second.value().prev_kv->value == "1", "prev_kv is what was there");
  Result<std::optional<KeyValue>> read = co_await etcd.get("a");
  REQUIRE(read && read.value(), "get: " + why(read));
  cluster.expect(read.value()->value == again.value && read.value()->version == 2 && read.value()->create_revision == start &&
                     read.value()->mod_revision == start + 1, "a read sees value, version and revisions");
  RangeRequest old = RangeRequest::one("a");
  old.revision = start;
  Result<client::RangeResponse> past = co_await etcd.range(old);
  REQUIRE(past && past.value().kvs.size() == 1, "read in the past: " + why(past));
  cluster.expect(past.value().kvs[0].value == "1", "a read at an old revision sees the old value");
  for (const char* key : {"p/1", "p/2", "p/3", "q"}) {
    Result<client::PutResponse> put = co_await etcd.put(PutRequest(key, "x"));
    REQUIRE(put, "put: " + why(put));
  }
  RangeRequest page = RangeRequest::prefix("p/");
  page.limit = 2;
  Result<client::RangeResponse> paged = co_await etcd.range(page);
  REQUIRE(paged, "paged range: " + why(paged));
  cluster.expect(paged.value().kvs.size() == 2 && paged.value().more && paged.value().count == 3, "a limit cuts, says more, and counts all");
  RangeRequest counting = RangeRequest::prefix("");
  counting.count_only = true;
  Result<client::RangeResponse> counted = co_await etcd.range(counting);
  REQUIRE(counted, "count: " + why(counted));
  cluster.expect(counted.value().count == 5 && counted.value().kvs.empty(), "count_only counts and returns none");
  RangeRequest names = RangeRequest::prefix("p/");
  names.keys_only = true;
  names.sort_order = client::SortOrder::descend;
  Result<client::RangeResponse> named = co_await etcd.range(names);
  REQUIRE(named && named.value().kvs.size() == 3, "keys only: " + why(named));
  cluster.expect(named.value().kvs[0].key == "p/3" && named.value().kvs[0].value.empty(), "keys_only, descending");
  DeleteRequest gone = DeleteRequest::prefix("p/");
  gone.prev_kv = true;
  Result<client::DeleteResponse> removed = co_await etcd.remove(gone);
  REQUIRE(removed, "remove: " + why(removed));
  cluster.expect(removed.value().deleted == 3 && removed.value().prev_kvs.size() == 3, "a range is removed at once");
  Result<client::DeleteResponse> nothing = co_await etcd.remove(gone);
  REQUIRE(nothing, "remove nothing: " + why(nothing));
  cluster.expect(nothing.value().deleted == 0 && nothing.value().header.revision == removed.value().header.revision, "removing nothing takes no revision");
  RangeRequest future = RangeRequest::one("a");
  future.revision = start + 1000;
  Result<client::RangeResponse> ahead = co_await etcd.range(future);
  cluster.expect(failed_with(ahead, ErrorCode::unavailable), "a future revision: " + why(ahead));
  Result<client::PutResponse> keyless = co_await etcd.put(PutRequest("", "x"));
  cluster.expect(failed_with(keyless, ErrorCode::invalid), "a put without a key: " + why(keyless));
}

Task<void> transactions(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0}));
  TxnRequest create;
  create.compares.push_back(Compare::absent("k"));
  create.then.emplace_back(PutRequest("k", "1"));
  create.then.emplace_back(RangeRequest::one("k"));
  create.otherwise.emplace_back(RangeRequest::one("k"));
  Result<client::TxnResponse> created = co_await etcd.txn(create);
  REQUIRE(created, "create: " + why(created));
  cluster.expect(created.value().succeeded && created.value().responses.size() == 2, "an absent key lets the first branch run");
  cluster.expect(created.value().responses[1].range.kvs.size() == 1, "a read in a transaction sees its writes");
  Result<client::TxnResponse> repeated = co_await etcd.txn(create);
  REQUIRE(repeated, "repeat: " + why(repeated));
  cluster.expect(!repeated.value().succeeded && repeated.value().header.revision == created.value().header.revision, "a failed compare writes nothing");
  REQUIRE(repeated.value().responses.size() == 1 && repeated.value().responses[0].range.kvs.size() == 1, "the other branch's answer");
  const Revision mod = repeated.value().responses[0].range.kvs[0].mod_revision;
  TxnRequest update;
  update.compares.push_back(Compare::mod_revision("k", mod));
  update.compares.push_back(Compare::value("k", "1"));
  update.compares.push_back(Compare::version("k", 0, Compare::Relation::greater));
  update.compares.push_back(Compare::create_revision("k", mod, Compare::Relation::equal));
  update.then.emplace_back(PutRequest("k", "2"));
  update.then.emplace_back(PutRequest("l", "2"));
  update.then.emplace_back(DeleteRequest::one("never"));
  Result<client::TxnResponse> updated = co_await etcd.txn(update);
  REQUIRE(updated, "update: " + why(updated));
  cluster.expect(updated.value().succeeded && updated.value().header.revision == mod + 1, "all compares hold; all writes share one revision");
  TxnRequest twice;
  twice.then.emplace_back(PutRequest("k", "3"));
  twice.then.emplace_back(PutRequest("k", "4"));
  Result<client::TxnResponse> refused = co_await etcd.txn(twice);
  cluster.expect(failed_with(refused, ErrorCode::invalid) && refused.error().message.find("duplicate key") != std::string::npos, "one key twice: " + why(refused));
  TxnRequest outer;
  TxnRequest inner;
  inner.compares.push_back(Compare::absent("nope"));
  inner.then.emplace_back(PutRequest("n", "1"));
  outer.then.emplace_back(inner);
  Result<client::TxnResponse> nested = co_await etcd.txn(outer);
  REQUIRE(nested, "nested: " + why(nested));
  cluster.expect(nested.value().responses.size() == 1 && nested.value().responses[0].txn.size() == 1 && nested.value().responses[0].txn[0].succeeded, "transactions nest");
  TxnRequest leased;
  leased.then.emplace_back(PutRequest("m", "1", EtcdLeaseId{4711}));
  Result<client::TxnResponse> orphan = co_await etcd.txn(leased);
  cluster.expect(failed_with(orphan, ErrorCode::not_found), "a put under an unknown lease: " + why(orphan));
}

Task<void> compaction(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0}));
  Revision last = 0;
  for (int i = 0; i < 5; ++i) {
    Result<client::PutResponse> put = co_await etcd.put(PutRequest("k", std::to_string(i)));
    REQUIRE(put, "put: " + why(put));
    last = put.value().header.revision;
  }
  Result<client::EtcdHeader> compacted = co_await etcd.compact(last - 1, true);
  REQUIRE(compacted, "compact: " + why(compacted));
  RangeRequest old = RangeRequest::one("k");
  old.revision = last - 2;
  Result<client::RangeResponse> gone = co_await etcd.range(old);
  cluster.expect(failed_with(gone, ErrorCode::gone), "a compacted revision: " + why(gone));
  old.revision = last - 1;
  Result<client::RangeResponse> kept = co_await etcd.range(old);
  cluster.expect(kept && kept.value().kvs.size() == 1 && kept.value().kvs[0].value == "3", "the compacted revision itself is still readable");
  Result<client::EtcdHeader> again = co_await etcd.compact(last - 1);
  cluster.expect(failed_with(again, ErrorCode::gone), "compacting twice: " + why(again));
  WatchRequest request = WatchRequest::one("k");
  request.start_revision = last - 3;
  client::EtcdWatch late = etcd.watch(request);
  Result<WatchBatch> missed = co_await late.next();
  cluster.expect(failed_with(missed, ErrorCode::gone) && late.compact_revision() == last - 1, "a watch from before: " + why(missed));
  request.start_revision = last;
  client::EtcdWatch fresh = etcd.watch(request);
  Result<WatchBatch> seen = co_await fresh.next();
  cluster.expect(seen && seen.value().events.size() == 1 && seen.value().events[0].kv.value == "4", "a watch from a kept revision: " + why(seen));
}

Task<void> watches(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0}));
  Result<client::PutResponse> before = co_await etcd.put(PutRequest("w/a", "1"));
  REQUIRE(before, "put: " + why(before));
  WatchRequest request = WatchRequest::prefix("w/");
  request.prev_kv = true;
  client::EtcdWatch live = etcd.watch(request);
  Result<void> opened = co_await live.open();
  REQUIRE(opened, "open: " + why(opened));
  TxnRequest both;
  both.then.emplace_back(PutRequest("w/a", "2"));
  both.then.emplace_back(PutRequest("w/b", "2"));
  both.then.emplace_back(PutRequest("other", "2"));
  Result<client::TxnResponse> written = co_await etcd.txn(both);
  REQUIRE(written, "txn: " + why(written));
  Result<WatchBatch> batch = co_await live.next();
  REQUIRE(batch, "next: " + why(batch));
  REQUIRE(batch.value().events.size() == 2, "the events of one revision come together, others' keys do not");
  const EtcdWatchEvent& a = batch.value().events[0];
  const EtcdWatchEvent& b = batch.value().events[1];
  cluster.expect(a.kv.key == "w/a" && a.prev_kv && a.prev_kv->value == "1" && !a.is_create(), "an update with what was before");
  cluster.expect(b.kv.key == "w/b" && !b.prev_kv && b.is_create(), "a creation without");
  cluster.expect(batch.value().revision == written.value().header.revision, "the batch's revision");
  Result<client::DeleteResponse> removed = co_await etcd.remove(DeleteRequest::one("w/a"));
  REQUIRE(removed, "remove: " + why(removed));
  batch = co_await live.next();
  REQUIRE(batch && batch.value().events.size() == 1, "next after remove: " + why(batch));
  cluster.expect(batch.value().events[0].type == EtcdWatchEvent::Type::remove && batch.value().events[0].kv.key == "w/a" &&
                     batch.value().events[0].kv.mod_revision == removed.value().header.revision && batch.value().events[0].prev_kv &&
                     batch.value().events[0].prev_kv->value == "2", "a removal names key, revision and what was there");
  request.start_revision = before.value().header.revision;
  client::EtcdWatch history = etcd.watch(request);
  std::vector<std::string> seen;
  while (seen.size() < 4) {
    Result<WatchBatch> past = co_await history.next();
    REQUIRE(past, "history: " + why(past));
    for (const EtcdWatchEvent& event : past.value().events) seen.push_back(event.kv.key + (event.type == EtcdWatchEvent::Type::put ? "+" : "-"));
  }
  cluster.expect(seen == std::vector<std::string>{"w/a+", "w/a+", "w/b+", "w/a-"}, "a watch from the past sees all of it in order");
}

Task<void> leases(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0}));
  Result<client::EtcdLeaseStatus> granted = co_await etcd.lease_grant(std::chrono::seconds(2));
  REQUIRE(granted, "grant: " + why(granted));
  const EtcdLeaseId id = granted.value().id;
  cluster.expect(granted.value().granted_ttl == std::chrono::seconds(2), "the ttl asked for is granted");
  Result<client::EtcdLeaseStatus> twice = co_await etcd.lease_grant(std::chrono::seconds(2), id);
  cluster.expect(failed_with(twice, ErrorCode::already_exists), "granting one id twice: " + why(twice));
  for (const char* key : {"l/1", "l/2"}) {
    Result<client::PutResponse> put = co_await etcd.put(PutRequest(key, "x", id));
    REQUIRE(put, "put: " + why(put));
  }
  Result<client::EtcdLeaseStatus> status = co_await etcd.lease_time_to_live(id, true);
  cluster.expect(status && status.value().keys.size() == 2 && status.value().ttl <= std::chrono::seconds(2), "time to live: " + why(status));
  WatchRequest request = WatchRequest::prefix("l/");
  client::EtcdWatch watch = etcd.watch(request);
  Result<void> opened = co_await watch.open();
  REQUIRE(opened, "open: " + why(opened));
  for (int i = 0; i < 4; ++i) {
    co_await cluster.runtime().sleep_for(std::chrono::seconds(1));
    Result<client::EtcdLeaseStatus> kept = co_await etcd.lease_keep_alive(id);
    cluster.expect(kept && kept.value().ttl == std::chrono::seconds(2), "keep alive: " + why(kept));
  }
  Result<std::optional<KeyValue>> alive = co_await etcd.get("l/1");
  cluster.expect(alive && alive.value().has_value(), "a lease kept alive keeps its keys");
  const Instant left = cluster.runtime().now();
  Result<WatchBatch> expired = co_await watch.next();
  REQUIRE(expired, "expiry: " + why(expired));
  const Duration taken = cluster.runtime().now() - left;
  cluster.expect(expired.value().events.size() == 2 && expired.value().events[0].type == EtcdWatchEvent::Type::remove, "expiry removes all keys at one revision");
  cluster.expect(taken >= std::chrono::milliseconds(1500) && taken <= std::chrono::seconds(4), "expiry took " + std::to_string(runtime::seconds(taken)) + " s");
  Result<client::EtcdLeaseStatus> gone = co_await etcd.lease_keep_alive(id);
  cluster.expect(failed_with(gone, ErrorCode::not_found), "keeping an expired lease alive: " + why(gone));
  status = co_await etcd.lease_time_to_live(id);
  cluster.expect(status && status.value().ttl == std::chrono::seconds(-1), "an expired lease has ttl -1");
  Result<client::EtcdLeaseStatus> other = co_await etcd.lease_grant(std::chrono::seconds(100), EtcdLeaseId{77});
  REQUIRE(other, "grant 77: " + why(other));
  Result<client::PutResponse> put = co_await etcd.put(PutRequest("l/3", "x", EtcdLeaseId{77}));
  REQUIRE(put, "put: " + why(put));
  Result<client::EtcdHeader> revoked = co_await etcd.lease_revoke(EtcdLeaseId{77});
  cluster.expect(revoked && revoked.value().revision == put.value().header.revision + 1, "revoke removes keys: " + why(revoked));
  revoked = co_await etcd.lease_revoke(EtcdLeaseId{77});
  cluster.expect(failed_with(revoked, ErrorCode::not_found), "revoking twice: " + why(revoked));
}

Task<void> restart_keeps_everything(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0}));
  Revision last = 0;
  for (int i = 0; i < 20; ++i) {
    Result<client::PutResponse> put = co_await etcd.put(PutRequest("k" + std::to_string(i % 7), std::to_string(i)));
    REQUIRE(put, "put: " + why(put));
    last = put.value().header.revision;
  }
  WatchRequest request = WatchRequest::prefix("k");
  request.start_revision = last;
  client::EtcdWatch watch = etcd.watch(request);
  Result<WatchBatch> batch = co_await watch.next();
  REQUIRE(batch, "watch: " + why(batch));
  Result<client::EtcdStatus> before = co_await etcd.status(cluster.client_endpoint(0));
  REQUIRE(before, "status: " + why(before));
  cluster.kill(0);
  cluster.start(0, {0});
  Result<Revision> next = co_await put_until_done(cluster, etcd, "after", "1", std::chrono::seconds(20));
  REQUIRE(next, "put after restart: " + why(next));
  cluster.expect(next.value() == last + 1, "revisions go on after a restart");
  Result<client::RangeResponse> all = co_await etcd.range(RangeRequest::prefix("k"));
  cluster.expect(all && all.value().kvs.size() == 7 && all.value().kvs[6].value == "13", "all keys are there");
  Result<client::EtcdStatus> after = co_await etcd.status(cluster.client_endpoint(0));
  cluster.expect(after && after.value().header.member_id == before.value().header.member_id && after.value().header.cluster_id == before.value().header.cluster_id,
                 "member and cluster keep their ids");
  Result<Revision> more = co_await put_until_done(cluster, etcd, "k9", "1", std::chrono::seconds(5));
  REQUIRE(more, "put: " + why(more));
  batch = co_await watch.next();
  cluster.expect(batch && batch.value().events.size() == 1 && batch.value().events[0].kv.key == "k9" && watch.connection_count() >= 2, "the watch resumed: " + why(batch));
}

Task<void> leader_dies(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0, 1, 2}));
  const std::optional<std::size_t> leader = co_await find_leader(cluster, etcd, all_three, std::chrono::seconds(10));
  REQUIRE(leader, "three members elect a leader");
  Result<Revision> first = co_await put_until_done(cluster, etcd, "w0", "0", std::chrono::seconds(10));
  REQUIRE(first, "put: " + why(first));
  WatchRequest request = WatchRequest::prefix("w");
  request.start_revision = first.value();
  client::EtcdWatch watch = etcd.watch(request);
  Result<void> opened = co_await watch.open();
  REQUIRE(opened, "open: " + why(opened));
  cluster.kill(*leader);
  const Instant killed = cluster.runtime().now();
  Result<Revision> second = co_await put_until_done(cluster, etcd, "w1", "1", std::chrono::seconds(30));
  REQUIRE(second, "put after the leader's death: " + why(second));
  const Duration outage = cluster.runtime().now() - killed;
  cluster.expect(outage >= cluster.election_timeout() / 2, "no election before its time: " + std::to_string(runtime::seconds(outage)) + " s");
  for (int i = 2; i < 6; ++i) {
    Result<Revision> put = co_await put_until_done(cluster, etcd, "w" + std::to_string(i), "x", std::chrono::seconds(10));
    REQUIRE(put, "put: " + why(put));
  }
  cluster.start(*leader, {0, 1, 2});
  // A put repeated after an unknown outcome may appear twice; each revision must appear once, in order.
  std::set<std::string> keys;
  Revision last = 0;
  while (keys.size() < 6) {
    Result<WatchBatch> batch = co_await watch.next();
    REQUIRE(batch, "watch: " + why(batch));
    for (const EtcdWatchEvent& event : batch.value().events) {
      cluster.expect(event.kv.mod_revision > last, "watch events are in order and unique");
      last = event.kv.mod_revision;
      keys.insert(event.kv.key);
    }
  }
  RangeRequest local = RangeRequest::prefix("w");
  local.serializable = true;
  EtcdClient back(cluster.runtime(), cluster.client_options({*leader}));
  bool caught_up = false;
  const Instant due = cluster.runtime().now() + std::chrono::seconds(20);
  while (!caught_up && cluster.runtime().now() < due) {
    Result<client::RangeResponse> own = co_await back.range(local);
    caught_up = own && own.value().kvs.size() == 6;
    if (!caught_up) co_await cluster.runtime().sleep_for(cluster.heartbeat_interval());
  }
  cluster.expect(caught_up, "the old leader comes back and catches up");
}

Task<void> majority_is_lost(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0, 1, 2}));
  Result<Revision> first = co_await put_until_done(cluster, etcd, "k", "1", std::chrono::seconds(10));
  REQUIRE(first, "put: " + why(first));
  co_await cluster.runtime().sleep_for(3 * cluster.heartbeat_interval());
  cluster.kill(1);
  cluster.kill(2);
  EtcdClient survivor(cluster.runtime(), cluster.client_options({0}));
  co_await cluster.runtime().sleep_for(3 * cluster.election_timeout());
  const Instant asked = cluster.runtime().now();
  Result<client::PutResponse> put = co_await survivor.put(PutRequest("k", "2"));
  const Duration waited = cluster.runtime().now() - asked;
  cluster.expect(failed_with(put, ErrorCode::timeout) && put.error().http_status == 500, "put without leader: " + why(put));
  cluster.expect(waited >= std::chrono::seconds(5) && waited <= std::chrono::seconds(5) + 3 * cluster.election_timeout(),
                 "etcd gives up on it after 5 s and 2 election timeouts: " + std::to_string(runtime::seconds(waited)) + " s");
  Result<std::optional<KeyValue>> linear = co_await survivor.get("k");
  cluster.expect(failed_with(linear, ErrorCode::timeout), "linearizable read without quorum: " + why(linear));
  RangeRequest local = RangeRequest::one("k");
  local.serializable = true;
  Result<client::RangeResponse> own = co_await survivor.range(local);
  cluster.expect(own && own.value().kvs.size() == 1 && own.value().kvs[0].value == "1", "a serializable read still answers: " + why(own));
  Result<bool> healthy = co_await survivor.health(cluster.client_endpoint(0));
  cluster.expect(healthy && !healthy.value(), "the survivor says it is not healthy");
  Result<client::EtcdStatus> status = co_await survivor.status(cluster.client_endpoint(0));
  cluster.expect(status && status.value().leader == MemberId{}, "and knows no leader");
  const std::string path = cluster.scratch_path("survivor.db");
  Result<std::uint64_t> saved = co_await survivor.save_snapshot(cluster.client_endpoint(0), path);
  cluster.expect(saved && saved.value() > 0, "its snapshot can still be saved: " + why(saved));
  cluster.start(1, {0, 1, 2});
  Result<Revision> after = co_await put_until_done(cluster, survivor, "after", "1", std::chrono::seconds(30));
  cluster.expect(after.has_value(), "with a quorum back, writes go on: " + why(after));
  Result<std::optional<KeyValue>> kept = co_await survivor.get("k");
  cluster.expect(kept && kept.value(), "what was acknowledged is there: " + why(kept));
}

Task<void> snapshots(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0}));
  for (int i = 0; i < 50; ++i) {
    Result<client::PutResponse> put = co_await etcd.put(PutRequest("k" + std::to_string(i), std::string(2000, 'x')));
    REQUIRE(put, "put: " + why(put));
  }
  const std::string path = cluster.scratch_path("snapshot.db");
  Result<std::uint64_t> saved = co_await etcd.save_snapshot(cluster.client_endpoint(0), path);
  REQUIRE(saved, "snapshot: " + why(saved));
  cluster.expect(saved.value() >= 100000, "it holds the data");
  const bool accepted = co_await cluster.snapshot_accepted(path);
  cluster.expect(accepted, "the snapshot is accepted");
  Result<std::string> version = co_await etcd.version(cluster.client_endpoint(0));
  cluster.expect(version && version.value().starts_with("3.4."), "version: " + why(version));
  Result<bool> healthy = co_await etcd.health(cluster.client_endpoint(0));
  cluster.expect(healthy && healthy.value(), "health: " + why(healthy));
}

Task<void> leadership_moves(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0, 1, 2}));
  const std::optional<std::size_t> leader = co_await find_leader(cluster, etcd, all_three, std::chrono::seconds(10));
  REQUIRE(leader, "three members elect a leader");
  const std::size_t target = (*leader + 1) % 3;
  Result<client::EtcdStatus> wanted = co_await etcd.status(cluster.client_endpoint(target));
  REQUIRE(wanted, "status: " + why(wanted));
  const MemberId to = wanted.value().header.member_id;
  Result<void> misplaced = co_await etcd.move_leader(cluster.client_endpoint(target), to);
  cluster.expect(failed_with(misplaced, ErrorCode::conflict), "only the leader moves leadership: " + why(misplaced));
  Result<void> moved = co_await etcd.move_leader(cluster.client_endpoint(*leader), to);
  cluster.expect(moved.has_value(), "move: " + why(moved));
  const std::optional<std::size_t> now = co_await find_leader(cluster, etcd, all_three, std::chrono::seconds(5));
  cluster.expect(now == target, "the target leads");
}

Task<void> membership_changes(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0, 1}));
  Result<Revision> first = co_await put_until_done(cluster, etcd, "k", "1", std::chrono::seconds(10));
  REQUIRE(first, "put: " + why(first));
  // etcd changes members only among members that have been connected for 5 s.
  co_await cluster.runtime().sleep_for(std::chrono::milliseconds(5500));
  Result<client::MemberList> list = co_await etcd.member_list();
  REQUIRE(list && list.value().members.size() == 3, "list: " + why(list));
  MemberId dead{};
  for (const client::Member& member : list.value().members)
    if (member.name == cluster.name(2)) dead = member.id;
  REQUIRE(dead != MemberId{}, "members tell their names");
  cluster.kill(2);
  cluster.wipe(2);
  co_await cluster.runtime().sleep_for(4 * cluster.election_timeout());
  cluster.start(2, {0, 1, 2});
  const Instant tried = cluster.runtime().now();
  while (!cluster.exit_code(2) && cluster.runtime().now() < tried + std::chrono::seconds(10)) co_await cluster.runtime().sleep_for(cluster.heartbeat_interval());
  cluster.expect(cluster.exit_code(2).value_or(0) != 0, "a member that lost its disk may not start as a new one");
  Result<client::MemberAdded> early = co_await etcd.member_add(url_of(cluster, 3), true);
  cluster.expect(failed_with(early, ErrorCode::unavailable), "nothing is added while a voter is down: " + why(early));
  Result<client::MemberList> removed = co_await etcd.member_remove(dead);
  REQUIRE(removed, "remove: " + why(removed));
  cluster.expect(removed.value().members.size() == 2, "the answer is the new list");
  Result<client::MemberList> again = co_await etcd.member_remove(dead);
  cluster.expect(failed_with(again, ErrorCode::not_found), "removing twice: " + why(again));
  Result<client::MemberAdded> added = co_await etcd.member_add(url_of(cluster, 3), true);
  REQUIRE(added, "add learner: " + why(added));
  cluster.expect(added.value().member.is_learner && added.value().members.size() == 3, "the learner is in the list");
  Result<client::MemberAdded> second = co_await etcd.member_add(url_of(cluster, 2), true);
  cluster.expect(!second, "one learner at a time: " + why(second));
  Result<client::MemberAdded> duplicate = co_await etcd.member_add(url_of(cluster, 0), false);
  cluster.expect(!duplicate, "a peer URL belongs to one member: " + why(duplicate));
  const MemberId learner = added.value().member.id;
  cluster.start(3, {0, 1, 3}, true);
  Result<client::MemberList> promoted = co_await etcd.member_promote(learner);
  const Instant started = cluster.runtime().now();
  while (!promoted && cluster.runtime().now() < started + std::chrono::seconds(20)) {
    cluster.expect(failed_with(promoted, ErrorCode::conflict) || failed_with(promoted, ErrorCode::timeout), "a learner out of sync: " + why(promoted));
    co_await cluster.runtime().sleep_for(cluster.heartbeat_interval());
    promoted = co_await etcd.member_promote(learner);
  }
  REQUIRE(promoted, "promote: " + why(promoted));
  Result<client::MemberList> twice = co_await etcd.member_promote(learner);
  cluster.expect(failed_with(twice, ErrorCode::conflict), "promoting a voter: " + why(twice));
  // With the new voter counted, one of the old two may die.
  cluster.kill(1);
  EtcdClient others(cluster.runtime(), cluster.client_options({0, 3}));
  Result<Revision> after = co_await put_until_done(cluster, others, "after", "1", std::chrono::seconds(30));
  cluster.expect(after.has_value(), "the new member counts for the quorum: " + why(after));
  Result<std::optional<KeyValue>> kept = co_await others.get("k");
  cluster.expect(kept && kept.value(), "and has the data: " + why(kept));
}

Task<void> removed_member_stops(ContractCluster& cluster) {
  EtcdClient etcd(cluster.runtime(), cluster.client_options({0, 1, 2}));
  Result<Revision> first = co_await put_until_done(cluster, etcd, "k", "1", std::chrono::seconds(10));
  REQUIRE(first, "put: " + why(first));
  co_await cluster.runtime().sleep_for(std::chrono::milliseconds(5500));
  Result<client::MemberList> list = co_await etcd.member_list();
  REQUIRE(list, "list: " + why(list));
  const std::optional<std::size_t> leader = co_await find_leader(cluster, etcd, all_three, std::chrono::seconds(10));
  REQUIRE(leader, "a leader");
  MemberId victim{};
  for (const client::Member& member : list.value().members)
    if (member.name == cluster.name(*leader)) victim = member.id;
  Result<client::MemberList> removed = co_await etcd.member_remove(victim);
  REQUIRE(removed, "remove the leader: " + why(removed));
  const Instant due = cluster.runtime().now() + std::chrono::seconds(20);
  while (!cluster.exit_code(*leader) && cluster.runtime().now() < due) co_await cluster.runtime().sleep_for(cluster.heartbeat_interval());
  cluster.expect(cluster.exit_code(*leader) == 0, "a removed member stops by itself");
  std::vector<std::size_t> rest;
  for (std::size_t member = 0; member < 3; ++member)
    if (member != *leader) rest.push_back(member);
  EtcdClient others(cluster.runtime(), cluster.client_options(rest));
  Result<Revision> after = co_await put_until_done(cluster, others, "after", "1", std::chrono::seconds(30));
  cluster.expect(after.has_value(), "the others go on: " + why(after));
}

}  // namespace

std::vector<std::string> ContractCluster::flags(std::size_t member, const std::vector<std::size_t>& members, bool existing) {
  std::string initial;
  for (const std::size_t other : members) initial += (initial.empty() ? "" : ",") + name(other) + "=" + peer_url(other);
  const std::string client_url = "http://" + to_text(client_endpoint(member));
  const auto milliseconds = [](Duration duration) { return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()); };
  return {"--name=" + name(member),
          "--data-dir=" + data_directory(member),
          "--listen-client-urls=" + client_url,
          "--advertise-client-urls=" + client_url,
          "--listen-peer-urls=" + peer_url(member),
          "--initial-advertise-peer-urls=" + peer_url(member),
          "--initial-cluster=" + initial,
          std::string("--initial-cluster-state=") + (existing ? "existing" : "new"),
          "--initial-cluster-token=contract",
          "--heartbeat-interval=" + milliseconds(heartbeat_interval()),
          "--election-timeout=" + milliseconds(election_timeout())};
}

client::EtcdClientOptions ContractCluster::client_options(const std::vector<std::size_t>& members) {
  client::EtcdClientOptions options;
  for (const std::size_t member : members) options.endpoints.push_back(client_endpoint(member));
  options.request_timeout = std::chrono::seconds(12);
  options.connect_timeout = std::chrono::seconds(1);
  options.retry_interval = heartbeat_interval();
  return options;
}

const std::vector<Contract>& contracts() {
  static const std::vector<Contract> all{
      {"KeysAndValues", 1, keys_and_values},
      {"Transactions", 1, transactions},
      {"Compaction", 1, compaction},
      {"Watches", 1, watches},
      {"Leases", 1, leases},
      {"RestartKeepsEverything", 1, restart_keeps_everything},
      {"Snapshots", 1, snapshots},
      {"LeaderDies", 3, leader_dies},
      {"MajorityIsLost", 3, majority_is_lost},
      {"LeadershipMoves", 3, leadership_moves},
      {"MembershipChanges", 3, membership_changes},
      {"RemovedMemberStops", 3, removed_member_stops},
  };
  return all;
}

Task<void> run_contract(ContractCluster& cluster, const Contract& contract) {
  std::vector<std::size_t> members;
  for (std::size_t member = 0; member < contract.member_count; ++member) members.push_back(member);
  for (const std::size_t member : members) cluster.start(member, members);
  EtcdClient etcd(cluster.runtime(), cluster.client_options(members));
  for (const std::size_t member : members) {
    const Instant due = cluster.runtime().now() + std::chrono::seconds(20);
    for (;;) {
      Result<bool> healthy = co_await etcd.health(cluster.client_endpoint(member));
      if (healthy && healthy.value()) break;
      if (cluster.runtime().now() > due) {
        cluster.expect(false, "member " + std::to_string(member) + " does not become healthy");
        co_return;
      }
      co_await cluster.runtime().sleep_for(cluster.heartbeat_interval());
    }
  }
  co_await contract.run(cluster);
}

}  // namespace skidpad::fakes::etcd
