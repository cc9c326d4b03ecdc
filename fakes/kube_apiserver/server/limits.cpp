// What a namespace's LimitRanges do to new pods and claims, and its ResourceQuotas to new objects.
#include "fakes/kube_apiserver/api/defaults.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::list_at;
using runtime::text_at;

std::string joined_by(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

/// Amounts left out are filled in; what was, is told in an annotation.
void fill_container(Json& container, const Json& limit, const std::string& sort, std::vector<std::string>& notes) {
  const std::pair<const char*, const char*> kinds[] = {{"limits", "default"}, {"requests", "defaultRequest"}};
  std::vector<std::string> filled[2];
  for (std::size_t i = 0; i < 2; ++i) {
    for (const auto& [name, amount] : list_at(limit, {kinds[i].second}).items()) {
      Json& given = container["resources"][kinds[i].first];
      if (given.is_object() && given.contains(name)) continue;
      given[name] = amount;
      filled[i].push_back(name);
    }
  }
  const std::string name = text_at(container, {"name"});
  if (!filled[1].empty()) notes.push_back(joined_by(filled[1], ", ") + " request for " + sort + " " + name);
  if (!filled[0].empty()) notes.push_back(joined_by(filled[0], ", ") + " limit for " + sort + " " + name);
}

void check_bounds(const Json& limit, const Json& requests, const Json& limits, bool claim, std::vector<std::string>& complaints) {
  const std::string type = text_at(limit, {"type"});
  for (const auto& [name, bound] : list_at(limit, {"min"}).items()) {
    const std::string least = bound.get<std::string>();
    const std::string start = "minimum " + name + " usage per " + type + " is " + least;
    const std::string request = text_at(requests, {name});
    const std::string most = text_at(limits, {name});
    if (request.empty()) {
      complaints.push_back(start + ".  No request is specified");
    } else if (compare_quantities(request, least) < 0) {
      complaints.push_back(start + ", but request is " + request);
    } else if (!most.empty() && compare_quantities(most, least) < 0) {
      complaints.push_back(start + ", but limit is " + most);
    }
  }
  for (const auto& [name, bound] : list_at(limit, {"max"}).items()) {
    const std::string most = bound.get<std::string>();
    const std::string start = "maximum " + name + " usage per " + type + " is " + most;
    const std::string request = text_at(requests, {name});
    const std::string given = text_at(limits, {name});
    if (claim) {
      if (request.empty()) complaints.push_back(start + ".  No request is specified");
    } else if (given.empty()) {
      complaints.push_back(start + ".  No limit is specified");
      continue;
    } else if (compare_quantities(given, most) > 0) {
      complaints.push_back(start + ", but limit is " + given);
      continue;
    }
    if (!request.empty() && compare_quantities(request, most) > 0) complaints.push_back(start + ", but request is " + request);
  }
  for (const auto& [name, bound] : list_at(limit, {"maxLimitRequestRatio"}).items()) {
    const std::string start = name + " max limit to request ratio per " + type + " is " + bound.get<std::string>();
    const std::string request = text_at(requests, {name});
    const std::string given = text_at(limits, {name});
    if (request.empty() || quantity_milli(request) == 0) {
      complaints.push_back(start + ", but no request is specified or request is 0");
    } else if (given.empty() || quantity_milli(given) == 0) {
      complaints.push_back(start + ", but no limit is specified or limit is 0");
    } else {
      const double ratio = static_cast<double>(quantity_milli(given)) / static_cast<double>(quantity_milli(request));
      if (ratio * 1000 > static_cast<double>(quantity_milli(bound.get<std::string>()))) complaints.push_back(start + ", but provided ratio is " + std::to_string(ratio));
    }
  }
}

void add_amounts(Json& sum, const Json& amounts) {
  for (const auto& [name, amount] : amounts.items()) {
    const std::int64_t milli = quantity_milli(amount.get<std::string>()) + (sum.contains(name) ? quantity_milli(sum[name].get<std::string>()) : 0);
    sum[name] = canonical_quantity(milli % 1000 == 0 ? std::to_string(milli / 1000) : std::to_string(milli) + "m");
  }
}

/// What this object would add to the amounts that a quota counts.
Json counted_usage(const Json& object, const Resource& resource) {
  Json usage = Json::object();
  usage["count/" + resource.group_resource()] = "1";
  if (!resource.group.empty()) return usage;
  for (const char* plain : {"pods", "services", "secrets", "configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas"}) {
    if (resource.plural == plain) usage[plain] = "1";
  }
  if (resource.kind == "Pod") {
    Json requests = Json::object();
    Json limits = Json::object();
    for (const Json& container : list_at(object, {"spec", "containers"})) {
      add_amounts(requests, list_at(container, {"resources", "requests"}));
      add_amounts(limits, list_at(container, {"resources", "limits"}));
    }
    for (const auto& [name, amount] : requests.items()) {
      usage["requests." + name] = amount;
      usage[name] = amount;
    }
    for (const auto& [name, amount] : limits.items()) usage["limits." + name] = amount;
  } else if (resource.kind == "Service") {
    const std::string type = text_at(object, {"spec", "type"});
    if (type == "LoadBalancer") usage["services.loadbalancers"] = "1";
    if (type == "NodePort" || type == "LoadBalancer") usage["services.nodeports"] = std::to_string(list_at(object, {"spec", "ports"}).size());
  } else if (resource.kind == "PersistentVolumeClaim") {
    usage["requests.storage"] = text_at(object, {"spec", "resources", "requests", "storage"}, "0");
  }
  return usage;
}

bool is_compute_name(const std::string& name) {
  return name == "cpu" || name == "memory" || name.compare(0, 9, "requests.") == 0 || name.compare(0, 7, "limits.") == 0;
}

bool in_scope(const Json& quota, const Json& object, const Resource& resource) {
  for (const Json& scope : list_at(quota, {"spec", "scopes"})) {
    if (resource.kind != "Pod") return false;
    const bool ends = find(object, {"spec", "activeDeadlineSeconds"}).is_number();
    const bool best_effort = qos_class(find(object, {"spec"})) == "BestEffort";
    if (scope == "Terminating" && !ends) return false;
    if (scope == "NotTerminating" && ends) return false;
    if (scope == "BestEffort" && !best_effort) return false;
    if (scope == "NotBestEffort" && best_effort) return false;
  }
  return true;
}

}  // namespace

void ApiServer::admit_limits(const Request& request, Json& object) {
  const Resource& resource = *request.resource;
  const bool pod = resource.kind == "Pod" && resource.group.empty();
  const bool claim = resource.kind == "PersistentVolumeClaim";
  if ((!pod && !claim) || options_.disabled_admission.contains("LimitRanger")) return;
  std::vector<std::string> complaints;
  store_.visit("/registry/limitranges/" + request.info.object_namespace + "/", [&](const ObjectPtr& range) {
    std::vector<std::string> notes;
    const Json limits = list_at(range->value(), {"spec", "limits"});
    const std::pair<const char*, const char*> sorts[] = {{"containers", "container"}, {"initContainers", "init container"}};
    if (pod) {
      for (const auto& [list, sort] : sorts) {
        if (!object["spec"].contains(list)) continue;
        for (Json& container : object["spec"][list]) {
          for (const Json& limit : limits) {
            if (text_at(limit, {"type"}) == "Container") fill_container(container, limit, sort, notes);
          }
        }
      }
      if (!notes.empty()) object["metadata"]["annotations"]["kubernetes.io/limit-ranger"] = "LimitRanger plugin set: " + joined_by(notes, "; ");
    }
    for (const Json& limit : limits) {
      const std::string type = text_at(limit, {"type"});
      if (claim && type == "PersistentVolumeClaim") check_bounds(limit, list_at(object, {"spec", "resources", "requests"}), Json::object(), true, complaints);
      if (!pod) continue;
      Json requests = Json::object();
      Json most = Json::object();
      for (const auto& [list, sort] : sorts) {
        for (const Json& container : list_at(object, {"spec", list})) {
          if (type == "Container") check_bounds(limit, list_at(container, {"resources", "requests"}), list_at(container, {"resources", "limits"}), false, complaints);
          if (std::string_view(list) != "containers") continue;
          add_amounts(requests, list_at(container, {"resources", "requests"}));
          add_amounts(most, list_at(container, {"resources", "limits"}));
        }
      }
      if (type == "Pod") check_bounds(limit, requests, most, false, complaints);
    }
  });
  if (complaints.empty()) return;
  const std::string text = complaints.size() == 1 ? complaints[0] : "[" + joined_by(complaints, ", ") + "]";
  throw forbidden(resource.group, resource.plural, text_at(object, {"metadata", "name"}), text);
}

/// Refuses what a quota has no room for. Counting what is there stays the controller's work: `used` is the status it wrote.
Task<void> ApiServer::admit_quota(const Request& request, const Json& object) {
  const Resource& resource = *request.resource;
  if (!resource.namespaced || resource.custom || options_.disabled_admission.contains("ResourceQuota")) co_return;
  const std::string name = text_at(object, {"metadata", "name"});
  const Json usage = counted_usage(object, resource);
  std::vector<std::string> keys;
  store_.visit("/registry/resourcequotas/" + request.info.object_namespace + "/", [&](const ObjectPtr& quota) { keys.push_back(quota->key()); });
  for (const std::string& key : keys) {
    const std::string quota_name = key.substr(key.rfind('/') + 1);
    Mutation mutation = [&](const ObjectPtr& present) -> Change {
      if (!present) return Change(Json());
      Json quota = present->value();
      const Json& hard = list_at(quota, {"status", "hard"});
      if (!in_scope(quota, object, resource)) return Change(std::move(quota));
      std::vector<std::string> unset;
      std::vector<std::string> asked, used, limited;
      Json next = Json::object();
      for (const auto& [counted, limit] : hard.items()) {
        if (resource.kind == "Pod" && is_compute_name(counted) && !usage.contains(counted)) unset.push_back(counted);
        if (!usage.contains(counted)) continue;
        Json sum = Json::object();
        sum[counted] = text_at(quota, {"status", "used", counted}, "0");
        const std::string before = sum[counted].get<std::string>();
        Json more = Json::object();
        more[counted] = usage[counted];
        add_amounts(sum, more);
        if (compare_quantities(sum[counted].get<std::string>(), limit.get<std::string>()) > 0) {
          asked.push_back(counted + "=" + usage[counted].get<std::string>());
          used.push_back(counted + "=" + before);
          limited.push_back(counted + "=" + limit.get<std::string>());
        }
        next[counted] = sum[counted];
      }
      if (!unset.empty()) {
        std::string text;
        for (const std::string& each : unset) {
          std::vector<std::string> containers;
          for (const Json& container : list_at(object, {"spec", "containers"})) containers.push_back(text_at(container, {"name"}));
          text += (text.empty() ? "" : "; ") + each + " for: " + joined_by(containers, ",");
        }
        throw forbidden(resource.group, resource.plural, name, "failed quota: " + quota_name + ": must specify " + text);
      }
      if (!asked.empty()) {
        throw forbidden(resource.group, resource.plural, name,
                        "exceeded quota: " + quota_name + ", requested: " + joined_by(asked, ",") + ", used: " + joined_by(used, ",") + ", limited: " + joined_by(limited, ","));
      }
      for (const auto& [counted, amount] : next.items()) quota["status"]["used"][counted] = amount;
      return Change(std::move(quota));
    };
    if (request.dry_run) {
      (void)mutation(store_.cached(key));
      continue;
    }
    const ObjectPtr present = store_.cached(key);
    if (!present || list_at(present->value(), {"status", "hard"}).empty()) continue;
    WriteExtras extras;
    std::string wanted = key;
    (void)co_await store_.update(std::move(wanted), mutation, std::move(extras));
  }
}

}  // namespace skidpad::fakes::kube_apiserver
