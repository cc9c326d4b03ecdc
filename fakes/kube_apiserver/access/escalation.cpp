#include "fakes/kube_apiserver/access/escalation.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::list_at;
using runtime::text_at;

std::string quoted_list(const Json& texts, const char* separator = " ") {
  std::string shown = "[";
  for (const Json& text : texts) shown += (shown.size() == 1 ? "" : separator) + in_quotes(text.get<std::string>());
  return shown + "]";
}

/// One verb on one resource (or path): what a rule is made of.
std::vector<Json> atoms_of(const Json& rule) {
  std::vector<Json> atoms;
  const auto one = [](const char* key, const Json& value) {
    Json object = Json::object();
    object[key] = Json::array({value});
    return object;
  };
  for (const Json& verb : list_at(rule, {"verbs"})) {
    for (const Json& path : list_at(rule, {"nonResourceURLs"})) {
      Json atom = one("nonResourceURLs", path);
      atom["verbs"] = Json::array({verb});
      atoms.push_back(std::move(atom));
    }
    for (const Json& group : list_at(rule, {"apiGroups"})) {
      for (const Json& resource : list_at(rule, {"resources"})) {
        Json atom = one("apiGroups", group);
        atom["resources"] = Json::array({resource});
        atom["verbs"] = Json::array({verb});
        const Json& names = list_at(rule, {"resourceNames"});
        if (names.empty()) atoms.push_back(atom);
        for (const Json& name : names) {
          atom["resourceNames"] = Json::array({name});
          atoms.push_back(atom);
        }
      }
    }
  }
  return atoms;
}

bool includes(const Json& values, const Json& wanted) { return std::find(values.begin(), values.end(), wanted) != values.end(); }
bool includes_or_all(const Json& values, const Json& wanted) { return includes(values, "*") || includes(values, wanted); }

bool covers(const Json& owned, const Json& atom) {
  if (!includes_or_all(list_at(owned, {"verbs"}), atom["verbs"][0])) return false;
  if (atom.contains("nonResourceURLs")) {
    const std::string path = atom["nonResourceURLs"][0].get<std::string>();
    for (const Json& each : list_at(owned, {"nonResourceURLs"})) {
      const std::string text = each.get<std::string>();
      if (text == "*" || text == path) return true;
      if (text.size() > 1 && text.back() == '*' && path.compare(0, text.size() - 1, text, 0, text.size() - 1) == 0) return true;
    }
    return false;
  }
  const std::string resource = atom["resources"][0].get<std::string>();
  const std::size_t slash = resource.find('/');
  const Json& resources = list_at(owned, {"resources"});
  const bool resource_held = includes_or_all(resources, resource) || (slash != std::string::npos && includes(resources, "*" + resource.substr(slash)));
  if (!includes_or_all(list_at(owned, {"apiGroups"}), atom["apiGroups"][0]) || !resource_held) return false;
  const Json& names = list_at(owned, {"resourceNames"});
  return names.empty() || (atom.contains("resourceNames") && includes(names, atom["resourceNames"][0]));
}

std::string shown_rule(const Json& rule) {
  std::string text;
  const std::pair<const char*, const char*> parts[] = {{"apiGroups", "APIGroups"}, {"resources", "Resources"}, {"nonResourceURLs", "NonResourceURLs"}, {"resourceNames", "ResourceNames"}, {"verbs", "Verbs"}};
  for (const auto& [key, name] : parts) {
    if (!list_at(rule, {key}).empty()) text += (text.empty() ? "" : ", ") + std::string(name) + ":" + quoted_list(rule.at(key));
  }
  return "{" + text + "}";
}

}  // namespace

std::string escalation_problem(Authorizer& authorizer, const User& user, const Json& rules, const std::string& object_namespace) {
  if (user.in_group("system:masters")) return "";
  const std::vector<Json> owned = authorizer.rules_for(user, object_namespace);
  std::vector<Json> missing;
  for (const Json& rule : rules) {
    for (Json& atom : atoms_of(rule)) {
      if (std::any_of(owned.begin(), owned.end(), [&](const Json& each) { return covers(each, atom); })) continue;
      // Verbs on one resource are told together.
      const auto same = std::find_if(missing.begin(), missing.end(), [&](const Json& each) {
        Json a = each;
        Json b = atom;
        a.erase("verbs");
        b.erase("verbs");
        return a == b;
      });
      if (same == missing.end()) {
        missing.push_back(std::move(atom));
      } else if (!includes((*same)["verbs"], atom["verbs"][0])) {
        (*same)["verbs"].push_back(atom["verbs"][0]);
      }
    }
  }
  if (missing.empty()) return "";
  std::set<std::string> lines;
  for (const Json& each : missing) lines.insert(shown_rule(each));
  std::string text = "user " + in_quotes(user.name) + " (groups=" + quoted_list(user.groups) + ") is attempting to grant RBAC permissions not currently held:";
  for (const std::string& line : lines) text += "\n" + line;
  return text;
}

}  // namespace skidpad::fakes::kube_apiserver
