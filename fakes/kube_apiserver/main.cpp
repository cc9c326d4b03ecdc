// The program kube-apiserver.
#include "fakes/kube_apiserver/kube_apiserver.hpp"
#include "harness/runtime/real/main.hpp"

int main(int argument_count, char** arguments) {
  return skidpad::runtime::run_kubernetes_component(argument_count, arguments, skidpad::fakes::kube_apiserver::kube_apiserver_main);
}
