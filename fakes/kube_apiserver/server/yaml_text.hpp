/// @file yaml_text.hpp
/// JSON values as YAML text in block style, keys in byte order, as sigs.k8s.io/yaml writes them.
#pragma once

#include "harness/runtime/json.hpp"

namespace skidpad::fakes::kube_apiserver {

std::string to_yaml(const Json& value);

}  // namespace skidpad::fakes::kube_apiserver
