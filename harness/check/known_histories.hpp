/// @file known_histories.hpp
/// Reads the two text forms of testdata/: for tests of the linearizability checker only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/history/record.hpp"

namespace skidpad::check {

/// Jepsen's register log: "INFO  jepsen.util - PROCESS :invoke :cas [1 2]".
std::vector<history::Operation> read_jepsen_register(std::string_view text);
/// Porcupine's map log: "{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}".
std::vector<history::Operation> read_key_value(std::string_view text);

}  // namespace skidpad::check
