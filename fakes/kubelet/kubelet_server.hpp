/// @file kubelet_server.hpp
/// The kubelet's HTTPS server on 10250: /healthz, /pods, /runningpods/, /metrics, /stats/summary, /containerLogs/, /exec/, /attach/,
/// /run/ and /portForward/.
/// Promise: paths, parameters and messages of the real kubelet (pkg/kubelet/server); who may ask is for request_access.hpp.
/// Not here: /logs/, /debug/, /configz, /checkpoint/, cAdvisor's metrics.
#pragma once

#include "fakes/kubelet/pod.hpp"
#include "fakes/kubelet/request_access.hpp"
#include "harness/client/metrics.hpp"
#include "harness/runtime/http/http_server.hpp"

namespace skidpad::fakes::kubelet {

/// What the server shows.
class KubeletView {
 public:
  virtual ~KubeletView() = default;
  virtual std::vector<Json> pods() const = 0;
  /// Null if there is none of that name. Pods come and go: not to be held across a wait.
  virtual const Pod* pod_named(const std::string& namespace_name, const std::string& name) const = 0;
  virtual Json stats_summary() const = 0;
};

class KubeletServer {
 public:
  KubeletServer(runtime::Runtime& runtime, client::KubernetesClient* client, const KubeletOptions& options, KubeletView& view, client::Metrics& metrics);
  /// Serves both listeners until stopped. A port that is taken is tried again: the kubelet's work does not hang on it.
  runtime::Task<void> run();

 private:
  runtime::Task<void> serve_tls();
  runtime::Task<void> serve_healthz();
  runtime::Result<runtime::TlsServerOptions> tls_options();
  runtime::Task<void> answer(const runtime::HttpRequest& request, runtime::HttpResponder& responder);
  runtime::Task<void> answer_healthz(const runtime::HttpRequest& request, runtime::HttpResponder& responder);
  runtime::Task<void> answer_authorized(const runtime::HttpRequest& request, runtime::HttpResponder& responder);
  /// /WHAT/NAMESPACE/POD[/UID][/CONTAINER]
  runtime::Task<void> answer_about_pod(const runtime::HttpRequest& request, runtime::HttpResponder& responder, std::vector<std::string> parts);
  runtime::Task<void> send_logs(const runtime::HttpRequest& request, runtime::HttpResponder& responder, std::vector<std::string> parts);
  runtime::Task<void> run_command(const runtime::HttpRequest& request, runtime::HttpResponder& responder, runtime::ProcessSpec spec);

  runtime::Runtime& runtime_;
  const KubeletOptions& options_;
  RequestAccess access_;
  KubeletView& view_;
  client::Metrics& metrics_;
  runtime::HttpServer server_;
  runtime::HttpServer healthz_server_;
};

}  // namespace skidpad::fakes::kubelet
