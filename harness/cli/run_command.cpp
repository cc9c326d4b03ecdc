#include "harness/cli/run_command.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "harness/check/judge.hpp"
#include "harness/cli/live_view.hpp"
#include "harness/driver/process/sweep.hpp"
#include "harness/driver/sim/sim_driver.hpp"
#include "harness/history/run_directory.hpp"
#include "harness/runtime/usage_error.hpp"
#include "harness/scenario/listing.hpp"
#include "harness/scenario/loader.hpp"
#include "harness/scenario/runner.hpp"
#include "harness/scenario/words.hpp"
#include "reports/reports.hpp"

namespace skidpad::cli {
namespace {

namespace fs = std::filesystem;
using scenario::DriverName;
using scenario::RunPlan;

int exit_code_of(check::Verdict verdict) {
  switch (verdict) {
    case check::Verdict::pass: return 0;
    case check::Verdict::fail: return 1;
    case check::Verdict::unknown: return 2;
    case check::Verdict::not_applicable: return 3;
  }
  return 2;
}

/// Fail over unknown over pass; not applicable only if nothing else was.
int worse(int a, int b) {
  const auto rank = [](int code) { return code == 1 ? 3 : code == 2 ? 2 : code == 0 ? 1 : 0; };
  return rank(a) >= rank(b) ? a : b;
}

std::string new_run_directory(const RunCommand& command, const std::string& name, std::size_t scenario_count) {
  if (!command.out.empty()) return scenario_count == 1 ? command.out : command.out + "/" + name;
  const std::string base = "run/" + name + "-" + std::string(scenario::to_word(command.driver)) + "-" + std::to_string(command.seed);
  std::string chosen = base;
  for (int number = 2; fs::exists(chosen); ++number) chosen = base + "-" + std::to_string(number);
  return chosen;
}

/// True if it was not there. Before anything is started: a run that cannot be written down is not begun.
bool make_run_directory(const std::string& directory) {
  std::error_code error;
  const bool made = fs::create_directories(directory, error);
  if (!error && ::access(directory.c_str(), W_OK | X_OK) != 0) error = std::error_code(errno, std::generic_category());
  if (error) throw UsageError("--out: " + directory + ": " + error.message() + "; expected a directory that can be made and written");
  return made;
}

/// What the simulated programs log, one JSON object a line, and how each ended: DIR/sim.log.
void log_into(runtime::sim::World& world, const std::string& directory) {
  const auto sink = std::make_shared<std::unique_ptr<history::FileSink>>();
  const auto write = [sink, directory, &world](Json line) {
    if (!*sink) *sink = std::make_unique<history::FileSink>(directory + "/sim.log");
    line["time"] = runtime::format_rfc3339_micro(world.wall_now());
    (void)(*sink)->append(line.dump() + "\n");
  };
  world.on_log = [write](const std::string& machine, const std::string& program, runtime::LogLevel level, std::string_view event, const Json& fields) {
    write({{"machine", machine}, {"program", program}, {"level", runtime::name(level)}, {"event", event}, {"fields", fields}});
  };
  world.on_exit = [write](runtime::sim::Machine& machine, runtime::sim::SimProcess& process, const std::string& why) {
    if (process.exit_status()->code == 0) return;
    write({{"machine", machine.name()}, {"program", process.program_name()}, {"event", "process_ended"}, {"code", process.exit_status()->code}, {"why", why}});
  };
}

std::unique_ptr<driver::Driver> make_driver(const driver::process::Programs& programs, const RunCommand& command, const RunPlan& plan,
                                            const std::string& directory) {
  if (command.driver == DriverName::sim) {
    driver::sim::SimDriverOptions options;
    options.world.seed = command.seed;
    options.provisioning_delay = plan.timers.machine_provision_delay;
    options.programs = controller_programs();
    options.world.log_level = command.log_level;
    auto driver = std::make_unique<driver::sim::SimDriver>(std::move(options));
    log_into(driver->world(), directory);
    return driver;
  }
  if (command.driver != DriverName::process) throw UsageError("--driver: " + std::string(scenario::to_word(command.driver)) + " is not built yet; expected sim or process");
  // What a killed run left is taken away before a new one starts.
  driver::process::sweep_abandoned();
  driver::process::ProcessDriverOptions options;
  options.programs = programs;
  if (options.programs.components.at("etcd").executable.empty()) throw std::runtime_error("etcd is missing; mend: apt-get install etcd-server");
  options.state_directory = fs::absolute(directory).string() + "/cluster";
  options.seed = command.seed;
  options.isolation = command.isolation;
  options.provisioning_delay = plan.timers.machine_provision_delay;
  auto started = driver::process::ProcessDriver::start(std::move(options));
  if (!started) throw std::runtime_error(started.error().message);
  return std::move(started.value());
}

struct QuietView final : scenario::RunObserver {
  void phase(std::string_view) override {}
  void status(const Json&) override {}
  void note(const std::string&) override {}
};

int judge_and_report(const std::string& directory, std::optional<runtime::Duration> wall_time) {
  const history::RunRecord record = history::read_run_directory(directory);
  const check::Judgement judgement = check::judge(record);
  reports::Presentation presentation;
  presentation.wall_time = wall_time;
  presentation.directory = directory;
  reports::write_reports(directory, record, judgement, presentation);
  const auto colour = ::isatty(STDOUT_FILENO) ? reports::Colour::ansi : reports::Colour::none;
  std::cout << reports::terminal_table(record, judgement, presentation, colour) << "report: " << directory << "/" << history::file_name::report
            << std::endl;
  if (judgement.verdict != check::Verdict::pass) std::cerr << "repeat: " << record.header.repeat_command << std::endl;
  return exit_code_of(judgement.verdict);
}

/// Which programs the run is made with.
struct Binaries {
  Assets assets;
  driver::process::Programs programs;
};

/// Looked at before the first cluster is touched. The simulator runs none of them.
Binaries find_binaries(const Installation& installation, const RunCommand& command) {
  if (command.driver == DriverName::sim && command.assets.any()) {
    throw UsageError("--assets, --component, --hollow-nodes: need --driver=process; the simulator runs skidpad's own components");
  }
  Binaries binaries;
  binaries.assets = find_assets(command.assets);
  binaries.programs = programs_of(installation);
  if (command.driver == DriverName::process) apply(binaries.assets, binaries.programs);
  return binaries;
}

/// As the user gave them, for the command that repeats the run.
std::string flags_of(const AssetOptions& assets) {
  std::string flags;
  if (!assets.release.empty()) flags += " --release=" + assets.release;
  if (!assets.directory.empty()) flags += " --assets=" + assets.directory;
  for (const std::string& component : assets.components) flags += " --component=" + component;
  if (!assets.runtime_endpoint.empty()) flags += " --container-runtime-endpoint='" + assets.runtime_endpoint + "'";
  if (assets.hollow_nodes > 0) flags += " --hollow-nodes=" + std::to_string(assets.hollow_nodes);
  if (assets.hollow_proxies) flags += " --hollow-proxies";
  return flags;
}

int run_one(const Binaries& binaries, const RunCommand& command, const std::string& file, std::size_t scenario_count) {
  scenario::RunOptions options;
  options.seed = command.seed;
  options.profile = command.profile;
  options.release = binaries.assets.release;
  options.eased = needs_easing(binaries.assets);
  const std::string profile = profile_of(binaries.assets, options.profile ? std::string(scenario::to_word(*options.profile)) : "", "");
  if (profile == "kubernetes") options.profile = scenario::ProfileName::kubernetes;
  options.more_flags = flags_of(command.assets);
  if (command.driver == DriverName::process && command.isolation != "auto") options.more_flags += " --isolation=" + command.isolation;
  if (command.driver == DriverName::process) options.binaries = binaries_of(binaries.programs, options.release);
  options.scenario_file = file;
  options.skidpad_version = version;
  RunPlan plan = scenario::plan_run(scenario::load_scenario(file), command.driver, std::move(options));
  if (command.dry_run) {
    std::cout << scenario::describe(plan);
    return 0;
  }
  const auto begun = std::chrono::steady_clock::now();
  const std::string directory = new_run_directory(command, plan.scenario.name, scenario_count);
  if (command.driver != DriverName::sim) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    plan.header.started_at = runtime::format_rfc3339(runtime::WallTime(std::chrono::seconds(now.tv_sec)));
  }
  const bool new_directory = make_run_directory(directory);
  std::cerr << plan.scenario.name << ": driver " << plan.header.driver << ", timers " << plan.timers.profile << ", seed " << command.seed << std::endl;
  const auto driver = [&] {
    try {
      return make_driver(binaries.programs, command, plan, directory);
    } catch (...) {
      // A driver that cannot start leaves nothing to read: neither should the directory stay.
      std::error_code ignored;
      if (new_directory) fs::remove_all(directory, ignored);
      throw;
    }
  }();
  tell_foreign(binaries.assets);
  for (const std::string& limit : driver->limits()) std::cerr << "limit: " << limit << std::endl;
  {
    history::RunDirectory run_directory(directory, plan.header);
    QuietView quiet;
    LiveView live(driver->runtime(), ::isatty(STDERR_FILENO), plan.timer_value(scenario::Timer::floor));
    scenario::RunObserver& observer = command.quiet ? static_cast<scenario::RunObserver&>(quiet) : live;
    scenario::Runner runner(*driver, std::move(plan), run_directory.recorder(), observer);
    driver->run(runner.run());
  }
  const auto wall = std::chrono::duration_cast<runtime::Duration>(std::chrono::steady_clock::now() - begun);
  const int code = judge_and_report(directory, wall);
  // Nothing was broken and nothing judged, but what was to be tried cannot be run: that is no open question.
  return tell_failure(*driver) ? 1 : code;
}

}  // namespace

int run_scenarios(const Installation& installation, const RunCommand& command) {
  std::vector<std::string> files;
  for (const std::string& argument : command.scenarios) files.push_back(scenario::find_scenario(argument, installation.scenario_folder));
  if (files.empty()) files.push_back(scenario::find_scenario("node-loss", installation.scenario_folder));
  // Every file is read before the first cluster is touched.
  for (const std::string& file : files) scenario::load_scenario(file);
  const Binaries binaries = find_binaries(installation, command);
  int worst = 3;
  for (const std::string& file : files) worst = worse(worst, run_one(binaries, command, file, files.size()));
  return worst;
}

int check_runs(const std::vector<std::string>& directories) {
  int worst = 3;
  for (const std::string& directory : directories) {
    std::optional<runtime::Duration> wall_time;
    const std::string result = directory + "/" + history::file_name::result;
    if (FILE* file = std::fopen(result.c_str(), "rb")) {
      std::string text;
      char buffer[65536];
      while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, count);
      std::fclose(file);
      wall_time = reports::wall_time_of(text);
    }
    worst = worse(worst, judge_and_report(directory, wall_time));
  }
  return worst;
}

}  // namespace skidpad::cli
