#include "harness/check/verdict.hpp"

#include "harness/runtime/assert.hpp"

namespace skidpad::check {

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass: return "pass";
    case Verdict::fail: return "fail";
    case Verdict::unknown: return "unknown";
    case Verdict::not_applicable: return "not_applicable";
  }
  ASSERT(false);
  return "";
}

bool parse_verdict(std::string_view text, Verdict& verdict) {
  for (const Verdict candidate : {Verdict::pass, Verdict::fail, Verdict::unknown, Verdict::not_applicable}) {
    if (text != name(candidate)) continue;
    verdict = candidate;
    return true;
  }
  return false;
}

Verdict combine(Verdict one, Verdict other) {
  for (const Verdict stronger : {Verdict::fail, Verdict::unknown, Verdict::pass})
    if (one == stronger || other == stronger) return stronger;
  return Verdict::not_applicable;
}

int exit_code(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass: return 0;
    case Verdict::fail: return 1;
    case Verdict::unknown: return 2;
    case Verdict::not_applicable: return 3;
  }
  ASSERT(false);
  return 1;
}

}  // namespace skidpad::check
