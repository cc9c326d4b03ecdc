/// @file table_cells.hpp
/// The cells of one table row, by kind, in the order of table_columns.cpp.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kube_apiserver {

Json cells_of(const Json& object, const Resource& resource, runtime::WallTime now);
/// @param columns  additionalPrinterColumns of the definition.
Json custom_cells(const Json& object, const Json& columns, runtime::WallTime now);
/// "k=v,x in (y,z)" of a metav1.LabelSelector; `none` for an empty one.
std::string selector_text(const Json& selector, const std::string& none = "<none>");

}  // namespace skidpad::fakes::kube_apiserver
