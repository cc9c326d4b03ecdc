/// @file kubeconfig.hpp
/// Where the API servers are and who we are there: kubeconfig files and in-cluster credentials.
/// Reads what kubeadm and kubectl write (YAML or JSON, inline data or files relative to the kubeconfig); writes JSON, which is YAML.
/// Not supported: exec and auth-provider plugins, passwords.
#pragma once

#include <string>
#include <vector>

#include "harness/runtime/runtime.hpp"

namespace skidpad::client {

struct Kubeconfig {
  std::vector<std::string> servers;  ///< "https://10.0.0.1:6443"; a file holds one, further ones are ours to add
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
  std::string token;
  std::string token_file;            ///< read again when it changes (projected service-account tokens)
  std::string server_name;           ///< tls-server-name
  bool insecure = false;
  std::string namespace_name;        ///< the context's namespace, or ""
  std::string cluster_name = "kubernetes";
  std::string user_name = "user";
};

/// The current context, or another. Errors: not_found (file), invalid with what is wrong.
runtime::Result<Kubeconfig> load_kubeconfig(runtime::Disk& disk, std::string path, std::string context = "");
/// `base_directory` is where relative paths in the text start.
runtime::Result<Kubeconfig> parse_kubeconfig(std::string_view text, runtime::Disk& disk, std::string base_directory, std::string context = "");
/// /var/run/secrets/kubernetes.io/serviceaccount and KUBERNETES_SERVICE_HOST, as a pod finds them.
runtime::Result<Kubeconfig> in_cluster_kubeconfig(runtime::Runtime& runtime);
/// The file, or what a pod finds where `path` is "".
runtime::Result<Kubeconfig> kubeconfig_of(runtime::Runtime& runtime, const std::string& path);
/// A whole kubeconfig with inline data, for one server (the first).
std::string write_kubeconfig(const Kubeconfig& config);

std::string base64_encode(std::string_view bytes);
/// Standard or URL alphabet, padding optional, white space ignored. Returns false on anything else.
bool base64_decode(std::string_view text, std::string& bytes);

}  // namespace skidpad::client
