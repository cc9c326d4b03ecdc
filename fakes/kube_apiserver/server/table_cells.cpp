#include "fakes/kube_apiserver/server/table_cells.hpp"

#include "fakes/kube_apiserver/server/table.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

constexpr const char* none = "<none>";

std::string since(const Json& object, std::initializer_list<std::string_view> path, runtime::WallTime now) {
  const std::string text = text_at(object, path);
  runtime::WallTime time;
  if (text.empty() || !runtime::parse_rfc3339(text, time)) return "<unknown>";
  return age_text(now - time);
}

std::string joined(const std::vector<std::string>& parts, const char* separator = ",") {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

std::string or_none(std::string text) { return text.empty() ? none : text; }

std::string labels_text(const Json& labels) {
  std::vector<std::string> parts;
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) parts.push_back(key + "=" + value.get<std::string>());
  }
  return or_none(joined(parts));
}

void add_containers(Json& cells, const Json& spec) {
  std::vector<std::string> names;
  std::vector<std::string> images;
  for (const Json& container : list_at(spec, {"containers"})) {
    names.push_back(text_at(container, {"name"}));
    images.push_back(text_at(container, {"image"}));
  }
  cells.push_back(joined(names));
  cells.push_back(joined(images));
}

std::string ended_text(const Json& ended, const std::string& prefix) {
  const std::string reason = text_at(ended, {"reason"});
  if (!reason.empty()) return prefix + reason;
  const std::int64_t signal = integer_at(ended, {"signal"});
  return signal != 0 ? prefix + "Signal:" + std::to_string(signal) : prefix + "ExitCode:" + std::to_string(integer_at(ended, {"exitCode"}));
}

bool condition_true(const Json& status, std::string_view type) {
  for (const Json& condition : list_at(status, {"conditions"})) {
    if (text_at(condition, {"type"}) == type) return text_at(condition, {"status"}) == "True";
  }
  return false;
}

Json pod_cells(const Json& pod, runtime::WallTime now) {
  const Json& spec = find(pod, {"spec"});
  const Json& status = find(pod, {"status"});
  const std::string phase = text_at(status, {"phase"});
  std::string reason = text_at(status, {"reason"}, phase);
  if (reason.empty()) reason = phase;
  std::size_t total = list_at(spec, {"containers"}).size();
  std::size_t ready = 0;
  std::int64_t restarts = 0;
  std::int64_t sidecar_restarts = 0;
  std::string last_restart;
  const auto note_restart = [&](const Json& container) { last_restart = std::max(last_restart, text_at(container, {"lastState", "terminated", "finishedAt"})); };
  for (const Json& condition : list_at(status, {"conditions"})) {
    if (text_at(condition, {"type"}) == "PodScheduled" && text_at(condition, {"reason"}) == "SchedulingGated") reason = "SchedulingGated";
  }
  std::vector<std::string> sidecars;
  for (const Json& container : list_at(spec, {"initContainers"})) {
    if (text_at(container, {"restartPolicy"}) == "Always") sidecars.push_back(text_at(container, {"name"}));
  }
  total += sidecars.size();
  bool initializing = false;
  std::size_t position = 0;
  for (const Json& container : list_at(status, {"initContainerStatuses"})) {
    const std::size_t i = position++;
    restarts += integer_at(container, {"restartCount"});
    note_restart(container);
    const bool sidecar = std::find(sidecars.begin(), sidecars.end(), text_at(container, {"name"})) != sidecars.end();
    if (sidecar) sidecar_restarts += integer_at(container, {"restartCount"});
    const Json& ended = find(container, {"state", "terminated"});
    const std::string waiting = text_at(container, {"state", "waiting", "reason"});
    if (ended.is_object() && integer_at(ended, {"exitCode"}) == 0) continue;
    if (sidecar && runtime::bool_at(container, {"started"})) {
      ready += runtime::bool_at(container, {"ready"}) ? 1 : 0;
      continue;
    }
    if (ended.is_object()) {
      reason = ended_text(ended, "Init:");
    } else if (!waiting.empty() && waiting != "PodInitializing") {
      reason = "Init:" + waiting;
    } else {
      reason = "Init:" + std::to_string(i) + "/" + std::to_string(list_at(spec, {"initContainers"}).size());
    }
    initializing = true;
    break;
  }
  if (!initializing || condition_true(status, "Initialized")) {
    restarts = sidecar_restarts;
    bool running = false;
    const Json& containers = list_at(status, {"containerStatuses"});
    for (std::size_t i = containers.size(); i-- > 0;) {
      const Json& container = containers[i];
      restarts += integer_at(container, {"restartCount"});
      note_restart(container);
      const std::string waiting = text_at(container, {"state", "waiting", "reason"});
      const Json& ended = find(container, {"state", "terminated"});
      if (!waiting.empty()) {
        reason = waiting;
      } else if (ended.is_object()) {
        reason = ended_text(ended, "");
      } else if (runtime::bool_at(container, {"ready"}) && find(container, {"state", "running"}).is_object()) {
        running = true;
        ++ready;
      }
    }
    if (reason == "Completed" && running) reason = condition_true(status, "Ready") ? "Running" : "NotReady";
  }
  if (!find(pod, {"metadata", "deletionTimestamp"}).is_null()) {
    if (text_at(status, {"reason"}) == "NodeLost") {
      reason = "Unknown";
    } else if (phase != "Failed" && phase != "Succeeded") {
      reason = "Terminating";
    }
  }
  std::string restarts_text = std::to_string(restarts);
  runtime::WallTime time;
  if (restarts != 0 && runtime::parse_rfc3339(last_restart, time)) restarts_text += " (" + age_text(now - time) + " ago)";
  Json cells = {text_at(pod, {"metadata", "name"}), std::to_string(ready) + "/" + std::to_string(total), reason, restarts_text, since(pod, {"metadata", "creationTimestamp"}, now)};
  const Json& addresses = list_at(status, {"podIPs"});
  cells.push_back(or_none(addresses.empty() ? "" : text_at(addresses[0], {"ip"})));
  cells.push_back(or_none(text_at(spec, {"nodeName"})));
  cells.push_back(or_none(text_at(status, {"nominatedNodeName"})));
  const Json& gates = list_at(spec, {"readinessGates"});
  std::size_t open = 0;
  for (const Json& gate : gates) open += condition_true(status, text_at(gate, {"conditionType"})) ? 1 : 0;
  cells.push_back(gates.empty() ? none : std::to_string(open) + "/" + std::to_string(gates.size()));
  return cells;
}

Json node_cells(const Json& node, runtime::WallTime now) {
  std::string status;
  for (const Json& condition : list_at(node, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == "Ready") status = text_at(condition, {"status"}) == "True" ? "Ready" : "NotReady";
  }
  if (status.empty()) status = "Unknown";
  if (runtime::bool_at(node, {"spec", "unschedulable"})) status += ",SchedulingDisabled";
  std::vector<std::string> roles;
  for (const auto& [key, value] : list_at(node, {"metadata", "labels"}).items()) {
    constexpr std::string_view prefix = "node-role.kubernetes.io/";
    if (key.compare(0, prefix.size(), prefix) == 0 && key.size() > prefix.size()) roles.push_back(key.substr(prefix.size()));
    if (key == "kubernetes.io/role" && !value.get<std::string>().empty()) roles.push_back(value.get<std::string>());
  }
  std::sort(roles.begin(), roles.end());
  std::string internal;
  std::string external;
  for (const Json& address : list_at(node, {"status", "addresses"})) {
    if (text_at(address, {"type"}) == "InternalIP" && internal.empty()) internal = text_at(address, {"address"});
    if (text_at(address, {"type"}) == "ExternalIP" && external.empty()) external = text_at(address, {"address"});
  }
  const auto info = [&](const char* key) {
    const std::string text = text_at(node, {"status", "nodeInfo", key});
    return text.empty() ? std::string("<unknown>") : text;
  };
  return {text_at(node, {"metadata", "name"}), status, or_none(joined(roles)), since(node, {"metadata", "creationTimestamp"}, now),
          text_at(node, {"status", "nodeInfo", "kubeletVersion"}), or_none(internal), or_none(external), info("osImage"), info("kernelVersion"), info("containerRuntimeVersion")};
}

std::string external_addresses(const Json& service) {
  const std::string type = text_at(service, {"spec", "type"});
  if (type == "ExternalName") return text_at(service, {"spec", "externalName"});
  std::vector<std::string> addresses;
  for (const Json& entry : list_at(service, {"status", "loadBalancer", "ingress"})) {
    const std::string ip = text_at(entry, {"ip"});
    addresses.push_back(ip.empty() ? text_at(entry, {"hostname"}) : ip);
  }
  for (const Json& ip : list_at(service, {"spec", "externalIPs"})) addresses.push_back(ip.get<std::string>());
  if (addresses.empty()) return type == "LoadBalancer" ? "<pending>" : none;
  return joined(addresses);
}

Json service_cells(const Json& service, runtime::WallTime now) {
  std::vector<std::string> ports;
  for (const Json& port : list_at(service, {"spec", "ports"})) {
    std::string text = std::to_string(integer_at(port, {"port"}));
    if (integer_at(port, {"nodePort"}) > 0) text += ":" + std::to_string(integer_at(port, {"nodePort"}));
    ports.push_back(text + "/" + text_at(port, {"protocol"}));
  }
  return {text_at(service, {"metadata", "name"}), text_at(service, {"spec", "type"}), or_none(text_at(service, {"spec", "clusterIP"})), external_addresses(service),
          or_none(joined(ports)), since(service, {"metadata", "creationTimestamp"}, now), labels_text(find(service, {"spec", "selector"}))};
}

std::string endpoints_text(const Json& endpoints) {
  const Json& subsets = list_at(endpoints, {"subsets"});
  std::vector<std::string> all;
  for (const Json& subset : subsets) {
    const Json& ports = list_at(subset, {"ports"});
    if (ports.empty()) {
      for (const Json& address : list_at(subset, {"addresses"})) all.push_back(text_at(address, {"ip"}));
    }
    for (const Json& port : ports) {
      for (const Json& address : list_at(subset, {"addresses"})) all.push_back(text_at(address, {"ip"}) + ":" + std::to_string(integer_at(port, {"port"})));
    }
  }
  if (all.empty()) return none;
  if (all.size() <= 3) return joined(all);
  return joined({all[0], all[1], all[2]}) + " + " + std::to_string(all.size() - 3) + " more...";
}

Json event_cells(const Json& event, runtime::WallTime now) {
  std::string first = text_at(event, {"firstTimestamp"}).empty() ? since(event, {"eventTime"}, now) : since(event, {"firstTimestamp"}, now);
  std::string last = text_at(event, {"lastTimestamp"}).empty() ? first : since(event, {"lastTimestamp"}, now);
  std::int64_t count = integer_at(event, {"count"});
  if (find(event, {"series"}).is_object()) {
    last = since(event, {"series", "lastObservedTime"}, now);
    count = integer_at(event, {"series", "count"});
  } else if (count == 0) {
    count = 1;
  }
  std::string kind = text_at(event, {"involvedObject", "kind"});
  for (char& c : kind) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::string name = text_at(event, {"involvedObject", "name"});
  std::string component = text_at(event, {"source", "component"}, text_at(event, {"reportingComponent"}));
  std::string host = text_at(event, {"source", "host"}, text_at(event, {"reportingInstance"}));
  std::string message = text_at(event, {"message"});
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
  return {last, text_at(event, {"type"}), text_at(event, {"reason"}), name.empty() ? kind : kind + "/" + name, text_at(event, {"involvedObject", "fieldPath"}),
          host.empty() ? component : component + ", " + host, message, first, count, text_at(event, {"metadata", "name"})};
}

std::string access_modes(const Json& modes) {
  std::vector<std::string> parts;
  for (const Json& mode : modes) {
    const std::string text = mode.get<std::string>();
    parts.push_back(text == "ReadWriteOnce" ? "RWO" : text == "ReadOnlyMany" ? "ROX" : text == "ReadWriteMany" ? "RWX" : text == "ReadWriteOncePod" ? "RWOP" : text);
  }
  return joined(parts);
}

Json job_cells(const Json& job, runtime::WallTime now) {
  const Json& spec = find(job, {"spec"});
  const Json& status = find(job, {"status"});
  const std::string done = std::to_string(integer_at(status, {"succeeded"}));
  std::string completions;
  if (find(spec, {"completions"}).is_number()) {
    completions = done + "/" + std::to_string(integer_at(spec, {"completions"}));
  } else {
    const std::int64_t parallelism = integer_at(spec, {"parallelism"});
    completions = parallelism > 1 ? done + "/1 of " + std::to_string(parallelism) : done + "/1";
  }
  std::string duration;
  runtime::WallTime start;
  runtime::WallTime end;
  if (runtime::parse_rfc3339(text_at(status, {"startTime"}), start)) {
    duration = runtime::parse_rfc3339(text_at(status, {"completionTime"}), end) ? age_text(end - start) : age_text(now - start);
  }
  std::string state = "Running";
  if (condition_true(status, "Complete")) {
    state = "Complete";
  } else if (condition_true(status, "Failed")) {
    state = "Failed";
  } else if (!find(job, {"metadata", "deletionTimestamp"}).is_null()) {
    state = "Terminating";
  } else if (condition_true(status, "Suspended")) {
    state = "Suspended";
  } else if (condition_true(status, "FailureTarget")) {
    state = "FailureTarget";
  } else if (condition_true(status, "SuccessCriteriaMet")) {
    state = "SuccessCriteriaMet";
  }
  Json cells = {text_at(job, {"metadata", "name"}), state, completions, duration, since(job, {"metadata", "creationTimestamp"}, now)};
  add_containers(cells, find(spec, {"template", "spec"}));
  cells.push_back(selector_text(find(spec, {"selector"})));
  return cells;
}

Json binding_cells(const Json& binding, runtime::WallTime now) {
  std::vector<std::string> users;
  std::vector<std::string> groups;
  std::vector<std::string> accounts;
  for (const Json& subject : list_at(binding, {"subjects"})) {
    const std::string kind = text_at(subject, {"kind"});
    const std::string name = text_at(subject, {"name"});
    if (kind == "User") users.push_back(name);
    if (kind == "Group") groups.push_back(name);
    if (kind == "ServiceAccount") accounts.push_back(text_at(subject, {"namespace"}) + "/" + name);
  }
  return {text_at(binding, {"metadata", "name"}), text_at(binding, {"roleRef", "kind"}) + "/" + text_at(binding, {"roleRef", "name"}),
          since(binding, {"metadata", "creationTimestamp"}, now), joined(users, ", "), joined(groups, ", "), joined(accounts, ", ")};
}

std::string text_of(const Json& value, const std::string& otherwise) {
  if (value.is_null()) return otherwise;
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Json request_cells(const Json& request, runtime::WallTime now) {
  std::string state;
  for (const char* type : {"Approved", "Denied", "Failed"}) {
    if (condition_true(find(request, {"status"}), type)) state += (state.empty() ? "" : ",") + std::string(type);
  }
  if (state.empty()) state = "Pending";
  if (!text_at(request, {"status", "certificate"}).empty()) state += ",Issued";
  const Json& lifetime = find(request, {"spec", "expirationSeconds"});
  return {text_at(request, {"metadata", "name"}), since(request, {"metadata", "creationTimestamp"}, now), or_none(text_at(request, {"spec", "signerName"})),
          text_at(request, {"spec", "username"}), lifetime.is_number() ? age_text(std::chrono::seconds(lifetime.get<std::int64_t>())) : none, state};
}

}  // namespace

std::string age_text(runtime::Duration age) {
  std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  const auto text = [](std::int64_t a, const char* unit_a, std::int64_t b = 0, const char* unit_b = "") {
    return b == 0 ? std::to_string(a) + unit_a : std::to_string(a) + unit_a + std::to_string(b) + unit_b;
  };
  if (seconds < 120) return text(seconds, "s");
  const std::int64_t minutes = seconds / 60;
  if (minutes < 10) return text(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return text(minutes, "m");
  const std::int64_t hours = minutes / 60;
  if (hours < 8) return text(hours, "h", minutes % 60, "m");
  if (hours < 48) return text(hours, "h");
  if (hours < 192) return text(hours / 24, "d", hours % 24, "h");
  if (hours < 24 * 365 * 2) return text(hours / 24, "d");
  if (hours < 24 * 365 * 8) return text(hours / 24 / 365, "y", hours / 24 % 365, "d");
  return text(hours / 24 / 365, "y");
}

std::string selector_text(const Json& selector, const std::string& empty) {
  std::map<std::string, std::string> parts;
  for (const auto& [key, value] : list_at(selector, {"matchLabels"}).items()) parts[key + " 0"] = key + "=" + value.get<std::string>();
  std::size_t position = 0;
  for (const Json& expression : list_at(selector, {"matchExpressions"})) {
    const std::string key = text_at(expression, {"key"});
    const std::string operation = text_at(expression, {"operator"});
    std::vector<std::string> values;
    for (const Json& value : list_at(expression, {"values"})) values.push_back(value.get<std::string>());
    std::sort(values.begin(), values.end());
    std::string text = key;
    if (operation == "In") text += " in (" + joined(values) + ")";
    if (operation == "NotIn") text += " notin (" + joined(values) + ")";
    if (operation == "DoesNotExist") text = "!" + key;
    parts[key + " 1" + std::to_string(position++)] = text;
  }
  std::vector<std::string> all;
  for (const auto& [key, text] : parts) all.push_back(text);
  return all.empty() ? empty : joined(all);
}

Json cells_of(const Json& object, const Resource& resource, runtime::WallTime now) {
  const std::string& kind = resource.kind;
  const Json& spec = find(object, {"spec"});
  const Json& status = find(object, {"status"});
  const std::string name = text_at(object, {"metadata", "name"});
  const std::string age = since(object, {"metadata", "creationTimestamp"}, now);
  if (kind == "Pod") return pod_cells(object, now);
  if (kind == "Node") return node_cells(object, now);
  if (kind == "Service") return service_cells(object, now);
  if (kind == "Event") return event_cells(object, now);
  if (kind == "Job") return job_cells(object, now);
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") return binding_cells(object, now);
  if (kind == "CertificateSigningRequest") return request_cells(object, now);
  if (kind == "Deployment") {
    Json cells = {name, std::to_string(integer_at(status, {"readyReplicas"})) + "/" + std::to_string(integer_at(spec, {"replicas"})), integer_at(status, {"updatedReplicas"}),
                  integer_at(status, {"availableReplicas"}), age};
    add_containers(cells, find(spec, {"template", "spec"}));
    cells.push_back(selector_text(find(spec, {"selector"})));
    return cells;
  }
  if (kind == "ReplicaSet" || kind == "ReplicationController") {
    Json cells = {name, integer_at(spec, {"replicas"}), integer_at(status, {"replicas"}), integer_at(status, {"readyReplicas"}), age};
    add_containers(cells, find(spec, {"template", "spec"}));
    cells.push_back(kind == "ReplicaSet" ? selector_text(find(spec, {"selector"})) : labels_text(find(spec, {"selector"})));
    return cells;
  }
  if (kind == "DaemonSet") {
    Json cells = {name,
                  integer_at(status, {"desiredNumberScheduled"}),
                  integer_at(status, {"currentNumberScheduled"}),
                  integer_at(status, {"numberReady"}),
                  integer_at(status, {"updatedNumberScheduled"}),
                  integer_at(status, {"numberAvailable"}),
                  labels_text(find(spec, {"template", "spec", "nodeSelector"})),
                  age};
    add_containers(cells, find(spec, {"template", "spec"}));
    cells.push_back(selector_text(find(spec, {"selector"})));
    return cells;
  }
  if (kind == "StatefulSet") {
    Json cells = {name, std::to_string(integer_at(status, {"readyReplicas"})) + "/" + std::to_string(integer_at(spec, {"replicas"})), age};
    add_containers(cells, find(spec, {"template", "spec"}));
    return cells;
  }
  if (kind == "CronJob") {
    const std::string last = text_at(status, {"lastScheduleTime"});
    Json cells = {name, text_at(spec, {"schedule"}), or_none(text_at(spec, {"timeZone"})), runtime::bool_at(spec, {"suspend"}) ? "True" : "False",
                  list_at(status, {"active"}).size(), last.empty() ? none : since(status, {"lastScheduleTime"}, now), age};
    add_containers(cells, find(spec, {"jobTemplate", "spec", "template", "spec"}));
    cells.push_back(selector_text(find(spec, {"jobTemplate", "spec", "selector"})));
    return cells;
  }
  if (kind == "PodDisruptionBudget") {
    return {name, text_of(find(spec, {"minAvailable"}), "N/A"), text_of(find(spec, {"maxUnavailable"}), "N/A"), integer_at(status, {"disruptionsAllowed"}), age};
  }
  if (kind == "Namespace") return {name, text_at(status, {"phase"}), age};
  if (kind == "ConfigMap") return {name, list_at(object, {"data"}).size() + list_at(object, {"binaryData"}).size(), age};
  if (kind == "Secret") return {name, text_at(object, {"type"}), list_at(object, {"data"}).size(), age};
  if (kind == "ServiceAccount") return {name, list_at(object, {"secrets"}).size(), age};
  if (kind == "Endpoints") return {name, endpoints_text(object), age};
  if (kind == "Lease") return {name, text_at(spec, {"holderIdentity"}), age};
  if (kind == "EndpointSlice") {
    std::vector<std::string> ports;
    std::vector<std::string> addresses;
    for (const Json& port : list_at(object, {"ports"})) ports.push_back(find(port, {"port"}).is_number() ? std::to_string(integer_at(port, {"port"})) : "*");
    for (const Json& endpoint : list_at(object, {"endpoints"})) {
      for (const Json& address : list_at(endpoint, {"addresses"})) addresses.push_back(address.get<std::string>());
    }
    const std::size_t more = addresses.size() > 3 ? addresses.size() - 3 : 0;
    if (more > 0) addresses.resize(3);
    std::string shown = addresses.empty() ? "<unset>" : joined(addresses);
    if (more > 0) shown += " + " + std::to_string(more) + " more...";
    return {name, text_at(object, {"addressType"}), ports.empty() ? "<unset>" : joined(ports), shown, age};
  }
  if (kind == "PersistentVolumeClaim") {
    const bool bound = !text_at(spec, {"volumeName"}).empty();
    std::string phase = text_at(status, {"phase"});
    if (!find(object, {"metadata", "deletionTimestamp"}).is_null()) phase = "Terminating";
    return {name, phase, text_at(spec, {"volumeName"}), bound ? text_at(status, {"capacity", "storage"}) : "", bound ? access_modes(list_at(status, {"accessModes"})) : "",
            text_at(spec, {"storageClassName"}), text_at(spec, {"volumeAttributesClassName"}, "<unset>"), age, text_at(spec, {"volumeMode"}, "<unset>")};
  }
  if (kind == "PersistentVolume") {
    const std::string claim = text_at(spec, {"claimRef", "name"});
    return {name, text_at(spec, {"capacity", "storage"}), access_modes(list_at(spec, {"accessModes"})), text_at(spec, {"persistentVolumeReclaimPolicy"}), text_at(status, {"phase"}),
            claim.empty() ? "" : text_at(spec, {"claimRef", "namespace"}) + "/" + claim, text_at(spec, {"storageClassName"}), "<unset>", text_at(status, {"reason"}), age,
            text_at(spec, {"volumeMode"}, "<unset>")};
  }
  if (kind == "StorageClass") {
    const bool is_default = text_at(object, {"metadata", "annotations", "storageclass.kubernetes.io/is-default-class"}) == "true";
    return {is_default ? name + " (default)" : name, text_at(object, {"provisioner"}), text_at(object, {"reclaimPolicy"}), text_at(object, {"volumeBindingMode"}),
            runtime::bool_at(object, {"allowVolumeExpansion"}), age};
  }
  if (kind == "PriorityClass") return {name, integer_at(object, {"value"}), runtime::bool_at(object, {"globalDefault"}), age, text_at(object, {"preemptionPolicy"})};
  if (kind == "ControllerRevision") {
    std::string controller = none;
    for (const Json& owner : list_at(object, {"metadata", "ownerReferences"})) {
      if (!runtime::bool_at(owner, {"controller"})) continue;
      const std::string group = text_at(owner, {"apiVersion"});
      std::string type = text_at(owner, {"kind"});
      for (char& c : type) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const std::size_t slash = group.find('/');
      controller = type + (slash == std::string::npos ? "" : "." + group.substr(0, slash)) + "/" + text_at(owner, {"name"});
    }
    return {name, controller, integer_at(object, {"revision"}), age};
  }
  if (kind == "HorizontalPodAutoscaler") {
    std::vector<std::string> targets;
    for (const Json& metric : list_at(spec, {"metrics"})) {
      const Json& target = find(metric, {"resource", "target", "averageUtilization"});
      if (!target.is_number()) continue;
      std::string current = "<unknown>";
      for (const Json& seen : list_at(status, {"currentMetrics"})) {
        const Json& value = find(seen, {"resource", "current", "averageUtilization"});
        if (text_at(seen, {"resource", "name"}) == text_at(metric, {"resource", "name"}) && value.is_number()) current = value.dump() + "%";
      }
      targets.push_back(text_at(metric, {"resource", "name"}) + ": " + current + "/" + target.dump() + "%");
    }
    return {name, text_at(spec, {"scaleTargetRef", "kind"}) + "/" + text_at(spec, {"scaleTargetRef", "name"}), targets.empty() ? none : joined(targets, ", "),
            text_of(find(spec, {"minReplicas"}), "<unset>"), integer_at(spec, {"maxReplicas"}), integer_at(status, {"currentReplicas"}), age};
  }
  if (kind == "Ingress") {
    std::vector<std::string> hosts;
    for (const Json& rule : list_at(spec, {"rules"})) hosts.push_back(text_at(rule, {"host"}, "*"));
    std::vector<std::string> addresses;
    for (const Json& entry : list_at(status, {"loadBalancer", "ingress"})) addresses.push_back(text_at(entry, {"ip"}, text_at(entry, {"hostname"})));
    return {name, or_none(text_at(spec, {"ingressClassName"})), hosts.empty() ? "*" : joined(hosts), joined(addresses), list_at(spec, {"tls"}).empty() ? "80" : "80, 443", age};
  }
  if (kind == "IngressClass") return {name, text_at(spec, {"controller"}), or_none(text_at(spec, {"parameters", "name"})), age};
  if (kind == "NetworkPolicy") return {name, selector_text(find(spec, {"podSelector"})), age};
  if (kind == "PodTemplate") {
    Json cells = {name};
    add_containers(cells, find(object, {"template", "spec"}));
    cells.push_back(labels_text(find(object, {"template", "metadata", "labels"})));
    return cells;
  }
  if (kind == "RuntimeClass") return {name, text_at(object, {"handler"}), age};
  if (kind == "ResourceQuota") {
    std::vector<std::string> requests;
    std::vector<std::string> limits;
    for (const auto& [key, hard] : list_at(status, {"hard"}).items()) {
      const std::string text = key + ": " + text_at(status, {"used", key}) + "/" + hard.get<std::string>();
      (key.compare(0, 6, "limits") == 0 ? limits : requests).push_back(text);
    }
    return {name, age, joined(requests, ", "), joined(limits, ", ")};
  }
  if (kind == "VolumeAttachment") {
    return {name, text_at(spec, {"attacher"}), text_at(spec, {"source", "persistentVolumeName"}), text_at(spec, {"nodeName"}), runtime::bool_at(status, {"attached"}), age};
  }
  if (kind == "CSINode") return {name, list_at(spec, {"drivers"}).size(), age};
  if (kind == "CSIDriver") {
    std::vector<std::string> modes;
    for (const Json& mode : list_at(spec, {"volumeLifecycleModes"})) modes.push_back(mode.get<std::string>());
    return {name, runtime::bool_at(spec, {"attachRequired"}), runtime::bool_at(spec, {"podInfoOnMount"}), runtime::bool_at(spec, {"storageCapacity"}), "<unset>",
            runtime::bool_at(spec, {"requiresRepublish"}), modes.empty() ? none : joined(modes), age};
  }
  if (kind == "MutatingWebhookConfiguration" || kind == "ValidatingWebhookConfiguration") return {name, list_at(object, {"webhooks"}).size(), age};
  return {name, age};
}

namespace {

/// The values at a simple JSONPath: .a.b, .a['b.c'], .a[0], .a[*].b, .a[?(@.x=="y")].z.
std::vector<Json> values_at(const Json& object, std::string_view path) {
  std::vector<Json> at = {object};
  std::size_t i = 0;
  while (i < path.size() && !at.empty()) {
    std::vector<Json> next;
    if (path[i] == '.') {
      const std::size_t start = ++i;
      while (i < path.size() && path[i] != '.' && path[i] != '[') i += path[i] == '\\' ? 2 : 1;
      std::string key;
      for (const char c : path.substr(start, i - start)) {
        if (c != '\\') key += c;
      }
      for (const Json& value : at) {
        if (value.is_object() && value.contains(key)) next.push_back(value.at(key));
      }
    } else if (path[i] == '[') {
      std::size_t depth = 0;
      const std::size_t start = i + 1;
      for (; i < path.size(); ++i) {
        if (path[i] == '[') ++depth;
        if (path[i] == ']' && --depth == 0) break;
      }
      const std::string inside(path.substr(start, i - start));
      ++i;
      for (const Json& value : at) {
        if (inside == "*") {
          for (const Json& item : value) next.push_back(item);
        } else if (inside.size() > 2 && inside.front() == '\'') {
          const std::string key = inside.substr(1, inside.size() - 2);
          if (value.is_object() && value.contains(key)) next.push_back(value.at(key));
        } else if (inside.compare(0, 4, "?(@.") == 0) {
          const std::size_t equals = inside.find("==");
          if (equals == std::string::npos) continue;
          const std::string key = inside.substr(4, equals - 4);
          const std::size_t open = inside.find_first_of("\"'", equals);
          const std::size_t close = inside.find_last_of("\"'");
          if (open == std::string::npos || close <= open) continue;
          for (const Json& item : value) {
            if (text_at(item, {key}) == inside.substr(open + 1, close - open - 1)) next.push_back(item);
          }
        } else if (value.is_array()) {
          const std::size_t index = static_cast<std::size_t>(std::strtoull(inside.c_str(), nullptr, 10));
          if (index < value.size()) next.push_back(value[index]);
        }
      }
    } else {
      return {};
    }
    at = std::move(next);
  }
  return at;
}

}  // namespace

Json custom_cells(const Json& object, const Json& columns, runtime::WallTime now) {
  Json cells = {text_at(object, {"metadata", "name"})};
  if (columns.empty()) {
    cells.push_back(since(object, {"metadata", "creationTimestamp"}, now));
    return cells;
  }
  for (const Json& column : columns) {
    const auto values = values_at(object, text_at(column, {"jsonPath"}));
    const std::string type = text_at(column, {"type"});
    if (values.empty() || values.front().is_null()) {
      cells.push_back(nullptr);
    } else if (type == "string") {
      std::vector<std::string> texts;
      for (const Json& value : values) texts.push_back(value.is_string() ? value.get<std::string>() : value.dump());
      cells.push_back(joined(texts));
    } else if (type == "date") {
      runtime::WallTime time;
      const bool valid = values.front().is_string() && runtime::parse_rfc3339(values.front().get<std::string>(), time);
      cells.push_back(valid ? age_text(now - time) : "<invalid>");
    } else if (type == "integer") {
      cells.push_back(values.front().is_number() ? Json(values.front().get<std::int64_t>()) : Json());
    } else if (type == "number") {
      cells.push_back(values.front().is_number() ? values.front() : Json());
    } else if (type == "boolean") {
      cells.push_back(values.front().is_boolean() ? values.front() : Json());
    } else {
      cells.push_back(nullptr);
    }
  }
  return cells;
}

}  // namespace skidpad::fakes::kube_apiserver
