#include "harness/fault/process_fault.hpp"

namespace skidpad::fault {
namespace {

using client::machines::MachineProcess;
using runtime::Error;
using runtime::ErrorCode;
using namespace std::chrono_literals;

constexpr int stop_signal = 19;
constexpr int continue_signal = 18;
constexpr int looks_max = 50;

class ProcessFault final : public Fault {
 public:
  ProcessFault(Scene scene, ProcessFaultOptions options, std::vector<TargetMachine> targets)
      : scene_(scene), options_(std::move(options)), targets_(std::move(targets)) {}

  Task<Result<void>> inject() override {
    for (const TargetMachine& target : targets_) {
      auto found = co_await scene_.driver.machines().processes(target.name);
      if (!found) co_return found.error();
      for (MachineProcess& process : found.value()) {
        if (process.argv.empty() || runtime::file_name(process.argv.front()) != options_.program) continue;
        hit_.emplace_back(target.name, std::move(process));
      }
    }
    if (hit_.empty()) co_return Error(ErrorCode::not_found, "no process " + options_.program + " on the targets");
    for (const auto& [machine, process] : hit_) {
      auto sent = co_await scene_.driver.machines().signal_process(machine, process, options_.signal);
      if (!sent && sent.error().code != ErrorCode::not_found) co_return sent.error();
    }
    co_return runtime::success();
  }

  bool can_heal() const override { return options_.signal == stop_signal; }
  Task<Result<void>> heal() override {
    Result<void> healed = runtime::success();
    if (!can_heal()) co_return healed;
    for (const auto& [machine, process] : hit_) {
      auto sent = co_await scene_.driver.machines().signal_process(machine, process, continue_signal);
      if (!sent && sent.error().code != ErrorCode::not_found && healed) healed = sent.error();
    }
    co_return healed;
  }

  Task<Sighting> witness() override {
    Sighting sighting;
    sighting.witness = "process table";
    sighting.independent = true;  // a signal was sent; what became of the process is read off the machine's process table
    for (int look = 0; look < looks_max && !sighting.confirmed; ++look) {
      if (look > 0) co_await scene_.driver.runtime().sleep_for(20ms);
      sighting.evidence.clear();
      sighting.confirmed = true;
      for (const auto& [machine, process] : hit_) {
        auto state = co_await state_of(machine, process);
        const std::string expected = options_.signal == stop_signal ? "stopped" : "gone";
        sighting.confirmed = sighting.confirmed && state == expected;
        sighting.evidence += (sighting.evidence.empty() ? "" : "; ") + machine + ": " + options_.program + " (pid " + std::to_string(process.pid) + ") is " + state;
      }
    }
    co_return sighting;
  }

 private:
  Task<std::string> state_of(std::string machine, MachineProcess process) {
    auto listed = co_await scene_.driver.machines().processes(std::move(machine));
    if (!listed) co_return "not to be seen: " + listed.error().message;
    for (const MachineProcess& now : listed.value()) {
      if (now.pid == process.pid && now.start_time == process.start_time && now.state != "zombie") co_return now.state;
    }
    co_return std::string("gone");
  }

  Scene scene_;
  ProcessFaultOptions options_;
  std::vector<TargetMachine> targets_;
  std::vector<std::pair<std::string, MachineProcess>> hit_;
};

}  // namespace

std::unique_ptr<Fault> make_process_fault(Scene scene, ProcessFaultOptions options, std::vector<TargetMachine> targets) {
  return std::make_unique<ProcessFault>(scene, std::move(options), std::move(targets));
}

}  // namespace skidpad::fault
