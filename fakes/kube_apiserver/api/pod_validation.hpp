/// @file pod_validation.hpp
/// The checks on pods and on templates of pods.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {

void check_labels(const Json& labels, const std::string& path, FieldErrors& errors);
void check_annotations(const Json& annotations, const std::string& path, FieldErrors& errors);
void check_pod_spec(const Json& spec, const std::string& path, FieldErrors& errors);
void check_pod_template(const Json& pod_template, const std::string& path, FieldErrors& errors);
/// A pod that is made, beyond what holds for templates too.
void check_new_pod(const Json& pod, FieldErrors& errors);
/// Only images, deadlines, tolerations and scheduling gates may change.
void check_pod_update(const Json& pod, const Json& old, FieldErrors& errors);

}  // namespace skidpad::fakes::kube_apiserver
