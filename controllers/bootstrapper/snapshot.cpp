#include "controllers/bootstrapper/snapshot.hpp"

#include "harness/client/etcd/snapshot_check.hpp"
#include "harness/client/kubernetes/kubeconfig.hpp"
#include "harness/runtime/sha256.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::controllers::bootstrapper {

using client::Revision;
using runtime::Error;
using runtime::ErrorCode;
using runtime::list_at;
using runtime::success;

namespace {

/// Below every key of Kubernetes, and gone again afterwards.
constexpr char revision_key[] = "\x01" "skidpad-bootstrap/raise-revision";
constexpr Revision writes_at_once = 64;

struct EtcdPod {
  std::string text;
  std::map<std::string, std::string> flags;  ///< without dashes
};

Result<EtcdPod> read_etcd_pod(runtime::Disk& disk, const std::string& path) {
  EtcdPod pod;
  auto text = disk.read(path);
  if (!text) return runtime::wrap(text.error(), path);
  pod.text = std::move(text.value());
  const auto parsed = runtime::parse_yaml(pod.text);
  if (!parsed) return runtime::wrap(parsed.error(), path);
  const Json& containers = list_at(parsed.value(), {"spec", "containers"});
  for (const Json& word : containers.empty() ? containers : list_at(containers[0], {"command"})) {
    const std::string flag = word.is_string() ? word.get<std::string>() : "";
    const std::size_t equals = flag.find('=');
    if (flag.starts_with("--") && equals != std::string::npos) pod.flags[flag.substr(2, equals - 2)] = flag.substr(equals + 1);
  }
  for (const char* needed : {"name", "data-dir", "initial-cluster", "initial-advertise-peer-urls"}) {
    if (pod.flags[needed].empty()) return Error(ErrorCode::invalid, path + ": etcd's command has no --" + needed);
  }
  return pod;
}

/// The cluster's CA is in its Secrets (as base64, or as it is where objects are stored as protobuf) and ConfigMaps (as a JSON text).
bool holds(const std::string& snapshot, const std::string& ca_pem) {
  const std::string as_json = Json(ca_pem).dump();
  const std::string forms[] = {client::base64_encode(ca_pem), ca_pem, as_json.substr(1, as_json.size() - 2)};
  return std::any_of(std::begin(forms), std::end(forms), [&](const std::string& form) { return snapshot.find(form) != std::string::npos; });
}

/// A snapshot names the members of its day, each as {"id":N,"peerURLs":[...]}.
bool names_member(const std::string& snapshot, client::MemberId id) {
  return snapshot.find("{\"id\":" + std::to_string(static_cast<std::uint64_t>(id)) + ",") != std::string::npos;
}

class Restore {
 public:
  Restore(runtime::Runtime& runtime, const SnapshotOptions& options, client::EtcdClientOptions etcd)
      : runtime_(runtime), disk_(runtime.disk()), options_(options), etcd_options_(std::move(etcd)) {}

  Task<Result<void>> run() {
    CO_TRY(pod_, read_etcd_pod(disk_, options_.etcd_manifest));
    const std::string place = options_.manifest_directory + "/" + options_.etcd_manifest.substr(options_.etcd_manifest.rfind('/') + 1);
    if (auto there = disk_.read(place)) {
      if (there.value() == pod_.text && disk_.exists(journal())) co_return success();  // done before
      Error running(ErrorCode::already_exists, place + " is there: etcd may run on this machine; nothing was changed");
      co_return running;
    }
    CO_TRY(const std::string snapshot, checked_snapshot());
    sha256_ = runtime::to_hex(runtime::sha256(snapshot));
    if (!options_.force) {
      auto needed = co_await lost_cluster_is_silent(snapshot);
      if (!needed) co_return needed;
    }
    if (!is_restored()) {
      auto made = co_await make_data();
      if (!made) co_return made;
    }
    CO_TRY(disk_.make_directories(options_.manifest_directory));
    CO_TRY(disk_.write_atomically(place, pod_.text));
    runtime_.log().info("etcd_restored", {{"snapshot", options_.file}, {"sha256", sha256_}});
    co_return success();
  }

 private:
  const std::string& data() const { return pod_.flags.at("data-dir"); }
  /// Says that the data directory is whole and of which snapshot it is.
  std::string journal() const { return data() + ".restored-from"; }
  bool is_restored() const {
    const auto of = disk_.read(journal());
    return of && of.value() == sha256_ && disk_.exists(data() + "/member");
  }

  Result<std::string> checked_snapshot() {
    auto bytes = disk_.read(options_.file);
    if (!bytes) return runtime::wrap(bytes.error(), options_.file);
    if (auto whole = client::check_snapshot(bytes.value(), options_.sha256); !whole) return runtime::wrap(whole.error(), options_.file);
    const auto ca = disk_.read(options_.cluster_ca);
    if (!ca) return runtime::wrap(ca.error(), options_.cluster_ca);
    if (!holds(bytes.value(), ca.value())) return Error(ErrorCode::invalid, options_.file + " is a snapshot of another cluster: it does not hold the CA of " + options_.cluster_ca);
    return std::move(bytes.value());
  }

  /// A quorum of the lost cluster needs no recovery; one of the recovered cluster is what this machine is to join.
  Task<Result<void>> lost_cluster_is_silent(const std::string& snapshot) {
    client::EtcdClient etcd(runtime_, etcd_options_);
    auto answer = co_await etcd.range(client::RangeRequest::one(revision_key));
    if (!answer) co_return success();
    auto members = co_await etcd.member_list();
    if (!members) co_return runtime::wrap(members.error(), "an etcd answers, but not who it is");
    for (const client::Member& member : members.value().members) {
      if (!names_member(snapshot, member.id)) continue;
      Error needless(ErrorCode::forbidden, "the etcd that the snapshot was taken of still answers with a quorum, with member " + member.name + "; nothing to recover (--force restores anyway)");
      co_return needless;
    }
    co_return success();
  }

  /// In a directory of its own until it is whole.
  Task<Result<void>> make_data() {
    const std::string partial = data() + ".restoring";
    if (disk_.exists(partial)) {
      CO_TRY(disk_.remove_recursively(partial));
    }
    CO_TRY(disk_.make_directories(runtime::parent_path(data()), 0700));
    runtime::ProcessSpec tool;
    tool.executable = options_.etcdctl;
    tool.environment["ETCDCTL_API"] = "3";
    // Another token, another cluster ID: members of the lost cluster that come back cannot mix in.
    tool.arguments = {"snapshot", "restore", options_.file, "--data-dir=" + partial, "--name=" + pod_.flags.at("name"),
                      "--initial-cluster=" + pod_.flags.at("initial-cluster"), "--initial-cluster-token=recovered-" + sha256_.substr(0, 16),
                      "--initial-advertise-peer-urls=" + pod_.flags.at("initial-advertise-peer-urls")};
    auto ran = co_await runtime_.processes().run(std::move(tool));
    if (!ran) co_return runtime::wrap(ran.error(), "running " + options_.etcdctl);
    if (ran.value().status.code != 0) {
      Error refused(ErrorCode::corrupt, "etcdctl snapshot restore: exit code " + std::to_string(ran.value().status.code) + ": " + ran.value().output);
      co_return refused;
    }
    if (disk_.exists(data())) {
      CO_TRY(disk_.rename(data(), free_name(data() + ".before-recovery")));
    }
    CO_TRY(disk_.rename(partial, data()));
    co_return disk_.write_atomically(journal(), sha256_, 0600);
  }

  std::string free_name(const std::string& wanted) const {
    std::string name = wanted;
    for (int number = 2; disk_.exists(name); ++number) name = wanted + "-" + std::to_string(number);
    return name;
  }

  runtime::Runtime& runtime_;
  runtime::Disk& disk_;
  const SnapshotOptions& options_;
  client::EtcdClientOptions etcd_options_;
  EtcdPod pod_;
  std::string sha256_;
};

Task<void> write_once(client::EtcdClient* etcd, std::string key, std::size_t* failures) {
  client::PutRequest request(key, "");
  auto put = co_await etcd->put(std::move(request));
  if (put) {
    auto removed = co_await etcd->remove(client::DeleteRequest::one(key));
    if (!removed) ++*failures;
  } else {
    ++*failures;
  }
}

}  // namespace

Task<Result<void>> restore_from_snapshot(runtime::Runtime& runtime, SnapshotOptions options, client::EtcdClientOptions etcd) {
  Restore restore(runtime, options, std::move(etcd));
  co_return co_await restore.run();
}

Task<Result<Revision>> raise_revision(client::EtcdClient& etcd, Revision by) {
  auto now = co_await etcd.range(client::RangeRequest::one(revision_key));
  if (!now) co_return now.error();
  const Revision aim = now.value().header.revision + by;
  runtime::StopState& stop = co_await runtime::CurrentStop();
  for (Revision reached = now.value().header.revision; reached < aim; reached += 2 * writes_at_once) {
    std::size_t failures = 0;
    runtime::TaskGroup group(stop);
    for (Revision number = 0; number < writes_at_once; ++number) {
      group.spawn("raise", write_once(&etcd, std::string(revision_key) + "-" + std::to_string(number), &failures));
    }
    co_await group.join();
    if (failures > 0) {
      Error failed(ErrorCode::unavailable, "raising etcd's revision after the restore");
      co_return failed;
    }
  }
  auto compacted = co_await etcd.compact(aim, false);
  if (!compacted && compacted.error().code != ErrorCode::gone) co_return runtime::wrap(compacted.error(), "compacting etcd after the restore");
  co_return aim;
}

}  // namespace skidpad::controllers::bootstrapper
