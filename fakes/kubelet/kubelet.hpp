/// @file kubelet.hpp
/// The kubelet of skidpad: registers its node, keeps its Lease, and runs static pods and the API's pods as processes.
/// Promise: works without any API server (static pods, and what ran before); processes outlive a restart of the kubelet and are
/// taken up again; idle it costs little more than its Lease.
/// Limits: see pod.hpp, volumes.hpp and exec_session.hpp.
#pragma once

#include "fakes/kubelet/eviction.hpp"
#include "fakes/kubelet/kubelet_server.hpp"
#include "fakes/kubelet/resource_usage.hpp"
#include "fakes/kubelet/mirror_pods.hpp"
#include "fakes/kubelet/node_agent.hpp"
#include "fakes/kubelet/pod.hpp"
#include "fakes/kubelet/status_manager.hpp"

namespace skidpad::fakes::kubelet {

class Kubelet final : public PodListener, public KubeletView {
 public:
  /// @param client  null in standalone mode
  Kubelet(runtime::Runtime& runtime, client::KubernetesClient* client, const KubeletOptions& options);
  ~Kubelet() override;
  /// Until stopped. Pods go on running afterwards.
  runtime::Task<void> run();

  void pod_event(const Json& pod, bool warning, const std::string& reason, const std::string& message, const std::string& container, ContainerKind kind) override;
  void pod_status_changed(const Json& pod, const Json& status) override;
  std::vector<Json> pods() const override;
  const Pod* pod_named(const std::string& namespace_name, const std::string& name) const override;
  Json stats_summary() const override;

 private:
  struct ManifestFile {
    runtime::FileStatus status;
    std::string text;
    std::string full_name;  ///< of the pod it describes; "" if it describes none
    std::string error;
  };

  void restore_pods();
  void start_pod(std::unique_ptr<Pod> pod);
  Task<void> run_pod(Pod& pod);
  void remove_pod(Pod& pod);

  Task<void> watch_logs();
  Task<void> watch_disk(runtime::MeasuresSpace& disk, std::vector<EvictionThreshold> thresholds);
  void evict_one(const DiskShortage& shortage);
  void node_event(bool warning, const std::string& reason, const std::string& message);
  Task<void> watch_manifests();
  void read_manifests(bool completely);
  void apply_static_pods();
  void stop_static_pod(const std::string& full_name);

  Task<void> watch_pods();
  void api_pod(const Json& object);
  void api_pod_gone(const Json& object);
  void all_api_pods_known();
  std::optional<std::pair<std::string, std::string>> refusal(const Json& pod) const;
  std::string api_uid_of(const Json& pod) const;
  Pod* find_pod(const std::string& uid) const;
  Pod* static_pod(const std::string& full_name) const;
  Result<Environment> service_environment(const Json& pod) const;
  NodeFacts node_facts();

  runtime::Runtime& runtime_;
  client::KubernetesClient* client_;
  const KubeletOptions& options_;
  ImageStore images_;
  ReferencedObjects objects_;
  Volumes volumes_;
  AddressPool addresses_;
  client::Metrics metrics_;
  PodServices services_;
  std::unique_ptr<ResourceUsage> usage_ = std::make_unique<ResourceUsage>(runtime_);
  std::map<std::string, std::unique_ptr<Pod>> pods_;         ///< by UID of the pod as run here
  std::map<std::string, ManifestFile> files_;
  std::map<std::string, Json> static_wanted_;                ///< by full name
  bool rebooted_ = false;
  bool api_synced_ = false;
  bool disk_pressure_ = false;
  std::unique_ptr<client::EventRecorder> events_;
  std::unique_ptr<NodeAgent> node_;
  std::unique_ptr<StatusManager> statuses_;
  std::unique_ptr<MirrorPods> mirrors_;
  std::unique_ptr<client::Informer> pod_informer_;
  std::unique_ptr<client::Informer> service_informer_;
  std::unique_ptr<KubeletServer> server_;
  runtime::TaskGroup* pod_tasks_ = nullptr;
};

runtime::Task<int> kubelet_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::fakes::kubelet
