#include "harness/client/kubernetes/kubeconfig.hpp"

#include "harness/runtime/yaml.hpp"

namespace skidpad::client {

using runtime::Disk;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::list_at;
using runtime::Result;
using runtime::text_at;

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const Json& named(const Json& document, std::string_view list, const std::string& name) {
  static const Json none;
  for (const Json& entry : list_at(document, {list})) {
    if (text_at(entry, {"name"}) == name) return entry;
  }
  return none;
}

/// Inline "KEY-data" first, as client-go prefers it, else the file at "KEY".
Result<std::string> data_or_file(const Json& entry, const std::string& key, Disk& disk, const std::string& base_directory) {
  const std::string inline_data = text_at(entry, {key + "-data"});
  if (!inline_data.empty()) {
    std::string bytes;
    if (!base64_decode(inline_data, bytes)) return Error(ErrorCode::invalid, key + "-data is not base64");
    return bytes;
  }
  std::string path = text_at(entry, {key});
  if (path.empty()) return std::string();
  if (path[0] != '/') path = base_directory + "/" + path;
  return disk.read(path);
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = std::uint32_t(std::uint8_t(bytes[i])) << 16;
    if (i + 1 < bytes.size()) group |= std::uint32_t(std::uint8_t(bytes[i + 1])) << 8;
    if (i + 2 < bytes.size()) group |= std::uint8_t(bytes[i + 2]);
    text += alphabet[group >> 18];
    text += alphabet[(group >> 12) & 63];
    text += i + 1 < bytes.size() ? alphabet[(group >> 6) & 63] : '=';
    text += i + 2 < bytes.size() ? alphabet[group & 63] : '=';
  }
  return text;
}

bool base64_decode(std::string_view text, std::string& bytes) {
  bytes.clear();
  std::uint32_t bits = 0;
  int bit_count = 0;
  bool ended = false;
  for (char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    if (c == '=') {
      ended = true;
      continue;
    }
    if (c == '-') c = '+';
    if (c == '_') c = '/';
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos || ended) return false;
    bits = (bits << 6) | std::uint32_t(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes += char((bits >> bit_count) & 255);
    }
  }
  return bit_count < 6;
}

Result<Kubeconfig> parse_kubeconfig(std::string_view text, Disk& disk, std::string base_directory, std::string context_name) {
  TRY(const Json document, runtime::parse_yaml(text));
  if (!document.is_object()) return Error(ErrorCode::invalid, "kubeconfig: not a mapping");
  if (context_name.empty()) context_name = text_at(document, {"current-context"});
  const Json& context = find(named(document, "contexts", context_name), {"context"});
  if (!context.is_object()) return Error(ErrorCode::invalid, "kubeconfig: context \"" + context_name + "\" does not exist");

  Kubeconfig config;
  config.cluster_name = text_at(context, {"cluster"});
  config.user_name = text_at(context, {"user"});
  config.namespace_name = text_at(context, {"namespace"});
  const Json& cluster = find(named(document, "clusters", config.cluster_name), {"cluster"});
  if (!cluster.is_object()) return Error(ErrorCode::invalid, "kubeconfig: cluster \"" + config.cluster_name + "\" does not exist");
  const std::string server = text_at(cluster, {"server"});
  if (server.empty()) return Error(ErrorCode::invalid, "kubeconfig: cluster \"" + config.cluster_name + "\" has no server");
  config.servers.push_back(server);
  config.server_name = text_at(cluster, {"tls-server-name"});
  config.insecure = runtime::bool_at(cluster, {"insecure-skip-tls-verify"});
  TRY(auto ca, data_or_file(cluster, "certificate-authority", disk, base_directory));
  config.ca_pem = std::move(ca);

  const Json& user = find(named(document, "users", config.user_name), {"user"});
  if (!user.is_object()) return config;  // anonymous, as kubectl allows it
  TRY(auto certificate, data_or_file(user, "client-certificate", disk, base_directory));
  config.certificate_pem = std::move(certificate);
  TRY(auto key, data_or_file(user, "client-key", disk, base_directory));
  config.key_pem = std::move(key);
  config.token = text_at(user, {"token"});
  config.token_file = text_at(user, {"tokenFile"});
  if (!config.token_file.empty() && config.token_file[0] != '/') config.token_file = base_directory + "/" + config.token_file;
  return config;
}

Result<Kubeconfig> load_kubeconfig(Disk& disk, std::string path, std::string context) {
  auto text = disk.read(path);
  if (!text) return runtime::wrap(text.error(), "reading kubeconfig " + path);
  auto config = parse_kubeconfig(text.value(), disk, runtime::parent_path(path), std::move(context));
  if (!config) return runtime::wrap(config.error(), "reading kubeconfig " + path);
  return config;
}

Result<Kubeconfig> in_cluster_kubeconfig(runtime::Runtime& runtime) {
  // Our kubelet has no mount namespaces: it says where the volume with this mount path really is.
  std::string directory = runtime.environment("SKIDPAD_SERVICE_ACCOUNT_DIRECTORY");
  if (directory.empty()) directory = "/var/run/secrets/kubernetes.io/serviceaccount";
  const std::string host = runtime.environment("KUBERNETES_SERVICE_HOST");
  const std::string port = runtime.environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return Error(ErrorCode::not_found,
                 "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined");
  }
  Kubeconfig config;
  config.servers.push_back("https://" + host + ":" + port);
  TRY(auto token, runtime.disk().read(directory + "/token"));
  config.token = std::move(token);
  config.token_file = directory + "/token";
  TRY(auto ca, runtime.disk().read(directory + "/ca.crt"));
  config.ca_pem = std::move(ca);
  if (auto name = runtime.disk().read(directory + "/namespace")) config.namespace_name = name.value();
  return config;
}

Result<Kubeconfig> kubeconfig_of(runtime::Runtime& runtime, const std::string& path) {
  return path.empty() ? in_cluster_kubeconfig(runtime) : load_kubeconfig(runtime.disk(), path);
}

std::string write_kubeconfig(const Kubeconfig& config) {
  Json cluster = Json::object();
  cluster["server"] = config.servers.empty() ? "" : config.servers.front();
  if (!config.ca_pem.empty()) cluster["certificate-authority-data"] = base64_encode(config.ca_pem);
  if (!config.server_name.empty()) cluster["tls-server-name"] = config.server_name;
  if (config.insecure) cluster["insecure-skip-tls-verify"] = true;
  Json user = Json::object();
  if (!config.certificate_pem.empty()) user["client-certificate-data"] = base64_encode(config.certificate_pem);
  if (!config.key_pem.empty()) user["client-key-data"] = base64_encode(config.key_pem);
  if (!config.token.empty()) user["token"] = config.token;
  if (!config.token_file.empty()) user["tokenFile"] = config.token_file;
  const std::string context_name = config.user_name + "@" + config.cluster_name;
  Json context = Json::object();
  context["cluster"] = config.cluster_name;
  context["user"] = config.user_name;
  if (!config.namespace_name.empty()) context["namespace"] = config.namespace_name;

  Json document = Json::object();
  document["apiVersion"] = "v1";
  document["kind"] = "Config";
  document["current-context"] = context_name;
  document["clusters"] = Json::array({Json{{"name", config.cluster_name}, {"cluster", cluster}}});
  document["users"] = Json::array({Json{{"name", config.user_name}, {"user", user}}});
  document["contexts"] = Json::array({Json{{"name", context_name}, {"context", context}}});
  return document.dump(2) + "\n";
}

}  // namespace skidpad::client
