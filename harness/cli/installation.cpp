#include "harness/cli/installation.hpp"

#include <cstdlib>
#include <filesystem>

#include "controllers/bootstrapper/bootstrapper.hpp"
#include "controllers/checkpointer/checkpointer.hpp"
#include "controllers/etcd_operator/etcd_operator.hpp"
#include "controllers/node_healer/node_healer.hpp"

namespace skidpad::cli {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The scenarios of the checkout this build came from, or of the current folder.
std::string find_scenario_folder(const fs::path& bin) {
  for (const fs::path& candidate : {bin / "../../scenarios", bin / "../../../scenarios", bin / "../share/skidpad/scenarios", fs::path("scenarios")}) {
    std::error_code error;
    if (fs::is_directory(candidate / "conformance", error)) return fs::canonical(candidate).string();
  }
  return "";
}

std::string find_state_directory() {
  if (const std::string explicit_place = environment("SKIDPAD_STATE"); !explicit_place.empty()) return explicit_place;
  if (const std::string state = environment("XDG_STATE_HOME"); !state.empty()) return state + "/skidpad";
  if (const std::string home = environment("HOME"); !home.empty()) return home + "/.local/state/skidpad";
  return "/var/tmp/skidpad";
}

}  // namespace

Installation find_installation() {
  Installation installation;
  const fs::path executable = fs::canonical("/proc/self/exe");
  installation.executable = executable.string();
  installation.bin_directory = executable.parent_path().string();
  installation.scenario_folder = find_scenario_folder(executable.parent_path());
  installation.state_directory = find_state_directory();
  return installation;
}

std::string find_on_path(const std::string& program) {
  std::string path = environment("PATH");
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const fs::path candidate = fs::path(path.substr(begin, end - begin)) / program;
    std::error_code error;
    if (fs::is_regular_file(candidate, error)) return candidate.string();
    begin = end + 1;
  }
  return "";
}

std::map<std::string, runtime::sim::SimProgram> controller_programs() {
  return {{"node-healer", controllers::node_healer::node_healer_main},
          {"etcd-operator", controllers::etcd_operator::etcd_operator_main},
          {"checkpointer", controllers::checkpointer::checkpointer_main},
          {"skidpad-bootstrap", controllers::bootstrapper::bootstrapper_main}};
}

std::string find_etcd() {
  const std::string found = find_on_path("etcd");
  std::error_code error;
  return found.empty() && fs::is_regular_file("/usr/bin/etcd", error) ? "/usr/bin/etcd" : found;
}

driver::process::Programs programs_of(const Installation& installation) {
  driver::process::Programs programs;
  programs.skidpad = installation.executable;
  for (const char* fake : {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "workload"}) {
    programs.components[fake].executable = installation.bin_directory + "/fakes/" + fake;
  }
  programs.components["node-healer"].executable = installation.bin_directory + "/controllers/node-healer";
  programs.components["etcd-operator"].executable = installation.bin_directory + "/controllers/etcd-operator";
  programs.components["object-store"].executable = installation.bin_directory + "/fakes/object-store";
  for (const char* controller : {"checkpointer", "skidpad-bootstrap"}) {
    programs.components[controller].executable = installation.bin_directory + "/controllers/" + controller;
  }
  programs.components["etcd"].executable = find_etcd();
  programs.visible_paths.push_back(installation.bin_directory);
  return programs;
}

}  // namespace skidpad::cli
