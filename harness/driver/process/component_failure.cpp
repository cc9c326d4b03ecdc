#include "harness/driver/process/component_failure.hpp"

#include <algorithm>
#include <filesystem>

#include "harness/driver/process/system_call.hpp"
#include "harness/runtime/json.hpp"

namespace skidpad::driver::process {
namespace {

namespace fs = std::filesystem;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

constexpr std::size_t log_lines_shown = 10;
constexpr std::size_t log_line_bytes_max = 400;

std::vector<std::string> end_of(const std::string& log_path) {
  std::vector<std::string> lines;
  auto text = read_text(log_path);
  std::string_view rest = text ? std::string_view(text.value()) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.empty()) lines.emplace_back(line.substr(0, log_line_bytes_max));
  }
  if (lines.size() > log_lines_shown) lines.erase(lines.begin(), lines.end() - log_lines_shown);
  return lines;
}

std::vector<fs::path> entries_of(const fs::path& directory) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) entries.push_back(entry->path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

Json read_record(const fs::path& path) {
  const auto text = read_text(path.string());
  if (!text) return Json();
  auto json = runtime::parse_json(text.value());
  return json ? std::move(json.value()) : Json();
}

ComponentFailure failure_of(const std::string& component, const std::string& machine, const std::string& how, const std::string& log_path) {
  return {component + " on " + machine + " ends again and again, at last with " + how, end_of(log_path)};
}

bool lived_shortly(const Json& termination) {
  runtime::WallTime started{};
  runtime::WallTime finished{};
  const bool known = runtime::parse_rfc3339(text_at(termination, {"startedAt"}), started) && runtime::parse_rfc3339(text_at(termination, {"finishedAt"}), finished);
  return known && finished - started < short_life;
}

/// Of one pod that our kubelet runs, by the state it keeps (fakes/kubelet/pod.cpp).
std::optional<ComponentFailure> failing_container(const fs::path& machine, const fs::path& pod_directory) {
  const Json state = read_record(pod_directory / "state.json");
  // Pods of the API may be in each other's way for a while, as a control plane that hosts itself is in its bootstrap's.
  if (!runtime::bool_at(state, {"static"})) return std::nullopt;
  for (const Json& container : list_at(state, {"containers"})) {
    const Json& end = runtime::find(container, {"termination"});
    const std::int64_t restarts = integer_at(container, {"restartCount"});
    // While it runs again it may still come up.
    if (!end.is_object() || text_at(container, {"phase"}) == "running" || restarts + 1 < short_lives_max || !lived_shortly(end)) continue;
    const std::string name = text_at(container, {"name"});
    const Json& metadata = runtime::find(state, {"pod", "metadata"});
    const fs::path log = machine / "disk/var/lib/kubelet/log/pods" /
                         (text_at(metadata, {"namespace"}) + "_" + text_at(metadata, {"name"}) + "_" + text_at(metadata, {"uid"})) / name /
                         (std::to_string(restarts) + ".log");
    ComponentFailure failure = failure_of(name, machine.filename(), "exit code " + std::to_string(integer_at(end, {"exitCode"})), log);
    // Too slow to keep its Lease, on a busy machine: it can be run, and starts again. Both ours and the real ones say it in these words.
    const auto lost = [](const std::string& line) { return line.find("eaderelection lost") != std::string::npos; };
    if (std::any_of(failure.log_end.begin(), failure.log_end.end(), lost)) continue;
    if (text_at(end, {"reason"}) == "StartError") failure.log_end.push_back(text_at(end, {"message"}));
    return failure;
  }
  return std::nullopt;
}

}  // namespace

std::string unit_record_path(const std::string& machine_directory, const std::string& unit) { return machine_directory + "/unit-" + unit + ".json"; }

std::optional<ComponentFailure> find_component_failure(const std::string& machines_directory) {
  for (const fs::path& machine : entries_of(machines_directory)) {
    for (const fs::path& path : entries_of(machine)) {
      const std::string file = path.filename();
      if (!file.starts_with("unit-") || !file.ends_with(".json")) continue;
      const Json record = read_record(path);
      if (integer_at(record, {"short_lives"}) < short_lives_max) continue;
      const std::string unit = file.substr(5, file.size() - 10);
      return failure_of(unit, machine.filename(), text_at(record, {"how"}), machine / "disk/var/log" / (unit + ".log"));
    }
    for (const fs::path& pod : entries_of(machine / "disk/var/lib/kubelet/pods")) {
      if (auto failure = failing_container(machine, pod)) return failure;
    }
  }
  return std::nullopt;
}

}  // namespace skidpad::driver::process
