#include "harness/cli/last_runs.hpp"

#include <fstream>
#include <sstream>

#include "harness/runtime/json.hpp"

namespace skidpad::cli {

scenario::LastRuns find_last_runs(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  scenario::LastRuns runs;
  std::map<std::string, fs::file_time_type> newest;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const fs::path file = at->path() / "result.json";
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    const auto result = runtime::parse_json(text.str());
    if (!in || !result) continue;
    const std::string scenario = runtime::text_at(result.value(), {"scenario"});
    std::error_code unreadable;
    const auto time = fs::last_write_time(file, unreadable);
    if (scenario.empty() || unreadable) continue;
    const auto known = newest.find(scenario);
    if (known != newest.end() && known->second >= time) continue;
    newest[scenario] = time;
    runs[scenario] = runtime::text_at(result.value(), {"verdict"}) + " on " + runtime::text_at(result.value(), {"driver"});
  }
  return runs;
}

}  // namespace skidpad::cli
