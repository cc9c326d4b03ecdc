# Compiled alone even in a unity build (CMAKE_UNITY_BUILD, what ./dev uses): each has a private name, in its unnamed
# namespace, that a neighbour in its folder has too. `./dev build` finds new ones by itself, at the price of a second try.
set(SKIDPAD_COMPILED_ALONE "" CACHE STRING "further files to compile alone")
set(compiled_alone
  controllers/etcd_operator/member_commands.cpp
  harness/check/conduct_test.cpp
  harness/check/etcd_membership_test.cpp
  harness/cli/command_line_process_test.cpp
  harness/client/kubernetes/kubeconfig.cpp
  harness/driver/process/node_init.cpp
  harness/driver/process/process_driver.cpp
  harness/driver/process/switch.cpp
  harness/driver/rest_client.cpp
  harness/cluster/self_hosted.cpp
  harness/scenario/managed_etcd.cpp
  harness/scenario/values.cpp
  fakes/etcd/gateway_codec.cpp
  fakes/kube_apiserver/server/openapi.cpp
  fakes/kube_apiserver/server/paths.cpp
  fakes/kube_apiserver/server/request_info.cpp
  fakes/kube_apiserver/server/table_cells.cpp
  fakes/kube_controller_manager/job.cpp
  fakes/kube_controller_manager/replica_set.cpp
  fakes/kube_controller_manager/plans_test.cpp
  fakes/kubelet/pod_status.cpp
  fakes/kubelet/status_manager.cpp
  fakes/kubelet/probe_test.cpp
  reports/html_timeline.cpp
  reports/terminal.cpp)
set_source_files_properties(${compiled_alone} ${SKIDPAD_COMPILED_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
