#include <algorithm>
#include <cmath>

#include "harness/check/describe.hpp"
#include "reports/escape.hpp"
#include "reports/html_parts.hpp"

namespace skidpad::reports {
namespace {

using check::describe;
using history::RunRecord;
using runtime::Duration;
namespace kind = history::event_kind;

constexpr double view_width = 1072;
constexpr double left = 150;
constexpr double plot_width = view_width - left - 14;

std::string number(double value) { return decimal(value, 1); }

std::string spaced(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

constexpr const char* phase_colours[] = {"--p1", "--p2", "--p3", "--p4", "--p5"};
constexpr const char* phase_numbers[] = {"1", "2", "3", "4", "5"};
std::string colour_of(check::Phase phase) { return std::string("var(") + phase_colours[static_cast<std::size_t>(phase)] + ")"; }

/// One drawing under construction: lanes are added from the top.
class Timeline {
 public:
  Timeline(const RunRecord& record, const check::Judgement& judgement) : record_(record), judgement_(judgement) {
    end_ = std::max(runtime::seconds(judgement.run_duration), 0.001);
    // Creating the cluster is not what the report is about: begin a little before the steady state or the first fault.
    begin_ = 0;
    for (const history::PhaseInterval& phase : history::phase_intervals(record.events))
      if (phase.name == "steady_state_before") begin_ = runtime::seconds(phase.begin);
    if (!judgement.faults.empty()) {
      const double fault = runtime::seconds(judgement.faults.front().injected);
      begin_ = std::max(begin_, fault - (end_ - fault) * 0.15);
      begin_ = std::max(0.0, std::min(begin_, fault));
    }
    range_ = std::max(end_ - begin_, 0.001);
  }

  std::string draw() {
    y_ = 20;
    phases();
    faults();
    heading("Layers");
    for (const check::LayerRecovery& layer : judgement_.recovery.layers) layer_lane(layer);
    nodes();
    probes();
    axis();
    return wrap();
  }

 private:
  double x(double seconds) const { return left + std::clamp((seconds - begin_) / range_, 0.0, 1.0) * plot_width; }
  double x(Duration time) const { return x(runtime::seconds(time)); }

  void add(const std::string& markup) { body_ += markup; }
  void label(const std::string& text, double height, const std::string& extra = "") {
    add("<text x=\"" + number(left - 10) + "\" y=\"" + number(y_ + height / 2 + 4) + "\" text-anchor=\"end\"" + extra + ">" + escape(text) + "</text>");
  }
  void heading(const std::string& text) {
    y_ += 8;
    add("<text x=\"" + number(left - 10) + "\" y=\"" + number(y_ + 9) + "\" text-anchor=\"end\" class=\"soft small strong\">" + escape(text) + "</text>");
    y_ += 16;
  }
  void bar(Duration from, Duration to, double top, double height, const std::string& style, const std::string& title) {
    const double begin = x(from), width = std::max(x(to) - begin, 1.5);
    add("<rect x=\"" + number(begin) + "\" y=\"" + number(top) + "\" width=\"" + number(width) + "\" height=\"" + number(height) + "\" " + style + "><title>" + escape(title) + "</title></rect>");
  }
  void lane(double height) {
    add("<rect class=\"lane\" x=\"" + number(left) + "\" y=\"" + number(y_) + "\" width=\"" + number(plot_width) + "\" height=\"" + number(height) + "\" rx=\"3\"/>");
  }
  /// As much of a text as fits into a width, at about 6.1 units a letter; nothing where not even a part would.
  static std::string fitting(const std::string& text, double width) {
    const auto letters = static_cast<std::size_t>(std::max(0.0, (width - 8) / 6.1));
    if (text.size() <= letters) return text;
    return letters < 4 ? "" : text.substr(0, letters - 1) + "…";
  }

  void phases() {
    const double height = 20;
    label("Run", height, " class=\"soft\"");
    std::size_t index = 0;
    for (const history::PhaseInterval& phase : history::phase_intervals(record_.events)) {
      if (runtime::seconds(phase.end) <= begin_) continue;
      const std::string title = spaced(phase.name);
      bar(phase.begin, phase.end, y_, height, std::string("style=\"fill:var(") + (index++ % 2 ? "--fill-2" : "--line") + ")\" stroke=\"var(--paper)\"", title + ": " + describe(phase.begin) + " to " + describe(phase.end));
      const double begin = x(phase.begin);
      const std::string text = fitting(title, x(phase.end) - begin);
      if (!text.empty()) add("<text class=\"small\" x=\"" + number(begin + 5) + "\" y=\"" + number(y_ + 14) + "\" pointer-events=\"none\">" + escape(text) + "</text>");
    }
    y_ += height + 5;
  }

  void faults() {
    for (const history::FaultInterval& fault : judgement_.faults) {
      const double height = 20;
      label("Fault", height, " style=\"fill:var(--fail)\" class=\"strong\"");
      lane(height);
      const Duration until = fault.healed.value_or(judgement_.run_duration);
      const std::string what = spaced(fault.kind) + (fault.process.empty() ? "" : " " + fault.process) + " on " + check::listed(fault.targets);
      bar(fault.injected, until, y_, height, "fill=\"url(#fault)\" stroke=\"var(--fail)\" rx=\"3\"", what + ": injected " + describe(fault.injected) + (fault.healed ? ", healed " + describe(*fault.healed) : ", never taken back"));
      const double begin = x(fault.injected);
      const double room = x(until) - begin;
      const std::string text = fitting(what + (fault.healed ? "" : " (not taken back)"), std::max(room, left + plot_width - begin));
      add("<text class=\"small strong\" x=\"" + number(begin + 16) + "\" y=\"" + number(y_ + 14) + "\" style=\"paint-order:stroke;stroke:var(--paper);stroke-width:4px\" pointer-events=\"none\">" + escape(text) + "</text>");
      for (const history::Witness& witness : fault.witnesses) {
        if (!witness.independent) continue;
        const double at = x(witness.time);
        add("<path d=\"M" + number(at) + " " + number(y_ + height - 7) + "l4 7h-8z\" style=\"fill:var(--ink)\"><title>" + escape("witness " + witness.name + (witness.confirmed ? " confirms: " : " denies: ") + witness.evidence + " (" + describe(witness.time) + ")") + "</title></path>");
      }
      fault_marks_.push_back(x(fault.injected));
      y_ += height + 5;
    }
  }

  void layer_lane(const check::LayerRecovery& layer) {
    if (layer.levels.empty() && !layer.disturbed) return;
    const double height = 30;
    lane(height);
    std::int64_t most = std::max<std::int64_t>(layer.wanted, 1);
    for (const auto& [time, level] : layer.levels) most = std::max(most, level);
    label(layer.layer, height - 10, layer.disturbed ? " class=\"strong\"" : "");
    add("<text class=\"small soft\" x=\"" + number(left - 10) + "\" y=\"" + number(y_ + height - 3) + "\" text-anchor=\"end\">" +
        escape(layer.disturbed ? "low " + std::to_string(layer.lowest) + " of " + std::to_string(layer.wanted) : std::to_string(layer.last) + " of " + std::to_string(std::max(layer.wanted, layer.last))) + "</text>");
    for (std::size_t i = 0; i < layer.levels.size(); ++i) {
      const Duration from = layer.levels[i].first;
      const Duration to = i + 1 < layer.levels.size() ? layer.levels[i + 1].first : judgement_.run_duration;
      if (runtime::seconds(to) <= begin_ || to <= from) continue;
      const std::int64_t level = layer.levels[i].second;
      const double tall = height * static_cast<double>(level) / static_cast<double>(most);
      const bool low = judgement_.recovery.injected && to > *judgement_.recovery.injected && level < layer.wanted;
      const std::string title = layer.layer + ": " + std::to_string(level) + " of " + std::to_string(layer.wanted) + " healthy, " + describe(from) + " to " + describe(to);
      if (level > 0) bar(from, to, y_ + height - tall, tall, low ? "style=\"fill:var(--fill-2)\"" : "style=\"fill:var(--fill)\"", title);
      if (low) bar(from, to, y_, height - tall, "fill=\"url(#missing)\"", title);
    }
    std::string lines, marks;  // all lines below all marks
    double previous = -100;
    for (const check::Phase phase : check::phases) {
      const auto found = layer.milestones.find(phase);
      if (found == layer.milestones.end()) continue;
      const double at = x(found->second.time);
      const double shown = std::max(at, previous + 17);  // marks of one moment stand side by side
      previous = shown;
      std::string when = describe(found->second.time);
      if (judgement_.recovery.injected) when = describe(found->second.time - *judgement_.recovery.injected) + " after the fault";
      lines += "<line x1=\"" + number(at) + "\" x2=\"" + number(at) + "\" y1=\"" + number(y_) + "\" y2=\"" + number(y_ + height) + "\" style=\"stroke:" + colour_of(phase) + ";stroke-width:2\"/>";
      marks += "<g><title>" + escape(layer.layer + " " + spaced(std::string(name(phase))) + ", " + when + ": " + found->second.evidence) + "</title><circle cx=\"" + number(shown) + "\" cy=\"" + number(y_ + 9) + "\" r=\"8\" style=\"fill:" +
               colour_of(phase) + ";stroke:var(--paper)\"/><text x=\"" + number(shown) + "\" y=\"" + number(y_ + 13) + "\" text-anchor=\"middle\" class=\"small strong\" style=\"fill:var(--paper)\">" +
               phase_numbers[static_cast<std::size_t>(phase)] + "</text></g>";
    }
    add(lines + marks);
    y_ += height + 5;
  }

  struct NodeSpan {
    Duration from, to;
    bool ready;
    std::string state;
  };

  void nodes() {
    std::map<std::string, std::vector<NodeSpan>> nodes;
    const auto close = [](std::vector<NodeSpan>& spans, Duration now) {
      if (!spans.empty() && spans.back().to == Duration::max()) spans.back().to = now;
    };
    for (const history::Event& event : record_.events) {
      if (event.kind != kind::object || !event.subject.starts_with("Node/")) continue;
      auto& spans = nodes[event.subject.substr(5)];
      const bool deleted = runtime::text_at(event.fields, {"change"}) == "deleted";
      const bool ready = runtime::bool_at(event.fields, {"healthy"});
      if (!deleted && !spans.empty() && spans.back().to == Duration::max() && spans.back().ready == ready) continue;
      close(spans, event.time);
      if (!deleted) spans.push_back({event.time, Duration::max(), ready, runtime::text_at(event.fields, {"ready"}, ready ? "True" : "False")});
    }
    if (nodes.empty()) return;
    std::vector<std::string> quiet, told;
    for (auto& [node, spans] : nodes) {
      close(spans, judgement_.run_duration);
      const bool steady = spans.size() == 1 && spans.front().ready && spans.front().to == judgement_.run_duration && runtime::seconds(spans.front().from) <= begin_;
      (steady ? quiet : told).push_back(node);
    }
    heading("Nodes");
    constexpr std::size_t told_max = 24;
    for (std::size_t i = 0; i < told.size() && i < told_max; ++i) {
      const double height = 14;
      label(told[i], height);
      lane(height);
      for (const NodeSpan& span : nodes[told[i]]) {
        if (runtime::seconds(span.to) <= begin_) continue;
        bar(span.from, span.to, y_, height, span.ready ? "style=\"fill:var(--ready)\" rx=\"2\"" : "fill=\"url(#missing)\" stroke=\"var(--fail)\" rx=\"2\"",
            told[i] + ": Ready=" + span.state + ", " + describe(span.from) + " to " + describe(span.to));
      }
      y_ += height + 4;
    }
    if (told.size() > told_max) quiet.push_back(std::to_string(told.size() - told_max) + " more that changed");
    if (!quiet.empty()) {
      label(std::to_string(quiet.size()) + (told.empty() ? " nodes" : " others"), 14, " class=\"soft\"");
      bar(runtime::from_seconds(begin_), judgement_.run_duration, y_, 14, "style=\"fill:var(--ready);opacity:.45\" rx=\"2\"", "Ready throughout: " + check::listed(quiet, 50));
      add("<text class=\"small\" x=\"" + number(left + 6) + "\" y=\"" + number(y_ + 11) + "\" pointer-events=\"none\">Ready throughout: " + escape(fitting(check::listed(quiet, 50), plot_width - 120)) + "</text>");
      y_ += 18;
    }
  }

  void probes() {
    if (judgement_.probes.empty()) return;
    heading("Probes");
    for (const check::ProbeSummary& probe : judgement_.probes) {
      const double height = 14;
      label(probe.probe, height);
      lane(height);
      // Answered probes as one band of slices, so that ten thousand probes are a few hundred shapes.
      constexpr std::size_t slice_count = 300;
      std::vector<std::pair<std::size_t, std::size_t>> slices(slice_count);  // answered, failed
      for (const history::Operation& operation : record_.operations) {
        if (operation.operation != "probe" || operation.workload != probe.probe || runtime::seconds(operation.call) < begin_) continue;
        const double share = (runtime::seconds(operation.call) - begin_) / range_;
        auto& slice = slices[std::min(slice_count - 1, static_cast<std::size_t>(share * slice_count))];
        ++(operation.outcome == history::Outcome::ok ? slice.first : slice.second);
      }
      const double slice_width = plot_width / slice_count;
      for (std::size_t i = 0; i < slice_count;) {
        std::size_t j = i;
        const bool answered = slices[i].first > 0 && slices[i].second == 0;
        while (j < slice_count && (slices[j].first > 0 && slices[j].second == 0) == answered && answered) ++j;
        if (answered) {
          // Gaps between slow probes are not silence: bridge one empty slice or two.
          add("<rect x=\"" + number(left + static_cast<double>(i) * slice_width) + "\" y=\"" + number(y_) + "\" width=\"" + number(static_cast<double>(j - i) * slice_width + 0.3) + "\" height=\"" + number(height) + "\" style=\"fill:var(--ready)\"/>");
          i = j;
          continue;
        }
        if (slices[i].second > 0) {
          const double share = static_cast<double>(slices[i].second) / static_cast<double>(slices[i].first + slices[i].second);
          const double tall = std::max(4.0, height * share);
          add("<rect x=\"" + number(left + static_cast<double>(i) * slice_width) + "\" y=\"" + number(y_) + "\" width=\"" + number(slice_width + 0.3) + "\" height=\"" + number(height - tall) + "\" style=\"fill:var(--ready)\"/><rect x=\"" +
              number(left + static_cast<double>(i) * slice_width) + "\" y=\"" + number(y_ + height - tall) + "\" width=\"" + number(std::max(slice_width, 2.0)) + "\" height=\"" + number(tall) + "\" style=\"fill:var(--fail)\"><title>" +
              escape(std::to_string(slices[i].second) + " of " + std::to_string(slices[i].first + slices[i].second) + " probes failed") + "</title></rect>");
        }
        ++i;
      }
      for (const check::Gap& gap : probe.gaps) {
        if (runtime::seconds(gap.end) <= begin_) continue;
        bar(gap.begin, gap.end, y_ + height + 1, 2.5, "style=\"fill:var(--fail)\"", probe.probe + " down " + describe(gap.end - gap.begin) + " from " + describe(gap.begin) + (gap.first_error.empty() ? "" : ": " + gap.first_error));
      }
      y_ += height + 7;
    }
  }

  void axis() {
    y_ += 2;
    const double step = axis_step(range_, 9);
    std::string grid;
    for (double tick = std::ceil(begin_ / step) * step; tick <= end_ + 1e-9; tick += step) {
      const double at = x(tick);
      grid += "<line class=\"grid\" x1=\"" + number(at) + "\" x2=\"" + number(at) + "\" y1=\"18\" y2=\"" + number(y_) + "\"/>";
      add("<text class=\"soft small\" x=\"" + number(at) + "\" y=\"" + number(y_ + 14) + "\" text-anchor=\"middle\">" + axis_label(tick, step) + "</text>");
    }
    for (const double at : fault_marks_) add("<line x1=\"" + number(at) + "\" x2=\"" + number(at) + "\" y1=\"18\" y2=\"" + number(y_) + "\" style=\"stroke:var(--fail);stroke-width:1.2;stroke-dasharray:2 3\"/>");
    body_ = grid + body_;
    y_ += 22;
  }

  std::string wrap() const {
    const std::string height = number(y_);
    const std::string fault = judgement_.recovery.injected ? decimal(runtime::seconds(*judgement_.recovery.injected), 3) : "";
    return "<div class=\"scroll\"><svg id=\"timeline\" viewBox=\"0 0 " + number(view_width) + " " + height + "\" role=\"img\" aria-labelledby=\"timeline-title\" data-left=\"" + number(left) + "\" data-width=\"" + number(plot_width) +
           "\" data-begin=\"" + decimal(begin_, 3) + "\" data-range=\"" + decimal(range_, 3) + "\" data-fault=\"" + fault +
           "\"><title id=\"timeline-title\">Timeline of the run; the tables below tell the same</title><defs>"
           "<pattern id=\"fault\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" style=\"fill:var(--fail-wash)\"/><rect width=\"2\" height=\"7\" style=\"fill:var(--fail);opacity:.45\"/></pattern>"
           "<pattern id=\"missing\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" style=\"fill:var(--fail-wash)\"/><rect width=\"1.5\" height=\"6\" style=\"fill:var(--fail);opacity:.6\"/></pattern></defs>" +
           body_ + "<line id=\"cursor\" y1=\"16\" y2=\"" + number(y_ - 22) + "\"/><text id=\"cursor-label\" class=\"small\" y=\"12\"></text></svg></div>";
  }

  const RunRecord& record_;
  const check::Judgement& judgement_;
  double begin_ = 0;
  double end_ = 0;
  double range_ = 1;
  double y_ = 0;
  std::string body_;
  std::vector<double> fault_marks_;
};

}  // namespace

double axis_step(double range_seconds, int ticks) {
  const double rough = std::max(range_seconds / ticks, 1e-6);
  if (rough > 10) {
    for (const double step : {15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0})
      if (rough <= step) return step;
    return std::ceil(rough / 3600) * 3600;
  }
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * power) return factor * power;
  return 10 * power;
}

std::string axis_label(double seconds, double step) {
  if (step < 15) return decimal(seconds, step < 0.1 ? 2 : step < 1 ? 1 : 0) + " s";
  const auto whole = static_cast<long long>(std::llround(seconds));
  const long long hours = whole / 3600;
  const std::string rest = std::to_string(whole % 60);
  std::string minutes = std::to_string(whole / 60 % 60);
  if (hours > 0 && minutes.size() < 2) minutes = "0" + minutes;
  return (hours > 0 ? std::to_string(hours) + ":" : "") + minutes + ":" + (rest.size() < 2 ? "0" : "") + rest;
}

std::string timeline_svg(const RunRecord& record, const check::Judgement& judgement) {
  std::string legend = "<ul class=\"legend\">";
  const auto entry = [&legend](const std::string& mark, const std::string& text) { legend += "<li><svg viewBox=\"0 0 16 12\" aria-hidden=\"true\">" + mark + "</svg>" + text + "</li>"; };
  for (const check::Phase phase : check::phases)
    entry("<circle cx=\"8\" cy=\"6\" r=\"6\" style=\"fill:" + colour_of(phase) + "\"/><text x=\"8\" y=\"9.3\" text-anchor=\"middle\" style=\"fill:var(--paper);font-size:9px;font-weight:700\">" + phase_numbers[static_cast<std::size_t>(phase)] + "</text>", spaced(std::string(name(phase))));
  entry("<rect width=\"16\" height=\"12\" style=\"fill:var(--fill)\"/>", "healthy objects");
  entry("<rect width=\"16\" height=\"12\" fill=\"url(#missing)\" stroke=\"var(--fail)\"/>", "missing or not ready");
  entry("<rect width=\"16\" height=\"12\" style=\"fill:var(--ready)\"/>", "ready, answered");
  entry("<path d=\"M8 1l5 10h-10z\" style=\"fill:var(--ink)\"/>", "independent witness");
  return Timeline(record, judgement).draw() + legend + "</ul>";
}

std::string recovery_bars_svg(const check::Judgement& judgement) {
  const check::Recovery& recovery = judgement.recovery;
  if (!recovery.injected || !recovery.recovery_time) return "";
  const double took = runtime::seconds(*recovery.recovery_time);
  double most = took;
  if (judgement.floor) most = std::max(most, runtime::seconds(judgement.floor->longest));
  const bool limit_shown = judgement.recovery_limit && runtime::seconds(*judgement.recovery_limit) < most * 2.2;
  if (limit_shown) most = std::max(most, runtime::seconds(*judgement.recovery_limit));
  most = std::max(most * 1.04, 0.001);
  const double width = plot_width;
  const auto x = [&](double seconds) { return left + seconds / most * width; };
  std::string body;
  double y = 26;
  const auto segment = [&](double from, double to, const std::string& style, const std::string& title, const std::string& phase_name, const std::string& lasted) {
    const double begin = x(from), wide = std::max(x(to) - begin, 1.0);
    body += "<g><title>" + escape(title) + "</title><rect x=\"" + number(begin) + "\" y=\"" + number(y) + "\" width=\"" + number(wide) + "\" height=\"30\" " + style + "/>";
    const auto letters = static_cast<std::size_t>(std::max(0.0, (wide - 10) / 6.3));
    // The whole label where it fits, else only the figure.
    std::string text = phase_name + " " + lasted;
    if (text.size() > letters) text = lasted;
    if (text.size() <= letters) body += "<text x=\"" + number(begin + 6) + "\" y=\"" + number(y + 19) + "\" class=\"small strong\" style=\"fill:var(--paper)\">" + escape(text) + "</text>";
    body += "</g>";
  };
  const auto label = [&](const std::string& text, const std::string& value) {
    body += "<text x=\"" + number(left - 10) + "\" y=\"" + number(y + 13) + "\" text-anchor=\"end\" class=\"strong\">" + escape(text) + "</text><text x=\"" + number(left - 10) + "\" y=\"" + number(y + 27) + "\" text-anchor=\"end\" class=\"small soft\">" + escape(value) + "</text>";
  };
  // What happened: from the fault, each phase ends where the next begins; what is left to the steady state comes last.
  label("Measured", describe(*recovery.recovery_time));
  double from = 0;
  for (const check::Phase phase : check::phases) {
    const auto found = recovery.milestones.find(phase);
    if (found == recovery.milestones.end()) continue;
    const double to = std::min(runtime::seconds(found->second.time - *recovery.injected), took);
    if (to < from) continue;
    const std::string phase_name = spaced(std::string(name(phase)));
    segment(from, to, "style=\"fill:" + colour_of(phase) + "\" stroke=\"var(--paper)\"", "until " + phase_name + ": " + describe(runtime::from_seconds(to - from)) + " (" + found->second.evidence + ")", phase_name, describe(runtime::from_seconds(to - from)));
    from = to;
  }
  if (took > from + most * 1e-6) segment(from, took, "style=\"fill:var(--faint)\" stroke=\"var(--paper)\"", "until the steady state holds: " + describe(runtime::from_seconds(took - from)), "steady", describe(runtime::from_seconds(took - from)));
  y += 44;
  if (judgement.floor) {
    label("Floor", describe(judgement.floor->shortest));
    from = 0;
    for (const check::FloorTerm& term : judgement.floor->terms) {
      const double wide = runtime::seconds(term.shortest);
      if (wide <= 0) continue;
      std::size_t phase_index = 0;
      for (const check::Phase phase : check::phases)
        if (term.phase == name(phase)) phase_index = static_cast<std::size_t>(phase);
      segment(from, from + wide, std::string("style=\"fill:var(") + phase_colours[phase_index] + ");opacity:.62\" stroke=\"var(--paper)\"", term.phase + ": " + term.what + ", at least " + describe(term.shortest), spaced(term.phase), describe(term.shortest));
      from += wide;
    }
    const double longest = runtime::seconds(judgement.floor->longest);
    body += "<g><title>" + escape("bad luck with heartbeats and polls may add up to " + describe(judgement.floor->longest - judgement.floor->shortest)) + "</title><rect x=\"" + number(x(from)) + "\" y=\"" + number(y + 8) + "\" width=\"" + number(x(longest) - x(from)) + "\" height=\"14\" fill=\"none\" style=\"stroke:var(--faint);stroke-dasharray:3 3\"/></g>";
    y += 44;
  }
  const double step = axis_step(most, 8);
  std::string grid;
  for (double tick = 0; tick <= most; tick += step) {
    grid += "<line class=\"grid\" x1=\"" + number(x(tick)) + "\" x2=\"" + number(x(tick)) + "\" y1=\"20\" y2=\"" + number(y) + "\"/>";
    body += "<text class=\"soft small\" x=\"" + number(x(tick)) + "\" y=\"" + number(y + 14) + "\" text-anchor=\"middle\">" + axis_label(tick, step) + "</text>";
  }
  if (limit_shown) {
    const double at = x(runtime::seconds(*judgement.recovery_limit));
    body += "<line x1=\"" + number(at) + "\" x2=\"" + number(at) + "\" y1=\"14\" y2=\"" + number(y) + "\" style=\"stroke:var(--fail);stroke-width:2\"/><text x=\"" + number(at - 5) + "\" y=\"14\" text-anchor=\"end\" class=\"small strong\" style=\"fill:var(--fail)\">limit " + escape(describe(*judgement.recovery_limit)) + "</text>";
  }
  return "<div class=\"scroll\"><svg viewBox=\"0 0 " + number(view_width) + " " + number(y + 22) + "\" role=\"img\" aria-label=\"" + escape("Recovery took " + describe(*recovery.recovery_time) + (judgement.floor ? ", the floor is " + describe(judgement.floor->shortest) : "")) + "\">" + grid + body + "</svg></div>";
}

}  // namespace skidpad::reports
