/// @file cluster_state.hpp
/// What the scheduler knows of nodes and the pods on them: requests added up, ports taken, pods assumed but not yet seen bound.
/// Promise: an assumed pod counts on its node until the API confirms or forget() takes it back.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/client/kubernetes/object.hpp"
#include "harness/client/kubernetes/selector.hpp"

namespace skidpad::fakes::kube_scheduler {

using client::ObjectPointer;

/// Amounts of resources: cpu in thousandths, everything else in units.
struct Resources {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t ephemeral_storage_bytes = 0;
  std::map<std::string, std::int64_t> extended;

  void add(const Resources& other);
  void subtract(const Resources& other);
};

struct HostPort {
  std::string protocol;
  std::string address;
  std::int64_t port = 0;
};

/// What scheduling needs of a pod, read once.
struct PodFacts {
  explicit PodFacts(ObjectPointer pod);
  ObjectPointer pod;
  std::string key;
  std::string uid;
  std::string namespace_name;
  std::string node_name;
  std::int64_t priority = 0;
  Resources requests;
  /// For scoring: pods without requests count as 100m and 200Mi.
  std::int64_t score_cpu_milli = 0;
  std::int64_t score_memory_bytes = 0;
  std::vector<HostPort> host_ports;
  std::string controller_uid;
  bool has_anti_affinity = false;

  const Json& spec() const;
  const Json& labels() const;
};
using PodFactsPointer = std::shared_ptr<const PodFacts>;

struct NodeFacts {
  ObjectPointer node;                              ///< null while only its pods are known
  Resources allocatable;
  std::int64_t pods_max = 0;
  Resources requested;
  std::int64_t score_cpu_milli = 0;
  std::int64_t score_memory_bytes = 0;
  std::map<std::string, PodFactsPointer> pods;     ///< by key
  std::size_t anti_affinity_count = 0;

  void add(const PodFactsPointer& pod);
  void remove(const std::string& pod_key);
  const std::string& name() const { return client::name_of(*node); }
};

class ClusterState {
 public:
  void set_node(ObjectPointer node);
  void remove_node(const std::string& name);
  /// A pod with a node, from the API: replaces an assumed one.
  void set_pod(ObjectPointer pod);
  void remove_pod(const std::string& key);
  void assume(const PodFactsPointer& pod, const std::string& node);
  void forget(const std::string& pod_key);
  bool is_assumed(const std::string& pod_key) const { return assumed_.count(pod_key) != 0; }
  /// Nodes that exist, in name order.
  std::vector<const NodeFacts*> nodes() const;
  const NodeFacts* node(const std::string& name) const;

 private:
  std::map<std::string, NodeFacts> nodes_;
  std::map<std::string, std::string> node_of_pod_;
  std::set<std::string> assumed_;
};

}  // namespace skidpad::fakes::kube_scheduler
