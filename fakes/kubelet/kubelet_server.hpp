/// @file kubelet_server.hpp
/// The kubelet's HTTPS server on 10250: /healthz, /pods, /runningpods/, /metrics, /containerLogs/, /stats/summary.
/// Promise: clients show a certificate of the client CA or are refused (401) unless anonymous requests are allowed; with
/// authorization mode Webhook the API server is asked by SubjectAccessReview (403), as the real one does.
/// Not here yet: exec, attach, port-forward; bearer tokens.
#pragma once

#include "fakes/kubelet/options.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/client/metrics.hpp"
#include "harness/runtime/http/http_server.hpp"

namespace skidpad::fakes::kubelet {

/// What the server shows.
class KubeletView {
 public:
  virtual ~KubeletView() = default;
  virtual std::vector<Json> pods() const = 0;
  /// "" where there is no such container or no such log.
  virtual std::string log_path(const std::string& namespace_name, const std::string& pod, const std::string& container, bool previous) const = 0;
  virtual Json stats_summary() const = 0;
};

/// The last `count` lines of a text.
std::string last_lines(const std::string& text, std::size_t count);

class KubeletServer {
 public:
  KubeletServer(runtime::Runtime& runtime, client::KubernetesClient* client, const KubeletOptions& options, KubeletView& view, client::Metrics& metrics);
  /// Serves both listeners until stopped. A port that is taken is tried again: the kubelet's work does not hang on it.
  runtime::Task<void> run();

 private:
  struct Decision {
    bool allowed = false;
    runtime::Instant until{};
  };
  runtime::Task<void> serve_tls();
  runtime::Task<void> serve_healthz();
  runtime::Result<runtime::TlsServerOptions> tls_options();
  runtime::Task<void> answer(const runtime::HttpRequest& request, runtime::HttpResponder& responder);
  runtime::Task<void> answer_healthz(const runtime::HttpRequest& request, runtime::HttpResponder& responder);
  runtime::Task<void> send_logs(const runtime::HttpRequest& request, runtime::HttpResponder& responder);
  runtime::Task<bool> may(runtime::PeerIdentity peer, std::string verb, std::string subresource, std::string path);

  runtime::Runtime& runtime_;
  client::KubernetesClient* client_;
  const KubeletOptions& options_;
  KubeletView& view_;
  client::Metrics& metrics_;
  runtime::HttpServer server_;
  runtime::HttpServer healthz_server_;
  std::map<std::string, Decision> decisions_;
};

}  // namespace skidpad::fakes::kubelet
