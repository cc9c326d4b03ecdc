#include "harness/cluster/component_version.hpp"

#include <charconv>

namespace skidpad::cluster {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;

const std::vector<std::string>& swappable_components() {
  static const std::vector<std::string> names = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubemark"};
  return names;
}

std::string_view version_form(std::string_view component) { return component == "etcd" ? "etcd Version: X.Y.Z" : "Kubernetes vX.Y.Z"; }

Result<ComponentVersion> parse_version(std::string_view text) {
  ComponentVersion version;
  version.text = text;
  std::string_view rest = text;
  if (rest.starts_with('v')) rest.remove_prefix(1);
  int* const parts[] = {&version.major, &version.minor, &version.patch};
  for (int* part : parts) {
    if (part != parts[0]) {
      if (!rest.starts_with('.')) return Error(ErrorCode::invalid, "\"" + std::string(text) + "\" is no version; expected X.Y.Z");
      rest.remove_prefix(1);
    }
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), *part);
    if (read.ec != std::errc() || *part < 0) return Error(ErrorCode::invalid, "\"" + std::string(text) + "\" is no version; expected X.Y.Z");
    rest.remove_prefix(static_cast<std::size_t>(read.ptr - rest.data()));
  }
  // "-rc.1", "+k3s1", "-0": a further part is no part of the order here.
  if (!rest.empty() && rest.front() != '-' && rest.front() != '+') {
    return Error(ErrorCode::invalid, "\"" + std::string(text) + "\" is no version; expected X.Y.Z");
  }
  return version;
}

Result<ComponentVersion> parse_version_output(std::string_view component, std::string_view output) {
  const std::string_view before = component == "etcd" ? "etcd Version: " : "Kubernetes ";
  for (std::string_view rest = output; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.starts_with(before)) continue;
    line.remove_prefix(before.size());
    line = line.substr(0, line.find_first_of(" \r\t"));
    if (component != "etcd" && !line.starts_with('v')) continue;
    if (auto version = parse_version(line)) return version;
  }
  return Error(ErrorCode::invalid, "expected \"" + std::string(version_form(component)) + "\"");
}

}  // namespace skidpad::cluster
