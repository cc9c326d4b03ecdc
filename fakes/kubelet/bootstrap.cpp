#include "fakes/kubelet/bootstrap.hpp"

#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Duration;
using runtime::Error;
using runtime::ErrorCode;
using runtime::KeyPair;
using runtime::Result;
using runtime::success;
using runtime::Task;
using runtime::text_at;
using namespace std::chrono_literals;

namespace {

constexpr char signer[] = "kubernetes.io/kube-apiserver-client-kubelet";
constexpr Duration certificate_wait_max = 15min;  // as the real kubelet: then another request is made

/// A cluster that comes up answers within moments, one that is down may be so for long: a share of what was waited already.
Duration next_wait(Duration waited, Duration shortest, Duration longest) { return std::clamp<Duration>(waited / 8, shortest, longest); }

std::string current_certificate_path(const KubeletOptions& options) { return options.certificate_directory + "/kubelet-client-current.pem"; }

/// The issued certificate, once the request is approved and signed. Fails with `forbidden` when it was denied.
Task<Result<std::string>> wait_for_certificate(client::KubernetesClient& client, std::string name) {
  runtime::Runtime& runtime = client.runtime();
  const runtime::Instant begin = runtime.now();
  const runtime::Instant due = begin + certificate_wait_max;
  while (runtime.now() < due) {
    auto request = co_await client.get(client::types::certificate_signing_requests, "", name);
    if (request) {
      std::string pem;
      const std::string encoded = text_at(request.value(), {"status", "certificate"});
      if (!encoded.empty() && client::base64_decode(encoded, pem)) co_return pem;
      if (client::condition_status(request.value(), "Denied") == "True" || client::condition_status(request.value(), "Failed") == "True") {
        Error error(ErrorCode::forbidden, "certificate signing request " + name + " was denied or failed");
        co_return error;
      }
    } else if (request.error().code == ErrorCode::not_found) {
      co_return request.error();
    }
    co_await runtime.sleep_for(next_wait(runtime.now() - begin, 50ms, 2s));
  }
  Error error(ErrorCode::timeout, "certificate signing request " + name + " was not signed in time");
  co_return error;
}

/// Makes a key, asks for its certificate, and writes both to kubelet-client-current.pem.
Task<Result<void>> obtain_certificate(client::KubernetesClient& client, KubeletOptions options) {
  runtime::Runtime& runtime = client.runtime();
  runtime::CertificateSpec spec;
  spec.common_name = "system:node:" + options.node_name;
  spec.organizations = {"system:nodes"};
  spec.client = true;
  CO_TRY(const KeyPair request, runtime.pki().make_request(spec));
  Json object = Json::object();
  object["metadata"]["generateName"] = "csr-";
  object["spec"]["request"] = client::base64_encode(request.certificate_pem);
  object["spec"]["signerName"] = signer;
  object["spec"]["usages"] = Json::array({"digital signature", "client auth"});
  CO_TRY(const Json created, co_await client.create(client::types::certificate_signing_requests, std::move(object)));
  CO_TRY(const std::string certificate, co_await wait_for_certificate(client, client::name_of(created)));
  CO_TRY(runtime.disk().make_directories(options.certificate_directory, 0750));
  CO_TRY(runtime.disk().write_atomically(current_certificate_path(options), certificate + request.key_pem, 0600));
  co_return success();
}

std::string kubeconfig_text(const client::Kubeconfig& bootstrap, const KubeletOptions& options) {
  Json cluster = Json::object();
  cluster["server"] = bootstrap.servers.empty() ? "" : bootstrap.servers.front();
  if (!bootstrap.ca_pem.empty()) cluster["certificate-authority-data"] = client::base64_encode(bootstrap.ca_pem);
  if (!bootstrap.server_name.empty()) cluster["tls-server-name"] = bootstrap.server_name;
  if (bootstrap.insecure) cluster["insecure-skip-tls-verify"] = true;
  Json config = Json::object();
  config["apiVersion"] = "v1";
  config["kind"] = "Config";
  Json entry = Json::object();
  entry["name"] = "default-cluster";
  entry["cluster"] = cluster;
  config["clusters"] = Json::array({entry});
  entry = Json::object();
  entry["name"] = "default-auth";
  entry["user"]["client-certificate"] = current_certificate_path(options);
  entry["user"]["client-key"] = current_certificate_path(options);
  config["users"] = Json::array({entry});
  entry = Json::object();
  entry["name"] = "default-context";
  entry["context"]["cluster"] = "default-cluster";
  entry["context"]["user"] = "default-auth";
  entry["context"]["namespace"] = "default";
  config["contexts"] = Json::array({entry});
  config["current-context"] = "default-context";
  return config.dump();
}

}  // namespace

Task<void> bootstrap_kubeconfig(runtime::Runtime& runtime, const KubeletOptions& options) {
  if (options.bootstrap_kubeconfig.empty() || runtime.disk().exists(options.kubeconfig)) co_return;
  if (options.kubeconfig.empty()) throw UsageError("--bootstrap-kubeconfig: expected --kubeconfig, where the result is written");
  auto config = client::load_kubeconfig(runtime.disk(), options.bootstrap_kubeconfig);
  if (!config) throw UsageError("--bootstrap-kubeconfig: " + config.error().message);
  client::KubernetesClient client(runtime, config.value());
  const runtime::Instant begin = runtime.now();
  while (true) {
    const auto obtained = co_await obtain_certificate(client, options);
    if (obtained) break;
    runtime.log().warning("client_certificate_not_obtained", {{"error", obtained.error().message}});
    co_await runtime.sleep_for(next_wait(runtime.now() - begin, 100ms, 10s));
  }
  (void)runtime.disk().make_directories(runtime::parent_path(options.kubeconfig));
  const auto written = runtime.disk().write_atomically(options.kubeconfig, kubeconfig_text(config.value(), options), 0600);
  if (!written) throw UsageError("--kubeconfig: " + written.error().message);
}

Task<void> rotate_client_certificate(client::KubernetesClient& client, const KubeletOptions& options) {
  runtime::Runtime& runtime = client.runtime();
  if (!options.rotate_certificates || !runtime.disk().exists(current_certificate_path(options))) co_return;
  while (true) {
    const auto facts = runtime.pki().read_certificate(client.config().certificate_pem);
    if (!facts) {
      runtime.log().warning("client_certificate_unreadable", {{"error", facts.error().message}});
      co_return;
    }
    const Duration life = facts.value().not_after - facts.value().not_before;
    const Duration age = runtime.wall_now() - facts.value().not_before;
    const Duration renew_at_age = runtime.random().between(life * 7 / 10, life * 9 / 10);
    if (age < renew_at_age) co_await runtime.sleep_for(renew_at_age - age);
    auto renewed = co_await obtain_certificate(client, options);
    if (renewed) {
      auto config = client::load_kubeconfig(runtime.disk(), options.kubeconfig);
      if (config) client.replace_config(config.value());
    } else {
      runtime.log().warning("client_certificate_not_renewed", {{"error", renewed.error().message}});
    }
    co_await runtime.sleep_for(renewed ? Duration(1s) : Duration(1min));
  }
}

}  // namespace skidpad::fakes::kubelet
