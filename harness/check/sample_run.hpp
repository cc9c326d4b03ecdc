/// @file sample_run.hpp
/// A made-up run as the recorder would have written it: a worker destroyed, seen, replaced, under traffic.
/// For tests of checkers and reports, and for looking at a report without a cluster. Same arguments, same bytes.
#pragma once

#include <cstdint>

#include "harness/history/run_directory.hpp"

namespace skidpad::check {

/// Stock timers, 3 + 3 + 5 nodes; the texts of its four files. Passes every guarantee it asks for.
history::RunTexts sample_run(std::uint64_t seed = 7);

}  // namespace skidpad::check
