/// @file state_machine.hpp
/// What becomes of one checkpoint, as a total function: seven states, what is seen of the parent, and the clock of the grace.
/// Promise: pure; nothing is removed but on an API server's fresh word (behaviours C7, C8, C18).
/// Source: the state table of behaviours.md, which is bootkube's with the doubts taken seriously.
#pragma once

#include <array>
#include <string_view>

namespace skidpad::controllers::checkpointer {

enum class State { none, inactive, inactive_grace, active, active_grace, remove, self };
inline constexpr std::array all_states{State::none,         State::inactive, State::inactive_grace, State::active,
                                       State::active_grace, State::remove,   State::self};
std::string_view name(State state);  ///< "none", "inactive", "inactive-grace", ...

/// What is seen of a parent pod in one look.
struct Inputs {
  bool api_available = false;  ///< an API server answered
  bool api_parent = false;     ///< and it knows the parent; meaningless without an answer
  bool running = false;        ///< the container runtime runs the parent (not its copy)
  bool local_parent = false;   ///< the kubelet has the parent on its list
};

/// How old and how good our knowledge is.
struct Knowledge {
  bool grace_over = false;  ///< the parent has been absent for the whole grace
  bool fresh = false;       ///< this look's API answer is complete and not older than one seen before
};

/// Leaving a grace state and coming back starts a new grace: the caller keeps the clock.
State next_state(State state, Inputs inputs, Knowledge knowledge);

/// Whether the parent's absence is being timed in this state.
constexpr bool is_grace(State state) { return state == State::inactive_grace || state == State::active_grace; }

}  // namespace skidpad::controllers::checkpointer
