// What the checks of single kinds say, word for word; each refused object stands beside one that passes.
#include <gtest/gtest.h>

#include "fakes/kube_apiserver/api/cron_text.hpp"
#include "fakes/kube_apiserver/api/defaults.hpp"
#include "fakes/kube_apiserver/api/validation.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

/// All complaints of a creation after defaults, joined by " | "; "" if there are none.
std::string complaints(const char* api_version, const char* kind, const char* text) {
  const Resource* resource = find_built_in_kind(api_version, kind);
  if (resource == nullptr) return "no such kind";
  Json object = Json::parse(text);
  object["apiVersion"] = api_version;
  object["kind"] = kind;
  object["metadata"]["name"] = "a";
  canonicalise(object, *resource->type, nullptr);
  apply_defaults(object, *resource);
  std::string all;
  for (const FieldError& error : validate_create(object, *resource)) all += (all.empty() ? "" : " | ") + error.field + ": " + error.message;
  return all;
}

struct Row {
  const char* api_version;
  const char* kind;
  const char* object;
  const char* expected;
};

TEST(KindValidation, SaysWhatTheRealServerSays) {
  const Row rows[] = {
      {"apps/v1", "Deployment", R"({"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})", ""},
      {"apps/v1", "Deployment",
       R"({"spec":{"progressDeadlineSeconds":5,"minReadySeconds":5,"strategy":{"type":"Recreate","rollingUpdate":{}},"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})",
       "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate' | spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"},
      {"batch/v1", "CronJob", R"({"spec":{"schedule":"* * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}})",
       "spec.schedule: Invalid value: \"* * *\": expected exactly 5 fields, found 3: [* * *]"},
      {"policy/v1", "PodDisruptionBudget", R"({"spec":{"minAvailable":"120%"}})",
       "spec.minAvailable: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:\"120%\"}: must not be greater than 100%"},
      {"policy/v1", "PodDisruptionBudget", R"({"spec":{"minAvailable":"50%"}})", ""},
      {"autoscaling/v2", "HorizontalPodAutoscaler", R"({"spec":{"minReplicas":3,"maxReplicas":2,"scaleTargetRef":{"kind":"Deployment","name":"d"}}})",
       "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`"},
      {"v1", "Service", R"({"spec":{"ports":[{"name":"a","port":80},{"name":"a","port":0}]}})",
       "spec.ports[1].name: Duplicate value: \"a\" | spec.ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive | spec.ports[1].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive"},
      {"v1", "Endpoints", R"({"subsets":[{"addresses":[{"ip":"1.2.3.256"}]}]})",
       "subsets[0].addresses[0].ip: Invalid value: \"1.2.3.256\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"},
      {"networking.k8s.io/v1", "Ingress", R"({"spec":{"defaultBackend":{"service":{"name":"s","port":{"name":"p","number":1}}}}})",
       "spec.defaultBackend: Invalid value: \"\": cannot set both port name & port number"},
      {"networking.k8s.io/v1", "NetworkPolicy", R"({"spec":{"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["11.0.0.0/16"]}}]}]}})",
       "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`"},
      {"v1", "PersistentVolumeClaim", R"({"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}})", ""},
      {"v1", "PersistentVolumeClaim", R"({"spec":{"accessModes":["ReadWriteAlways"],"resources":{"requests":{"storage":"0"}}}})",
       "spec.accessModes: Unsupported value: \"ReadWriteAlways\": supported values: \"ReadOnlyMany\", \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\" | "
       "spec.resources[storage]: Invalid value: \"0\": must be greater than zero"},
      {"scheduling.k8s.io/v1", "PriorityClass", R"({"value":1000000001})", "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"},
      {"v1", "LimitRange", R"({"spec":{"limits":[{"type":"Pod","min":{"cpu":"2"},"max":{"cpu":"1"}}]}})", "spec.limits[0].min[cpu]: Invalid value: 2: min value 2 is greater than max value 1"},
      {"v1", "Pod", R"({"spec":{"os":{"name":"mac"},"readinessGates":[{"conditionType":"a/b"}],"containers":[{"name":"c","image":"i"}]}})", "spec.os: Unsupported value: \"mac\": supported values: \"linux\", \"windows\""},
      {"v1", "Pod", R"({"spec":{"nodeName":"n","schedulingGates":[{"name":"g"},{"name":"g"}],"securityContext":{"fsGroup":-2,"sysctls":[{"name":"net.ipv4.x_y"},{"name":"a..b"}]},"containers":[{"name":"c","image":"i"}]}})",
       "spec.securityContext.fsGroup: Invalid value: -2: must be between 0 and 2147483647, inclusive | spec.securityContext.sysctls[1].name: Invalid value: \"a..b\": must have at most 253 characters "
       "and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$ | spec.schedulingGates[1]: Duplicate value: \"g\" | "
       "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"},
      {"v1", "Pod", R"({"spec":{"dnsConfig":{"nameservers":["a"]},"ephemeralContainers":[{"name":"d","image":"i"}],"containers":[{"name":"c","image":"i"}]}})",
       "spec.dnsConfig.nameservers[0]: Invalid value: \"a\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff) | spec.ephemeralContainers: Forbidden: cannot be set on create"},
      {"flowcontrol.apiserver.k8s.io/v1", "FlowSchema", R"({"spec":{"priorityLevelConfiguration":{"name":"p"}}})", ""},
      {"flowcontrol.apiserver.k8s.io/v1", "FlowSchema", R"({"spec":{"matchingPrecedence":10001,"priorityLevelConfiguration":{"name":""}}})",
       "spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000 | spec.priorityLevelConfiguration.name: Required value: must reference a priority level"},
      {"flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", R"({"spec":{"type":"Limited"}})", "spec.limited: Required value: must not be empty when type is Limited"},
      {"apiregistration.k8s.io/v1", "APIService", R"({"spec":{"group":"g.io","version":"v1","groupPriorityMinimum":1,"versionPriority":1001}})",
       "metadata.name: Invalid value: \"a\": must be `spec.version+\".\"+spec.group`: \"v1.g.io\" | spec.versionPriority: Invalid value: 1001: must be positive and less than 1000"},
      {"admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", R"({"spec":{"policyName":"p","validationActions":["Deny","Log"]}})",
       "spec.validationActions[1]: Unsupported value: \"Log\": supported values: \"Audit\", \"Deny\", \"Warn\""},
      {"v1", "Secret", R"({"type":"kubernetes.io/ssh-auth"})", "data[ssh-privatekey]: Required value"},
      {"rbac.authorization.k8s.io/v1", "ClusterRoleBinding", R"({"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"ServiceAccount","name":"s"}]})",
       "subjects[0].namespace: Required value"},
  };
  for (const Row& row : rows) EXPECT_EQ(complaints(row.api_version, row.kind, row.object), row.expected) << row.kind << " " << row.object;
}

TEST(CronText, KnowsASchedule) {
  for (const char* good : {"* * * * *", "*/5 0-6,22 1 jan mon-fri", "@hourly", "@every 1h30m", "0 0 ? * 0"}) EXPECT_EQ(cron_text_problem(good), "") << good;
  const std::pair<const char*, const char*> bad[] = {
      {"60 * * * *", "end of range (60) above maximum (59): 60"},
      {"* * 0 * *", "beginning of range (0) below minimum (1): 0"},
      {"5-2 * * * *", "beginning of range (5) beyond end of range (2): 5-2"},
      {"x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"},
      {"*/0 * * * *", "step of range should be a positive number: */0"},
      {"@often", "unrecognized descriptor: @often"},
  };
  for (const auto& [text, expected] : bad) EXPECT_EQ(cron_text_problem(text), expected) << text;
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver
