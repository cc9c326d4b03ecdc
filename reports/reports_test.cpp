#include "reports/reports.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

#include "harness/check/sample_run.hpp"
#include "reports/escape.hpp"

namespace skidpad::reports {
namespace {

using namespace std::chrono_literals;

const history::RunRecord& sample_record() {
  static const history::RunRecord record = history::decode_run(check::sample_run(), "sample");
  return record;
}
const check::Judgement& sample_judgement() {
  static const check::Judgement judgement = check::judge(sample_record());
  return judgement;
}

Presentation presentation() {
  Presentation result;
  result.wall_time = 412ms;
  result.directory = "runs/node-loss-7";
  return result;
}

/// Every tag opened is closed in order. Enough of XML to catch a broken report; void elements of HTML are known.
std::string first_unbalanced(const std::string& text, bool html) {
  std::vector<std::string> open;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    const std::size_t end = text.find('>', at);
    if (end == std::string::npos) return "unfinished tag";
    std::string tag = text.substr(at + 1, end - at - 1);
    if (tag.starts_with('?') || tag.starts_with('!')) continue;
    const bool closing = tag.starts_with('/');
    const bool alone = tag.ends_with('/');
    const std::string name = tag.substr(closing, tag.find_first_of(" />\n", closing) - closing);
    if (alone || (html && (name == "meta" || name == "br"))) continue;
    if (!closing) {
      open.push_back(name);
      if (html && (name == "script" || name == "style")) at = text.find("</" + name, at) - 1;
      continue;
    }
    if (open.empty() || open.back() != name) return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
    open.pop_back();
  }
  return open.empty() ? "" : "never closed: " + open.back();
}

TEST(Escape, LeavesNothingThatMarkupOrATerminalWouldObey) {
  EXPECT_EQ(escape("<a href=\"x\" b='y'>&"), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
  EXPECT_EQ(escape(std::string("a\0b\x1b[31m\xff\xc3", 10)), "a\xEF\xBF\xBD" "b\xEF\xBF\xBD[31m\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(escape("µ × 日本 😀"), "µ × 日本 😀");
  EXPECT_EQ(escape("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate is no character
  EXPECT_EQ(printable("a\x1b[2J\nb"), "a [2J b");
}

TEST(Decimal, IsShortAndOfNoLocale) {
  EXPECT_EQ(decimal(1.50, 2), "1.5");
  EXPECT_EQ(decimal(1234567, 2), "1234567");
  EXPECT_EQ(decimal(-0.001, 1), "0");
  EXPECT_EQ(decimal(0.1 + 0.2, 3), "0.3");
}

TEST(ResultJson, HoldsWhatTheFormatPromises) {
  const Json json = Json::parse(result_json(sample_record(), sample_judgement(), presentation()));
  for (const char* field : {"verdict", "seed", "driver", "timers", "recovery_seconds", "recovery_phases_seconds", "simulated_seconds", "wall_seconds", "guarantees", "floor", "probes", "faults", "versions", "repeat_command", "scenario"})
    EXPECT_TRUE(json.contains(field)) << field;
  EXPECT_EQ(json["verdict"], "pass");
  EXPECT_EQ(json["timers"]["node_monitor_grace_period"], "50s");
  EXPECT_NEAR(json["recovery_phases_seconds"]["detected"].get<double>(), 47.21, 1e-9);
  EXPECT_LE(json["recovery_phases_seconds"]["redundancy_back"].get<double>(), json["recovery_seconds"].get<double>());
  EXPECT_EQ(wall_time_of(json.dump()), runtime::Duration(412ms));
  EXPECT_EQ(wall_time_of("not json"), std::nullopt);
}

TEST(Junit, IsBalancedXmlWithOneCasePerGuarantee) {
  history::RunRecord record = sample_record();
  record.header.scenario = "a<b>&\"c";
  record.header.expectations.deadline = 1s;  // a failure among them
  record.header.expectations.guarantees.push_back("not_known_here");
  const check::Judgement judgement = check::judge(record);
  const std::string xml = junit_xml(record, judgement, presentation());
  EXPECT_EQ(first_unbalanced(xml, false), "");
  std::size_t cases = 0;
  for (std::size_t at = xml.find("<testcase "); at != std::string::npos; at = xml.find("<testcase ", at + 1)) ++cases;
  EXPECT_EQ(cases, judgement.guarantees.size());
  EXPECT_NE(xml.find("failures=\"1\" errors=\"1\""), std::string::npos) << xml.substr(0, 300);
  EXPECT_EQ(xml.find("a<b>"), std::string::npos);
}

TEST(Terminal, TellsTheVerdictFirstAndHowToRepeatItLast) {
  const std::string plain = terminal_table(sample_record(), sample_judgement(), presentation(), Colour::none);
  EXPECT_TRUE(plain.starts_with("PASS  node-loss")) << plain;
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  EXPECT_NE(plain.find("repeat   skidpad run"), std::string::npos);
  EXPECT_NE(terminal_table(sample_record(), sample_judgement(), presentation(), Colour::ansi).find("\x1b[32mPASS"), std::string::npos);
}

TEST(ReportHtml, IsOneBalancedFileThatLoadsNothing) {
  const std::string html = report_html(sample_record(), sample_judgement(), presentation());
  EXPECT_EQ(first_unbalanced(html, true), "");
  for (const char* loads : {"http-equiv=\"refresh", " src=", "url(http", "@import", "<link", "fetch("}) EXPECT_EQ(html.find(loads), std::string::npos) << loads;
  EXPECT_LT(html.size(), 400'000u);
}

// Goal: recorded text can never become markup. Method: put markup everywhere text can be recorded.
TEST(ReportHtml, EscapesEveryRecordedText) {
  const std::string evil = "<script>alert(1)</script>\"'><img src=x>";
  history::RunTexts texts = check::sample_run();
  history::RunRecord record = history::decode_run(texts, "sample");
  history::Header& header = record.header;
  header.scenario = header.scenario_file = header.hypothesis = header.driver = header.repeat_command = header.skidpad_version = header.started_at = header.timers.profile = evil;
  header.versions[evil] = header.topology[evil] = evil;
  header.expectations.guarantees.push_back(evil);
  for (history::Operation& operation : record.operations) operation.workload += evil, operation.error = evil, operation.client = evil;
  for (history::MetricSample& sample : record.metrics) sample.target = evil, sample.labels[evil] = evil, sample.metric = evil + sample.metric;
  for (history::Event& event : record.events) {
    if (event.kind != "steady_state") event.subject += evil;
    for (auto& [key, value] : event.fields.items())
      if (value.is_string() && key != "change" && key != "state" && key != "outcome") value = value.get<std::string>() + evil;
    if (event.kind == "fault_injected") event.fields["targets"] = {evil};
    if (event.kind == "cleanup") event.fields["left"] = {{evil, {evil}}};
  }
  const check::Judgement judgement = check::judge(record);
  Presentation evil_presentation;
  evil_presentation.directory = evil;
  const std::string html = report_html(record, judgement, evil_presentation);
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_EQ(html.find("<img"), std::string::npos);
  EXPECT_EQ(first_unbalanced(html, true), "");
  EXPECT_EQ(first_unbalanced(junit_xml(record, judgement, evil_presentation), false), "");
}

TEST(ReportHtml, StandsAnEmptyRecord) {
  history::RunRecord record;
  record.header = sample_record().header;
  EXPECT_EQ(first_unbalanced(report_html(record, check::judge(record), Presentation()), true), "");
}

TEST(WriteReports, WritesThreeWholeFiles) {
  const auto directory = std::filesystem::temp_directory_path() / ("skidpad-reports-" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  write_reports(directory.string(), sample_record(), sample_judgement(), presentation());
  for (const char* file : {"result.json", "junit.xml", "report.html"}) EXPECT_GT(std::filesystem::file_size(directory / file), 1000u) << file;
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace skidpad::reports
