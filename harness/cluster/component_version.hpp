/// @file component_version.hpp
/// What a component's binary says to `--version`, read. Pure.
/// Sources: k8s.io/component-base/version/verflag ("Kubernetes v1.32.13"), etcdmain ("etcd Version: 3.5.21").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/runtime/result.hpp"

namespace skidpad::cluster {

struct ComponentVersion {
  int major = 0;
  int minor = 0;
  int patch = 0;
  std::string text;  ///< as the binary writes it: "v1.32.13", "3.5.21", "v1.33.0-rc.1"
  friend bool operator==(const ComponentVersion&, const ComponentVersion&) = default;
};

/// The programs that can be swapped, by the file name a user gives them.
const std::vector<std::string>& swappable_components();
/// What a binary of this name answers to --version, for error messages: "Kubernetes vX.Y.Z".
std::string_view version_form(std::string_view component);
/// "v1.32.13", "1.32.13", "3.5.21-0". invalid for anything else.
runtime::Result<ComponentVersion> parse_version(std::string_view text);
/// From the whole output of `BINARY --version`; lines before it (warnings) are passed over. invalid if no line has the form.
runtime::Result<ComponentVersion> parse_version_output(std::string_view component, std::string_view output);

}  // namespace skidpad::cluster
