#include "controllers/bootstrapper/bootstrapper.hpp"
#include "controllers/bootstrapper/recover.hpp"
#include "controllers/bootstrapper/snapshot.hpp"
#include "controllers/bootstrapper/start.hpp"
#include "harness/runtime/command.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Flags;
using runtime::Runtime;
using runtime::success;

namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 64;
constexpr auto ca_lifetime = std::chrono::hours(24 * 3650);

struct RenderFlags {
  std::string asset_directory;
  std::vector<std::string> api_servers;
  std::vector<std::string> etcd_servers;
  std::string etcd_ca_path;
  std::string etcd_certificate_path;
  std::string etcd_key_path;
  std::string ca_path;
  std::string ca_key_path;
  std::string service_cidr = "10.96.0.0/16";
  std::string service_address = "10.96.0.1";
  std::string bootstrap_address;
  std::string api_url = "https://127.0.0.1:7443";
  std::string version = "v1.32.13";
  std::int64_t replicas = 1;

  void add_to(Flags& flags) {
    flags.add("asset-dir", asset_directory, "where the assets are written; must be empty or absent");
    flags.add("api-servers", api_servers, "URLs of the API servers; their hosts are in the serving certificate");
    flags.add("etcd-servers", etcd_servers, "URLs of etcd");
    flags.add("etcd-ca-path", etcd_ca_path, "CA of etcd's servers");
    flags.add("etcd-certificate-path", etcd_certificate_path, "client certificate for etcd");
    flags.add("etcd-private-key-path", etcd_key_path, "its key");
    flags.add("ca-certificate-path", ca_path, "CA of the cluster; made anew when neither this nor its key is given");
    flags.add("ca-private-key-path", ca_key_path, "its key");
    flags.add("service-cidr", service_cidr, "addresses of Services");
    flags.add("service-address", service_address, "address of the Service kubernetes");
    flags.add("bootstrap-address", bootstrap_address, "address of the first node; the first API server's host when not given");
    flags.add("api-url", api_url, "how every node reaches the API servers");
    flags.add("kubernetes-version", version, "tag of the components' images");
    flags.add("replicas", replicas, "pods of scheduler and controller-manager");
  }
};

Result<std::string> read_input(runtime::Disk& disk, const std::string& path) {
  if (path.empty()) return std::string();
  auto text = disk.read(path);
  if (!text) return runtime::wrap(text.error(), path);
  return text;
}

Result<Authorities> read_authorities(Runtime& runtime, const RenderFlags& flags) {
  runtime::Disk& disk = runtime.disk();
  Authorities keys;
  if (flags.ca_path.empty() && flags.ca_key_path.empty()) {
    TRY(keys.cluster, runtime.pki().make_ca("kubernetes", ca_lifetime));
  } else {
    TRY(keys.cluster.certificate_pem, read_input(disk, flags.ca_path));
    TRY(keys.cluster.key_pem, read_input(disk, flags.ca_key_path));
  }
  TRY(keys.etcd_ca_pem, read_input(disk, flags.etcd_ca_path));
  TRY(keys.etcd_client.certificate_pem, read_input(disk, flags.etcd_certificate_path));
  TRY(keys.etcd_client.key_pem, read_input(disk, flags.etcd_key_path));
  TRY(keys.service_accounts, runtime.pki().make_signing_key());
  return keys;
}

Result<void> render_command(Runtime& runtime, const RenderFlags& flags) {
  if (flags.asset_directory.empty()) return Error(ErrorCode::invalid, "--asset-dir is missing");
  if (flags.replicas < 1) return Error(ErrorCode::invalid, "--replicas must be at least 1");
  RenderInput input;
  TRY(input.authorities, read_authorities(runtime, flags));
  input.api_servers = flags.api_servers;
  input.service_address = flags.service_address;
  ControlPlaneInput& plane = input.control_plane;
  for (const char* component : {"kube-apiserver", "kube-controller-manager", "kube-scheduler"}) {
    plane.images[component] = std::string("registry.k8s.io/") + component + ":" + flags.version;
  }
  plane.images["pod-checkpointer"] = "skidpad/checkpointer:1";
  plane.etcd_servers = flags.etcd_servers;
  plane.service_cidr = flags.service_cidr;
  plane.api_url = flags.api_url;
  plane.replicas = static_cast<std::size_t>(flags.replicas);
  plane.bootstrap_address = flags.bootstrap_address;
  if (plane.bootstrap_address.empty() && !flags.api_servers.empty()) plane.bootstrap_address = host_of(flags.api_servers.front());
  TRY(const AssetFiles files, render(input, runtime.pki()));
  return write_assets(runtime.disk(), flags.asset_directory, files);
}

struct RecoverFlags {
  std::string recovery_directory;
  std::vector<std::string> etcd_servers;
  std::string etcd_prefix = "/registry";
  std::string etcd_ca_path;
  std::string etcd_certificate_path;
  std::string etcd_key_path;
  std::string kubeconfig;
  std::string bootstrap_address;
  std::int64_t raise_revision = 0;
  bool force = false;
  SnapshotOptions snapshot;
  bool stay = false;

  void add_to(Flags& flags) {
    flags.add("recovery-dir", recovery_directory, "where the assets are written; must be empty or absent");
    flags.add("snapshot", snapshot.file, "on each etcd machine, when etcd is lost, too: make its data of this snapshot and start it");
    flags.add("snapshot-sha256", snapshot.sha256, "of the snapshot, as recorded when it was taken");
    flags.add("cluster-ca", snapshot.cluster_ca, "CA of the cluster to recover; a snapshot of another one is refused");
    flags.add("etcd-manifest", snapshot.etcd_manifest, "etcd's static pod, which is put in place when its data is");
    flags.add("pod-manifest-path", snapshot.manifest_directory, "the kubelet's static pods");
    flags.add("etcdctl", snapshot.etcdctl, "the program that reads snapshots");
    flags.add("stay", stay, "do not exit when done, for a supervisor that restarts whatever ends");
    add_sources_to(flags);
  }
  void add_sources_to(Flags& flags) {
    flags.add("etcd-servers", etcd_servers, "URLs of etcd: recover from its objects");
    flags.add("etcd-prefix", etcd_prefix, "kube-apiserver's --etcd-prefix");
    flags.add("etcd-ca-path", etcd_ca_path, "CA of etcd's servers");
    flags.add("etcd-certificate-path", etcd_certificate_path, "client certificate for etcd");
    flags.add("etcd-private-key-path", etcd_key_path, "its key");
    flags.add("kubeconfig", kubeconfig, "a running API server: recover from it instead");
    flags.add("bootstrap-address", bootstrap_address, "address of the node that is to run the temporary control plane");
    flags.add("raise-revision", raise_revision, "after a restore from a snapshot: raise etcd's revision by so much, so that none is seen twice");
    flags.add("force", force, "even while API servers, or the etcd of the snapshot, seem to live");
  }
};

Result<client::EtcdClientOptions> etcd_options(Runtime& runtime, const RecoverFlags& flags) {
  client::EtcdClientOptions options;
  bool secure = false;
  for (const std::string& url : flags.etcd_servers) {
    bool tls = false;
    TRY(const runtime::Endpoint endpoint, client::parse_server_url(url, tls));
    secure = secure || tls;
    options.endpoints.push_back(endpoint);
  }
  if (!secure) return options;
  runtime::TlsClientOptions tls;
  TRY(tls.ca_pem, read_input(runtime.disk(), flags.etcd_ca_path));
  TRY(tls.certificate_pem, read_input(runtime.disk(), flags.etcd_certificate_path));
  TRY(tls.key_pem, read_input(runtime.disk(), flags.etcd_key_path));
  options.tls = std::move(tls);
  return options;
}

Task<Result<void>> restore_command(Runtime& runtime, RecoverFlags flags) {
  if (flags.snapshot.etcd_manifest.empty() || flags.snapshot.cluster_ca.empty() || flags.etcd_servers.empty()) {
    Error missing(ErrorCode::invalid, "--snapshot needs --etcd-manifest, --cluster-ca and --etcd-servers");
    co_return missing;
  }
  auto etcd = etcd_options(runtime, flags);
  if (!etcd) co_return etcd.error();
  flags.snapshot.force = flags.force;
  co_return co_await restore_from_snapshot(runtime, flags.snapshot, etcd.value());
}

Task<Result<void>> recover_command(Runtime& runtime, RecoverFlags flags) {
  RecoverOptions options;
  options.bootstrap_address = flags.bootstrap_address.empty() ? runtime.network().own_address() : flags.bootstrap_address;
  options.force = flags.force;
  if (!flags.snapshot.file.empty()) {
    auto restored = co_await restore_command(runtime, flags);
    if (!restored || flags.recovery_directory.empty()) co_return restored;
  }
  const bool from_api = !flags.kubeconfig.empty();
  if (flags.recovery_directory.empty() || from_api == !flags.etcd_servers.empty()) {
    Error unclear(ErrorCode::invalid, "--recovery-dir and either --etcd-servers or --kubeconfig must be given");
    co_return unclear;
  }
  // Looked at first: a directory in the way must not be found out after the work.
  const auto there = runtime.disk().list(flags.recovery_directory);
  if (there && !there.value().empty()) {
    Error occupied(ErrorCode::already_exists, "recovery directory " + flags.recovery_directory + " is not empty");
    co_return occupied;
  }
  Result<AssetFiles> files = Error(ErrorCode::invalid, "not read");
  if (from_api) {
    auto config = client::load_kubeconfig(runtime.disk(), flags.kubeconfig);
    if (!config) co_return config.error();
    client::KubernetesClient client(runtime, config.value());
    const auto source = make_api_source(client);
    files = co_await recover(*source, runtime.pki(), options);
  } else {
    auto etcd_client_options = etcd_options(runtime, flags);
    if (!etcd_client_options) co_return etcd_client_options.error();
    client::EtcdClient etcd(runtime, etcd_client_options.value());
    const auto source = make_etcd_source(etcd, flags.etcd_prefix);
    files = co_await recover(*source, runtime.pki(), options);
    if (files && flags.raise_revision > 0) {
      auto raised = co_await raise_revision(etcd, flags.raise_revision);
      if (!raised) co_return raised.error();
      runtime.log().info("revision_raised", {{"to", raised.value()}});
    }
  }
  if (!files) co_return files.error();
  co_return write_assets(runtime.disk(), flags.recovery_directory, files.value());
}

/// Recovers first where that is asked for and not done yet.
struct StartFlags {
  StartOptions options;
  RecoverFlags recovering;
  bool recover = false;
  bool stay = false;

  void add_to(Flags& flags) {
    flags.add("asset-dir", options.asset_directory, "what render or recover wrote");
    flags.add("pod-manifest-path", options.manifest_directory, "the kubelet's static pods");
    flags.add("bootstrap-secrets-dir", options.secrets_directory, "where the temporary pods' secrets lie meanwhile");
    flags.add("strict", options.strict, "stop at the first object that cannot be created");
    flags.add("poll-interval", options.poll_interval, "time from look to look");
    flags.add("api-timeout", options.api_timeout, "longest wait for the temporary API server");
    flags.add("crd-timeout", options.served_timeout, "longest wait for one definition to be served");
    flags.add("pivot-timeout", options.pivot_timeout, "longest wait for the control plane to host itself");
    flags.add("recover", recover, "make the assets first, as the verb recover does, unless they are there");
    recovering.add_sources_to(flags);
    flags.add("stay", stay, "do not exit when done, for a supervisor that restarts whatever ends");
  }
};

Task<Result<void>> start_command(Runtime& runtime, StartFlags flags) {
  if (flags.options.asset_directory.empty()) {
    Error missing(ErrorCode::invalid, "--asset-dir is missing");
    co_return missing;
  }
  if (flags.recover && !runtime.disk().exists(flags.options.asset_directory)) {
    flags.recovering.recovery_directory = flags.options.asset_directory;
    auto recovered = co_await recover_command(runtime, flags.recovering);
    if (!recovered) co_return recovered;
  }
  co_return co_await start_control_plane(runtime, flags.options);
}

void print(Runtime& runtime, const std::string& text) { runtime.log().info("usage", {{"text", text}}); }

}  // namespace

Task<int> bootstrapper_main(Runtime& runtime, std::vector<std::string> arguments) {
  const std::string verb = arguments.empty() ? "" : arguments.front();
  if (verb != "render" && verb != "start" && verb != "recover") co_return runtime::command_failed(runtime, "expected render, start or recover", exit_usage);
  arguments.erase(arguments.begin());
  Flags flags("skidpad-bootstrap " + verb, "Makes a control plane that hosts itself, and makes it again when it is lost.");
  RenderFlags rendering;
  RecoverFlags recovering;
  StartFlags starting;
  if (verb == "render") rendering.add_to(flags);
  if (verb == "recover") recovering.add_to(flags);
  if (verb == "start") starting.add_to(flags);
  std::string bad;
  bool help = false;
  try {
    help = !flags.parse(arguments);
  } catch (const UsageError& error) {
    bad = error.what();
  }
  if (!bad.empty()) co_return runtime::command_failed(runtime, bad, exit_usage);
  if (help) {
    print(runtime, flags.output());
    co_return 0;
  }
  Result<void> done = success();
  if (verb == "render") {
    done = render_command(runtime, rendering);
  } else if (verb == "recover") {
    done = co_await recover_command(runtime, recovering);
  } else {
    done = co_await start_command(runtime, starting);
  }
  if (!done) co_return runtime::command_failed(runtime, done.error().message, done.error().code == ErrorCode::invalid ? exit_usage : exit_failed);
  runtime.log().info("done", {{"verb", verb}});
  if (starting.stay || recovering.stay) {
    runtime::Event never;
    co_await never.wait();
  }
  co_return 0;
}

}  // namespace skidpad::controllers::bootstrapper
