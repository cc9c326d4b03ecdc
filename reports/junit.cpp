#include "reports/escape.hpp"
#include "reports/reports.hpp"

namespace skidpad::reports {

std::string junit_xml(const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation) {
  std::size_t failures = 0, errors = 0, skipped = 0;
  for (const check::Guarantee& guarantee : judgement.guarantees) {
    failures += guarantee.verdict == check::Verdict::fail;
    errors += guarantee.verdict == check::Verdict::unknown;
    skipped += guarantee.verdict == check::Verdict::not_applicable;
  }
  const std::string suite = record.header.scenario + "/" + record.header.driver + "/seed-" + std::to_string(record.header.seed);
  const std::string counts = " tests=\"" + std::to_string(judgement.guarantees.size()) + "\" failures=\"" + std::to_string(failures) + "\" errors=\"" +
                             std::to_string(errors) + "\" skipped=\"" + std::to_string(skipped) + "\" time=\"" +
                             decimal(runtime::seconds(presentation.wall_time.value_or(judgement.run_duration)), 3) + "\"";
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"skidpad\"" + counts + ">\n  <testsuite name=\"" + escape(suite) + "\"" + counts;
  if (!record.header.started_at.empty()) xml += " timestamp=\"" + escape(record.header.started_at) + "\"";
  xml += ">\n    <properties>\n";
  const auto property = [&xml](const char* name, const std::string& value) {
    xml += "      <property name=\"" + std::string(name) + "\" value=\"" + escape(value) + "\"/>\n";
  };
  property("verdict", std::string(name(judgement.verdict)));
  property("seed", std::to_string(record.header.seed));
  property("timers", record.header.timers.profile);
  property("repeat_command", record.header.repeat_command);
  if (judgement.recovery.recovery_time) property("recovery_seconds", decimal(runtime::seconds(*judgement.recovery.recovery_time), 3));
  xml += "    </properties>\n";
  for (const check::Guarantee& guarantee : judgement.guarantees) {
    std::string details;
    for (const std::string& line : guarantee.evidence) details += escape(line) + "\n";
    const std::string message = " message=\"" + escape(guarantee.reason) + "\"";
    xml += "    <testcase classname=\"" + escape(suite) + "\" name=\"" + escape(guarantee.name) + "\" time=\"0\">";
    switch (guarantee.verdict) {
      case check::Verdict::pass: xml += "<system-out>" + escape(guarantee.reason) + "\n" + details + "</system-out>"; break;
      case check::Verdict::fail: xml += "<failure type=\"fail\"" + message + ">" + details + "repeat: " + escape(record.header.repeat_command) + "</failure>"; break;
      case check::Verdict::unknown: xml += "<error type=\"unknown\"" + message + ">" + details + "</error>"; break;
      case check::Verdict::not_applicable: xml += "<skipped" + message + "/>"; break;
    }
    xml += "</testcase>\n";
  }
  return xml + "  </testsuite>\n</testsuites>\n";
}

}  // namespace skidpad::reports
