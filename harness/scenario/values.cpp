#include "harness/scenario/values.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "harness/runtime/assert.hpp"

namespace skidpad::scenario {
namespace {

using namespace std::chrono_literals;

struct Unit {
  std::string_view name;
  Duration length;
  std::size_t digits_max;  ///< keeps every sum far from overflow, and lets a pattern say the same as the parser
};
constexpr std::array<Unit, 5> units{{
    {"h", 1h, 3},
    {"m", 1min, 5},
    {"s", 1s, 7},
    {"ms", 1ms, 9},
    {"us", 1us, 9},
}};
constexpr std::size_t terms_max = 8;
constexpr Duration fixed_max = 999h;
constexpr std::uint32_t thousandths_max = 999999;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

/// Takes leading digits off `text`.
std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

/// The value of at most 18 digits.
std::uint64_t number(std::string_view digits) {
  std::uint64_t value = 0;
  for (char c : digits) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

bool has_leading_zero(std::string_view digits) { return digits.size() > 1 && digits.front() == '0'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

template <class Enum>
std::optional<Enum> from_word(std::string_view text) {
  for (const Word<Enum>& word : words(Enum{}))
    if (word.text == text) return word.value;
  return std::nullopt;
}

constexpr std::array timer_words{
    Word<Timer>{Timer::node_status_update_frequency, "node_status_update_frequency", "how often a kubelet looks at its node and reports changes"},
    Word<Timer>{Timer::node_lease_duration, "node_lease_duration", "how long a node's heartbeat lease is good for"},
    Word<Timer>{Timer::node_lease_renew_interval, "node_lease_renew_interval", "how often a kubelet renews it: its heartbeat"},
    Word<Timer>{Timer::kubelet_restart_delay, "kubelet_restart_delay", "how long a dead kubelet stays down"},
    Word<Timer>{Timer::probe_period, "probe_period", "how often a pod's readiness is probed"},
    Word<Timer>{Timer::termination_grace_period, "termination_grace_period", "how long a pod has to end by itself"},
    Word<Timer>{Timer::node_monitor_period, "node_monitor_period", "how often the controller-manager looks at heartbeats"},
    Word<Timer>{Timer::node_monitor_grace_period, "node_monitor_grace_period", "silence after which a node is NotReady"},
    Word<Timer>{Timer::toleration, "toleration", "how long pods stay on a lost node"},
    Word<Timer>{Timer::leader_lease_duration, "leader_lease_duration", "how long a dead leader's lease blocks the next one"},
    Word<Timer>{Timer::leader_retry_period, "leader_retry_period", "how often candidates try to become leader"},
    Word<Timer>{Timer::healer_poll_interval, "healer_poll_interval", "how often the node healer looks at all nodes"},
    Word<Timer>{Timer::healer_unhealthy_after, "healer_unhealthy_after", "not Ready for this long makes the node healer act"},
    Word<Timer>{Timer::healer_never_joined_after, "healer_never_joined_after", "a machine that has not joined by then has failed"},
    Word<Timer>{Timer::machine_provision_delay, "machine_provision_delay", "from the order of a machine to its kubelet's start"},
    Word<Timer>{Timer::etcd_heartbeat_interval, "etcd_heartbeat_interval", "etcd leader to its followers"},
    Word<Timer>{Timer::etcd_election_timeout, "etcd_election_timeout", "silence after which an etcd follower stands for election"},
    Word<Timer>{Timer::floor, "floor", "the least recovery time that the timers in force allow; only in `expect` and `deadline`"},
};

constexpr std::array role_words{
    Word<Role>{Role::worker, "worker", "runs the workload"},
    Word<Role>{Role::control_plane, "control_plane", "runs an API server, a scheduler and a controller-manager"},
    Word<Role>{Role::etcd, "etcd", "runs an etcd member"},
};

/// How the nodes of a role are called in targets, one and several.
struct RoleNames {
  Role role;
  std::string_view one;
  std::string_view many;
};
constexpr std::array<RoleNames, 3> role_names{{
    {Role::worker, "worker", "workers"},
    {Role::control_plane, "control_plane", "control_planes"},
    {Role::etcd, "etcd", "etcd"},
}};

const RoleNames& names_of(Role role) {
  return *std::find_if(role_names.begin(), role_names.end(), [&](const RoleNames& names) { return names.role == role; });
}

Target make_target(Target::Choice choice, Role role = Role::worker) {
  Target target;
  target.choice = choice;
  target.role = role;
  return target;
}

constexpr std::string_view same_as_prefix = "same_as_";

/// A fault's name: a lower-case letter, then lower-case letters, digits and underscores.
bool is_fault_name(std::string_view text) {
  return !text.empty() && text.size() <= 40 && is_lower(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
}

/// One term of a span: a duration, or a factor and a timer.
Parsed<TimeSpan> parse_term(std::string_view term) {
  std::string_view rest = term;
  const std::string_view whole = take_digits(rest);
  std::string_view decimals;
  const bool has_point = rest.starts_with('.');
  if (has_point) {
    rest.remove_prefix(1);
    decimals = take_digits(rest);
  }
  if (!rest.starts_with('x') || whole.empty()) {
    const Parsed<Duration> duration = parse_duration(term);
    if (!duration.value) return Parsed<TimeSpan>::bad(duration.wrong, duration.beyond_form);
    return Parsed<TimeSpan>::ok(TimeSpan(*duration.value));
  }
  if (has_leading_zero(whole) || whole.size() > 3 || decimals.size() > 3 || (has_point && decimals.empty()))
    return Parsed<TimeSpan>::bad("has a factor out of range");
  rest.remove_prefix(1);
  if (!rest.starts_with(' ') || rest.starts_with("  ")) return Parsed<TimeSpan>::bad("needs one space between a factor and its timer");
  rest.remove_prefix(1);
  const auto timer = from_word<Timer>(rest);
  if (!timer) {
    std::vector<std::string_view> known;
    for (const auto& word : timer_words) known.push_back(word.text);
    const auto near = nearest(rest, known);
    return Parsed<TimeSpan>::bad("names an unknown timer " + in_quotes(rest) +
                                 (near.empty() ? std::string() : ", did you mean " + in_quotes(near) + "?"));
  }
  std::uint64_t thousandths = number(whole) * 1000;
  std::uint64_t place = 100;
  for (char c : decimals) {
    thousandths += static_cast<std::uint64_t>(c - '0') * place;
    place /= 10;
  }
  if (thousandths == 0) return Parsed<TimeSpan>::bad("has the factor 0", true);
  TimeSpan span;
  span.multiples.push_back({*timer, static_cast<std::uint32_t>(thousandths)});
  return Parsed<TimeSpan>::ok(std::move(span));
}

std::uint32_t thousandths_of(const TimeSpan& span, Timer timer) {
  for (const auto& multiple : span.multiples)
    if (multiple.timer == timer) return multiple.thousandths;
  return 0;
}

/// Edit distance with neighbouring letters swapped counted as one slip (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::span<const Word<Timer>> words(Timer) { return timer_words; }
std::span<const Word<Role>> words(Role) { return role_words; }

bool TimeSpan::uses(Timer timer) const { return thousandths_of(*this, timer) > 0; }

TimeSpan operator+(TimeSpan left, const TimeSpan& right) {
  left.fixed += right.fixed;
  for (const auto& multiple : right.multiples) {
    const auto same = std::find_if(left.multiples.begin(), left.multiples.end(),
                                   [&](const auto& mine) { return mine.timer == multiple.timer; });
    if (same != left.multiples.end())
      same->thousandths += multiple.thousandths;
    else
      left.multiples.push_back(multiple);
  }
  std::sort(left.multiples.begin(), left.multiples.end(), [](const auto& a, const auto& b) { return a.timer < b.timer; });
  return left;
}

bool surely_longer(const TimeSpan& left, const TimeSpan& right) {
  bool longer_somewhere = left.fixed > right.fixed;
  if (left.fixed < right.fixed) return false;
  for (const auto& word : timer_words) {
    const auto mine = thousandths_of(left, word.value), theirs = thousandths_of(right, word.value);
    if (mine < theirs) return false;
    longer_somewhere |= mine > theirs;
  }
  return longer_somewhere;
}

Duration resolve(const TimeSpan& span, const std::function<Duration(Timer)>& timer_value) {
  Duration total = span.fixed;
  for (const auto& multiple : span.multiples) {
    const Duration value = timer_value(multiple.timer);
    ASSERT(value >= Duration::zero() && value <= 1000h);
    total += value / 1000 * multiple.thousandths;
  }
  return total;
}

std::size_t resolve(const Amount& amount, std::size_t total) {
  if (const auto* count = std::get_if<std::uint32_t>(&amount.value)) return *count;
  if (const auto* share = std::get_if<Ratio>(&amount.value)) return total * share->numerator / share->denominator;
  return total;
}

const std::vector<TargetWord>& target_words() {
  using Choice = Target::Choice;
  static const std::vector<TargetWord> known{
      {"one_worker", make_target(Choice::one, Role::worker), "one worker, drawn from the seed"},
      {"all_workers", make_target(Choice::all, Role::worker), "every worker"},
      {"worker_with_workload", make_target(Choice::worker_with_workload), "a node that runs most pods of the workload"},
      {"one_control_plane", make_target(Choice::one, Role::control_plane), "one control-plane node, drawn from the seed"},
      {"all_control_planes", make_target(Choice::all, Role::control_plane), "every control-plane node"},
      {"scheduler_leader", make_target(Choice::scheduler_leader), "the node whose scheduler holds the lease"},
      {"controller_manager_leader", make_target(Choice::controller_manager_leader),
       "the node whose controller-manager holds the lease"},
      {"node_healer_leader", make_target(Choice::node_healer_leader), "the node whose node healer holds the lease"},
      {"etcd_operator_leader", make_target(Choice::etcd_operator_leader), "the node whose etcd operator holds the lease"},
      {"one_etcd", make_target(Choice::one, Role::etcd), "one node with an etcd member, drawn from the seed"},
      {"all_etcd", make_target(Choice::all, Role::etcd), "every node with an etcd member"},
      {"etcd_leader", make_target(Choice::etcd_leader), "the node of etcd's leader"},
      {"etcd_follower", make_target(Choice::etcd_follower), "one node of an etcd follower"},
      {"etcd_minority", make_target(Choice::etcd_minority), "as many members as etcd can lose: 1 of 3, 2 of 5"},
      {"etcd_majority", make_target(Choice::etcd_majority), "one member more than etcd can lose: 2 of 3, 3 of 5"},
      {"managed_etcd_leader", make_target(Choice::managed_etcd_leader), "the worker with the leader of the etcd operator's cluster"},
      {"managed_etcd_follower", make_target(Choice::managed_etcd_follower), "one worker with a follower of it"},
      {"managed_etcd_minority", make_target(Choice::managed_etcd_minority), "as many of its members as it can lose"},
      {"managed_etcd_majority", make_target(Choice::managed_etcd_majority), "one member more than that"},
      {"managed_etcd_all", make_target(Choice::managed_etcd_all), "every worker with a member of it"},
      {"any_node", make_target(Choice::any_node), "one node of any role, drawn from the seed"},
      {"all_nodes", make_target(Choice::all_nodes), "every node"},
  };
  return known;
}

Parsed<Duration> parse_duration(std::string_view text) {
  using P = Parsed<Duration>;
  if (text.empty()) return P::bad("is empty");
  if (text.front() == '-') return P::bad("is negative");
  if (!is_digit(text.front())) return P::bad(in_quotes(text) + " is no duration");
  Duration total{0};
  std::size_t unit_first = 0;  // units come largest first, each once
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view digits = take_digits(rest);
    if (digits.empty()) return P::bad(in_quotes(text) + " is no duration");
    const auto letters_end = std::find_if_not(rest.begin(), rest.end(), is_lower);
    const std::string_view name = rest.substr(0, static_cast<std::size_t>(letters_end - rest.begin()));
    rest.remove_prefix(name.size());
    if (name.empty()) {
      if (rest.starts_with('.')) return P::bad(in_quotes(text) + " has decimals");
      return P::bad(rest.empty() ? in_quotes(text) + " has no unit" : in_quotes(text) + " is no duration");
    }
    const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& candidate) { return candidate.name == name; });
    if (unit == units.end()) return P::bad(in_quotes(text) + " has the unknown unit " + in_quotes(name));
    const auto position = static_cast<std::size_t>(unit - units.begin());
    if (position < unit_first) return P::bad(in_quotes(text) + " has its units out of order or twice");
    unit_first = position + 1;
    if (has_leading_zero(digits)) return P::bad(in_quotes(text) + " has a leading zero");
    if (digits.size() > unit->digits_max) return P::bad(in_quotes(text) + " is out of range");
    total += unit->length * static_cast<std::int64_t>(number(digits));
  }
  return P::ok(total);
}

Parsed<TimeSpan> parse_time_span(std::string_view text) {
  using P = Parsed<TimeSpan>;
  if (text.size() > 200) return P::bad("is too long");
  if (text.starts_with('-')) return P::bad(in_quotes(text) + " is negative");
  TimeSpan total;
  std::size_t terms = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    std::size_t end = text.find(" + ", begin);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view term = text.substr(begin, end - begin);
    if (term != trim(term)) return P::bad(in_quotes(text) + " has stray spaces");
    if (++terms > terms_max) return P::bad("has more than " + std::to_string(terms_max) + " terms");
    const P parsed = parse_term(term);
    if (!parsed.value) return parsed;
    total = std::move(total) + *parsed.value;
    if (total.fixed > fixed_max) return P::bad(in_quotes(text) + " is longer than 999h", true);
    for (const auto& multiple : total.multiples)
      if (multiple.thousandths > thousandths_max) return P::bad(in_quotes(text) + " has a factor out of range", true);
    begin = end + 3;
    if (end == text.size()) break;
  }
  return P::ok(std::move(total));
}

Parsed<Ratio> parse_ratio(std::string_view text) {
  using P = Parsed<Ratio>;
  const std::string no_share = in_quotes(text) + " is no share";
  if (text.starts_with('-')) return P::bad(in_quotes(text) + " is negative");
  std::string_view rest = text;
  const std::string_view left = take_digits(rest);
  if (left.empty()) return P::bad(no_share);
  if (has_leading_zero(left)) return P::bad(in_quotes(text) + " has a leading zero");
  if (left.size() > 6) return P::bad(in_quotes(text) + " is out of range");
  Ratio ratio{number(left), 100};
  if (rest.starts_with('/')) {
    rest.remove_prefix(1);
    const std::string_view right = take_digits(rest);
    if (right.empty() || !rest.empty()) return P::bad(no_share);
    if (has_leading_zero(right)) return P::bad(in_quotes(text) + " has a leading zero");
    if (right == "0") return P::bad(in_quotes(text) + " divides by zero");
    if (right.size() > 6) return P::bad(in_quotes(text) + " is out of range");
    ratio.denominator = number(right);
  } else {
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      const std::string_view decimals = take_digits(rest);
      if (decimals.empty() || decimals.size() > 3) return P::bad(no_share);
      for (char c : decimals) {
        ratio.numerator = ratio.numerator * 10 + static_cast<std::uint64_t>(c - '0');
        ratio.denominator *= 10;
      }
    }
    if (rest.empty()) return P::bad(in_quotes(text) + " has neither % nor /");
    if (rest != "%") return P::bad(no_share);
  }
  if (ratio.numerator > ratio.denominator) return P::bad(in_quotes(text) + " is more than the whole", true);
  const std::uint64_t divisor = std::gcd(ratio.numerator, ratio.denominator);
  return P::ok(Ratio{ratio.numerator / divisor, ratio.denominator / divisor});
}

Parsed<std::uint32_t> parse_count(std::string_view text) {
  using P = Parsed<std::uint32_t>;
  if (text.size() > 1 && text.front() == '-' && std::all_of(text.begin() + 1, text.end(), is_digit))
    return P::bad(in_quotes(text) + " is negative");
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return P::bad(in_quotes(text) + " is no whole number");
  if (has_leading_zero(text)) return P::bad(in_quotes(text) + " has a leading zero", true);
  if (text.size() > 9) return P::bad(in_quotes(text) + " is out of range");
  return P::ok(static_cast<std::uint32_t>(number(text)));
}

Parsed<Target> parse_target(std::string_view text) {
  using P = Parsed<Target>;
  for (const TargetWord& word : target_words())
    if (word.text == text) return P::ok(word.target);

  if (text.starts_with(same_as_prefix) && is_fault_name(text.substr(same_as_prefix.size()))) {
    Target target = make_target(Target::Choice::same_as);
    target.fault = text.substr(same_as_prefix.size());
    return P::ok(std::move(target));
  }
  for (const RoleNames& names : role_names) {
    std::string_view rest = text;
    const std::string_view count = take_digits(rest);  // 2_workers
    if (!count.empty() && rest.starts_with('_') && rest.substr(1) == names.many) {
      if (count.front() == '0' || count.size() > 3) return P::bad(in_quotes(text) + " has a count out of range");
      Target target = make_target(Target::Choice::one, names.role);
      target.count = static_cast<std::uint32_t>(number(count));
      return P::ok(std::move(target));
    }
    if (text.starts_with(names.one) && text.substr(names.one.size()).starts_with('_')) {  // worker_0
      const std::string_view index = text.substr(names.one.size() + 1);
      if (!index.empty() && std::all_of(index.begin(), index.end(), is_digit)) {
        if (has_leading_zero(index) || index.size() > 3) return P::bad(in_quotes(text) + " has an index out of range");
        Target target = make_target(Target::Choice::indexed, names.role);
        target.index = static_cast<std::uint32_t>(number(index));
        return P::ok(std::move(target));
      }
    }
  }
  std::vector<std::string_view> known;
  for (const TargetWord& word : target_words()) known.push_back(word.text);
  const auto near = nearest(text, known);
  return P::bad(in_quotes(text) + " is no target" + (near.empty() ? std::string() : ", did you mean " + in_quotes(near) + "?"));
}

std::string to_text(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  std::string text;
  for (const Unit& unit : units) {
    const auto count = duration / unit.length;
    if (count > 0) text += std::to_string(count) + std::string(unit.name);
    duration -= unit.length * count;
  }
  return text;
}

std::string to_text(const TimeSpan& span) {
  std::string text;
  for (const auto& multiple : span.multiples) {
    if (!text.empty()) text += " + ";
    text += std::to_string(multiple.thousandths / 1000);
    if (std::uint32_t rest = multiple.thousandths % 1000; rest > 0) {
      std::string decimals = std::to_string(1000 + rest).substr(1);
      while (decimals.back() == '0') decimals.pop_back();
      text += "." + decimals;
    }
    text += "x " + std::string(to_word(multiple.timer));
  }
  if (span.fixed == Duration::zero() && !text.empty()) return text;
  return text.empty() ? to_text(span.fixed) : text + " + " + to_text(span.fixed);
}

std::string to_text(Ratio ratio) {
  if (100 % ratio.denominator == 0) return std::to_string(ratio.numerator * (100 / ratio.denominator)) + "%";
  return std::to_string(ratio.numerator) + "/" + std::to_string(ratio.denominator);
}

std::string to_text(const Target& target) {
  const RoleNames& names = names_of(target.role);
  switch (target.choice) {
    case Target::Choice::same_as:
      return std::string(same_as_prefix) + target.fault;
    case Target::Choice::indexed:
      return std::string(names.one) + "_" + std::to_string(target.index);
    case Target::Choice::one:
      if (target.count > 1) return std::to_string(target.count) + "_" + std::string(names.many);
      [[fallthrough]];
    default:
      for (const TargetWord& word : target_words())
        if (word.target == target) return std::string(word.text);
  }
  return "?";
}

std::string time_span_pattern(bool floor_allowed) {
  std::string duration = "(?=[0-9])";
  for (const Unit& unit : units)
    duration += "(?:(?:0|[1-9][0-9]{0," + std::to_string(unit.digits_max - 1) + "})" + std::string(unit.name) + ")?";
  std::string timers;
  for (const auto& word : timer_words) {
    if (word.value == Timer::floor && !floor_allowed) continue;
    timers += (timers.empty() ? "" : "|") + std::string(word.text);
  }
  const std::string multiple = "(?:0|[1-9][0-9]{0,2})(?:\\.[0-9]{1,3})?x (?:" + timers + ")";
  const std::string term = "(?:" + multiple + "|" + duration + ")";
  return "^" + term + "(?: \\+ " + term + "){0," + std::to_string(terms_max - 1) + "}$";
}

std::string ratio_pattern() {
  return "^(?:0|[1-9][0-9]{0,5})(?:/[1-9][0-9]{0,5}|(?:\\.[0-9]{1,3})?%)$";
}

std::string target_pattern() {
  std::string pattern = "^(?:";
  for (const TargetWord& word : target_words()) pattern += std::string(word.text) + "|";
  for (const RoleNames& names : role_names)
    pattern += std::string(names.one) + "_(?:0|[1-9][0-9]{0,2})|[1-9][0-9]{0,2}_" + std::string(names.many) + "|";
  return pattern + std::string(same_as_prefix) + "[a-z][a-z0-9_]{0,39})$";
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.empty() || text.size() > 60) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (std::string_view candidate : candidates) {
    const std::size_t far = distance(text, candidate);
    if (far < best_distance) {
      best = candidate;
      best_distance = far;
    }
  }
  return best;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t shown_max = 48;
  bool cut = false;
  if (text.size() > shown_max) {
    std::size_t end = shown_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not through a character
    text = text.substr(0, end);
    cut = true;
  }
  std::string shown = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      constexpr std::string_view hex = "0123456789abcdef";
      shown += "\\x";
      shown += hex[byte >> 4];
      shown += hex[byte & 15];
    } else if (c == '"' || c == '\\') {
      shown += '\\';
      shown += c;
    } else {
      shown += c;
    }
  }
  return shown + (cut ? "...\"" : "\"");
}

}  // namespace skidpad::scenario
