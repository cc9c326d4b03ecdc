#include "harness/client/kubernetes/discovery.hpp"

#include <algorithm>

namespace skidpad::client {

using runtime::bool_at;
using runtime::list_at;
using runtime::parse_json;
using runtime::text_at;

namespace {

void read_resources(const Json& list, const std::string& group, const std::string& version, std::vector<ServedResource>& found) {
  for (const Json& entry : list_at(list, {"resources"})) {
    const std::string plural = text_at(entry, {"name"});
    if (plural.empty() || plural.find('/') != std::string::npos) continue;
    ServedResource resource;
    resource.type = ResourceType(group, version, plural, text_at(entry, {"kind"}),
                                 bool_at(entry, {"namespaced"}) ? Scope::namespaced : Scope::cluster);
    for (const Json& verb : list_at(entry, {"verbs"})) resource.verbs.push_back(verb.get<std::string>());
    found.push_back(std::move(resource));
  }
}

}  // namespace

bool ServedResource::can(std::string_view verb) const { return std::find(verbs.begin(), verbs.end(), verb) != verbs.end(); }

Task<Result<std::vector<ServedResource>>> discover(KubernetesClient& client, std::vector<std::string>* failures) {
  std::vector<ServedResource> found;
  auto core = co_await client.raw("GET", "/api/v1");
  if (!core) co_return core.error();
  auto core_list = parse_json(core.value());
  if (!core_list) co_return core_list.error();
  read_resources(core_list.value(), "", "v1", found);
  auto groups_text = co_await client.raw("GET", "/apis");
  if (!groups_text) co_return groups_text.error();
  auto groups = parse_json(groups_text.value());
  if (!groups) co_return groups.error();
  for (const Json& group : list_at(groups.value(), {"groups"})) {
    const std::string group_name = text_at(group, {"name"});
    const std::string version = text_at(group, {"preferredVersion", "version"});
    auto text = co_await client.raw("GET", "/apis/" + group_name + "/" + version);
    auto list = text ? parse_json(text.value()) : Result<Json>(text.error());
    if (list) {
      read_resources(list.value(), group_name, version, found);
    } else if (failures != nullptr) {
      failures->push_back(group_name + "/" + version + ": " + list.error().message);
    }
  }
  co_return found;
}

}  // namespace skidpad::client
