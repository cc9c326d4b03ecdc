/// @file resource_table.hpp
/// Every built-in resource of the API: names, scope, verbs, subresources, and where etcd keeps it.
/// Form of resource_data: group (- for core), version, kind, plural, singular, scope, short names, categories, verbs, type prefix, storage
/// version hash; then, indented, its subresources: name, kind, group, version, verbs.
#pragma once

#include <memory>

#include "fakes/kube_apiserver/api/schema.hpp"

namespace skidpad::fakes::kube_apiserver {

extern const std::string_view resource_data[];
extern const std::size_t resource_data_count;

struct Subresource {
  std::string name;
  std::string kind;
  std::string group;    ///< "" with version "": as the resource
  std::string version;
  std::vector<std::string> verbs;
};

struct CustomDefinition;

struct Resource {
  std::string group;
  std::string version;
  std::string kind;
  std::string plural;
  std::string singular;
  bool namespaced = true;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  std::vector<std::string> verbs;
  std::vector<Subresource> subresources;
  std::string storage_version_hash;
  const Type* type = nullptr;     ///< null for custom resources
  std::string list_kind;
  std::shared_ptr<const CustomDefinition> custom;

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  std::string group_resource() const { return group.empty() ? plural : plural + "." + group; }
  std::string group_kind() const { return group.empty() ? kind : kind + "." + group; }
  /// "/registry/pods/", "/registry/services/specs/", ...
  std::string storage_prefix() const;
  std::string storage_key(std::string_view object_namespace, std::string_view name) const;
  const Subresource* subresource(std::string_view name) const;
  bool has_verb(std::string_view verb) const;
};

/// In the order of the real server's discovery document.
const std::vector<Resource>& built_in_resources();
const Resource* find_built_in(std::string_view group, std::string_view version, std::string_view plural);
const Resource* find_built_in_kind(std::string_view api_version, std::string_view kind);

}  // namespace skidpad::fakes::kube_apiserver
