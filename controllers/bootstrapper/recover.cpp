#include "controllers/bootstrapper/recover.hpp"

#include "harness/client/kubernetes/object.hpp"
#include "harness/runtime/network.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::Error;
using runtime::ErrorCode;
using runtime::list_at;
using runtime::text_at;

namespace {

class EtcdSource final : public ObjectSource {
 public:
  EtcdSource(client::EtcdClient& etcd, std::string prefix) : etcd_(etcd), prefix_(std::move(prefix)) {}

  Task<Result<Json>> get(std::string plural, std::string namespace_name, std::string name) override {
    const std::string key = prefix_ + "/" + plural + "/" + namespace_name + "/" + name;
    auto found = co_await etcd_.get(key);
    if (!found) co_return found.error();
    if (!found.value()) {
      Error missing(ErrorCode::not_found, key + " is not in etcd");
      co_return missing;
    }
    const std::string& text = found.value()->value;
    if (text.starts_with(std::string("k8s\0", 4))) {
      Error binary(ErrorCode::unsupported, key + " is stored as protobuf; recover from a running API server instead");
      co_return binary;
    }
    if (text.starts_with("k8s:enc:")) {
      Error encrypted(ErrorCode::unsupported, key + " is encrypted; recover from a running API server instead");
      co_return encrypted;
    }
    auto object = runtime::parse_json(text);
    if (!object) co_return runtime::wrap(object.error(), key);
    co_return object;
  }

  /// Each API server keeps a key with a lease of its own; a dead one's key goes by itself.
  Task<Result<std::vector<std::string>>> live_api_servers() override {
    const std::string leases = prefix_ + "/masterleases/";
    client::RangeRequest request = client::RangeRequest::prefix(leases);
    auto found = co_await etcd_.range(std::move(request));
    if (!found) co_return found.error();
    std::vector<std::string> addresses;
    for (const client::KeyValue& entry : found.value().kvs) addresses.push_back(entry.key.substr(leases.size()));
    co_return addresses;
  }

 private:
  client::EtcdClient& etcd_;
  std::string prefix_;
};

class ApiSource final : public ObjectSource {
 public:
  explicit ApiSource(client::KubernetesClient& client) : client_(client) {}
  Task<Result<Json>> get(std::string plural, std::string namespace_name, std::string name) override {
    const client::ResourceType* type = &client::types::secrets;
    if (plural == "daemonsets") type = &client::types::daemon_sets;
    if (plural == "deployments") type = &client::types::deployments;
    co_return co_await client_.get(*type, namespace_name, name);
  }
  /// Being asked means that one lives, and that this is known to who asks.
  Task<Result<std::vector<std::string>>> live_api_servers() override { co_return std::vector<std::string>(); }

 private:
  client::KubernetesClient& client_;
};

struct Moved {
  const char* plural;
  const char* name;        ///< of the workload and of its secret
  const char* file;
  int port;
};
constexpr Moved moved[] = {{"daemonsets", "kube-apiserver", "bootstrap-apiserver.yaml", bootstrap_apiserver_port},
                           {"deployments", "kube-controller-manager", "bootstrap-controller-manager.yaml", 10267},
                           {"deployments", "kube-scheduler", "bootstrap-scheduler.yaml", 10269}};

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
}

/// The pod that the workload would have had, as a static pod that serves beside it: other ports, and files from the node.
Json temporary_pod(const Json& workload, const Moved& part, const std::string& address) {
  Json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  pod["metadata"] = {{"name", std::string("bootstrap-") + part.name}, {"namespace", "kube-system"}};
  pod["metadata"]["labels"] = {{"component", std::string("bootstrap-") + part.name}, {"tier", "control-plane"}};
  Json spec = workload["spec"]["template"]["spec"];
  for (const char* field : {"nodeSelector", "tolerations", "affinity", "serviceAccountName", "serviceAccount", "schedulerName"}) spec.erase(field);
  Json& container = spec["containers"][0];
  const std::string secrets = text_at(container, {"volumeMounts"}).empty() && !list_at(container, {"volumeMounts"}).empty()
                                  ? text_at(container["volumeMounts"][0], {"mountPath"})
                                  : "";
  for (Json& word : container["command"]) {
    std::string text = word.get<std::string>();
    if (!secrets.empty()) replace_all(text, secrets, bootstrap_secrets);
    replace_all(text, "$(HOST_IP)", address);
    if (text.starts_with("--secure-port=")) text = "--secure-port=" + std::to_string(part.port);
    word = std::move(text);
  }
  for (const char* probe : {"startupProbe", "livenessProbe", "readinessProbe"}) {
    if (container.contains(probe)) container[probe]["httpGet"]["port"] = part.port;
  }
  container["ports"] = Json::array({{{"name", "serving"}, {"containerPort", part.port}, {"hostPort", part.port}}});
  container["volumeMounts"] = Json::array({{{"name", "secrets"}, {"mountPath", bootstrap_secrets}, {"readOnly", true}}});
  spec["volumes"] = Json::array({{{"name", "secrets"}, {"hostPath", {{"path", bootstrap_secrets}, {"type", "DirectoryOrCreate"}}}}});
  pod["spec"] = std::move(spec);
  return pod;
}

Result<std::map<std::string, std::string>> decoded(const Json& secret) {
  std::map<std::string, std::string> data;
  for (const auto& [key, value] : list_at(secret, {"data"}).items()) {
    if (!value.is_string() || !client::base64_decode(value.get<std::string>(), data[key])) {
      return Error(ErrorCode::corrupt, "secret " + client::key_of(secret) + ": " + key + " is not base64");
    }
  }
  return data;
}

/// A serving certificate with the names the lost servers had, and the address of the new one.
Result<runtime::KeyPair> serving_certificate(runtime::Pki& pki, const runtime::KeyPair& ca, const std::string& old_pem, const std::string& address) {
  TRY(const runtime::CertificateFacts facts, pki.read_certificate(old_pem));
  runtime::CertificateSpec spec;
  spec.common_name = facts.common_name;
  spec.dns_names = facts.dns_names;
  spec.ip_addresses = facts.ip_addresses;
  spec.server = true;
  auto& list = runtime::is_ipv4(address) ? spec.ip_addresses : spec.dns_names;
  if (std::find(list.begin(), list.end(), address) == list.end()) list.push_back(address);
  return pki.issue(ca, spec);
}

Result<AssetFiles> assemble(const std::map<std::string, Json>& workloads, const std::map<std::string, std::string>& apiserver,
                            const std::map<std::string, std::string>& manager, runtime::Pki& pki, const std::string& address) {
  AssetFiles files;
  std::string missing;
  const auto take = [&](const std::map<std::string, std::string>& secret, const char* from, const char* name) {
    const auto found = secret.find(name);
    if (found == secret.end()) missing += (missing.empty() ? "" : ", ") + std::string(from) + "/" + name;
    else files[std::string("tls/") + name] = AssetFile{found->second, std::string_view(name).ends_with(".crt") ? 0644u : 0600u};
  };
  for (const char* name : {"apiserver-kubelet-client.crt", "apiserver-kubelet-client.key", "etcd-client-ca.crt", "etcd-client.crt", "etcd-client.key",
                           "service-account.pub", "service-account.key", "tokens.csv", "apiserver.crt", "apiserver.key"}) {
    take(apiserver, "kube-apiserver", name);
  }
  for (const char* name : {"ca.crt", "ca.key"}) take(manager, "kube-controller-manager", name);
  if (!missing.empty()) return Error(ErrorCode::not_found, "secrets are not complete, missing: " + missing);
  const runtime::KeyPair ca{files.at("tls/ca.crt").content, files.at("tls/ca.key").content};
  TRY(const runtime::KeyPair serving, serving_certificate(pki, ca, files.at("tls/apiserver.crt").content, address));
  files["tls/apiserver.crt"].content = serving.certificate_pem;
  files["tls/apiserver.key"].content = serving.key_pem;
  runtime::CertificateSpec administrator;
  administrator.common_name = "kubernetes-admin";
  administrator.organizations = {"system:masters"};
  administrator.client = true;
  TRY(const runtime::KeyPair admin, pki.issue(ca, administrator));
  client::Kubeconfig config;
  config.servers = {"https://" + address + ":" + std::to_string(bootstrap_apiserver_port)};
  config.ca_pem = ca.certificate_pem;
  config.certificate_pem = admin.certificate_pem;
  config.key_pem = admin.key_pem;
  config.user_name = administrator.common_name;
  files["auth/kubeconfig-bootstrap"] = AssetFile{client::write_kubeconfig(config), 0600};
  for (const Moved& part : moved) {
    files[std::string("bootstrap-manifests/") + part.file] = AssetFile{temporary_pod(workloads.at(part.name), part, address).dump(2) + "\n", 0644};
  }
  return files;
}

}  // namespace

std::unique_ptr<ObjectSource> make_etcd_source(client::EtcdClient& etcd, std::string prefix) { return std::make_unique<EtcdSource>(etcd, std::move(prefix)); }
std::unique_ptr<ObjectSource> make_api_source(client::KubernetesClient& client) { return std::make_unique<ApiSource>(client); }

Task<Result<AssetFiles>> recover(ObjectSource& source, runtime::Pki& pki, RecoverOptions options) {
  if (!options.force) {
    auto alive = co_await source.live_api_servers();
    if (!alive) co_return alive.error();
    if (!alive.value().empty()) {
      std::string who;
      for (const std::string& address : alive.value()) who += (who.empty() ? "" : ", ") + address;
      Error needless(ErrorCode::forbidden, "API servers were alive a moment ago: " + who + "; nothing to recover (--force recovers anyway)");
      co_return needless;
    }
  }
  std::map<std::string, Json> workloads;
  std::map<std::string, std::map<std::string, std::string>> secrets;
  std::vector<std::string> missing;
  for (const Moved& part : moved) {
    auto workload = co_await source.get(part.plural, "kube-system", part.name);
    if (workload && !list_at(workload.value(), {"spec", "template", "spec", "containers"}).empty()) {
      workloads[part.name] = std::move(workload.value());
    } else if (workload || workload.error().code == ErrorCode::not_found) {
      missing.push_back(std::string(part.plural) + " kube-system/" + part.name);
    } else {
      co_return workload.error();
    }
    auto secret = co_await source.get("secrets", "kube-system", part.name);
    if (!secret && secret.error().code != ErrorCode::not_found) co_return secret.error();
    if (!secret) {
      missing.push_back(std::string("secret kube-system/") + part.name);
      continue;
    }
    auto data = decoded(secret.value());
    if (!data) co_return data.error();
    secrets[part.name] = std::move(data.value());
  }
  if (!missing.empty()) {
    std::string all;
    for (const std::string& one : missing) all += (all.empty() ? "" : ", ") + one;
    Error incomplete(ErrorCode::not_found, "the control plane cannot be recovered, missing: " + all);
    co_return incomplete;
  }
  co_return assemble(workloads, secrets["kube-apiserver"], secrets["kube-controller-manager"], pki, options.bootstrap_address);
}

}  // namespace skidpad::controllers::bootstrapper
