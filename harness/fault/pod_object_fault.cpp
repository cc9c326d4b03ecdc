#include "harness/fault/pod_object_fault.hpp"

namespace skidpad::fault {
namespace {

constexpr char system_namespace[] = "kube-system";

class PodObjectFault final : public Fault {
 public:
  PodObjectFault(Scene scene, std::string program, std::vector<TargetMachine> targets)
      : scene_(scene), program_(std::move(program)), targets_(std::move(targets)) {}

  Task<Result<void>> inject() override {
    client::ListOptions options;
    options.namespace_name = system_namespace;
    auto pods = co_await scene_.admin.list_all(client::types::pods, std::move(options));
    if (!pods) co_return pods.error();
    for (const auto& pod : pods.value().items) {
      if (is_hit(*pod)) hit_[client::name_of(*pod)] = client::uid_of(*pod);
    }
    if (hit_.empty()) {
      runtime::Error none(runtime::ErrorCode::not_found, "no pod of " + program_ + " that the API owns is on the targets");
      co_return none;
    }
    for (const auto& [name, uid] : hit_) {
      auto removed = co_await remove(name, uid);
      if (!removed) co_return removed.error();
    }
    co_return runtime::success();
  }

  bool can_heal() const override { return false; }
  Task<Result<void>> heal() override { co_return runtime::success(); }

  Task<Sighting> witness() override {
    Sighting sighting;
    sighting.witness = "etcd";
    sighting.independent = true;
    sighting.confirmed = true;
    for (const auto& [name, uid] : hit_) {
      const std::string key = std::string("/registry/pods/") + system_namespace + "/" + name;
      auto stored = co_await scene_.etcd.get(key);
      std::string found;
      if (!stored) found = "could not be read: " + stored.error().message;
      else if (!stored.value()) found = "is not there";
      else if (stored.value()->value.find(uid) == std::string::npos) found = "is another object by now";
      else if (stored.value()->value.find("deletionTimestamp") != std::string::npos) found = "is marked for deletion";
      else found = "is still there";
      if (!stored || found == "is still there") sighting.confirmed = false;
      sighting.evidence += (sighting.evidence.empty() ? "" : "; ") + key + " " + found;
    }
    co_return sighting;
  }

 private:
  /// An API server whose own pod goes may not answer any more, so the next one is asked, if need be one that only a checkpoint brings
  /// back; the UID makes asking twice harmless.
  Task<Result<void>> remove(std::string name, std::string uid) {
    const runtime::Instant due = scene_.driver.runtime().now() + std::chrono::minutes(1);
    for (;;) {
      client::DeleteOptions exactly;
      exactly.uid = uid;
      auto removed = co_await scene_.admin.remove(client::types::pods, system_namespace, name, std::move(exactly));
      if (removed) co_return runtime::success();
      const runtime::ErrorCode code = removed.error().code;
      if (code == runtime::ErrorCode::not_found || code == runtime::ErrorCode::conflict) co_return runtime::success();
      const bool no_answer = effect_unknown(code) || code == runtime::ErrorCode::refused || code == runtime::ErrorCode::unavailable;
      if (!no_answer || scene_.driver.runtime().now() >= due) co_return removed.error();
      co_await scene_.driver.runtime().sleep_for(std::chrono::milliseconds(50));
    }
  }
  bool is_hit(const Json& pod) const {
    const Json& labels = client::labels_of(pod);
    const bool of_program = runtime::text_at(labels, {"component"}) == program_ || runtime::text_at(labels, {"app"}) == program_;
    const bool of_api = !client::annotations_of(pod).contains("kubernetes.io/config.mirror") && !client::is_deleting(pod);
    const std::string node = runtime::text_at(pod, {"spec", "nodeName"});
    return of_program && of_api && std::any_of(targets_.begin(), targets_.end(), [&](const TargetMachine& target) { return target.name == node; });
  }

  Scene scene_;
  std::string program_;
  std::vector<TargetMachine> targets_;
  std::map<std::string, std::string> hit_;  ///< UID by name
};

}  // namespace

std::unique_ptr<Fault> make_pod_object_fault(Scene scene, std::string program, std::vector<TargetMachine> targets) {
  return std::make_unique<PodObjectFault>(scene, std::move(program), std::move(targets));
}

}  // namespace skidpad::fault
