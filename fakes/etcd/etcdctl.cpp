#include "fakes/etcd/etcdctl.hpp"

#include <algorithm>

#include "fakes/etcd/log_file.hpp"
#include "fakes/etcd/snapshot_file.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::etcd {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;
using runtime::Runtime;
using runtime::Task;

namespace {

struct RestoreSettings {
  std::string data_directory, name = "default", initial_cluster = "default=http://localhost:2380", token = "etcd-cluster", wal_directory;
  std::vector<std::string> peer_urls{"http://localhost:2380"};
  bool skip_hash_check = false;
};

Result<void> restore(Runtime& runtime, const std::string& file, const RestoreSettings& settings) {
  const std::string data = settings.data_directory.empty() ? settings.name + ".etcd" : settings.data_directory;
  if (runtime.disk().exists(data)) return Error(ErrorCode::already_exists, "data-dir \"" + data + "\" exists");
  TRY(const std::string bytes, runtime.disk().read(file));
  TRY(AppliedState state, read_snapshot_file(bytes, !settings.skip_hash_check));
  std::map<std::string, std::vector<std::string>> urls;
  for (std::size_t at = 0; at < settings.initial_cluster.size();) {
    const std::size_t end = std::min(settings.initial_cluster.find(',', at), settings.initial_cluster.size());
    const std::string part = settings.initial_cluster.substr(at, end - at);
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) return Error(ErrorCode::invalid, "bad --initial-cluster: " + part);
    urls[part.substr(0, equals)].push_back(part.substr(equals + 1));
    at = end + 1;
  }
  if (!urls.contains(settings.name)) return Error(ErrorCode::invalid, "couldn't find local name \"" + settings.name + "\" in the initial cluster configuration");
  std::vector<MemberId> ids;
  RaftSnapshot snapshot;
  state.membership = Membership();
  MemberId own{};
  for (const auto& [name, peer_urls] : urls) {
    client::Member member;
    member.id = make_member_id(peer_urls, settings.token, 0);
    member.peer_urls = peer_urls;
    member.name = name;
    if (name == settings.name) own = member.id;
    ids.push_back(member.id);
    snapshot.voters.insert(member.id);
    state.membership.members[member.id] = std::move(member);
  }
  state.membership.cluster_id = make_cluster_id(ids);
  state.no_space_alarms.clear();
  snapshot.index = ids.size();
  snapshot.term = 1;
  snapshot.data = std::make_shared<const std::string>(state.save());
  HardState hard_state;
  hard_state.term = 1;
  hard_state.commit = snapshot.index;
  TRY(runtime.disk().make_directories(data, 0700));
  LogFile log(runtime.disk(), data);
  TRY(log.create(own, state.membership.cluster_id));
  return log.save_snapshot(snapshot, hard_state, {});
}

}  // namespace

Task<int> etcdctl_main(Runtime& runtime, std::vector<std::string> arguments) {
  RestoreSettings settings;
  std::string write_out = "simple";
  std::vector<std::string> words;
  runtime::Flags flags("etcdctl", "The part of etcdctl that works on files.");
  flags.add("data-dir", settings.data_directory, "path to the data directory");
  flags.add("name", settings.name, "human-readable name for this member");
  flags.add("initial-cluster", settings.initial_cluster, "initial cluster configuration for restore bootstrap");
  flags.add("initial-cluster-token", settings.token, "initial cluster token for the etcd cluster during restore bootstrap");
  flags.add("initial-advertise-peer-urls", settings.peer_urls, "this member's peer URLs");
  flags.add("skip-hash-check", settings.skip_hash_check, "ignore the snapshot's integrity hash");
  flags.add("wal-dir", settings.wal_directory, "path to the WAL directory");
  flags.add("write-out", write_out, "output format");
  flags.add_positional("command", words);
  std::string wrong;
  try {
    if (!flags.parse(arguments)) co_return 0;
  } catch (const UsageError& bad) {
    wrong = bad.what();
  }
  if (wrong.empty() && (words.size() != 3 || words[0] != "snapshot" || (words[1] != "restore" && words[1] != "status"))) wrong = "expected: snapshot restore|status FILE";
  Json fields = Json::object();
  if (!wrong.empty()) {
    fields["reason"] = wrong;
    runtime.log().error("etcdctl_failed", fields);
    co_return 128;
  }
  Result<void> done = runtime::success();
  if (words[1] == "restore") {
    done = restore(runtime, words[2], settings);
  } else {
    auto bytes = runtime.disk().read(words[2]);
    if (!bytes) done = bytes.error();
    if (bytes) {
      auto state = read_snapshot_file(bytes.value(), false);
      if (!state) done = state.error();
      if (state) fields["revision"] = state.value().store.revision();
    }
  }
  if (done) {
    runtime.log().info("etcdctl_done", fields);
    co_return 0;
  }
  fields["reason"] = done.error().message;
  runtime.log().error("etcdctl_failed", fields);
  co_return 1;
}

}  // namespace skidpad::fakes::etcd
