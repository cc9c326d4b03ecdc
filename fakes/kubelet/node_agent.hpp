/// @file node_agent.hpp
/// This node towards the API server: registration, status, and the Lease that says the node lives.
/// Promise: intervals, conditions, reasons and messages of the real kubelet. Status checks happen on the real one's grid (every
/// nodeStatusUpdateFrequency from the start) but only those are made that have something to say; a watch on the own Node tells
/// when somebody else changed it, where the real kubelet reads it each time.
#pragma once

#include "fakes/kubelet/options.hpp"
#include "harness/client/kubernetes/event_recorder.hpp"
#include "harness/client/kubernetes/informer.hpp"

namespace skidpad::fakes::kubelet {

/// What a node says it is.
struct NodeFacts {
  std::string name;
  std::string address;
  std::string kubelet_version;
  std::string machine_id;
  std::string boot_id;
  std::string pod_cidr;
  std::map<std::string, std::string> labels;
  Json taints = Json::array();
  Json capacity = Json::object();  ///< resource -> quantity text
  std::uint16_t kubelet_port = 10250;
  bool disk_pressure = false;
  std::string not_ready;           ///< why the node is not ready; "" = it is
};

/// The Node as it registers.
Json make_node(const NodeFacts& facts, runtime::WallTime now);
/// Its status; conditions of `before` keep their transition times and those of other writers are kept.
Json make_node_status(const NodeFacts& facts, const Json& before, runtime::WallTime now);
/// Whether two statuses say the same but for heartbeat times.
bool says_the_same(const Json& status, const Json& other);
/// {"cpu": "2", "memory": "4028228Ki", "pods": "110", "ephemeral-storage": ...}: told by flags, else /proc, else 4 CPUs and 8Gi.
Json machine_capacity(runtime::Disk& disk, const KubeletOptions& options);
/// The version our kubelet says it is: $SKIDPAD_VERSION, set by an image's environment, or v1.32.13.
std::string kubelet_version(runtime::Runtime& runtime);

class NodeAgent {
 public:
  NodeAgent(client::KubernetesClient& client, client::EventRecorder& events, const KubeletOptions& options, NodeFacts facts);
  /// Registers, then reports and renews until stopped.
  runtime::Task<void> run();
  /// Facts have changed: reported at once.
  void change(const std::function<void(NodeFacts&)>& edit);
  const NodeFacts& facts() const { return facts_; }
  /// Set once the API knows the node; `uid()` is valid then.
  runtime::Event& registered() { return registered_; }
  const std::string& uid() const { return uid_; }
  /// Called with the Node whenever it is seen.
  std::function<void(const Json& node)> on_node;

 private:
  runtime::Task<void> register_node();
  runtime::Task<runtime::Result<void>> register_once();
  runtime::Task<void> report_status();
  runtime::Task<runtime::Result<void>> report_once();
  runtime::Task<void> renew_lease();
  runtime::Task<runtime::Result<void>> renew_once();
  void seen(const Json& node);
  void node_event(bool warning, const std::string& reason, const std::string& message);

  client::KubernetesClient& client_;
  client::EventRecorder& events_;
  const KubeletOptions& options_;
  NodeFacts facts_;
  client::Informer node_informer_;
  runtime::Event registered_;
  runtime::Event dirty_;
  bool urgent_ = false;
  std::string uid_;
  Json last_status_;       ///< as last seen or sent
  Json lease_;
  bool ready_told_ = false;
};

}  // namespace skidpad::fakes::kubelet
