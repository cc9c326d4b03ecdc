#include "harness/runtime/sim/sim_disk.hpp"

namespace skidpad::runtime::sim {
namespace {

Error not_found(const std::string& path) { return Error(ErrorCode::not_found, path + ": no such file or directory"); }
Error bad_kind(const std::string& path, const char* what) { return Error(ErrorCode::io, path + ": " + what); }

}  // namespace

void SimDisk::format() {
  nodes_.clear();
  used_bytes_ = 0;
  for (const char* path : {"/", "/tmp", "/etc", "/var"}) {
    Node& node = nodes_[path];
    node.is_directory = true;
    node.mode = 0755;
    node.modified = wall_now_();
  }
}

Result<std::string> SimDisk::read(const std::string& path, std::uint64_t bytes_max) { return read_from(path, 0, bytes_max); }

Result<std::string> SimDisk::read_from(const std::string& path, std::uint64_t offset, std::uint64_t bytes_max) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return not_found(path);
  if (found->second.is_directory) return bad_kind(path, "is a directory");
  const std::string& content = found->second.content;
  if (offset >= content.size()) return std::string();
  return content.substr(offset, bytes_max);
}

Result<SimDisk::Node*> SimDisk::file(const std::string& path, unsigned mode) {
  const auto found = nodes_.find(path);
  if (found != nodes_.end()) {
    if (found->second.is_directory) return bad_kind(path, "is a directory");
    return &found->second;
  }
  const auto parent = nodes_.find(parent_path(path));
  if (parent == nodes_.end() || !parent->second.is_directory) return not_found(parent_path(path));
  Node& node = nodes_[path];
  node.mode = mode;
  return &node;
}

Result<void> SimDisk::grow(std::uint64_t bytes) {
  if (bytes > capacity_bytes_ || used_bytes_ > capacity_bytes_ - bytes) return Error(ErrorCode::io, "no space left on device");
  used_bytes_ += bytes;
  return success();
}

Result<void> SimDisk::write(const std::string& path, std::string_view bytes, unsigned mode) {
  TRY(Node* node, file(path, mode));
  const std::uint64_t before = node->content.size();
  if (bytes.size() > before) {
    TRY(grow(bytes.size() - before));
  }
  if (bytes.size() < before) used_bytes_ -= before - bytes.size();
  if (node->ever_synced && !node->durable_before) node->durable_before = node->content.substr(0, node->synced_bytes);
  node->content.assign(bytes);
  node->synced_bytes = 0;
  node->modified = wall_now_();
  return success();
}

Result<void> SimDisk::append(const std::string& path, std::string_view bytes, unsigned mode) {
  TRY(Node* node, file(path, mode));
  TRY(grow(bytes.size()));
  node->content.append(bytes);
  node->modified = wall_now_();
  return success();
}

Result<void> SimDisk::write_atomically(const std::string& path, std::string_view bytes, unsigned mode) {
  TRY(write(path, bytes, mode));
  nodes_[path].mode = mode;
  return sync(path);
}

Result<void> SimDisk::create_exclusively(const std::string& path, std::string_view bytes, unsigned mode) {
  if (nodes_.contains(path)) return Error(ErrorCode::already_exists, path + ": file exists");
  return write_atomically(path, bytes, mode);
}

Result<void> SimDisk::sync(const std::string& path) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return not_found(path);
  Node& node = found->second;
  node.synced_bytes = node.content.size();
  node.durable_before.reset();
  node.ever_synced = true;
  return success();
}

Result<void> SimDisk::rename(const std::string& from, const std::string& to) {
  const auto found = nodes_.find(from);
  if (found == nodes_.end()) return not_found(from);
  if (from == to) return success();
  if (!nodes_.contains(parent_path(to))) return not_found(parent_path(to));
  const auto target = nodes_.find(to);
  if (target != nodes_.end()) {
    if (target->second.is_directory) return bad_kind(to, "is a directory");
    drop(target);
  }
  // A directory takes what is below it along.
  std::vector<std::string> moved;
  for (auto node = found; node != nodes_.end() && node->first.starts_with(from); ++node) {
    if (node->first == from || node->first.starts_with(from + "/")) moved.push_back(node->first);
  }
  for (const std::string& path : moved) {
    auto node = nodes_.extract(path);
    node.key() = to + path.substr(from.size());
    nodes_.insert(std::move(node));
  }
  return success();
}

void SimDisk::drop(std::map<std::string, Node>::iterator node) {
  used_bytes_ -= node->second.content.size();
  nodes_.erase(node);
}

Result<void> SimDisk::remove(const std::string& path) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return not_found(path);
  if (found->second.is_directory) {
    const auto below = std::next(found);
    if (below != nodes_.end() && below->first.starts_with(path + "/")) return bad_kind(path, "directory not empty");
  }
  drop(found);
  return success();
}

Result<void> SimDisk::remove_recursively(const std::string& path) {
  for (auto node = nodes_.lower_bound(path); node != nodes_.end() && node->first.starts_with(path);) {
    const auto current = node++;
    if (current->first == path || current->first.starts_with(path + "/")) drop(current);
  }
  return success();
}

Result<void> SimDisk::make_directories(const std::string& path, unsigned mode) {
  for (std::size_t end = 1; end != std::string::npos;) {
    end = path.find('/', end);
    const std::string prefix = path.substr(0, end);
    if (end != std::string::npos) ++end;
    if (prefix.empty()) continue;
    const auto found = nodes_.find(prefix);
    if (found != nodes_.end()) {
      if (!found->second.is_directory) return bad_kind(prefix, "not a directory");
      continue;
    }
    Node& node = nodes_[prefix];
    node.is_directory = true;
    node.mode = mode;
    node.modified = wall_now_();
  }
  return success();
}

Result<std::vector<std::string>> SimDisk::list(const std::string& directory) {
  const auto found = nodes_.find(directory);
  if (found == nodes_.end()) return not_found(directory);
  if (!found->second.is_directory) return bad_kind(directory, "not a directory");
  const std::string prefix = directory == "/" ? "/" : directory + "/";
  std::vector<std::string> names;
  for (auto node = nodes_.upper_bound(prefix); node != nodes_.end() && node->first.starts_with(prefix); ++node) {
    const std::string rest = node->first.substr(prefix.size());
    if (rest.find('/') == std::string::npos) names.push_back(rest);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<FileStatus> SimDisk::status(const std::string& path) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return not_found(path);
  const Node& node = found->second;
  FileStatus status;
  status.is_directory = node.is_directory;
  status.size_bytes = node.content.size();
  status.mode = node.mode;
  status.modified = node.modified;
  return status;
}

Result<DiskSpace> SimDisk::space(const std::string&) {
  if (capacity_bytes_ == UINT64_MAX) return Error(ErrorCode::unsupported, "the disk has no bound");
  DiskSpace space;
  space.capacity_bytes = capacity_bytes_;
  space.available_bytes = capacity_bytes_ > used_bytes_ ? capacity_bytes_ - used_bytes_ : 0;
  space.own = true;
  return space;
}

void SimDisk::lose_unsynced() {
  for (auto node = nodes_.begin(); node != nodes_.end();) {
    const auto current = node++;
    Node& file = current->second;
    if (file.is_directory) continue;
    if (!file.ever_synced) {
      drop(current);
      continue;
    }
    used_bytes_ -= file.content.size();
    if (file.durable_before) {
      file.content = std::move(*file.durable_before);
      file.durable_before.reset();
    } else {
      file.content.resize(file.synced_bytes);
    }
    file.synced_bytes = file.content.size();
    used_bytes_ += file.content.size();
  }
}

}  // namespace skidpad::runtime::sim
