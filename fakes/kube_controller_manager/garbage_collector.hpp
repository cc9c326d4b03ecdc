/// @file garbage_collector.hpp
/// Deletes what its owners left behind: in the background, before the owner goes (foreground), or lets it live (orphan).
/// Promise: an object is deleted only after the API itself says that no owner of it exists any more.
/// All kinds that can be listed, watched and deleted are followed, custom ones as their definitions come and go.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

class GarbageCollector final : public QueueController {
 public:
  explicit GarbageCollector(Surroundings& surroundings);
  void start(runtime::TaskGroup& group) override;

 private:
  struct Known {
    ResourceType type;
    ObjectPointer object;
  };
  enum class OwnerState { present, absent, waiting_for_dependents };

  /// The key is a UID.
  Task<Result<void>> reconcile(std::string key) override;
  Task<void> run(runtime::TaskGroup& group);
  Task<void> follow_kinds(runtime::TaskGroup& group);
  void follow(const ResourceType& type);
  void seen(const ResourceType& type, const ObjectPointer& before, const ObjectPointer& now);
  void gone(const ObjectPointer& last);
  void enqueue_dependents(const std::string& owner_uid);
  std::vector<Known> dependents_of(const std::string& owner_uid) const;
  Task<Result<OwnerState>> look_up(Json reference, std::string namespace_name);
  Task<Result<void>> judge(Known item);
  Task<Result<void>> finish_foreground(Known owner);
  Task<Result<void>> orphan_dependents(Known owner);
  /// Takes owner references of these UIDs out of an object.
  Task<Result<void>> drop_references(Known item, std::set<std::string> owner_uids);
  Task<Result<void>> remove_finalizer(Known owner, std::string finalizer);
  const ResourceType* type_of(const std::string& api_version, const std::string& kind) const;

  Informer& definitions_;
  std::vector<ResourceType> kinds_;                              ///< served, with followed ones
  std::set<ResourceType> followed_;
  std::map<std::string, Known> by_uid_;
  std::map<std::string, std::set<std::string>> dependents_;      ///< owner UID -> UIDs
  std::set<std::string> absent_;                                 ///< owner UIDs the API denied; bounded
  runtime::Event definitions_changed_;
  bool synced_ = false;
};

}  // namespace skidpad::fakes::kube_controller_manager
