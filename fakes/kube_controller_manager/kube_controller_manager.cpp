#include "fakes/kube_controller_manager/kube_controller_manager.hpp"

#include "fakes/kube_controller_manager/accounts.hpp"
#include "fakes/kube_controller_manager/certificates.hpp"
#include "fakes/kube_controller_manager/cron_job.hpp"
#include "fakes/kube_controller_manager/daemon_set.hpp"
#include "fakes/kube_controller_manager/deployment.hpp"
#include "fakes/kube_controller_manager/disruption.hpp"
#include "fakes/kube_controller_manager/endpoint_mirroring.hpp"
#include "fakes/kube_controller_manager/endpoints.hpp"
#include "fakes/kube_controller_manager/garbage_collector.hpp"
#include "fakes/kube_controller_manager/horizontal_pod_autoscaler.hpp"
#include "fakes/kube_controller_manager/job.hpp"
#include "fakes/kube_controller_manager/namespaces.hpp"
#include "fakes/kube_controller_manager/node_lifecycle.hpp"
#include "fakes/kube_controller_manager/pod_garbage.hpp"
#include "fakes/kube_controller_manager/replica_set.hpp"
#include "fakes/kube_controller_manager/resource_quota.hpp"
#include "fakes/kube_controller_manager/role_aggregation.hpp"
#include "fakes/kube_controller_manager/stateful_set.hpp"
#include "fakes/kube_controller_manager/taint_eviction.hpp"
#include "fakes/kube_controller_manager/volume_binder.hpp"
#include "fakes/kube_controller_manager/volume_protection.hpp"
#include "harness/client/component_server.hpp"
#include "harness/client/kubernetes/leader_elector.hpp"
#include "harness/runtime/command.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::kube_controller_manager {

using client::ComponentServer;
using runtime::Flags;

namespace {

constexpr std::int64_t default_secure_port = 10257;

/// What must be readable before anything starts.
struct KeyFiles {
  std::string root_ca_pem;
  std::optional<runtime::KeyPair> signing_ca;
};

Result<KeyFiles> read_key_files(Runtime& runtime, const Settings& settings) {
  KeyFiles files;
  if (!settings.root_ca_file.empty()) {
    TRY(auto pem, runtime.disk().read(settings.root_ca_file));
    files.root_ca_pem = std::move(pem);
  }
  if (!settings.cluster_signing_cert_file.empty() && !settings.cluster_signing_key_file.empty()) {
    runtime::KeyPair ca;
    TRY(auto certificate, runtime.disk().read(settings.cluster_signing_cert_file));
    TRY(auto key, runtime.disk().read(settings.cluster_signing_key_file));
    ca.certificate_pem = std::move(certificate);
    ca.key_pem = std::move(key);
    files.signing_ca = std::move(ca);
  }
  return files;
}

/// One term as leader: everything is made anew, so nothing of an earlier term's cache is acted on.
class Term {
 public:
  Term(client::KubernetesClient& client, client::Metrics& metrics, const Settings& settings, const KeyFiles& files)
      : client_(client), metrics_(metrics), settings_(settings), files_(files), informers_(client), accounts_(client) {}
  void set_write_deadline(std::function<runtime::Instant()> deadline) { write_deadline_ = std::move(deadline); }
  Task<void> run() {
    runtime::StopState& stop = co_await runtime::CurrentStop();
    make_controllers();
    if (write_deadline_) accounts_.set_write_deadline(write_deadline_);
    runtime::TaskGroup group(stop);
    informers_.start(group);
    if (settings_.use_service_account_credentials) {
      co_await accounts_.wait_until_ready();
      group.spawn("accounts", accounts_.renew());
    }
    co_await informers_.wait_until_synced();
    for (const auto& controller : controllers_) controller->start(group);
    co_await group.join();
  }

 private:
  /// @param account  the service account the real one acts as
  template <class T, class... More>
  void add(const char* name, const char* account, const More&... more) {
    if (!settings_.enabled(name)) return;
    client::KubernetesClient& client = settings_.use_service_account_credentials ? accounts_.client(account) : client_;
    around_.push_back(Surroundings{client_.runtime(), client, informers_, metrics_, settings_});
    controllers_.push_back(std::make_unique<T>(around_.back(), more...));
  }
  void make_controllers() {
    add<DeploymentController>("deployment-controller", "deployment-controller");
    add<ReplicaSetController>("replicaset-controller", "replicaset-controller");
    add<DaemonSetController>("daemonset-controller", "daemon-set-controller");
    add<StatefulSetController>("statefulset-controller", "statefulset-controller");
    add<JobController>("job-controller", "job-controller");
    add<CronJobController>("cronjob-controller", "cronjob-controller");
    add<TtlAfterFinishedController>("ttl-after-finished-controller", "ttl-after-finished-controller");
    add<HorizontalPodAutoscalerController>("horizontal-pod-autoscaler-controller", "horizontal-pod-autoscaler");
    add<DisruptionController>("disruption-controller", "disruption-controller");
    add<ClaimProtectionController>("persistentvolumeclaim-protection-controller", "pvc-protection-controller");
    add<VolumeProtectionController>("persistentvolume-protection-controller", "pv-protection-controller");
    add<VolumeBinder>("persistentvolume-binder-controller", "persistent-volume-binder");
    add<RoleAggregationController>("clusterrole-aggregation-controller", "clusterrole-aggregation-controller");
    add<NodeTtlController>("ttl-controller", "ttl-controller");
    add<ResourceQuotaController>("resourcequota-controller", "resourcequota-controller");
    add<NodeLifecycleController>("node-lifecycle-controller", "node-controller");
    add<TaintEvictionController>("taint-eviction-controller", "node-controller");
    add<PodGarbageCollector>("pod-garbage-collector-controller", "pod-garbage-collector");
    add<EndpointSliceController>("endpointslice-controller", "endpointslice-controller");
    add<EndpointsController>("endpoints-controller", "endpoint-controller");
    add<EndpointMirroringController>("endpointslice-mirroring-controller", "endpointslicemirroring-controller");
    add<GarbageCollector>("garbage-collector-controller", "generic-garbage-collector");
    add<NamespaceController>("namespace-controller", "namespace-controller");
    add<ServiceAccountController>("serviceaccount-controller", "service-account-controller");
    add<CertificateApprover>("certificatesigningrequest-approving-controller", "certificate-controller");
    if (!files_.root_ca_pem.empty()) {
      add<RootCaPublisher>("root-ca-certificate-publisher-controller", "root-ca-cert-publisher", files_.root_ca_pem);
    }
    if (files_.signing_ca) {
      add<CertificateSigner>("certificatesigningrequest-signing-controller", "certificate-controller", *files_.signing_ca);
    }
  }

  client::KubernetesClient& client_;
  client::Metrics& metrics_;
  const Settings& settings_;
  const KeyFiles& files_;
  client::InformerSet informers_;
  Accounts accounts_;
  std::function<runtime::Instant()> write_deadline_;
  std::list<Surroundings> around_;   ///< a list: controllers keep references
  std::vector<std::unique_ptr<Controller>> controllers_;
};

}  // namespace

Task<int> kube_controller_manager_main(Runtime& runtime, std::vector<std::string> arguments) {
  Settings settings;
  client::ComponentServerOptions server_options;
  server_options.secure_port = default_secure_port;
  server_options.own_name = "kube-controller-manager";
  client::LeaderElectionFlags leader_election;
  Flags flags("kube-controller-manager", "Brings what is asked for and what there is together.");
  settings.add_to(flags);
  server_options.add_to(flags);
  leader_election.add_to(flags);
  try {
    if (!flags.parse(arguments)) co_return 0;
    settings.finish();
  } catch (const UsageError& bad) {
    co_return runtime::command_failed(runtime, bad.what());
  }
  const auto files = read_key_files(runtime, settings);
  if (!files) co_return runtime::command_failed(runtime, files.error().message);
  auto kubeconfig = client::kubeconfig_of(runtime, settings.kubeconfig);
  if (!kubeconfig) co_return runtime::command_failed(runtime, kubeconfig.error().message);

  client::ClientOptions client_options;
  client_options.user_agent = "kube-controller-manager/v1.32.0 (linux/amd64) skidpad";
  client::KubernetesClient client(runtime, kubeconfig.value(), client_options);
  client::Metrics metrics;
  metrics.describe("leader_election_master_status", "Gauge of if the reporting system is master of the relevant lease.");
  metrics.describe("workqueue_depth", "Current depth of workqueue");
  metrics.describe("workqueue_adds_total", "Total number of adds handled by workqueue");
  metrics.describe("workqueue_retries_total", "Total number of retries handled by workqueue");

  client::EventRecorderOptions recorder_options;
  recorder_options.component = "kube-controller-manager";
  client::EventRecorder recorder(client, recorder_options);
  client::LeaderElector elector(client, leader_election.options("kube-controller-manager"), &recorder);
  const bool elect = leader_election.leader_elect;
  metrics.add_collector([&](client::Metrics& now) {
    client::Metrics::Labels name;
    name["name"] = "kube-controller-manager";
    if (elect) now.set("leader_election_master_status", elector.is_leader() ? 1 : 0, name);
  });
  Term term(client, metrics, settings, files.value());

  ComponentServer server(runtime, metrics, server_options);
  server.add_check("ping", ComponentServer::Where::everywhere, [] { return std::string(); });
  server.add_check("leaderElection", ComponentServer::Where::everywhere, [] { return std::string(); });
  if (auto listening = server.listen(); !listening) co_return runtime::command_failed(runtime, listening.error().message);

  runtime::TaskGroup group(runtime.stop());
  group.spawn("server", server.run());
  group.spawn("events", recorder.run());
  if (!elect) {
    co_await term.run();
    co_return 0;
  }
  client.set_write_deadline([&] { return elector.leads_until(); });
  term.set_write_deadline([&] { return elector.leads_until(); });
  std::function<Task<void>()> lead = [&term] { return term.run(); };
  co_await elector.run(std::move(lead));
  // As the real one: a process that lost its lease starts again from nothing.
  co_return runtime::command_failed(runtime, "leaderelection lost");
}

}  // namespace skidpad::fakes::kube_controller_manager
