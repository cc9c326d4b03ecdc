#include "fakes/kubelet/environment.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "harness/client/kubernetes/object.hpp"

namespace skidpad::fakes::kubelet {

using runtime::bool_at;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::Result;
using runtime::text_at;

namespace {

bool is_environment_name(const std::string& name) {
  return !name.empty() && name.find('=') == std::string::npos && name.find('\0') == std::string::npos;
}

std::string upper_service_name(std::string name) {
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

/// "metadata.labels['app']" -> "app" when the prefix is "metadata.labels".
bool subscript(const std::string& path, std::string_view prefix, std::string& key) {
  if (!path.starts_with(prefix) || path.size() < prefix.size() + 5) return false;
  const std::string rest = path.substr(prefix.size());
  if (!rest.starts_with("['") || !rest.ends_with("']")) return false;
  key = rest.substr(2, rest.size() - 4);
  return true;
}

std::string formatted_map(const Json& map) {
  std::string text;
  for (const auto& [key, value] : map.items()) {
    if (!text.empty()) text += '\n';
    text += key + "=" + Json(value).dump();
  }
  return text;
}

}  // namespace

std::string expand(const std::string& text, const Environment& environment) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      result += text[i];
    } else if (text[i + 1] == '$') {
      result += '$';
      ++i;
    } else if (text[i + 1] == '(') {
      const auto close = text.find(')', i + 2);
      if (close == std::string::npos) {
        result += text[i];
        continue;
      }
      const auto found = environment.find(text.substr(i + 2, close - i - 2));
      result += found == environment.end() ? text.substr(i, close - i + 1) : found->second;
      i = close;
    } else {
      result += text[i];
    }
  }
  return result;
}

void add_service_environment(const Json& service, Environment& environment) {
  const std::string address = text_at(service, {"spec", "clusterIP"});
  const Json& ports = list_at(service, {"spec", "ports"});
  if (address.empty() || address == "None" || ports.empty()) return;
  const std::string prefix = upper_service_name(client::name_of(service));
  const auto port_text = [](const Json& port) { return std::to_string(integer_at(port, {"port"})); };
  environment[prefix + "_SERVICE_HOST"] = address;
  environment[prefix + "_SERVICE_PORT"] = port_text(ports[0]);
  for (const Json& port : ports) {
    const std::string name = text_at(port, {"name"});
    if (!name.empty()) environment[prefix + "_SERVICE_PORT_" + upper_service_name(name)] = port_text(port);
  }
  bool first = true;
  for (const Json& port : ports) {
    const std::string protocol = text_at(port, {"protocol"}, "TCP");
    std::string lower = protocol;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string url = lower + "://" + address + ":" + port_text(port);
    if (std::exchange(first, false)) environment[prefix + "_PORT"] = url;
    const std::string one = prefix + "_PORT_" + port_text(port) + "_" + protocol;
    environment[one] = url;
    environment[one + "_PROTO"] = lower;
    environment[one + "_PORT"] = port_text(port);
    environment[one + "_ADDR"] = address;
  }
}

Result<std::string> field_value(const Json& pod, const std::string& path) {
  std::string key;
  if (subscript(path, "metadata.labels", key)) return text_at(pod, {"metadata", "labels", key});
  if (subscript(path, "metadata.annotations", key)) return text_at(pod, {"metadata", "annotations", key});
  if (path == "metadata.labels") return formatted_map(client::labels_of(pod));
  if (path == "metadata.annotations") return formatted_map(client::annotations_of(pod));
  if (path == "metadata.name") return client::name_of(pod);
  if (path == "metadata.namespace") return client::namespace_of(pod);
  if (path == "metadata.uid") return client::uid_of(pod);
  if (path == "spec.nodeName") return text_at(pod, {"spec", "nodeName"});
  if (path == "spec.serviceAccountName") return text_at(pod, {"spec", "serviceAccountName"});
  if (path == "status.hostIP" || path == "status.hostIPs") return text_at(pod, {"status", "hostIP"});
  if (path == "status.podIP" || path == "status.podIPs") return text_at(pod, {"status", "podIP"});
  return Error(ErrorCode::invalid, "unsupported fieldPath: " + path);
}

bool parse_quantity(std::string_view text, double& value) {
  const char* end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, value);
  if (number.ec != std::errc()) return false;
  const std::string_view suffix(number.ptr, static_cast<std::size_t>(end - number.ptr));
  static const std::map<std::string_view, double> factors{
      {"", 1}, {"n", 1e-9}, {"u", 1e-6}, {"m", 1e-3}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15}, {"E", 1e18},
      {"Ki", 0x1p10}, {"Mi", 0x1p20}, {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}, {"Ei", 0x1p60}};
  const auto factor = factors.find(suffix);
  if (factor == factors.end()) return false;
  value *= factor->second;
  return true;
}

Result<std::string> resource_value(const Json& container, const Json& reference, const Json& allocatable) {
  const std::string resource = text_at(reference, {"resource"});
  const auto dot = resource.find('.');
  if (dot == std::string::npos) return Error(ErrorCode::invalid, "unsupported container resource : " + resource);
  const std::string list = resource.substr(0, dot);
  const std::string kind = resource.substr(dot + 1);
  std::string amount = text_at(container, {"resources", list, kind});
  // Without a limit the whole node is the limit.
  if (amount.empty()) amount = list == "limits" ? text_at(allocatable, {kind}, "0") : "0";
  double value = 0;
  double divisor = 1;
  const std::string divisor_text = text_at(reference, {"divisor"}, "1");
  if (!parse_quantity(amount, value) || !parse_quantity(divisor_text == "0" ? "1" : divisor_text, divisor) || divisor <= 0) {
    return Error(ErrorCode::invalid, "cannot compute " + resource + " from \"" + amount + "\"");
  }
  return std::to_string(static_cast<std::int64_t>(std::ceil(value / divisor - 1e-9)));
}

std::vector<std::pair<std::string, std::string>> environment_references(const Json& container) {
  std::vector<std::pair<std::string, std::string>> references;
  for (const Json& from : list_at(container, {"envFrom"})) {
    if (find(from, {"configMapRef"}).is_object()) references.emplace_back("ConfigMap", text_at(from, {"configMapRef", "name"}));
    if (find(from, {"secretRef"}).is_object()) references.emplace_back("Secret", text_at(from, {"secretRef", "name"}));
  }
  for (const Json& variable : list_at(container, {"env"})) {
    const Json& from = find(variable, {"valueFrom"});
    if (find(from, {"configMapKeyRef"}).is_object()) references.emplace_back("ConfigMap", text_at(from, {"configMapKeyRef", "name"}));
    if (find(from, {"secretKeyRef"}).is_object()) references.emplace_back("Secret", text_at(from, {"secretKeyRef", "name"}));
  }
  return references;
}

Result<Environment> make_environment(const Json& pod, const Json& container, const Json& allocatable, Environment base, const LookUp& look_up) {
  Environment declared;
  for (const Json& from : list_at(container, {"envFrom"})) {
    const std::string prefix = text_at(from, {"prefix"});
    for (const std::string kind : {"ConfigMap", "Secret"}) {
      const Json& reference = find(from, {kind == "Secret" ? "secretRef" : "configMapRef"});
      if (!reference.is_object()) continue;
      const std::string name = text_at(reference, {"name"});
      auto found = look_up(kind, name);
      if (!found) {
        if (found.error().code == ErrorCode::not_found && bool_at(reference, {"optional"})) continue;
        return found.error();
      }
      for (const auto& [key, value] : found.value().data) {
        if (is_environment_name(prefix + key)) declared[prefix + key] = value;
      }
    }
  }
  Environment visible = base;
  for (const auto& [name, value] : declared) visible[name] = value;
  for (const Json& variable : list_at(container, {"env"})) {
    const std::string name = text_at(variable, {"name"});
    if (!is_environment_name(name)) continue;
    std::string value = expand(text_at(variable, {"value"}), visible);
    const Json& from = find(variable, {"valueFrom"});
    if (find(from, {"fieldRef"}).is_object()) {
      TRY(value, field_value(pod, text_at(from, {"fieldRef", "fieldPath"})));
    } else if (const Json& resource = find(from, {"resourceFieldRef"}); resource.is_object()) {
      TRY(value, resource_value(container, resource, allocatable));
    } else {
      bool left_out = false;
      for (const std::string kind : {"ConfigMap", "Secret"}) {
        const Json& reference = find(from, {kind == "Secret" ? "secretKeyRef" : "configMapKeyRef"});
        if (!reference.is_object()) continue;
        const bool optional = bool_at(reference, {"optional"});
        const std::string key = text_at(reference, {"key"});
        auto found = look_up(kind, text_at(reference, {"name"}));
        if (!found) {
          if (found.error().code != ErrorCode::not_found || !optional) return found.error();
          left_out = true;
        } else if (const auto entry = found.value().data.find(key); entry != found.value().data.end()) {
          value = entry->second;
        } else if (optional) {
          left_out = true;
        } else {
          return Error(ErrorCode::not_found, "couldn't find key " + key + " in " + kind + " " + client::namespace_of(pod) + "/" + text_at(reference, {"name"}));
        }
      }
      if (left_out) continue;
    }
    visible[name] = value;
    declared[name] = std::move(value);
  }
  for (auto& [name, value] : declared) base[name] = std::move(value);
  return base;
}

}  // namespace skidpad::fakes::kubelet
