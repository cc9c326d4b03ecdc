/// @file kube_proxy.hpp
/// The node-local balancer: gives this node every Service's cluster IP, forwards to ready endpoints, answers DNS for the cluster,
/// and keeps one local address for all API servers.
/// Takes the real kube-proxy's flags and configuration file; ours are --apiserver-balancer, --dns-address, --cluster-domain,
/// --node-ip. The balancer needs no API server; with one it follows the default/kubernetes EndpointSlice.
/// Limits: see service_table.hpp; connections are forwarded by this process, so the endpoint sees the node's address as client.
#pragma once

#include "fakes/kube_proxy/forwarder.hpp"
#include "fakes/kube_proxy/service_table.hpp"
#include "harness/client/kubernetes/informer.hpp"
#include "harness/client/metrics.hpp"
#include "harness/runtime/http/http_server.hpp"

namespace skidpad::fakes::kube_proxy {

struct KubeProxyOptions {
  std::string kubeconfig;
  std::string node_name;
  std::string node_ip;
  std::string metrics_address = "127.0.0.1:10249";
  std::string healthz_address = "0.0.0.0:10256";
  std::string dns_address;            ///< "" = no name server
  std::string cluster_domain = "cluster.local";
  std::optional<Endpoint> balancer_at;
  std::vector<Endpoint> apiservers;
};

/// "127.0.0.1:6443=10.0.0.1:6443,10.0.0.2:6443". Throws UsageError.
void parse_balancer(const std::string& text, KubeProxyOptions& options);
/// Throws UsageError; false after --help.
bool parse_options(runtime::Runtime& runtime, const std::vector<std::string>& arguments, KubeProxyOptions& options);

class KubeProxy {
 public:
  /// @param client  null: only the balancer runs
  KubeProxy(runtime::Runtime& runtime, client::KubernetesClient* client, KubeProxyOptions options);
  runtime::Task<void> run();

 private:
  struct Frontend {
    std::unique_ptr<Forwarder> forwarder;
    std::unique_ptr<runtime::TaskGroup> task;
  };
  runtime::Task<void> follow();
  void apply();
  void add_frontend(const Endpoint& at);
  void use_address(const std::string& address);
  void leave_address(const std::string& address);
  runtime::Task<void> serve_dns();
  runtime::Task<void> serve_http(std::string address, runtime::HttpServer& server);
  runtime::Task<void> answer(const runtime::HttpRequest& request, runtime::HttpResponder& responder);

  runtime::Runtime& runtime_;
  KubeProxyOptions options_;
  client::Metrics metrics_;
  std::unique_ptr<client::Informer> services_;
  std::unique_ptr<client::Informer> slices_;
  std::unique_ptr<DnsZone> zone_;
  std::unique_ptr<Forwarder> balancer_;
  std::map<Endpoint, Frontend> frontends_;
  std::map<std::string, std::size_t> addresses_;  ///< local address -> frontends on it
  runtime::Event changed_;
  std::uint64_t sync_count_ = 0;
  std::uint64_t dns_count_ = 0;
  runtime::HttpServer metrics_server_;
  runtime::HttpServer healthz_server_;
};

runtime::Task<int> kube_proxy_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::fakes::kube_proxy
