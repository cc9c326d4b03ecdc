#include "controllers/node_healer/journal.hpp"

namespace skidpad::controllers::node_healer {

using runtime::ErrorCode;

Journal::Journal(client::KubernetesClient& client, client::Metrics& metrics, std::string component)
    : client_(client), metrics_(metrics), component_(std::move(component)) {
  metrics_.describe(metric::remediations, "Replacements of nodes, by what became of them.");
  // A counter that is there from the start shows its first step as one.
  for (const char* result : {"started", "finished", "failed", "restricted"}) metrics_.count(metric::remediations, {{"result", result}}, 0);
}

Task<Result<void>> Journal::tell(Entry entry) {
  std::string name = entry.node + "." + entry.occasion + "." + entry.reason;
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  const std::string time = runtime::format_rfc3339(client_.runtime().wall_now());
  Json event = Json::object();
  event["metadata"]["name"] = name;
  event["metadata"]["namespace"] = "default";
  event["involvedObject"]["apiVersion"] = "v1";
  event["involvedObject"]["kind"] = "Node";
  event["involvedObject"]["name"] = entry.node;
  if (!entry.uid.empty()) event["involvedObject"]["uid"] = entry.uid;
  event["reason"] = entry.reason;
  event["message"] = entry.message;
  event["type"] = entry.warning ? "Warning" : "Normal";
  event["firstTimestamp"] = time;
  event["lastTimestamp"] = time;
  event["count"] = 1;
  event["source"]["component"] = component_;
  event["reportingComponent"] = component_;
  event["reportingInstance"] = client_.runtime().host_name();
  auto created = co_await client_.create(client::types::events, std::move(event));
  if (!created && created.error().code != ErrorCode::already_exists) {
    const ErrorCode code = created.error().code;
    Json fields = Json::object();
    fields["node"] = entry.node;
    fields["reason"] = entry.reason;
    fields["error"] = created.error().message;
    client_.runtime().log().warning("event_not_written", fields);
    // An Event that the API will never take must not stand in the way of a repair.
    if (code != ErrorCode::invalid && code != ErrorCode::unsupported && code != ErrorCode::not_found) co_return created.error();
  }
  if (!entry.counted_as.empty() && counted_.insert(name).second) {
    client::Metrics::Labels labels;
    labels["result"] = entry.counted_as;
    metrics_.count(metric::remediations, labels);
  }
  co_return runtime::success();
}

}  // namespace skidpad::controllers::node_healer
