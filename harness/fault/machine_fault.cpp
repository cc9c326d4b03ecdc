#include "harness/fault/machine_fault.hpp"

namespace skidpad::fault {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kubelet_port = 10250;
constexpr Duration answer_time_max = 500ms;

class MachineFault final : public Fault {
 public:
  MachineFault(Scene scene, MachineLoss loss, std::vector<TargetMachine> targets,
               std::map<std::string, client::machines::InstallRequest> reinstall_with)
      : scene_(scene), loss_(loss), targets_(std::move(targets)), reinstall_with_(std::move(reinstall_with)) {}

  Task<Result<void>> inject() override {
    if (loss_ == MachineLoss::reinstall) {
      // All are down before the first comes back, so that what only they held together is lost together.
      for (const TargetMachine& target : targets_) {
        auto off = co_await scene_.driver.machines().set_power(target.name, false);
        if (!off) co_return wrap(off.error(), "losing machine " + target.name);
      }
      while_down_ = co_await look();
    }
    for (const TargetMachine& target : targets_) {
      auto lost = co_await lose(target.name);
      if (!lost) co_return wrap(lost.error(), "losing machine " + target.name);
    }
    co_return runtime::success();
  }

  bool can_heal() const override { return loss_ == MachineLoss::power_off; }
  Task<Result<void>> heal() override {
    Result<void> healed = runtime::success();
    if (!can_heal()) co_return healed;
    std::size_t replaced = 0;
    for (const TargetMachine& target : targets_) {
      auto on = co_await scene_.driver.machines().set_power(target.name, true);
      // A machine that a controller replaced meanwhile needs no power any more.
      const bool gone = !on && on.error().code == runtime::ErrorCode::not_found;
      if (gone) ++replaced;
      if (!on && !gone && healed) healed = on.error();
    }
    all_replaced_ = replaced == targets_.size();
    co_return healed;
  }
  std::string nothing_to_heal() const override { return all_replaced_ ? "its machine was replaced meanwhile, nothing was left to switch on" : ""; }

  /// The network tells, not the provider that carried the fault out.
  Task<Sighting> witness() override {
    // One that is being set up anew may answer again by now: it was looked at in between.
    if (while_down_) co_return *while_down_;
    co_return co_await look();
  }

 private:
  Task<Sighting> look() {
    Sighting sighting;
    sighting.witness = "network";
    sighting.independent = true;  // the provider switched it off; whether anybody answers is seen on the wire
    for (const TargetMachine& target : targets_) {
      runtime::ConnectOptions options;
      options.to = runtime::Endpoint{target.address, kubelet_port};
      options.timeout = answer_time_max;
      auto connection = co_await scene_.driver.runtime().network().connect(std::move(options));
      const std::string who = target.name + " (" + target.address + ":10250)";
      if (connection) {
        sighting.evidence = who + " still answers";
        co_return sighting;
      }
      sighting.evidence += (sighting.evidence.empty() ? "" : "; ") + who + ": " + connection.error().message;
    }
    sighting.confirmed = true;
    co_return sighting;
  }

  Task<Result<void>> lose(std::string name) {
    driver::MachineProviderClient& machines = scene_.driver.machines();
    switch (loss_) {
      case MachineLoss::power_off: {
        auto off = co_await machines.set_power(name, false);
        if (!off) co_return off.error();
        break;
      }
      case MachineLoss::destroy: {
        auto removed = co_await machines.remove(name);
        if (!removed) co_return removed.error();
        break;
      }
      case MachineLoss::reinstall: {
        auto reinstalled = co_await machines.reinstall(name, reinstall_with_[name]);
        if (!reinstalled) co_return reinstalled.error();
        break;
      }
    }
    co_return runtime::success();
  }

  Scene scene_;
  MachineLoss loss_;
  std::vector<TargetMachine> targets_;
  std::map<std::string, client::machines::InstallRequest> reinstall_with_;
  bool all_replaced_ = false;
  std::optional<Sighting> while_down_;
};

}  // namespace

std::unique_ptr<Fault> make_machine_fault(Scene scene, MachineLoss loss, std::vector<TargetMachine> targets,
                                          std::map<std::string, client::machines::InstallRequest> reinstall_with) {
  return std::make_unique<MachineFault>(scene, loss, std::move(targets), std::move(reinstall_with));
}

}  // namespace skidpad::fault
