// Discovery: /api, /apis, one group, one version, and all at once (aggregated).
#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"
#include "fakes/kube_apiserver/server/resource_metrics.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

struct Group {
  std::string name;
  std::vector<std::string> versions;  ///< preferred first
};

std::vector<const Resource*> all_resources(Store& store, std::vector<std::shared_ptr<const Resource>>& customs) {
  std::vector<const Resource*> all;
  for (const Resource& resource : built_in_resources()) all.push_back(&resource);
  customs = CustomResources::of(store).all();
  for (const auto& custom : customs) all.push_back(custom.get());
  return all;
}

std::vector<Group> groups_of(const std::vector<const Resource*>& resources) {
  std::vector<Group> groups;
  for (const Resource* resource : resources) {
    if (resource->group.empty()) continue;
    auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& group) { return group.name == resource->group; });
    if (found == groups.end()) found = groups.insert(groups.end(), Group{resource->group, {}});
    if (std::find(found->versions.begin(), found->versions.end(), resource->version) == found->versions.end()) found->versions.push_back(resource->version);
  }
  return groups;
}

Json group_object(const Group& group) {
  Json versions = Json::array();
  for (const std::string& version : group.versions) versions.push_back({{"groupVersion", group.name + "/" + version}, {"version", version}});
  return {{"name", group.name}, {"versions", versions}, {"preferredVersion", versions[0]}};
}

Json resource_list(const std::vector<const Resource*>& resources, const std::string& group, const std::string& version) {
  Json list = Json::array();
  for (const Resource* resource : resources) {
    if (resource->group != group || resource->version != version) continue;
    Json entry = {{"name", resource->plural}, {"singularName", resource->singular}, {"namespaced", resource->namespaced}, {"kind", resource->kind}, {"verbs", resource->verbs}};
    if (!resource->short_names.empty()) entry["shortNames"] = resource->short_names;
    if (!resource->categories.empty()) entry["categories"] = resource->categories;
    if (!resource->storage_version_hash.empty()) entry["storageVersionHash"] = resource->storage_version_hash;
    list.push_back(std::move(entry));
    for (const Subresource& sub : resource->subresources) {
      Json entry_of_sub = {{"name", resource->plural + "/" + sub.name}, {"singularName", ""}, {"namespaced", resource->namespaced}, {"kind", sub.kind}, {"verbs", sub.verbs}};
      if (!sub.version.empty()) {
        entry_of_sub["group"] = sub.group;
        entry_of_sub["version"] = sub.version;
      }
      list.push_back(std::move(entry_of_sub));
    }
  }
  return list;
}

Json aggregated_version(const std::vector<const Resource*>& resources, const std::string& group, const std::string& version) {
  Json list = Json::array();
  for (const Resource* resource : resources) {
    if (resource->group != group || resource->version != version) continue;
    Json entry = {{"resource", resource->plural},
                  {"responseKind", {{"group", ""}, {"version", ""}, {"kind", resource->kind}}},
                  {"scope", resource->namespaced ? "Namespaced" : "Cluster"},
                  {"singularResource", resource->singular},
                  {"verbs", resource->verbs}};
    if (!resource->short_names.empty()) entry["shortNames"] = resource->short_names;
    if (!resource->categories.empty()) entry["categories"] = resource->categories;
    if (resource->custom) entry["responseKind"] = {{"group", group}, {"version", version}, {"kind", resource->kind}};
    Json subs = Json::array();
    for (const Subresource& sub : resource->subresources) {
      const bool own = resource->custom && sub.version.empty();
      subs.push_back({{"subresource", sub.name}, {"responseKind", {{"group", own ? group : sub.group}, {"version", own ? version : sub.version}, {"kind", sub.kind}}}, {"verbs", sub.verbs}});
    }
    if (!subs.empty()) entry["subresources"] = std::move(subs);
    list.push_back(std::move(entry));
  }
  return {{"version", version}, {"freshness", "Current"}, {"resources", std::move(list)}};
}

/// v2 or v2beta1 if the client asks for the aggregated form, else "".
std::string aggregated_form(std::string_view accept) {
  std::size_t start = 0;
  while (start < accept.size()) {
    const std::size_t end = std::min(accept.find(',', start), accept.size());
    const std::string_view entry = accept.substr(start, end - start);
    start = end + 1;
    if (entry.find("as=APIGroupDiscoveryList") != std::string_view::npos && entry.find("g=apidiscovery.k8s.io") != std::string_view::npos) {
      return entry.find("v=v2beta1") != std::string_view::npos ? "v2beta1" : "v2";
    }
    if (entry.substr(0, 16) == "application/json" && entry.find("as=") == std::string_view::npos) return "";
  }
  return "";
}

}  // namespace

std::optional<Answer> ApiServer::discovery(const Request& request) {
  std::string path = request.info.path;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.compare(0, 4, "/api") != 0 || (path.size() > 4 && path[4] != '/' && path[4] != 's')) return std::nullopt;
  std::vector<std::shared_ptr<const Resource>> customs;
  auto resources = all_resources(store_, customs);
  if (serves_resource_metrics()) {
    for (const Resource& resource : resource_metrics_resources()) resources.push_back(&resource);
  }
  const auto groups = groups_of(resources);
  if (path == "/api" || path == "/apis") {
    const std::string form = aggregated_form(request.http.headers.get("Accept"));
    if (!form.empty()) {
      Json items = Json::array();
      const auto add = [&](const std::string& group, const std::vector<std::string>& versions) {
        Json listed = Json::array();
        for (const std::string& version : versions) listed.push_back(aggregated_version(resources, group, version));
        Json metadata = {{"creationTimestamp", nullptr}};
        if (!group.empty()) metadata["name"] = group;
        items.push_back({{"metadata", std::move(metadata)}, {"versions", std::move(listed)}});
      };
      if (path == "/api") {
        add("", {"v1"});
      } else {
        for (const Group& group : groups) add(group.name, group.versions);
      }
      const Json list = {{"kind", "APIGroupDiscoveryList"}, {"apiVersion", "apidiscovery.k8s.io/" + form}, {"metadata", Json::object()}, {"items", std::move(items)}};
      Answer answer(200, encode_object(list) + "\n", "application/json;g=apidiscovery.k8s.io;v=" + form + ";as=APIGroupDiscoveryList");
      answer.headers.add("Vary", "Accept");
      return answer;
    }
    Json body;
    if (path == "/api") {
      const std::string address = options_.advertise_address + ":" + std::to_string(options_.secure_port);
      body = {{"kind", "APIVersions"}, {"versions", {"v1"}}, {"serverAddressByClientCIDRs", Json::array({{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", address}}})}};
    } else {
      body = {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", Json::array()}};
      for (const Group& group : groups) body["groups"].push_back(group_object(group));
    }
    Answer answer = encode_answer(request, body, 200);
    answer.headers.add("Vary", "Accept");
    return answer;
  }
  if (path == "/api/v1") return encode_answer(request, {{"kind", "APIResourceList"}, {"groupVersion", "v1"}, {"resources", resource_list(resources, "", "v1")}}, 200);
  if (path.compare(0, 6, "/apis/") != 0) return std::nullopt;
  const std::string rest = path.substr(6);
  const std::size_t slash = rest.find('/');
  const std::string name = rest.substr(0, slash);
  const auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& each) { return each.name == name; });
  if (group == groups.end()) return Answer(404, "404 page not found\n", "text/plain; charset=utf-8");
  if (slash == std::string::npos) {
    Json body = group_object(*group);
    body["kind"] = "APIGroup";
    body["apiVersion"] = "v1";
    return encode_answer(request, body, 200);
  }
  const std::string version = rest.substr(slash + 1);
  if (std::find(group->versions.begin(), group->versions.end(), version) == group->versions.end()) throw unknown_resource();
  return encode_answer(request, {{"kind", "APIResourceList"}, {"apiVersion", "v1"}, {"groupVersion", name + "/" + version}, {"resources", resource_list(resources, name, version)}}, 200);
}

}  // namespace skidpad::fakes::kube_apiserver
