#include "controllers/bootstrapper/start.hpp"

#include "controllers/bootstrapper/pivot_gate.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Instant;
using runtime::Runtime;
using runtime::success;

namespace {

constexpr char done_file[] = "/.bootstrapped";

Result<void> remove_if_there(runtime::Disk& disk, const std::string& path) {
  auto removed = disk.remove(path);
  if (!removed && removed.error().code == ErrorCode::not_found) return success();
  return removed;
}

class Start {
 public:
  Start(Runtime& runtime, const StartOptions& options, const Assets& assets)
      : runtime_(runtime), options_(options), assets_(assets), client_(runtime, assets.bootstrap_admin, client_options()) {}

  Task<Result<void>> bring_up() {
    auto serving = co_await wait_for_api();
    if (!serving) co_return serving.error();
    const runtime::WallTime api_up = runtime_.wall_now();
    runtime_.log().info("temporary_api_serves");
    CreateOptions creating;
    creating.strict = options_.strict;
    creating.poll_interval = options_.poll_interval;
    creating.served_timeout = options_.served_timeout;
    std::vector<std::string> failures;
    auto created = co_await create_objects(client_, assets_.objects, creating, failures);
    for (const std::string& failure : failures) runtime_.log().error("object_not_created", {{"error", failure}});
    if (!created) co_return created.error();
    runtime_.log().info("objects_created", {{"failures", failures.size()}});
    auto pivoted = co_await wait_for_pivot(api_up);
    if (!pivoted) co_return pivoted.error();
    if (!failures.empty()) {
      Error some(ErrorCode::invalid, std::to_string(failures.size()) + " objects could not be created, the first: " + failures.front());
      co_return some;
    }
    co_return success();
  }

 private:
  static client::ClientOptions client_options() {
    client::ClientOptions options;
    options.user_agent = "skidpad-bootstrap";
    options.request_timeout = std::chrono::seconds(10);
    return options;
  }

  Task<Result<void>> wait_for_api() {
    const Instant due = runtime_.now() + options_.api_timeout;
    for (;;) {
      auto ready = co_await client_.raw("GET", "/readyz");
      if (ready) co_return success();
      if (runtime_.now() >= due) {
        Error late(ErrorCode::timeout, "the temporary API server does not serve after " + runtime::format_go_duration(options_.api_timeout) + ": " + ready.error().message);
        co_return late;
      }
      co_await runtime_.sleep_for(options_.poll_interval);
    }
  }

  Task<Result<void>> wait_for_pivot(runtime::WallTime api_up) {
    PivotGate gate(client_, api_up);
    const Instant due = runtime_.now() + options_.pivot_timeout;
    std::string told;
    for (;;) {
      auto missing = co_await gate.missing();
      const std::string what = missing ? missing.value() : missing.error().message;
      if (missing && what.empty()) co_return success();
      if (what != told) runtime_.log().info("pivot_waits", {{"for", what}});
      told = what;
      if (runtime_.now() >= due) {
        Error late(ErrorCode::timeout, "the control plane does not host itself after " + runtime::format_go_duration(options_.pivot_timeout) + ": " + what);
        co_return late;
      }
      co_await runtime_.sleep_for(options_.poll_interval);
    }
  }

  Runtime& runtime_;
  const StartOptions& options_;
  const Assets& assets_;
  client::KubernetesClient client_;
};

}  // namespace

std::map<std::string, std::pair<std::string, unsigned>> TemporaryPods::files() const {
  std::map<std::string, std::pair<std::string, unsigned>> files;
  for (const auto& [name, content] : assets_.secrets) files[options_.secrets_directory + "/" + name] = {content, 0600};
  for (const auto& [name, text] : assets_.bootstrap_manifests) files[options_.manifest_directory + "/" + name] = {text, 0644};
  return files;
}

Result<std::set<std::string>> TemporaryPods::read_journal() const {
  std::set<std::string> ours;
  const auto text = disk_.read(journal_path());
  if (!text && text.error().code == ErrorCode::not_found) return ours;
  if (!text) return text.error();
  const auto journal = runtime::parse_json(text.value());
  if (!journal) return runtime::wrap(journal.error(), journal_path());
  for (const Json& path : runtime::list_at(journal.value(), {"files"})) ours.insert(path.get<std::string>());
  return ours;
}

Result<void> TemporaryPods::place() {
  TRY(const std::set<std::string> ours, read_journal());
  const auto wanted = files();
  for (const auto& [path, file] : wanted) {
    if (disk_.exists(path) && !ours.contains(path)) return Error(ErrorCode::already_exists, path + " is there and not from here; nothing was changed");
  }
  Json journal = {{"files", Json::array()}};
  for (const auto& [path, file] : wanted) journal["files"].push_back(path);
  TRY(disk_.write_atomically(journal_path(), journal.dump(2) + "\n", 0600));
  TRY(disk_.make_directories(options_.secrets_directory, 0700));
  TRY(disk_.make_directories(options_.manifest_directory));
  // Secrets before the manifests that need them.
  for (const bool manifests : {false, true}) {
    for (const auto& [path, file] : wanted) {
      if ((runtime::parent_path(path) == options_.manifest_directory) != manifests) continue;
      if (ours.contains(path)) {
        TRY(disk_.write_atomically(path, file.first, file.second));
      } else {
        auto created = disk_.create_exclusively(path, file.first, file.second);
        if (created) continue;
        // Somebody was quicker since the look above: his file must not be in our journal.
        Json without = {{"files", Json::array()}};
        for (const Json& listed : journal["files"]) {
          if (listed != path) without["files"].push_back(listed);
        }
        TRY(disk_.write_atomically(journal_path(), without.dump(2) + "\n", 0600));
        return created;
      }
    }
  }
  return success();
}

Result<void> TemporaryPods::take_away() {
  TRY(const std::set<std::string> ours, read_journal());
  for (const bool manifests : {true, false}) {
    for (const std::string& path : ours) {
      if ((runtime::parent_path(path) == options_.manifest_directory) != manifests) continue;
      TRY(remove_if_there(disk_, path));
    }
  }
  const auto left = disk_.list(options_.secrets_directory);
  if (left && left.value().empty()) {
    TRY(disk_.remove_recursively(options_.secrets_directory));
  }
  return remove_if_there(disk_, journal_path());
}

Task<Result<void>> start_control_plane(Runtime& runtime, StartOptions options) {
  runtime::Disk& disk = runtime.disk();
  const std::string done = options.asset_directory + done_file;
  const Assets nothing;
  if (disk.exists(done)) {
    // Killed after the pivot and before the end, or simply run again.
    TemporaryPods pods(disk, options, nothing);
    co_return pods.take_away();
  }
  auto assets = read_assets(disk, options.asset_directory);
  if (!assets) co_return assets.error();
  TemporaryPods pods(disk, options, assets.value());
  if (auto placed = pods.place(); !placed) {
    (void)pods.take_away();  // what an earlier run left, or the first half of this one
    co_return placed.error();
  }
  Result<void> result = success();
  bool stopped = false;
  try {
    Start start(runtime, options, assets.value());
    auto bringing_up = start.bring_up();
    result = co_await bringing_up;
  } catch (const runtime::Cancelled&) {
    stopped = true;
  }
  if (stopped) {
    (void)pods.take_away();
    throw runtime::Cancelled();
  }
  if (result) result = disk.write_atomically(done, "the control plane hosts itself\n");
  const Result<void> taken = pods.take_away();
  runtime.log().info("temporary_control_plane_removed", {{"complete", taken.has_value()}});
  if (result && !taken) result = taken;
  co_return result;
}

}  // namespace skidpad::controllers::bootstrapper
