#include "fakes/kubelet/manifest.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "harness/client/kubernetes/object.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::list_at;
using runtime::Result;
using runtime::success;
using runtime::text_at;

namespace {

std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) {
  for (const char byte : text) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 1099511628211ULL;
  }
  return hash;
}

std::string hexadecimal(std::uint64_t value) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = digits[value & 15];
  return text;
}

bool is_dns_name(std::string_view name, bool dots) {
  if (name.empty() || name.size() > (dots ? 253u : 63u)) return false;
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!alphanumeric(name.front()) || !alphanumeric(name.back())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return alphanumeric(c) || c == '-' || (dots && c == '.'); });
}

void set_default(Json& object, const char* field, Json value) {
  if (!object.contains(field) || object[field].is_null()) object[field] = std::move(value);
}

void apply_probe_defaults(Json& container, const char* field) {
  if (!find(container, {field}).is_object()) return;
  Json& probe = container[field];
  set_default(probe, "timeoutSeconds", 1);
  set_default(probe, "periodSeconds", 10);
  set_default(probe, "successThreshold", 1);
  set_default(probe, "failureThreshold", 3);
  if (find(probe, {"httpGet"}).is_object()) {
    set_default(probe["httpGet"], "path", "/");
    set_default(probe["httpGet"], "scheme", "HTTP");
  }
}

void apply_container_defaults(Json& container, bool host_network) {
  const std::string image = text_at(container, {"image"});
  const auto slash = image.rfind('/');
  const std::string last = slash == std::string::npos ? image : image.substr(slash + 1);
  const bool latest = last.find_first_of(":@") == std::string::npos || last.ends_with(":latest");
  set_default(container, "imagePullPolicy", latest ? "Always" : "IfNotPresent");
  set_default(container, "terminationMessagePath", "/dev/termination-log");
  set_default(container, "terminationMessagePolicy", "File");
  set_default(container, "resources", Json::object());
  if (find(container, {"ports"}).is_array()) {
    for (Json& port : container["ports"]) {
      if (!port.is_object()) continue;
      set_default(port, "protocol", "TCP");
      if (host_network && port.contains("containerPort")) set_default(port, "hostPort", port["containerPort"]);
    }
  }
  for (const char* field : {"livenessProbe", "readinessProbe", "startupProbe"}) apply_probe_defaults(container, field);
}

Error wrong(const std::string& field, const std::string& what) { return Error(ErrorCode::invalid, field + ": " + what); }

Result<void> validate_containers(const Json& spec, const char* list, const std::set<std::string>& volumes, std::set<std::string>& names) {
  const Json& containers = find(spec, {list});
  if (containers.is_null()) return success();
  if (!containers.is_array()) return wrong(std::string("spec.") + list, "expected a list");
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const Json& container = containers[i];
    const std::string where = std::string("spec.") + list + "[" + std::to_string(i) + "]";
    const std::string name = text_at(container, {"name"});
    if (name.empty()) return wrong(where + ".name", "Required value");
    if (!is_dns_name(name, false)) return wrong(where + ".name", "Invalid value: \"" + name + "\": a lowercase RFC 1123 label is expected");
    if (!names.insert(name).second) return wrong(where + ".name", "Duplicate value: \"" + name + "\"");
    if (text_at(container, {"image"}).empty()) return wrong(where + ".image", "Required value");
    for (const char* words : {"command", "args"}) {
      const Json& list_of_words = find(container, {words});
      if (list_of_words.is_null()) continue;
      if (!list_of_words.is_array() || !std::all_of(list_of_words.begin(), list_of_words.end(), [](const Json& word) { return word.is_string(); })) {
        return wrong(where + "." + words, "expected a list of texts");
      }
    }
    for (const Json& mount : list_at(container, {"volumeMounts"})) {
      const std::string volume = text_at(mount, {"name"});
      if (!volumes.contains(volume)) return wrong(where + ".volumeMounts.name", "Not found: \"" + volume + "\"");
      if (text_at(mount, {"mountPath"}).empty()) return wrong(where + ".volumeMounts.mountPath", "Required value");
    }
  }
  return success();
}

}  // namespace

std::string stable_hash(std::string_view text) {
  return hexadecimal(fnv1a(text, 14695981039346656037ULL)) + hexadecimal(fnv1a(text, 0x9e3779b97f4a7c15ULL));
}

bool is_mirror_pod(const Json& pod) { return client::annotations_of(pod).contains(std::string(config_mirror_annotation)); }

bool is_static_pod(const Json& pod) {
  const std::string source = client::annotation(pod, std::string(config_source_annotation));
  return !source.empty() && source != "api";
}

std::string full_pod_name(const Json& pod) { return client::name_of(pod) + "_" + client::namespace_of(pod); }

void apply_pod_defaults(Json& pod) {
  Json& spec = pod["spec"];
  set_default(spec, "restartPolicy", "Always");
  set_default(spec, "terminationGracePeriodSeconds", 30);
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "schedulerName", "default-scheduler");
  set_default(spec, "securityContext", Json::object());
  set_default(spec, "enableServiceLinks", true);
  const bool host_network = runtime::bool_at(spec, {"hostNetwork"});
  for (const char* list : {"initContainers", "containers"}) {
    if (!find(spec, {list}).is_array()) continue;
    for (Json& container : spec[list]) {
      if (container.is_object()) apply_container_defaults(container, host_network);
    }
  }
}

Result<void> validate_pod(const Json& pod) {
  if (!pod.is_object()) return wrong("manifest", "expected an object");
  if (text_at(pod, {"apiVersion"}) != "v1") return wrong("apiVersion", "expected \"v1\"");
  if (text_at(pod, {"kind"}) != "Pod") return wrong("kind", "expected \"Pod\", found \"" + text_at(pod, {"kind"}) + "\"");
  const std::string name = text_at(pod, {"metadata", "name"});
  if (name.empty()) return wrong("metadata.name", "Required value");
  if (!is_dns_name(name, true)) return wrong("metadata.name", "Invalid value: \"" + name + "\": a lowercase RFC 1123 subdomain is expected");
  const Json& spec = find(pod, {"spec"});
  if (!spec.is_object()) return wrong("spec", "Required value");
  const std::string policy = text_at(spec, {"restartPolicy"}, "Always");
  if (policy != "Always" && policy != "OnFailure" && policy != "Never") {
    return wrong("spec.restartPolicy", "Unsupported value: \"" + policy + "\": supported values: \"Always\", \"Never\", \"OnFailure\"");
  }
  std::set<std::string> volumes;
  for (const Json& volume : list_at(spec, {"volumes"})) {
    const std::string volume_name = text_at(volume, {"name"});
    if (!is_dns_name(volume_name, false)) return wrong("spec.volumes.name", "Invalid value: \"" + volume_name + "\"");
    if (!volumes.insert(volume_name).second) return wrong("spec.volumes.name", "Duplicate value: \"" + volume_name + "\"");
  }
  std::set<std::string> names;
  TRY(validate_containers(spec, "initContainers", volumes, names));
  TRY(validate_containers(spec, "containers", volumes, names));
  if (list_at(spec, {"containers"}).empty()) return wrong("spec.containers", "Required value");
  return success();
}

Result<Json> parse_manifest(std::string_view text, const std::string& path, const std::string& node_name) {
  TRY(Json pod, runtime::parse_yaml(text));
  TRY(validate_pod(pod));
  Json& metadata = pod["metadata"];
  std::string lower_node = node_name;
  std::transform(lower_node.begin(), lower_node.end(), lower_node.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  metadata["name"] = metadata["name"].get<std::string>() + "-" + lower_node;
  if (text_at(metadata, {"namespace"}).empty()) metadata["namespace"] = "default";
  pod["spec"]["nodeName"] = node_name;
  pod.erase("status");
  if (text_at(metadata, {"uid"}).empty()) metadata["uid"] = stable_hash(node_name + "\n" + path + "\n" + pod.dump());
  Json& annotations = metadata["annotations"];
  if (!annotations.is_object()) annotations = Json::object();
  annotations[std::string(config_source_annotation)] = "file";
  annotations[std::string(config_hash_annotation)] = metadata["uid"];
  apply_pod_defaults(pod);
  // Static pods stay on their node whatever its taints say.
  Json toleration = Json::object();
  toleration["operator"] = "Exists";
  toleration["effect"] = "NoExecute";
  if (!find(pod, {"spec", "tolerations"}).is_array()) pod["spec"]["tolerations"] = Json::array();
  pod["spec"]["tolerations"].push_back(std::move(toleration));
  return pod;
}

}  // namespace skidpad::fakes::kubelet
