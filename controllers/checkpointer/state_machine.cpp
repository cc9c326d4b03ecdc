#include "controllers/checkpointer/state_machine.hpp"

#include "harness/runtime/assert.hpp"

namespace skidpad::controllers::checkpointer {
namespace {

/// The parent is known to be wanted, or nobody can say that it is not: does it run, or must its copy?
State by_running(bool running) { return running ? State::inactive : State::active; }

}  // namespace

std::string_view name(State state) {
  switch (state) {
    case State::none: return "none";
    case State::inactive: return "inactive";
    case State::inactive_grace: return "inactive-grace";
    case State::active: return "active";
    case State::active_grace: return "active-grace";
    case State::remove: return "remove";
    case State::self: return "self";
  }
  return "?";
}

State next_state(State state, Inputs inputs, Knowledge knowledge) {
  const bool parent_gone = inputs.api_available && !inputs.api_parent;
  switch (state) {
    case State::none:
      // What the API alone says is no reason: a pod may be bound to this node and never have run here (C2).
      return inputs.running || inputs.local_parent ? State::inactive : State::none;
    case State::inactive:
      return parent_gone ? State::inactive_grace : by_running(inputs.running);
    case State::inactive_grace:
      if (!inputs.api_available) return inputs.running ? State::inactive_grace : State::active;
      if (inputs.api_parent) return by_running(inputs.running);
      return knowledge.grace_over && knowledge.fresh ? State::remove : State::inactive_grace;
    case State::active:
      return parent_gone ? State::active_grace : by_running(inputs.running);
    case State::active_grace:
      if (!inputs.api_available || inputs.api_parent) return by_running(inputs.running);
      return knowledge.grace_over && knowledge.fresh ? State::remove : State::active_grace;
    case State::remove:
      // Some of its files could not be deleted, or the parent came back in the same instant.
      return inputs.running || inputs.local_parent ? State::inactive : State::none;
    case State::self:
      return parent_gone && knowledge.grace_over && knowledge.fresh ? State::remove : State::self;
  }
  ASSERT(!"every state is handled");
  return state;
}

}  // namespace skidpad::controllers::checkpointer
