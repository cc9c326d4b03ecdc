#include "harness/scenario/workload_objects.hpp"

namespace skidpad::scenario {

std::vector<Json> workload_objects(const Workload& workload, const history::Timers& timers, const std::string& namespace_name) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  std::vector<Json> objects;
  for (const WorkloadDeployment& wanted : workload.deployments) {
    const Json labels = {{"app", wanted.name}};
    Json container = {{"name", "workload"},
                      {"image", "skidpad/workload:1"},
                      {"ports", Json::array({{{"containerPort", workload_port}}})},
                      {"resources", {{"requests", {{"cpu", "50m"}}}}},
                      {"readinessProbe",
                       {{"httpGet", {{"path", "/readyz"}, {"port", workload_port}}},
                        {"periodSeconds", std::max<std::int64_t>(1, duration_cast<seconds>(timers.probe_period).count())},
                        {"failureThreshold", timers.probe_failure_threshold}}}};
    Json pod_spec = {{"containers", Json::array({std::move(container)})},
                     {"terminationGracePeriodSeconds", duration_cast<seconds>(timers.termination_grace_period).count()},
                     {"automountServiceAccountToken", false}};
    objects.push_back({{"apiVersion", "apps/v1"},
                       {"kind", "Deployment"},
                       {"metadata", {{"name", wanted.name}, {"namespace", namespace_name}, {"labels", labels}}},
                       {"spec",
                        {{"replicas", wanted.replicas},
                         {"selector", {{"matchLabels", labels}}},
                         {"template", {{"metadata", {{"labels", labels}}}, {"spec", std::move(pod_spec)}}}}}});
    if (!wanted.service) continue;
    objects.push_back({{"apiVersion", "v1"},
                       {"kind", "Service"},
                       {"metadata", {{"name", *wanted.service}, {"namespace", namespace_name}}},
                       {"spec",
                        {{"type", "NodePort"},
                         {"selector", labels},
                         {"ports", Json::array({{{"name", "http"}, {"port", 80}, {"targetPort", workload_port}}})}}}});
  }
  return objects;
}

}  // namespace skidpad::scenario
