#include "fakes/workload/workload.hpp"
#include "harness/runtime/real/main.hpp"

int main(int argument_count, char** arguments) { return skidpad::runtime::run_program(argument_count, arguments, skidpad::fakes::workload::workload_main); }
