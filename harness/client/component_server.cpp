#include "harness/client/component_server.hpp"

#include "harness/client/process_metrics.hpp"

namespace skidpad::client {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::Result;
using runtime::Task;

namespace {

HttpResponse plain(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.body = std::move(body);
  return response;
}

}  // namespace

void ComponentServerOptions::add_to(runtime::Flags& flags) {
  flags.add("bind-address", bind_address, "address to serve health and metrics on");
  flags.add("secure-port", secure_port, "port to serve health and metrics on; 0 serves nothing");
  flags.add("tls-cert-file", certificate_path, "certificate to serve with; one is made where none is given");
  flags.add("tls-private-key-file", key_path, "key of the certificate");
  for (const char* name : {"cert-dir", "tls-cipher-suites", "tls-min-version", "tls-sni-cert-key", "http2-max-streams-per-connection",
                           "permit-port-sharing", "permit-address-sharing", "disable-http2-serving", "authentication-skip-lookup",
                           "authentication-token-webhook-cache-ttl", "authentication-tolerate-lookup-failure",
                           "authorization-always-allow-paths", "authorization-webhook-cache-authorized-ttl",
                           "authorization-webhook-cache-unauthorized-ttl", "client-ca-file", "requestheader-allowed-names",
                           "requestheader-client-ca-file", "requestheader-extra-headers-prefix", "requestheader-group-headers",
                           "requestheader-username-headers", "requestheader-uid-headers", "authentication-kubeconfig",
                           "authorization-kubeconfig"}) {
    flags.accept(name, "health and metrics are served without authorisation here");
  }
  for (const char* name : {"contention-profiling", "profiling", "show-hidden-metrics-for-version", "disabled-metrics",
                           "allow-metric-labels", "allow-metric-labels-manifest", "logging-format", "log-flush-frequency",
                           "log-json-info-buffer-size", "log-json-split-stream", "log-text-info-buffer-size", "log-text-split-stream",
                           "vmodule", "v", "feature-gates", "emulated-version", "kube-api-burst", "kube-api-qps",
                           "kube-api-content-type", "master"}) {
    flags.accept(name, "no effect on this implementation");
  }
}

ComponentServer::ComponentServer(runtime::Runtime& runtime, Metrics& metrics, ComponentServerOptions options)
    : runtime_(runtime),
      metrics_(metrics),
      options_(std::move(options)),
      server_(runtime, [this](const HttpRequest& request, HttpResponder& responder) { return answer(request, responder); }) {
  add_process_metrics(metrics_, runtime_.disk());
}

void ComponentServer::add_check(std::string name, Where where, std::function<std::string()> good) {
  checks_.emplace_back();
  checks_.back().name = std::move(name);
  checks_.back().where = where;
  checks_.back().good = std::move(good);
}

Result<void> ComponentServer::listen() {
  if (options_.secure_port == 0) return runtime::success();
  runtime::TlsServerOptions tls;
  if (options_.plain_http) {
    // nothing to prepare
  } else if (!options_.certificate_path.empty()) {
    TRY(auto certificate, runtime_.disk().read(options_.certificate_path));
    TRY(auto key, runtime_.disk().read(options_.key_path));
    tls.certificate_pem = std::move(certificate);
    tls.key_pem = std::move(key);
  } else {
    TRY(auto ca, runtime_.pki().make_ca(options_.own_name + "-ca", std::chrono::hours(24 * 365)));
    runtime::CertificateSpec spec;
    spec.common_name = options_.own_name;
    spec.dns_names.push_back("localhost");
    spec.ip_addresses.push_back("127.0.0.1");
    spec.server = true;
    TRY(auto pair, runtime_.pki().issue(ca, spec));
    tls.certificate_pem = std::move(pair.certificate_pem);
    tls.key_pem = std::move(pair.key_pem);
  }
  runtime::ListenOptions listen;
  listen.at.address = options_.bind_address == "0.0.0.0" || options_.bind_address == "::" ? "" : options_.bind_address;
  listen.at.port = std::uint16_t(options_.secure_port);
  if (!options_.plain_http) listen.tls = std::move(tls);
  auto listener = runtime_.network().listen(std::move(listen));
  if (!listener) return runtime::wrap(listener.error(), "failed to create listener");
  listener_ = std::move(listener.value());
  return runtime::success();
}

Task<void> ComponentServer::run() {
  if (listener_ == nullptr) co_return;
  co_await server_.serve(std::move(listener_));
}

HttpResponse ComponentServer::health(const HttpRequest& request, Where where) {
  bool good = true;
  std::string verbose;
  for (const Check& check : checks_) {
    if (check.where == Where::readyz && where != Where::readyz) continue;
    const std::string trouble = check.good();
    good = good && trouble.empty();
    verbose += trouble.empty() ? "[+]" + check.name + " ok\n" : "[-]" + check.name + " failed: " + trouble + "\n";
  }
  const std::string name(request.path().substr(1));
  if (!good) return plain(500, verbose + name + " check failed\n");
  if (request.query().find("verbose") != std::string_view::npos) return plain(200, verbose + name + " check passed\n");
  return plain(200, "ok");
}

Task<void> ComponentServer::answer(const HttpRequest& request, HttpResponder& responder) {
  const std::string_view path = request.path();
  HttpResponse response;
  if (path == "/healthz" || path == "/livez") {
    response = health(request, Where::everywhere);
  } else if (path == "/readyz") {
    response = health(request, Where::readyz);
  } else if (path == "/metrics") {
    response = plain(200, metrics_.text());
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  } else {
    response = plain(404, "404 page not found\n");
  }
  auto sent = co_await responder.send(std::move(response));
  (void)sent;  // a client that went away is its own business
}

}  // namespace skidpad::client
