/// @file cel_parser.hpp
/// Text of the Common Expression Language to a tree. Macros are recognised here; names are not looked up.
#pragma once

#include "fakes/kube_apiserver/cel/cel_program.hpp"

namespace skidpad::fakes::kube_apiserver::cel {

/// Throws CelError with "Syntax error: ...". Depth is bounded.
Node parse_expression(const std::string& text);

}  // namespace skidpad::fakes::kube_apiserver::cel
