/// @file names.hpp
/// What counts as a name, a label, a qualified name; each function gives the real server's complaints, none if all is well.
/// Source: k8s.io/apimachinery/pkg/util/validation (documented forms of RFC 1123 and RFC 1035 names).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skidpad::fakes::kube_apiserver {

using Problems = std::vector<std::string>;

Problems dns1123_label_problems(std::string_view text);
Problems dns1123_subdomain_problems(std::string_view text);
Problems dns1035_label_problems(std::string_view text);
Problems qualified_name_problems(std::string_view text);
Problems label_value_problems(std::string_view text);
Problems config_map_key_problems(std::string_view text);
Problems path_segment_problems(std::string_view text);
Problems port_name_problems(std::string_view text);

}  // namespace skidpad::fakes::kube_apiserver
