#include "harness/fault/node_object_fault.hpp"

namespace skidpad::fault {
namespace {

const std::string node_prefix = "/registry/minions/";  // nodes' first name, still in use in the store

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

  /// The API server said that it is gone; whether it is, its store tells.
  Task<Sighting> witness() override {
    Sighting sighting;
    sighting.witness = "etcd";
    sighting.independent = true;
    sighting.confirmed = true;
    for (const auto& [name, uid] : uids_) {
      const std::string key = node_prefix + name;
      auto stored = co_await scene_.etcd.get(key);
      std::string found;
      if (!stored) {
        found = "could not be read: " + stored.error().message;
        sighting.confirmed = false;
      } else if (!stored.value()) {
        found = "is not there";
      } else if (stored.value()->value.find(uid) == std::string::npos) {  // JSON of ours, protobuf of the real server: the UID is text in both
        found = "is another object by now";
      } else {
        found = "is still there";
        sighting.confirmed = false;
      }
      sighting.evidence += (sighting.evidence.empty() ? "" : "; ") + key + " " + found;
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
