#include "controllers/bootstrapper/assets.hpp"

#include "harness/client/kubernetes/object.hpp"
#include "harness/runtime/network.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::CertificateSpec;
using runtime::Error;
using runtime::ErrorCode;
using runtime::KeyPair;
using runtime::success;
using runtime::text_at;

namespace {

constexpr unsigned secret_mode = 0600;
constexpr std::uint64_t file_bytes_max = 8 << 20;

CertificateSpec client_certificate(const std::string& name, std::vector<std::string> organizations = {}) {
  CertificateSpec spec;
  spec.common_name = name;
  spec.organizations = std::move(organizations);
  spec.client = true;
  return spec;
}

Result<void> check(const RenderInput& input) {
  const Authorities& keys = input.authorities;
  const auto whole = [](const KeyPair& pair) { return pair.certificate_pem.empty() == pair.key_pem.empty(); };
  const struct {
    bool good;
    const char* message;
  } conditions[] = {
      {!keys.cluster.certificate_pem.empty() && !keys.cluster.key_pem.empty(), "the cluster's CA needs both certificate and key"},
      {!keys.etcd_ca_pem.empty() && !keys.etcd_client.certificate_pem.empty() && whole(keys.etcd_client),
       "etcd's CA, client certificate and client key must be given together"},
      {!keys.service_accounts.key_pem.empty() && whole(keys.service_accounts), "the key for service-account tokens needs both halves"},
      {!input.api_servers.empty(), "no API server is given"},
      {!input.control_plane.etcd_servers.empty(), "no etcd server is given"},
      {!input.control_plane.bootstrap_address.empty(), "the first node's address is missing"},
  };
  for (const auto& condition : conditions) {
    if (!condition.good) return Error(ErrorCode::invalid, condition.message);
  }
  for (const char* component : {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "pod-checkpointer"}) {
    if (!input.control_plane.images.contains(component)) return Error(ErrorCode::invalid, std::string("no image for ") + component);
  }
  return success();
}

class Renderer {
 public:
  Renderer(const RenderInput& input, runtime::Pki& pki) : input_(input), pki_(pki) {}

  Result<AssetFiles> run() {
    TRY(check(input_));
    TRY(add_keys());
    TRY(add_kubeconfigs());
    TRY(add_secrets());
    for (const auto& [name, pod] : bootstrap_pods(input_.control_plane)) put("bootstrap-manifests/" + name, pod.dump(2) + "\n");
    for (const auto& [name, object] : control_plane_objects(input_.control_plane)) put("manifests/" + name, object.dump(2) + "\n");
    for (const auto& [name, object] : input_.further_objects) put("manifests/" + name, object.dump(2) + "\n", secret_mode);
    return std::move(files_);
  }

 private:
  void put(const std::string& path, std::string content, unsigned mode = 0644) {
    ASSERT(!files_.contains(path));
    files_[path] = AssetFile{std::move(content), mode};
  }
  void put_pair(const std::string& name, const KeyPair& pair) {
    put("tls/" + name + ".crt", pair.certificate_pem);
    put("tls/" + name + ".key", pair.key_pem, secret_mode);
  }

  Result<void> add_keys() {
    const Authorities& keys = input_.authorities;
    put_pair("ca", keys.cluster);
    put("tls/etcd-client-ca.crt", keys.etcd_ca_pem);
    put_pair("etcd-client", keys.etcd_client);
    put("tls/service-account.pub", keys.service_accounts.certificate_pem);
    put("tls/service-account.key", keys.service_accounts.key_pem, secret_mode);
    put("tls/tokens.csv", keys.tokens_csv, secret_mode);
    CertificateSpec serving;
    serving.common_name = "kube-apiserver";
    serving.server = true;
    serving.dns_names = {"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"};
    serving.ip_addresses = {input_.service_address, "127.0.0.1"};
    std::vector<std::string> names = input_.further_names;
    for (const std::string& server : input_.api_servers) names.push_back(host_of(server));
    names.push_back(input_.control_plane.bootstrap_address);
    for (const std::string& name : names) {
      auto& list = runtime::is_ipv4(name) ? serving.ip_addresses : serving.dns_names;
      if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
    }
    TRY(const KeyPair server, pki_.issue(keys.cluster, serving));
    put_pair("apiserver", server);
    TRY(const KeyPair kubelet_client, pki_.issue(keys.cluster, client_certificate("kube-apiserver-kubelet-client", {"system:masters"})));
    put_pair("apiserver-kubelet-client", kubelet_client);
    return success();
  }

  Result<std::string> kubeconfig(const CertificateSpec& identity, std::string server) {
    TRY(const KeyPair pair, pki_.issue(input_.authorities.cluster, identity));
    return kubeconfig_of(pair, identity.common_name, std::move(server));
  }
  std::string kubeconfig_of(const KeyPair& pair, const std::string& user, std::string server) const {
    client::Kubeconfig config;
    config.servers = {std::move(server)};
    config.ca_pem = input_.authorities.cluster.certificate_pem;
    config.certificate_pem = pair.certificate_pem;
    config.key_pem = pair.key_pem;
    config.user_name = user;
    return client::write_kubeconfig(config);
  }

  Result<void> add_kubeconfigs() {
    TRY(const KeyPair admin, pki_.issue(input_.authorities.cluster, client_certificate("kubernetes-admin", {"system:masters"})));
    put("auth/kubeconfig", kubeconfig_of(admin, "kubernetes-admin", input_.api_servers.front()), secret_mode);
    const std::string temporary = "https://" + input_.control_plane.bootstrap_address + ":" + std::to_string(bootstrap_apiserver_port);
    put("auth/kubeconfig-bootstrap", kubeconfig_of(admin, "kubernetes-admin", temporary), secret_mode);
    return success();
  }

  void put_secret(const std::string& file, const std::string& name, const std::map<std::string, std::string>& data) {
    Json secret = {{"apiVersion", "v1"}, {"kind", "Secret"}, {"type", "Opaque"}};
    secret["metadata"] = {{"name", name}, {"namespace", "kube-system"}};
    for (const auto& [key, content] : data) secret["data"][key] = client::base64_encode(content);
    put("manifests/" + file, secret.dump(2) + "\n", secret_mode);
  }
  std::string key(const std::string& name) const { return files_.at("tls/" + name).content; }

  Result<void> add_secrets() {
    std::map<std::string, std::string> apiserver;
    for (const char* name : {"ca.crt", "apiserver.crt", "apiserver.key", "apiserver-kubelet-client.crt", "apiserver-kubelet-client.key",
                             "etcd-client-ca.crt", "etcd-client.crt", "etcd-client.key", "service-account.pub", "service-account.key", "tokens.csv"}) {
      apiserver[name] = key(name);
    }
    put_secret("10-kube-apiserver-secret.yaml", "kube-apiserver", apiserver);
    const std::string& url = input_.control_plane.api_url;
    TRY(const std::string manager, kubeconfig(client_certificate("system:kube-controller-manager"), url));
    put_secret("11-kube-controller-manager-secret.yaml", "kube-controller-manager",
               {{"ca.crt", key("ca.crt")}, {"ca.key", key("ca.key")}, {"service-account.key", key("service-account.key")}, {"kubeconfig", manager}});
    TRY(const std::string scheduler, kubeconfig(client_certificate("system:kube-scheduler"), url));
    put_secret("12-kube-scheduler-secret.yaml", "kube-scheduler", {{"kubeconfig", scheduler}});
    TRY(const std::string checkpointer, kubeconfig(client_certificate("skidpad:pod-checkpointer"), url));
    put_secret("13-pod-checkpointer-secret.yaml", "pod-checkpointer", {{"kubeconfig", checkpointer}});
    return success();
  }

  const RenderInput& input_;
  runtime::Pki& pki_;
  AssetFiles files_;
};

Result<std::string> read_file(runtime::Disk& disk, const std::string& path) {
  auto text = disk.read(path, file_bytes_max);
  if (!text) return Error(text.error().code, "assets are not complete: " + path + ": " + text.error().message);
  return text;
}

Result<std::vector<std::string>> yaml_files(runtime::Disk& disk, const std::string& directory) {
  auto names = disk.list(directory);
  if (!names) return Error(names.error().code, "assets are not complete: " + directory + ": " + names.error().message);
  std::vector<std::string> chosen;
  for (const std::string& name : names.value()) {
    if (name.ends_with(".yaml") || name.ends_with(".json")) chosen.push_back(name);
  }
  return chosen;
}

}  // namespace

std::string host_of(const std::string& url) {
  const auto scheme = url.find("://");
  std::string host = scheme == std::string::npos ? url : url.substr(scheme + 3);
  host = host.substr(0, host.find('/'));
  return host.substr(0, host.rfind(':'));
}

Result<AssetFiles> render(const RenderInput& input, runtime::Pki& pki) { return Renderer(input, pki).run(); }

Result<void> write_assets(runtime::Disk& disk, const std::string& directory, const AssetFiles& files) {
  const auto there = disk.list(directory);
  if (there && !there.value().empty()) return Error(ErrorCode::already_exists, "asset directory " + directory + " is not empty");
  const std::string making = directory + ".making";
  auto cleared = disk.remove_recursively(making);  // of a run that died here
  if (!cleared && cleared.error().code != ErrorCode::not_found) return cleared;
  TRY(disk.make_directories(making, 0700));
  for (const auto& [path, file] : files) {
    TRY(disk.make_directories(runtime::parent_path(making + "/" + path), 0700));
    TRY(disk.write_atomically(making + "/" + path, file.content, file.mode));
  }
  if (there) {
    TRY(disk.remove_recursively(directory));
  }
  return disk.rename(making, directory);
}

Result<Assets> read_assets(runtime::Disk& disk, const std::string& directory) {
  Assets assets;
  auto config = client::load_kubeconfig(disk, directory + "/auth/kubeconfig-bootstrap");
  if (!config) return Error(config.error().code, "assets are not complete: " + config.error().message);
  assets.bootstrap_admin = std::move(config.value());
  TRY(const std::string kubeconfig, read_file(disk, directory + "/auth/kubeconfig-bootstrap"));
  assets.secrets["kubeconfig"] = kubeconfig;
  for (const char* name : {"ca.crt", "ca.key", "apiserver.crt", "apiserver.key", "apiserver-kubelet-client.crt", "apiserver-kubelet-client.key",
                           "etcd-client-ca.crt", "etcd-client.crt", "etcd-client.key", "service-account.pub", "service-account.key", "tokens.csv"}) {
    TRY(assets.secrets[name], read_file(disk, directory + "/tls/" + name));
  }
  if (assets.bootstrap_admin.ca_pem != assets.secrets.at("ca.crt")) {
    return Error(ErrorCode::invalid, "assets are of two clusters: auth/kubeconfig-bootstrap trusts another CA than tls/ca.crt");
  }
  for (const char* name : {"bootstrap-apiserver.yaml", "bootstrap-controller-manager.yaml", "bootstrap-scheduler.yaml"}) {
    TRY(std::string text, read_file(disk, directory + "/bootstrap-manifests/" + name));
    const auto pod = runtime::parse_yaml(text);
    if (!pod || text_at(pod.value(), {"kind"}) != "Pod") return Error(ErrorCode::invalid, std::string("bootstrap-manifests/") + name + " is no Pod");
    assets.bootstrap_manifests[name] = std::move(text);
  }
  if (!disk.exists(directory + "/manifests")) return assets;  // a recovery: the objects are in etcd
  TRY(const auto names, yaml_files(disk, directory + "/manifests"));
  for (const std::string& name : names) {
    TRY(const std::string text, read_file(disk, directory + "/manifests/" + name));
    auto object = runtime::parse_yaml(text);
    if (!object) return Error(ErrorCode::invalid, "manifests/" + name + ": " + object.error().message);
    if (text_at(object.value(), {"kind"}).empty() || client::name_of(object.value()).empty()) {
      return Error(ErrorCode::invalid, "manifests/" + name + " is no API object");
    }
    assets.objects.emplace_back(name, std::move(object.value()));
  }
  return assets;
}

}  // namespace skidpad::controllers::bootstrapper
