// The program skidpad: verbs, flags, exit codes. 0 pass, 1 fail, 2 unknown, 3 not applicable, 64 bad input.

#include <CLI/CLI.hpp>
#include <iostream>

#include "harness/cli/doctor.hpp"
#include "harness/cli/installation.hpp"
#include "harness/cli/last_runs.hpp"
#include "harness/cli/run_command.hpp"
#include "harness/cli/up_command.hpp"
#include "harness/driver/process/node_init.hpp"
#include "harness/driver/process/supervisor.hpp"
#include "harness/runtime/usage_error.hpp"
#include "harness/scenario/listing.hpp"

namespace {

using namespace skidpad;

std::map<std::string, scenario::DriverName> driver_names() {
  return {{"sim", scenario::DriverName::sim}, {"process", scenario::DriverName::process}, {"kind", scenario::DriverName::kind}, {"remote", scenario::DriverName::remote}};
}

std::map<std::string, scenario::ProfileName> profile_names() {
  return {{"kubernetes", scenario::ProfileName::kubernetes}, {"fast", scenario::ProfileName::fast}};
}

std::map<std::string, cluster::TopologyType> topology_names() {
  return {{"standalone", cluster::TopologyType::standalone},
          {"overlapping-planes", cluster::TopologyType::overlapping_planes},
          {"separated-planes", cluster::TopologyType::separated_planes}};
}

/// One of several words, with a message that says which there are.
template <class Value>
CLI::Validator one_of(const std::map<std::string, Value>& words) {
  return CLI::Validator(
      [words](std::string& text) {
        const auto found = words.find(text);
        std::string known;
        for (const auto& [word, value] : words) known += (known.empty() ? "" : ", ") + word;
        if (found == words.end()) return "\"" + text + "\" is unknown; expected one of " + known;
        text = std::to_string(static_cast<int>(found->second));
        return std::string();
      },
      "", "words");
}

/// CLI11 lets std::strtoull wrap "-1" and cut off what is too large.
std::string check_seed(const std::string& text) {
  const bool number = !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
  return number ? "" : "\"" + text + "\" is no seed; expected a whole number from 0 to 999999999999999999";
}

struct Verbs {
  std::function<int()> chosen;
};

void add_assets(CLI::App& verb, cli::AssetOptions& assets) {
  verb.add_option("--release", assets.release, "Kubernetes version of the components; with --assets: DIR/VERSION (default v1.32.13)");
  verb.add_option("--assets", assets.directory, "real binaries: DIR/<version>/{etcd,kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kubemark}");
  verb.add_option("--component", assets.components, "NAME=PATH: one real binary; may be repeated")->allow_extra_args(false);
  verb.add_option("--container-runtime-endpoint", assets.runtime_endpoint, "for a real kubelet: unix:///PATH; ${NAME} in it stands for the node, so that each has its own");
  verb.add_option("--hollow-nodes", assets.hollow_nodes, "kubelets of kubemark, or ours without it, whose pods only pretend: beside the nodes, all on one machine")->check(CLI::Range(0, 200));
  verb.add_flag("--hollow-proxies", assets.hollow_proxies, "and a kubemark --morph=proxy for each of them");
}

void add_run(CLI::App& app, Verbs& verbs, const cli::Installation& installation, cli::RunCommand& command, std::string& profile) {
  CLI::App* run = app.add_subcommand("run", "run scenarios and judge them (default: node-loss)");
  run->add_option("scenario", command.scenarios, "names or files");
  run->add_option("--driver", command.driver, "sim or process")->transform(one_of(driver_names()));
  run->add_option("--seed", command.seed, "of everything drawn at random")->check(check_seed);
  run->add_option("--out", command.out, "run directory; default run/<scenario>-<driver>-<seed>");
  run->add_option("--profile", profile, "timers: kubernetes or fast; default: the driver's own")->check(CLI::IsMember({"kubernetes", "fast"}));
  add_assets(*run, command.assets);
  run->add_option("--isolation", command.isolation, "process: auto, namespaces or loopback")->check(CLI::IsMember({"auto", "namespaces", "loopback"}));
  run->add_option("--log-level", command.log_level, "of simulated programs: debug, info, warning or error")
      ->transform(CLI::CheckedTransformer(std::map<std::string, runtime::LogLevel>{{"debug", runtime::LogLevel::debug},
                                                                                   {"info", runtime::LogLevel::info},
                                                                                   {"warning", runtime::LogLevel::warning},
                                                                                   {"error", runtime::LogLevel::error}}));
  run->add_flag("--dry-run", command.dry_run, "print the plan and its blast radius, touch nothing");
  run->add_flag("--quiet", command.quiet, "no live view");
  run->callback([&] {
    if (!profile.empty()) command.profile = profile_names().at(profile);
    verbs.chosen = [&] { return cli::run_scenarios(installation, command); };
  });
}

void add_up(CLI::App& app, Verbs& verbs, const cli::Installation& installation, cli::UpCommand& command) {
  CLI::App* up = app.add_subcommand("up", "make a cluster to play with");
  up->add_option_function<std::string>("--driver", [](const std::string&) {}, "process")->check(CLI::IsMember({"process"}));
  up->add_option("--name", command.name, "of the cluster");
  up->add_option("--topology", command.topology, "standalone, overlapping-planes or separated-planes")->transform(one_of(topology_names()));
  up->add_option("--workers", command.workers, "worker nodes beside the planes")->check(CLI::Range(0, 200));
  add_assets(*up, command.assets);
  up->add_option("--profile", command.profile, "timers: fast (default), eased (default with real binaries) or kubernetes");
  up->add_option("--isolation", command.isolation, "auto, namespaces or loopback")->check(CLI::IsMember({"auto", "namespaces", "loopback"}));
  up->add_flag("!--no-healer", command.healer, "without the node healer");
  up->callback([&] { verbs.chosen = [&] { return cli::up(installation, command); }; });
  CLI::App* status = app.add_subcommand("status", "machines of a cluster");
  status->add_option("--name", command.name, "of the cluster");
  status->callback([&] { verbs.chosen = [&] { return cli::status(installation, command.name); }; });
  CLI::App* down = app.add_subcommand("down", "end a cluster and remove all of it");
  down->add_option("--name", command.name, "of the cluster");
  down->callback([&] { verbs.chosen = [&] { return cli::down(installation, command.name); }; });
}

void add_files(CLI::App& app, Verbs& verbs, const cli::Installation& installation, std::vector<std::string>& files, std::string& assets) {
  CLI::App* list = app.add_subcommand("list", "scenarios, or: list behaviours");
  list->add_option("what", files, "scenarios (default) or behaviours")->check(CLI::IsMember({"scenarios", "behaviours"}));
  list->callback([&] {
    verbs.chosen = [&] {
      const auto found = scenario::find_scenarios(installation.scenario_folder);
      const bool behaviours = !files.empty() && files.front() == "behaviours";
      return behaviours ? scenario::list_behaviours_and_runs(found, cli::find_last_runs("run"), std::cout, std::cerr) : scenario::list_scenarios(found, std::cout, std::cerr);
    };
  });
  CLI::App* validate = app.add_subcommand("validate", "check scenario files");
  validate->add_option("file", files, "scenario files")->required();
  validate->callback([&] { verbs.chosen = [&] { return scenario::validate_files(files, std::cout, std::cerr); }; });
  CLI::App* check = app.add_subcommand("check", "judge recorded runs again, from their files alone");
  check->add_option("directory", files, "run directories")->required();
  check->callback([&] { verbs.chosen = [&] { return cli::check_runs(files); }; });
  CLI::App* doctor = app.add_subcommand("doctor", "what this machine can do, what is missing, and how to mend it");
  doctor->add_option("--assets", assets, "list the real binaries below DIR, with their versions");
  doctor->callback([&] { verbs.chosen = [&] { return cli::doctor(installation, assets); }; });
}

int run_main(int argument_count, char** arguments) {
  const cli::Installation installation = cli::find_installation();
  CLI::App app("skidpad: a proving ground for self-driving clusters");
  app.set_version_flag("--version", std::string("skidpad ") + cli::version);
  app.require_subcommand(0, 1);
  Verbs verbs;
  cli::RunCommand run;
  cli::UpCommand up;
  std::string profile;
  std::vector<std::string> files;
  std::string assets;
  add_run(app, verbs, installation, run, profile);
  add_up(app, verbs, installation, up);
  add_files(app, verbs, installation, files, assets);
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    throw UsageError(std::string("skidpad: ") + error.what());
  }
  if (!verbs.chosen) throw UsageError("skidpad: a verb is missing; expected one of run, list, validate, check, up, status, down, doctor (skidpad --help says more)");
  return verbs.chosen();
}

}  // namespace

int main(int argument_count, char** arguments) {
  using namespace skidpad;
  // The two halves of driver process that are this program again, under hidden verbs.
  if (argument_count > 1 && std::string_view(arguments[1]) == "supervisor") {
    return driver::process::supervisor_main(std::vector<std::string>(arguments + 2, arguments + argument_count));
  }
  if (argument_count > 1 && std::string_view(arguments[1]) == "node-init") {
    return driver::process::node_init_main(std::vector<std::string>(arguments + 2, arguments + argument_count));
  }
  try {
    return run_main(argument_count, arguments);
  } catch (const UsageError& error) {
    std::cerr << "error: " << error.what() << std::endl;
    return 64;
  } catch (const runtime::Cancelled&) {
    return 130;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << std::endl;
    return 2;
  }
}
