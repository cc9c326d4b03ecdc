#include "harness/cli/assets.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "harness/runtime/usage_error.hpp"

extern char** environ;

namespace skidpad::cli {
namespace {

namespace fs = std::filesystem;
using cluster::Component;
using cluster::ComponentVersion;

constexpr std::string_view release_default = "v1.32.13";
constexpr std::size_t output_bytes_max = 1 << 20;

std::string list_of(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// What a program printed on standard output and error, at most output_bytes_max of it.
struct Answer {
  std::string text;
  std::string trouble;  ///< why there is no answer; "" if there is one
};

Answer run_and_read(const std::string& path, const std::string& flag, std::chrono::milliseconds wait_max) {
  Answer answer;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {"", std::string("no pipe: ") + std::strerror(errno)};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  ::posix_spawnattr_init(&attributes);
  // A group of its own, so that a script dies with what it started.
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::string program = path;
  std::string argument = flag;
  char* argv[] = {program.data(), argument.data(), nullptr};
  pid_t pid = 0;
  const int failure = ::posix_spawn(&pid, path.c_str(), &actions, &attributes, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  ::close(ends[1]);
  if (failure != 0) {
    ::close(ends[0]);
    return {"", std::string("cannot be run here: ") + std::strerror(failure)};
  }
  const auto due = std::chrono::steady_clock::now() + wait_max;
  bool in_time = true;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(due - std::chrono::steady_clock::now()).count();
    pollfd watched{ends[0], POLLIN, 0};
    const int ready = left > 0 ? ::poll(&watched, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || answer.text.size() >= output_bytes_max) {
      in_time = false;
      break;
    }
    char buffer[16384];
    const ssize_t count = ::read(ends[0], buffer, sizeof buffer);
    if (count <= 0) break;
    answer.text.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  ::kill(-pid, SIGKILL);  // also where it closed its output and runs on
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) answer.trouble = "did not answer " + flag + " within " + std::to_string(wait_max.count() / 1000) + " s";
  return answer;
}

/// The first words of an answer, for an error in one line.
std::string in_short(std::string text) {
  constexpr std::size_t shown_max = 80;
  const std::size_t end = text.find('\n');
  const bool cut = end != std::string::npos || text.size() > shown_max;
  text = text.substr(0, std::min(end, shown_max));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return text.empty() ? "nothing" : "\"" + text + (cut ? " ..." : "") + "\"";
}

std::string trouble_with_file(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return std::strerror(errno);
  if (!S_ISREG(facts.st_mode)) return "is no file";
  if (::access(path.c_str(), X_OK) != 0) return "is not executable";
  return "";
}

/// A version, or why this file is no such component.
runtime::Result<ComponentVersion> try_version(const std::string& component, const std::string& path, std::chrono::milliseconds wait_max) {
  const auto refuse = [&](const std::string& why) { return runtime::Error(runtime::ErrorCode::invalid, path + ": " + why + "; expected a binary of " + component); };
  if (const std::string trouble = trouble_with_file(path); !trouble.empty()) return refuse(trouble);
  const Answer answer = run_and_read(path, "--version", wait_max);
  if (!answer.trouble.empty()) return refuse(answer.trouble);
  auto version = cluster::parse_version_output(component, answer.text);
  if (version) return version;
  return runtime::Error(runtime::ErrorCode::invalid,
                        path + " answered --version with " + in_short(answer.text) + "; expected \"" + std::string(cluster::version_form(component)) + "\"");
}

Component look_at(const std::string& option, const std::string& name, const std::string& path, std::chrono::milliseconds wait_max) {
  const ComponentVersion version = ask_version(option, name, path, wait_max);
  Component component;
  component.executable = path;
  component.owner = option;
  component.version = version.text;
  component.sha256 = sha256_of_file(path);
  // What the table cannot know is asked of the binary itself.
  if (name == "kubemark" || !cluster::is_covered(name, version)) component.help_flags = cluster::flags_in_help(run_and_read(path, "--help", wait_max).text);
  return component;
}

std::string without_v(const std::string& version) { return version.starts_with('v') ? version.substr(1) : version; }

/// Images are tagged v1.32.13, however the user writes it.
std::string with_v(const std::string& version) { return !version.empty() && version[0] >= '0' && version[0] <= '9' ? "v" + version : version; }

/// The folders of DIR that look like versions, sorted.
std::vector<std::string> versions_in(const std::string& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) throw UsageError("--assets: " + directory + " is no directory; expected DIR with DIR/<version>/kube-apiserver and the like");
  std::vector<std::string> versions;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.is_directory(error) && cluster::parse_version(entry.path().filename().string())) versions.push_back(entry.path().filename().string());
  }
  std::sort(versions.begin(), versions.end());
  if (!versions.empty()) return versions;
  std::string hint;
  for (const std::string& name : cluster::swappable_components()) {
    if (fs::exists(fs::path(directory) / name, error)) hint = "; " + name + " lies in DIR itself, it belongs into DIR/v1.32.13 or whatever version it is";
  }
  throw UsageError("--assets: " + directory + " holds no version; expected DIR/<version>/kube-apiserver and the like" + hint);
}

/// DIR/V with or without a leading v. Without --release: our own release, or the only one there is.
std::string choose_version(const AssetOptions& options) {
  const std::vector<std::string> versions = versions_in(options.directory);
  const std::string wanted = without_v(options.release.empty() ? std::string(release_default) : options.release);
  for (const std::string& version : versions) {
    if (without_v(version) == wanted) return version;
  }
  if (options.release.empty() && versions.size() == 1) return versions.front();
  const std::string what = options.release.empty() ? "--release is needed" : "--release: " + options.release + " is not in " + options.directory;
  throw UsageError(what + "; " + options.directory + " holds " + list_of(versions));
}

constexpr const char* known_runtime_sockets[] = {"/run/containerd/containerd.sock", "/run/crio/crio.sock", "/var/run/cri-dockerd.sock"};

/// Why nothing listens on a socket; "" if something does.
std::string trouble_with_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return "its path is too long";
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int handle = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool answered = handle >= 0 && ::connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const std::string why = answered ? "" : std::strerror(errno);
  if (handle >= 0) ::close(handle);
  return why;
}

constexpr char runtime_mend[] = "mend: start containerd (apt-get install containerd), or name its socket with --container-runtime-endpoint=unix:///PATH";
constexpr char what_a_runtime_shares[] =
    "its pods live where its container runtime lives, by default in the network and mounts of this host, and stay in it after the cluster is gone (crictl rmp -fa)";

}  // namespace

ComponentVersion ask_version(const std::string& option, const std::string& component, const std::string& path, std::chrono::milliseconds wait_max) {
  auto version = try_version(component, path, wait_max);
  if (!version) throw UsageError(option + ": " + component + ": " + version.error().message);
  return version.value();
}

std::string sha256_of_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return "";
  EVP_MD_CTX* context = ::EVP_MD_CTX_new();
  bool good = ::EVP_DigestInit_ex(context, ::EVP_sha256(), nullptr) == 1;
  std::vector<char> buffer(1 << 18);
  ssize_t count = 0;
  while (good && (count = ::read(file, buffer.data(), buffer.size())) > 0) good = ::EVP_DigestUpdate(context, buffer.data(), static_cast<std::size_t>(count)) == 1;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  good = good && count == 0 && ::EVP_DigestFinal_ex(context, digest, &size) == 1;
  ::EVP_MD_CTX_free(context);
  ::close(file);
  std::string text;
  for (unsigned i = 0; good && i < size; ++i) {
    constexpr char digits[] = "0123456789abcdef";
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

Assets find_assets(const AssetOptions& options, std::chrono::milliseconds wait_max) {
  Assets assets;
  assets.release = options.release.empty() ? std::string(release_default) : with_v(options.release);
  std::map<std::string, std::string> given;
  const auto& names = cluster::swappable_components();
  for (const std::string& text : options.components) {
    const std::size_t equal = text.find('=');
    const std::string name = text.substr(0, equal);
    if (equal == std::string::npos || equal + 1 == text.size()) throw UsageError("--component: \"" + text + "\"; expected NAME=PATH");
    if (std::find(names.begin(), names.end(), name) == names.end()) throw UsageError("--component: \"" + name + "\" cannot be swapped; expected " + list_of(names));
    if (!given.emplace(name, fs::absolute(text.substr(equal + 1)).string()).second) throw UsageError("--component: " + name + " is given twice");
  }
  RuntimeEndpoint runtime;
  if (given.contains("kubelet")) runtime = find_runtime_endpoint(options.runtime_endpoint);
  if (!runtime.missing.empty()) throw UsageError("--component: kubelet: " + runtime.missing);
  if (!options.directory.empty()) {
    const std::string version = choose_version(options);
    const fs::path folder = fs::absolute(fs::path(options.directory) / version);
    std::error_code error;
    for (const std::string& name : names) {
      if (!fs::exists(folder / name, error)) continue;
      if (name == "kubelet" && runtime.url.empty()) runtime = find_runtime_endpoint(options.runtime_endpoint);
      if (name == "kubelet" && !runtime.missing.empty()) {
        assets.notes.push_back((folder / name).string() + " is not used: " + runtime.missing);
        continue;
      }
      if (name == "kubemark" && options.hollow_nodes == 0) continue;
      if (!given.contains(name)) assets.components[name] = look_at("--assets", name, (folder / name).string(), wait_max);
    }
    if (assets.components.empty() && given.empty() && assets.notes.empty()) {
      throw UsageError("--assets: " + folder.string() + " holds none of " + list_of(names));
    }
    if (options.release.empty()) assets.release = with_v(version);
  }
  for (const auto& [name, path] : given) assets.components[name] = look_at("--component", name, path, wait_max);
  if (assets.components.contains("kubelet")) {
    assets.runtime_endpoint = runtime.url;
    assets.notes.push_back("kubelet: on " + std::string(runtime.url.find("${NAME}") == std::string::npos ? "worker-1" : "every worker") + ", over " + runtime.url + "; " +
                           what_a_runtime_shares);
  }
  for (const auto& [name, component] : assets.components) {
    const auto version = cluster::parse_version(component.version);
    if (cluster::is_covered(name, version.value())) continue;
    assets.notes.push_back(name + " " + component.version + ": its flags are known for " + std::string(cluster::covered_versions(name)) +
                           (component.help_flags.empty() ? "" : "; its own --help decides which are written"));
  }
  assets.hollow_nodes = options.hollow_nodes;
  assets.hollow_proxies = options.hollow_proxies;
  if (options.hollow_proxies && (options.hollow_nodes == 0 || !assets.components.contains("kubemark"))) {
    throw UsageError("--hollow-proxies: needs --hollow-nodes and kubemark; expected DIR/<version>/kubemark in --assets or --component=kubemark=PATH");
  }
  return assets;
}

bool Assets::hollow_is_slow() const {
  const auto kubemark = components.find("kubemark");
  return hollow_nodes > 0 && kubemark != components.end() && !kubemark->second.help_flags.contains("node-lease-duration-seconds");
}

std::string profile_of(const Assets& assets, const std::string& asked, const std::string& ordinary) {
  if (asked.empty()) return assets.hollow_is_slow() ? "kubernetes" : needs_easing(assets) && ordinary == "fast" ? "eased" : ordinary;
  if (assets.hollow_is_slow() && asked != "kubernetes") {
    throw UsageError("--profile: " + asked + " is too quick for hollow nodes, whose Leases are renewed every 10 s; expected kubernetes");
  }
  return asked;
}

RuntimeEndpoint find_runtime_endpoint(const std::string& asked) {
  const char* variable = std::getenv("CONTAINER_RUNTIME_ENDPOINT");
  RuntimeEndpoint found;
  found.url = !asked.empty() ? asked : variable != nullptr ? variable : "";
  std::vector<std::string> tried;
  if (!found.url.empty()) {
    if (found.url.starts_with('/')) found.url = "unix://" + found.url;
    if (!found.url.starts_with("unix:///")) throw UsageError("--container-runtime-endpoint: \"" + found.url + "\"; expected unix:///PATH");
    std::string path = found.url.substr(7);
    if (const std::size_t at = path.find("${NAME}"); at != std::string::npos) path.replace(at, 7, "worker-1");
    tried.push_back(path);
  } else {
    tried.assign(std::begin(known_runtime_sockets), std::end(known_runtime_sockets));
  }
  for (const std::string& path : tried) {
    const std::string trouble = trouble_with_socket(path);
    if (trouble.empty()) {
      if (found.url.empty()) found.url = "unix://" + path;
      found.missing.clear();
      return found;
    }
    found.missing += (found.missing.empty() ? "" : ", ") + path + " (" + trouble + ")";
  }
  found.missing = "a real kubelet needs a container runtime, and none answers: tried " + found.missing + "; " + runtime_mend;
  return found;
}

void apply(const Assets& assets, driver::process::Programs& programs) {
  programs.container_runtime_endpoint = assets.runtime_endpoint;
  programs.hollow_nodes = assets.hollow_nodes;
  programs.hollow_proxies = assets.hollow_proxies;
  if (!assets.runtime_endpoint.empty()) programs.visible_paths.push_back(fs::path(assets.runtime_endpoint.substr(7)).parent_path().string());
  for (const auto& [name, component] : assets.components) {
    programs.components[name == "kubelet" ? std::string(cluster::real_kubelet_component) : name] = component;
    // A machine has a /tmp of its own: what lies below the host's must be shown to it.
    programs.visible_paths.push_back(component.executable);
    std::error_code error;
    const fs::path real = fs::canonical(component.executable, error);
    if (!error && real != component.executable) programs.visible_paths.push_back(real.string());
    programs.visible_paths.push_back(fs::path(component.executable).parent_path().string());
  }
  Component& etcd = programs.components["etcd"];
  if (etcd.foreign() || etcd.executable.empty()) return;
  etcd.owner = "host";
  etcd.version = ask_version("etcd on PATH", "etcd", etcd.executable, version_wait_max).text;
}

bool needs_easing(const Assets& assets) {
  return std::any_of(assets.components.begin(), assets.components.end(), [](const auto& entry) { return entry.first != "etcd"; });
}

void tell_foreign(const Assets& assets) {
  for (const auto& [name, component] : assets.components) {
    std::fprintf(stderr, "binary: %s %s (%s) %s\n", name.c_str(), component.version.c_str(), component.owner.c_str(), component.executable.c_str());
  }
  for (const std::string& note : assets.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
}

bool tell_failure(driver::Driver& driver) {
  const auto& failure = driver.component_failure();
  if (!failure) return false;
  std::fprintf(stderr, "error: %s\n", failure->headline.c_str());
  for (const std::string& line : failure->log_end) std::fprintf(stderr, "    %s\n", line.c_str());
  return true;
}

std::map<std::string, history::Binary> binaries_of(const driver::process::Programs& programs, const std::string& release) {
  std::map<std::string, history::Binary> binaries;
  for (const auto& [name, component] : programs.components) {
    std::error_code error;
    if (component.executable.empty() || !fs::exists(component.executable, error)) continue;
    // Ours stand for the release where they have a namesake in Kubernetes; the others are this build's.
    const bool namesake = name.starts_with("kube");
    history::Binary& binary = binaries[name];
    binary.owner = component.owner;
    binary.version = !component.version.empty() ? component.version : namesake ? release : version;
    binary.path = component.executable;
    binary.sha256 = component.sha256.empty() ? sha256_of_file(component.executable) : component.sha256;
  }
  return binaries;
}

int tell_assets(const std::string& directory) {
  int code = 0;
  for (const std::string& version : versions_in(directory)) {
    for (const std::string& name : cluster::swappable_components()) {
      const std::string path = fs::absolute(fs::path(directory) / version / name).string();
      std::error_code error;
      if (!fs::exists(path, error)) continue;
      const auto found = try_version(name, path, version_wait_max);
      if (!found) {
        std::printf("%-8s %-26s %s\n", "bad", (version + "/" + name).c_str(), found.error().message.c_str());
        code = 1;
        continue;
      }
      std::string detail = found.value().text + ", sha256 " + sha256_of_file(path).substr(0, 12);
      const RuntimeEndpoint runtime = name == "kubelet" ? find_runtime_endpoint("") : RuntimeEndpoint();
      if (!runtime.missing.empty()) {
        std::printf("%-8s %-26s %s; %s\n", "limited", (version + "/" + name).c_str(), detail.c_str(), runtime.missing.c_str());
        continue;
      }
      if (name == "kubelet") detail += "; for worker-1, over " + runtime.url;
      else if (name == "kubemark") detail += "; for --hollow-nodes";
      if (!cluster::is_covered(name, found.value())) detail += "; its flags are known for " + std::string(cluster::covered_versions(name));
      std::printf("%-8s %-26s %s\n", "ok", (version + "/" + name).c_str(), detail.c_str());
    }
  }
  return code;
}

}  // namespace skidpad::cli
