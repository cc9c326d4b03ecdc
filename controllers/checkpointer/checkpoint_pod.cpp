#include "controllers/checkpointer/checkpoint_pod.hpp"

#include "harness/client/kubernetes/kubeconfig.hpp"
#include "harness/client/kubernetes/object.hpp"

namespace skidpad::controllers::checkpointer {

using runtime::bool_at;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::list_at;
using runtime::text_at;

namespace {

constexpr char mirror_annotation[] = "kubernetes.io/config.mirror";
constexpr char source_annotation[] = "kubernetes.io/config.source";

Error cannot(const Json& parent, const std::string& what) {
  return Error(ErrorCode::invalid, "pod " + client::key_of(parent) + ": " + what + ", which a static pod cannot have");
}

/// A projected volume with nothing but a token (and what admission puts beside it): a copy has no service account.
bool is_service_account_volume(const Json& volume) {
  return find(volume, {"projected"}).is_object() && text_at(volume, {"name"}).starts_with("kube-api-access-");
}

bool is_optional(const Json& volume) {
  return bool_at(volume, {"secret", "optional"}) || bool_at(volume, {"configMap", "optional"});
}

std::optional<Reference> reference_in(const Json& volume) {
  if (find(volume, {"secret"}).is_object()) return Reference{Reference::Kind::secret, text_at(volume, {"secret", "secretName"})};
  if (find(volume, {"configMap"}).is_object()) return Reference{Reference::Kind::config_map, text_at(volume, {"configMap", "name"})};
  return std::nullopt;
}

Result<Json> copy_volumes(const Json& parent, const Places& places, std::set<std::string>& dropped) {
  Json volumes = Json::array();
  for (const Json& volume : list_at(parent, {"spec", "volumes"})) {
    const std::string name = text_at(volume, {"name"});
    if (is_service_account_volume(volume)) {
      dropped.insert(name);
      continue;
    }
    if (const auto reference = reference_in(volume)) {
      const auto place = places.find(*reference);
      if (place == places.end()) {
        if (is_optional(volume)) {
          volumes.push_back({{"name", name}, {"emptyDir", Json::object()}});
          continue;
        }
        return Error(ErrorCode::not_found, "pod " + client::key_of(parent) + ": " + to_text(*reference) + " is not known");
      }
      if (!list_at(volume, {"secret", "items"}).empty() || !list_at(volume, {"configMap", "items"}).empty()) {
        return cannot(parent, "volume " + name + " picks items");
      }
      volumes.push_back({{"name", name}, {"hostPath", {{"path", place->second}}}});
      continue;
    }
    for (const char* kind : {"projected", "downwardAPI", "persistentVolumeClaim", "csi"}) {
      if (volume.contains(kind)) return cannot(parent, "volume " + name + " is " + kind);
    }
    volumes.push_back(volume);
  }
  return volumes;
}

/// Names that were the parent's stay the parent's, or the copy would think itself another pod.
Result<void> settle_environment(const Json& parent, Json& container) {
  if (!list_at(container, {"envFrom"}).empty()) return cannot(parent, "container " + text_at(container, {"name"}) + " uses envFrom");
  if (!container.contains("env")) return runtime::success();
  for (Json& variable : container["env"]) {
    for (const char* source : {"secretKeyRef", "configMapKeyRef"}) {
      if (find(variable, {"valueFrom", source}).is_object()) return cannot(parent, "variable " + text_at(variable, {"name"}) + " comes from " + source);
    }
    const std::string field = text_at(variable, {"valueFrom", "fieldRef", "fieldPath"});
    std::optional<std::string> value;
    if (field == "metadata.name") value = client::name_of(parent);
    if (field == "metadata.namespace") value = client::namespace_of(parent);
    if (field == "metadata.uid") value = client::uid_of(parent);
    if (!value) continue;
    variable.erase("valueFrom");
    variable["value"] = *value;
  }
  return runtime::success();
}

Result<void> settle_containers(const Json& parent, Json& spec, const std::set<std::string>& dropped) {
  for (const char* list : {"initContainers", "containers"}) {
    if (!spec.contains(list)) continue;
    for (Json& container : spec[list]) {
      // The pod that takes the parent's place must find the port free of claims, or it is never scheduled while the copy runs.
      container.erase("ports");
      TRY(settle_environment(parent, container));
      if (!container.contains("volumeMounts")) continue;
      Json mounts = Json::array();
      for (const Json& mount : container["volumeMounts"]) {
        if (!dropped.contains(text_at(mount, {"name"}))) mounts.push_back(mount);
      }
      container["volumeMounts"] = std::move(mounts);
    }
  }
  return runtime::success();
}

}  // namespace

std::string to_text(const Reference& reference) {
  return (reference.kind == Reference::Kind::secret ? "secret " : "configmap ") + reference.name;
}

bool is_parent(const Json& pod) {
  const Json& annotations = client::annotations_of(pod);
  if (text_at(annotations, {checkpoint_annotation}) != "true") return false;
  if (annotations.contains(checkpoint_of_annotation) || annotations.contains(mirror_annotation)) return false;
  const std::string source = text_at(annotations, {source_annotation});
  return (source.empty() || source == "api") && !client::is_pod_finished(pod);
}

std::set<Reference> references_of(const Json& pod) {
  std::set<Reference> references;
  for (const Json& volume : list_at(pod, {"spec", "volumes"})) {
    if (auto reference = reference_in(volume)) references.insert(std::move(*reference));
  }
  return references;
}

Result<Files> data_of(const Json& object, Reference::Kind kind) {
  Files files;
  for (const auto& [key, value] : list_at(object, {"data"}).items()) {
    if (!value.is_string() || key.empty() || key.find('/') != std::string::npos || key.starts_with("..")) {
      return Error(ErrorCode::invalid, client::key_of(object) + ": key " + key + " is no file name");
    }
    std::string content = value.get<std::string>();
    if (kind == Reference::Kind::secret) {
      std::string decoded;
      if (!client::base64_decode(content, decoded)) return Error(ErrorCode::invalid, client::key_of(object) + ": key " + key + " is not base64");
      content = std::move(decoded);
    }
    files[key] = std::move(content);
  }
  for (const auto& [key, value] : list_at(object, {"binaryData"}).items()) {
    std::string decoded;
    if (!value.is_string() || !client::base64_decode(value.get<std::string>(), decoded)) {
      return Error(ErrorCode::invalid, client::key_of(object) + ": key " + key + " is not base64");
    }
    files[key] = std::move(decoded);
  }
  return files;
}

Result<Json> make_copy(const Json& parent, const Places& places) {
  Json copy = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  copy["metadata"]["name"] = client::name_of(parent);
  copy["metadata"]["namespace"] = client::namespace_of(parent);
  if (!client::labels_of(parent).empty()) copy["metadata"]["labels"] = client::labels_of(parent);
  copy["metadata"]["annotations"][std::string(checkpoint_of_annotation)] = client::name_of(parent);
  Json spec = find(parent, {"spec"});
  if (!spec.is_object() || list_at(parent, {"spec", "containers"}).empty()) return cannot(parent, "no containers");
  for (const char* field : {"serviceAccountName", "serviceAccount", "automountServiceAccountToken", "nodeName", "nodeSelector", "affinity",
                            "schedulerName", "tolerations", "topologySpreadConstraints", "priority", "preemptionPolicy", "imagePullSecrets"}) {
    spec.erase(field);
  }
  std::set<std::string> dropped;
  TRY(spec["volumes"], copy_volumes(parent, places, dropped));
  TRY(settle_containers(parent, spec, dropped));
  copy["spec"] = std::move(spec);
  return copy;
}

std::string file_stem(const std::string& namespace_name, const std::string& name) { return namespace_name + "-" + name; }

std::string content_hash(const Files& files) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  const auto add = [&hash](std::string_view bytes) {
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
    hash = (hash ^ 0xff) * 1099511628211ULL;
  };
  for (const auto& [name, content] : files) {
    add(name);
    add(content);
  }
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text.push_back(digits[(hash >> shift) & 15]);
  return text;
}

}  // namespace skidpad::controllers::checkpointer
