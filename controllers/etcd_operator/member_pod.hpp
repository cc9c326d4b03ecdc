/// @file member_pod.hpp
/// The pod of one member: etcd on its host's network and disk, behind init containers that guard and prepare its data.
/// Promise: a pod is bound to one host; two members of one cluster never share one (E3); a member that had data once does not start
/// without it (E16, E17).
#pragma once

#include "controllers/etcd_operator/model.hpp"

namespace skidpad::controllers::etcd_operator {

/// What the operator's own image and etcd's tools are called on this cluster.
struct PodSettings {
  std::string operator_image = "skidpad/etcd-operator:1";
  std::string etcdctl = "/usr/bin/etcdctl";
};

struct MemberPod {
  MemberPod() {}
  MemberRecord member;
  std::vector<std::string> initial_cluster;  ///< "name=peer URL" of every member, this one included
  std::string state = "existing";            ///< --initial-cluster-state
  std::string token;
  bool force_new_cluster = false;            ///< once: the pod is not restarted, and another takes its place
  std::string keep_aside;                    ///< copy the data to <data>.<this> first
  Json restore = nullptr;                    ///< fill an empty data directory from this snapshot first
};

std::string peer_url(const ClusterSpec& spec, const MemberRecord& member);
std::string client_url(const ClusterSpec& spec, const MemberRecord& member);
/// The ConfigMap that says which members had data once; read by their pods at each start.
std::string identity_name(const Json& cluster);

Json member_pod(const Json& cluster, const ClusterSpec& spec, const PodSettings& settings, const MemberPod& pod);

/// Exit code of `check-data`: a member that had data has none.
inline constexpr int exit_data_lost = 65;

}  // namespace skidpad::controllers::etcd_operator
