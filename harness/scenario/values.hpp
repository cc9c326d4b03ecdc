/// @file values.hpp
/// The values a scenario is written with, as types, and their one written form each.
/// Promise: a parse either gives the value or says in one sentence what is wrong; nothing is rounded, guessed or wrapped.
/// Limits: at most 999h in one duration, factors up to 999.999, shares from 0 to 1.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/runtime/random.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::scenario {

using runtime::Duration;
using runtime::Ratio;

/// One word of the language: the value it stands for, its spelling, and a sentence for the reference.
template <class Enum>
struct Word {
  Enum value;
  std::string_view text;
  std::string_view about;
};

/// The timers of a cluster that a scenario may count in, so that one file suits every timer profile.
/// Each is named as in history::Timers.
enum class Timer {
  node_status_update_frequency,
  node_lease_duration,
  node_lease_renew_interval,
  kubelet_restart_delay,
  probe_period,
  termination_grace_period,
  node_monitor_period,
  node_monitor_grace_period,
  toleration,
  leader_lease_duration,
  leader_retry_period,
  healer_poll_interval,
  healer_unhealthy_after,
  healer_never_joined_after,
  machine_provision_delay,
  etcd_heartbeat_interval,
  etcd_election_timeout,
  floor,  ///< not a timer of a component: the least recovery time that the timers in force allow
};
std::span<const Word<Timer>> words(Timer);

/// A span of time: a fixed part plus multiples of timers. "30s", "3x node_monitor_grace_period", "1.5x floor + 10s".
struct TimeSpan {
  struct Multiple {
    Timer timer = Timer::floor;
    std::uint32_t thousandths = 1000;  ///< the factor, times 1000
    friend bool operator==(const Multiple&, const Multiple&) = default;
  };
  Duration fixed{0};
  std::vector<Multiple> multiples;  ///< sorted by timer, each timer once, no factor 0

  TimeSpan() = default;
  TimeSpan(Duration fixed) : fixed(fixed) {}
  friend bool operator==(const TimeSpan&, const TimeSpan&) = default;

  bool is_zero() const { return fixed == Duration::zero() && multiples.empty(); }
  bool uses(Timer timer) const;
};

TimeSpan operator+(TimeSpan left, const TimeSpan& right);
/// True where `left` is longer than `right` whatever the timers are: a contradiction one can be sure of.
bool surely_longer(const TimeSpan& left, const TimeSpan& right);
/// The span under the timers in force.
Duration resolve(const TimeSpan& span, const std::function<Duration(Timer)>& timer_value);

/// All of something, a number of it, or a share of it.
struct Amount {
  struct All {
    friend bool operator==(const All&, const All&) = default;
  };
  std::variant<All, std::uint32_t, Ratio> value;

  Amount() = default;
  explicit Amount(std::uint32_t count) : value(count) {}
  explicit Amount(Ratio share) : value(share) {}
  friend bool operator==(const Amount&, const Amount&) = default;
  bool is_all() const { return std::holds_alternative<All>(value); }
};

/// How many of `total` the amount means; shares round down, as in Cluster API.
std::size_t resolve(const Amount& amount, std::size_t total);

/// A role that a node plays; with overlapping planes one node plays several.
enum class Role { worker, control_plane, etcd };
std::span<const Word<Role>> words(Role);

/// Which nodes a fault hits, chosen by role when the fault is made.
struct Target {
  enum class Choice {
    one,        ///< `count` nodes of the role, drawn from the run's seed
    all,        ///< every node of the role
    indexed,    ///< the node with this index within its role, from 0
    any_node,
    all_nodes,
    etcd_leader,
    etcd_follower,
    etcd_minority,  ///< as many members as the cluster can lose
    etcd_majority,  ///< one more than that
    scheduler_leader,
    controller_manager_leader,
    node_healer_leader,
    etcd_operator_leader,
    worker_with_workload,
    managed_etcd_leader,    ///< of the etcd operator's cluster, as those below
    managed_etcd_follower,
    managed_etcd_minority,
    managed_etcd_majority,
    managed_etcd_all,
    same_as,    ///< the nodes of an earlier fault
  };
  Choice choice = Choice::any_node;
  Role role = Role::worker;      ///< for one, all, indexed
  std::uint32_t count = 1;       ///< for one
  std::uint32_t index = 0;       ///< for indexed
  std::string fault;             ///< for same_as

  friend bool operator==(const Target&, const Target&) = default;
};

/// The targets that are a single word each, for the reference and for editors.
struct TargetWord {
  std::string_view text;
  Target target;
  std::string_view about;
};
const std::vector<TargetWord>& target_words();

/// What a parse gives: the value, or what is wrong with the text ("has no unit"). `beyond_form` marks a fault that no
/// pattern can show (the form is right, the value is not), which is where a JSON Schema must agree no longer.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string wrong;
  bool beyond_form = false;

  static Parsed ok(T value) { return Parsed{std::move(value), {}, false}; }
  static Parsed bad(std::string wrong, bool beyond_form = false) { return Parsed{std::nullopt, std::move(wrong), beyond_form}; }
};

/// "1h30m", "90s", "250ms", "5us": whole numbers with units h, m, s, ms, us, largest first, each at most once.
Parsed<Duration> parse_duration(std::string_view text);
Parsed<TimeSpan> parse_time_span(std::string_view text);
/// "1/20", "5%", "0.5%"; from 0 to 1, reduced to lowest terms.
Parsed<Ratio> parse_ratio(std::string_view text);
/// Decimal digits without sign, leading zero or separator.
Parsed<std::uint32_t> parse_count(std::string_view text);
Parsed<Target> parse_target(std::string_view text);

std::string to_text(Duration duration);
std::string to_text(const TimeSpan& span);
std::string to_text(Ratio ratio);
std::string to_text(const Target& target);

/// The same forms as regular expressions (ECMA-262), anchored, for the JSON Schema.
std::string time_span_pattern(bool floor_allowed);
std::string ratio_pattern();
std::string target_pattern();

/// The candidate nearest in spelling, or empty when none is near enough to be meant.
std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);

/// The text as one quoted, printable, shortened piece of an error message.
std::string in_quotes(std::string_view text);

template <class Enum>
std::string_view to_word(Enum value) {
  for (const Word<Enum>& word : words(value))
    if (word.value == value) return word.text;
  return "?";
}

}  // namespace skidpad::scenario
