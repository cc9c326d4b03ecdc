/// @file custom_resources.hpp
/// CustomResourceDefinitions turned into resources, and what their schemas do to objects.
/// Promise: a definition is served from the event of its creation on; one that goes takes its resources along.
/// Not modelled: conversion webhooks; CEL rules beyond the forms in cel.hpp.
#pragma once

#include "fakes/kube_apiserver/crd/custom_definition.hpp"
#include "fakes/kube_apiserver/storage/store.hpp"

namespace skidpad::fakes::kube_apiserver {

/// The finalizer of a definition whose objects are not all gone.
inline constexpr const char* custom_cleanup = "customresourcecleanup.apiextensions.k8s.io";

class CustomResources {
 public:
  /// The registry that belongs to a store.
  static CustomResources& of(Store& store);
  std::shared_ptr<const Resource> find(std::string_view group, std::string_view version, std::string_view plural);
  /// All served versions, by group and version.
  std::vector<std::shared_ptr<const Resource>> all();
  /// True if a version of this group is served.
  bool has_group(std::string_view group);
  /// Checks a definition and gives a new one its first status. Throws ApiError.
  static void prepare_definition(Json& definition, const Json& old);
  /// Names accepted and established, as the real server's controllers write it some moments later. False if there is nothing to do.
  static bool establish(Json& definition, const std::string& now);

 private:
  explicit CustomResources(Store& store) : store_(store) {}
  void refresh();
  Store& store_;
  std::uint64_t read_at_ = UINT64_MAX;
  std::map<std::string, std::shared_ptr<const Resource>> resources_;  ///< "group/version/plural"
};

/// Drops what the schema does not know and fills in its defaults.
void prune_and_default(Json& object, const Resource& resource, FieldComplaints* complaints);
/// Throws ApiError 422. `old` is null on creation.
/// @param status_only  a write to the status subresource.
void check_custom(const Json& object, const Json& old, const Resource& resource, bool status_only = false);

}  // namespace skidpad::fakes::kube_apiserver
