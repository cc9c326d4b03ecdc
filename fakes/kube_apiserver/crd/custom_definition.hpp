/// @file custom_definition.hpp
/// One served version of a CustomResourceDefinition: its schema and what follows from it.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {

struct CustomDefinition {
  std::string name;      ///< of the CustomResourceDefinition
  Json schema;           ///< openAPIV3Schema, or null
  Json printer_columns;  ///< additionalPrinterColumns
  Json scale;            ///< subresources.scale, or null
  std::vector<std::string> selectable;  ///< "spec.color": fields that field selectors may name
  std::string storage_version;
  std::int64_t revision = 0;  ///< of the definition: what was before it is no history of ours
};

}  // namespace skidpad::fakes::kube_apiserver
