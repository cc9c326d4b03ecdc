#include "fakes/etcd/etcd.hpp"
#include "fakes/etcd/etcdctl.hpp"
#include "fakes/kube_apiserver/kube_apiserver.hpp"
#include "fakes/kube_controller_manager/kube_controller_manager.hpp"
#include "fakes/kube_proxy/kube_proxy.hpp"
#include "fakes/kube_scheduler/kube_scheduler.hpp"
#include "fakes/kubelet/kubelet.hpp"
#include "fakes/object_store/object_store.hpp"
#include "fakes/workload/workload.hpp"
#include "harness/driver/sim/sim_driver.hpp"

namespace skidpad::driver::sim {

std::map<std::string, runtime::sim::SimProgram> bundled_programs() {
  return {{"etcd", fakes::etcd::etcd_main},
          {"etcdctl", fakes::etcd::etcdctl_main},
          {"kube-apiserver", fakes::kube_apiserver::kube_apiserver_main},
          {"kube-controller-manager", fakes::kube_controller_manager::kube_controller_manager_main},
          {"kube-proxy", fakes::kube_proxy::kube_proxy_main},
          {"kube-scheduler", fakes::kube_scheduler::kube_scheduler_main},
          {"kubelet", fakes::kubelet::kubelet_main},
          {"object-store", fakes::object_store::object_store_main},
          {"workload", fakes::workload::workload_main}};
}

}  // namespace skidpad::driver::sim
