/// @file html_parts.hpp
/// The pieces of report.html, each a pure function from data to markup. Colours are CSS variables, so one drawing serves light,
/// dark and print; nothing is told by colour alone.
#pragma once

#include <string>

#include "reports/reports.hpp"

namespace skidpad::reports {

/// The style sheet and the script of the page, inline.
std::string page_style();
std::string page_script();

/// Swim lanes over the run: phases, faults, layers with their recovery phases, nodes that changed, probes.
std::string timeline_svg(const history::RunRecord& record, const check::Judgement& judgement);

/// Where the recovery time went, beside what the timers in force allow and explain. Empty without a recovery time.
std::string recovery_bars_svg(const check::Judgement& judgement);

/// Small multiples of the scraped metrics that say most: those that moved.
std::string metric_charts(const history::RunRecord& record, const check::Judgement& judgement);

/// A run time as an axis label: "1:05" in minutes and seconds, or "2.5 s" on short runs.
std::string axis_label(double seconds, double step);
/// A step of 1, 2 or 5 (and 15, 30, 60 for minutes) that gives about so many ticks.
double axis_step(double range_seconds, int ticks);

}  // namespace skidpad::reports
