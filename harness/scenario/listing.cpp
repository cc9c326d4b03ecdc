#include "harness/scenario/listing.hpp"

#include <algorithm>
#include <ostream>
#include <system_error>

#include "harness/scenario/behaviours.hpp"
#include "harness/scenario/loader.hpp"
#include "harness/scenario/words.hpp"

namespace skidpad::scenario {
namespace {

struct Loaded {
  std::vector<Scenario> scenarios;
  int exit_code = exit_pass;
};

Loaded load_all(std::span<const std::string> files, std::ostream& error) {
  Loaded loaded;
  for (const std::string& file : files) {
    try {
      loaded.scenarios.push_back(load_scenario(file));
    } catch (const UsageError& refused) {
      error << refused.what() << "\n";
      loaded.exit_code = exit_usage;
    }
  }
  return loaded;
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  std::string text;
  for (const std::string& part : texts) text += (text.empty() ? "" : std::string(separator)) + part;
  return text;
}

std::string drivers_of(const Scenario& scenario) {
  std::vector<std::string> names;
  for (DriverName driver : scenario.drivers) names.emplace_back(to_word(driver));
  return names.empty() ? "any" : joined(names, ",");
}

/// Rows as columns of equal width, but for the last.
void print_table(const std::vector<std::vector<std::string>>& rows, std::ostream& out) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += i + 1 < row.size() ? row[i] + std::string(widths[i] - row[i].size() + 2, ' ') : row[i];
    out << line << "\n";
  }
}

}  // namespace

int validate_files(std::span<const std::string> files, std::ostream& out, std::ostream& error) {
  if (files.empty()) {
    error << "validate: no file is given; expected one or more scenario files\n";
    return exit_usage;
  }
  int exit_code = exit_pass;
  for (const std::string& file : files) {
    try {
      const Scenario scenario = load_scenario(file);
      out << file << ": ok, " << scenario.name << "\n";
    } catch (const UsageError& refused) {
      error << refused.what() << "\n";
      exit_code = exit_usage;
    }
  }
  return exit_code;
}

int list_scenarios(std::span<const std::string> files, std::ostream& out, std::ostream& error) {
  const Loaded loaded = load_all(files, error);
  std::vector<std::vector<std::string>> rows{{"NAME", "DRIVERS", "BEHAVIOURS", "HYPOTHESIS"}};
  for (const Scenario& scenario : loaded.scenarios)
    rows.push_back({scenario.name, drivers_of(scenario), joined(scenario.behaviours, ","), scenario.hypothesis});
  print_table(rows, out);
  return loaded.exit_code;
}

namespace {

int print_behaviours(std::span<const std::string> files, const LastRuns* last_runs, std::ostream& out, std::ostream& error) {
  const Loaded loaded = load_all(files, error);
  std::vector<std::vector<std::string>> rows{{"ROW", "BEHAVIOUR", "SHOWN BY"}};
  for (const Behaviour& behaviour : behaviours()) {
    std::vector<std::string> shown_by;
    for (const Scenario& scenario : loaded.scenarios) {
      if (std::find(scenario.behaviours.begin(), scenario.behaviours.end(), behaviour.id) == scenario.behaviours.end()) continue;
      shown_by.push_back(scenario.name);
      if (last_runs == nullptr) continue;
      const auto last = last_runs->find(scenario.name);
      shown_by.back() += last == last_runs->end() ? " (not run)" : " (" + last->second + ")";
    }
    rows.push_back({std::string(behaviour.id), std::string(behaviour.title), shown_by.empty() ? "-" : joined(shown_by, ", ")});
  }
  print_table(rows, out);
  return loaded.exit_code;
}

}  // namespace

int list_behaviours(std::span<const std::string> files, std::ostream& out, std::ostream& error) { return print_behaviours(files, nullptr, out, error); }

int list_behaviours_and_runs(std::span<const std::string> files, const LastRuns& last_runs, std::ostream& out, std::ostream& error) {
  return print_behaviours(files, &last_runs, out, error);
}

std::vector<std::string> find_scenarios(const std::filesystem::path& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".yaml" && at->is_regular_file(error)) files.push_back(at->path().string());
  std::sort(files.begin(), files.end());
  return files;
}

std::string find_scenario(const std::string& argument, const std::filesystem::path& folder) {
  if (argument.find('/') != std::string::npos || argument.ends_with(".yaml")) return argument;
  const std::vector<std::string> files = find_scenarios(folder);
  std::vector<std::string> names;
  for (const std::string& file : files) names.push_back(std::filesystem::path(file).stem().string());
  for (std::size_t i = 0; i < files.size(); ++i)
    if (names[i] == argument) return files[i];
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto near = nearest(argument, known);
  throw UsageError("scenario: " + in_quotes(argument) + " is unknown" +
                   (near.empty() ? std::string() : ", did you mean " + in_quotes(near) + "?") + "; expected a name that `skidpad list` shows, or a file");
}

}  // namespace skidpad::scenario
