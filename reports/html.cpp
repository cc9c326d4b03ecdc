#include <algorithm>
#include <cctype>

#include "harness/check/describe.hpp"
#include "reports/escape.hpp"
#include "reports/html_parts.hpp"

namespace skidpad::reports {
namespace {

using check::describe;
using check::Verdict;
using runtime::Duration;

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass: return "Pass";
    case Verdict::fail: return "Fail";
    case Verdict::unknown: return "Unknown";
    case Verdict::not_applicable: return "Not applicable";
  }
  return "";
}

/// A shape of its own per verdict: read without colour.
std::string icon(Verdict verdict) {
  const char* shape = "";
  switch (verdict) {
    case Verdict::pass: shape = "<path d=\"M3 8.5l3.4 3.4L13 5\"/>"; break;
    case Verdict::fail: shape = "<path d=\"M4 4l8 8M12 4l-8 8\"/>"; break;
    case Verdict::unknown: shape = "<path d=\"M5.3 5.6a2.7 2.7 0 1 1 3.9 2.5C8.3 8.600 8 9.100 8 10.200M8 12.700v.1\"/>"; break;
    case Verdict::not_applicable: shape = "<path d=\"M4 8h8\"/>"; break;
  }
  return std::string("<svg viewBox=\"0 0 16 16\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.2\" stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\">") + shape + "</svg>";
}

std::string chip(Verdict verdict) { return "<span class=\"chip " + std::string(name(verdict)) + "\">" + icon(verdict) + word(verdict) + "</span>"; }

std::string spaced(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string figure(const std::string& term, const std::string& value, const std::string& note = "") {
  return "<div><dt>" + escape(term) + "</dt><dd>" + escape(value) + (note.empty() ? "" : "<small>" + escape(note) + "</small>") + "</dd></div>";
}

std::string section(const std::string& title, const std::string& lead, const std::string& body, bool is_long = false) {
  // An address of its own, so that a chat message can point at one section.
  std::string anchor = title.substr(0, title.find(','));
  std::transform(anchor.begin(), anchor.end(), anchor.begin(), [](unsigned char c) { return std::isalnum(c) ? static_cast<char>(std::tolower(c)) : '-'; });
  return "<section id=\"" + anchor + "\"" + (is_long ? " class=\"long\"" : "") + "><h2>" + escape(title) + "</h2>" + (lead.empty() ? "" : "<p class=\"lead\">" + lead + "</p>") + body + "</section>\n";
}

std::string top(const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation) {
  const history::Header& header = record.header;
  std::string html = "<header class=\"top " + std::string(name(judgement.verdict)) + "\"><div class=\"verdict-row\"><span class=\"verdict\">" + icon(judgement.verdict) + word(judgement.verdict) + "</span><h1>" + escape(header.scenario) + "</h1></div><p class=\"summary\">" +
                     escape(judgement.summary) + "</p>";
  if (!header.hypothesis.empty()) html += "<p class=\"hypothesis\">Hypothesis: " + escape(header.hypothesis) + "</p>";
  html += "<dl class=\"figures\">";
  if (judgement.recovery.injected) {
    const auto& took = judgement.recovery.recovery_time;
    std::string note;
    if (took && judgement.floor && judgement.floor->shortest > Duration::zero())
      note = decimal(runtime::seconds(*took) / runtime::seconds(judgement.floor->shortest), 2) + " × the floor of " + describe(judgement.floor->shortest);
    else if (judgement.floor) note = "floor " + describe(judgement.floor->shortest);
    html += figure("Recovery", took ? describe(*took) : "not seen", note);
    if (judgement.recovery_limit) {
      const bool is_deadline = judgement.recovery_limit == header.expectations.deadline;
      html += figure("Limit", describe(*judgement.recovery_limit), is_deadline ? "the scenario's deadline" : "from the timers in force");
    }
  }
  Duration downtime{};
  std::size_t sent = 0, answered = 0;
  for (const check::ProbeSummary& probe : judgement.probes) {
    downtime = std::max(downtime, probe.downtime);
    sent += probe.sent;
    answered += probe.answered;
  }
  if (!judgement.probes.empty()) html += figure("Downtime", describe(downtime), std::to_string(answered) + " of " + std::to_string(sent) + " probes answered");
  std::size_t held = 0, judged = 0;
  for (const check::Guarantee& guarantee : judgement.guarantees) {
    judged += guarantee.verdict != Verdict::not_applicable;
    held += guarantee.verdict == Verdict::pass;
  }
  html += figure("Guarantees held", std::to_string(held) + " of " + std::to_string(judged));
  const std::string wall = presentation.wall_time ? "in " + describe(*presentation.wall_time) + " of wall time" : "";
  html += figure(header.driver == "sim" ? "Simulated" : "Run time", describe(judgement.run_duration), wall);
  html += figure("Driver", header.driver, "seed " + std::to_string(header.seed) + ", timers " + header.timers.profile);
  return html + "</dl></header>\n";
}

std::string guarantee_rows(const std::vector<check::Guarantee>& guarantees, bool applicable) {
  std::vector<const check::Guarantee*> chosen;
  for (const Verdict verdict : {Verdict::fail, Verdict::unknown, Verdict::pass, Verdict::not_applicable})
    for (const check::Guarantee& guarantee : guarantees)
      if (guarantee.verdict == verdict && (verdict != Verdict::not_applicable) == applicable) chosen.push_back(&guarantee);
  std::string rows;
  for (const check::Guarantee* guarantee : chosen) {
    rows += "<tr><td>" + chip(guarantee->verdict) + "</td><td><code>" + escape(guarantee->name) + "</code><div class=\"claim\">" + escape(guarantee->claim) + "</div></td><td class=\"reason\">" + escape(guarantee->reason);
    if (!guarantee->evidence.empty()) {
      rows += std::string("<details") + (guarantee->verdict == Verdict::fail || guarantee->verdict == Verdict::unknown ? " open" : "") + "><summary>Evidence</summary><ul>";
      for (const std::string& line : guarantee->evidence) rows += "<li>" + escape(line) + "</li>";
      rows += "</ul></details>";
    }
    rows += "</td></tr>";
  }
  return rows;
}

std::string guarantees(const check::Judgement& judgement) {
  const std::string head = "<table class=\"guarantees\"><thead><tr><th scope=\"col\">Verdict</th><th scope=\"col\">Guarantee</th><th scope=\"col\">Why</th></tr></thead><tbody>";
  std::string html = "<div>" + head + guarantee_rows(judgement.guarantees, true) + "</tbody></table></div>";
  const std::string rest = guarantee_rows(judgement.guarantees, false);
  if (!rest.empty()) html += "<details class=\"rest\"><summary>Not judged in this run</summary>" + head + rest + "</tbody></table></details>";
  return html;
}

std::string recovery_table(const check::Recovery& recovery) {
  std::string rows, undisturbed;
  for (const check::LayerRecovery& layer : recovery.layers) {
    if (!layer.disturbed) {
      if (!layer.levels.empty()) undisturbed += (undisturbed.empty() ? "" : ", ") + layer.layer;
      continue;
    }
    rows += "<tr><td><strong>" + escape(layer.layer) + "</strong></td>";
    for (const check::Phase phase : check::phases) {
      const auto found = layer.milestones.find(phase);
      if (found == layer.milestones.end()) rows += "<td class=\"number\"><span class=\"soft\">–</span></td>";
      else rows += "<td class=\"number\" title=\"" + escape(found->second.evidence) + "\">" + escape(describe(found->second.time - *recovery.injected)) + "</td>";
    }
    rows += "<td class=\"number\">" + std::to_string(layer.lowest) + " of " + std::to_string(layer.wanted) + "</td></tr>";
  }
  if (rows.empty()) return undisturbed.empty() ? "" : "<p>Not disturbed: " + escape(undisturbed) + ".</p>";
  std::string head = "<table><thead><tr><th scope=\"col\">Layer</th>";
  for (const check::Phase phase : check::phases) head += "<th scope=\"col\" class=\"number\">" + spaced(std::string(name(phase))) + "</th>";
  return "<div class=\"scroll\">" + head + "<th scope=\"col\" class=\"number\">lowest level</th></tr></thead><tbody>" + rows + "</tbody></table></div>" + (undisturbed.empty() ? "" : "<p class=\"hypothesis\" style=\"margin-top:8px\">Not disturbed: " + escape(undisturbed) + ".</p>");
}

std::string faults_table(const std::vector<history::FaultInterval>& faults) {
  std::string rows;
  for (const history::FaultInterval& fault : faults) {
    std::string witnesses;
    for (const history::Witness& witness : fault.witnesses)
      witnesses += "<li>" + escape(witness.name) + (witness.independent ? "" : " (its maker)") + (witness.confirmed ? " confirms" : " <strong>denies</strong>") + " at " + escape(describe(witness.time)) + (witness.evidence.empty() ? "" : ": " + escape(witness.evidence)) + "</li>";
    rows += "<tr><td><strong>" + escape(spaced(fault.kind)) + "</strong>" + (fault.process.empty() ? "" : " " + escape(fault.process)) + "<div class=\"claim\">" + escape(fault.id) + "</div></td><td>" + escape(check::listed(fault.targets)) + "</td><td class=\"number\">" + escape(describe(fault.injected)) + "</td><td class=\"number\">" +
            (fault.healed ? escape(describe(*fault.healed)) : "never") + "</td><td><ul style=\"margin:0;padding-left:18px\">" + (witnesses.empty() ? "<li>none</li>" : witnesses) + "</ul></td></tr>";
  }
  return "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Fault</th><th scope=\"col\">Target</th><th scope=\"col\" class=\"number\">Injected</th><th scope=\"col\" class=\"number\">Taken back</th><th scope=\"col\">Witnesses</th></tr></thead><tbody>" + rows + "</tbody></table></div>";
}

std::string probes_table(const std::vector<check::ProbeSummary>& probes) {
  std::string rows;
  for (const check::ProbeSummary& probe : probes) {
    rows += "<tr><td><strong>" + escape(probe.probe) + "</strong>";
    if (!probe.gaps.empty()) {
      rows += "<details><summary>" + escape(check::counted(probe.gaps.size(), "gap")) + "</summary><ul>";
      constexpr std::size_t gaps_max = 50;
      for (std::size_t i = 0; i < probe.gaps.size() && i < gaps_max; ++i) {
        const check::Gap& gap = probe.gaps[i];
        rows += "<li>" + escape(describe(gap.begin) + " to " + describe(gap.end) + (gap.ended ? "" : " (still down)") + ", " + check::counted(gap.probes_failed, "probe") + (gap.first_error.empty() ? "" : ": " + gap.first_error)) + "</li>";
      }
      if (probe.gaps.size() > gaps_max) rows += "<li>and " + std::to_string(probe.gaps.size() - gaps_max) + " more</li>";
      rows += "</ul></details>";
    }
    rows += "</td>";
    for (const std::string& cell : {std::to_string(probe.answered) + " of " + std::to_string(probe.sent), describe(probe.downtime), describe(probe.gap_longest), describe(probe.latency_p50), describe(probe.latency_p99), describe(probe.latency_max)})
      rows += "<td class=\"number\">" + escape(cell) + "</td>";
    rows += "</tr>";
  }
  return "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Probe</th><th scope=\"col\" class=\"number\">Answered</th><th scope=\"col\" class=\"number\">Downtime</th><th scope=\"col\" class=\"number\">Longest gap</th><th scope=\"col\" class=\"number\">Median</th><th scope=\"col\" class=\"number\">99 %</th><th scope=\"col\" class=\"number\">Slowest</th></tr></thead><tbody>" +
         rows + "</tbody></table></div>";
}

std::string floor_table(const check::Floor& floor) {
  std::string rows;
  for (const check::FloorTerm& term : floor.terms)
    rows += "<tr><td>" + escape(spaced(term.phase)) + "</td><td>" + escape(term.what) + "</td><td class=\"number\">" + escape(describe(term.shortest)) + "</td><td class=\"number\">" + escape(describe(term.longest)) + "</td></tr>";
  return "<details class=\"rest\"><summary>How the floor is computed</summary><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Until</th><th scope=\"col\">Wait imposed by</th><th scope=\"col\" class=\"number\">At least</th><th scope=\"col\" class=\"number\">At most</th></tr></thead><tbody>" + rows +
         "<tr><td colspan=\"2\"><strong>All together</strong></td><td class=\"number\"><strong>" + escape(describe(floor.shortest)) + "</strong></td><td class=\"number\"><strong>" + escape(describe(floor.longest)) + "</strong></td></tr></tbody></table></div></details>";
}

std::string pair_table(const std::string& caption, const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string rows;
  for (const auto& [key, value] : pairs) rows += "<tr><td>" + escape(key) + "</td><td class=\"number mono\">" + escape(value) + "</td></tr>";
  return rows.empty() ? "" : "<table><thead><tr><th scope=\"col\" colspan=\"2\">" + escape(caption) + "</th></tr></thead><tbody>" + rows + "</tbody></table>";
}

std::string configuration(const history::Header& header) {
  std::vector<std::pair<std::string, std::string>> versions(header.versions.begin(), header.versions.end());
  versions.emplace_back("skidpad", header.skidpad_version);
  std::vector<std::pair<std::string, std::string>> topology(header.topology.begin(), header.topology.end());
  std::vector<std::pair<std::string, std::string>> timers;
  for (const auto& [timer, duration] : history::named_durations(header.timers)) timers.emplace_back(std::string(timer), describe(duration));
  timers.emplace_back("probe_failure_threshold", std::to_string(header.timers.probe_failure_threshold));
  const std::size_t half = (timers.size() + 1) / 2;
  std::vector<std::pair<std::string, std::string>> binaries;
  for (const auto& [component, binary] : header.binaries) {
    binaries.emplace_back(component + ": " + binary.owner, binary.version + ", " + binary.path + ", sha256 " + binary.sha256.substr(0, 12));
  }
  return "<div class=\"columns\"><div>" + pair_table("Versions", versions) + "</div><div>" + pair_table("Topology", topology) + "</div></div>" + pair_table("Component: whose binary", binaries) + "<details class=\"rest\"><summary>All timers</summary><div class=\"columns\"><div>" +
         pair_table("Timer", {timers.begin(), timers.begin() + static_cast<std::ptrdiff_t>(half)}) + "</div><div>" + pair_table("Timer", {timers.begin() + static_cast<std::ptrdiff_t>(half), timers.end()}) + "</div></div></details>";
}

std::string restores_table(const std::vector<check::RestoreAudit>& restores) {
  std::string rows;
  for (const check::RestoreAudit& restore : restores) {
    rows += "<tr><td>" + escape(restore.recovery) + "</td><td>" + (restore.from_backup ? "backup" : "survivor") + ", revision " + std::to_string(restore.restored_revision) + ", goes on above " +
            std::to_string(restore.raised_to) + "</td><td>" + std::to_string(restore.lost.size()) + " of " + std::to_string(restore.acknowledged) + "</td><td>" +
            escape(describe(restore.recovery_point)) + "</td><td>" + (restore.recovery_time ? escape(describe(*restore.recovery_time)) : "not seen") + "</td><td>" +
            std::to_string(restore.back_from_the_dead.size()) + "</td><td>" + std::to_string(restore.watchers_told) + " / " + std::to_string(restore.revisions_back) + "</td></tr>";
  }
  std::string html = "<table><thead><tr><th>Recovery</th><th>From</th><th>Writes lost</th><th>Recovery point</th><th>Recovery time</th><th>Keys back from the dead</th><th>Watches told to list again / revisions back</th></tr></thead><tbody>" + rows + "</tbody></table>";
  for (const check::RestoreAudit& restore : restores) {
    if (restore.lost.empty()) continue;
    html += "<details class=\"rest\"><summary>" + std::to_string(restore.lost.size()) + " acknowledged writes lost by " + escape(restore.recovery) + "</summary><ul>";
    for (const std::string& write : restore.lost) html += "<li>" + escape(write) + "</li>";
    html += "</ul></details>";
  }
  return html;
}

}  // namespace

std::string report_html(const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation) {
  const history::Header& header = record.header;
  std::string html = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n<title>" +
                     escape(std::string(word(judgement.verdict)) + ": " + header.scenario + " on " + header.driver + ", seed " + std::to_string(header.seed)) + "</title>\n<style>" + page_style() + "</style>\n</head>\n<body>\n<main>\n";
  html += top(record, judgement, presentation);
  if (!record.events.empty()) html += section("What happened", "", timeline_svg(record, judgement));
  if (judgement.recovery.injected) {
    std::string lead = "Counted from the first fault at " + escape(describe(*judgement.recovery.injected)) + ".";
    if (judgement.floor) lead += " The floor is what the configured timers alone impose; the dashed part is how much bad luck with heartbeats and polls may add.";
    html += section("Recovery, beside what the timers allow", lead, recovery_bars_svg(judgement) + recovery_table(judgement.recovery) + (judgement.floor ? floor_table(*judgement.floor) : ""));
  }
  html += section("Guarantees", "", guarantees(judgement), true);
  if (!judgement.probes.empty()) html += section("What users noticed", "", probes_table(judgement.probes));
  if (!judgement.restores.empty()) html += section("What restores cost", "", restores_table(judgement.restores));
  if (!judgement.faults.empty()) html += section("Faults and their witnesses", "", faults_table(judgement.faults));
  if (const std::string charts = metric_charts(record, judgement); !charts.empty()) html += section("Metrics", "Scraped during the run; the dashed line is the fault.", charts, true);
  html += section("Configuration", "Timer profile <strong>" + escape(header.timers.profile) + "</strong>, driver <strong>" + escape(header.driver) + "</strong>.", configuration(header));
  std::string repeat;
  if (!header.repeat_command.empty()) repeat = "<div class=\"repeat\"><pre id=\"repeat\">" + escape(header.repeat_command) + "</pre><button id=\"copy\" type=\"button\">Copy</button></div>";
  const std::string again = presentation.directory.empty() ? "skidpad check DIR" : "skidpad check " + presentation.directory;
  html += section("Repeat it", "", repeat + "<p style=\"margin:10px 0 0\">Judge the recorded files again, without the cluster: <code>" + escape(again) + "</code></p>");
  std::string foot = escape(header.scenario_file.empty() ? header.scenario : header.scenario_file) + " · skidpad " + escape(header.skidpad_version);
  if (!header.started_at.empty()) foot += " · " + escape(header.started_at);
  return html + "<footer>" + foot + "</footer>\n</main>\n<script>" + page_script() + "</script>\n</body>\n</html>\n";
}

}  // namespace skidpad::reports
