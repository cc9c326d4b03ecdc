#include "controllers/node_healer/node_healer.hpp"
#include "harness/runtime/real/main.hpp"

int main(int argument_count, char** arguments) {
  return skidpad::runtime::run_program(argument_count, arguments, skidpad::controllers::node_healer::node_healer_main);
}
