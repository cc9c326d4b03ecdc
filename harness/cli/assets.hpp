/// @file assets.hpp
/// Real binaries in place of ours: `--assets DIR`, `--component NAME=PATH`. Finds them, asks each for its version, and hashes it.
/// Promise: everything is looked at before anything is touched. What cannot be used is one UsageError (exit 64) that names the path;
/// a binary that hangs is killed after version_wait_max.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/cli/installation.hpp"
#include "harness/history/record.hpp"

namespace skidpad::cli {

struct AssetOptions {
  std::string directory;                ///< --assets: DIR/<version>/<component>; "" = none
  std::vector<std::string> components;  ///< --component: NAME=PATH, each wins over DIR
  std::string release;                  ///< --release; "" = not given
  std::string runtime_endpoint;         ///< --container-runtime-endpoint
  std::size_t hollow_nodes = 0;
  bool hollow_proxies = false;

  bool any() const { return !directory.empty() || !components.empty() || hollow_nodes > 0; }
};

struct Assets {
  std::map<std::string, cluster::Component> components;  ///< what the user gave, by name
  std::string release;                                   ///< of what comes from us: "v1.32.13"
  std::vector<std::string> notes;                        ///< what was found and is not used, one line each
  std::string runtime_endpoint;                          ///< of the real kubelet among the components
  std::size_t hollow_nodes = 0;
  bool hollow_proxies = false;

  /// kubemark's kubelets renew their Leases every 10 s, whatever the profile, unless its --help lists a flag for it.
  bool hollow_is_slow() const;
};

inline constexpr std::chrono::seconds version_wait_max{10};

/// @param wait_max  how long a binary may take to say its version
Assets find_assets(const AssetOptions& options, std::chrono::milliseconds wait_max = version_wait_max);
/// The name of the profile to run with: what is asked for, or else what the programs can keep. Throws UsageError where they cannot.
/// @param ordinary  without programs of others
std::string profile_of(const Assets& assets, const std::string& asked, const std::string& ordinary);
/// Puts what was found among the programs, and asks the host's etcd for its version where it stays.
void apply(const Assets& assets, driver::process::Programs& programs);
/// Whether a Kubernetes component comes from the user: then the fast profile is too fast.
bool needs_easing(const Assets& assets);
/// One line on standard error per binary that is not ours, and per note.
void tell_foreign(const Assets& assets);
/// Says which component cannot be run and how its log ends, if the driver saw one. True if it did.
bool tell_failure(driver::Driver& driver);
/// For run.json, reports and `skidpad status`: whose binary each component is.
/// Reads every program once, for its SHA-256: some tenths of a second.
std::map<std::string, history::Binary> binaries_of(const driver::process::Programs& programs, const std::string& release);

/// Asks a binary for its version: what `PATH --version` prints, read as the component would say it. Throws UsageError.
/// @param option  named in errors: "--component"
cluster::ComponentVersion ask_version(const std::string& option, const std::string& component, const std::string& path, std::chrono::milliseconds wait_max);
/// In hexadecimal; "" if the file cannot be read.
std::string sha256_of_file(const std::string& path);

/// Where a real kubelet finds its container runtime, in this order: `asked`, $CONTAINER_RUNTIME_ENDPOINT, the sockets of containerd, CRI-O
/// and cri-dockerd. `missing` says what is missing, and the mend; "" if something listens there.
struct RuntimeEndpoint {
  std::string url;
  std::string missing;
};
RuntimeEndpoint find_runtime_endpoint(const std::string& asked);

/// One line per component below every version of DIR, for `skidpad doctor --assets DIR`. 0 if all that is there can be used.
int tell_assets(const std::string& directory);

}  // namespace skidpad::cli
