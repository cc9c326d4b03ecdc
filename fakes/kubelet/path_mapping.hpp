/// @file path_mapping.hpp
/// Volume mounts without a mount namespace per container: paths below a mountPath are rewritten to where the volume really is.
/// Promise: only whole path prefixes are rewritten ("/etc/pki" in "--ca=/etc/pki/ca.crt" and in "a:/etc/pki", not in "/etc/pkix"
/// and not in "/x/etc/pki"); the longest mountPath wins; a mount whose two paths are equal changes nothing.
/// Limit: what a program builds from parts itself, or reads from a file, is not seen.
#pragma once

#include <string>
#include <vector>

namespace skidpad::fakes::kubelet {

struct PathMapping {
  std::string mount_path;  ///< as the container sees it, no trailing '/'
  std::string host_path;
};

class PathMappings {
 public:
  void add(std::string mount_path, std::string host_path);
  /// The text with every mounted path in it replaced.
  std::string rewrite(const std::string& text) const;
  const std::vector<PathMapping>& mappings() const { return mappings_; }

 private:
  const PathMapping* match(const std::string& text, std::size_t position) const;
  std::vector<PathMapping> mappings_;  ///< longest mount path first
};

}  // namespace skidpad::fakes::kubelet
