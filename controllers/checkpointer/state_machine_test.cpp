// The table of behaviour C18, row by row, then all 7 x 16 combinations against it; and that the check sees planted mistakes.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <vector>

#include "controllers/checkpointer/state_machine.hpp"

namespace skidpad::controllers::checkpointer {
namespace {

enum class Api { down, absent, present };
struct Row {
  const char* claim;
  State from;
  std::optional<Api> api;       // none: whatever it says
  std::optional<bool> running;
  std::optional<bool> local;
  bool grace_over;
  bool fresh;
  State to;
};

// In the order of the table; several rows of one claim where it says "or".
const Row rows[] = {
    {"a parent on the API's list alone is no reason", State::none, {}, false, false, false, true, State::none},
    {"a running parent is", State::none, {}, true, {}, false, true, State::inactive},
    {"and so is one on the kubelet's list", State::none, {}, {}, true, false, true, State::inactive},
    {"no API and not running: the copy runs", State::inactive, Api::down, false, {}, false, false, State::active},
    {"no API but running", State::inactive, Api::down, true, {}, false, false, State::inactive},
    {"parent in the API but not running", State::inactive, Api::present, false, {}, false, true, State::active},
    {"parent in the API and running", State::inactive, Api::present, true, {}, false, true, State::inactive},
    {"parent gone from the API", State::inactive, Api::absent, {}, {}, false, true, State::inactive_grace},
    {"grace runs", State::inactive_grace, Api::absent, {}, {}, false, true, State::inactive_grace},
    {"grace over on a fresh answer", State::inactive_grace, Api::absent, {}, {}, true, true, State::remove},
    {"grace over on a doubtful answer", State::inactive_grace, Api::absent, {}, {}, true, false, State::inactive_grace},
    {"parent back and running", State::inactive_grace, Api::present, true, {}, true, true, State::inactive},
    {"parent back, not running", State::inactive_grace, Api::present, false, {}, true, true, State::active},
    {"API lost, not running", State::inactive_grace, Api::down, false, {}, true, false, State::active},
    {"API lost, still running: grace waits", State::inactive_grace, Api::down, true, {}, true, false, State::inactive_grace},
    {"parent runs again without API", State::active, Api::down, true, {}, false, false, State::inactive},
    {"parent runs again", State::active, Api::present, true, {}, false, true, State::inactive},
    {"still needed without API", State::active, Api::down, false, {}, false, false, State::active},
    {"still needed", State::active, Api::present, false, {}, false, true, State::active},
    {"parent of an active copy gone", State::active, Api::absent, {}, {}, false, true, State::active_grace},
    {"active grace runs", State::active_grace, Api::absent, {}, {}, false, true, State::active_grace},
    {"active grace over", State::active_grace, Api::absent, {}, {}, true, true, State::remove},
    {"active grace over, doubtful answer", State::active_grace, Api::absent, {}, {}, true, false, State::active_grace},
    {"active grace over in an outage", State::active_grace, Api::down, false, {}, true, false, State::active},
    {"outage, but the parent runs", State::active_grace, Api::down, true, {}, true, false, State::inactive},
    {"parent of an active copy back", State::active_grace, Api::present, false, {}, true, true, State::active},
    {"and running", State::active_grace, Api::present, true, {}, true, true, State::inactive},
    {"removed and forgotten", State::remove, {}, false, false, true, true, State::none},
    {"self stays while the API is away", State::self, Api::down, {}, {}, true, false, State::self},
    {"self stays with its parent", State::self, Api::present, {}, {}, true, true, State::self},
    {"self stays through the grace", State::self, Api::absent, {}, {}, false, true, State::self},
    {"self stays on doubt", State::self, Api::absent, {}, {}, true, false, State::self},
    {"self goes when its parent is gone", State::self, Api::absent, {}, {}, true, true, State::remove},
};

Inputs inputs_of(int bits) {
  Inputs inputs;
  inputs.api_available = (bits & 1) != 0;
  inputs.api_parent = (bits & 2) != 0;
  inputs.running = (bits & 4) != 0;
  inputs.local_parent = (bits & 8) != 0;
  return inputs;
}

Api api_of(const Inputs& inputs) { return !inputs.api_available ? Api::down : inputs.api_parent ? Api::present : Api::absent; }

bool covers(const Row& row, State from, const Inputs& inputs, const Knowledge& knowledge) {
  return row.from == from && (!row.api || *row.api == api_of(inputs)) && (!row.running || *row.running == inputs.running) &&
         (!row.local || *row.local == inputs.local_parent) &&
         (!is_grace(from) && from != State::self ? true : row.api != Api::absent || (row.grace_over == knowledge.grace_over && (row.fresh == knowledge.fresh || !knowledge.grace_over)));
}

using Machine = std::function<State(State, Inputs, Knowledge)>;

/// Offences of a machine against the table, over all states, inputs and knowledge.
std::vector<std::string> offences(const Machine& machine) {
  std::vector<std::string> found;
  for (const State from : all_states) {
    for (int bits = 0; bits < 16; ++bits) {
      for (int known = 0; known < 4; ++known) {
        const Inputs inputs = inputs_of(bits);
        const Knowledge knowledge{(known & 1) != 0, (known & 2) != 0};
        const State to = machine(from, inputs, knowledge);
        for (const Row& row : rows) {
          if (covers(row, from, inputs, knowledge) && row.to != to) {
            found.push_back(std::string(row.claim) + ": " + std::string(name(from)) + " -> " + std::string(name(to)));
          }
        }
        if (to == State::remove && (!knowledge.fresh || !knowledge.grace_over || api_of(inputs) != Api::absent)) {
          found.push_back("removed on doubt from " + std::string(name(from)));
        }
      }
    }
  }
  return found;
}

TEST(StateMachine, FollowsTheTableForAllStatesAndInputs) { EXPECT_EQ(offences(next_state), std::vector<std::string>()); }

TEST(StateMachine, IsCoveredByTheTableCompletely) {
  for (const State from : all_states) {
    for (int bits = 0; bits < 16; ++bits) {
      for (int known = 0; known < 4; ++known) {
        const Inputs inputs = inputs_of(bits);
        const Knowledge knowledge{(known & 1) != 0, (known & 2) != 0};
        const bool any = std::any_of(std::begin(rows), std::end(rows), [&](const Row& row) { return covers(row, from, inputs, knowledge); });
        EXPECT_TRUE(any || from == State::remove) << name(from) << " " << bits << " " << known;
      }
    }
  }
}

TEST(StateMachine, PlantedMistakesAreSeen) {
  const Machine hasty = [](State from, Inputs inputs, Knowledge knowledge) {
    knowledge.fresh = true;  // bootkube's: any answer counts
    return next_state(from, inputs, knowledge);
  };
  EXPECT_FALSE(offences(hasty).empty());
  const Machine trusting = [](State from, Inputs inputs, Knowledge knowledge) {
    if (from == State::none && inputs.api_available && inputs.api_parent) return State::inactive;
    return next_state(from, inputs, knowledge);
  };
  EXPECT_FALSE(offences(trusting).empty());
  const Machine stubborn = [](State from, Inputs inputs, Knowledge knowledge) {
    const State to = next_state(from, inputs, knowledge);
    return from == State::active && to == State::inactive ? State::active : to;
  };
  EXPECT_FALSE(offences(stubborn).empty());
}

}  // namespace
}  // namespace skidpad::controllers::checkpointer
