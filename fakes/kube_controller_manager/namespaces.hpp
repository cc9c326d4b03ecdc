/// @file namespaces.hpp
/// Empties a namespace that is being deleted and lets it go; and gives every living one its service account and root CA.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"
#include "harness/client/kubernetes/discovery.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// What a pass over a namespace found left.
struct NamespaceContent {
  std::map<std::string, std::int64_t> count_by_resource;    ///< "configmaps." -> 1
  std::map<std::string, std::int64_t> count_by_finalizer;
  std::vector<std::string> discovery_failures;
  std::vector<std::string> deletion_failures;
  Duration estimate{};                                      ///< until it is worth looking again
};
/// The five conditions of a terminating namespace. Pure.
Json namespace_conditions(const Json& namespace_object, const NamespaceContent& content, WallTime now);

class NamespaceController final : public QueueController {
 public:
  explicit NamespaceController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Task<NamespaceContent> empty(std::string namespace_name);
  Informer& namespaces_;
};

class ServiceAccountController final : public QueueController {
 public:
  explicit ServiceAccountController(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Informer& namespaces_;
  Informer& accounts_;
};

/// ConfigMap kube-root-ca.crt in every namespace.
class RootCaPublisher final : public QueueController {
 public:
  RootCaPublisher(Surroundings& surroundings, std::string root_ca_pem);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  std::string root_ca_pem_;
  Informer& namespaces_;
  Informer& config_maps_;
};

}  // namespace skidpad::fakes::kube_controller_manager
