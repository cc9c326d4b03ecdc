#include "harness/fault/node_object_fault.hpp"

namespace skidpad::fault {
namespace {

class NodeObjectFault final : public Fault {
 public:
  NodeObjectFault(Scene scene, std::vector<TargetMachine> targets) : scene_(scene), targets_(std::move(targets)) {}

  Task<Result<void>> inject() override {
    for (const TargetMachine& target : targets_) {
      auto node = co_await scene_.admin.get(client::types::nodes, "", target.name);
      if (!node) co_return node.error();
      uids_[target.name] = client::uid_of(node.value());
      auto removed = co_await scene_.admin.remove(client::types::nodes, "", target.name);
      if (!removed) co_return removed.error();
    }
    co_return runtime::success();
  }

  bool can_heal() const override { return false; }
  Task<Result<void>> heal() override { co_return runtime::success(); }

  Task<Sighting> witness() override {
    Sighting sighting;
    sighting.witness = "API server";
    sighting.confirmed = true;
    for (const auto& [name, uid] : uids_) {
      auto node = co_await scene_.admin.get(client::types::nodes, "", name);
      const bool gone = !node && node.error().code == runtime::ErrorCode::not_found;
      const bool another = node && client::uid_of(node.value()) != uid;
      sighting.confirmed = sighting.confirmed && (gone || another);
      sighting.evidence += (sighting.evidence.empty() ? "" : "; ") + name + (gone ? " is not found" : another ? " is another object by now" : " is still there");
    }
    co_return sighting;
  }

 private:
  Scene scene_;
  std::vector<TargetMachine> targets_;
  std::map<std::string, std::string> uids_;
};

}  // namespace

std::unique_ptr<Fault> make_node_object_fault(Scene scene, std::vector<TargetMachine> targets) {
  return std::make_unique<NodeObjectFault>(scene, std::move(targets));
}

}  // namespace skidpad::fault
