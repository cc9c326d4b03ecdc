#include "fakes/etcd/etcd.hpp"

#include <algorithm>

#include "fakes/etcd/gateway.hpp"
#include "fakes/etcd/server.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::etcd {

using runtime::Duration;
using runtime::Error;
using runtime::ErrorCode;
using runtime::Listener;
using runtime::Result;
using runtime::Runtime;
using runtime::Task;

namespace {

struct Settings {
  Settings() {}
  std::string name = "default";
  std::string data_directory;
  std::vector<std::string> listen_client_urls{"http://localhost:2379"};
  std::vector<std::string> advertise_client_urls{"http://localhost:2379"};
  std::vector<std::string> listen_peer_urls{"http://localhost:2380"};
  std::vector<std::string> advertise_peer_urls{"http://localhost:2380"};
  std::vector<std::string> listen_metrics_urls;
  std::string initial_cluster;
  std::string initial_cluster_state = "new";
  std::string initial_cluster_token = "etcd-cluster";
  std::int64_t heartbeat_ms = 100;
  std::int64_t election_ms = 1000;
  std::string cert_file, key_file, trusted_ca_file;
  bool client_cert_auth = false;
  std::string peer_cert_file, peer_key_file, peer_trusted_ca_file;
  bool peer_client_cert_auth = false;
  std::int64_t snapshot_count = 100000;
  std::int64_t quota_backend_bytes = 0;
  std::string auto_compaction_mode = "periodic";
  std::string auto_compaction_retention = "0";
  bool force_new_cluster = false;
  bool pre_vote = false;
  bool strict_reconfig_check = true;
  Duration progress_notify_interval = std::chrono::minutes(10);
};

struct InitialMember {
  std::string name;
  std::vector<std::string> peer_urls;
};

/// Throws UsageError.
void parse_flags(const std::vector<std::string>& arguments, Settings& settings) {
  runtime::Flags flags("etcd", "a model of etcd 3.4");
  flags.add("name", settings.name);
  flags.add("data-dir", settings.data_directory);
  flags.add("listen-client-urls", settings.listen_client_urls);
  flags.add("advertise-client-urls", settings.advertise_client_urls);
  flags.add("listen-peer-urls", settings.listen_peer_urls);
  flags.add("initial-advertise-peer-urls", settings.advertise_peer_urls);
  flags.add("listen-metrics-urls", settings.listen_metrics_urls);
  flags.add("initial-cluster", settings.initial_cluster);
  flags.add("initial-cluster-state", settings.initial_cluster_state);
  flags.add("initial-cluster-token", settings.initial_cluster_token);
  flags.add("heartbeat-interval", settings.heartbeat_ms, "milliseconds");
  flags.add("election-timeout", settings.election_ms, "milliseconds");
  flags.add("cert-file", settings.cert_file);
  flags.add("key-file", settings.key_file);
  flags.add("trusted-ca-file", settings.trusted_ca_file);
  flags.add("client-cert-auth", settings.client_cert_auth);
  flags.add("peer-cert-file", settings.peer_cert_file);
  flags.add("peer-key-file", settings.peer_key_file);
  flags.add("peer-trusted-ca-file", settings.peer_trusted_ca_file);
  flags.add("peer-client-cert-auth", settings.peer_client_cert_auth);
  flags.add("snapshot-count", settings.snapshot_count);
  flags.add("quota-backend-bytes", settings.quota_backend_bytes);
  flags.add("auto-compaction-mode", settings.auto_compaction_mode);
  flags.add("auto-compaction-retention", settings.auto_compaction_retention);
  flags.add("force-new-cluster", settings.force_new_cluster);
  flags.add("pre-vote", settings.pre_vote);
  flags.add("strict-reconfig-check", settings.strict_reconfig_check);
  flags.add("experimental-watch-progress-notify-interval", settings.progress_notify_interval);
  for (const char* name : {"wal-dir", "max-snapshots", "max-wals", "log-level", "logger", "log-outputs", "debug", "enable-v2", "enable-pprof",
                           "max-txn-ops", "max-request-bytes", "cors", "host-whitelist", "metrics", "proxy", "initial-election-tick-advance",
                           "grpc-keepalive-min-time", "grpc-keepalive-interval", "grpc-keepalive-timeout", "auto-tls", "peer-auto-tls", "cipher-suites",
                           "client-crl-file", "peer-crl-file", "peer-cert-allowed-cn", "peer-cert-allowed-hostname", "auth-token", "unsafe-no-fsync",
                           "experimental-initial-corrupt-check", "experimental-corrupt-check-time", "experimental-compaction-batch-limit",
                           "experimental-enable-lease-checkpoint", "experimental-peer-skip-client-san-verification", "backend-batch-interval",
                           "backend-batch-limit", "backend-bbolt-freelist-type"})
    flags.accept(name, "no effect on the model");
  flags.parse(arguments);
  if (settings.data_directory.empty()) settings.data_directory = "/var/lib/etcd/" + settings.name + ".etcd";
  if (settings.initial_cluster.empty()) {
    for (const std::string& url : settings.advertise_peer_urls) settings.initial_cluster += (settings.initial_cluster.empty() ? "" : ",") + settings.name + "=" + url;
  }
  if (settings.heartbeat_ms <= 0) throw UsageError("--heartbeat-interval must be >0 (set to " + std::to_string(settings.heartbeat_ms) + "ms)");
  if (settings.election_ms < 5 * settings.heartbeat_ms) {
    throw UsageError("--election-timeout[" + std::to_string(settings.election_ms) + "ms] should be at least as 5 times as --heartbeat-interval[" +
                     std::to_string(settings.heartbeat_ms) + "ms]");
  }
  if (settings.election_ms > 50000) throw UsageError("--election-timeout[" + std::to_string(settings.election_ms) + "ms] is too long, and should be set less than 50000ms");
  if (settings.initial_cluster_state != "new" && settings.initial_cluster_state != "existing")
    throw UsageError("unexpected clusterState \"" + settings.initial_cluster_state + "\"");
}

std::vector<InitialMember> parse_initial_cluster(const std::string& text) {
  std::map<std::string, InitialMember> members;
  std::size_t at = 0;
  while (at <= text.size() && !text.empty()) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0) throw UsageError("error setting up initial cluster: bad member \"" + part + "\"");
    InitialMember& member = members[part.substr(0, equals)];
    member.name = part.substr(0, equals);
    member.peer_urls.push_back(part.substr(equals + 1));
    if (!parse_url(member.peer_urls.back())) throw UsageError("error setting up initial cluster: " + parse_url(member.peer_urls.back()).error().message);
    at = end + 1;
  }
  std::vector<InitialMember> list;
  for (auto& [name, member] : members) {
    std::sort(member.peer_urls.begin(), member.peer_urls.end());
    list.push_back(std::move(member));
  }
  return list;
}

Result<std::string> read_pem(Runtime& runtime, const std::string& path) {
  if (path.empty()) return std::string();
  return runtime.disk().read(path);
}

Result<runtime::TlsServerOptions> server_tls(Runtime& runtime, const std::string& cert, const std::string& key, const std::string& ca, bool client_auth) {
  runtime::TlsServerOptions tls;
  TRY(tls.certificate_pem, read_pem(runtime, cert));
  TRY(tls.key_pem, read_pem(runtime, key));
  TRY(tls.client_ca_pem, read_pem(runtime, ca));
  tls.client_certificate_required = client_auth || !ca.empty();
  return tls;
}

Result<std::vector<std::unique_ptr<Listener>>> listen_on(Runtime& runtime, const std::vector<std::string>& urls, const runtime::TlsServerOptions& tls) {
  std::vector<std::unique_ptr<Listener>> listeners;
  for (const std::string& text : urls) {
    TRY(const PeerUrl url, parse_url(text));
    runtime::ListenOptions options;
    options.at = url.endpoint;
    if (options.at.address == "0.0.0.0") options.at.address.clear();
    if (url.tls) options.tls = tls;
    TRY(std::unique_ptr<Listener> listener, runtime.network().listen(std::move(options)));
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

bool same_urls(std::vector<std::string> a, std::vector<std::string> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

/// One member's start: what is on disk, or a new cluster, or joining an existing one.
class Bootstrap {
 public:
  Bootstrap(Runtime& runtime, const Settings& settings, std::optional<runtime::TlsClientOptions> peer_tls)
      : runtime_(runtime), settings_(settings), peer_tls_(std::move(peer_tls)), log_(std::make_unique<LogFile>(runtime.disk(), settings.data_directory)) {}

  Task<Result<LoadedLog>> run() {
    if (log_->exists()) {
      Result<LoadedLog> loaded = log_->load();
      if (loaded && settings_.force_new_cluster) force_new_cluster(loaded.value());
      co_return loaded;
    }
    const std::vector<InitialMember> initial = parse_initial_cluster(settings_.initial_cluster);
    const auto self = std::find_if(initial.begin(), initial.end(), [&](const InitialMember& member) { return member.name == settings_.name; });
    if (self == initial.end()) co_return failure("couldn't find local name \"" + settings_.name + "\" in the initial cluster configuration");
    if (!same_urls(self->peer_urls, settings_.advertise_peer_urls))
      co_return failure("--initial-cluster has " + settings_.name + "=" + self->peer_urls.front() + " but missing from --initial-advertise-peer-urls");
    if (settings_.initial_cluster_state == "existing") co_return co_await join(initial, *self);
    co_return co_await found(initial, *self);
  }
  std::unique_ptr<LogFile> take_log() { return std::move(log_); }
  /// Who to talk to before the log says so.
  const std::vector<client::Member>& known_members() const { return known_members_; }

 private:
  static Error failure(std::string message) { return Error(ErrorCode::invalid, std::move(message)); }

  /// Asks the others in turn; none if nobody answers.
  Task<std::optional<RemoteCluster>> ask_others(std::vector<InitialMember> initial, Duration timeout) {
    std::optional<RemoteCluster> answer;
    for (const InitialMember& member : initial) {
      if (member.name == settings_.name) continue;
      for (const std::string& url : member.peer_urls) {
        Result<RemoteCluster> cluster = co_await fetch_cluster(runtime_, url, peer_tls_, timeout);
        if (!cluster || cluster.value().members.empty()) continue;
        answer = std::move(cluster.value());
        co_return answer;
      }
    }
    co_return answer;
  }

  Task<Result<LoadedLog>> found(std::vector<InitialMember> initial, InitialMember self) {
    std::vector<client::Member> members;
    std::vector<MemberId> ids;
    MemberId own{};
    for (const InitialMember& wanted : initial) {
      client::Member member;
      member.id = make_member_id(wanted.peer_urls, settings_.initial_cluster_token, 0);
      member.peer_urls = wanted.peer_urls;
      if (wanted.name == self.name) own = member.id;
      ids.push_back(member.id);
      members.push_back(std::move(member));
    }
    if (initial.size() > 1) {
      // A member that comes back without its disk must not vote as if it were new.
      const std::optional<RemoteCluster> running = co_await ask_others(initial, std::chrono::seconds(1));
      if (running) {
        for (const client::Member& member : running->members)
          if (member.id == own && !member.client_urls.empty()) co_return failure("member " + to_text(own) + " has already been bootstrapped");
      }
    }
    LoadedLog log;
    log.member = own;
    log.cluster_id = make_cluster_id(ids);
    std::sort(members.begin(), members.end(), [](const client::Member& a, const client::Member& b) { return a.id < b.id; });
    for (client::Member& member : members) {
      Command command;
      command.kind = Command::Kind::membership;
      command.change = MembershipChange::Kind::add_voter;
      command.member = member;
      log.entries.emplace_back(log.entries.size() + 1, 1, true, std::make_shared<const std::string>(encode(command)));
    }
    log.hard_state.term = 1;
    log.hard_state.commit = log.entries.size();
    co_return write_first(std::move(log));
  }

  Task<Result<LoadedLog>> join(std::vector<InitialMember> initial, InitialMember self) {
    const std::optional<RemoteCluster> running = co_await ask_others(initial, std::chrono::seconds(10));
    if (!running) co_return failure("cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs");
    if (running->members.size() != initial.size()) co_return failure("error validating peerURLs: member count is unequal");
    LoadedLog log;
    log.cluster_id = running->cluster_id;
    for (const InitialMember& wanted : initial) {
      const auto match = std::find_if(running->members.begin(), running->members.end(), [&](const client::Member& member) { return same_urls(member.peer_urls, wanted.peer_urls); });
      if (match == running->members.end()) co_return failure("error validating peerURLs: unmatched member while checking PeerURLs");
      if (wanted.name == self.name) log.member = match->id;
    }
    known_members_ = running->members;
    co_return write_first(std::move(log));
  }

  Result<LoadedLog> write_first(LoadedLog log) {
    TRY(log_->create(log.member, log.cluster_id));
    TRY(log_->save(&log.hard_state, log.entries, true));
    return log;
  }

  /// Drops what was not committed and removes everybody else, as if the others had agreed.
  void force_new_cluster(LoadedLog& log) {
    while (!log.entries.empty() && log.entries.back().index > log.hard_state.commit) log.entries.pop_back();
    std::set<MemberId> others = log.snapshot.voters;
    others.insert(log.snapshot.learners.begin(), log.snapshot.learners.end());
    client::Member self;
    self.peer_urls = settings_.advertise_peer_urls;
    for (const Entry& entry : log.entries) {
      Command command;
      if (!entry.is_membership_change || !entry.data || !decode(*entry.data, command)) continue;
      if (command.change == MembershipChange::Kind::remove) others.erase(command.member.id);
      else others.insert(command.member.id);
    }
    self.id = log.member;
    const bool present = others.erase(log.member) > 0;
    std::uint64_t index = log.entries.empty() ? log.snapshot.index : log.entries.back().index;
    const auto append = [&](MembershipChange::Kind kind, const client::Member& member) {
      Command command;
      command.kind = Command::Kind::membership;
      command.change = kind;
      command.member = member;
      log.entries.emplace_back(++index, log.hard_state.term, true, std::make_shared<const std::string>(encode(command)));
    };
    for (const MemberId id : others) {
      client::Member member;
      member.id = id;
      append(MembershipChange::Kind::remove, member);
    }
    if (!present) append(MembershipChange::Kind::add_voter, self);
    log.hard_state.commit = index;
    const Result<void> saved = log_->save(&log.hard_state, log.entries, true);
    if (!saved) runtime_.log().error("force_new_cluster_not_saved", {{"reason", saved.error().message}});
  }

  Runtime& runtime_;
  const Settings& settings_;
  std::optional<runtime::TlsClientOptions> peer_tls_;
  std::unique_ptr<LogFile> log_;
  std::vector<client::Member> known_members_;
};

/// --auto-compaction-mode=revision keeps N revisions; periodic keeps what is younger than the retention.
Task<void> auto_compact(Server& server, bool by_revision, std::int64_t revisions, Duration period) {
  Runtime& runtime = server.runtime();
  const Duration interval = by_revision ? Duration(std::chrono::minutes(5)) : std::min<Duration>(period, std::chrono::hours(1));
  Revision compact_to = 0;
  for (;;) {
    co_await runtime.sleep_for(interval);
    const Revision now = server.state().store.revision();
    const Revision target = by_revision ? now - revisions : compact_to;
    compact_to = now;
    if (server.raft().role() != Role::leader || target <= server.state().store.compact_revision() || target <= 0) continue;
    Command command;
    command.kind = Command::Kind::compact;
    command.revision = target;
    (void)co_await server.propose(std::move(command));
  }
}

Task<void> serve_when_ready(Server& server, runtime::HttpServer& http, std::unique_ptr<Listener> listener) {
  // A member that cannot reach a quorum lets its clients wait, as etcd does.
  co_await server.ready().wait();
  co_await http.serve(std::move(listener));
}

}  // namespace

Task<int> etcd_main(Runtime& runtime, std::vector<std::string> arguments) { return run_etcd(runtime, std::move(arguments), RaftOptions()); }

Task<int> run_etcd(Runtime& runtime, std::vector<std::string> arguments, RaftOptions planted) {
  Settings settings;
  std::vector<std::string> wrong;
  try {
    parse_flags(arguments, settings);
    parse_initial_cluster(settings.initial_cluster);
  } catch (const UsageError& error) {
    wrong.emplace_back(error.what());
  }
  const auto give_up = [&](const std::string& reason) {
    runtime.log().error("etcd_fatal", {{"reason", reason}});
    return 1;
  };
  if (!wrong.empty()) co_return give_up(wrong.front());

  const std::string peer_ca = settings.peer_trusted_ca_file;
  Result<runtime::TlsServerOptions> client_side = server_tls(runtime, settings.cert_file, settings.key_file, settings.trusted_ca_file, settings.client_cert_auth);
  Result<runtime::TlsServerOptions> peer_side = server_tls(runtime, settings.peer_cert_file, settings.peer_key_file, peer_ca, settings.peer_client_cert_auth);
  if (!client_side) co_return give_up(client_side.error().message);
  if (!peer_side) co_return give_up(peer_side.error().message);
  std::optional<runtime::TlsClientOptions> peer_dial;
  if (!settings.peer_cert_file.empty()) {
    peer_dial.emplace();
    peer_dial->ca_pem = peer_side.value().client_ca_pem;
    peer_dial->certificate_pem = peer_side.value().certificate_pem;
    peer_dial->key_pem = peer_side.value().key_pem;
    peer_dial->insecure = peer_dial->ca_pem.empty();
  }
  if (auto made = runtime.disk().make_directories(settings.data_directory, 0700); !made) co_return give_up(made.error().message);

  // Ports first: a port in use is found out before anything is written.
  auto client_listeners = listen_on(runtime, settings.listen_client_urls, client_side.value());
  if (!client_listeners) co_return give_up(client_listeners.error().message);
  auto metrics_listeners = listen_on(runtime, settings.listen_metrics_urls, client_side.value());
  if (!metrics_listeners) co_return give_up(metrics_listeners.error().message);

  Bootstrap bootstrap(runtime, settings, peer_dial);
  Result<LoadedLog> loaded = co_await bootstrap.run();
  if (!loaded) co_return give_up(loaded.error().message);
  // The peer port opens only now: who asks earlier must not wait for us, who may be asking them.
  auto peer_listeners = listen_on(runtime, settings.listen_peer_urls, peer_side.value());
  if (!peer_listeners) co_return give_up(peer_listeners.error().message);

  ServerOptions options;
  options.name = settings.name;
  if (const std::string version = runtime.environment(version_variable); !version.empty()) options.version = version;
  options.client_urls = settings.advertise_client_urls;
  options.heartbeat_interval = std::chrono::milliseconds(settings.heartbeat_ms);
  options.election_timeout = std::chrono::milliseconds(settings.election_ms);
  options.snapshot_count = static_cast<std::uint64_t>(std::max<std::int64_t>(settings.snapshot_count, 1));
  if (settings.quota_backend_bytes > 0) options.quota_bytes = static_cast<std::uint64_t>(settings.quota_backend_bytes);
  options.pre_vote = settings.pre_vote;
  options.strict_reconfig_check = settings.strict_reconfig_check;
  options.progress_notify_interval = settings.progress_notify_interval;
  options.peer_tls = peer_dial;
  options.planted = planted;
  Server server(runtime, std::move(options), bootstrap.take_log(), std::move(loaded.value()));
  server.remember_peers(bootstrap.known_members());

  Gateway gateway(server);
  const runtime::HttpHandler serve_clients = [&gateway](const runtime::HttpRequest& request, runtime::HttpResponder& responder) { return gateway.handle(request, responder); };
  const runtime::HttpHandler serve_metrics = [&gateway](const runtime::HttpRequest& request, runtime::HttpResponder& responder) { return gateway.handle_metrics(request, responder); };
  runtime::HttpServer client_http(runtime, serve_clients);
  runtime::HttpServer metrics_http(runtime, serve_metrics);
  runtime::TaskGroup tasks(runtime.stop());
  for (auto& listener : client_listeners.value()) tasks.spawn("clients", serve_when_ready(server, client_http, std::move(listener)));
  for (auto& listener : metrics_listeners.value()) tasks.spawn("metrics", metrics_http.serve(std::move(listener)));
  const bool by_revision = settings.auto_compaction_mode == "revision";
  Duration period{};
  std::int64_t revisions = 0;
  // "5" means five hours in periodic mode.
  const std::string retention = settings.auto_compaction_retention;
  if (by_revision) revisions = std::strtoll(retention.c_str(), nullptr, 10);
  else if (!runtime::parse_go_duration(retention, period)) period = std::chrono::hours(std::strtoll(retention.c_str(), nullptr, 10));
  if (revisions > 0 || period > Duration(0)) tasks.spawn("auto compaction", auto_compact(server, by_revision, revisions, period));
  const int code = co_await server.run(std::move(peer_listeners.value()));
  co_return code;
}

}  // namespace skidpad::fakes::etcd
