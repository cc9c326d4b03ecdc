#include "harness/scenario/prepare_fault.hpp"

#include "harness/fault/link_fault.hpp"
#include "harness/fault/machine_fault.hpp"
#include "harness/fault/node_object_fault.hpp"
#include "harness/fault/pod_object_fault.hpp"
#include "harness/fault/process_fault.hpp"
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

/// Each machine is set up as it was made; the first control-plane machine, as an operator would, to bring the control plane back from etcd.
std::map<std::string, client::machines::InstallRequest> installs(const cluster::ClusterAssets& assets) {
  std::map<std::string, client::machines::InstallRequest> with;
  for (const cluster::MachineSpec& machine : assets.machines) with[machine.name] = {machine.files, machine.units};
  if (const auto& machine = assets.recovery_machine) with[machine->name] = {machine->files, machine->units};
  return with;
}

}  // namespace

std::unique_ptr<fault::Fault> prepare_fault(const Fault& wanted, const RunPlan& plan, const cluster::ClusterAssets& assets, const fault::Scene& scene,
                                            std::vector<fault::TargetMachine> targets, std::vector<fault::TargetMachine> others) {
  fault::LinkFaultOptions link;
  link.inbound = wanted.direction != Direction::outbound;
  link.outbound = wanted.direction != Direction::inbound;
  switch (wanted.kind) {
    case FaultKind::power_off: return fault::make_machine_fault(scene, fault::MachineLoss::power_off, std::move(targets));
    case FaultKind::destroy_machine: return fault::make_machine_fault(scene, fault::MachineLoss::destroy, std::move(targets));
    case FaultKind::reinstall_machine: return fault::make_machine_fault(scene, fault::MachineLoss::reinstall, std::move(targets), installs(assets));
    case FaultKind::delete_pods: return fault::make_pod_object_fault(scene, program_of(*wanted.process), std::move(targets));
    case FaultKind::delete_node: return fault::make_node_object_fault(scene, std::move(targets));
    case FaultKind::kill_process: return fault::make_process_fault(scene, {program_of(*wanted.process), number_of(wanted.signal)}, std::move(targets));
    case FaultKind::stop_process: return fault::make_process_fault(scene, {program_of(*wanted.process), 19}, std::move(targets));
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
