#include "controllers/etcd_operator/member_commands.hpp"

#include "controllers/etcd_operator/member_pod.hpp"
#include "controllers/etcd_operator/snapshot_file.hpp"
#include "harness/client/object_store/object_store.hpp"
#include "harness/runtime/command.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::controllers::etcd_operator {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Runtime;
using runtime::success;
using runtime::Task;

namespace {

/// Parses; on a mistake `failed` holds the exit code.
bool parsed(Runtime& runtime, runtime::Flags& flags, const std::vector<std::string>& arguments, int& failed) {
  try {
    if (flags.parse(arguments)) return true;
    failed = 0;
  } catch (const UsageError& bad) {
    failed = runtime::command_failed(runtime, bad.what());
  }
  return false;
}

bool has_member(Runtime& runtime, const std::string& data_directory) { return runtime.disk().exists(data_directory + "/member"); }

/// Whose data it is: the UID of the EtcdCluster, in a file beside it.
std::string owner_file(const std::string& data_directory) { return data_directory + ".owner"; }

/// Data of another cluster of the same name, or nobody knows whose, never runs as a member of this one; it is kept aside (E17).
Result<void> put_foreign_data_aside(Runtime& runtime, const std::string& data_directory, const std::string& owner) {
  runtime::Disk& disk = runtime.disk();
  if (const auto known = disk.read(owner_file(data_directory)); known && known.value() == owner) return success();
  if (has_member(runtime, data_directory)) {
    std::size_t number = 1;
    while (disk.exists(data_directory + ".foreign-" + std::to_string(number))) ++number;
    TRY(disk.rename(data_directory, data_directory + ".foreign-" + std::to_string(number)));
  }
  TRY(disk.make_directories(runtime::parent_path(data_directory), 0700));
  return disk.write_atomically(owner_file(data_directory), owner, 0600);
}

Result<void> copy_tree(runtime::Disk& disk, const std::string& from, const std::string& to) {
  TRY(disk.make_directories(to, 0700));
  TRY(const std::vector<std::string> names, disk.list(from));
  for (const std::string& name : names) {
    TRY(const runtime::FileStatus status, disk.status(from + "/" + name));
    if (status.is_directory) {
      TRY(copy_tree(disk, from + "/" + name, to + "/" + name));
      continue;
    }
    TRY(const std::string bytes, disk.read(from + "/" + name));
    TRY(disk.write(to + "/" + name, bytes, status.mode == 0 ? 0600 : status.mode));
    TRY(disk.sync(to + "/" + name));
  }
  return success();
}

struct RestoreFlags {
  std::string data_directory, owner, name, initial_cluster, token, peer_urls, etcdctl, sha256, object;
  client::S3Options s3;
};

Task<Result<std::string>> fetch(Runtime& runtime, RestoreFlags flags) {
  if (flags.s3.endpoint.empty()) {
    auto bytes = runtime.disk().read(flags.object);
    if (!bytes) co_return bytes.error();
    co_return std::move(bytes.value());
  }
  flags.s3.credentials.access_key_id = runtime.environment("AWS_ACCESS_KEY_ID");
  flags.s3.credentials.secret_access_key = runtime.environment("AWS_SECRET_ACCESS_KEY");
  auto store = co_await client::open_s3(runtime, flags.s3);
  if (!store) co_return store.error();
  co_return co_await store.value()->get(flags.object);
}

/// Into a directory beside the wanted one, which takes its name only when it is whole.
Task<Result<void>> restore(Runtime& runtime, RestoreFlags flags) {
  const std::string snapshot = flags.data_directory + ".restore.db", partial = flags.data_directory + ".restoring";
  auto bytes = co_await fetch(runtime, flags);
  if (!bytes) co_return bytes.error();
  CO_TRY(check_snapshot(bytes.value(), flags.sha256));
  CO_TRY(runtime.disk().make_directories(runtime::parent_path(flags.data_directory), 0700));
  CO_TRY(runtime.disk().write_atomically(snapshot, bytes.value(), 0600));
  if (runtime.disk().exists(partial)) {
    CO_TRY(runtime.disk().remove_recursively(partial));
  }
  runtime::ProcessSpec tool;
  tool.executable = flags.etcdctl;
  tool.environment["ETCDCTL_API"] = "3";
  tool.arguments = {"snapshot", "restore", snapshot, "--data-dir=" + partial, "--name=" + flags.name, "--initial-cluster=" + flags.initial_cluster,
                    "--initial-cluster-token=" + flags.token, "--initial-advertise-peer-urls=" + flags.peer_urls};
  auto ran = co_await runtime.processes().run(std::move(tool));
  if (!ran) co_return runtime::wrap(ran.error(), "running " + flags.etcdctl);
  if (ran.value().status.code != 0) co_return Error(ErrorCode::corrupt, "etcdctl snapshot restore: exit code " + std::to_string(ran.value().status.code) + ": " + ran.value().output);
  if (runtime.disk().exists(flags.data_directory)) {
    CO_TRY(runtime.disk().rename(flags.data_directory, flags.data_directory + ".before-restore"));
  }
  CO_TRY(runtime.disk().rename(partial, flags.data_directory));
  CO_TRY(runtime.disk().write_atomically(owner_file(flags.data_directory), flags.owner, 0600));
  co_return runtime.disk().remove(snapshot);
}

}  // namespace

Task<int> check_data(Runtime& runtime, std::vector<std::string> arguments) {
  std::string data_directory, had_data, owner;
  runtime::Flags flags("etcd-operator check-data", "Refuses to start a member that had data and has none.");
  flags.add("data-dir", data_directory, "etcd's data directory");
  flags.add("had-data", had_data, "not empty if this member had data once");
  flags.add("owner", owner, "UID of its EtcdCluster: data of another one is kept aside");
  int failed = 0;
  if (!parsed(runtime, flags, arguments, failed)) co_return failed;
  // An unset reference of the pod stays as it was written.
  if (had_data.starts_with("$(")) had_data.clear();
  if (!owner.empty()) {
    if (auto aside = put_foreign_data_aside(runtime, data_directory, owner); !aside) co_return runtime::command_failed(runtime, aside.error().message);
  }
  if (had_data.empty() || has_member(runtime, data_directory)) co_return 0;
  co_return runtime::command_failed(runtime, data_directory + ": the data of this member is lost; it must not start as if it were new", exit_data_lost);
}

Task<int> keep_aside(Runtime& runtime, std::vector<std::string> arguments) {
  std::string data_directory, as;
  runtime::Flags flags("etcd-operator keep-aside", "Copies a member's data before it is changed.");
  flags.add("data-dir", data_directory, "etcd's data directory");
  flags.add("as", as, "where the copy goes");
  int failed = 0;
  if (!parsed(runtime, flags, arguments, failed)) co_return failed;
  if (!has_member(runtime, data_directory)) co_return runtime::command_failed(runtime, data_directory + ": no data to keep", exit_data_lost);
  if (runtime.disk().exists(as)) co_return 0;
  const std::string partial = as + ".part";
  if (runtime.disk().exists(partial)) (void)runtime.disk().remove_recursively(partial);
  auto copied = copy_tree(runtime.disk(), data_directory, partial);
  if (copied) copied = runtime.disk().rename(partial, as);
  if (!copied) co_return runtime::command_failed(runtime, copied.error().message);
  co_return 0;
}

Task<int> restore_data(Runtime& runtime, std::vector<std::string> arguments) {
  RestoreFlags wanted;
  wanted.s3.timeout = std::chrono::minutes(10);
  runtime::Flags flags("etcd-operator restore-data", "Makes a member's data directory of a snapshot.");
  flags.add("data-dir", wanted.data_directory, "etcd's data directory");
  flags.add("owner", wanted.owner, "UID of its EtcdCluster");
  flags.add("name", wanted.name, "of the member");
  flags.add("initial-cluster", wanted.initial_cluster, "as etcdctl's");
  flags.add("initial-cluster-token", wanted.token, "as etcdctl's");
  flags.add("initial-advertise-peer-urls", wanted.peer_urls, "as etcdctl's");
  flags.add("etcdctl", wanted.etcdctl, "the program");
  flags.add("sha256", wanted.sha256, "of the whole snapshot");
  flags.add("object", wanted.object, "the snapshot's name in the bucket, or its path");
  flags.add("s3-endpoint", wanted.s3.endpoint, "URL of the S3 server");
  flags.add("s3-region", wanted.s3.region, "its region");
  flags.add("s3-bucket", wanted.s3.bucket, "its bucket");
  int failed = 0;
  if (!parsed(runtime, flags, arguments, failed)) co_return failed;
  if (wanted.s3.region.empty()) wanted.s3.region = "us-east-1";
  const auto known = runtime.disk().read(owner_file(wanted.data_directory));
  if (has_member(runtime, wanted.data_directory) && known && known.value() == wanted.owner) co_return 0;
  auto done = co_await restore(runtime, wanted);
  if (!done) co_return runtime::command_failed(runtime, done.error().message);
  co_return 0;
}

}  // namespace skidpad::controllers::etcd_operator
