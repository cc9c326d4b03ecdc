/// @file checkpoint_store.hpp
/// Checkpoints as files of one node:
///
///     /etc/kubernetes/inactive-manifests/NAMESPACE-POD.json          every checkpoint
///     /etc/kubernetes/manifests/NAMESPACE-POD.json                   the active ones, where the kubelet looks
///     /etc/kubernetes/checkpoint-secrets/NAMESPACE/POD/NAME-HASH/    what they mount; also checkpoint-configmaps
///
/// Promise: a kill at any write leaves only whole files. A directory of secrets is complete before a manifest names it and is never
/// changed afterwards: new content is a new directory. Directories 0700, files 0600 (behaviours C1, C10).
/// Files of other origin in these directories are neither read nor touched.
#pragma once

#include <set>

#include "controllers/checkpointer/checkpoint_pod.hpp"
#include "harness/runtime/disk.hpp"

namespace skidpad::controllers::checkpointer {

struct Directories {
  std::string active = "/etc/kubernetes/manifests";
  std::string inactive = "/etc/kubernetes/inactive-manifests";
  std::string secrets = "/etc/kubernetes/checkpoint-secrets";
  std::string config_maps = "/etc/kubernetes/checkpoint-configmaps";
};

struct Stored {
  std::string namespace_name;
  std::string name;          ///< of the parent
  Json manifest;             ///< the inactive one, or the active one where only that is left
  bool active = false;
  std::string active_text;   ///< as it lies there
};

class CheckpointStore {
 public:
  CheckpointStore(runtime::Disk& disk, Directories directories) : disk_(disk), directories_(std::move(directories)) {}

  /// By "NAMESPACE/POD". Unreadable files are reported in `problems` and left alone.
  Result<std::map<std::string, Stored>> read(std::vector<std::string>& problems) const;
  /// Puts the data of a reference on disk and says where.
  Result<std::string> store_data(const std::string& namespace_name, const std::string& pod, const Reference& reference, const Files& files);
  /// Where the pod's current manifest has it; "" if it does not name it. For copies made while the API is away.
  static Places places_in(const Json& manifest, const Json& parent);
  /// Writes or rewrites the inactive manifest; nothing if it is the same. True if it changed.
  Result<bool> write_inactive(const Json& manifest);
  /// Gives the kubelet the copy. True if anything changed.
  Result<bool> activate(const Json& manifest);
  /// Takes it away again; the inactive one stays. True if it was there.
  Result<bool> deactivate(const std::string& namespace_name, const std::string& name);
  /// Everything of a checkpoint: active first, so that no process loses its secrets under it.
  Result<void> remove(const std::string& namespace_name, const std::string& name);
  /// Data that no manifest names, and temporary files of writers that died. Only while no other writer lives.
  Result<void> collect_garbage();

 private:
  std::string path(const std::string& directory, const std::string& namespace_name, const std::string& name) const;
  const std::string& base_of(Reference::Kind kind) const { return kind == Reference::Kind::secret ? directories_.secrets : directories_.config_maps; }
  Result<bool> write_if_changed(const std::string& path, const std::string& text);
  void read_directory(const std::string& directory, bool active, std::map<std::string, Stored>& found, std::vector<std::string>& problems) const;
  Result<void> collect_data(const std::string& base, const std::set<std::string>& wanted);
  Result<void> remove_if_there(const std::string& path);

  runtime::Disk& disk_;
  Directories directories_;
};

}  // namespace skidpad::controllers::checkpointer
