#include "harness/scenario/targets.hpp"

namespace skidpad::scenario {
namespace {

using cluster::ClusterPlan;
using cluster::NodePlan;
using runtime::Error;
using runtime::ErrorCode;

std::vector<std::string> names_of(const ClusterPlan& plan, const std::function<bool(const NodePlan&)>& wanted) {
  std::vector<std::string> names;
  for (const NodePlan& node : plan.nodes) {
    if (wanted(node)) names.push_back(node.name);
  }
  return names;
}

std::vector<std::string> in_role(const ClusterPlan& plan, Role role) {
  return names_of(plan, [role](const NodePlan& node) {
    return role == Role::worker ? node.worker : role == Role::control_plane ? node.control_plane : node.etcd;
  });
}

std::vector<std::string> draw(std::vector<std::string> names, std::size_t count, runtime::Random& random) {
  random.shuffle(names);
  names.resize(std::min(count, names.size()));
  return names;
}

std::vector<std::string> known(const std::string& name) {
  if (name.empty()) return {};
  return {name};
}

std::vector<std::string> chosen(const Target& target, const ClusterPlan& plan, const Situation& situation, runtime::Random& random) {
  const std::vector<std::string> members = in_role(plan, Role::etcd);
  switch (target.choice) {
    case Target::Choice::one: return draw(in_role(plan, target.role), target.count, random);
    case Target::Choice::all: return in_role(plan, target.role);
    case Target::Choice::indexed: {
      const auto all = in_role(plan, target.role);
      return target.index < all.size() ? known(all[target.index]) : std::vector<std::string>();
    }
    case Target::Choice::any_node: return draw(names_of(plan, [](const NodePlan&) { return true; }), 1, random);
    case Target::Choice::all_nodes: return names_of(plan, [](const NodePlan&) { return true; });
    case Target::Choice::etcd_leader: return known(situation.etcd_leader.value_or(""));
    case Target::Choice::etcd_follower: {
      auto followers = members;
      std::erase(followers, situation.etcd_leader.value_or(""));
      return draw(std::move(followers), 1, random);
    }
    case Target::Choice::etcd_minority: return draw(members, (members.size() - 1) / 2, random);
    case Target::Choice::etcd_majority: return draw(members, (members.size() - 1) / 2 + 1, random);
    case Target::Choice::scheduler_leader: return known(situation.scheduler_leader);
    case Target::Choice::controller_manager_leader: return known(situation.controller_manager_leader);
    case Target::Choice::node_healer_leader: return known(situation.node_healer_leader);
    case Target::Choice::etcd_operator_leader: return known(situation.etcd_operator_leader);
    case Target::Choice::worker_with_workload: {
      std::vector<std::string> both;
      for (const std::string& worker : in_role(plan, Role::worker)) {
        const auto& busy = situation.nodes_with_workload;
        if (std::find(busy.begin(), busy.end(), worker) != busy.end()) both.push_back(worker);
      }
      return draw(std::move(both), 1, random);
    }
    case Target::Choice::managed_etcd_leader: return known(situation.managed_etcd_leader.value_or(""));
    case Target::Choice::managed_etcd_follower: {
      auto followers = situation.managed_etcd;
      std::erase(followers, situation.managed_etcd_leader.value_or(""));
      return draw(std::move(followers), 1, random);
    }
    case Target::Choice::managed_etcd_minority: return draw(situation.managed_etcd, (situation.managed_etcd.size() - 1) / 2, random);
    case Target::Choice::managed_etcd_majority: return draw(situation.managed_etcd, (situation.managed_etcd.size() - 1) / 2 + 1, random);
    case Target::Choice::managed_etcd_all: return situation.managed_etcd;
    case Target::Choice::same_as: {
      const auto found = situation.earlier.find(target.fault);
      return found == situation.earlier.end() ? std::vector<std::string>() : found->second;
    }
  }
  return {};
}

}  // namespace

runtime::Result<std::vector<fault::TargetMachine>> resolve_target(const Target& target, const ClusterPlan& plan, const Situation& situation,
                                                                  runtime::Random& random) {
  const std::vector<std::string> names = chosen(target, plan, situation, random);
  std::vector<fault::TargetMachine> machines;
  for (const NodePlan& node : plan.nodes) {
    if (std::find(names.begin(), names.end(), node.name) == names.end()) continue;
    machines.push_back(fault::TargetMachine{node.name, node.address});
  }
  if (machines.empty()) return Error(ErrorCode::not_found, "no node is " + to_text(target) + " now");
  return machines;
}

}  // namespace skidpad::scenario
