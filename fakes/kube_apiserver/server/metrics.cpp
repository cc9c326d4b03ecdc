#include "fakes/kube_apiserver/server/metrics.hpp"

#include "fakes/kube_apiserver/storage/store.hpp"
#include "harness/client/process_metrics.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

void head(std::string& text, const char* name, const char* type, const char* help) {
  text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

std::string number(double value) {
  Json json = value;
  std::string text = json.dump();
  if (text.size() > 2 && text.substr(text.size() - 2) == ".0") text.resize(text.size() - 2);
  return text;
}

template <std::size_t N>
void histogram(std::string& text, const std::string& name, const std::string& labels, const std::array<double, N>& bounds,
               const std::array<std::uint64_t, N + 1>& buckets, double sum) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= N; ++i) {
    total += buckets[i];
    text += name + "_bucket{" + labels + ",le=\"" + (i < N ? number(bounds[i]) : "+Inf") + "\"} " + std::to_string(total) + "\n";
  }
  text += name + "_sum{" + labels + "} " + number(sum) + "\n" + name + "_count{" + labels + "} " + std::to_string(total) + "\n";
}

}  // namespace

void Metrics::request_done(const std::string& verb, const std::string& group, const std::string& version, const std::string& resource,
                           const std::string& subresource, const std::string& scope, int code, runtime::Duration took, std::size_t response_bytes) {
  Series& series = requests_[Labels{verb, group, version, resource, subresource, scope}];
  ++series.by_code[code];
  ++series.count;
  const double seconds = runtime::seconds(took);
  std::size_t bucket = 0;
  while (bucket < seconds_bounds.size() && seconds > seconds_bounds[bucket]) ++bucket;
  ++series.seconds_buckets[bucket];
  series.seconds_sum += seconds;
  bucket = 0;
  while (bucket < bytes_bounds.size() && static_cast<double>(response_bytes) > bytes_bounds[bucket]) ++bucket;
  ++series.bytes_buckets[bucket];
  series.bytes_sum += static_cast<double>(response_bytes);
}

std::string Metrics::text(Store& store) const {
  std::string text;
  const auto labels_of = [](const Labels& labels) {
    std::string shown = "group=\"" + labels.group + "\",resource=\"" + labels.resource + "\",scope=\"" + labels.scope + "\",subresource=\"" +
                        labels.subresource + "\",verb=\"" + labels.verb + "\",version=\"" + labels.version + "\"";
    return shown;
  };
  head(text, "apiserver_request_total", "counter", "[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.");
  for (const auto& [labels, series] : requests_) {
    for (const auto& [code, count] : series.by_code) {
      text += "apiserver_request_total{code=\"" + std::to_string(code) + "\",component=\"apiserver\",dry_run=\"\",";
      text += labels_of(labels) + "} " + std::to_string(count) + "\n";
    }
  }
  head(text, "apiserver_request_duration_seconds", "histogram", "[STABLE] Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.");
  for (const auto& [labels, series] : requests_) {
    histogram(text, "apiserver_request_duration_seconds", "component=\"apiserver\",dry_run=\"\"," + labels_of(labels), seconds_bounds, series.seconds_buckets, series.seconds_sum);
  }
  head(text, "apiserver_response_sizes", "histogram", "[STABLE] Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.");
  for (const auto& [labels, series] : requests_) {
    histogram(text, "apiserver_response_sizes", "component=\"apiserver\"," + labels_of(labels), bytes_bounds, series.bytes_buckets, series.bytes_sum);
  }
  head(text, "apiserver_current_inflight_requests", "gauge", "[STABLE] Maximal number of currently used inflight request limit of this apiserver per request kind in last second.");
  text += "apiserver_current_inflight_requests{request_kind=\"mutating\"} " + std::to_string(inflight_writing) + "\n";
  text += "apiserver_current_inflight_requests{request_kind=\"readOnly\"} " + std::to_string(inflight_reading) + "\n";
  head(text, "apiserver_longrunning_requests", "gauge", "[STABLE] Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.");
  for (const auto& [resource, count] : longrunning) {
    text += "apiserver_longrunning_requests{component=\"apiserver\",resource=\"" + resource + "\",verb=\"WATCH\"} " + std::to_string(count) + "\n";
  }
  head(text, "apiserver_storage_objects", "gauge", "[STABLE] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.");
  for (const Resource& resource : built_in_resources()) {
    if (!resource.has_verb("list")) continue;
    text += "apiserver_storage_objects{resource=\"" + resource.group_resource() + "\"} " + std::to_string(store.object_count(resource.storage_prefix())) + "\n";
  }
  head(text, "apiserver_watch_events_total", "counter", "[ALPHA] Number of events sent in watch clients");
  for (const auto& [labels, count] : watch_events_) {
    text += "apiserver_watch_events_total{group=\"" + labels[0] + "\",kind=\"" + labels[2] + "\",version=\"" + labels[1] + "\"} " + std::to_string(count) + "\n";
  }
  head(text, "etcd_request_duration_seconds", "histogram", "[ALPHA] Etcd request latency in seconds for each operation and object type.");
  for (const auto& [operation, count] : store.etcd_calls) {
    text += "etcd_request_duration_seconds_bucket{operation=\"" + operation + "\",type=\"\",le=\"+Inf\"} " + std::to_string(count) + "\n";
    text += "etcd_request_duration_seconds_count{operation=\"" + operation + "\",type=\"\"} " + std::to_string(count) + "\n";
  }
  text += client::process_metrics_text(store.runtime().disk());
  head(text, "kubernetes_build_info", "gauge", "[BETA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.");
  text += "kubernetes_build_info{git_version=\"v1.32.13\",major=\"1\",minor=\"32\"} 1\n";
  return text;
}

}  // namespace skidpad::fakes::kube_apiserver
