#include "controllers/checkpointer/observer.hpp"

#include <charconv>

namespace skidpad::controllers::checkpointer {

using runtime::ErrorCode;
using runtime::Task;

namespace {

runtime::HttpClientOptions kubelet_options(const client::KubernetesClient& client, const Settings& settings) {
  runtime::HttpClientOptions options;
  runtime::Endpoint endpoint;
  endpoint.address = settings.node_address;
  endpoint.port = static_cast<std::uint16_t>(settings.kubelet_port);
  options.servers.push_back(endpoint);
  runtime::TlsClientOptions tls;
  tls.insecure = true;  // kubelets sign their own serving certificates; who asks is what matters, and that is ours
  tls.certificate_pem = client.config().certificate_pem;
  tls.key_pem = client.config().key_pem;
  options.tls = std::move(tls);
  options.connect_timeout = options.request_timeout = settings.runtime_request_timeout;
  return options;
}

/// Versions are opaque to clients, yet etcd's are numbers that only grow: enough to see that an answer is older than another.
std::uint64_t version_of(const std::string& text) {
  std::uint64_t version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

}  // namespace

Observer::Observer(runtime::Runtime& runtime, client::KubernetesClient& client, const Settings& settings)
    : runtime_(runtime), client_(client), settings_(settings), kubelet_(runtime, kubelet_options(client, settings)) {}

Task<Look> Observer::look() {
  Look look;
  co_await ask_api(look);
  co_await ask_kubelet(look);
  // Last, so that what decides is newest.
  auto running = running_pods(runtime_, settings_.state_directory());
  look.runtime_known = running.has_value();
  if (running) look.running = std::move(running.value());
  else runtime_.log().warning("runtime_not_read", {{"error", running.error().message}});
  co_return look;
}

Task<void> Observer::ask_api(Look& look) {
  client::ListOptions here;
  here.field_selector = "spec.nodeName=" + settings_.node_name;
  auto listed = co_await client_.list_all(client::types::pods, std::move(here));
  if (!listed) {
    look.doubt = listed.error().message;
    look.api_parents = trusted_parents_;
    co_return;
  }
  look.api_available = true;
  for (const auto& pod : listed.value().items) {
    if (is_parent(*pod)) look.api_parents[client::key_of(*pod)] = *pod;
  }
  const std::uint64_t version = version_of(listed.value().resource_version);
  if (version < version_max_) {
    look.doubt = "the answer is older than one before";
  } else if (look.api_parents.empty() && !trusted_parents_.empty() && !co_await node_is_known()) {
    look.doubt = "the answer is suddenly empty, and does not know this node either";
  }
  look.fresh = look.doubt.empty();
  if (look.fresh) {
    version_max_ = version;
    trusted_parents_ = look.api_parents;
  } else {
    for (const auto& [key, pod] : trusted_parents_) look.api_parents.emplace(key, pod);
  }
}

/// An API server that has lost its world has also lost the Node that this kubelet keeps registered.
Task<bool> Observer::node_is_known() {
  auto node = co_await client_.get(client::types::nodes, "", settings_.node_name);
  if (!node) co_return false;
  for (const auto& [key, pod] : trusted_parents_) {
    const bool absent = co_await confirmed_absent(key);
    if (!absent) co_return false;
  }
  co_return true;
}

Task<bool> Observer::confirmed_absent(std::string key) {
  const client::NamespacedName name = client::split_key(key);
  auto pod = co_await client_.get(client::types::pods, name.namespace_name, name.name);
  if (pod) co_return !is_parent(pod.value()) || runtime::text_at(pod.value(), {"spec", "nodeName"}) != settings_.node_name;
  co_return pod.error().code == ErrorCode::not_found && pod.error().http_status == 404;
}

Task<void> Observer::ask_kubelet(Look& look) {
  runtime::HttpRequest request;
  request.target = "/pods";
  auto answer = co_await kubelet_.request(std::move(request));
  if (answer && answer.value().status == 200) {
    const auto list = runtime::parse_json(answer.value().body);
    if (list) {
      kubelet_parents_.clear();
      for (const Json& pod : runtime::list_at(list.value(), {"items"})) {
        if (is_parent(pod)) kubelet_parents_[client::key_of(pod)] = pod;
      }
    }
  } else {
    // Without an API server the kubelet cannot ask who may see its pods.
    runtime_.log().debug("kubelet_not_read", {{"error", answer ? std::to_string(answer.value().status) : answer.error().message}});
  }
  look.local_parents = kubelet_parents_;
}

}  // namespace skidpad::controllers::checkpointer
