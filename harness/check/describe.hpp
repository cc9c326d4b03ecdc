/// @file describe.hpp
/// Facts of a record in words, as verdict reasons and evidence use them. One spelling of times and operations everywhere.
#pragma once

#include <string>

#include "harness/history/record.hpp"

namespace skidpad::check {

/// "41.2 s", "320 ms", "6 min 12 s": three significant places are enough for a reader.
std::string describe(runtime::Duration duration);
/// "kv-client-3 put color = \"red\" (ok, 12.1 s to 12.2 s)". Long texts are cut.
std::string describe(const history::Operation& operation);
/// "1 node", "3 nodes".
std::string counted(std::size_t count, const std::string& noun);
/// "a, b and 3 more".
std::string listed(const std::vector<std::string>& items, std::size_t shown_max = 5);

}  // namespace skidpad::check
