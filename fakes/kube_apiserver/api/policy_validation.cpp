#include "fakes/kube_apiserver/api/container_validation.hpp"
#include "fakes/kube_apiserver/api/field_checks.hpp"
#include "fakes/kube_apiserver/api/kind_validation.hpp"
#include "fakes/kube_apiserver/api/names.hpp"
#include "fakes/kube_apiserver/api/pod_validation.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::bool_at;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

void check_access_modes(const Json& spec, const std::string& why_needed, FieldErrors& errors) {
  const Json& modes = list_at(spec, {"accessModes"});
  if (modes.empty()) errors.push_back(required_value("spec.accessModes", why_needed));
  bool single = false;
  bool other = false;
  for (const Json& mode : modes) {
    const std::string text = mode.get<std::string>();
    if (text != "ReadWriteOnce" && text != "ReadOnlyMany" && text != "ReadWriteMany" && text != "ReadWriteOncePod") {
      errors.push_back(unsupported_value("spec.accessModes", in_quotes(text), {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"}));
    }
    (text == "ReadWriteOncePod" ? single : other) = true;
  }
  if (single && other) errors.push_back(forbidden_value("spec.accessModes", "may not use ReadWriteOncePod with other access modes"));
}

void check_positive_amount(const Json& amount, const std::string& path, FieldErrors& errors) {
  const std::string text = amount.is_string() ? amount.get<std::string>() : amount.dump();
  if (compare_quantities(text, "0") <= 0) errors.push_back(invalid_text(path, text, "must be greater than zero"));
}

void check_claim(const Json& spec, FieldErrors& errors) {
  check_selector(find(spec, {"selector"}), "spec.selector", errors);
  check_access_modes(spec, "at least 1 access mode is required", errors);
  const Json& storage = find(spec, {"resources", "requests", "storage"});
  if (storage.is_null()) {
    errors.push_back(required_value("spec.resources[storage]"));
  } else {
    check_resource_amount("storage", storage, "spec.resources[storage]", errors);
    check_positive_amount(storage, "spec.resources[storage]", errors);
  }
  const std::string class_name = text_at(spec, {"storageClassName"});
  if (!class_name.empty()) append_problems(dns1123_subdomain_problems(class_name), class_name, "spec.storageClassName", errors);
  check_one_of(spec, "volumeMode", "spec", {"Block", "Filesystem"}, errors);
}

constexpr const char* volume_types[] = {"hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte", "cephfs", "iscsi", "cinder", "fc", "azureFile",
                                        "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi"};

void check_volume_kind(const Json& spec, FieldErrors& errors) {
  check_access_modes(spec, "", errors);
  const Json& capacity = list_at(spec, {"capacity"});
  if (capacity.empty()) errors.push_back(required_value("spec.capacity"));
  if (!capacity.empty() && (!capacity.contains("storage") || capacity.size() > 1)) {
    errors.push_back(unsupported_value("spec.capacity", "core.ResourceList{}", {"storage"}));
  }
  for (const auto& [name, amount] : capacity.items()) check_positive_amount(amount, at_key("spec.capacity", name), errors);
  check_one_of(spec, "persistentVolumeReclaimPolicy", "spec", {"Delete", "Recycle", "Retain"}, errors);
  std::size_t count = 0;
  for (const char* type : volume_types) {
    const Json& source = find(spec, {type});
    if (!source.is_object()) continue;
    const std::string path = std::string("spec.") + type;
    if (++count > 1) {
      errors.push_back(forbidden_value(path, "may not specify more than 1 volume type"));
      continue;
    }
    const std::string_view name = type;
    const std::string where = text_at(source, {"path"});
    if (name == "hostPath") {
      if (where.empty()) errors.push_back(required_value(path + ".path"));
      if ((where + "/").find("/../") != std::string::npos) errors.push_back(invalid_text(path + ".path", where, "must not contain '..'"));
    } else if (name == "nfs") {
      if (text_at(source, {"server"}).empty()) errors.push_back(required_value(path + ".server"));
      if (where.empty()) errors.push_back(required_value(path + ".path"));
      if (!where.empty() && where.front() != '/') errors.push_back(invalid_text(path + ".path", where, "must be an absolute path"));
    } else if (name == "local") {
      if (where.empty()) errors.push_back(required_value(path + ".path"));
      if (!find(spec, {"nodeAffinity"}).is_object()) errors.push_back(required_value("metadata.annotations", "Local volume requires node affinity"));
    } else if (name == "csi") {
      if (text_at(source, {"driver"}).empty()) errors.push_back(required_value(path + ".driver"));
      if (text_at(source, {"volumeHandle"}).empty()) errors.push_back(required_value(path + ".volumeHandle"));
    }
  }
  if (count == 0) errors.push_back(required_value("spec", "must specify a volume type"));
  if (text_at(spec, {"hostPath", "path"}) == "/" && text_at(spec, {"persistentVolumeReclaimPolicy"}) == "Recycle") {
    errors.push_back(forbidden_value("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"));
  }
  const std::string class_name = text_at(spec, {"storageClassName"});
  if (!class_name.empty()) append_problems(dns1123_subdomain_problems(class_name), class_name, "spec.storageClassName", errors);
  check_one_of(spec, "volumeMode", "spec", {"Block", "Filesystem"}, errors);
}

void check_storage_class(const Json& object, FieldErrors& errors) {
  std::string provisioner = text_at(object, {"provisioner"});
  if (provisioner.empty()) {
    errors.push_back(required_value("provisioner"));
  } else {
    std::string folded = provisioner;
    for (char& c : folded) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    append_problems(qualified_name_problems(folded), provisioner, "provisioner", errors);
  }
  const Json& parameters = list_at(object, {"parameters"});
  if (parameters.size() > 512) errors.push_back(too_long("parameters", "may not be more than 512 bytes"));
  for (const auto& [key, value] : parameters.items()) {
    if (key.empty()) errors.push_back(invalid_text("parameters", key, "field can not be empty."));
  }
  check_one_of(object, "reclaimPolicy", "", {"Delete", "Retain"}, errors);
  check_one_of(object, "volumeBindingMode", "", {"Immediate", "WaitForFirstConsumer"}, errors);
}

void check_limit_range(const Json& spec, FieldErrors& errors) {
  std::vector<std::string> types;
  std::size_t position = 0;
  for (const Json& limit : list_at(spec, {"limits"})) {
    const std::string path = at_index("spec.limits", position++);
    const std::string type = text_at(limit, {"type"});
    append_problems(qualified_name_problems(type), type, path + ".type", errors);
    if (std::find(types.begin(), types.end(), type) != types.end()) errors.push_back(duplicate_value(path + ".type", in_quotes(type)));
    types.push_back(type);
    std::set<std::string> names;
    for (const char* list : {"max", "min", "default", "defaultRequest", "maxLimitRequestRatio"}) {
      const bool for_pods = type == "Pod" && std::string_view(list).substr(0, 7) == "default";
      if (for_pods && !list_at(limit, {list}).empty()) {
        errors.push_back(forbidden_value(path + "." + list, "may not be specified when `type` is 'Pod'"));
        continue;
      }
      for (const auto& [name, amount] : list_at(limit, {list}).items()) names.insert(name);
    }
    if (type == "PersistentVolumeClaim" && find(limit, {"min", "storage"}).is_null() && find(limit, {"max", "storage"}).is_null()) {
      errors.push_back(required_value(path + ".limits", "either minimum or maximum storage value is required, but neither was provided"));
    }
    for (const std::string& name : names) {
      const auto amount = [&](const char* list) { return text_at(limit, {list, name}); };
      const auto above = [](const std::string& a, const std::string& b) { return !a.empty() && !b.empty() && compare_quantities(a, b) > 0; };
      const auto complain = [&](const char* list, const std::string& value, const std::string& detail) { errors.push_back(invalid_value(at_key(path + "." + list, name), value, detail)); };
      const std::string least = amount("min"), most = amount("max"), standard = amount("default"), request = amount("defaultRequest");
      if (above(least, most)) complain("min", least, "min value " + least + " is greater than max value " + most);
      if (above(least, request)) complain("defaultRequest", request, "min value " + least + " is greater than default request value " + request);
      if (above(request, most)) complain("defaultRequest", request, "default request value " + request + " is greater than max value " + most);
      if (above(request, standard)) complain("defaultRequest", request, "default request value " + request + " is greater than default limit value " + standard);
      if (above(least, standard)) complain("default", least, "min value " + least + " is greater than default value " + standard);
      if (above(standard, most)) complain("default", most, "default value " + standard + " is greater than max value " + most);
    }
  }
}

void check_quota(const Json& spec, FieldErrors& errors) {
  static const std::set<std::string> standard = {"cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu",
                                                 "limits.memory", "limits.ephemeral-storage", "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims",
                                                 "configmaps", "services.nodeports", "services.loadbalancers", "storage"};
  for (const auto& [name, amount] : list_at(spec, {"hard"}).items()) {
    const std::string path = at_key("spec.hard", name);
    append_problems(qualified_name_problems(name), name, path, errors);
    if (name.find('/') == std::string::npos && !standard.contains(name) && name.compare(0, 10, "hugepages-") != 0 && name.compare(0, 19, "requests.hugepages-") != 0) {
      errors.push_back(invalid_text(path, name, "must be a standard resource type or fully qualified"));
      errors.push_back(invalid_text(path, name, "must be a standard resource for quota"));
    }
    check_resource_amount(name, amount, path, errors);
  }
  const Json& scopes = list_at(spec, {"scopes"});
  for (const Json& scope : scopes) {
    const std::string text = scope.get<std::string>();
    if (text != "Terminating" && text != "NotTerminating" && text != "BestEffort" && text != "NotBestEffort" && text != "PriorityClass" && text != "CrossNamespacePodAffinity") {
      errors.push_back(invalid_value("spec.scopes", "[]core.ResourceQuotaScope{" + in_quotes(text) + "}", "unsupported scope"));
    }
  }
}

void check_priority_class(const Json& object, FieldErrors& errors) {
  const std::string name = text_at(object, {"metadata", "name"});
  const std::int64_t value = integer_at(object, {"value"});
  if (name.compare(0, 7, "system-") == 0) {
    const bool known = (name == "system-node-critical" && value == 2000001000) || (name == "system-cluster-critical" && value == 2000000000);
    if (!known) {
      errors.push_back(forbidden_value("metadata.name", "priority class names with 'system-' prefix are reserved for system use only. error: " + name + " is not a known system priority class"));
    }
  } else if (value > 1000000000) {
    errors.push_back(forbidden_value("value", "maximum allowed value of a user defined priority is 1000000000"));
  }
  check_one_of(object, "preemptionPolicy", "", {"Never", "PreemptLowerPriority"}, errors);
}

/// The involved object and the event live in one namespace; events of the newer kind must be complete.
void check_event(const Json& object, const Resource& resource, FieldErrors& errors) {
  const bool newer = resource.group == "events.k8s.io";
  const Json& about = find(object, {newer ? "regarding" : "involvedObject"});
  const std::string space = text_at(object, {"metadata", "namespace"});
  const std::string involved = text_at(about, {"namespace"});
  const bool timed = !find(object, {"eventTime"}).is_null();
  const char* differs = "does not match event.namespace";
  if (!timed) {
    if (involved.empty() ? space != "default" && !space.empty() : involved != space) errors.push_back(invalid_text("involvedObject.namespace", involved, differs));
  } else {
    if (involved.empty() && space != "default" && space != "kube-system") errors.push_back(invalid_text("involvedObject.namespace", involved, differs));
    const std::string controller = text_at(object, {newer ? "reportingController" : "reportingComponent"});
    if (controller.empty()) errors.push_back(required_value("reportingController"));
    append_problems(qualified_name_problems(controller), controller, "reportingController", errors);
    const std::string instance = text_at(object, {"reportingInstance"});
    if (instance.empty()) errors.push_back(required_value("reportingInstance"));
    if (instance.size() > 128) errors.push_back(invalid_text("reportingInstance", "", "can have at most 128 characters"));
    const std::string action = text_at(object, {"action"});
    if (action.empty()) errors.push_back(required_value("action"));
    if (action.size() > 128) errors.push_back(invalid_text("action", "", "can have at most 128 characters"));
    const std::string reason = text_at(object, {"reason"});
    if (reason.empty()) errors.push_back(required_value("reason"));
    if (reason.size() > 128) errors.push_back(invalid_text("reason", "", "can have at most 128 characters"));
    if (text_at(object, {newer ? "note" : "message"}).size() > 1024) errors.push_back(invalid_text("message", "", "can have at most 1024 characters"));
  }
  if (!newer) return;
  if (!timed) errors.push_back(required_value("eventTime"));
  const std::string type = text_at(object, {"type"});
  if (type != "Normal" && type != "Warning") errors.push_back(invalid_text("type", "", "has invalid value: " + type));
}

void check_node(const Json& object, FieldErrors& errors) {
  std::vector<std::string> seen;
  std::size_t position = 0;
  for (const Json& taint : list_at(object, {"spec", "taints"})) {
    const std::string at = at_index("spec.taints", position++);
    const std::string key = text_at(taint, {"key"});
    append_problems(qualified_name_problems(key), key, at + ".key", errors);
    const std::string value = text_at(taint, {"value"});
    append_problems(label_value_problems(value), value, at + ".value", errors);
    const std::string effect = text_at(taint, {"effect"});
    if (effect.empty()) {
      errors.push_back(required_value(at + ".effect"));
    } else {
      check_one_of(taint, "effect", at, {"NoSchedule", "PreferNoSchedule", "NoExecute"}, errors);
    }
    if (std::find(seen.begin(), seen.end(), key + "/" + effect) != seen.end()) {
      FieldError twice = duplicate_value(at, "core.Taint{}");
      twice.message += ": taints must be unique by key and effect pair";
      errors.push_back(std::move(twice));
    }
    seen.push_back(key + "/" + effect);
  }
  position = 0;
  for (const Json& range : list_at(object, {"spec", "podCIDRs"})) check_cidr(range.get<std::string>(), at_index("spec.podCIDRs", position++), errors);
}

void check_webhooks(const Json& object, FieldErrors& errors) {
  std::vector<std::string> names;
  std::size_t position = 0;
  for (const Json& hook : list_at(object, {"webhooks"})) {
    const std::string path = at_index("webhooks", position++);
    const std::string name = text_at(hook, {"name"});
    if (name.empty()) {
      errors.push_back(required_value(path + ".name"));
    } else {
      const auto problems = dns1123_subdomain_problems(name);
      append_problems(problems, name, path + ".name", errors);
      if (problems.empty() && std::count(name.begin(), name.end(), '.') < 2) errors.push_back(invalid_text(path + ".name", name, "should be a domain with at least three segments separated by dots"));
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) errors.push_back(duplicate_value(path + ".name", in_quotes(name)));
    names.push_back(name);
    std::size_t number = 0;
    for (const Json& rule : list_at(hook, {"rules"})) {
      const std::string at = at_index(path + ".rules", number++);
      for (const char* key : {"operations", "apiVersions", "apiGroups", "resources"}) {
        if (list_at(rule, {key}).empty()) errors.push_back(required_value(at + "." + key));
      }
      check_one_of(rule, "scope", at, {"*", "Cluster", "Namespaced"}, errors);
    }
    check_one_of(hook, "failurePolicy", path, {"Fail", "Ignore"}, errors);
    check_one_of(hook, "matchPolicy", path, {"Equivalent", "Exact"}, errors);
    const std::string effects = text_at(hook, {"sideEffects"});
    if (effects.empty()) {
      errors.push_back(required_value(path + ".sideEffects", "must specify one of None, NoneOnDryRun"));
    } else {
      check_one_of(hook, "sideEffects", path, {"None", "NoneOnDryRun"}, errors);
    }
    const std::int64_t timeout = integer_at(hook, {"timeoutSeconds"}, 10);
    if (timeout > 30 || timeout < 1) errors.push_back(invalid_value(path + ".timeoutSeconds", std::to_string(timeout), "the timeout value must be between 1 and 30 seconds"));
    check_selector(find(hook, {"namespaceSelector"}), path + ".namespaceSelector", errors);
    check_selector(find(hook, {"objectSelector"}), path + ".objectSelector", errors);
    const Json& url = find(hook, {"clientConfig", "url"});
    const Json& service = find(hook, {"clientConfig", "service"});
    if (url.is_string() == service.is_object()) {
      errors.push_back(required_value(path + ".clientConfig", "exactly one of url or service is required"));
    } else if (url.is_string() && url.get<std::string>().compare(0, 8, "https://") != 0) {
      errors.push_back(invalid_text(path + ".clientConfig.url", url.get<std::string>(), "'https' is the only allowed URL scheme; desired format: https://host[/path]"));
    } else if (service.is_object()) {
      if (text_at(service, {"name"}).empty()) errors.push_back(required_value(path + ".clientConfig.service.name", "service name is required"));
      if (text_at(service, {"namespace"}).empty()) errors.push_back(required_value(path + ".clientConfig.service.namespace", "service namespace is required"));
    }
    const Json& reviews = list_at(hook, {"admissionReviewVersions"});
    if (reviews.empty()) {
      errors.push_back(required_value(path + ".admissionReviewVersions", "must specify one of v1, v1beta1"));
    } else if (std::none_of(reviews.begin(), reviews.end(), [](const Json& each) { return each == "v1" || each == "v1beta1"; })) {
      errors.push_back(invalid_value(path + ".admissionReviewVersions", shown_list(reviews), "must include at least one of v1, v1beta1"));
    }
  }
}

void check_flow_schema(const Json& object, FieldErrors& errors) {
  const Json& spec = find(object, {"spec"});
  const std::int64_t precedence = integer_at(spec, {"matchingPrecedence"});
  const std::string path = "spec.matchingPrecedence";
  if (precedence <= 0) errors.push_back(invalid_value(path, std::to_string(precedence), "must be a positive value"));
  if (precedence > 10000) errors.push_back(invalid_value(path, std::to_string(precedence), "must not be greater than 10000"));
  if (precedence == 1 && text_at(object, {"metadata", "name"}) != "exempt") {
    errors.push_back(invalid_value(path, "1", "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (find(spec, {"distinguisherMethod"}).is_object()) check_one_of(find(spec, {"distinguisherMethod"}), "type", "spec.distinguisherMethod", {"ByNamespace", "ByUser"}, errors);
  const std::string level = text_at(spec, {"priorityLevelConfiguration", "name"});
  if (level.empty()) {
    errors.push_back(required_value("spec.priorityLevelConfiguration.name", "must reference a priority level"));
  } else {
    append_problems(dns1123_subdomain_problems(level), level, "spec.priorityLevelConfiguration.name", errors);
  }
  std::size_t position = 0;
  for (const Json& rule : list_at(spec, {"rules"})) {
    const std::string at = at_index("spec.rules", position++);
    if (list_at(rule, {"subjects"}).empty()) errors.push_back(required_value(at + ".subjects", "subjects must contain at least one value"));
    if (list_at(rule, {"resourceRules"}).empty() && list_at(rule, {"nonResourceRules"}).empty()) {
      errors.push_back(required_value(at, "at least one of resourceRules and nonResourceRules has to be non-empty"));
    }
  }
}

void check_priority_level(const Json& spec, FieldErrors& errors) {
  const std::string type = text_at(spec, {"type"});
  if (type == "Exempt") {
    if (find(spec, {"limited"}).is_object()) errors.push_back(forbidden_value("spec.limited", "must be nil if the type is not Limited"));
  } else if (type == "Limited") {
    const Json& limited = find(spec, {"limited"});
    if (!limited.is_object()) return errors.push_back(required_value("spec.limited", "must not be empty when type is Limited"));
    check_not_negative(limited, "nominalConcurrencyShares", "spec.limited", errors);
    const std::string response = text_at(limited, {"limitResponse", "type"});
    if (response != "Queue" && response != "Reject") {
      errors.push_back(unsupported_value("spec.limited.limitResponse.type", in_quotes(response), {"Queue", "Reject"}));
    } else if (response == "Reject" && find(limited, {"limitResponse", "queuing"}).is_object()) {
      errors.push_back(forbidden_value("spec.limited.limitResponse.queuing", "must be nil if limited.limitResponse.type is not Limited"));
    }
  } else {
    errors.push_back(unsupported_value("spec.type", in_quotes(type), {"Exempt", "Limited"}));
  }
}

void check_api_service(const Json& object, FieldErrors& errors) {
  const Json& spec = find(object, {"spec"});
  const std::string name = text_at(object, {"metadata", "name"});
  const std::string group = text_at(spec, {"group"});
  const std::string version = text_at(spec, {"version"});
  const std::string wanted = version + "." + group;
  if (name != wanted) errors.push_back(invalid_text("metadata.name", name, "must be `spec.version+\".\"+spec.group`: " + in_quotes(wanted)));
  if (group.empty() && version != "v1") errors.push_back(required_value("spec.group", "only v1 may have an empty group and it better be legacy kube"));
  if (!group.empty()) append_problems(dns1123_subdomain_problems(group), group, "spec.group", errors);
  append_problems(dns1035_label_problems(version), version, "spec.version", errors);
  const std::int64_t group_priority = integer_at(spec, {"groupPriorityMinimum"});
  if (group_priority <= 0 || group_priority > 20000) errors.push_back(invalid_value("spec.groupPriorityMinimum", std::to_string(group_priority), "must be positive and less than 20000"));
  const std::int64_t priority = integer_at(spec, {"versionPriority"});
  if (priority <= 0 || priority > 1000) errors.push_back(invalid_value("spec.versionPriority", std::to_string(priority), "must be positive and less than 1000"));
  const Json& service = find(spec, {"service"});
  const bool authority = !text_at(spec, {"caBundle"}).empty();
  if (!service.is_object()) {
    if (authority) errors.push_back(invalid_value("spec.caBundle", "[]byte{}", "local APIServices may not have a caBundle"));
    if (bool_at(spec, {"insecureSkipTLSVerify"})) errors.push_back(invalid_value("spec.insecureSkipTLSVerify", "true", "local APIServices may not have insecureSkipTLSVerify"));
    return;
  }
  if (authority && bool_at(spec, {"insecureSkipTLSVerify"})) errors.push_back(invalid_value("spec.insecureSkipTLSVerify", "true", "may not be true if caBundle is present"));
  for (const char* key : {"namespace", "name"}) {
    if (text_at(service, {key}).empty()) errors.push_back(required_value(std::string("spec.service.") + key));
  }
}

void check_admission_policy(const Json& spec, FieldErrors& errors) {
  check_one_of(spec, "failurePolicy", "spec", {"Fail", "Ignore"}, errors);
  const Json& constraints = find(spec, {"matchConstraints"});
  if (!constraints.is_object()) {
    errors.push_back(required_value("spec.matchConstraints"));
  } else if (list_at(constraints, {"resourceRules"}).empty()) {
    errors.push_back(required_value("spec.matchConstraints.resourceRules"));
  }
  const Json& validations = list_at(spec, {"validations"});
  if (validations.empty() && list_at(spec, {"auditAnnotations"}).empty()) {
    errors.push_back(required_value("spec.validations", "validations or auditAnnotations must contain at least one item"));
    errors.push_back(required_value("spec.auditAnnotations", "validations or auditAnnotations must contain at least one item"));
  }
  std::size_t position = 0;
  for (const Json& validation : validations) {
    const std::string at = at_index("spec.validations", position++);
    const std::string expression = text_at(validation, {"expression"});
    if (expression.find_first_not_of(" \t\n") == std::string::npos) errors.push_back(required_value(at + ".expression", "expression is not specified"));
    const std::string message = text_at(validation, {"message"});
    if (message.find('\n') != std::string::npos) errors.push_back(invalid_text(at + ".message", message, "message must not contain line breaks"));
    if (expression.find('\n') != std::string::npos && message.empty()) errors.push_back(required_value(at + ".message", "message must be specified if expression contains line breaks"));
    check_one_of(validation, "reason", at, {"Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"}, errors);
  }
}

void check_admission_binding(const Json& spec, FieldErrors& errors) {
  const std::string policy = text_at(spec, {"policyName"});
  if (policy.empty()) {
    errors.push_back(required_value("spec.policyName"));
  } else {
    append_problems(dns1123_subdomain_problems(policy), policy, "spec.policyName", errors);
  }
  const Json& actions = list_at(spec, {"validationActions"});
  if (actions.empty()) errors.push_back(required_value("spec.validationActions", "at least one validation action is required"));
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const std::string action = actions[i].get<std::string>();
    if (action != "Audit" && action != "Deny" && action != "Warn") errors.push_back(unsupported_value(at_index("spec.validationActions", i), in_quotes(action), {"Audit", "Deny", "Warn"}));
    if (std::find(seen.begin(), seen.end(), action) != seen.end()) errors.push_back(duplicate_value(at_index("spec.validationActions", i), in_quotes(action)));
    seen.push_back(action);
  }
  const auto has = [&](const char* action) { return std::find(seen.begin(), seen.end(), action) != seen.end(); };
  if (has("Deny") && has("Warn")) {
    errors.push_back(invalid_value("spec.validationActions", shown_list(actions), "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)"));
  }
}

}  // namespace

void check_policy_kind(const Json& object, const Resource& resource, FieldErrors& errors) {
  const std::string& kind = resource.kind;
  const Json& spec = find(object, {"spec"});
  if (kind == "PersistentVolumeClaim") return check_claim(spec, errors);
  if (kind == "PersistentVolume") return check_volume_kind(spec, errors);
  if (kind == "StorageClass") return check_storage_class(object, errors);
  if (kind == "LimitRange") return check_limit_range(spec, errors);
  if (kind == "ResourceQuota") return check_quota(spec, errors);
  if (kind == "PriorityClass") return check_priority_class(object, errors);
  if (kind == "Event") return check_event(object, resource, errors);
  if (kind == "Node") return check_node(object, errors);
  if (kind == "ValidatingWebhookConfiguration" || kind == "MutatingWebhookConfiguration") return check_webhooks(object, errors);
  if (kind == "FlowSchema") return check_flow_schema(object, errors);
  if (kind == "PriorityLevelConfiguration") return check_priority_level(spec, errors);
  if (kind == "APIService") return check_api_service(object, errors);
  if (kind == "ValidatingAdmissionPolicy") return check_admission_policy(spec, errors);
  if (kind == "ValidatingAdmissionPolicyBinding") return check_admission_binding(spec, errors);
  if (kind == "RuntimeClass") {
    const std::string handler = text_at(object, {"handler"});
    append_problems(dns1123_label_problems(handler), handler, "handler", errors);
    return;
  }
  if (kind == "Namespace") {
    for (const Json& finalizer : list_at(spec, {"finalizers"})) {
      const std::string text = finalizer.get<std::string>();
      append_problems(qualified_name_problems(text), text, "spec.finalizers", errors);
    }
  }
}

void check_policy_change(const Json& object, const Json& old, const Resource& resource, FieldErrors& errors) {
  const std::string& kind = resource.kind;
  if (kind == "PersistentVolumeClaim") {
    Json now = object.at("spec");
    Json then = old.at("spec");
    if (text_at(then, {"volumeName"}).empty()) {
      now.erase("volumeName");
      then.erase("volumeName");
    }
    const bool bound = text_at(object, {"status", "phase"}) == "Bound";
    const std::string size = text_at(now, {"resources", "requests", "storage"});
    const std::string size_before = text_at(then, {"resources", "requests", "storage"});
    if (bound) {
      now["resources"]["requests"]["storage"] = size_before;
      now.erase("volumeAttributesClassName");
      then.erase("volumeAttributesClassName");
    }
    if (now != then) errors.push_back(forbidden_value("spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n  core.PersistentVolumeClaimSpec{}\n"));
    if (bound && !size.empty() && compare_quantities(size, size_before) < 0) errors.push_back(forbidden_value("spec.resources.requests.storage", "field can not be less than status.capacity"));
    if (text_at(now, {"volumeMode"}) != text_at(then, {"volumeMode"})) check_immutable(find(now, {"volumeMode"}), find(then, {"volumeMode"}), "volumeMode", errors);
  }
  if (kind == "PersistentVolume") {
    for (const char* type : volume_types) {
      if (find(object, {"spec", type}) == find(old, {"spec", type})) continue;
      errors.push_back(forbidden_value("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation\n  core.PersistentVolumeSource{}\n"));
      break;
    }
    check_immutable(find(object, {"spec", "volumeMode"}), find(old, {"spec", "volumeMode"}), "volumeMode", errors);
  }
  if (kind == "StorageClass") {
    for (const char* key : {"parameters", "provisioner", "reclaimPolicy"}) {
      if (find(object, {key}) != find(old, {key})) errors.push_back(forbidden_value(key, std::string("updates to ") + key + " are forbidden."));
    }
    check_immutable(find(object, {"volumeBindingMode"}), find(old, {"volumeBindingMode"}), "volumeBindingMode", errors);
  }
  if (kind == "PriorityClass") {
    if (find(object, {"value"}) != find(old, {"value"})) errors.push_back(forbidden_value("value", "may not be changed in an update."));
    check_immutable(find(object, {"preemptionPolicy"}), find(old, {"preemptionPolicy"}), "preemptionPolicy", errors);
  }
  if (kind == "ResourceQuota" && find(object, {"spec", "scopes"}) != find(old, {"spec", "scopes"})) {
    errors.push_back(invalid_value("spec.scopes", "[]core.ResourceQuotaScope{}", "field is immutable"));
  }
  if (kind == "Node" && !text_at(old, {"spec", "providerID"}).empty() && find(object, {"spec", "providerID"}) != find(old, {"spec", "providerID"})) {
    errors.push_back(forbidden_value("spec.providerID", "node updates may not change providerID except from \"\" to valid"));
  }
  if (kind == "RuntimeClass") check_immutable(find(object, {"handler"}), find(old, {"handler"}), "handler", errors);
}

}  // namespace skidpad::fakes::kube_apiserver
