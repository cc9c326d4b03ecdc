#include "harness/check/describe.hpp"
#include "reports/escape.hpp"
#include "reports/reports.hpp"

namespace skidpad::reports {
namespace {

using check::Verdict;

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass: return "PASS";
    case Verdict::fail: return "FAIL";
    case Verdict::unknown: return "UNKNOWN";
    case Verdict::not_applicable: return "n/a";
  }
  return "";
}

std::string painted(const std::string& text, Verdict verdict, Colour colour) {
  if (colour == Colour::none) return text;
  const char* code = verdict == Verdict::pass ? "32" : verdict == Verdict::fail ? "1;31" : verdict == Verdict::unknown ? "1;33" : "2";
  return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

std::string dimmed(const std::string& text, Colour colour) { return colour == Colour::none ? text : "\x1b[2m" + text + "\x1b[0m"; }

/// Columns, counting code points: good for the text we print.
std::size_t columns(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t have = columns(text);
  if (have < width) text.append(width - have, ' ');
  return text;
}

/// Words in lines of at most `width` columns; a longer word stays whole.
std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = text.find(' ', begin);
    if (end == std::string::npos) end = text.size();
    const std::string one = text.substr(begin, end - begin);
    if (!lines.back().empty() && columns(lines.back()) + 1 + columns(one) > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += one;
    begin = end + 1;
  }
  return lines;
}

}  // namespace

std::string terminal_table(const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation, Colour colour, std::size_t width) {
  const history::Header& header = record.header;
  std::string text = painted(word(judgement.verdict), judgement.verdict, colour) + "  " + printable(header.scenario) + dimmed("  driver " + printable(header.driver) + ", seed " + std::to_string(header.seed) + ", timers " + printable(header.timers.profile), colour) + "\n";
  for (const std::string& line : wrapped(printable(judgement.summary), width)) text += line + "\n";
  text += "\n";
  std::size_t name_width = 0;
  for (const check::Guarantee& guarantee : judgement.guarantees) name_width = std::max(name_width, columns(guarantee.name));
  const std::size_t reason_column = 9 + name_width + 2;
  const std::size_t reason_width = width > reason_column + 20 ? width - reason_column : 60;
  const auto rows = [&](bool applicable) {
    for (const check::Guarantee& guarantee : judgement.guarantees) {
      if ((guarantee.verdict != Verdict::not_applicable) != applicable) continue;
      const auto lines = wrapped(printable(guarantee.reason), reason_width);
      text += painted(padded(word(guarantee.verdict), 9), guarantee.verdict, colour) + padded(printable(guarantee.name), name_width + 2) + lines.front() + "\n";
      for (std::size_t i = 1; i < lines.size(); ++i) text += std::string(reason_column, ' ') + lines[i] + "\n";
      if (guarantee.verdict != Verdict::fail) continue;
      for (std::size_t i = 0; i < guarantee.evidence.size() && i < 5; ++i)
        for (const std::string& line : wrapped("- " + printable(guarantee.evidence[i]), reason_width)) text += std::string(reason_column, ' ') + dimmed(line, colour) + "\n";
    }
  };
  rows(true);
  rows(false);
  if (judgement.recovery.injected && !judgement.recovery.milestones.empty()) {
    text += "\nfrom the fault: ";
    std::string separator;
    for (const check::Phase phase : check::phases) {
      const auto found = judgement.recovery.milestones.find(phase);
      if (found == judgement.recovery.milestones.end()) continue;
      std::string phase_name(name(phase));
      std::replace(phase_name.begin(), phase_name.end(), '_', ' ');
      text += separator + phase_name + " " + check::describe(found->second.time - *judgement.recovery.injected);
      separator = ", ";
    }
    text += "\n";
  }
  for (const check::RestoreAudit& restore : judgement.restores) {
    text += "\nrestore " + printable(restore.recovery) + " from " + (restore.from_backup ? "a backup" : "a survivor") + ": " + std::to_string(restore.lost.size()) + " of " +
            std::to_string(restore.acknowledged) + " acknowledged writes lost, recovery point " + check::describe(restore.recovery_point) + ", recovery time " +
            (restore.recovery_time ? check::describe(*restore.recovery_time) : std::string("not seen")) + "\n";
  }
  text += "\n";
  if (!header.repeat_command.empty()) text += "repeat   " + printable(header.repeat_command) + "\n";
  if (!presentation.directory.empty()) text += "report   " + printable(presentation.directory) + "/report.html\n";
  return text;
}

}  // namespace skidpad::reports
