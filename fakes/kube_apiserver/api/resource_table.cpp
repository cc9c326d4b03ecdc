#include "fakes/kube_apiserver/api/resource_table.hpp"

#include "harness/runtime/assert.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

std::vector<std::string> words_of(std::string_view line, char separator) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : line) {
    if (c != separator) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

std::vector<std::string> list_of(const std::string& text) { return text == "-" ? std::vector<std::string>() : words_of(text, ','); }
std::string unless_dash(const std::string& text) { return text == "-" ? "" : text; }

std::vector<Resource> read_table() {
  std::vector<Resource> table;
  std::string whole;
  for (std::size_t i = 0; i < resource_data_count; ++i) whole += resource_data[i];
  for (const std::string& line : words_of(whole, '\n')) {
    const auto words = words_of(line, ' ');
    if (line.front() == ' ') {
      ASSERT(words.size() == 5);
      table.back().subresources.push_back({words[0], words[1], unless_dash(words[2]), unless_dash(words[3]), list_of(words[4])});
      continue;
    }
    ASSERT(words.size() == 11);
    Resource resource;
    resource.group = unless_dash(words[0]);
    resource.version = words[1];
    resource.kind = words[2];
    resource.plural = words[3];
    resource.singular = words[4];
    resource.namespaced = words[5] == "namespaced";
    resource.short_names = list_of(words[6]);
    resource.categories = list_of(words[7]);
    resource.verbs = list_of(words[8]);
    resource.type = Schema::instance().find(words[9] + "." + words[2]);
    resource.storage_version_hash = unless_dash(words[10]);
    resource.list_kind = resource.kind + "List";
    ASSERT(resource.type != nullptr);
    table.push_back(std::move(resource));
  }
  return table;
}

}  // namespace

std::string Resource::storage_prefix() const {
  if (custom) return "/registry/" + group + "/" + plural + "/";
  if (group.empty()) {
    if (plural == "nodes") return "/registry/minions/";
    if (plural == "services") return "/registry/services/specs/";
    if (plural == "endpoints") return "/registry/services/endpoints/";
    if (plural == "replicationcontrollers") return "/registry/controllers/";
  }
  if (plural == "ingresses") return "/registry/ingress/";
  if (group == "apiextensions.k8s.io" || group == "apiregistration.k8s.io") return "/registry/" + group + "/" + plural + "/";
  return "/registry/" + plural + "/";
}

std::string Resource::storage_key(std::string_view object_namespace, std::string_view name) const {
  std::string key = storage_prefix();
  if (namespaced) key.append(object_namespace).append("/");
  return key.append(name);
}

const Subresource* Resource::subresource(std::string_view wanted) const {
  for (const Subresource& sub : subresources) {
    if (sub.name == wanted) return &sub;
  }
  return nullptr;
}

bool Resource::has_verb(std::string_view verb) const { return std::find(verbs.begin(), verbs.end(), verb) != verbs.end(); }

const std::vector<Resource>& built_in_resources() {
  static const std::vector<Resource> table = read_table();
  return table;
}

const Resource* find_built_in(std::string_view group, std::string_view version, std::string_view plural) {
  for (const Resource& resource : built_in_resources()) {
    if (resource.plural == plural && resource.group == group && resource.version == version) return &resource;
  }
  return nullptr;
}

const Resource* find_built_in_kind(std::string_view api_version, std::string_view kind) {
  for (const Resource& resource : built_in_resources()) {
    if (resource.kind == kind && resource.api_version() == api_version) return &resource;
  }
  return nullptr;
}

}  // namespace skidpad::fakes::kube_apiserver
