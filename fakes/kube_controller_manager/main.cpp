#include "fakes/kube_controller_manager/kube_controller_manager.hpp"
#include "harness/runtime/real/main.hpp"

int main(int argument_count, char** arguments) {
  return skidpad::runtime::run_kubernetes_component(argument_count, arguments, skidpad::fakes::kube_controller_manager::kube_controller_manager_main);
}
