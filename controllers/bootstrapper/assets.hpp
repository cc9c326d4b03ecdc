/// @file assets.hpp
/// The files a control plane is brought up from, laid out as bootkube's asset directory:
///
///     auth/kubeconfig              the administrator, by the API servers
///     auth/kubeconfig-bootstrap    the administrator, by the temporary API server
///     bootstrap-manifests/*.yaml   static pods of the temporary control plane
///     manifests/*.yaml             API objects, created in the order of their names
///     tls/*                        keys and certificates; keys 0600
///
/// Promise: nothing is written unless all of it could be made (behaviour B1); read() names the first file that is missing, unreadable
/// or of another cluster and changes nothing.
#pragma once

#include "controllers/bootstrapper/control_plane.hpp"
#include "harness/client/kubernetes/kubeconfig.hpp"
#include "harness/runtime/pki.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::Result;

struct AssetFile {
  std::string content;
  unsigned mode = 0644;
};
/// By path relative to the asset directory.
using AssetFiles = std::map<std::string, AssetFile>;

/// Whose keys the assets are made from.
struct Authorities {
  runtime::KeyPair cluster;            ///< certificate without key: refused
  std::string etcd_ca_pem;
  runtime::KeyPair etcd_client;
  runtime::KeyPair service_accounts;   ///< public key in certificate_pem
  std::string tokens_csv;              ///< static tokens of the API servers; may be empty
};

struct RenderInput {
  ControlPlaneInput control_plane;
  Authorities authorities;
  std::vector<std::string> api_servers;      ///< URLs; their hosts are in the serving certificate
  std::vector<std::string> further_names;    ///< of it besides
  std::string service_address = "10.96.0.1";
  std::map<std::string, Json> further_objects;  ///< API objects by file name
};

/// invalid says which input is missing or partial.
Result<AssetFiles> render(const RenderInput& input, runtime::Pki& pki);
/// The directory must not exist yet or be empty: assets of two clusters must not mix.
Result<void> write_assets(runtime::Disk& disk, const std::string& directory, const AssetFiles& files);

struct Assets {
  client::Kubeconfig bootstrap_admin;
  std::map<std::string, std::string> bootstrap_manifests;  ///< text by file name
  std::map<std::string, std::string> secrets;              ///< content by file name: tls/* and the kubeconfig
  std::vector<std::pair<std::string, Json>> objects;       ///< by file name
};
Result<Assets> read_assets(runtime::Disk& disk, const std::string& directory);

/// "https://10.0.0.1:6443" -> "10.0.0.1"
std::string host_of(const std::string& url);

}  // namespace skidpad::controllers::bootstrapper
