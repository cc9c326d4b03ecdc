#include "harness/check/control_plane.hpp"

#include <map>
#include <set>

#include "harness/check/describe.hpp"

namespace skidpad::check {
namespace {

using history::Event;
using runtime::Duration;
namespace kind = history::event_kind;

}  // namespace

ConductResult check_no_double_control_plane(const history::RunRecord& record) {
  const Duration longest = 2 * record.header.timers.node_monitor_grace_period;
  ConductResult result;
  std::map<std::pair<std::string, std::string>, Duration> doubled;  ///< since when, by node and port
  std::map<std::string, Duration> serving;                          ///< since when a node has an API server that is not temporary
  std::set<std::string> temporary;                                  ///< nodes
  std::size_t looks = 0;
  Duration end = history::end_time(record);
  const auto close = [&](const std::pair<std::string, std::string>& where, Duration now) {
    const auto since = doubled.find(where);
    if (since == doubled.end()) return;
    if (now - since->second > longest)
      result.evidence.push_back("on " + where.first + " two API servers served port " + where.second + " from " + describe(since->second) + " to " + describe(now));
    doubled.erase(since);
  };
  for (const Event& event : record.events) {
    if (event.kind == kind::phase && event.subject == "cleanup") {
      end = event.time;
      break;
    }
    if (event.kind != api_servers_event) continue;
    ++looks;
    const Json& ports = runtime::list_at(event.fields, {"ports"});
    bool has_own = false, has_temporary = false;
    std::set<std::pair<std::string, std::string>> twice;
    for (const auto& [port, count] : ports.items()) {
      if (count.get<int>() > 1) twice.emplace(event.subject, port);
      (port == temporary_port ? has_temporary : has_own) |= count.get<int>() > 0;
    }
    for (auto known = doubled.begin(); known != doubled.end();) {
      const auto where = (known++)->first;
      if (where.first == event.subject && !twice.contains(where)) close(where, event.time);
    }
    for (const auto& where : twice) doubled.try_emplace(where, event.time);
    if (has_temporary && temporary.insert(event.subject).second) {
      for (const auto& [node, since] : serving) {
        if (event.time - since <= longest) continue;
        result.evidence.push_back("at " + describe(event.time) + " a temporary API server came up on " + event.subject + ", and " + node + " had had one since " + describe(since));
      }
    }
    if (!has_temporary) temporary.erase(event.subject);
    if (has_own) serving.try_emplace(event.subject, event.time);
    else serving.erase(event.subject);
  }
  while (!doubled.empty()) {
    const auto where = doubled.begin()->first;
    close(where, end);
  }
  for (const std::string& node : temporary) result.evidence.push_back("on " + node + " the temporary API server was never taken away");
  if (looks == 0) {
    result.verdict = Verdict::unknown;
    result.reason = "nobody looked for API servers on the machines";
  } else if (!result.evidence.empty()) {
    result.verdict = Verdict::fail;
    result.reason = counted(result.evidence.size(), "doubled control plane");
  } else {
    result.verdict = Verdict::pass;
    result.reason = counted(looks, "change") + " of the machines' API servers seen, never two for one";
  }
  return result;
}

}  // namespace skidpad::check
