/// @file start.hpp
/// Brings a control plane up on the first node: temporary static pods, API objects, and when the objects' own pods serve, the temporary
/// ones go.
/// Promise: files of other origin are never written over or removed (B2, B6); whatever happens, what was put in place is taken away
/// again; killed at any moment and run again, it comes to the same end (B7): a journal beside the assets says what is ours.
#pragma once

#include "controllers/bootstrapper/assets.hpp"
#include "controllers/bootstrapper/creator.hpp"

namespace skidpad::controllers::bootstrapper {

struct StartOptions {
  std::string asset_directory;
  std::string manifest_directory = "/etc/kubernetes/manifests";
  std::string secrets_directory = bootstrap_secrets;
  bool strict = true;
  Duration poll_interval = std::chrono::seconds(5);
  Duration api_timeout = std::chrono::minutes(20);
  Duration served_timeout = std::chrono::minutes(2);
  Duration pivot_timeout = std::chrono::minutes(20);
};

/// The temporary control plane's files on this node.
class TemporaryPods {
 public:
  TemporaryPods(runtime::Disk& disk, const StartOptions& options, const Assets& assets) : disk_(disk), options_(options), assets_(assets) {}
  /// already_exists names a file that is not ours; then nothing was changed.
  Result<void> place();
  /// Only what place() (of this run or an earlier one) put there.
  Result<void> take_away();

 private:
  std::string journal_path() const { return options_.asset_directory + "/.bootstrap-journal"; }
  std::map<std::string, std::pair<std::string, unsigned>> files() const;
  Result<std::set<std::string>> read_journal() const;

  runtime::Disk& disk_;
  const StartOptions& options_;
  const Assets& assets_;
};

/// Returns when the control plane hosts itself and nothing temporary is left. Errors say at which step and why; then, too, nothing is left.
Task<Result<void>> start_control_plane(runtime::Runtime& runtime, StartOptions options);

}  // namespace skidpad::controllers::bootstrapper
