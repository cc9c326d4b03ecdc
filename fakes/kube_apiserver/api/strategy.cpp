#include "fakes/kube_apiserver/api/strategy.hpp"

#include "fakes/kube_apiserver/api/base64.hpp"
#include "fakes/kube_apiserver/crd/custom_definition.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::text_at;

Rules rules_by_name(const Resource& resource) {
  Rules rules;
  const std::string name = resource.group_resource();
  const auto is_one_of = [&](std::initializer_list<std::string_view> names) { return std::find(names.begin(), names.end(), name) != names.end(); };
  rules.unconditional_update =
      !is_one_of({"runtimeclasses.node.k8s.io", "poddisruptionbudgets.policy", "csidrivers.storage.k8s.io", "csistoragecapacities.storage.k8s.io",
                  "volumeattachments.storage.k8s.io", "csinodes.storage.k8s.io", "leases.coordination.k8s.io",
                  "validatingadmissionpolicies.admissionregistration.k8s.io", "validatingadmissionpolicybindings.admissionregistration.k8s.io",
                  "mutatingwebhookconfigurations.admissionregistration.k8s.io", "validatingwebhookconfigurations.admissionregistration.k8s.io",
                  "customresourcedefinitions.apiextensions.k8s.io", "apiservices.apiregistration.k8s.io"});
  rules.create_on_update = is_one_of({"runtimeclasses.node.k8s.io", "rolebindings.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io",
                                      "roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io", "leases.coordination.k8s.io",
                                      "limitranges", "events", "events.events.k8s.io", "services", "endpoints"});
  rules.returns_deleted = is_one_of({"csidrivers.storage.k8s.io", "storageclasses.storage.k8s.io", "volumeattachments.storage.k8s.io",
                                     "csinodes.storage.k8s.io", "resourcequotas", "persistentvolumes", "serviceaccounts", "persistentvolumeclaims",
                                     "namespaces", "pods", "services", "podtemplates"});
  rules.status = resource.subresource("status") != nullptr;
  rules.generation = is_one_of({"priorityclasses.scheduling.k8s.io", "ingressclasses.networking.k8s.io", "networkpolicies.networking.k8s.io",
                                "ingresses.networking.k8s.io", "endpointslices.discovery.k8s.io", "poddisruptionbudgets.policy", "daemonsets.apps",
                                "statefulsets.apps", "deployments.apps", "replicasets.apps", "jobs.batch", "cronjobs.batch", "podtemplates",
                                "replicationcontrollers", "mutatingwebhookconfigurations.admissionregistration.k8s.io",
                                "validatingwebhookconfigurations.admissionregistration.k8s.io", "customresourcedefinitions.apiextensions.k8s.io",
                                "validatingadmissionpolicies.admissionregistration.k8s.io", "flowschemas.flowcontrol.apiserver.k8s.io",
                                "validatingadmissionpolicybindings.admissionregistration.k8s.io",
                                "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"});
  rules.orphans_by_default = is_one_of({"jobs.batch", "replicationcontrollers"});
  if (resource.custom) {
    rules.unconditional_update = false;
    rules.generation = true;
  }
  return rules;
}

/// The parts of an object that its generation counts changes of.
Json generation_view(const Json& object, const Resource& resource) {
  if (!resource.custom && object.contains("spec")) return object.at("spec");
  Json view = object;
  view.erase("kind");
  view.erase("apiVersion");
  if (resource.custom && rules_of(resource).status) view.erase("status");
  const Json labels = find(object, {"metadata", "labels"});
  view["metadata"] = resource.kind == "EndpointSlice" ? labels : Json();
  return view;
}

bool generation_changes(const Json& object, const Json& old, const Resource& resource) {
  if (!resource.custom && object.contains("spec") && old.contains("spec")) return object.at("spec") != old.at("spec");
  return generation_view(object, resource) != generation_view(old, resource);
}

void add_unless_there(Json& list, const char* value) {
  if (!list.is_array()) list = Json::array();
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

void prepare_job(Json& job) {
  Json& spec = job["spec"];
  if (runtime::bool_at(spec, {"manualSelector"})) return;
  const std::string uid = text_at(job, {"metadata", "uid"});
  const std::string name = text_at(job, {"metadata", "name"});
  for (Json* labels : {&job["metadata"]["labels"], &spec["template"]["metadata"]["labels"]}) {
    (*labels)["batch.kubernetes.io/controller-uid"] = uid;
    (*labels)["batch.kubernetes.io/job-name"] = name;
    (*labels)["controller-uid"] = uid;
    (*labels)["job-name"] = name;
  }
  if (spec["selector"].is_null()) spec["selector"] = Json::object();
  spec["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] = uid;
}

void prepare_certificate_request(Json& request, const User& user) {
  Json& spec = request["spec"];
  spec["username"] = user.name;
  spec.erase("uid");
  if (!user.uid.empty()) spec["uid"] = user.uid;
  spec["groups"] = user.groups;
  spec.erase("extra");
  if (!user.extra.empty()) spec["extra"] = user.extra;
}

/// The empty status of the kind, as Go writes it.
Json empty_status(const Resource& resource) {
  Json shell = {{"status", Json::object()}};
  const Field* field = resource.type == nullptr ? nullptr : resource.type->field("status");
  if (field == nullptr) return Json::object();
  Json status = Json::object();
  canonicalise(status, *field->type, nullptr);
  return status;
}

}  // namespace

bool User::in_group(std::string_view group) const { return std::find(groups.begin(), groups.end(), group) != groups.end(); }

const Rules& rules_of(const Resource& resource) {
  if (resource.custom) {
    static const Rules with_status{.unconditional_update = false, .status = true, .generation = true};
    static const Rules without{.unconditional_update = false, .status = false, .generation = true};
    return resource.subresource("status") != nullptr ? with_status : without;
  }
  static const std::map<std::string, Rules> table = [] {
    std::map<std::string, Rules> made;
    for (const Resource& each : built_in_resources()) made.emplace(each.group_resource(), rules_by_name(each));
    return made;
  }();
  return table.at(resource.group_resource());
}

void prepare_for_create(Json& object, const Resource& resource, const User& user) {
  const Rules& rules = rules_of(resource);
  Json& metadata = object["metadata"];
  if (rules.generation) metadata["generation"] = 1;
  if (rules.status && resource.custom) {
    object.erase("status");
  } else if (rules.status && resource.kind != "Node" && resource.kind != "Namespace") {
    object["status"] = empty_status(resource);
  }
  const std::string& kind = resource.kind;
  if (resource.group.empty()) {
    if (kind == "Pod") {
      object["status"] = {{"phase", "Pending"}, {"qosClass", qos_class(object["spec"])}};
      if (!runtime::list_at(object, {"spec", "schedulingGates"}).empty()) {
        object["status"]["conditions"] = Json::array({{{"type", "PodScheduled"}, {"status", "False"}, {"lastProbeTime", nullptr}, {"lastTransitionTime", nullptr},
                                                       {"reason", "SchedulingGated"}, {"message", "Scheduling is blocked due to non-empty scheduling gates"}}});
      }
    }
    if (kind == "Namespace") {
      object["status"] = {{"phase", "Active"}};
      add_unless_there(object["spec"]["finalizers"], "kubernetes");
    }
    if (kind == "Node") {
      bool tainted = false;
      for (const Json& taint : runtime::list_at(object, {"spec", "taints"})) tainted |= text_at(taint, {"key"}) == "node.kubernetes.io/not-ready" && text_at(taint, {"effect"}) == "NoSchedule";
      if (!tainted) object["spec"]["taints"].push_back({{"key", "node.kubernetes.io/not-ready"}, {"effect", "NoSchedule"}});
    }
    if (kind == "PersistentVolumeClaim") {
      object["status"] = {{"phase", "Pending"}};
      add_unless_there(metadata["finalizers"], "kubernetes.io/pvc-protection");
    }
    if (kind == "PersistentVolume") {
      object["status"] = {{"phase", "Pending"}};
      add_unless_there(metadata["finalizers"], "kubernetes.io/pv-protection");
    }
  } else if (kind == "DaemonSet") {
    metadata["annotations"]["deprecated.daemonset.template.generation"] = "1";
  } else if (kind == "Job") {
    prepare_job(object);
  } else if (kind == "CertificateSigningRequest") {
    prepare_certificate_request(object, user);
  }
  normalise(object, resource);
}

void prepare_for_update(Json& object, const Json& old, const Resource& resource, std::string_view subresource) {
  const Rules& rules = rules_of(resource);
  Json& metadata = object["metadata"];
  const Json& old_metadata = old.at("metadata");
  const auto keep = [](Json& target, const Json& source, const char* key) {
    const auto found = source.find(key);
    if (found == source.end()) {
      target.erase(key);
    } else {
      target[key] = *found;
    }
  };
  for (const char* key : {"creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"}) keep(metadata, old_metadata, key);
  metadata.erase("selfLink");
  if (text_at(metadata, {"uid"}).empty()) keep(metadata, old_metadata, "uid");
  const std::string& kind = resource.kind;
  if (subresource == "status" || subresource == "approval") {
    if (resource.custom) {
      Json status = object.contains("status") ? object["status"] : Json();
      const Json version = metadata["resourceVersion"];
      object = old;
      object["metadata"]["resourceVersion"] = version;
      if (status.is_null()) {
        object.erase("status");
      } else {
        object["status"] = std::move(status);
      }
      return;
    }
    keep(object, old, "spec");
    if (kind == "Deployment") keep(metadata, old_metadata, "labels");
    if (kind == "Pod") {
      keep(metadata, old_metadata, "ownerReferences");
      if (text_at(object, {"status", "qosClass"}).empty()) object["status"]["qosClass"] = old.value("status", Json::object()).value("qosClass", qos_class(old.at("spec")));
    }
    if (kind == "CertificateSigningRequest" && subresource == "status") {
      Json conditions = Json::array();  // only approval may touch these two
      for (const Json& condition : runtime::list_at(old, {"status", "conditions"})) {
        const std::string type = text_at(condition, {"type"});
        if (type == "Approved" || type == "Denied") conditions.push_back(condition);
      }
      for (const Json& condition : runtime::list_at(object, {"status", "conditions"})) {
        const std::string type = text_at(condition, {"type"});
        if (type != "Approved" && type != "Denied") conditions.push_back(condition);
      }
      if (!conditions.empty()) object["status"]["conditions"] = conditions;
    }
    if (kind == "CertificateSigningRequest" && subresource == "approval") {
      const std::string certificate = text_at(old, {"status", "certificate"});
      object["status"].erase("certificate");
      if (!certificate.empty()) object["status"]["certificate"] = certificate;
    }
    normalise(object, resource);
    return;
  }
  if (subresource == "finalize") {
    keep(object, old, "status");
    return;
  }
  if (subresource == "ephemeralcontainers") {
    const Json added = find(object, {"spec", "ephemeralContainers"});
    object["spec"] = old.at("spec");
    if (added.is_array()) object["spec"]["ephemeralContainers"] = added;
    keep(object, old, "status");
    return;
  }
  if (rules.status) keep(object, old, "status");
  if (resource.group.empty()) {
    if (kind == "Namespace") keep(object["spec"], old.value("spec", Json::object()), "finalizers");
    if (kind == "Service") {
      Json& spec = object["spec"];
      const Json& before = old.at("spec");
      const std::string type = text_at(spec, {"type"});
      if (type != "ExternalName" && text_at(before, {"type"}) != "ExternalName") {  // what was allocated stays when left out
        for (const char* key : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
          if (spec.value(key, Json()).empty()) keep(spec, before, key);
        }
      }
    }
    if (kind == "ServiceAccount" && !object.contains("secrets")) keep(object, old, "secrets");
  }
  if (kind == "CertificateSigningRequest") keep(object, old, "spec");
  if (kind == "DaemonSet") {
    const std::string key = "deprecated.daemonset.template.generation";
    std::int64_t generation = std::strtoll(text_at(old_metadata, {"annotations", key}, "1").c_str(), nullptr, 10);
    if (find(old, {"spec", "template"}) != find(object, {"spec", "template"})) ++generation;
    metadata["annotations"][key] = std::to_string(generation);
  }
  if (kind == "Job" && !find(object, {"spec", "selector"}).is_object()) {
    object["spec"]["selector"] = find(old, {"spec", "selector"});
    for (const auto& [key, value] : runtime::list_at(old, {"spec", "template", "metadata", "labels"}).items()) {
      Json& labels = object["spec"]["template"]["metadata"]["labels"];
      if (!labels.contains(key)) labels[key] = value;
    }
  }
  normalise(object, resource);
  if (rules.generation && resource.kind != "PriorityClass" && generation_changes(object, old, resource)) {
    metadata["generation"] = runtime::integer_at(old_metadata, {"generation"}) + 1;
  }
}

void normalise(Json& object, const Resource& resource) {
  if (!resource.group.empty()) return;
  if (resource.kind == "Secret") {
    const auto texts = object.find("stringData");
    if (texts == object.end()) return;
    if (texts->is_object()) {
      for (const auto& [key, value] : texts->items()) object["data"][key] = encode_base64(value.get<std::string>());
    }
    object.erase("stringData");
  } else if (resource.kind == "Pod") {
    Json& status = object["status"];
    const std::string address = text_at(status, {"podIP"});
    if (!address.empty() && !status.contains("podIPs")) status["podIPs"] = Json::array({{{"ip", address}}});
    if (address.empty() && status.contains("podIPs") && !status["podIPs"].empty()) status["podIP"] = status["podIPs"][0].value("ip", "");
    const std::string host = text_at(status, {"hostIP"});
    if (!host.empty() && !status.contains("hostIPs")) status["hostIPs"] = Json::array({{{"ip", host}}});
  }
}

}  // namespace skidpad::fakes::kube_apiserver
