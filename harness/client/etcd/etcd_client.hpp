/// @file etcd_client.hpp
/// etcd 3.4 over its JSON gateway, for real etcd and for the simulator's model alike.
/// Promise: a write is sent once; it goes to a further endpoint only if the one before was never reached. Reads and watches move
/// on to the next endpoint by themselves. A watch neither loses nor repeats an event over any number of reconnects.
/// Errors: timeout and connection_lost (effect of a write unknown; etcd's own "request timed out" is a timeout too),
/// unavailable (no leader, too many requests, space exceeded: nothing happened), gone (compacted), not_found, already_exists,
/// conflict (membership changes that do not fit now), invalid. message holds etcd's text, http_status the gateway's status.
/// Not offered: auth, the v3lock and v3election services, progress requests on a running watch.
#pragma once

#include "harness/client/etcd/etcd_types.hpp"
#include "harness/client/etcd/etcd_watch.hpp"
#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::client {

struct EtcdClientOptions {
  EtcdClientOptions() {}
  std::vector<runtime::Endpoint> endpoints;
  std::optional<runtime::TlsClientOptions> tls;
  runtime::Duration connect_timeout = std::chrono::seconds(2);
  /// etcd itself gives up on a write after 5 s + 2 election timeouts; beyond that the answer can only be lost.
  runtime::Duration request_timeout = std::chrono::seconds(10);
  /// A watch that brought nothing for so long checks that its member still answers (as gRPC keepalive does), else moves on.
  runtime::Duration watch_probe_interval = std::chrono::seconds(30);
  runtime::Duration watch_probe_timeout = std::chrono::seconds(10);
  /// Between attempts of a watch to find a member that serves it; doubles up to 8 times this.
  runtime::Duration retry_interval = std::chrono::milliseconds(250);
};

/// Several tasks may use one client at once. It outlives the watches it made.
class EtcdClient {
 public:
  EtcdClient(runtime::Runtime& runtime, EtcdClientOptions options);
  ~EtcdClient();
  EtcdClient(const EtcdClient&) = delete;

  runtime::Task<runtime::Result<RangeResponse>> range(RangeRequest request);
  /// The newest value of one key; none if it is not there.
  runtime::Task<runtime::Result<std::optional<KeyValue>>> get(std::string key);
  runtime::Task<runtime::Result<PutResponse>> put(PutRequest request);
  runtime::Task<runtime::Result<DeleteResponse>> remove(DeleteRequest request);
  runtime::Task<runtime::Result<TxnResponse>> txn(TxnRequest request);
  /// Forgets revisions below this one. physical: returns only when the space is free.
  runtime::Task<runtime::Result<EtcdHeader>> compact(Revision revision, bool physical = false);

  /// Connects at the first next(). Give start_revision unless "from some moment soon" is good enough.
  EtcdWatch watch(WatchRequest request);

  /// id 0: etcd chooses. ttl is what etcd granted (it raises it to at least 1.5 election timeouts).
  runtime::Task<runtime::Result<EtcdLeaseStatus>> lease_grant(std::chrono::seconds ttl, EtcdLeaseId id = no_etcd_lease);
  /// not_found when the lease has expired. ttl is the new time left.
  runtime::Task<runtime::Result<EtcdLeaseStatus>> lease_keep_alive(EtcdLeaseId id);
  runtime::Task<runtime::Result<EtcdHeader>> lease_revoke(EtcdLeaseId id);
  runtime::Task<runtime::Result<EtcdLeaseStatus>> lease_time_to_live(EtcdLeaseId id, bool keys = false);
  runtime::Task<runtime::Result<std::vector<EtcdLeaseId>>> leases();

  /// etcd 3.4 answers this from the asked member's own state.
  runtime::Task<runtime::Result<MemberList>> member_list();
  /// Voters change the quorum at once: prefer a learner, then promote.
  runtime::Task<runtime::Result<MemberAdded>> member_add(std::vector<std::string> peer_urls, bool is_learner);
  runtime::Task<runtime::Result<MemberList>> member_remove(MemberId id);
  /// conflict while the learner is not yet in sync.
  runtime::Task<runtime::Result<MemberList>> member_promote(MemberId id);
  runtime::Task<runtime::Result<MemberList>> member_update(MemberId id, std::vector<std::string> peer_urls);

  // Of one member each; `at` need not be among options().endpoints.
  runtime::Task<runtime::Result<EtcdStatus>> status(runtime::Endpoint at);
  /// Must be asked of the leader; conflict elsewhere.
  runtime::Task<runtime::Result<void>> move_leader(runtime::Endpoint at, MemberId to);
  runtime::Task<runtime::Result<void>> defragment(runtime::Endpoint at);
  /// revision 0: the newest.
  runtime::Task<runtime::Result<HashKv>> hash_kv(runtime::Endpoint at, Revision revision = 0);
  runtime::Task<runtime::Result<std::vector<Alarm>>> alarms(runtime::Endpoint at);
  runtime::Task<runtime::Result<void>> disarm_alarm(runtime::Endpoint at, Alarm alarm);
  /// True if the member's /health says so: it knows a leader and raises no alarm.
  runtime::Task<runtime::Result<bool>> health(runtime::Endpoint at);
  /// etcdserver version from /version.
  runtime::Task<runtime::Result<std::string>> version(runtime::Endpoint at);
  /// Streams the member's database into a file: written beside it, synced, renamed. The value is its size in bytes.
  runtime::Task<runtime::Result<std::uint64_t>> save_snapshot(runtime::Endpoint at, std::string path);

  const EtcdClientOptions& options() const { return options_; }
  /// New endpoints or certificates; running watches use them when they next reconnect.
  void replace_options(EtcdClientOptions options);

 private:
  friend class EtcdWatch;
  struct Server;
  enum class Repeat { if_not_sent, if_failed };

  std::shared_ptr<Server> make_server(const runtime::Endpoint& endpoint) const;
  std::shared_ptr<Server> server_at(const runtime::Endpoint& endpoint);
  std::shared_ptr<Server> current_server() const { return servers_[server_current_]; }
  void move_on_from(const std::shared_ptr<Server>& server);
  runtime::Task<runtime::Result<std::string>> post(std::shared_ptr<Server> server, std::string path, std::string body);
  runtime::Task<runtime::Result<std::string>> post_at(runtime::Endpoint at, std::string path, std::string body);
  runtime::Task<runtime::Result<std::string>> call(std::string path, std::string body, Repeat repeat);
  runtime::Task<runtime::Result<std::string>> get_from(std::shared_ptr<Server> server, std::string path);
  runtime::Task<runtime::Result<MemberList>> change_members(std::string path, std::string body);
  runtime::Task<runtime::Result<std::uint64_t>> stream_snapshot(std::shared_ptr<Server> server, std::string path);

  runtime::Runtime& runtime_;
  EtcdClientOptions options_;
  std::vector<std::shared_ptr<Server>> servers_;
  std::vector<std::shared_ptr<Server>> others_;  ///< reached through `at` only
  std::size_t server_current_ = 0;
};

}  // namespace skidpad::client
