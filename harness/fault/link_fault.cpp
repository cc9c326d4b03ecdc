#include "harness/fault/link_fault.hpp"

namespace skidpad::fault {
namespace {

using client::machines::LinkName;
using client::machines::LinkRule;
using namespace std::chrono_literals;

class LinkFault final : public Fault {
 public:
  LinkFault(Scene scene, LinkFaultOptions options, std::vector<TargetMachine> targets, std::vector<TargetMachine> others)
      : scene_(scene), options_(std::move(options)) {
    for (const TargetMachine& target : targets) {
      for (const TargetMachine& other : others) {
        if (target.name == other.name) continue;
        if (options_.outbound) links_.push_back(LinkName{target.name, other.name});
        if (options_.inbound) links_.push_back(LinkName{other.name, target.name});
      }
    }
  }

  Task<Result<void>> inject() override {
    auto before = co_await affected();
    if (!before) co_return before.error();
    affected_before_ = before.value();
    co_return co_await scene_.driver.machines().change_links(scene_.link_rules.change(options_.id, links_, options_.rule));
  }

  bool can_heal() const override { return true; }
  Task<Result<void>> heal() override {
    // A machine that is gone has no links any more, and the provider refuses changes that name one.
    auto listed = co_await scene_.driver.machines().list();
    if (!listed) co_return listed.error();
    std::set<std::string> there;
    for (const auto& machine : listed.value()) there.insert(machine.spec.name);
    auto changes = scene_.link_rules.change(options_.id, links_, LinkRule());
    std::erase_if(changes, [&](const auto& change) { return !there.contains(change.link.from) || !there.contains(change.link.to); });
    co_return co_await scene_.driver.machines().change_links(std::move(changes));
  }

  /// Programs talk all the time, so a fault that is there is soon felt by some frame.
  Task<Sighting> witness() override {
    Sighting sighting;
    sighting.witness = "switch counters";
    sighting.independent = true;  // a rule was set; that frames met it is counted where they pass
    for (int look = 0; look < 100; ++look) {
      auto now = co_await affected();
      if (now && now.value() > affected_before_) {
        sighting.confirmed = true;
        sighting.evidence = std::to_string(now.value() - affected_before_) + " frames on " + std::to_string(links_.size()) + " links";
        co_return sighting;
      }
      co_await scene_.driver.runtime().sleep_for(50ms);
    }
    sighting.evidence = "no frame was affected within 5 s";
    co_return sighting;
  }

 private:
  /// Frames of these links that this kind of rule touched so far.
  Task<Result<std::uint64_t>> affected() {
    auto listed = co_await scene_.driver.machines().links();
    if (!listed) co_return listed.error();
    std::uint64_t sum = 0;
    for (const auto& status : listed.value()) {
      if (std::find(links_.begin(), links_.end(), status.link) == links_.end()) continue;
      const auto& counters = status.counters;
      if (options_.rule.cut) sum += counters.dropped_by_cut;
      if (options_.rule.loss.numerator > 0) sum += counters.lost;
      if (options_.rule.duplicate.numerator > 0) sum += counters.duplicated;
      if (options_.rule.reorder.numerator > 0) sum += counters.reordered;
      if (options_.rule.delay > 0ns || options_.rule.jitter > 0ns) sum += counters.delayed;
    }
    co_return sum;
  }

  Scene scene_;
  LinkFaultOptions options_;
  std::vector<LinkName> links_;
  std::uint64_t affected_before_ = 0;
};

}  // namespace

std::unique_ptr<Fault> make_link_fault(Scene scene, LinkFaultOptions options, std::vector<TargetMachine> targets, std::vector<TargetMachine> others) {
  return std::make_unique<LinkFault>(scene, std::move(options), std::move(targets), std::move(others));
}

}  // namespace skidpad::fault
