#include "fakes/kubelet/volumes.hpp"

#include "harness/client/kubernetes/object.hpp"

namespace skidpad::fakes::kubelet {

using runtime::bool_at;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::Result;
using runtime::success;
using runtime::Task;
using runtime::text_at;

namespace {

/// A path inside a volume: relative and without "..".
bool is_inner_path(const std::string& path) {
  return !path.empty() && path[0] != '/' && ("/" + path + "/").find("/../") == std::string::npos;
}

std::string directory_of(const std::string& pod_directory, std::string_view kind, const std::string& name) {
  return pod_directory + "/volumes/kubernetes.io~" + std::string(kind) + "/" + name;
}

std::string lower_kind(const std::string& kind) { return kind == "Secret" ? "secret" : "configmap"; }

}  // namespace

bool has_changing_volumes(const Json& pod) {
  for (const Json& volume : list_at(pod, {"spec", "volumes"})) {
    for (const char* kind : {"configMap", "secret", "projected", "downwardAPI"}) {
      if (find(volume, {kind}).is_object()) return true;
    }
  }
  return false;
}

PathMappings mount_mappings(const Json& container, const VolumePaths& volumes, const Environment& environment) {
  PathMappings mappings;
  for (const Json& mount : list_at(container, {"volumeMounts"})) {
    const auto volume = volumes.find(text_at(mount, {"name"}));
    if (volume == volumes.end()) continue;
    std::string path = volume->second;
    std::string inner = text_at(mount, {"subPath"});
    if (inner.empty()) inner = expand(text_at(mount, {"subPathExpr"}), environment);
    if (is_inner_path(inner)) path += "/" + inner;
    mappings.add(text_at(mount, {"mountPath"}), path);
  }
  return mappings;
}

Task<Result<VolumePaths>> Volumes::set_up(Json pod, std::string pod_directory) {
  VolumePaths paths;
  for (const Json& volume : list_at(pod, {"spec", "volumes"})) {
    const std::string name = text_at(volume, {"name"});
    auto path = co_await set_up_one(pod, volume, pod_directory);
    if (!path) {
      Error error = path.error();
      error.message = "MountVolume.SetUp failed for volume \"" + name + "\" : " + error.message;
      co_return error;
    }
    paths[name] = std::move(path.value());
  }
  co_return paths;
}

Task<Result<std::string>> Volumes::set_up_one(const Json& pod, const Json& volume, std::string pod_directory) {
  const std::string name = text_at(volume, {"name"});
  if (find(volume, {"hostPath"}).is_object()) co_return host_path(volume);
  Files files;
  std::string directory;
  unsigned mode = 0644;
  if (const Json& config_map = find(volume, {"configMap"}); config_map.is_object()) {
    directory = directory_of(pod_directory, "configmap", name);
    mode = static_cast<unsigned>(integer_at(config_map, {"defaultMode"}, 0644));
    const std::string source = text_at(config_map, {"name"});
    CO_TRY(co_await add_data(pod, "ConfigMap", config_map, source, files));
  } else if (const Json& secret = find(volume, {"secret"}); secret.is_object()) {
    directory = directory_of(pod_directory, "secret", name);
    mode = static_cast<unsigned>(integer_at(secret, {"defaultMode"}, 0644));
    const std::string source = text_at(secret, {"secretName"});
    CO_TRY(co_await add_data(pod, "Secret", secret, source, files));
  } else if (const Json& projected = find(volume, {"projected"}); projected.is_object()) {
    directory = directory_of(pod_directory, "projected", name);
    mode = static_cast<unsigned>(integer_at(projected, {"defaultMode"}, 0644));
    CO_TRY(co_await add_projected(pod, projected, files));
  } else if (const Json& downward = find(volume, {"downwardAPI"}); downward.is_object()) {
    directory = directory_of(pod_directory, "downward-api", name);
    CO_TRY(add_downward(pod, downward, files));
  } else if (volume.contains("emptyDir") || volume.size() == 1) {
    // A volume without a source is an emptyDir.
    directory = directory_of(pod_directory, "empty-dir", name);
    CO_TRY(runtime_.disk().make_directories(directory, 0777));
    co_return directory;
  } else {
    std::string kind;
    for (const auto& [key, value] : volume.items()) {
      if (key != "name") kind = key;
    }
    Error error(ErrorCode::unsupported, "no volume plugin matched: volumes of kind " + kind + " do not exist on this node");
    co_return error;
  }
  CO_TRY(write_files(directory, files, mode));
  co_return directory;
}

Result<std::string> Volumes::host_path(const Json& volume) {
  const std::string asked = text_at(volume, {"hostPath", "path"});
  // A path below the root already, as manifests on this very disk may name it, is meant as it stands.
  const bool below = !host_root_.empty() && (asked + "/").starts_with(host_root_ + "/");
  const std::string path = below ? asked : host_root_ + asked;
  const std::string type = text_at(volume, {"hostPath", "type"});
  auto& disk = runtime_.disk();
  if (type == "DirectoryOrCreate") {
    TRY(disk.make_directories(path));
  } else if (type == "FileOrCreate") {
    if (!disk.exists(path)) {
      TRY(disk.write(path, ""));
    }
  } else if (type == "Directory" || type == "File") {
    const auto status = disk.status(path);
    if (!status || status.value().is_directory != (type == "Directory")) {
      return Error(ErrorCode::not_found, "hostPath type check failed: " + path + " is not a " + (type == "File" ? "file" : "directory"));
    }
  }
  return path;
}

Task<Result<void>> Volumes::add_data(const Json& pod, const std::string& kind, const Json& source, std::string name, Files& files) {
  auto found = co_await objects_.get(kind, client::namespace_of(pod), name);
  if (!found) {
    if (found.error().code == ErrorCode::not_found) {
      if (bool_at(source, {"optional"})) co_return success();
      Error error(ErrorCode::not_found, lower_kind(kind) + " \"" + name + "\" not found");
      co_return error;
    }
    co_return found.error();
  }
  const Json& items = find(source, {"items"});
  if (!items.is_array()) {
    for (const auto& [key, value] : found.value().data) files[key] = value;
    co_return success();
  }
  for (const Json& item : items) {
    const std::string key = text_at(item, {"key"});
    const std::string path = text_at(item, {"path"});
    const auto entry = found.value().data.find(key);
    if (entry == found.value().data.end()) {
      if (bool_at(source, {"optional"})) continue;
      Error error(ErrorCode::not_found, "references non-existent " + lower_kind(kind) + " key: " + key);
      co_return error;
    }
    if (is_inner_path(path)) files[path] = entry->second;
  }
  co_return success();
}

Task<Result<void>> Volumes::add_projected(const Json& pod, const Json& projected, Files& files) {
  for (const Json& source : list_at(projected, {"sources"})) {
    if (const Json& config_map = find(source, {"configMap"}); config_map.is_object()) {
      const std::string name = text_at(config_map, {"name"});
      CO_TRY(co_await add_data(pod, "ConfigMap", config_map, name, files));
    }
    if (const Json& secret = find(source, {"secret"}); secret.is_object()) {
      const std::string name = text_at(secret, {"name"});
      CO_TRY(co_await add_data(pod, "Secret", secret, name, files));
    }
    if (const Json& downward = find(source, {"downwardAPI"}); downward.is_object()) {
      CO_TRY(add_downward(pod, downward, files));
    }
    if (const Json& account = find(source, {"serviceAccountToken"}); account.is_object()) {
      const std::string path = text_at(account, {"path"}, "token");
      const std::string audience = text_at(account, {"audience"});
      const std::int64_t lifetime_seconds = integer_at(account, {"expirationSeconds"}, 3600);
      CO_TRY(const ServiceAccountToken token, co_await objects_.token(pod, audience, lifetime_seconds));
      if (is_inner_path(path)) files[path] = token.token;
    }
  }
  co_return success();
}

Result<void> Volumes::add_downward(const Json& pod, const Json& source, Files& files) {
  for (const Json& item : list_at(source, {"items"})) {
    const std::string path = text_at(item, {"path"});
    if (!is_inner_path(path)) continue;
    if (find(item, {"fieldRef"}).is_object()) {
      TRY(files[path], field_value(pod, text_at(item, {"fieldRef", "fieldPath"})));
    } else if (const Json& resource = find(item, {"resourceFieldRef"}); resource.is_object()) {
      for (const Json& container : list_at(pod, {"spec", "containers"})) {
        if (text_at(container, {"name"}) != text_at(resource, {"containerName"})) continue;
        TRY(files[path], resource_value(container, resource, Json::object()));
      }
    }
  }
  return success();
}

Result<void> Volumes::write_files(const std::string& directory, const Files& files, unsigned mode) {
  auto& disk = runtime_.disk();
  TRY(disk.make_directories(directory));
  for (const auto& [path, content] : files) {
    const std::string full = directory + "/" + path;
    const auto now = disk.read(full);
    if (now && now.value() == content) continue;
    TRY(disk.make_directories(runtime::parent_path(full)));
    TRY(disk.write_atomically(full, content, mode));
  }
  TRY(const auto names, disk.list(directory));
  for (const std::string& name : names) {
    const auto wanted = files.lower_bound(name);
    if (wanted != files.end() && (wanted->first == name || wanted->first.starts_with(name + "/"))) continue;
    TRY(disk.remove_recursively(directory + "/" + name));
  }
  return success();
}

}  // namespace skidpad::fakes::kubelet
