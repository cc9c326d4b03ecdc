#include "fakes/kube_apiserver/server/request_info.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : text) {
    if (c != separator) {
      part += c;
    } else if (!part.empty()) {
      parts.push_back(std::exchange(part, {}));
    }
  }
  if (!part.empty()) parts.push_back(part);
  return parts;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

constexpr const char* representations = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

}  // namespace

std::string query_value(const Query& query, std::string_view name) {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return "";
}

bool query_has(const Query& query, std::string_view name) {
  return std::any_of(query.begin(), query.end(), [&](const auto& entry) { return entry.first == name; });
}

bool query_flag(const Query& query, std::string_view name) {
  if (!query_has(query, name)) return false;
  const std::string value = lower(query_value(query, name));
  return value != "false" && value != "0";
}

RequestInfo parse_request_info(std::string_view method, const std::string& path, const Query& query) {
  RequestInfo info;
  info.path = path;
  info.verb = lower(method);
  auto parts = split(path, '/');
  std::size_t at = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    info.version = parts[1];
    at = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    info.group = parts[1];
    info.version = parts[2];
    at = 3;
  } else {
    return info;
  }
  info.is_resource = true;
  if (at < parts.size() && (parts[at] == "watch" || parts[at] == "proxy") && parts.size() > at + 1) {
    info.watch_path = parts[at] == "watch";
    ++at;
  }
  if (parts[at] == "namespaces" && parts.size() > at + 1) {
    info.object_namespace = parts[at + 1];
    if (parts.size() > at + 2 && parts[at + 2] != "status" && parts[at + 2] != "finalize") at += 2;
  }
  info.resource = parts[at];
  if (parts.size() > at + 1) info.name = parts[at + 1];
  if (parts.size() > at + 2) info.subresource = parts[at + 2];
  for (std::size_t i = at + 3; i < parts.size(); ++i) info.rest.push_back(parts[i]);
  if (method == "GET" || method == "HEAD") {
    info.verb = "get";
    if (info.watch_path || (info.name.empty() && query_flag(query, "watch"))) {
      info.verb = "watch";
    } else if (info.name.empty()) {
      info.verb = "list";
    }
  } else if (method == "POST") {
    info.verb = "create";
  } else if (method == "PUT") {
    info.verb = "update";
  } else if (method == "DELETE") {
    info.verb = info.name.empty() ? "deletecollection" : "delete";
  }
  if (info.name.empty() && (info.verb == "list" || info.verb == "watch" || info.verb == "deletecollection")) {
    const std::string selector = query_value(query, "fieldSelector");
    constexpr std::string_view wanted = "metadata.name=";
    if (selector.compare(0, wanted.size(), wanted) == 0 && selector.find(',') == std::string::npos) info.name = selector.substr(wanted.size());
  }
  return info;
}

std::string Representation::content_type() const {
  if (type == MediaType::yaml) return "application/yaml";
  if (type == MediaType::protobuf) return "application/vnd.kubernetes.protobuf";
  return "application/json";
}

Representation negotiate(std::string_view accept, bool table_allowed) {
  if (accept.empty()) return {};
  for (const std::string& entry : split(accept, ',')) {
    const auto parts = split(entry, ';');
    if (parts.empty()) continue;
    const std::string type = lower(trimmed(parts[0]));
    Representation wanted;
    if (type == "application/json" || type == "*/*" || type == "application/*") {
      wanted.type = MediaType::json;
    } else if (type == "application/yaml") {
      wanted.type = MediaType::yaml;
    } else if (type == "application/vnd.kubernetes.protobuf") {
      wanted.type = MediaType::protobuf;
    } else {
      continue;
    }
    std::string as;
    std::string group;
    std::string version;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const std::string parameter = trimmed(parts[i]);
      if (parameter.compare(0, 3, "as=") == 0) as = parameter.substr(3);
      if (parameter.compare(0, 2, "g=") == 0) group = parameter.substr(2);
      if (parameter.compare(0, 2, "v=") == 0) version = parameter.substr(2);
    }
    if (!as.empty()) {
      if (!table_allowed || group != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) continue;
      if (as == "Table") {
        wanted.shown = Shown::table;
      } else if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList") {
        wanted.shown = Shown::partial_metadata;
        wanted.list = as == "PartialObjectMetadataList";
      } else {
        continue;
      }
      wanted.table_version = version;
    }
    return wanted;
  }
  throw not_acceptable(representations);
}

MediaType body_type(std::string_view content_type) {
  const std::string type = lower(trimmed(content_type.substr(0, content_type.find(';'))));
  if (type.empty() || type == "application/json") return MediaType::json;
  if (type == "application/yaml") return MediaType::yaml;
  if (type == "application/vnd.kubernetes.protobuf") return MediaType::protobuf;
  throw unsupported_media_type(std::string("the body of the request was in an unknown format - accepted media types include: ") + representations);
}

}  // namespace skidpad::fakes::kube_apiserver
