/// The words of the language for each enumeration, with the sentence the reference shows.
#include <array>

#include "harness/scenario/words.hpp"

namespace skidpad::scenario {
namespace {

constexpr std::array driver_words{
    Word<DriverName>{DriverName::sim, "sim", "simulated, in virtual time"},
    Word<DriverName>{DriverName::process, "process", "processes on this machine, with real etcd"},
    Word<DriverName>{DriverName::kind, "kind", "a kind cluster"},
    Word<DriverName>{DriverName::remote, "remote", "an adopted cluster"},
};
constexpr std::array profile_words{
    Word<ProfileName>{ProfileName::kubernetes, "kubernetes", "the defaults of real clusters"},
    Word<ProfileName>{ProfileName::fast, "fast", "the same ratios, about twenty times quicker"},
};
constexpr std::array topology_words{
    Word<TopologyType>{TopologyType::standalone, "standalone", "one node plays every role"},
    Word<TopologyType>{TopologyType::overlapping_planes, "overlapping-planes", "etcd members live on the control-plane nodes"},
    Word<TopologyType>{TopologyType::separated_planes, "separated-planes", "every node plays one role"},
};
constexpr std::array hosting_words{
    Word<Hosting>{Hosting::static_pods, "static_pods", "the kubelet runs it from files, as kubeadm does"},
    Word<Hosting>{Hosting::self_hosted, "self_hosted", "it runs as pods of its own API, with a checkpointer on every control-plane node"},
};
constexpr std::array image_words{
    Word<WorkloadImage>{WorkloadImage::echo, "echo", "HTTP server that answers with the request"},
    Word<WorkloadImage>{WorkloadImage::kv, "kv", "HTTP key-value store"},
};
constexpr std::array traffic_words{
    Word<TrafficKind>{TrafficKind::http, "http", "GET on a Service of the workload"},
    Word<TrafficKind>{TrafficKind::kv, "kv", "reads, writes and compare-and-swaps of keys on a Service whose image is kv"},
    Word<TrafficKind>{TrafficKind::api, "api", "reads, writes and compare-and-swaps of objects through the API"},
    Word<TrafficKind>{TrafficKind::etcd, "etcd", "reads and writes of keys in the cluster of the etcd operator"},
};
constexpr std::array fault_words{
    Word<FaultKind>{FaultKind::power_off, "power_off", "the node loses power at once; its disk is kept"},
    Word<FaultKind>{FaultKind::destroy_machine, "destroy_machine", "the machine and its disk are gone for good"},
    Word<FaultKind>{FaultKind::reinstall_machine, "reinstall_machine", "the disk is wiped and the machine starts as newly installed"},
    Word<FaultKind>{FaultKind::delete_node, "delete_node", "the Node object is deleted; the machine runs on"},
    Word<FaultKind>{FaultKind::delete_pods, "delete_pods", "a component's pods are deleted through the API; needs pods that the API owns"},
    Word<FaultKind>{FaultKind::kill_process, "kill_process", "a signal ends a process; whoever supervises it may restart it"},
    Word<FaultKind>{FaultKind::stop_process, "stop_process", "a process is frozen (SIGSTOP), then continued"},
    Word<FaultKind>{FaultKind::partition, "partition", "no packet passes between the target and the nodes in `from`"},
    Word<FaultKind>{FaultKind::packet_loss, "packet_loss", "each packet is dropped with a chance"},
    Word<FaultKind>{FaultKind::packet_delay, "packet_delay", "each packet comes later"},
    Word<FaultKind>{FaultKind::packet_duplication, "packet_duplication", "each packet comes twice with a chance"},
    Word<FaultKind>{FaultKind::packet_reordering, "packet_reordering", "each packet is overtaken by the next with a chance"},
    Word<FaultKind>{FaultKind::change_etcd, "change_etcd", "no fault, its owner's wish: size or version of the etcd operator's cluster is changed"},
    Word<FaultKind>{FaultKind::restore_etcd, "restore_etcd", "its owner asks for a restore from the newest backup, of the cluster itself or of another name"},
    Word<FaultKind>{FaultKind::backup_store, "backup_store", "the object store of the backups is slow, lies, loses, is full, refuses or is silent"},
    Word<FaultKind>{FaultKind::corrupt_data, "corrupt_data", "a bit of the member's log flips, and its process has to read it again"},
};
constexpr std::array process_words{
    Word<Process>{Process::kubelet, "kubelet", ""},
    Word<Process>{Process::etcd, "etcd", ""},
    Word<Process>{Process::kube_apiserver, "kube_apiserver", ""},
    Word<Process>{Process::kube_scheduler, "kube_scheduler", ""},
    Word<Process>{Process::kube_controller_manager, "kube_controller_manager", ""},
    Word<Process>{Process::node_healer, "node_healer", ""},
    Word<Process>{Process::etcd_operator, "etcd_operator", ""},
    Word<Process>{Process::checkpointer, "checkpointer", ""},
    Word<Process>{Process::workload, "workload", "every process of the workload's pods on the node"},
};
constexpr std::array creation_words{
    Word<Creation>{Creation::bootstrap, "bootstrap", "the temporary API server has come up"},
    Word<Creation>{Creation::pivot, "pivot", "the first API server of the cluster's own runs beside it"},
};

constexpr std::array trouble_words{
    Word<StoreTrouble>{StoreTrouble::slow, "slow", "answers come late, by `delay`"},
    Word<StoreTrouble>{StoreTrouble::lying, "lying", "what is read is not what was written"},
    Word<StoreTrouble>{StoreTrouble::losing, "losing", "it acknowledges and keeps nothing"},
    Word<StoreTrouble>{StoreTrouble::full, "full", "it takes nothing more"},
    Word<StoreTrouble>{StoreTrouble::refusing, "refusing", "it accepts no credentials"},
    Word<StoreTrouble>{StoreTrouble::silent, "silent", "it never answers"},
};
constexpr std::array signal_words{
    Word<Signal>{Signal::kill, "SIGKILL", ""},
    Word<Signal>{Signal::terminate, "SIGTERM", ""},
    Word<Signal>{Signal::abort, "SIGABRT", ""},
};
constexpr std::array direction_words{
    Word<Direction>{Direction::both, "both", ""},
    Word<Direction>{Direction::inbound, "inbound", "to the target"},
    Word<Direction>{Direction::outbound, "outbound", "from the target"},
};
constexpr std::array probe_words{
    Word<ProbeKind>{ProbeKind::http, "http", "GET on a Service of the workload"},
    Word<ProbeKind>{ProbeKind::api_read, "api_read", "a read through the API's balancer"},
    Word<ProbeKind>{ProbeKind::api_write, "api_write", "a write through the API's balancer"},
};
constexpr std::array guarantee_words{
    Word<Guarantee>{Guarantee::no_acknowledged_write_lost, "no_acknowledged_write_lost", "what was acknowledged is still there"},
    Word<Guarantee>{Guarantee::linearizable, "linearizable", "each key behaves like one register"},
    Word<Guarantee>{Guarantee::only_writes_since_snapshot_lost, "only_writes_since_snapshot_lost",
                    "after a restore exactly the writes since the snapshot are lost, and listed"},
    Word<Guarantee>{Guarantee::watches_complete, "watches_complete", "watches are ordered, complete and resumable"},
    Word<Guarantee>{Guarantee::one_leader_acts, "one_leader_acts", "one leader of each kind acts at a time"},
    Word<Guarantee>{Guarantee::one_remediation_at_a_time, "one_remediation_at_a_time", "the healer replaces one node at a time"},
    Word<Guarantee>{Guarantee::no_healthy_voter_removed, "no_healthy_voter_removed", "no healthy etcd voter is removed"},
    Word<Guarantee>{Guarantee::never_below_quorum, "never_below_quorum", "no step of a controller takes etcd below quorum"},
    Word<Guarantee>{Guarantee::upgrade_in_order, "upgrade_in_order", "upgrade order and version skew respected, one at a time"},
    Word<Guarantee>{Guarantee::disruption_budget_kept, "disruption_budget_kept", "the budget of unavailable pods is kept"},
    Word<Guarantee>{Guarantee::fuse_respected, "fuse_respected", "nothing is remediated while too many nodes are unhealthy"},
    Word<Guarantee>{Guarantee::controllers_up, "controllers_up", "of each controller an instance answers throughout"},
    Word<Guarantee>{Guarantee::controllers_settle, "controllers_settle", "controllers come to rest and stay still"},
    Word<Guarantee>{Guarantee::objects_preserved, "objects_preserved", "every object of the cluster is afterwards the same object"},
    Word<Guarantee>{Guarantee::checkpoints_settled, "checkpoints_settled", "in the end no copy of a control-plane pod runs any more"},
    Word<Guarantee>{Guarantee::no_double_control_plane, "no_double_control_plane", "never two API servers where one belongs, nor a temporary one beside those that live"},
    Word<Guarantee>{Guarantee::nothing_left_behind, "nothing_left_behind", "no orphan processes, files, rules or objects"},
};

}  // namespace

std::span<const Word<DriverName>> words(DriverName) { return driver_words; }
std::span<const Word<ProfileName>> words(ProfileName) { return profile_words; }
std::span<const Word<TopologyType>> words(TopologyType) { return topology_words; }
std::span<const Word<Hosting>> words(Hosting) { return hosting_words; }
std::span<const Word<WorkloadImage>> words(WorkloadImage) { return image_words; }
std::span<const Word<TrafficKind>> words(TrafficKind) { return traffic_words; }
std::span<const Word<FaultKind>> words(FaultKind) { return fault_words; }
std::span<const Word<Process>> words(Process) { return process_words; }
std::span<const Word<Signal>> words(Signal) { return signal_words; }
std::span<const Word<StoreTrouble>> words(StoreTrouble) { return trouble_words; }
std::span<const Word<Creation>> words(Creation) { return creation_words; }
std::span<const Word<Direction>> words(Direction) { return direction_words; }
std::span<const Word<ProbeKind>> words(ProbeKind) { return probe_words; }
std::span<const Word<Guarantee>> words(Guarantee) { return guarantee_words; }

}  // namespace skidpad::scenario
