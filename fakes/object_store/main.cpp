#include "fakes/object_store/object_store.hpp"
#include "harness/runtime/real/main.hpp"

int main(int argument_count, char** arguments) {
  return skidpad::runtime::run_program(argument_count, arguments, skidpad::fakes::object_store::object_store_main);
}
