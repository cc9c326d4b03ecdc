#include "fakes/kube_controller_manager/autoscaling_plan.hpp"

#include <cmath>

#include "harness/client/kubernetes/quantity.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

Error cannot(std::string message) { return Error(ErrorCode::invalid, std::move(message)); }

enum class Kind { utilization, average };

struct Target {
  Kind kind = Kind::utilization;
  std::int64_t value = 0;   ///< percent, or thousandths
};

/// Pods told apart as far as their measurements can be trusted.
struct PodGroups {
  std::size_t ready = 0;
  std::set<std::string> unready;
  std::set<std::string> missing;
};

bool is_unready_for_cpu(const Json& pod, const PodUsage& usage, const AutoscalingTimes& times, WallTime now) {
  const Json& condition = client::condition_of(pod, "Ready");
  const auto started = client::time_at(pod, {"status", "startTime"});
  if (!condition.is_object() || !started) return true;
  const bool not_ready = text_at(condition, {"status"}) == "False";
  const WallTime turned = client::time_at(condition, {"lastTransitionTime"}).value_or(*started);
  // A young pod: only what was measured in a whole window since it became ready counts.
  if (*started + times.cpu_initialization_period > now) return not_ready || usage.measured_at < turned + usage.window;
  return not_ready && *started + times.initial_readiness_delay > turned;
}

/// Takes those out of `usages` that do not count.
PodGroups group_pods(const std::vector<ObjectPointer>& pods, PodUsages& usages, const std::string& resource, const AutoscalingTimes& times, WallTime now) {
  PodGroups groups;
  for (const ObjectPointer& pod : pods) {
    const std::string& name = client::name_of(*pod);
    const std::string phase = text_at(*pod, {"status", "phase"});
    if (client::is_deleting(*pod) || phase == "Failed") {
      usages.erase(name);
    } else if (phase == "Pending") {
      groups.unready.insert(name);
    } else if (usages.count(name) == 0) {
      groups.missing.insert(name);
    } else if (resource == "cpu" && is_unready_for_cpu(*pod, usages[name], times, now)) {
      groups.unready.insert(name);
    } else {
      ++groups.ready;
    }
  }
  for (const std::string& name : groups.unready) usages.erase(name);
  return groups;
}

Result<std::map<std::string, std::int64_t>> requests_of(const std::vector<ObjectPointer>& pods, const std::string& resource, const std::string& container) {
  std::map<std::string, std::int64_t> requests;
  for (const ObjectPointer& pod : pods) {
    std::int64_t sum = 0;
    for (const Json& each : list_at(*pod, {"spec", "containers"})) {
      const std::string name = text_at(each, {"name"});
      if (!container.empty() && name != container) continue;
      const Json& request = find(each, {"resources", "requests", resource});
      if (request.is_null()) return cannot("missing request for " + resource + " in container " + name + " of Pod " + client::name_of(*pod));
      sum += client::quantity_milli(request);
    }
    requests[client::name_of(*pod)] = sum;
  }
  return requests;
}

struct Ratio {
  double usage = 1;             ///< used / wanted
  std::int64_t percent = 0;     ///< of the requests
  std::int64_t average = 0;     ///< thousandths a pod
};

Result<Ratio> ratio_of(const PodUsages& usages, const std::map<std::string, std::int64_t>& requests, Target target) {
  std::int64_t used = 0;
  std::int64_t requested = 0;
  std::int64_t count = 0;
  for (const auto& [name, usage] : usages) {
    const auto request = requests.find(name);
    if (target.kind == Kind::utilization && request == requests.end()) continue;
    used += usage.milli;
    if (request != requests.end()) requested += request->second;
    ++count;
  }
  Ratio ratio;
  if (target.kind == Kind::utilization) {
    if (requested == 0) return cannot("no metrics returned matched known pods");
    ratio.percent = used * 100 / requested;
    ratio.usage = double(ratio.percent) / double(target.value);
  } else {
    ratio.usage = count == 0 ? 0 : double(used / count) / double(target.value);
  }
  ratio.average = count == 0 ? 0 : used / count;
  return ratio;
}

/// The calculator: how many replicas bring usage to the target.
Result<std::int64_t> count_replicas(std::int64_t current, const std::vector<ObjectPointer>& pods, PodUsages usages, const std::string& resource,
                                    const std::string& container, Target target, const AutoscalingTimes& times, WallTime now, Ratio& first) {
  if (pods.empty()) return cannot("no pods returned by selector while calculating replica count");
  const PodGroups groups = group_pods(pods, usages, resource, times, now);
  if (usages.empty()) return cannot("did not receive metrics for targeted pods (pods might be unready)");
  std::map<std::string, std::int64_t> requests;
  if (target.kind == Kind::utilization) {
    TRY(requests, requests_of(pods, resource, container));
  }
  TRY(first, ratio_of(usages, requests, target));
  const auto near_one = [&](double ratio) { return std::abs(1.0 - ratio) <= times.tolerance; };
  const bool grow_with_unready = !groups.unready.empty() && first.usage > 1.0;
  if (!grow_with_unready && groups.missing.empty()) {
    if (near_one(first.usage)) return current;
    return std::int64_t(std::ceil(first.usage * double(groups.ready)));
  }
  // Of what is not known the careful side is taken: full use when shrinking, none when growing.
  for (const std::string& name : groups.missing) {
    if (first.usage < 1.0) {
      usages[name].milli = target.kind == Kind::average ? target.value : requests[name] * std::max<std::int64_t>(100, target.value) / 100;
    } else if (first.usage > 1.0) {
      usages[name].milli = 0;
    }
  }
  if (grow_with_unready) {
    for (const std::string& name : groups.unready) usages[name].milli = 0;
  }
  TRY(const Ratio again, ratio_of(usages, requests, target));
  if (near_one(again.usage) || (first.usage < 1.0 && again.usage > 1.0) || (first.usage > 1.0 && again.usage < 1.0)) return current;
  const std::int64_t wanted = std::int64_t(std::ceil(again.usage * double(usages.size())));
  if ((again.usage < 1.0 && wanted > current) || (again.usage > 1.0 && wanted < current)) return current;
  return wanted;
}

/// Change within a policy's period.
std::int64_t changed_within(const std::vector<AutoscalerMemory::ScaleEvent>& events, std::int64_t period_seconds, WallTime now) {
  std::int64_t sum = 0;
  for (const auto& event : events) {
    if (event.at > now - std::chrono::seconds(period_seconds)) sum += event.change;
  }
  return sum;
}

/// The furthest size that the policies of one direction allow from here.
std::int64_t policy_limit(const Json& rules, bool up, std::int64_t current, const AutoscalerMemory& memory, WallTime now) {
  const std::string select = text_at(rules, {"selectPolicy"}, "Max");
  if (select == "Disabled") return current;
  const bool widest = select == "Max";
  std::optional<std::int64_t> limit;
  for (const Json& policy : list_at(rules, {"policies"})) {
    const std::int64_t period = integer_at(policy, {"periodSeconds"});
    const std::int64_t value = integer_at(policy, {"value"});
    const std::int64_t start = current - changed_within(memory.ups, period, now) + changed_within(memory.downs, period, now);
    std::int64_t allowed = 0;
    if (text_at(policy, {"type"}) == "Pods") {
      allowed = up ? start + value : start - value;
    } else {
      allowed = up ? std::int64_t(std::ceil(double(start) * (1.0 + double(value) / 100))) : std::int64_t(double(start) * (1.0 - double(value) / 100));
    }
    const bool larger = widest == up;
    if (!limit || (larger ? allowed > *limit : allowed < *limit)) limit = allowed;
  }
  if (!limit) return up ? INT32_MAX : 0;
  return up ? std::max(*limit, current) : std::min(*limit, current);
}

}  // namespace

PodUsages read_usages(const Json& pod_metrics_list, const std::string& resource, const std::string& container) {
  PodUsages usages;
  for (const Json& item : list_at(pod_metrics_list, {"items"})) {
    PodUsage usage;
    bool complete = !list_at(item, {"containers"}).empty();
    bool found = container.empty();
    for (const Json& each : list_at(item, {"containers"})) {
      if (!container.empty() && text_at(each, {"name"}) != container) continue;
      const Json& amount = find(each, {"usage", resource});
      complete = complete && !amount.is_null();
      found = true;
      usage.milli += client::quantity_milli(amount);
    }
    if (!complete || !found) continue;
    usage.measured_at = client::time_at(item, {"timestamp"}).value_or(WallTime{});
    usage.window = std::chrono::seconds(std::strtoll(text_at(item, {"window"}, "0").c_str(), nullptr, 10));
    usages[client::name_of(item)] = usage;
  }
  return usages;
}

Result<MetricProposal> propose(const Json& metric, std::int64_t current_replicas, const std::vector<ObjectPointer>& pods, PodUsages usages,
                               const AutoscalingTimes& times, WallTime now) {
  const bool of_container = text_at(metric, {"type"}) == "ContainerResource";
  const char* field = of_container ? "containerResource" : "resource";
  const Json& source = find(metric, {field});
  const std::string resource = text_at(source, {"name"});
  Target target;
  const Json& average = find(source, {"target", "averageValue"});
  if (!average.is_null()) {
    target.kind = Kind::average;
    target.value = client::quantity_milli(average);
  } else {
    target.value = integer_at(source, {"target", "averageUtilization"});
  }
  if (target.value <= 0) {
    return cannot("invalid resource metric source: neither an average utilization target nor an average value (usage) target was set");
  }
  Ratio first;
  auto replicas = count_replicas(current_replicas, pods, std::move(usages), resource, text_at(source, {"container"}), target, times, now, first);
  if (!replicas) return cannot("failed to get " + resource + (target.kind == Kind::average ? " usage: " : " utilization: ") + replicas.error().message);
  MetricProposal proposal;
  proposal.replicas = replicas.value();
  proposal.name = resource + (of_container ? " container" : "") + " resource";
  Json current = Json::object();
  current["averageValue"] = client::format_quantity_milli(first.average);
  if (target.kind == Kind::utilization) {
    proposal.name += " utilization (percentage of request)";
    current["averageUtilization"] = first.percent;
  }
  proposal.status["type"] = of_container ? "ContainerResource" : "Resource";
  proposal.status[field]["name"] = resource;
  if (of_container) proposal.status[field]["container"] = text_at(source, {"container"});
  proposal.status[field]["current"] = std::move(current);
  return proposal;
}

BoundedSize bound_size(const Json& autoscaler, std::int64_t current, std::int64_t recommended, const AutoscalingTimes& times, AutoscalerMemory& memory,
                       WallTime now) {
  const std::int64_t size_min = integer_at(autoscaler, {"spec", "minReplicas"}, 1);
  const std::int64_t size_max = integer_at(autoscaler, {"spec", "maxReplicas"});
  const Json& behavior = find(autoscaler, {"spec", "behavior"});
  const Duration up_window = std::chrono::seconds(integer_at(behavior, {"scaleUp", "stabilizationWindowSeconds"}, 0));
  const Json& down_seconds = find(behavior, {"scaleDown", "stabilizationWindowSeconds"});
  const Duration down_window = down_seconds.is_number_integer() ? Duration(std::chrono::seconds(down_seconds.get<std::int64_t>())) : times.downscale_stabilization;

  // Up: the lowest of the recent recommendations; down: the highest.
  std::int64_t lowest = recommended;
  std::int64_t highest = recommended;
  std::erase_if(memory.recommendations, [&](const auto& old) { return old.at <= now - std::max(up_window, down_window); });
  for (const auto& old : memory.recommendations) {
    if (old.at > now - up_window) lowest = std::min(lowest, old.replicas);
    if (old.at > now - down_window) highest = std::max(highest, old.replicas);
  }
  memory.recommendations.push_back({recommended, now});
  std::int64_t stable = behavior.is_object() ? current : highest;
  if (behavior.is_object() && stable < lowest) stable = lowest;
  if (behavior.is_object() && stable > highest) stable = highest;

  BoundedSize bounded;
  bounded.able_reason = "ReadyForNewScale";
  bounded.able_message = "recommended size matches current size";
  if (stable < recommended) {
    bounded.able_reason = "ScaleUpStabilized";
    bounded.able_message = "recent recommendations were lower than current one, applying the lowest recent recommendation";
  } else if (stable > recommended) {
    bounded.able_reason = "ScaleDownStabilized";
    bounded.able_message = "recent recommendations were higher than current one, applying the highest recent recommendation";
  }

  std::int64_t low = size_min;
  std::int64_t high = size_max;
  bounded.limited_reason = "DesiredWithinRange";
  bounded.limited_message = "the desired count is within the acceptable range";
  const char* low_reason = "TooFewReplicas";
  const char* low_message = "the desired replica count is less than the minimum replica count";
  const char* high_reason = "TooManyReplicas";
  const char* high_message = "the desired replica count is more than the maximum replica count";
  const std::int64_t up_limit = behavior.is_object() ? policy_limit(find(behavior, {"scaleUp"}), true, current, memory, now) : std::max<std::int64_t>(2 * current, 4);
  if (high > up_limit && (!behavior.is_object() || stable > current)) {
    high = up_limit;
    high_reason = "ScaleUpLimit";
    high_message = "the desired replica count is increasing faster than the maximum scale rate";
  }
  if (behavior.is_object() && stable < current) {
    const std::int64_t down_limit = policy_limit(find(behavior, {"scaleDown"}), false, current, memory, now);
    if (low < down_limit) {
      low = down_limit;
      low_reason = "ScaleDownLimit";
      low_message = "the desired replica count is decreasing faster than the maximum scale rate";
    }
  }
  bounded.replicas = stable;
  if (stable < low) {
    bounded.replicas = low;
    bounded.limited_reason = low_reason;
    bounded.limited_message = low_message;
  } else if (stable > high) {
    bounded.replicas = high;
    bounded.limited_reason = high_reason;
    bounded.limited_message = high_message;
  }
  bounded.limited = bounded.replicas != stable;
  return bounded;
}

void remember_scaling(AutoscalerMemory& memory, std::int64_t before, std::int64_t after, WallTime now) {
  constexpr Duration longest_period = std::chrono::minutes(30);   // the API allows no longer one
  for (auto* events : {&memory.ups, &memory.downs}) {
    std::erase_if(*events, [&](const auto& event) { return event.at <= now - longest_period; });
  }
  if (after > before) memory.ups.push_back({after - before, now});
  if (after < before) memory.downs.push_back({before - after, now});
}

}  // namespace skidpad::fakes::kube_controller_manager
