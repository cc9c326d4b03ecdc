#include "fakes/kube_scheduler/kube_scheduler.hpp"
#include "harness/runtime/real/main.hpp"

int main(int argument_count, char** arguments) {
  return skidpad::runtime::run_kubernetes_component(argument_count, arguments, skidpad::fakes::kube_scheduler::kube_scheduler_main);
}
