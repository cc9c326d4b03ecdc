/// @file volumes.hpp
/// The volumes of a pod as directories and files of the node: hostPath, emptyDir, configMap, secret, projected (with service
/// account tokens) and downwardAPI. Layout below the pod's directory as the real kubelet's: volumes/kubernetes.io~KIND/NAME.
/// Not modelled: other volume kinds (FailedMount), ownership and SELinux, subPathExpr beyond $(NAME).
#pragma once

#include "fakes/kubelet/path_mapping.hpp"
#include "fakes/kubelet/referenced_objects.hpp"

namespace skidpad::fakes::kubelet {

/// Volume name -> its path on the node.
using VolumePaths = std::map<std::string, std::string>;

class Volumes {
 public:
  /// @param host_root  prefix of hostPath volumes: a node whose root is a directory
  Volumes(runtime::Runtime& runtime, ReferencedObjects& objects, std::string host_root)
      : runtime_(runtime), objects_(objects), host_root_(std::move(host_root)) {}
  /// Makes all volumes or brings their content up to date. Errors read "MountVolume.SetUp failed for volume ...".
  runtime::Task<runtime::Result<VolumePaths>> set_up(Json pod, std::string pod_directory);

 private:
  using Files = std::map<std::string, std::string>;
  runtime::Task<runtime::Result<std::string>> set_up_one(const Json& pod, const Json& volume, std::string pod_directory);
  runtime::Result<std::string> host_path(const Json& volume);
  runtime::Task<runtime::Result<void>> add_data(const Json& pod, const std::string& kind, const Json& source, std::string name, Files& files);
  runtime::Task<runtime::Result<void>> add_projected(const Json& pod, const Json& projected, Files& files);
  runtime::Result<void> add_downward(const Json& pod, const Json& source, Files& files);
  runtime::Result<void> write_files(const std::string& directory, const Files& files, unsigned mode);

  runtime::Runtime& runtime_;
  ReferencedObjects& objects_;
  std::string host_root_;
};

/// Whether the pod has volumes whose content can change: ConfigMaps, Secrets, tokens, fields.
bool has_changing_volumes(const Json& pod);
/// Where a container's mounts lead. @param environment  for subPathExpr
PathMappings mount_mappings(const Json& container, const VolumePaths& volumes, const Environment& environment);

}  // namespace skidpad::fakes::kubelet
