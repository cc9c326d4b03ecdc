#include "harness/check/linearizability.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

using history::Operation;
using history::Outcome;

/// A register's content, interned: index into a table of texts. 0 is "absent".
using StateId = std::uint32_t;
constexpr StateId absent = 0;
constexpr std::size_t shown_max = 5;  // of the deepest order, as evidence
constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

enum class Kind { get, put, append, remove, cas };

struct Step {
  const Operation* operation;
  Kind kind;
  bool must_take_effect;  ///< it was answered; otherwise it may be left out
  StateId value = absent;     ///< put, cas: what is written; get: what was seen
  StateId compare = absent;
};

class States {
 public:
  States() { texts_.emplace_back(); }
  StateId of(const std::string& text) {
    const auto [found, inserted] = ids_.try_emplace(text, static_cast<StateId>(texts_.size()));
    if (inserted) texts_.push_back(text);
    return found->second;
  }
  StateId appended(StateId state, StateId suffix) {
    const std::uint64_t pair = (std::uint64_t{state} << 32) | suffix;
    const auto known = appended_.find(pair);
    if (known != appended_.end()) return known->second;
    const StateId result = of(texts_[state] + texts_[suffix]);
    appended_.emplace(pair, result);
    return result;
  }

 private:
  std::vector<std::string> texts_;
  std::unordered_map<std::string, StateId> ids_;
  std::unordered_map<std::uint64_t, StateId> appended_;
};

/// Applies a step. False when the register in this state could not have given the recorded answer.
bool apply(States& states, const Step& step, StateId& state, AbsentReads absent_reads) {
  switch (step.kind) {
    case Kind::get: {
      if (state == step.value) return true;
      return absent_reads == AbsentReads::as_empty_text && state == absent && step.value == states.of("");
    }
    case Kind::put: state = step.value; return true;
    case Kind::remove: state = absent; return true;
    case Kind::append: state = states.appended(state, step.value); return true;
    case Kind::cas: {
      const bool holds = state == step.compare;
      if (step.must_take_effect && holds != step.operation->applied) return false;
      if (holds) state = step.value;
      return true;
    }
  }
  ASSERT(false);
  return false;
}

bool step_of(const Operation& operation, States& states, Step& step) {
  if (operation.outcome == Outcome::failed) return false;
  step.operation = &operation;
  step.must_take_effect = operation.outcome == Outcome::ok;
  const std::string& name = operation.operation;
  if (name == "get") {
    if (!step.must_take_effect) return false;  // a read without an answer says nothing
    step.kind = Kind::get;
    step.value = operation.observed ? states.of(*operation.observed) : absent;
  } else if (name == "put" || name == "append") {
    ASSERT(operation.value.has_value());
    step.kind = name == "put" ? Kind::put : Kind::append;
    step.value = states.of(*operation.value);
  } else if (name == "delete") {
    step.kind = Kind::remove;
  } else {
    ASSERT(name == "cas" && operation.value.has_value());
    step.kind = Kind::cas;
    step.value = states.of(*operation.value);
    step.compare = operation.compare ? states.of(*operation.compare) : absent;
  }
  return true;
}

/// Which steps are linearized, as bits; the leading full words are dropped when it becomes a memo key.
struct MemoKey {
  std::size_t first_word;
  std::vector<std::uint64_t> words;
  StateId state;
  bool must_be_read;  ///< the last step placed was unanswered: only a step that looks at its effect may follow
  bool operator==(const MemoKey&) const = default;
};
struct MemoHash {
  std::size_t operator()(const MemoKey& key) const {
    std::uint64_t hash = key.first_word * 0x9E3779B97F4A7C15u ^ (std::uint64_t{key.state} << 1 | (key.must_be_read ? 1 : 0));
    for (const std::uint64_t word : key.words) {
      hash ^= word;
      hash *= 0xFF51AFD7ED558CCDu;
      hash ^= hash >> 32;
    }
    return static_cast<std::size_t>(hash);
  }
};

/// The search of Wing and Gong over a doubly linked list of calls and returns in time order. A call may be linearized while no
/// return stands before it; linearizing lifts call and return out of the list, backtracking puts them back.
class Search {
 public:
  Search(std::vector<Step> steps, States& states, const LinearizabilityOptions& options)
      : steps_(std::move(steps)), states_(states), options_(options), linearized_((steps_.size() + 63) / 64, 0) {
    build_list();
  }

  Verdict run();
  std::size_t states_visited() const { return states_visited_; }
  /// The step at which the deepest attempt got stuck: it was answered, yet has no place. And the last steps placed before it.
  std::size_t stuck_step() const { return stuck_step_; }
  const std::vector<std::size_t>& deepest_order() const { return deepest_order_; }

 private:
  struct Entry {
    std::size_t step;
    bool is_call;
    std::size_t previous;
    std::size_t next;
  };
  struct Placed {
    std::size_t step;
    StateId state_before;
  };

  void build_list();
  void lift(std::size_t entry) {
    entries_[entries_[entry].previous].next = entries_[entry].next;
    entries_[entries_[entry].next].previous = entries_[entry].previous;
  }
  void unlift(std::size_t entry) {
    entries_[entries_[entry].previous].next = entry;
    entries_[entries_[entry].next].previous = entry;
  }
  bool remember(StateId state, bool must_be_read);

  std::vector<Step> steps_;
  States& states_;
  LinearizabilityOptions options_;
  std::vector<Entry> entries_;              // [0] is the head; the last is the tail
  std::vector<std::size_t> call_entry_;     // of each step
  std::vector<std::size_t> return_entry_;   // of each step; nowhere for one that may be left out
  std::vector<std::uint64_t> linearized_;
  std::size_t must_left_ = 0;               // answered steps not placed yet
  std::unordered_set<MemoKey, MemoHash> seen_;
  std::size_t states_visited_ = 0;
  std::size_t stuck_step_ = nowhere;
  std::vector<std::size_t> deepest_order_;
};

void Search::build_list() {
  struct Moment {
    runtime::Duration time;
    bool is_call;
    std::size_t step;
  };
  std::vector<Moment> moments;
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    moments.push_back({steps_[step].operation->call, true, step});
    if (steps_[step].must_take_effect) {
      moments.push_back({*steps_[step].operation->returned, false, step});
      ++must_left_;
    }
  }
  // Intervals are closed: at one time, calls come before returns, so touching operations overlap.
  std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) {
    if (a.time != b.time) return a.time < b.time;
    if (a.is_call != b.is_call) return a.is_call;
    return a.step < b.step;
  });
  call_entry_.assign(steps_.size(), nowhere);
  return_entry_.assign(steps_.size(), nowhere);
  entries_.push_back({nowhere, false, nowhere, 1});
  for (const Moment& moment : moments) {
    const std::size_t entry = entries_.size();
    entries_.push_back({moment.step, moment.is_call, entry - 1, entry + 1});
    (moment.is_call ? call_entry_ : return_entry_)[moment.step] = entry;
  }
  entries_.push_back({nowhere, false, entries_.size() - 1, nowhere});
}

bool Search::remember(StateId state, bool must_be_read) {
  MemoKey key{0, {}, state, must_be_read};
  while (key.first_word < linearized_.size() && linearized_[key.first_word] == ~std::uint64_t{0}) ++key.first_word;
  std::size_t end = linearized_.size();
  while (end > key.first_word && linearized_[end - 1] == 0) --end;
  key.words.assign(linearized_.begin() + static_cast<std::ptrdiff_t>(key.first_word), linearized_.begin() + static_cast<std::ptrdiff_t>(end));
  return seen_.insert(std::move(key)).second;
}

Verdict Search::run() {
  std::vector<Placed> placed;
  StateId state = absent;
  std::size_t entry = entries_[0].next;
  const std::size_t tail = entries_.size() - 1;
  std::size_t placed_deepest = 0;
  while (must_left_ > 0) {
    const bool at_call = entry != tail && entries_[entry].is_call;
    if (at_call) {
      const std::size_t step = entries_[entry].step;
      StateId after = state;
      bool advanced = false;
      // An unanswered step that changes nothing, or whose effect is overwritten unseen, is better left out: the same answers
      // follow, and it stays available for later. Without this rule every unanswered write doubles the search.
      const bool overwrites = steps_[step].kind == Kind::put || steps_[step].kind == Kind::remove;
      const bool must_be_read = !placed.empty() && !steps_[placed.back().step].must_take_effect;
      if (!(overwrites && must_be_read) && apply(states_, steps_[step], after, options_.absent_reads) &&
          (steps_[step].must_take_effect || after != state)) {
        linearized_[step / 64] |= std::uint64_t{1} << (step % 64);
        if (remember(after, !steps_[step].must_take_effect)) {
          if (++states_visited_ > options_.states_visited_max) return Verdict::unknown;
          placed.push_back({step, state});
          state = after;
          lift(entry);
          if (return_entry_[step] != nowhere) {
            lift(return_entry_[step]);
            --must_left_;
          }
          entry = entries_[0].next;
          advanced = true;
        } else {
          linearized_[step / 64] &= ~(std::uint64_t{1} << (step % 64));
        }
      }
      if (!advanced) entry = entries_[entry].next;
      continue;
    }
    // A return stands here whose call has no place yet (or only optional steps are left): this order is a dead end.
    if (entry != tail && (placed.size() > placed_deepest || stuck_step_ == nowhere)) {
      placed_deepest = placed.size();
      stuck_step_ = entries_[entry].step;
      deepest_order_.clear();
      for (std::size_t i = placed.size() - std::min(placed.size(), shown_max); i < placed.size(); ++i) deepest_order_.push_back(placed[i].step);
    }
    if (placed.empty()) return Verdict::fail;
    const Placed last = placed.back();
    placed.pop_back();
    state = last.state_before;
    linearized_[last.step / 64] &= ~(std::uint64_t{1} << (last.step % 64));
    if (return_entry_[last.step] != nowhere) {
      unlift(return_entry_[last.step]);
      ++must_left_;
    }
    unlift(call_entry_[last.step]);
    entry = entries_[call_entry_[last.step]].next;
  }
  return Verdict::pass;
}

}  // namespace

LinearizabilityResult check_register(std::span<const Operation> operations, const LinearizabilityOptions& options) {
  States states;
  std::vector<const Operation*> by_call;
  for (const Operation& operation : operations) by_call.push_back(&operation);
  std::stable_sort(by_call.begin(), by_call.end(), [](const Operation* a, const Operation* b) { return a->call < b->call; });
  std::vector<Step> steps;
  for (const Operation* operation : by_call) {
    ASSERT(operation->outcome != Outcome::ok || operation->returned);
    Step step{};
    if (step_of(*operation, states, step)) steps.push_back(step);
  }
  LinearizabilityResult result;
  result.operations_judged = steps.size();
  const std::vector<Step> kept = steps;
  Search search(std::move(steps), states, options);
  result.verdict = search.run();
  result.states_visited = search.states_visited();
  if (result.verdict == Verdict::unknown) {
    result.reason = "budget of " + std::to_string(options.states_visited_max) + " states spent before an answer";
  } else if (result.verdict == Verdict::fail) {
    ASSERT(search.stuck_step() != nowhere);
    const Operation& stuck = *kept[search.stuck_step()].operation;
    result.reason = "no order explains " + describe(stuck);
    const auto& order = search.deepest_order();
    for (const std::size_t step : order) result.evidence.push_back("placed: " + describe(*kept[step].operation));
    result.evidence.push_back("stuck: " + describe(stuck));
  } else {
    result.reason = std::to_string(result.operations_judged) + " operations have a legal order";
  }
  return result;
}

LinearizabilityResult check_map(std::span<const Operation> operations, const LinearizabilityOptions& options) {
  std::map<std::string, std::vector<Operation>> by_key;
  for (const Operation& operation : operations) by_key[operation.key].push_back(operation);
  LinearizabilityResult total;
  total.verdict = Verdict::pass;
  for (const auto& [key, of_key] : by_key) {
    LinearizabilityResult result = check_register(of_key, options);
    total.states_visited += result.states_visited;
    total.operations_judged += result.operations_judged;
    const Verdict before = total.verdict;
    total.verdict = combine(total.verdict, result.verdict);
    if (result.verdict != Verdict::pass && (total.reason.empty() || total.verdict != before)) {
      total.reason = "key \"" + key + "\": " + result.reason;
      total.evidence = std::move(result.evidence);
    }
  }
  if (total.verdict == Verdict::pass)
    total.reason = std::to_string(total.operations_judged) + " operations on " + std::to_string(by_key.size()) + " keys have a legal order";
  return total;
}

}  // namespace skidpad::check
