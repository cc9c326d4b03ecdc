#include "harness/scenario/prepare_fault.hpp"

#include "harness/cluster/etcd_operator_objects.hpp"
#include "harness/fault/etcd_operator_fault.hpp"
#include "harness/fault/link_fault.hpp"
#include "harness/fault/machine_fault.hpp"
#include "harness/fault/node_object_fault.hpp"
#include "harness/fault/pod_object_fault.hpp"
#include "harness/fault/process_fault.hpp"
#include "harness/scenario/managed_etcd.hpp"
#include "harness/scenario/words.hpp"

namespace skidpad::scenario {
namespace {

/// "kube_apiserver" -> "kube-apiserver", as the program is called.
std::string program_of(Process process) {
  std::string name(to_word(process));
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

int number_of(Signal signal) {
  switch (signal) {
    case Signal::kill: return 9;
    case Signal::terminate: return 15;
    case Signal::abort: return 6;
  }
  return 9;
}

fault::StoreTrouble trouble_of(StoreTrouble trouble) {
  switch (trouble) {
    case StoreTrouble::slow: return fault::StoreTrouble::slow;
    case StoreTrouble::lying: return fault::StoreTrouble::lying;
    case StoreTrouble::losing: return fault::StoreTrouble::losing;
    case StoreTrouble::full: return fault::StoreTrouble::full;
    case StoreTrouble::refusing: return fault::StoreTrouble::refusing;
    case StoreTrouble::silent: return fault::StoreTrouble::silent;
  }
  return fault::StoreTrouble::silent;
}

/// Each machine is set up as it was made; the first control-plane machine, as an operator would, to bring the control plane back from etcd.
std::map<std::string, client::machines::InstallRequest> installs(const cluster::ClusterAssets& assets, bool from_snapshot) {
  std::map<std::string, client::machines::InstallRequest> with;
  for (const cluster::MachineSpec& machine : assets.machines) with[machine.name] = {machine.files, machine.units};
  if (const auto& machine = assets.recovery_machine) with[machine->name] = {machine->files, machine->units};
  if (!from_snapshot) return with;
  for (const cluster::MachineSpec& machine : assets.snapshot_machines) with[machine.name] = {machine.files, machine.units};
  return with;
}

}  // namespace

std::unique_ptr<fault::Fault> prepare_fault(const Fault& wanted, const std::string& id, const RunPlan& plan, const cluster::ClusterAssets& assets,
                                            const fault::Scene& scene, std::vector<fault::TargetMachine> targets, std::vector<fault::TargetMachine> others) {
  fault::LinkFaultOptions link;
  link.id = id;
  link.inbound = wanted.direction != Direction::outbound;
  link.outbound = wanted.direction != Direction::inbound;
  switch (wanted.kind) {
    case FaultKind::power_off: return fault::make_machine_fault(scene, fault::MachineLoss::power_off, std::move(targets));
    case FaultKind::destroy_machine: return fault::make_machine_fault(scene, fault::MachineLoss::destroy, std::move(targets));
    case FaultKind::reinstall_machine: return fault::make_machine_fault(scene, fault::MachineLoss::reinstall, std::move(targets), installs(assets, wanted.snapshot_before.has_value()));
    case FaultKind::delete_pods: return fault::make_pod_object_fault(scene, program_of(*wanted.process), std::move(targets));
    case FaultKind::delete_node: return fault::make_node_object_fault(scene, std::move(targets));
    case FaultKind::kill_process: return fault::make_process_fault(scene, {program_of(*wanted.process), number_of(wanted.signal)}, std::move(targets));
    case FaultKind::stop_process: return fault::make_process_fault(scene, {program_of(*wanted.process), 19}, std::move(targets));
    case FaultKind::change_etcd: return fault::make_etcd_change(scene, managed_etcd_objects(), {wanted.size, wanted.version.value_or("")});
    case FaultKind::restore_etcd: {
      fault::EtcdOperatorObjects objects = managed_etcd_objects();
      const std::string into = wanted.into.value_or(objects.cluster);
      return fault::make_etcd_restore(scene, std::move(objects), wanted.name.value_or("restore"), into);
    }
    case FaultKind::backup_store: {
      const fault::StoreAccess access{cluster::object_store_port, cluster::object_store_bucket, cluster::object_store_key, cluster::object_store_secret};
      return fault::make_backup_store_fault(scene, managed_etcd_objects(), access, trouble_of(wanted.trouble), wanted.delay ? plan.resolved(*wanted.delay) : Duration::zero());
    }
    case FaultKind::corrupt_data: return fault::make_data_corruption(scene, managed_etcd_objects(), cluster::managed_etcd_data_directory, std::move(targets));
    case FaultKind::partition: link.rule.cut = true; break;
    case FaultKind::packet_loss: link.rule.loss = *wanted.chance; break;
    case FaultKind::packet_duplication: link.rule.duplicate = *wanted.chance; break;
    case FaultKind::packet_reordering: link.rule.reorder = *wanted.chance; break;
    case FaultKind::packet_delay:
      link.rule.delay = plan.resolved(*wanted.delay);
      if (wanted.jitter) link.rule.jitter = plan.resolved(*wanted.jitter);
      break;
  }
  return fault::make_link_fault(scene, std::move(link), std::move(targets), std::move(others));
}

}  // namespace skidpad::scenario
