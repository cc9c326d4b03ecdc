#include "fakes/kubelet/path_mapping.hpp"

#include <algorithm>
#include <cctype>

namespace skidpad::fakes::kubelet {
namespace {

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

/// Characters that may belong to a path before or after the place looked at.
bool is_path_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-' || c == '/' || c == '~' || c == '+';
}

}  // namespace

void PathMappings::add(std::string mount_path, std::string host_path) {
  mount_path = without_trailing_slashes(std::move(mount_path));
  host_path = without_trailing_slashes(std::move(host_path));
  if (mount_path == host_path || mount_path.size() < 2 || mount_path[0] != '/') return;
  PathMapping mapping{std::move(mount_path), std::move(host_path)};
  const auto place = std::find_if(mappings_.begin(), mappings_.end(), [&](const PathMapping& other) { return other.mount_path.size() < mapping.mount_path.size(); });
  mappings_.insert(place, std::move(mapping));
}

const PathMapping* PathMappings::match(const std::string& text, std::size_t position) const {
  for (const PathMapping& mapping : mappings_) {
    if (text.compare(position, mapping.mount_path.size(), mapping.mount_path) != 0) continue;
    const std::size_t end = position + mapping.mount_path.size();
    if (end == text.size() || text[end] == '/' || !is_path_character(text[end])) return &mapping;
  }
  return nullptr;
}

std::string PathMappings::rewrite(const std::string& text) const {
  if (mappings_.empty()) return text;
  std::string result;
  std::size_t position = 0;
  while (position < text.size()) {
    const bool may_begin = text[position] == '/' && (position == 0 || !is_path_character(text[position - 1]));
    const PathMapping* mapping = may_begin ? match(text, position) : nullptr;
    if (mapping != nullptr) {
      result += mapping->host_path;
      position += mapping->mount_path.size();
    } else {
      result += text[position++];
    }
  }
  return result;
}

}  // namespace skidpad::fakes::kubelet
