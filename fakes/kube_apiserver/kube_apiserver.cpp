#include "fakes/kube_apiserver/kube_apiserver.hpp"

#include <sstream>

#include "fakes/kube_apiserver/server/api_server.hpp"
#include "harness/runtime/command.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::Duration;
using runtime::Flags;
using runtime::Runtime;
using namespace std::chrono_literals;

struct Configuration {
  std::vector<std::string> etcd_servers;
  std::string etcd_ca_file;
  std::string etcd_certificate_file;
  std::string etcd_key_file;
  std::string etcd_prefix = "/registry";
  std::string bind_address = "0.0.0.0";
  std::string advertise_address;
  std::int64_t secure_port = 6443;
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string certificate_directory = "/var/run/kubernetes";
  std::string client_ca_file;
  std::string request_header_ca_file;
  std::vector<std::string> request_header_names;
  std::vector<std::string> request_header_user;
  std::vector<std::string> request_header_group;
  std::vector<std::string> request_header_extra;
  std::string token_file;
  std::vector<std::string> service_account_key_files;
  std::string signing_key_file;
  std::vector<std::string> issuers;
  std::vector<std::string> audiences;
  std::vector<std::string> authorization_modes;
  std::vector<std::string> enabled_admission;
  std::vector<std::string> disabled_admission;
  std::string service_range = "10.0.0.0/24";
  std::string node_ports = "30000-32767";
  std::int64_t not_ready_seconds = 300;
  std::int64_t unreachable_seconds = 300;
  std::string kubelet_ca_file;
  std::string kubelet_certificate_file;
  std::string kubelet_key_file;
  std::int64_t min_request_timeout_seconds = 1800;
  Duration event_ttl = 1h;
  Duration compaction_interval = 5min;
  std::string audit_log_path;
  std::string audit_policy_file;
  std::int64_t audit_log_mebibytes = 0;
  std::int64_t audit_log_backups = 0;
  bool anonymous = true;
  bool permit_port_sharing = false;
};

/// Flags of the real server that change nothing here.
constexpr const char* accepted_flags[] = {
    "admission-control-config-file", "aggregator-reject-forwarding-redirects", "allow-metric-labels", "allow-privileged", "apiserver-count", "audit-log-format",
    "audit-log-compress", "audit-log-maxage", "audit-log-mode", "authentication-token-webhook-config-file",
    "authorization-webhook-config-file", "contention-profiling", "cors-allowed-origins", "default-watch-cache-size", "delete-collection-workers",
    "disabled-metrics", "egress-selector-config-file", "emulated-version", "enable-aggregator-routing", "enable-bootstrap-token-auth", "enable-garbage-collector",
    "enable-logs-handler", "enable-priority-and-fairness", "encryption-provider-config", "endpoint-reconciler-type", "etcd-count-metric-poll-period",
    "etcd-db-metric-poll-interval", "etcd-healthcheck-timeout", "etcd-readycheck-timeout", "etcd-servers-overrides", "external-hostname", "feature-gates",
    "goaway-chance", "http2-max-streams-per-connection", "kubelet-port", "kubelet-preferred-address-types", "kubelet-timeout", "kubernetes-service-node-port",
    "lease-reuse-duration-seconds", "livez-grace-period", "log-flush-frequency", "log-json-info-buffer-size", "logging-format", "max-connection-bytes-per-sec",
    "max-mutating-requests-inflight", "max-requests-inflight", "oidc-client-id", "oidc-issuer-url", "permit-address-sharing",
    "peer-advertise-ip", "peer-advertise-port", "peer-ca-file", "profiling", "proxy-client-cert-file", "proxy-client-key-file", "request-timeout",
    "requestheader-uid-headers", "runtime-config", "service-account-extend-token-expiration", "service-account-jwks-uri", "service-account-lookup",
    "service-account-max-token-expiration", "show-hidden-metrics-for-version", "shutdown-delay-duration", "shutdown-send-retry-after", "shutdown-watch-termination-grace-period",
    "storage-backend", "storage-initialization-timeout", "storage-media-type", "strict-transport-security-directives", "tls-cipher-suites", "tls-min-version",
    "tls-sni-cert-key", "tracing-config-file", "v", "vmodule", "watch-cache", "watch-cache-sizes", "authentication-config", "authorization-config",
};

void declare(Flags& flags, Configuration& configuration) {
  flags.add("etcd-servers", configuration.etcd_servers, "List of etcd servers to connect with (scheme://ip:port), comma separated.");
  flags.add("etcd-cafile", configuration.etcd_ca_file, "SSL Certificate Authority file used to secure etcd communication.");
  flags.add("etcd-certfile", configuration.etcd_certificate_file, "SSL certification file used to secure etcd communication.");
  flags.add("etcd-keyfile", configuration.etcd_key_file, "SSL key file used to secure etcd communication.");
  flags.add("etcd-prefix", configuration.etcd_prefix, "The prefix to prepend to all resource paths in etcd.");
  flags.add("bind-address", configuration.bind_address, "The IP address on which to listen for the --secure-port port.");
  flags.add("advertise-address", configuration.advertise_address, "The IP address on which to advertise the apiserver to members of the cluster.");
  flags.add("secure-port", configuration.secure_port, "The port on which to serve HTTPS with authentication and authorization.");
  flags.add("tls-cert-file", configuration.tls_certificate_file, "File containing the default x509 Certificate for HTTPS.");
  flags.add("tls-private-key-file", configuration.tls_key_file, "File containing the default x509 private key matching --tls-cert-file.");
  flags.add("cert-dir", configuration.certificate_directory, "The directory where the TLS certs are located.");
  flags.add("client-ca-file", configuration.client_ca_file, "Any request presenting a client certificate signed by one of the authorities in the client-ca-file is authenticated.");
  flags.add("requestheader-client-ca-file", configuration.request_header_ca_file, "Root certificate bundle to use to verify client certificates on incoming requests before trusting usernames in headers. Handed on to other components.");
  flags.add("requestheader-allowed-names", configuration.request_header_names, "List of client certificate common names to allow to provide usernames in headers.");
  flags.add("requestheader-username-headers", configuration.request_header_user, "List of request headers to inspect for usernames.");
  flags.add("requestheader-group-headers", configuration.request_header_group, "List of request headers to inspect for groups.");
  flags.add("requestheader-extra-headers-prefix", configuration.request_header_extra, "List of request header prefixes to inspect.");
  flags.add("token-auth-file", configuration.token_file, "The file that will be used to secure the secure port of the API server via token authentication.");
  flags.add("service-account-key-file", configuration.service_account_key_files, "File containing PEM-encoded keys used to verify ServiceAccount tokens.");
  flags.add("service-account-signing-key-file", configuration.signing_key_file, "Path to the file that contains the current private key of the service account token issuer.");
  flags.add("service-account-issuer", configuration.issuers, "Identifier of the service account token issuer.");
  flags.add("api-audiences", configuration.audiences, "Identifiers of the API.");
  flags.add("authorization-mode", configuration.authorization_modes, "Ordered list of plug-ins to do authorization on secure port.");
  flags.add("enable-admission-plugins", configuration.enabled_admission, "Admission plugins that should be enabled in addition to default enabled ones.");
  flags.add("disable-admission-plugins", configuration.disabled_admission, "Admission plugins that should be disabled although they are in the default enabled plugins list.");
  flags.add("service-cluster-ip-range", configuration.service_range, "A CIDR notation IP range from which to assign service cluster IPs.");
  flags.add("service-node-port-range", configuration.node_ports, "A port range to reserve for services with NodePort visibility.");
  flags.add("default-not-ready-toleration-seconds", configuration.not_ready_seconds, "The tolerationSeconds of the toleration for notReady:NoExecute that is added by default.");
  flags.add("default-unreachable-toleration-seconds", configuration.unreachable_seconds, "The tolerationSeconds of the toleration for unreachable:NoExecute that is added by default.");
  flags.add("kubelet-certificate-authority", configuration.kubelet_ca_file, "Path to a cert file for the certificate authority.");
  flags.add("kubelet-client-certificate", configuration.kubelet_certificate_file, "Path to a client cert file for TLS.");
  flags.add("kubelet-client-key", configuration.kubelet_key_file, "Path to a client key file for TLS.");
  flags.add("min-request-timeout", configuration.min_request_timeout_seconds, "Seconds a watch must be kept open at least.");
  flags.add("event-ttl", configuration.event_ttl, "Amount of time to retain events.");
  flags.add("etcd-compaction-interval", configuration.compaction_interval, "The interval of compaction requests.");
  flags.add("audit-log-path", configuration.audit_log_path, "If set, all requests coming to the apiserver will be logged to this file. '-' means standard out.");
  flags.add("audit-policy-file", configuration.audit_policy_file, "Path to the file that defines the audit policy configuration. Without it nothing is logged.");
  flags.add("audit-log-maxsize", configuration.audit_log_mebibytes, "The maximum size in megabytes of the audit log file before it gets rotated.");
  flags.add("audit-log-maxbackup", configuration.audit_log_backups, "The maximum number of old audit log files to retain. Setting a value of 0 will mean there's no restriction on the number of files.");
  flags.add("anonymous-auth", configuration.anonymous, "Enables anonymous requests to the secure port of the API server.");
  flags.add("permit-port-sharing", configuration.permit_port_sharing, "If true, this server waits for a port that another process of its node still serves, instead of exiting.");
  for (const char* name : accepted_flags) flags.accept(name, "no effect in this server");
}

std::string read_file(Runtime& runtime, const std::string& path) {
  if (path.empty()) return "";
  auto text = runtime.disk().read(path);
  if (!text) throw UsageError("open " + path + ": " + text.error().message);
  return text.value();
}

client::EtcdClientOptions etcd_options(Runtime& runtime, const Configuration& configuration) {
  client::EtcdClientOptions options;
  // Reads wait for what the watch brings, where the real one would ask etcd: a watch on a dead member must not hold them up for long.
  options.watch_probe_interval = 3s;
  options.watch_probe_timeout = 2s;
  bool secure = false;
  for (std::string url : configuration.etcd_servers) {
    secure |= url.compare(0, 8, "https://") == 0;
    const std::size_t scheme = url.find("://");
    if (scheme != std::string::npos) url = url.substr(scheme + 3);
    while (!url.empty() && url.back() == '/') url.pop_back();
    const std::size_t colon = url.rfind(':');
    runtime::Endpoint endpoint;
    endpoint.address = url.substr(0, colon);
    if (endpoint.address == "localhost") endpoint.address = "127.0.0.1";
    endpoint.port = static_cast<std::uint16_t>(colon == std::string::npos ? 2379 : std::stoi(url.substr(colon + 1)));
    options.endpoints.push_back(endpoint);
  }
  if (secure) {
    runtime::TlsClientOptions tls;
    tls.ca_pem = read_file(runtime, configuration.etcd_ca_file);
    tls.certificate_pem = read_file(runtime, configuration.etcd_certificate_file);
    tls.key_pem = read_file(runtime, configuration.etcd_key_file);
    tls.insecure = tls.ca_pem.empty();
    options.tls = tls;
  }
  return options;
}

runtime::TlsServerOptions serving_options(Runtime& runtime, const Configuration& configuration) {
  runtime::TlsServerOptions tls;
  tls.client_ca_pem = read_file(runtime, configuration.client_ca_file);
  if (!configuration.tls_certificate_file.empty()) {
    tls.certificate_pem = read_file(runtime, configuration.tls_certificate_file);
    tls.key_pem = read_file(runtime, configuration.tls_key_file);
    return tls;
  }
  auto ca = runtime.pki().make_ca(configuration.advertise_address + "-ca", 24h * 365);
  if (!ca) throw UsageError("cannot make a serving certificate: " + ca.error().message);
  runtime::CertificateSpec spec;
  spec.common_name = configuration.advertise_address;
  spec.dns_names = {"kubernetes.default.svc", "kubernetes.default", "kubernetes", "localhost"};
  spec.ip_addresses = {"127.0.0.1", configuration.advertise_address};
  spec.server = true;
  auto pair = runtime.pki().issue(ca.value(), spec);
  if (!pair) throw UsageError("cannot make a serving certificate: " + pair.error().message);
  tls.certificate_pem = pair.value().certificate_pem + ca.value().certificate_pem;
  tls.key_pem = pair.value().key_pem;
  return tls;
}

AuthenticationOptions authentication_options(Runtime& runtime, const Configuration& configuration) {
  AuthenticationOptions options;
  options.token_file = read_file(runtime, configuration.token_file);
  for (const std::string& path : configuration.service_account_key_files) options.service_account_keys.push_back(read_file(runtime, path));
  options.signing_key = read_file(runtime, configuration.signing_key_file);
  if (options.service_account_keys.empty() && !options.signing_key.empty()) options.service_account_keys.push_back(options.signing_key);
  options.issuers = configuration.issuers;
  options.audiences = configuration.audiences.empty() ? configuration.issuers : configuration.audiences;
  options.anonymous = configuration.anonymous;
  return options;
}

/// As the real server publishes them: lists as JSON texts.
std::map<std::string, std::string> authentication_facts(Runtime& runtime, const Configuration& configuration) {
  std::map<std::string, std::string> facts;
  if (!configuration.client_ca_file.empty()) facts["client-ca-file"] = read_file(runtime, configuration.client_ca_file);
  if (configuration.request_header_ca_file.empty()) return facts;
  facts["requestheader-client-ca-file"] = read_file(runtime, configuration.request_header_ca_file);
  facts["requestheader-allowed-names"] = Json(configuration.request_header_names).dump();
  facts["requestheader-username-headers"] = Json(configuration.request_header_user).dump();
  facts["requestheader-group-headers"] = Json(configuration.request_header_group).dump();
  facts["requestheader-extra-headers-prefix"] = Json(configuration.request_header_extra).dump();
  return facts;
}

AuthorizationModes authorization_modes(const Configuration& configuration) {
  AuthorizationModes modes{.node = false, .rbac = false, .always_allow = configuration.authorization_modes.empty()};
  for (const std::string& mode : configuration.authorization_modes) {
    if (mode == "Node") {
      modes.node = true;
    } else if (mode == "RBAC") {
      modes.rbac = true;
    } else if (mode == "AlwaysAllow") {
      modes.always_allow = true;
    } else if (mode != "AlwaysDeny" && mode != "ABAC" && mode != "Webhook") {
      throw UsageError("authorization-mode " + in_quotes(mode) + " is not a valid mode");
    }
  }
  return modes;
}

ServerOptions server_options(Runtime& runtime, const Configuration& configuration) {
  ServerOptions options;
  options.service_range = configuration.service_range.substr(0, configuration.service_range.find(','));
  const std::size_t dash = configuration.node_ports.find('-');
  if (dash != std::string::npos) {
    options.node_port_min = std::stoi(configuration.node_ports.substr(0, dash));
    options.node_port_max = std::stoi(configuration.node_ports.substr(dash + 1));
  }
  options.advertise_address = configuration.advertise_address;
  options.secure_port = static_cast<std::uint16_t>(configuration.secure_port);
  options.not_ready_seconds = configuration.not_ready_seconds;
  options.unreachable_seconds = configuration.unreachable_seconds;
  options.event_ttl = configuration.event_ttl;
  options.compaction_interval = configuration.compaction_interval;
  options.min_request_timeout = std::chrono::seconds(configuration.min_request_timeout_seconds);
  options.disabled_admission.insert(configuration.disabled_admission.begin(), configuration.disabled_admission.end());
  const auto& enabled = configuration.enabled_admission;
  options.authentication_facts = authentication_facts(runtime, configuration);
  options.node_restriction = std::find(enabled.begin(), enabled.end(), "NodeRestriction") != enabled.end();
  if (!configuration.audit_log_path.empty() && !configuration.audit_policy_file.empty()) {
    AuditOptions& audit = options.audit.emplace();
    audit.path = configuration.audit_log_path == "-" ? "/dev/stdout" : configuration.audit_log_path;
    audit.policy = AuditPolicy::parse(read_file(runtime, configuration.audit_policy_file));
    audit.size_max_mebibytes = configuration.audit_log_mebibytes;
    audit.backup_count_max = configuration.audit_log_backups;
  }
  runtime::TlsClientOptions kubelet;
  kubelet.ca_pem = read_file(runtime, configuration.kubelet_ca_file);
  kubelet.certificate_pem = read_file(runtime, configuration.kubelet_certificate_file);
  kubelet.key_pem = read_file(runtime, configuration.kubelet_key_file);
  kubelet.insecure = kubelet.ca_pem.empty();
  options.kubelet_client = kubelet;
  return options;
}

/// Takes this server out of the kubernetes Endpoints, or gives up after two seconds: then its lease does it.
Task<void> leave_soon(Runtime& runtime, ApiServer& server) {
  auto left = co_await runtime::with_timeout<void>(runtime, 2s, server.leave(), "leaving the kubernetes Endpoints");
  if (!left) runtime.log().warning("endpoints_not_left", {{"error", left.error().message}});
}

Task<void> announce_readiness(Runtime& runtime, ApiServer& server) {
  while (!server.is_ready()) co_await runtime.sleep_for(20ms);
  runtime.log().info("ready", nlohmann::json::object());
}

}  // namespace

Task<int> kube_apiserver_main(Runtime& runtime, std::vector<std::string> arguments) {
  Configuration configuration;
  Flags flags("kube-apiserver", "The Kubernetes API server validates and configures data for the api objects.");
  declare(flags, configuration);
  std::string failure;
  client::EtcdClientOptions etcd_client_options;
  AuthenticationOptions authentication;
  AuthorizationModes modes;
  ServerOptions options;
  runtime::ListenOptions listen;
  try {
    if (!flags.parse(arguments)) {
      runtime.log().info("usage", {{"text", flags.output()}});
      co_return 0;
    }
    if (configuration.etcd_servers.empty()) throw UsageError("--etcd-servers must be specified");
    if (configuration.advertise_address.empty()) {
      const bool any = configuration.bind_address.empty() || configuration.bind_address == "0.0.0.0";
      configuration.advertise_address = any ? runtime.network().own_address() : configuration.bind_address;
    }
    etcd_client_options = etcd_options(runtime, configuration);
    authentication = authentication_options(runtime, configuration);
    modes = authorization_modes(configuration);
    options = server_options(runtime, configuration);
    listen.tls = serving_options(runtime, configuration);
    listen.at = runtime::Endpoint{configuration.bind_address == "0.0.0.0" ? "" : configuration.bind_address, static_cast<std::uint16_t>(configuration.secure_port)};
  } catch (const UsageError& error) {
    failure = error.what();
  }
  if (!failure.empty()) co_return runtime::command_failed(runtime, failure);
  client::EtcdClient etcd(runtime, etcd_client_options);
  Store store(runtime, etcd);
  Authenticator authenticator(store, std::move(authentication));
  Authorizer authorizer(store, modes);
  ApiServer server(runtime, store, authenticator, authorizer, std::move(options));
  auto listener = runtime.network().listen(listen);
  // The real server would listen beside the other one (SO_REUSEPORT). Ours takes the port when it is free: to a checkpointer, which
  // wants to see this process running before it ends its copy, both come to the same.
  while (!listener && configuration.permit_port_sharing && listener.error().code == runtime::ErrorCode::already_exists) {
    co_await runtime.sleep_for(100ms);
    listener = runtime.network().listen(listen);
  }
  if (!listener) co_return runtime::command_failed(runtime, "failed to create listener: " + listener.error().message);
  runtime::HttpHandler handler = [&server](const runtime::HttpRequest& request, runtime::HttpResponder& responder) { return server.handle(request, responder); };
  runtime::HttpServerLimits limits;
  limits.body_bytes_max = 8 << 20;  // a little over the API's own limit is read, so that the client hears why it is refused
  runtime::HttpServer http(runtime, std::move(handler), limits);
  try {
    runtime::TaskGroup tasks(runtime.stop());
    tasks.spawn("store", store.run());
    tasks.spawn("upkeep", server.run_upkeep());
    tasks.spawn("readiness", announce_readiness(runtime, server));
    tasks.spawn("http", http.serve(std::move(listener.value())));
    co_await tasks.join();
  } catch (const runtime::Cancelled&) {
    // The tasks may also end quietly, each by its own stop; either way it was asked for.
  }
  if (runtime.stop().stop_requested()) {
    // The process is asked to stop, so this last step needs a stop state of its own; it is short.
    runtime::StopState last;
    last.gate = runtime.stop().gate;
    Task<void> leaving = leave_soon(runtime, server);
    leaving.use_stop_state(last);
    co_await leaving;
  }
  co_return 0;
}

}  // namespace skidpad::fakes::kube_apiserver
