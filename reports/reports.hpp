/// @file reports.hpp
/// A judged run, told to machines and people: result.json, junit.xml, a terminal table, report.html.
/// Promise: pure text from data; nothing judged here. report.html is one file that loads nothing, and every recorded text in it
/// is escaped.
#pragma once

#include <optional>
#include <string>

#include "harness/check/judge.hpp"
#include "harness/history/record.hpp"

namespace skidpad::reports {

/// What only the process that ran or read the run knows.
struct Presentation {
  std::optional<runtime::Duration> wall_time;   ///< of the run; unknown when judged again from files alone
  std::string directory;                        ///< where the run lies, for people; may be empty
};

/// result.json; docs/run-directory.md has its fields. Absent values are null, so readers need no guessing.
std::string result_json(const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation);
/// The wall time a former result.json holds, to carry it over when a run is judged again.
std::optional<runtime::Duration> wall_time_of(const std::string& result_json_text);

/// One suite, one test case per guarantee: unknown is an error, not_applicable is skipped.
std::string junit_xml(const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation);

enum class Colour { none, ansi };
/// The verdict, what each guarantee says, and how to repeat the run. Ends with a newline.
std::string terminal_table(const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation, Colour colour,
                           std::size_t width = 100);

/// A whole HTML page.
std::string report_html(const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation);

/// Writes result.json, junit.xml and report.html into a run directory. Throws UsageError when it cannot.
void write_reports(const std::string& directory, const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation);

}  // namespace skidpad::reports
