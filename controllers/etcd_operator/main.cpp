#include "controllers/etcd_operator/etcd_operator.hpp"
#include "harness/runtime/real/main.hpp"

int main(int argument_count, char** arguments) {
  return skidpad::runtime::run_program(argument_count, arguments, skidpad::controllers::etcd_operator::etcd_operator_main);
}
