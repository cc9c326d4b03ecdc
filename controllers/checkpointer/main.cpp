#include "controllers/checkpointer/checkpointer.hpp"
#include "harness/runtime/real/main.hpp"

int main(int argument_count, char** arguments) {
  return skidpad::runtime::run_program(argument_count, arguments, skidpad::controllers::checkpointer::checkpointer_main);
}
