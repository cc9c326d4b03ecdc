#include "fakes/kube_apiserver/api/defaults.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::text_at;

/// Sets a member unless it is there; null counts as absent.
template <class T>
void fill(Json& object, const char* key, T&& value) {
  Json& member = object[key];
  if (member.is_null()) member = std::forward<T>(value);
}
void fill_text(Json& object, const char* key, const char* value) {
  Json& member = object[key];
  if (member.is_null() || (member.is_string() && member.get_ref<const std::string&>().empty())) member = value;
}
bool has(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && !found->is_null();
}
template <class F>
void each(Json& object, const char* key, F&& action) {
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array()) return;
  for (Json& item : *list) action(item);
}

void default_http_get(Json& holder) {
  const auto get = holder.find("httpGet");
  if (get == holder.end() || !get->is_object()) return;
  fill_text(*get, "path", "/");
  fill_text(*get, "scheme", "HTTP");
}

void default_probe(Json& container, const char* key) {
  const auto found = container.find(key);
  if (found == container.end() || !found->is_object()) return;
  Json& probe = *found;
  fill(probe, "timeoutSeconds", 1);
  fill(probe, "periodSeconds", 10);
  fill(probe, "successThreshold", 1);
  fill(probe, "failureThreshold", 3);
  default_http_get(probe);
  if (has(probe, "grpc")) fill(probe["grpc"], "service", "");
}

void default_field_ref(Json& holder) {
  const auto reference = holder.find("fieldRef");
  if (reference != holder.end() && reference->is_object()) fill_text(*reference, "apiVersion", "v1");
}

void default_container(Json& container, bool host_network) {
  fill_text(container, "imagePullPolicy", default_pull_policy(text_at(container, {"image"})).c_str());
  fill_text(container, "terminationMessagePath", "/dev/termination-log");
  fill_text(container, "terminationMessagePolicy", "File");
  each(container, "ports", [&](Json& port) {
    fill_text(port, "protocol", "TCP");
    if (host_network && !has(port, "hostPort")) port["hostPort"] = port["containerPort"];
  });
  each(container, "env", [](Json& variable) {
    const auto from = variable.find("valueFrom");
    if (from != variable.end() && from->is_object()) default_field_ref(*from);
  });
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) default_probe(container, probe);
  const auto lifecycle = container.find("lifecycle");
  if (lifecycle != container.end() && lifecycle->is_object()) {
    for (const char* hook : {"postStart", "preStop"}) {
      const auto found = lifecycle->find(hook);
      if (found != lifecycle->end() && found->is_object()) default_http_get(*found);
    }
  }
}

void default_downward(Json& holder) {
  each(holder, "items", [](Json& item) { default_field_ref(item); });
}

void default_claim(Json& claim) {
  fill_text(claim["spec"], "volumeMode", "Filesystem");
}

void default_volume(Json& volume) {
  if (volume.size() <= 1) volume["emptyDir"] = Json::object();
  for (const char* source : {"secret", "configMap", "downwardAPI", "projected"}) {
    const auto found = volume.find(source);
    if (found != volume.end() && found->is_object()) fill(*found, "defaultMode", 420);
  }
  if (has(volume, "downwardAPI")) default_downward(volume["downwardAPI"]);
  if (has(volume, "projected")) {
    each(volume["projected"], "sources", [](Json& source) {
      if (has(source, "serviceAccountToken")) fill(source["serviceAccountToken"], "expirationSeconds", 3600);
      if (has(source, "downwardAPI")) default_downward(source["downwardAPI"]);
    });
  }
  if (has(volume, "hostPath")) fill(volume["hostPath"], "type", "");
  if (has(volume, "ephemeral") && has(volume["ephemeral"], "volumeClaimTemplate")) default_claim(volume["ephemeral"]["volumeClaimTemplate"]);
}

void default_pod_spec(Json& spec) {
  const bool host_network = runtime::bool_at(spec, {"hostNetwork"});
  fill_text(spec, "restartPolicy", "Always");
  fill(spec, "terminationGracePeriodSeconds", 30);
  fill_text(spec, "dnsPolicy", "ClusterFirst");
  fill(spec, "securityContext", Json::object());
  fill_text(spec, "schedulerName", "default-scheduler");
  const std::string account = has(spec, "serviceAccountName") ? text_at(spec, {"serviceAccountName"}) : text_at(spec, {"serviceAccount"});
  if (!account.empty()) spec["serviceAccountName"] = spec["serviceAccount"] = account;
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    each(spec, list, [&](Json& container) { default_container(container, host_network); });
  }
  each(spec, "volumes", default_volume);
}

void default_template(Json& holder) {
  const auto found = holder.find("template");
  if (found != holder.end() && found->is_object()) default_pod_spec((*found)["spec"]);
}

void default_pod(Json& pod) {
  Json& spec = pod["spec"];
  default_pod_spec(spec);
  fill(spec, "enableServiceLinks", true);
  for (const char* list : {"initContainers", "containers"}) {
    each(spec, list, [](Json& container) {
      const Json limits = find(container, {"resources", "limits"});
      if (!limits.is_object()) return;
      Json& requests = container["resources"]["requests"];
      if (!requests.is_object()) requests = Json::object();
      for (const auto& [name, value] : limits.items()) {
        if (!requests.contains(name)) requests[name] = value;
      }
    });
  }
}

void default_service(Json& service) {
  Json& spec = service["spec"];
  fill_text(spec, "type", "ClusterIP");
  fill_text(spec, "sessionAffinity", "None");
  const std::string type = text_at(spec, {"type"});
  if (text_at(spec, {"sessionAffinity"}) == "None") spec.erase("sessionAffinityConfig");
  if (text_at(spec, {"sessionAffinity"}) == "ClientIP") fill(spec["sessionAffinityConfig"]["clientIP"], "timeoutSeconds", 10800);
  each(spec, "ports", [](Json& port) {
    fill_text(port, "protocol", "TCP");
    const Json& target = port["targetPort"];
    if (target == 0 || target == "" || target.is_null()) port["targetPort"] = port["port"];
  });
  const bool external = type == "NodePort" || type == "LoadBalancer";
  if (external || find(spec, {"externalIPs"}).is_array()) fill_text(spec, "externalTrafficPolicy", "Cluster");
  if (type != "ExternalName") fill_text(spec, "internalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") fill(spec, "allocateLoadBalancerNodePorts", true);
}

void default_workload(Json& object, const std::string& kind) {
  Json& spec = object["spec"];
  default_template(spec);
  if (kind == "Deployment") {
    fill(spec, "replicas", 1);
    Json& strategy = spec["strategy"];
    if (strategy.is_null()) strategy = Json::object();
    fill_text(strategy, "type", "RollingUpdate");
    if (strategy["type"] == "RollingUpdate") {
      Json& rolling = strategy["rollingUpdate"];
      if (rolling.is_null()) rolling = Json::object();
      fill(rolling, "maxUnavailable", "25%");
      fill(rolling, "maxSurge", "25%");
    }
    fill(spec, "revisionHistoryLimit", 10);
    fill(spec, "progressDeadlineSeconds", 600);
  } else if (kind == "ReplicaSet" || kind == "ReplicationController") {
    fill(spec, "replicas", 1);
    const Json labels = find(spec, {"template", "metadata", "labels"});
    if (kind == "ReplicationController" && labels.is_object()) {
      if (!has(spec, "selector") || spec["selector"].empty()) spec["selector"] = labels;
      if (!has(object["metadata"], "labels") || object["metadata"]["labels"].empty()) object["metadata"]["labels"] = labels;
    }
  } else if (kind == "DaemonSet") {
    Json& strategy = spec["updateStrategy"];
    if (strategy.is_null()) strategy = Json::object();
    fill_text(strategy, "type", "RollingUpdate");
    if (strategy["type"] == "RollingUpdate") {
      Json& rolling = strategy["rollingUpdate"];
      if (rolling.is_null()) rolling = Json::object();
      fill(rolling, "maxUnavailable", 1);
      fill(rolling, "maxSurge", 0);
    }
    fill(spec, "revisionHistoryLimit", 10);
  } else if (kind == "StatefulSet") {
    fill_text(spec, "podManagementPolicy", "OrderedReady");
    Json& strategy = spec["updateStrategy"];
    if (strategy.is_null()) strategy = Json::object();
    fill_text(strategy, "type", "RollingUpdate");
    if (strategy["type"] == "RollingUpdate") {
      Json& rolling = strategy["rollingUpdate"];
      if (rolling.is_null()) rolling = Json::object();
      fill(rolling, "partition", 0);
    }
    fill(spec, "replicas", 1);
    fill(spec, "revisionHistoryLimit", 10);
    Json& retention = spec["persistentVolumeClaimRetentionPolicy"];
    if (retention.is_null()) retention = Json::object();
    fill_text(retention, "whenDeleted", "Retain");
    fill_text(retention, "whenScaled", "Retain");
    each(spec, "volumeClaimTemplates", [](Json& claim) {
      claim["apiVersion"] = "v1";
      claim["kind"] = "PersistentVolumeClaim";
      default_claim(claim);
      fill_text(claim["status"], "phase", "Pending");
    });
  }
}

void default_job(Json& object) {
  Json& spec = object["spec"];
  default_template(spec);
  if (!has(spec, "completions") && !has(spec, "parallelism")) spec["completions"] = 1;
  fill(spec, "parallelism", 1);
  if (!has(spec, "backoffLimit")) spec["backoffLimit"] = has(spec, "backoffLimitPerIndex") ? 2147483647 : 6;
  fill_text(spec, "completionMode", "NonIndexed");
  fill(spec, "suspend", false);
  fill(spec, "manualSelector", false);
  if (!has(spec, "podReplacementPolicy")) spec["podReplacementPolicy"] = has(spec, "podFailurePolicy") ? "Failed" : "TerminatingOrFailed";
}

void default_autoscaler(Json& object) {
  Json& spec = object["spec"];
  fill(spec, "minReplicas", 1);
  if (!find(spec, {"metrics"}).is_array() || spec["metrics"].empty()) {
    spec["metrics"] = Json::parse(R"([{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}])");
  }
  if (!has(spec, "behavior")) return;
  Json& behavior = spec["behavior"];
  for (const char* direction : {"scaleUp", "scaleDown"}) {
    const bool up = std::string_view(direction) == "scaleUp";
    Json& rules = behavior[direction];
    if (rules.is_null()) rules = Json::object();
    fill_text(rules, "selectPolicy", "Max");
    if (up) fill(rules, "stabilizationWindowSeconds", 0);
    if (!has(rules, "policies")) {
      rules["policies"] = Json::parse(up ? R"([{"type":"Pods","value":4,"periodSeconds":15},{"type":"Percent","value":100,"periodSeconds":15}])"
                                         : R"([{"type":"Percent","value":100,"periodSeconds":15}])");
    }
  }
}

void default_network_policy(Json& object) {
  Json& spec = object["spec"];
  if (!has(spec, "policyTypes")) {
    spec["policyTypes"] = Json::array({"Ingress"});
    if (!find(spec, {"egress"}).empty()) spec["policyTypes"].push_back("Egress");
  }
  for (const char* direction : {"ingress", "egress"}) {
    each(spec, direction, [](Json& rule) { each(rule, "ports", [](Json& port) { fill_text(port, "protocol", "TCP"); }); });
  }
}

/// For containers a maximum is also the default limit, a default limit also the default request, and so is a minimum.
void default_limit_range(Json& object) {
  each(object["spec"], "limits", [](Json& limit) {
    if (text_at(limit, {"type"}) != "Container") return;
    const std::pair<const char*, const char*> sources[] = {{"max", "default"}, {"default", "defaultRequest"}, {"min", "defaultRequest"}};
    for (const auto& [from, to] : sources) {
      const Json given = find(limit, {from});
      if (!given.is_object()) continue;
      for (const auto& [name, amount] : given.items()) fill(limit[to], name.c_str(), amount);
    }
  });
}

void default_role_binding(Json& object) {
  fill_text(object["roleRef"], "apiGroup", "rbac.authorization.k8s.io");
  each(object, "subjects", [](Json& subject) {
    const std::string kind = text_at(subject, {"kind"});
    if (kind == "User" || kind == "Group") fill_text(subject, "apiGroup", "rbac.authorization.k8s.io");
  });
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

void default_custom_definition(Json& object) {
  Json& spec = object["spec"];
  Json& names = spec["names"];
  const std::string kind = text_at(names, {"kind"});
  fill_text(names, "singular", lower(kind).c_str());
  if (!kind.empty()) fill_text(names, "listKind", (kind + "List").c_str());
  fill(spec, "conversion", Json{{"strategy", "None"}});
  if (text_at(spec, {"conversion", "strategy"}) == "Webhook" && has(spec["conversion"], "webhook") && has(spec["conversion"]["webhook"], "clientConfig") &&
      has(spec["conversion"]["webhook"]["clientConfig"], "service")) {
    fill(spec["conversion"]["webhook"]["clientConfig"]["service"], "port", 443);
  }
}

void default_match_resources(Json& match) {
  fill_text(match, "matchPolicy", "Equivalent");
  fill(match, "namespaceSelector", Json::object());
  fill(match, "objectSelector", Json::object());
  for (const char* list : {"resourceRules", "excludeResourceRules"}) each(match, list, [](Json& rule) { fill_text(rule, "scope", "*"); });
}

void default_webhooks(Json& object, bool mutating) {
  each(object, "webhooks", [&](Json& hook) {
    fill_text(hook, "failurePolicy", "Fail");
    fill_text(hook, "matchPolicy", "Equivalent");
    fill(hook, "namespaceSelector", Json::object());
    fill(hook, "objectSelector", Json::object());
    fill(hook, "timeoutSeconds", 10);
    if (mutating) fill_text(hook, "reinvocationPolicy", "Never");
    each(hook, "rules", [](Json& rule) { fill_text(rule, "scope", "*"); });
    if (has(hook, "clientConfig") && has(hook["clientConfig"], "service")) fill(hook["clientConfig"]["service"], "port", 443);
  });
}

}  // namespace

std::string default_pull_policy(std::string_view image) {
  const std::size_t slash = image.rfind('/');
  std::string_view name = slash == std::string_view::npos ? image : image.substr(slash + 1);
  const bool digest = name.find('@') != std::string_view::npos;
  name = name.substr(0, name.find('@'));
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return digest ? "IfNotPresent" : "Always";
  return name.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

std::string qos_class(const Json& spec) {
  bool any = false;
  bool guaranteed = true;
  for (const char* list : {"initContainers", "containers"}) {
    for (const Json& container : runtime::list_at(spec, {list})) {
      const Json& limits = find(container, {"resources", "limits"});
      const Json& requests = find(container, {"resources", "requests"});
      for (const char* name : {"cpu", "memory"}) {
        const std::string limit = text_at(limits, {name}, "0");
        const std::string request = text_at(requests, {name}, "0");
        if (limit != "0" || request != "0") any = true;
        if (limit == "0" || limit != request) guaranteed = false;
      }
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

void apply_defaults(Json& object, const Resource& resource) {
  const std::string& kind = resource.kind;
  const std::string& group = resource.group;
  if (group.empty()) {
    if (kind == "Pod") return default_pod(object);
    if (kind == "Service") return default_service(object);
    if (kind == "PodTemplate") return default_template(object);
    if (kind == "ReplicationController") return default_workload(object, kind);
    if (kind == "Secret") return fill_text(object, "type", "Opaque");
    if (kind == "Endpoints") {
      return each(object, "subsets", [](Json& subset) { each(subset, "ports", [](Json& port) { fill_text(port, "protocol", "TCP"); }); });
    }
    if (kind == "Namespace") {
      fill_text(object["status"], "phase", "Active");
      object["metadata"]["labels"]["kubernetes.io/metadata.name"] = text_at(object, {"metadata", "name"});
      return;
    }
    if (kind == "Node") {
      Json& status = object["status"];
      if (!has(status, "allocatable") && has(status, "capacity")) status["allocatable"] = status["capacity"];
      Json& spec = object["spec"];
      const std::string range = text_at(spec, {"podCIDR"});
      if (!range.empty() && !has(spec, "podCIDRs")) spec["podCIDRs"] = Json::array({range});
      if (range.empty() && has(spec, "podCIDRs") && !spec["podCIDRs"].empty()) spec["podCIDR"] = spec["podCIDRs"][0];
      return;
    }
    if (kind == "LimitRange") return default_limit_range(object);
    if (kind == "PersistentVolumeClaim") {
      default_claim(object);
      return fill_text(object["status"], "phase", "Pending");
    }
    if (kind == "PersistentVolume") {
      fill_text(object["status"], "phase", "Pending");
      fill_text(object["spec"], "persistentVolumeReclaimPolicy", "Retain");
      fill_text(object["spec"], "volumeMode", "Filesystem");
      if (has(object["spec"], "hostPath")) fill(object["spec"]["hostPath"], "type", "");
      return;
    }
    return;
  }
  if (group == "apps" && kind != "ControllerRevision") return default_workload(object, kind);
  if (group == "batch" && kind == "Job") return default_job(object);
  if (group == "batch" && kind == "CronJob") {
    Json& spec = object["spec"];
    fill_text(spec, "concurrencyPolicy", "Allow");
    fill(spec, "suspend", false);
    fill(spec, "successfulJobsHistoryLimit", 3);
    fill(spec, "failedJobsHistoryLimit", 1);
    return default_template(spec["jobTemplate"]["spec"]);
  }
  if (group == "autoscaling") return default_autoscaler(object);
  if (group == "discovery.k8s.io") {
    return each(object, "ports", [](Json& port) {
      fill(port, "name", "");
      fill_text(port, "protocol", "TCP");
    });
  }
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") return default_role_binding(object);
  if (kind == "PriorityClass") return fill_text(object, "preemptionPolicy", "PreemptLowerPriority");
  if (kind == "NetworkPolicy") return default_network_policy(object);
  if (kind == "StorageClass") {
    fill_text(object, "reclaimPolicy", "Delete");
    return fill_text(object, "volumeBindingMode", "Immediate");
  }
  if (kind == "CSIDriver") {
    Json& spec = object["spec"];
    fill(spec, "attachRequired", true);
    fill(spec, "podInfoOnMount", false);
    fill(spec, "storageCapacity", false);
    fill_text(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    fill(spec, "volumeLifecycleModes", Json::array({"Persistent"}));
    fill(spec, "requiresRepublish", false);
    return fill(spec, "seLinuxMount", false);
  }
  if (kind == "IngressClass") {
    if (has(object["spec"], "parameters")) fill_text(object["spec"]["parameters"], "scope", "Cluster");
    return;
  }
  if (kind == "FlowSchema") {
    if (runtime::integer_at(object, {"spec", "matchingPrecedence"}) == 0) object["spec"]["matchingPrecedence"] = 1000;
    return;
  }
  if (kind == "PriorityLevelConfiguration") {
    if (!has(object["spec"], "limited")) return;
    Json& limited = object["spec"]["limited"];
    fill(limited, "nominalConcurrencyShares", 30);
    fill(limited, "lendablePercent", 0);
    return;
  }
  if (kind == "ValidatingAdmissionPolicy") {
    Json& spec = object["spec"];
    fill_text(spec, "failurePolicy", "Fail");
    if (has(spec, "matchConstraints")) default_match_resources(spec["matchConstraints"]);
    return;
  }
  if (kind == "ValidatingAdmissionPolicyBinding") {
    if (has(object["spec"], "matchResources")) default_match_resources(object["spec"]["matchResources"]);
    return;
  }
  if (kind == "CustomResourceDefinition") return default_custom_definition(object);
  if (kind == "ValidatingWebhookConfiguration") return default_webhooks(object, false);
  if (kind == "MutatingWebhookConfiguration") return default_webhooks(object, true);
  if (kind == "APIService") {
    if (has(object["spec"], "service")) fill(object["spec"]["service"], "port", 443);
  }
}

}  // namespace skidpad::fakes::kube_apiserver
