#include "fakes/kube_proxy/kube_proxy.hpp"

#include "harness/client/process_metrics.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/usage_error.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::fakes::kube_proxy {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::Runtime;
using runtime::Task;
using runtime::text_at;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t dns_ttl_seconds = 5;       // as CoreDNS' kubernetes plugin
constexpr runtime::Duration settle_time = 5ms;     // one rollout step changes several objects at once

Endpoint read_endpoint(const std::string& flag, const std::string& text) {
  auto endpoint = runtime::parse_endpoint(text);
  if (!endpoint || endpoint.value().port == 0) throw UsageError("--" + flag + ": \"" + text + "\": expected ADDRESS:PORT");
  return endpoint.value();
}

void read_configuration(Runtime& runtime, const std::string& path, KubeProxyOptions& options) {
  const auto text = runtime.disk().read(path);
  if (!text) throw UsageError("--config: " + text.error().message);
  const auto parsed = runtime::parse_yaml(text.value());
  if (!parsed) throw UsageError(path + ": " + parsed.error().message);
  const Json& configuration = parsed.value();
  if (text_at(configuration, {"kind"}) != "KubeProxyConfiguration") throw UsageError(path + ": kind: expected \"KubeProxyConfiguration\"");
  options.kubeconfig = text_at(configuration, {"clientConnection", "kubeconfig"}, options.kubeconfig);
  options.node_name = text_at(configuration, {"hostnameOverride"}, options.node_name);
  const std::string metrics = text_at(configuration, {"metricsBindAddress"});
  const std::string healthz = text_at(configuration, {"healthzBindAddress"});
  if (!metrics.empty()) options.metrics_address = metrics;
  if (!healthz.empty()) options.healthz_address = healthz;
}

constexpr const char* accepted_flags[] = {"cluster-cidr", "proxy-mode", "nodeport-addresses", "v", "feature-gates", "config-sync-period",
                                          "iptables-sync-period", "iptables-min-sync-period", "ipvs-scheduler", "masquerade-all",
                                          "conntrack-max-per-core", "conntrack-min", "conntrack-tcp-timeout-established", "oom-score-adj",
                                          "bind-address", "bind-address-hard-fail", "cleanup", "detect-local-mode", "logging-format",
                                          "kube-api-qps", "kube-api-burst", "kube-api-content-type", "profiling", "show-hidden-metrics-for-version"};

}  // namespace

void parse_balancer(const std::string& text, KubeProxyOptions& options) {
  if (text.empty()) return;
  const auto equal = text.find('=');
  if (equal == std::string::npos) throw UsageError("--apiserver-balancer: \"" + text + "\": expected LISTEN=SERVER,SERVER,...");
  options.balancer_at = read_endpoint("apiserver-balancer", text.substr(0, equal));
  options.apiservers.clear();
  std::size_t begin = equal + 1;
  while (begin <= text.size()) {
    const auto end = std::min(text.find(',', begin), text.size());
    options.apiservers.push_back(read_endpoint("apiserver-balancer", text.substr(begin, end - begin)));
    begin = end + 1;
  }
}

bool parse_options(Runtime& runtime, const std::vector<std::string>& arguments, KubeProxyOptions& options) {
  std::string config_path;
  for (int pass = 0; pass < 2; ++pass) {
    std::string balancer;
    runtime::Flags flags("kube-proxy", "The node-local balancer and name server of skidpad.");
    flags.add("config", config_path, "KubeProxyConfiguration file");
    flags.add("kubeconfig", options.kubeconfig);
    flags.add("hostname-override", options.node_name);
    flags.add("metrics-bind-address", options.metrics_address);
    flags.add("healthz-bind-address", options.healthz_address);
    // No commas are split here: the value is one text.
    flags.add("apiserver-balancer", balancer, "ours: LISTEN=SERVER,SERVER,...: one local address for all API servers");
    flags.add("dns-address", options.dns_address, "ours: where to answer DNS for the cluster");
    flags.add("cluster-domain", options.cluster_domain, "ours: the DNS zone");
    flags.add("node-ip", options.node_ip, "ours: where node ports are; default the machine's own address");
    for (const char* flag : accepted_flags) flags.accept(flag, "there is no such thing here");
    if (!flags.parse(arguments)) return false;
    parse_balancer(balancer, options);
    if (pass > 0 || config_path.empty()) break;
    read_configuration(runtime, config_path, options);
  }
  if (options.node_name.empty()) options.node_name = runtime.host_name();
  if (options.node_ip.empty()) options.node_ip = runtime.network().own_address();
  if (options.kubeconfig.empty() && !options.balancer_at) throw UsageError("--kubeconfig or --apiserver-balancer: expected one of them");
  return true;
}

KubeProxy::KubeProxy(Runtime& runtime, client::KubernetesClient* client, KubeProxyOptions options)
    : runtime_(runtime),
      options_(std::move(options)),
      metrics_server_(runtime, [this](const HttpRequest& request, HttpResponder& responder) { return answer(request, responder); }),
      healthz_server_(runtime, [this](const HttpRequest& request, HttpResponder& responder) { return answer(request, responder); }) {
  if (client != nullptr) {
    services_ = std::make_unique<client::Informer>(*client, client::types::services);
    slices_ = std::make_unique<client::Informer>(*client, client::types::endpoint_slices);
    add_service_index(slices_->store());
    zone_ = std::make_unique<DnsZone>(services_->store(), slices_->store(), options_.cluster_domain);
  }
  if (options_.balancer_at) {
    ForwarderOptions forward;
    forward.at = *options_.balancer_at;
    balancer_ = std::make_unique<Forwarder>(runtime, forward);
    balancer_->set_endpoints(options_.apiservers);
  }
  metrics_.describe("kubeproxy_sync_proxy_rules_last_timestamp_seconds", "The last time proxy rules were successfully synced");
  metrics_.describe("kubeproxy_connections_total", "Connections forwarded.");
  metrics_.describe("kubeproxy_endpoint_failures_total", "Endpoints that did not answer a connection attempt.");
  client::add_process_metrics(metrics_, runtime_.disk());
  metrics_.add_collector([this](client::Metrics& now) {
    double connections = balancer_ ? static_cast<double>(balancer_->connection_count()) : 0;
    double failures = balancer_ ? static_cast<double>(balancer_->failure_count()) : 0;
    for (const auto& [at, frontend] : frontends_) {
      connections += static_cast<double>(frontend.forwarder->connection_count());
      failures += static_cast<double>(frontend.forwarder->failure_count());
    }
    now.set("kubeproxy_connections_total", connections);
    now.set("kubeproxy_endpoint_failures_total", failures);
    now.set("kubeproxy_frontends", static_cast<double>(frontends_.size()));
    now.set("kubeproxy_sync_proxy_rules_total", static_cast<double>(sync_count_));
    now.set("kubeproxy_dns_questions_total", static_cast<double>(dns_count_));
  });
}

Task<void> KubeProxy::run() {
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  if (balancer_) tasks.spawn("balancer", balancer_->run());
  if (services_) {
    tasks.spawn("services", services_->run());
    tasks.spawn("slices", slices_->run());
    tasks.spawn("follow", follow());
    if (!options_.dns_address.empty()) tasks.spawn("dns", serve_dns());
    tasks.spawn("metrics", serve_http(options_.metrics_address, metrics_server_));
    tasks.spawn("healthz", serve_http(options_.healthz_address, healthz_server_));
  }
  co_await tasks.join();
}

Task<void> KubeProxy::follow() {
  const auto on_change = [this](const client::ObjectPointer&) { changed_.set(); };
  services_->add_handler(client::on_any_change(on_change));
  slices_->add_handler(client::on_any_change(on_change));
  co_await services_->synced().wait();
  co_await slices_->synced().wait();
  while (true) {
    changed_.reset();
    apply();
    co_await changed_.wait();
    co_await runtime_.sleep_for(settle_time);
  }
}

void KubeProxy::apply() {
  ServiceTable table = make_service_table(services_->store(), slices_->store(), options_.node_ip, options_.node_name);
  for (auto frontend = frontends_.begin(); frontend != frontends_.end();) {
    if (table.contains(frontend->first)) {
      ++frontend;
      continue;
    }
    const std::string address = frontend->first.address;
    frontend->second.task.reset();
    frontend = frontends_.erase(frontend);
    leave_address(address);
  }
  for (auto& [at, endpoints] : table) {
    if (!frontends_.contains(at)) add_frontend(at);
    frontends_.at(at).forwarder->set_endpoints(std::move(endpoints));
  }
  if (balancer_) {
    auto servers = apiserver_endpoints(slices_->store());
    // An empty slice is more likely an API server that just began than a cluster without any.
    if (!servers.empty()) balancer_->set_endpoints(std::move(servers));
  }
  ++sync_count_;
  metrics_.set("kubeproxy_sync_proxy_rules_last_timestamp_seconds", std::chrono::duration<double>(runtime_.wall_now().time_since_epoch()).count());
}

void KubeProxy::add_frontend(const Endpoint& at) {
  use_address(at.address);
  ForwarderOptions forward;
  forward.at = at;
  Frontend& frontend = frontends_[at];
  frontend.forwarder = std::make_unique<Forwarder>(runtime_, forward);
  frontend.task = std::make_unique<runtime::TaskGroup>(runtime_.stop());
  frontend.task->spawn("frontend", frontend.forwarder->run());
}

void KubeProxy::use_address(const std::string& address) {
  if (addresses_[address]++ > 0 || address == options_.node_ip) return;
  const auto added = runtime_.network().add_local_address(address);
  if (!added && added.error().code != runtime::ErrorCode::already_exists) {
    runtime_.log().warning("address_not_added", {{"address", address}, {"error", added.error().message}});
  }
}

void KubeProxy::leave_address(const std::string& address) {
  const auto used = addresses_.find(address);
  ASSERT(used != addresses_.end() && used->second > 0);
  if (--used->second > 0) return;
  addresses_.erase(used);
  if (address != options_.node_ip) (void)runtime_.network().remove_local_address(address);
}

Task<void> KubeProxy::serve_dns() {
  Endpoint at;
  at.address = options_.dns_address;
  at.port = 53;
  if (options_.dns_address.find(':') != std::string::npos) at = read_endpoint("dns-address", options_.dns_address);
  use_address(at.address);
  while (true) {
    auto socket = runtime_.network().open_datagram(at);
    if (!socket) {
      runtime_.log().warning("dns_not_served", {{"at", to_text(at)}, {"error", socket.error().message}});
      co_await runtime_.sleep_for(5s);
      continue;
    }
    while (true) {
      auto datagram = co_await socket.value()->receive();
      if (!datagram) break;
      ++dns_count_;
      std::uint16_t id = 0;
      DnsCode code = DnsCode::no_error;
      const auto question = read_question(datagram.value().bytes, id, code);
      std::string answer_bytes;
      if (!question) {
        answer_bytes = write_failure(id, code);
      } else {
        DnsAnswer found;
        found.code = DnsCode::server_failure;
        if (services_->has_synced() && slices_->has_synced()) found = zone_->answer(*question);
        // In turn, so that clients which take the first address spread.
        if (found.records.size() > 1) {
          const auto turn = static_cast<std::ptrdiff_t>(dns_count_ % found.records.size());
          std::rotate(found.records.begin(), found.records.begin() + turn, found.records.end());
        }
        answer_bytes = write_answer(*question, found, zone_->zone(), dns_ttl_seconds);
      }
      (void)socket.value()->send_to(datagram.value().from, std::move(answer_bytes));
    }
    co_await runtime_.sleep_for(1s);
  }
}

Task<void> KubeProxy::serve_http(std::string address, runtime::HttpServer& server) {
  if (address.empty()) co_return;
  runtime::ListenOptions listen;
  listen.at = read_endpoint("metrics-bind-address", address);
  if (listen.at.address == "0.0.0.0") listen.at.address.clear();
  while (true) {
    auto listener = runtime_.network().listen(listen);
    if (listener) {
      co_await server.serve(std::move(listener.value()));
    } else {
      runtime_.log().warning("health_not_served", {{"at", address}, {"error", listener.error().message}});
    }
    co_await runtime_.sleep_for(10s);
  }
}

Task<void> KubeProxy::answer(const HttpRequest& request, HttpResponder& responder) {
  HttpResponse response;
  response.headers.set("Content-Type", "text/plain; charset=utf-8");
  const auto path = request.path();
  if (path == "/healthz" || path == "/livez") {
    const std::string now = runtime::format_rfc3339(runtime_.wall_now());
    response.headers.set("Content-Type", "application/json");
    response.status = sync_count_ > 0 ? 200 : 503;
    response.body = "{\"lastUpdated\": \"" + now + "\",\"currentTime\": \"" + now + "\", \"nodeEligible\": true}";
  } else if (path == "/metrics") {
    response.body = metrics_.text();
  } else if (path == "/proxyMode") {
    response.body = "userspace";
  } else {
    response.status = 404;
    response.body = "404 page not found\n";
  }
  (void)co_await responder.send(std::move(response));
}

Task<int> kube_proxy_main(Runtime& runtime, std::vector<std::string> arguments) {
  KubeProxyOptions options;
  if (!parse_options(runtime, arguments, options)) co_return 0;
  if (options.kubeconfig.empty()) {
    KubeProxy proxy(runtime, nullptr, options);
    co_await proxy.run();
    co_return 0;
  }
  auto config = client::load_kubeconfig(runtime.disk(), options.kubeconfig);
  if (!config) throw UsageError("--kubeconfig: " + config.error().message);
  client::ClientOptions client_options;
  client_options.user_agent = "kube-proxy/v1.32.13 (linux/amd64) skidpad";
  client::KubernetesClient client(runtime, config.value(), client_options);
  KubeProxy proxy(runtime, &client, options);
  co_await proxy.run();
  co_return 0;
}

}  // namespace skidpad::fakes::kube_proxy
