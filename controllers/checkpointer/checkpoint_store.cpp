#include "controllers/checkpointer/checkpoint_store.hpp"

#include "harness/client/kubernetes/object.hpp"

namespace skidpad::controllers::checkpointer {

using runtime::ErrorCode;
using runtime::list_at;
using runtime::success;
using runtime::text_at;

namespace {

constexpr unsigned directory_mode = 0700;
constexpr unsigned file_mode = 0600;
constexpr std::uint64_t manifest_bytes_max = 4 << 20;

bool is_temporary(const std::string& name) { return name.starts_with(".") && name.ends_with(".tmp"); }

std::string parent_of(const Json& manifest) { return client::annotation(manifest, std::string(checkpoint_of_annotation)); }

/// The hostPath of a volume of this name, or "".
std::string host_path_of(const Json& manifest, const std::string& volume_name) {
  for (const Json& volume : list_at(manifest, {"spec", "volumes"})) {
    if (text_at(volume, {"name"}) == volume_name) return text_at(volume, {"hostPath", "path"});
  }
  return "";
}

}  // namespace

std::string CheckpointStore::path(const std::string& directory, const std::string& namespace_name, const std::string& name) const {
  return directory + "/" + file_stem(namespace_name, name) + ".json";
}

void CheckpointStore::read_directory(const std::string& directory, bool active, std::map<std::string, Stored>& found,
                                     std::vector<std::string>& problems) const {
  const auto names = disk_.list(directory);
  if (!names) {
    if (names.error().code != ErrorCode::not_found) problems.push_back(directory + ": " + names.error().message);
    return;
  }
  for (const std::string& file : names.value()) {
    if (file.starts_with(".") || !file.ends_with(".json")) continue;
    const std::string path = directory + "/" + file;
    auto text = disk_.read(path, manifest_bytes_max);
    auto manifest = text ? runtime::parse_json(text.value(), 100) : Result<Json>(text.error());
    // Other static pods of the node are none of our business, however they look.
    if (!manifest || parent_of(manifest.value()).empty()) {
      if (!active) problems.push_back(path + ": " + (manifest ? "is no checkpoint" : manifest.error().message));
      continue;
    }
    const std::string namespace_name = client::namespace_of(manifest.value());
    const std::string name = parent_of(manifest.value());
    if (file != file_stem(namespace_name, name) + ".json") {
      problems.push_back(path + ": holds the checkpoint of " + namespace_name + "/" + name);
      continue;
    }
    Stored& stored = found[client::make_key(namespace_name, name)];
    stored.namespace_name = namespace_name;
    stored.name = name;
    if (active) {
      stored.active = true;
      stored.active_text = std::move(text.value());
    }
    if (stored.manifest.is_null()) stored.manifest = std::move(manifest.value());
  }
}

Result<std::map<std::string, Stored>> CheckpointStore::read(std::vector<std::string>& problems) const {
  std::map<std::string, Stored> found;
  read_directory(directories_.inactive, false, found, problems);
  read_directory(directories_.active, true, found, problems);
  return found;
}

Result<std::string> CheckpointStore::store_data(const std::string& namespace_name, const std::string& pod, const Reference& reference,
                                                const Files& files) {
  const std::string directory = base_of(reference.kind) + "/" + namespace_name + "/" + pod + "/" + reference.name + "-" + content_hash(files);
  TRY(disk_.make_directories(directory, directory_mode));
  for (const auto& [name, content] : files) {
    const auto there = disk_.read(directory + "/" + name);
    if (there && there.value() == content) continue;
    TRY(disk_.write_atomically(directory + "/" + name, content, file_mode));
  }
  return directory;
}

Places CheckpointStore::places_in(const Json& manifest, const Json& parent) {
  Places places;
  for (const Json& volume : list_at(parent, {"spec", "volumes"})) {
    Reference reference;
    if (volume.contains("secret")) reference = {Reference::Kind::secret, text_at(volume, {"secret", "secretName"})};
    else if (volume.contains("configMap")) reference = {Reference::Kind::config_map, text_at(volume, {"configMap", "name"})};
    else continue;
    const std::string path = host_path_of(manifest, text_at(volume, {"name"}));
    if (!path.empty()) places[reference] = path;
  }
  return places;
}

Result<bool> CheckpointStore::write_if_changed(const std::string& path, const std::string& text) {
  const auto there = disk_.read(path, manifest_bytes_max);
  if (there && there.value() == text) return false;
  TRY(disk_.write_atomically(path, text, file_mode));
  return true;
}

Result<bool> CheckpointStore::write_inactive(const Json& manifest) {
  TRY(disk_.make_directories(directories_.inactive, directory_mode));
  return write_if_changed(path(directories_.inactive, client::namespace_of(manifest), parent_of(manifest)), manifest.dump(2) + "\n");
}

Result<bool> CheckpointStore::activate(const Json& manifest) {
  TRY(disk_.make_directories(directories_.active, directory_mode));
  return write_if_changed(path(directories_.active, client::namespace_of(manifest), parent_of(manifest)), manifest.dump(2) + "\n");
}

Result<void> CheckpointStore::remove_if_there(const std::string& path) {
  auto removed = disk_.remove(path);
  if (!removed && removed.error().code == ErrorCode::not_found) return success();
  return removed;
}

Result<bool> CheckpointStore::deactivate(const std::string& namespace_name, const std::string& name) {
  auto removed = disk_.remove(path(directories_.active, namespace_name, name));
  if (!removed && removed.error().code != ErrorCode::not_found) return removed.error();
  return removed.has_value();
}

Result<void> CheckpointStore::remove(const std::string& namespace_name, const std::string& name) {
  TRY(remove_if_there(path(directories_.active, namespace_name, name)));
  TRY(remove_if_there(path(directories_.inactive, namespace_name, name)));
  for (const std::string* base : {&directories_.secrets, &directories_.config_maps}) {
    const auto removed = disk_.remove_recursively(*base + "/" + namespace_name + "/" + name);
    if (!removed && removed.error().code != ErrorCode::not_found) return removed.error();
  }
  return success();
}

Result<void> CheckpointStore::collect_data(const std::string& base, const std::set<std::string>& wanted) {
  const auto namespaces = disk_.list(base);
  if (!namespaces) return success();
  for (const std::string& namespace_name : namespaces.value()) {
    const auto pods = disk_.list(base + "/" + namespace_name);
    if (!pods) continue;
    for (const std::string& pod : pods.value()) {
      const std::string pod_directory = base + "/" + namespace_name + "/" + pod;
      const auto versions = disk_.list(pod_directory);
      if (!versions) continue;
      std::size_t kept = 0;
      for (const std::string& version : versions.value()) {
        const std::string directory = pod_directory + "/" + version;
        if (!wanted.contains(directory)) {
          TRY(disk_.remove_recursively(directory));
          continue;
        }
        ++kept;
        const auto files = disk_.list(directory);
        for (const std::string& file : files ? files.value() : std::vector<std::string>()) {
          if (!is_temporary(file)) continue;
          TRY(remove_if_there(directory + "/" + file));
        }
      }
      if (kept > 0) continue;
      TRY(disk_.remove_recursively(pod_directory));
    }
  }
  return success();
}

Result<void> CheckpointStore::collect_garbage() {
  std::set<std::string> wanted;
  for (const std::string* directory : {&directories_.active, &directories_.inactive}) {
    const auto names = disk_.list(*directory);
    if (!names) continue;
    for (const std::string& name : names.value()) {
      const std::string path = *directory + "/" + name;
      // In the kubelet's own directory only temporary files of copies are ours.
      const bool ours = *directory == directories_.inactive || name.find(".json.") != std::string::npos;
      if (is_temporary(name) && ours) {
        TRY(remove_if_there(path));
        continue;
      }
      const auto text = disk_.read(path, manifest_bytes_max);
      const auto manifest = text ? runtime::parse_json(text.value(), 100) : Result<Json>(text.error());
      if (!manifest) continue;
      for (const Json& volume : list_at(manifest.value(), {"spec", "volumes"})) wanted.insert(text_at(volume, {"hostPath", "path"}));
    }
  }
  TRY(collect_data(directories_.secrets, wanted));
  return collect_data(directories_.config_maps, wanted);
}

}  // namespace skidpad::controllers::checkpointer
