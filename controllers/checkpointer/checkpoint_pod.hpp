/// @file checkpoint_pod.hpp
/// The copy of a pod that its kubelet can run without any API server, as a static pod.
/// Promise: nothing is left in it that only an API server or a scheduler could resolve; secrets and config maps became directories
/// of the node. What cannot be turned so is refused with its name, never dropped in silence.
/// Limits: values from secrets in `env` and projected volumes other than service-account tokens are refused.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/runtime/json.hpp"

namespace skidpad::controllers::checkpointer {

using runtime::Result;

inline constexpr std::string_view checkpoint_annotation = "checkpointer.alpha.coreos.com/checkpoint";        ///< "true" on parents
inline constexpr std::string_view checkpoint_of_annotation = "checkpointer.alpha.coreos.com/checkpoint-of";  ///< on copies: the parent's name

/// A Secret or ConfigMap that a pod mounts.
struct Reference {
  enum class Kind { secret, config_map };
  Kind kind = Kind::secret;
  std::string name;
  friend auto operator<=>(const Reference&, const Reference&) = default;
};
/// "secret kube-apiserver"
std::string to_text(const Reference& reference);

/// File name -> decoded content.
using Files = std::map<std::string, std::string>;

/// A pod that asks to be checkpointed and is no copy itself: not static, not a mirror, not finished.
bool is_parent(const Json& pod);
/// What the pod mounts that must be on disk with it.
std::set<Reference> references_of(const Json& pod);
/// The decoded data of a Secret or ConfigMap object.
Result<Files> data_of(const Json& object, Reference::Kind kind);

/// Where each reference of the pod lies on the node.
using Places = std::map<Reference, std::string>;
/// The static pod. `invalid` names what a static pod cannot have.
Result<Json> make_copy(const Json& parent, const Places& places);

/// "kube-system-kube-apiserver-x7k2p", the base of a copy's file name.
std::string file_stem(const std::string& namespace_name, const std::string& name);
/// 16 hexadecimal digits over names and contents; not cryptographic.
std::string content_hash(const Files& files);

}  // namespace skidpad::controllers::checkpointer
