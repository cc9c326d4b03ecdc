/// @file gzip.hpp
/// Content-Encoding: gzip for large answers.
#pragma once

#include <string>

namespace skidpad::fakes::kube_apiserver {

std::string gzip(const std::string& bytes);

}  // namespace skidpad::fakes::kube_apiserver
