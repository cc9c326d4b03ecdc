#include "fakes/etcd/gateway.hpp"

#include "fakes/etcd/binary.hpp"
#include "fakes/etcd/gateway_codec.hpp"
#include "fakes/etcd/snapshot_file.hpp"
#include "fakes/etcd/watch_stream.hpp"

namespace skidpad::fakes::etcd {

using client::EtcdHeader;
using client::JsonArray;
using client::JsonObject;
using client::JsonScanner;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::Result;
using runtime::Task;

namespace {

/// etcd's --max-request-bytes.
constexpr std::size_t request_bytes_max = 1536 * 1024;
constexpr std::size_t snapshot_part_bytes = 32 * 1024;

HttpResponse text_response(int status, std::string_view content_type, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", std::string(content_type));
  response.body = std::move(body);
  return response;
}

HttpResponse error_response(int grpc_code, std::string_view message) {
  std::string body;
  {
    JsonObject object(body);
    object.text("error", message);
    object.text("message", message);
    object.number32("code", static_cast<std::uint32_t>(grpc_code));
  }
  return text_response(http_status_of(grpc_code), "application/json", std::move(body));
}

struct IdRequest {
  IdRequest() {}
  std::uint64_t id = 0;
  std::int64_t ttl = 0;
  std::uint64_t target = 0;
  Revision revision = 0;
  bool is_learner = false;
  std::vector<std::string> peer_urls;
  std::string action;
  std::uint64_t member = 0;
};

/// The small requests share their fields' names, so one reader does for all.
IdRequest decode_id_request(JsonScanner& in) {
  IdRequest request;
  for (in.enter_object(); in.next_field();) {
    if (in.is("ID")) request.id = in.unsigned_integer();
    else if (in.is("TTL")) request.ttl = in.integer();
    else if (in.is("targetID")) request.target = in.unsigned_integer();
    else if (in.is("memberID")) request.member = in.unsigned_integer();
    else if (in.is("revision")) request.revision = in.integer();
    else if (in.is("isLearner")) request.is_learner = in.boolean();
    else if (in.is("action")) {
      static constexpr std::string_view names[] = {"GET", "ACTIVATE", "DEACTIVATE"};
      const bool is_number = in.peek() != '"';
      request.action = is_number ? std::string(names[std::min<std::uint64_t>(in.unsigned_integer(), 2)]) : in.text();
    } else if (in.is("peerURLs")) {
      for (in.enter_array(); in.next_element();) request.peer_urls.push_back(in.text());
    } else in.skip();
  }
  return request;
}

bool urls_valid(const std::vector<std::string>& urls) {
  if (urls.empty()) return false;
  for (const std::string& url : urls)
    if (!parse_url(url)) return false;
  return true;
}

}  // namespace

Gateway::Answer Gateway::Answer::bad_json(const JsonScanner& in) {
  Answer answer(EtcdError{3, ""});
  answer.error_text = in.error();
  return answer;
}

Gateway::Gateway(Server& server) : server_(server) {
  handlers_ = {
      {"/v3/kv/range", &Gateway::range},
      {"/v3/kv/put", &Gateway::put},
      {"/v3/kv/deleterange", &Gateway::remove},
      {"/v3/kv/txn", &Gateway::txn},
      {"/v3/kv/compaction", &Gateway::compact},
      {"/v3/lease/grant", &Gateway::lease_grant},
      {"/v3/lease/revoke", &Gateway::lease_revoke},
      {"/v3/kv/lease/revoke", &Gateway::lease_revoke},
      {"/v3/lease/keepalive", &Gateway::lease_keep_alive},
      {"/v3/lease/timetolive", &Gateway::lease_time_to_live},
      {"/v3/kv/lease/timetolive", &Gateway::lease_time_to_live},
      {"/v3/lease/leases", &Gateway::leases},
      {"/v3/kv/lease/leases", &Gateway::leases},
      {"/v3/cluster/member/list", &Gateway::member_list},
      {"/v3/cluster/member/add", &Gateway::member_add},
      {"/v3/cluster/member/remove", &Gateway::member_remove},
      {"/v3/cluster/member/promote", &Gateway::member_promote},
      {"/v3/cluster/member/update", &Gateway::member_update},
      {"/v3/maintenance/status", &Gateway::status},
      {"/v3/maintenance/alarm", &Gateway::alarm},
      {"/v3/maintenance/defragment", &Gateway::defragment},
      {"/v3/maintenance/hash", &Gateway::hash},
      {"/v3/maintenance/transfer-leadership", &Gateway::transfer_leadership},
  };
}

EtcdHeader Gateway::header(Revision revision) const {
  EtcdHeader header;
  header.cluster_id = server_.state().membership.cluster_id;
  header.member_id = server_.raft().id();
  header.revision = revision;
  header.raft_term = server_.raft().term();
  return header;
}

Task<void> Gateway::handle_metrics(const HttpRequest& request, HttpResponder& responder) {
  const std::string_view path = request.path();
  HttpResponse response;
  if (path == "/metrics") {
    response = metrics();
  } else if (path == "/health") {
    response = co_await health();
  } else {
    response = text_response(404, "text/plain; charset=utf-8", "404 page not found\n");
  }
  (void)co_await responder.send(std::move(response));
}

Task<void> Gateway::handle(const HttpRequest& request, HttpResponder& responder) {
  const std::string_view path = request.path();
  HttpResponse response;
  if (!path.starts_with("/v3/")) {
    if (path == "/version") {
      response = text_response(200, "application/json", "{\"etcdserver\":\"" + server_.options().version + "\",\"etcdcluster\":\"3.4.0\"}");
      (void)co_await responder.send(std::move(response));
      co_return;
    }
    co_await handle_metrics(request, responder);
    co_return;
  }
  const bool is_watch = path == "/v3/watch";
  const bool is_snapshot = path == "/v3/maintenance/snapshot";
  const auto handler = handlers_.find(path);
  const bool known = is_watch || is_snapshot || handler != handlers_.end();
  if (!known || request.method != "POST") {
    response = text_response(known ? 405 : 404, "text/plain; charset=utf-8", known ? "Method Not Allowed\n" : "Not Found\n");
    (void)co_await responder.send(std::move(response));
    co_return;
  }
  if (is_watch) {
    WatchStream stream(server_, request.headers.get("Grpc-Metadata-Hasleader") == "true");
    co_await stream.run(request.body, responder);
    co_return;
  }
  if (is_snapshot) {
    co_await snapshot(responder);
    co_return;
  }
  // A learner serves its own state only.
  const bool own_state = path == "/v3/maintenance/status" || path == "/v3/cluster/member/list" || path.find("/maintenance/") != std::string_view::npos;
  const bool serializable_range = path == "/v3/kv/range" && request.body.find("serializable") != std::string::npos;
  if (server_.is_learner() && !own_state && !serializable_range) {
    response = error_response(error_learner_no_rpc.grpc_code, error_learner_no_rpc.message);
    (void)co_await responder.send(std::move(response));
    co_return;
  }
  Answer answer = co_await (this->*handler->second)(request.body);
  if (!answer.error_text.empty()) {
    response = error_response(3, answer.error_text);
  } else if (answer.error) {
    response = error_response(answer.error->grpc_code, answer.error->message);
  } else {
    response = text_response(200, "application/json", std::move(answer.body));
  }
  (void)co_await responder.send(std::move(response));
}

Task<Gateway::Answer> Gateway::range(const std::string& body) {
  JsonScanner in(body);
  const RangeRequest request = decode_range_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  if (const auto error = check_request(request)) co_return *error;
  if (!request.serializable) {
    const auto error = co_await server_.linearizable(server_.options().request_timeout());
    if (error) co_return *error;
  }
  const Applied found = server_.state().store.range(request);
  if (found.error) co_return *found.error;
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(found.result.revision));
    append_range(object, found.result);
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::put(const std::string& body) {
  JsonScanner in(body);
  Command command;
  command.kind = Command::Kind::put;
  command.put = decode_put_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  if (const auto error = check_request(command.put)) co_return *error;
  if (body.size() > request_bytes_max * 4 / 3) co_return error_request_too_large;
  const Applied applied = co_await server_.propose(std::move(command));
  if (applied.error) co_return *applied.error;
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(applied.result.revision));
    append_put(object, applied.result);
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::remove(const std::string& body) {
  JsonScanner in(body);
  Command command;
  command.kind = Command::Kind::remove;
  command.remove = decode_delete_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  if (const auto error = check_request(command.remove)) co_return *error;
  const Applied applied = co_await server_.propose(std::move(command));
  if (applied.error) co_return *applied.error;
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(applied.result.revision));
    append_delete(object, applied.result);
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::txn(const std::string& body) {
  JsonScanner in(body);
  Command command;
  command.kind = Command::Kind::txn;
  command.txn = decode_txn_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  if (const auto error = check_request(command.txn)) co_return *error;
  if (body.size() > request_bytes_max * 4 / 3) co_return error_request_too_large;
  const Applied applied = co_await server_.propose(std::move(command));
  if (applied.error) co_return *applied.error;
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(applied.result.revision));
    append_txn(object, applied.result);
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::compact(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  Command command;
  command.kind = Command::Kind::compact;
  command.revision = request.revision;
  const Applied applied = co_await server_.propose(std::move(command));
  if (applied.error) co_return *applied.error;
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(applied.result.revision));
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::lease_grant(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  const Applied applied = co_await server_.lease_grant(EtcdLeaseId{static_cast<std::int64_t>(request.id)}, request.ttl);
  if (applied.error) co_return *applied.error;
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(server_.state().store.revision()));
    object.integer("ID", applied.result.revision);
    object.integer("TTL", applied.result.count);
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::lease_revoke(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  Command command;
  command.kind = Command::Kind::lease_revoke;
  command.etcd_lease = EtcdLeaseId{static_cast<std::int64_t>(request.id)};
  const Applied applied = co_await server_.propose(std::move(command));
  if (applied.error) co_return *applied.error;
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(applied.result.revision));
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::lease_keep_alive(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  const Server::LeaseAnswer lease = co_await server_.lease_keep_alive(EtcdLeaseId{static_cast<std::int64_t>(request.id)});
  if (lease.error) co_return *lease.error;
  std::string out = "{\"result\":";
  {
    JsonObject object(out);
    append_header(object, header(server_.state().store.revision()));
    object.unsigned_integer("ID", request.id);
    object.integer("TTL", std::max<std::int64_t>(lease.ttl_seconds, 0));
  }
  out += "}\n";
  co_return out;
}

Task<Gateway::Answer> Gateway::lease_time_to_live(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  const EtcdLeaseId id{static_cast<std::int64_t>(request.id)};
  const Server::LeaseAnswer lease = co_await server_.lease_time_to_live(id);
  if (lease.error) co_return *lease.error;
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(server_.state().store.revision()));
    object.unsigned_integer("ID", request.id);
    object.integer("TTL", lease.ttl_seconds);
    object.integer("grantedTTL", lease.granted_seconds);
    const auto known = server_.state().store.leases().find(id);
    const bool wants_keys = body.find("keys") != std::string::npos;
    if (wants_keys && lease.ttl_seconds >= 0 && known != server_.state().store.leases().end() && !known->second.keys.empty()) {
      JsonArray array(object.field("keys"));
      for (const std::string& key : known->second.keys) {
        std::string& element = array.next();
        element += '"';
        client::append_base64(element, key);
        element += '"';
      }
    }
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::leases(const std::string&) {
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(server_.state().store.revision()));
    if (!server_.state().store.leases().empty()) {
      JsonArray array(object.field("leases"));
      for (const auto& [id, lease] : server_.state().store.leases()) {
        JsonObject element(array.next());
        element.integer("ID", static_cast<std::int64_t>(id));
      }
    }
  }
  co_return out;
}

std::string Gateway::members_body(const std::optional<client::Member>& added) const {
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(0));
    if (added) append_member(object.field("member"), *added);
    JsonArray array(object.field("members"));
    for (const auto& [id, member] : server_.state().membership.members) append_member(array.next(), member);
  }
  return out;
}

Task<Gateway::Answer> Gateway::member_list(const std::string&) { co_return members_body(std::nullopt); }

Task<Gateway::Answer> Gateway::member_add(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  if (!urls_valid(request.peer_urls)) co_return error_bad_peer_urls;
  client::Member member;
  const auto salt = static_cast<std::uint64_t>(server_.runtime().wall_now().time_since_epoch().count());
  member.id = make_member_id(request.peer_urls, "", salt);
  member.peer_urls = request.peer_urls;
  member.is_learner = request.is_learner;
  const auto error = co_await server_.member_add(member);
  if (error) co_return *error;
  co_return members_body(member);
}

Task<Gateway::Answer> Gateway::member_remove(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  const auto error = co_await server_.member_remove(MemberId{request.id});
  if (error) co_return *error;
  co_return members_body(std::nullopt);
}

Task<Gateway::Answer> Gateway::member_promote(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  const auto error = co_await server_.member_promote(MemberId{request.id});
  if (error) co_return *error;
  co_return members_body(std::nullopt);
}

Task<Gateway::Answer> Gateway::member_update(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  if (!urls_valid(request.peer_urls)) co_return error_bad_peer_urls;
  const auto error = co_await server_.member_update(MemberId{request.id}, request.peer_urls);
  if (error) co_return *error;
  co_return members_body(std::nullopt);
}

Task<Gateway::Answer> Gateway::status(const std::string&) {
  const Raft& raft = server_.raft();
  const auto size = static_cast<std::int64_t>(server_.state().store.size_bytes());
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(server_.state().store.revision()));
    object.text("version", server_.options().version);
    // A page file of etcd is never smaller than this.
    object.integer("dbSize", std::max<std::int64_t>(size, 20480));
    object.unsigned_integer("leader", static_cast<std::uint64_t>(raft.leader()));
    object.unsigned_integer("raftIndex", raft.commit());
    object.unsigned_integer("raftTerm", raft.term());
    object.unsigned_integer("raftAppliedIndex", raft.applied());
    std::vector<std::string> errors;
    if (raft.leader() == no_member) errors.emplace_back("etcdserver: no leader");
    for (const MemberId id : server_.state().no_space_alarms) errors.push_back("memberID:" + std::to_string(static_cast<std::uint64_t>(id)) + " alarm:NOSPACE ");
    if (!errors.empty()) {
      JsonArray array(object.field("errors"));
      for (const std::string& error : errors) client::append_json_text(array.next(), error);
    }
    object.integer("dbSizeInUse", std::max<std::int64_t>(size, 16384));
    object.boolean("isLearner", server_.is_learner());
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::alarm(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  if (request.action == "ACTIVATE" || request.action == "DEACTIVATE") {
    Command command;
    command.kind = Command::Kind::alarm;
    command.member.id = MemberId{request.member};
    command.alarm_on = request.action == "ACTIVATE";
    const Applied applied = co_await server_.propose(std::move(command));
    if (applied.error) co_return *applied.error;
  }
  std::string out;
  {
    JsonObject object(out);
    if (!server_.state().no_space_alarms.empty()) {
      JsonArray array(object.field("alarms"));
      for (const MemberId id : server_.state().no_space_alarms) {
        JsonObject element(array.next());
        element.unsigned_integer("memberID", static_cast<std::uint64_t>(id));
        element.text("alarm", "NOSPACE");
      }
    }
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::defragment(const std::string&) { co_return std::string("{}"); }

Task<Gateway::Answer> Gateway::hash(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  const Store& store = server_.state().store;
  if (request.revision > store.revision()) co_return error_future_revision;
  if (request.revision > 0 && request.revision < store.compact_revision()) co_return error_compacted;
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(store.revision()));
    // The gateway of 3.4 names no compacted revision here.
    object.number32("hash", store.hash(request.revision == 0 ? store.revision() : request.revision));
  }
  co_return out;
}

Task<Gateway::Answer> Gateway::transfer_leadership(const std::string& body) {
  JsonScanner in(body);
  const IdRequest request = decode_id_request(in);
  if (in.failed()) co_return Answer::bad_json(in);
  const auto error = co_await server_.move_leader(MemberId{request.target});
  if (error) co_return *error;
  std::string out;
  {
    JsonObject object(out);
    append_header(object, header(server_.state().store.revision()));
  }
  co_return out;
}

/// The member's own state, and behind it a checksum, as etcd appends a SHA-256.
Task<void> Gateway::snapshot(HttpResponder& responder) {
  runtime::HttpHeaders headers;
  headers.add("Content-Type", "application/json");
  Result<void> started = co_await responder.start_stream(200, std::move(headers));
  if (!started) co_return;
  const std::string state = write_snapshot_file(server_.state());
  for (std::size_t at = 0; at < state.size(); at += snapshot_part_bytes) {
    const std::string_view part = std::string_view(state).substr(at, snapshot_part_bytes);
    std::string line = "{\"result\":";
    {
      JsonObject object(line);
      object.unsigned_integer("remaining_bytes", state.size() - at - part.size());
      object.bytes("blob", part);
    }
    line += "}\n";
    Result<void> written = co_await responder.write_chunk(std::move(line));
    if (!written) co_return;
  }
  (void)co_await responder.end_stream();
}

Task<HttpResponse> Gateway::health() {
  bool healthy = server_.state().no_space_alarms.empty() && server_.raft().leader() != no_member;
  if (healthy) {
    const auto error = co_await server_.linearizable(std::chrono::seconds(1));
    healthy = !error;
  }
  co_return text_response(healthy ? 200 : 503, "text/plain; charset=utf-8", healthy ? "{\"health\":\"true\"}" : "{\"health\":\"false\"}");
}

HttpResponse Gateway::metrics() const {
  const Raft& raft = server_.raft();
  const ServerCounters& counters = server_.counters();
  std::string out;
  const auto metric = [&](std::string_view name, std::string_view type, std::uint64_t value, std::string_view labels = "") {
    out += "# TYPE ";
    out += name;
    out += ' ';
    out += type;
    out += '\n';
    out += name;
    out += labels;
    out += ' ';
    out += std::to_string(value);
    out += '\n';
  };
  metric("etcd_server_has_leader", "gauge", raft.leader() != no_member ? 1 : 0);
  metric("etcd_server_is_leader", "gauge", raft.role() == Role::leader ? 1 : 0);
  metric("etcd_server_is_learner", "gauge", server_.is_learner() ? 1 : 0);
  metric("etcd_server_leader_changes_seen_total", "counter", counters.leader_changes_seen);
  metric("etcd_server_proposals_committed_total", "gauge", server_.raft().commit());
  metric("etcd_server_proposals_applied_total", "gauge", counters.proposals_applied);
  metric("etcd_server_proposals_failed_total", "counter", counters.proposals_failed);
  metric("etcd_server_quota_backend_bytes", "gauge", server_.options().quota_bytes);
  metric("etcd_server_id", "gauge", 1, "{server_id=\"" + client::to_text(raft.id()) + "\"}");
  metric("etcd_server_version", "gauge", 1, "{server_version=\"" + server_.options().version + "\"}");
  metric("etcd_mvcc_db_total_size_in_bytes", "gauge", server_.state().store.size_bytes());
  metric("etcd_mvcc_db_total_size_in_use_in_bytes", "gauge", server_.state().store.size_bytes());
  metric("etcd_debugging_mvcc_current_revision", "gauge", static_cast<std::uint64_t>(server_.state().store.revision()));
  metric("etcd_debugging_mvcc_compact_revision", "gauge", static_cast<std::uint64_t>(std::max<Revision>(server_.state().store.compact_revision(), 0)));
  metric("etcd_debugging_mvcc_keys_total", "gauge", server_.state().store.key_count());
  metric("etcd_mvcc_put_total", "counter", counters.puts);
  metric("etcd_mvcc_delete_total", "counter", counters.removes);
  metric("etcd_mvcc_txn_total", "counter", counters.txns);
  // A model's disk takes no time that could be told from the machine's.
  out += "# TYPE etcd_disk_wal_fsync_duration_seconds histogram\n";
  out += "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"+Inf\"} " + std::to_string(server_.sync_count()) + "\n";
  out += "etcd_disk_wal_fsync_duration_seconds_sum 0\netcd_disk_wal_fsync_duration_seconds_count " + std::to_string(server_.sync_count()) + "\n";
  return text_response(200, "text/plain; version=0.0.4; charset=utf-8", std::move(out));
}

}  // namespace skidpad::fakes::etcd
