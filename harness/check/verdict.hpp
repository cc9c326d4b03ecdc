/// @file verdict.hpp
/// What a check says, and how verdicts combine: fail over unknown over pass; not_applicable changes nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skidpad::check {

enum class Verdict { pass, fail, unknown, not_applicable };

std::string_view name(Verdict verdict);
/// "pass" and so on; false on anything else.
bool parse_verdict(std::string_view text, Verdict& verdict);

/// The verdict of both together. Two that are not applicable stay so; otherwise the applicable one decides.
Verdict combine(Verdict one, Verdict other);

/// The process exit code of a run with this verdict: 0, 1, 2, 3.
int exit_code(Verdict verdict);

/// One named guarantee, judged.
struct Guarantee {
  std::string name;                    ///< stable, snake_case: no_acknowledged_write_lost
  std::string claim;                   ///< one sentence for people: what holds when this passes
  Verdict verdict = Verdict::unknown;
  std::string reason;                  ///< why this verdict, with the figures
  bool by_absence = false;             ///< a fail that rests on something not having happened before the record ends
  std::vector<std::string> evidence;   ///< lines of the record it rests on, for people; bounded
};

}  // namespace skidpad::check
