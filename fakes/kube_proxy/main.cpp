#include "fakes/kube_proxy/kube_proxy.hpp"
#include "harness/runtime/real/main.hpp"

int main(int argument_count, char** arguments) { return skidpad::runtime::run_program(argument_count, arguments, skidpad::fakes::kube_proxy::kube_proxy_main); }
