#include "harness/client/etcd/etcd_client.hpp"

#include "harness/client/etcd/etcd_codec.hpp"
#include "harness/client/etcd/etcd_server.hpp"

namespace skidpad::client {

using runtime::Endpoint;
using runtime::Error;
using runtime::ErrorCode;
using runtime::HttpRequest;
using runtime::HttpResponse;
using runtime::Result;
using runtime::Task;

namespace {

/// Only the idle connections of as many foreign members as a cluster may have.
constexpr std::size_t other_servers_max = 9;

/// Another member may do better.
bool is_members_fault(ErrorCode code) {
  return code == ErrorCode::refused || code == ErrorCode::timeout || code == ErrorCode::connection_lost || code == ErrorCode::unavailable;
}

Error unreadable(std::string_view path, const JsonScanner& in) {
  return Error(ErrorCode::corrupt, std::string(path) + ": unreadable answer: " + in.error());
}

/// Runs a decoder over a whole answer.
template <class T>
Result<T> decode_with(T (*decode)(JsonScanner&), std::string_view path, const std::string& body) {
  JsonScanner in(body);
  T decoded = decode(in);
  if (in.failed()) return unreadable(path, in);
  return decoded;
}

EtcdHeader decode_header_only(JsonScanner& in) {
  EtcdHeader header;
  for (in.enter_object(); in.next_field();) {
    if (in.is("header")) header = decode_header(in);
    else in.skip();
  }
  return header;
}

EtcdLeaseStatus decode_streamed_lease(JsonScanner& in) {
  EtcdLeaseStatus lease;
  for (in.enter_object(); in.next_field();) {
    if (in.is("result")) {
      lease = decode_lease(in);
    } else if (in.is("error")) {
      in.fail("an error inside the stream");
    } else {
      in.skip();
    }
  }
  return lease;
}

std::vector<EtcdLeaseId> decode_leases(JsonScanner& in) {
  std::vector<EtcdLeaseId> leases;
  for (in.enter_object(); in.next_field();) {
    if (!in.is("leases")) {
      in.skip();
      continue;
    }
    for (in.enter_array(); in.next_element();) leases.push_back(decode_lease(in).id);
  }
  return leases;
}

HashKv decode_hash(JsonScanner& in) {
  HashKv hash;
  for (in.enter_object(); in.next_field();) {
    if (in.is("header")) hash.header = decode_header(in);
    else if (in.is("hash")) hash.hash = static_cast<std::uint32_t>(in.unsigned_integer());
    else if (in.is("compact_revision")) hash.compact_revision = in.integer();
    else in.skip();
  }
  return hash;
}

std::vector<Alarm> decode_alarms(JsonScanner& in) {
  std::vector<Alarm> alarms;
  for (in.enter_object(); in.next_field();) {
    if (!in.is("alarms")) {
      in.skip();
      continue;
    }
    for (in.enter_array(); in.next_element();) {
      Alarm alarm;
      for (in.enter_object(); in.next_field();) {
        if (in.is("memberID")) alarm.member = MemberId{in.unsigned_integer()};
        else if (in.is("alarm")) alarm.type = in.text();
        else in.skip();
      }
      alarms.push_back(std::move(alarm));
    }
  }
  return alarms;
}

/// {"health":"true"}; older and newer members may add a reason.
bool decode_health(JsonScanner& in) {
  std::string health;
  for (in.enter_object(); in.next_field();) {
    if (in.is("health")) health = in.text();
    else in.skip();
  }
  return health == "true";
}

std::string decode_server_version(JsonScanner& in) {
  std::string version;
  for (in.enter_object(); in.next_field();) {
    if (in.is("etcdserver")) version = in.text();
    else in.skip();
  }
  return version;
}

std::string id_body(std::string_view field, std::uint64_t id) {
  std::string body;
  {
    JsonObject object(body);
    object.unsigned_integer(field, id);
  }
  return body;
}

void write_urls(JsonObject& object, const std::vector<std::string>& urls) {
  JsonArray array(object.field("peerURLs"));
  for (const std::string& url : urls) append_json_text(array.next(), url);
}

}  // namespace

EtcdClient::EtcdClient(runtime::Runtime& runtime, EtcdClientOptions options) : runtime_(runtime) { replace_options(std::move(options)); }
EtcdClient::~EtcdClient() = default;

std::shared_ptr<EtcdClient::Server> EtcdClient::make_server(const Endpoint& endpoint) const {
  runtime::HttpClientOptions http;
  http.servers.push_back(endpoint);
  http.tls = options_.tls;
  http.connect_timeout = options_.connect_timeout;
  http.request_timeout = options_.request_timeout;
  return std::make_shared<Server>(runtime_, endpoint, std::move(http));
}

void EtcdClient::replace_options(EtcdClientOptions options) {
  ASSERT(!options.endpoints.empty());
  options_ = std::move(options);
  servers_.clear();
  others_.clear();
  server_current_ = 0;
  for (const Endpoint& endpoint : options_.endpoints) servers_.push_back(make_server(endpoint));
}

std::shared_ptr<EtcdClient::Server> EtcdClient::server_at(const Endpoint& endpoint) {
  for (const auto* list : {&servers_, &others_})
    for (const auto& server : *list)
      if (server->endpoint == endpoint) return server;
  if (others_.size() >= other_servers_max) others_.erase(others_.begin());
  others_.push_back(make_server(endpoint));
  return others_.back();
}

/// Many requests may fail at once on one member: only the first of them turns to the next.
void EtcdClient::move_on_from(const std::shared_ptr<Server>& server) {
  if (servers_[server_current_] == server) server_current_ = (server_current_ + 1) % servers_.size();
}

Task<Result<std::string>> EtcdClient::post(std::shared_ptr<Server> server, std::string path, std::string body) {
  HttpRequest request;
  request.method = "POST";
  request.target = path;
  request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  Result<HttpResponse> response = co_await server->http.request(std::move(request));
  if (!response) co_return wrap(std::move(response.error()), "POST " + path + " on etcd " + to_text(server->endpoint));
  HttpResponse& answer = response.value();
  if (answer.status == 200) co_return std::move(answer.body);
  co_return decode_error(answer.status, answer.body, "POST " + path + " on etcd " + to_text(server->endpoint));
}

Task<Result<std::string>> EtcdClient::post_at(Endpoint at, std::string path, std::string body) {
  return post(server_at(at), std::move(path), std::move(body));
}

Task<Result<std::string>> EtcdClient::call(std::string path, std::string body, Repeat repeat) {
  const std::size_t attempts_max = servers_.size();
  for (std::size_t attempt = 1;; ++attempt) {
    const std::shared_ptr<Server> server = current_server();
    Result<std::string> answer = co_await post(server, path, body);
    if (answer || !is_members_fault(answer.error().code)) co_return answer;
    move_on_from(server);
    const bool untouched = answer.error().code == ErrorCode::refused ||
                           answer.error().message.find("not supported for learner") != std::string::npos;
    if (attempt >= attempts_max || (!untouched && repeat == Repeat::if_not_sent)) co_return answer;
  }
}

Task<Result<std::string>> EtcdClient::get_from(std::shared_ptr<Server> server, std::string path) {
  HttpRequest request;
  request.target = path;
  Result<HttpResponse> response = co_await server->http.request(std::move(request), options_.watch_probe_timeout);
  if (!response) co_return wrap(std::move(response.error()), "GET " + path + " on etcd " + to_text(server->endpoint));
  HttpResponse& answer = response.value();
  // An unhealthy member says so with 503 and a body; the caller reads the body.
  if (answer.status == 200 || answer.status == 503) co_return std::move(answer.body);
  co_return decode_error(answer.status, answer.body, "GET " + path + " on etcd " + to_text(server->endpoint));
}

Task<Result<RangeResponse>> EtcdClient::range(RangeRequest request) {
  Result<std::string> answer = co_await call("/v3/kv/range", encode(request), Repeat::if_failed);
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_range, "/v3/kv/range", answer.value());
}

Task<Result<std::optional<KeyValue>>> EtcdClient::get(std::string key) {
  Result<RangeResponse> found = co_await range(RangeRequest::one(std::move(key)));
  if (!found) co_return std::move(found.error());
  std::optional<KeyValue> kv;
  if (!found.value().kvs.empty()) kv = std::move(found.value().kvs.front());
  co_return kv;
}

Task<Result<PutResponse>> EtcdClient::put(PutRequest request) {
  Result<std::string> answer = co_await call("/v3/kv/put", encode(request), Repeat::if_not_sent);
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_put, "/v3/kv/put", answer.value());
}

Task<Result<DeleteResponse>> EtcdClient::remove(DeleteRequest request) {
  Result<std::string> answer = co_await call("/v3/kv/deleterange", encode(request), Repeat::if_not_sent);
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_delete, "/v3/kv/deleterange", answer.value());
}

Task<Result<TxnResponse>> EtcdClient::txn(TxnRequest request) {
  Result<std::string> answer = co_await call("/v3/kv/txn", encode(request), Repeat::if_not_sent);
  if (!answer) co_return std::move(answer.error());
  TxnResponse (*decode)(JsonScanner&) = &decode_txn;
  co_return decode_with(decode, "/v3/kv/txn", answer.value());
}

Task<Result<EtcdHeader>> EtcdClient::compact(Revision revision, bool physical) {
  std::string body;
  {
    JsonObject object(body);
    object.integer("revision", revision);
    object.boolean("physical", physical);
  }
  Result<std::string> answer = co_await call("/v3/kv/compaction", std::move(body), Repeat::if_not_sent);
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_header_only, "/v3/kv/compaction", answer.value());
}

EtcdWatch EtcdClient::watch(WatchRequest request) { return EtcdWatch(*this, std::move(request)); }

Task<Result<EtcdLeaseStatus>> EtcdClient::lease_grant(std::chrono::seconds ttl, EtcdLeaseId id) {
  std::string body;
  {
    JsonObject object(body);
    object.integer("TTL", ttl.count());
    object.integer("ID", static_cast<std::int64_t>(id));
  }
  Result<std::string> answer = co_await call("/v3/lease/grant", std::move(body), Repeat::if_not_sent);
  if (!answer) co_return std::move(answer.error());
  Result<EtcdLeaseStatus> lease = decode_with(&decode_lease, "/v3/lease/grant", answer.value());
  if (lease) lease.value().granted_ttl = lease.value().ttl;
  co_return lease;
}

Task<Result<EtcdLeaseStatus>> EtcdClient::lease_keep_alive(EtcdLeaseId id) {
  // Renewing twice is renewing once, so it may be repeated.
  Result<std::string> answer = co_await call("/v3/lease/keepalive", id_body("ID", static_cast<std::uint64_t>(id)), Repeat::if_failed);
  if (!answer) co_return std::move(answer.error());
  const std::string& body = answer.value();
  if (body.find("\"error\"") != std::string::npos) {
    Result<WatchLine> line = decode_watch_line(body);
    if (line && line.value().error) co_return *std::move(line.value().error);
  }
  Result<EtcdLeaseStatus> lease = decode_with(&decode_streamed_lease, "/v3/lease/keepalive", body);
  if (lease && lease.value().ttl.count() <= 0) {
    Error expired(ErrorCode::not_found, "etcd lease " + std::to_string(static_cast<std::int64_t>(id)) + " has expired");
    co_return expired;
  }
  co_return lease;
}

Task<Result<EtcdHeader>> EtcdClient::lease_revoke(EtcdLeaseId id) {
  Result<std::string> answer = co_await call("/v3/lease/revoke", id_body("ID", static_cast<std::uint64_t>(id)), Repeat::if_not_sent);
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_header_only, "/v3/lease/revoke", answer.value());
}

Task<Result<EtcdLeaseStatus>> EtcdClient::lease_time_to_live(EtcdLeaseId id, bool keys) {
  std::string body;
  {
    JsonObject object(body);
    object.integer("ID", static_cast<std::int64_t>(id));
    object.boolean("keys", keys);
  }
  Result<std::string> answer = co_await call("/v3/lease/timetolive", std::move(body), Repeat::if_failed);
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_lease, "/v3/lease/timetolive", answer.value());
}

Task<Result<std::vector<EtcdLeaseId>>> EtcdClient::leases() {
  Result<std::string> answer = co_await call("/v3/lease/leases", "{}", Repeat::if_failed);
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_leases, "/v3/lease/leases", answer.value());
}

Task<Result<MemberList>> EtcdClient::change_members(std::string path, std::string body) {
  const Repeat repeat = path.ends_with("/list") ? Repeat::if_failed : Repeat::if_not_sent;
  Result<std::string> answer = co_await call(path, std::move(body), repeat);
  if (!answer) co_return std::move(answer.error());
  Result<MemberAdded> decoded = decode_with(&decode_members, path, answer.value());
  if (!decoded) co_return std::move(decoded.error());
  MemberList list;
  list.header = decoded.value().header;
  list.members = std::move(decoded.value().members);
  co_return list;
}

Task<Result<MemberList>> EtcdClient::member_list() { return change_members("/v3/cluster/member/list", "{}"); }

Task<Result<MemberAdded>> EtcdClient::member_add(std::vector<std::string> peer_urls, bool is_learner) {
  std::string body;
  {
    JsonObject object(body);
    write_urls(object, peer_urls);
    object.boolean("isLearner", is_learner);
  }
  Result<std::string> answer = co_await call("/v3/cluster/member/add", std::move(body), Repeat::if_not_sent);
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_members, "/v3/cluster/member/add", answer.value());
}

Task<Result<MemberList>> EtcdClient::member_remove(MemberId id) {
  return change_members("/v3/cluster/member/remove", id_body("ID", static_cast<std::uint64_t>(id)));
}

Task<Result<MemberList>> EtcdClient::member_promote(MemberId id) {
  return change_members("/v3/cluster/member/promote", id_body("ID", static_cast<std::uint64_t>(id)));
}

Task<Result<MemberList>> EtcdClient::member_update(MemberId id, std::vector<std::string> peer_urls) {
  std::string body;
  {
    JsonObject object(body);
    object.unsigned_integer("ID", static_cast<std::uint64_t>(id));
    write_urls(object, peer_urls);
  }
  return change_members("/v3/cluster/member/update", std::move(body));
}

Task<Result<EtcdStatus>> EtcdClient::status(Endpoint at) {
  Result<std::string> answer = co_await post_at(at, "/v3/maintenance/status", "{}");
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_status, "/v3/maintenance/status", answer.value());
}

Task<Result<void>> EtcdClient::move_leader(Endpoint at, MemberId to) {
  Result<std::string> answer = co_await post_at(at, "/v3/maintenance/transfer-leadership", id_body("targetID", static_cast<std::uint64_t>(to)));
  if (!answer) co_return std::move(answer.error());
  co_return runtime::success();
}

Task<Result<void>> EtcdClient::defragment(Endpoint at) {
  Result<std::string> answer = co_await post_at(at, "/v3/maintenance/defragment", "{}");
  if (!answer) co_return std::move(answer.error());
  co_return runtime::success();
}

Task<Result<HashKv>> EtcdClient::hash_kv(Endpoint at, Revision revision) {
  Result<std::string> answer = co_await post_at(at, "/v3/maintenance/hash", id_body("revision", static_cast<std::uint64_t>(revision)));
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_hash, "/v3/maintenance/hash", answer.value());
}

Task<Result<std::vector<Alarm>>> EtcdClient::alarms(Endpoint at) {
  Result<std::string> answer = co_await post_at(at, "/v3/maintenance/alarm", "{}");
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_alarms, "/v3/maintenance/alarm", answer.value());
}

Task<Result<void>> EtcdClient::disarm_alarm(Endpoint at, Alarm alarm) {
  std::string body;
  {
    JsonObject object(body);
    object.text("action", "DEACTIVATE");
    object.unsigned_integer("memberID", static_cast<std::uint64_t>(alarm.member));
    object.text("alarm", alarm.type);
  }
  Result<std::string> answer = co_await post_at(at, "/v3/maintenance/alarm", std::move(body));
  if (!answer) co_return std::move(answer.error());
  co_return runtime::success();
}

Task<Result<bool>> EtcdClient::health(Endpoint at) {
  Result<std::string> answer = co_await get_from(server_at(at), "/health");
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_health, "/health", answer.value());
}

Task<Result<std::string>> EtcdClient::version(Endpoint at) {
  Result<std::string> answer = co_await get_from(server_at(at), "/version");
  if (!answer) co_return std::move(answer.error());
  co_return decode_with(&decode_server_version, "/version", answer.value());
}

Task<Result<std::uint64_t>> EtcdClient::save_snapshot(Endpoint at, std::string path) {
  const std::string partial = path + ".part";
  Result<std::uint64_t> size = co_await stream_snapshot(server_at(at), partial);
  if (size) {
    Result<void> kept = runtime_.disk().sync(partial);
    if (kept) kept = runtime_.disk().rename(partial, path);
    if (kept) co_return size;
    size = std::move(kept.error());
  }
  // Best effort: a leftover part is overwritten by the next attempt.
  (void)runtime_.disk().remove(partial);
  co_return wrap(std::move(size.error()), "snapshot of etcd " + to_text(at));
}

Task<Result<std::uint64_t>> EtcdClient::stream_snapshot(std::shared_ptr<Server> server, std::string path) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/v3/maintenance/snapshot";
  request.body = "{}";
  Result<runtime::HttpStream> opened = co_await server->http.open_stream(std::move(request));
  if (!opened) co_return std::move(opened.error());
  runtime::HttpStream stream = std::move(opened.value());
  if (stream.status() != 200) {
    Error refused(ErrorCode::unavailable, "HTTP status " + std::to_string(stream.status()));
    co_return refused;
  }
  if (Result<void> created = runtime_.disk().write(path, "", 0600); !created) co_return std::move(created.error());
  std::uint64_t size_bytes = 0;
  for (;;) {
    Result<std::optional<std::string>> line =
        co_await runtime::with_timeout(runtime_, options_.request_timeout, stream.read_line(), "the next part of a snapshot");
    if (!line) co_return std::move(line.error());
    if (!line.value()) break;
    if (line.value()->empty()) continue;
    JsonScanner in(*line.value());
    std::string blob;
    for (in.enter_object(); in.next_field();) {
      if (in.is("result")) {
        for (in.enter_object(); in.next_field();) {
          if (in.is("blob")) blob = in.bytes();
          else in.skip();
        }
      } else if (in.is("error")) {
        in.fail("etcd broke the stream off: " + line.value()->substr(0, 200));
      } else {
        in.skip();
      }
    }
    if (in.failed()) co_return unreadable("/v3/maintenance/snapshot", in);
    size_bytes += blob.size();
    if (Result<void> written = runtime_.disk().append(path, blob); !written) co_return std::move(written.error());
  }
  if (size_bytes == 0) {
    Error empty(ErrorCode::corrupt, "the snapshot is empty");
    co_return empty;
  }
  co_return size_bytes;
}

}  // namespace skidpad::client
