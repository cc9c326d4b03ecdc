// One kube-apiserver over a real etcd, asked over TLS by this process: GETs, creates, a long list, watches, memory. Our own server first;
// a real one beside it when SKIDPAD_ASSETS names a folder that holds <version>/kube-apiserver. SKIDPAD_BENCH_OBJECTS bounds the number of
// objects for the last measurement of memory (100,000).
#include <benchmark/benchmark.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/real/real_runtime.hpp"
#include "harness/runtime/task_group.hpp"

namespace skidpad {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using runtime::HttpClient;
using runtime::HttpRequest;
using runtime::Runtime;
using runtime::Task;

constexpr std::size_t connection_count = 16;
constexpr std::size_t watcher_count = 200;
constexpr auto measuring_time = 5s;

class Child {
 public:
  Child(const std::string& program, std::vector<std::string> arguments, const std::string& log) {
    std::vector<char*> words;
    arguments.insert(arguments.begin(), program);
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    if (std::freopen(log.c_str(), "w", stderr) == nullptr) ::_exit(126);
    ::dup2(2, 1);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  ~Child() {
    ::kill(pid_, SIGTERM);
    int status = 0;
    for (int i = 0; i < 50 && ::waitpid(pid_, &status, WNOHANG) == 0; ++i) ::usleep(100'000);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status, 0);
  }
  double resident_mib() const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("VmRSS:", 0) == 0) return std::atof(line.c_str() + 6) / 1024;
    }
    return 0;
  }

 private:
  pid_t pid_ = 0;
};

/// What one server showed.
struct Figures {
  double gets_per_second = 0;
  double creates_per_second = 0;
  double list_seconds = 0;
  double watch_events_per_second = 0;
  double watch_delay_p99_seconds = 0;
  double mib_at_0 = 0;
  double mib_at_10000 = 0;
  double mib_at_many = 0;
  std::string failure;
};

class Load {
 public:
  Load(Runtime& runtime, const Child& server, std::uint16_t port, std::size_t objects_max)
      : runtime_(runtime), server_(server), port_(port), objects_max_(objects_max) {}

  Task<Figures> run() {
    Figures figures;
    HttpClient http(runtime_, options());
    bool ready = false;
    for (int i = 0; i < 600 && !ready; ++i) {
      HttpRequest wanted = request("GET", "/readyz", "");
      auto answer = co_await http.request(std::move(wanted));
      ready = answer && answer.value().status == 200;
      if (!ready) co_await runtime_.sleep_for(100ms);
    }
    if (!ready) {
      figures.failure = "the server did not become ready";
      co_return figures;
    }
    co_await runtime_.sleep_for(2s);
    figures.mib_at_0 = server_.resident_mib();

    created_ = 0;
    figures.creates_per_second = co_await rate("create", measuring_time, 0);
    (void)co_await rate("create", 600s, 10'000);
    figures.mib_at_10000 = server_.resident_mib();
    figures.gets_per_second = co_await rate("get", measuring_time, 0);

    const runtime::Instant asked = runtime_.now();
    HttpRequest wanted = request("GET", configmaps + "?resourceVersion=0", "");
    auto list = co_await http.request(std::move(wanted));
    if (!list || list.value().status != 200) figures.failure = "the list failed";
    figures.list_seconds = std::chrono::duration<double>(runtime_.now() - asked).count();

    co_await measure_watches(figures);
    (void)co_await rate("create", 600s, objects_max_);
    figures.mib_at_many = server_.resident_mib();
    if (failed_ > 0) figures.failure = std::to_string(failed_) + " requests failed";
    co_return figures;
  }

 private:
  runtime::HttpClientOptions options() const {
    runtime::HttpClientOptions options;
    options.servers.push_back(runtime::Endpoint{"127.0.0.1", port_});
    runtime::TlsClientOptions tls;
    tls.insecure = true;
    options.tls = tls;
    options.request_timeout = 60s;
    return options;
  }
  static HttpRequest request(std::string method, std::string target, std::string body) {
    HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers.add("Authorization", "Bearer admintoken");
    request.headers.add("Accept", "application/json");
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    request.body = std::move(body);
    return request;
  }
  static std::string object(std::size_t number) {
    return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"object-)" + std::to_string(number) + R"(","labels":{"app":"bench"}},"data":{"key":")" + std::string(200, 'v') + "\"}}";
  }

  Task<void> client(std::string kind, runtime::Instant due, std::size_t objects_wanted) {
    HttpClient http(runtime_, options());
    const bool creating = kind == "create";
    while (runtime_.now() < due && (objects_wanted == 0 || created_ < objects_wanted)) {
      const std::size_t number = creating ? created_++ : done_ % 1000;
      HttpRequest wanted = creating ? request("POST", configmaps, object(number)) : request("GET", configmaps + "/object-" + std::to_string(number), "");
      auto answer = co_await http.request(std::move(wanted));
      const int expected = creating ? 201 : 200;
      if (!answer || answer.value().status != expected) {
        if (++failed_ < 4) std::fprintf(stderr, "%s: %s\n", kind.c_str(), answer ? answer.value().body.substr(0, 200).c_str() : answer.error().message.c_str());
      }
      ++done_;
    }
  }

  /// Requests per second of all connections together; ends at the time or when so many objects exist.
  Task<double> rate(std::string kind, runtime::Duration span, std::size_t objects_wanted) {
    done_ = 0;
    const runtime::Instant begun = runtime_.now();
    runtime::TaskGroup clients(runtime_.stop());
    for (std::size_t i = 0; i < connection_count; ++i) clients.spawn("client", client(kind, begun + span, objects_wanted));
    co_await clients.join();
    co_return static_cast<double>(done_) / std::chrono::duration<double>(runtime_.now() - begun).count();
  }

  Task<void> watcher() {
    HttpClient http(runtime_, options());
    HttpRequest wanted = request("GET", configmaps + "?watch=1&fieldSelector=metadata.name%3Dwatched", "");
    auto stream = co_await http.open_stream(std::move(wanted));
    if (!stream || stream.value().status() != 200) {
      ++failed_;
      co_return;
    }
    ++watching_;
    for (;;) {
      auto line = co_await stream.value().read_line();
      if (!line || !line.value()) co_return;
      const std::string& text = *line.value();
      const std::size_t at = text.find("\"sent\":\"");
      if (at == std::string::npos) continue;
      ++events_;
      delays_.push_back(std::chrono::duration<double>(runtime_.now().time_since_epoch()).count() - std::strtod(text.c_str() + at + 8, nullptr));
    }
  }

  /// One writer changes one object; each change goes to all watchers.
  Task<void> measure_watches(Figures& figures) {
    HttpClient http(runtime_, options());
    HttpRequest first = request("POST", configmaps, R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"watched"},"data":{"n":"0"}})");
    auto made = co_await http.request(std::move(first));
    if (!made) ++failed_;
    runtime::TaskGroup watchers(runtime_.stop());
    for (std::size_t i = 0; i < watcher_count; ++i) watchers.spawn("watcher", watcher());
    for (int i = 0; i < 300 && watching_ < watcher_count; ++i) co_await runtime_.sleep_for(100ms);
    co_await runtime_.sleep_for(500ms);
    events_ = 0;
    delays_.clear();
    const runtime::Instant begun = runtime_.now();
    std::size_t written = 0;
    while (runtime_.now() - begun < measuring_time) {
      char now[64];
      std::snprintf(now, sizeof now, "%.9f", std::chrono::duration<double>(runtime_.now().time_since_epoch()).count());
      HttpRequest patch = request("PATCH", configmaps + "/watched", R"({"data":{"sent":")" + std::string(now) + "\"}}");
      patch.headers.set("Content-Type", "application/merge-patch+json");
      auto answer = co_await http.request(std::move(patch));
      if (!answer || answer.value().status != 200) ++failed_;
      ++written;
    }
    for (int i = 0; i < 50 && events_ < written * watcher_count; ++i) co_await runtime_.sleep_for(100ms);
    figures.watch_events_per_second = static_cast<double>(events_) / std::chrono::duration<double>(runtime_.now() - begun).count();
    if (events_ < written * watcher_count) figures.failure = "watchers saw " + std::to_string(events_) + " of " + std::to_string(written * watcher_count) + " events";
    std::sort(delays_.begin(), delays_.end());
    if (!delays_.empty()) figures.watch_delay_p99_seconds = delays_[delays_.size() * 99 / 100];
    co_await watchers.stop_and_join();
  }

  static inline const std::string configmaps = "/api/v1/namespaces/default/configmaps";
  Runtime& runtime_;
  const Child& server_;
  std::uint16_t port_;
  std::size_t objects_max_;
  std::size_t created_ = 0;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  std::size_t watching_ = 0;
  std::size_t events_ = 0;
  std::vector<double> delays_;
};

/// The real server's program, from the newest version in SKIDPAD_ASSETS; "" if there is none.
std::string real_server() {
  const char* assets = ::getenv("SKIDPAD_ASSETS");
  std::string found;
  if (assets == nullptr || !fs::is_directory(assets)) return found;
  for (const auto& version : fs::directory_iterator(assets)) {
    const std::string program = version.path() / "kube-apiserver";
    if (fs::exists(program) && program > found) found = program;
  }
  return found;
}

Figures measure(const std::string& program, std::uint16_t port) {
  char place[] = "/tmp/skidpad-bench-XXXXXX";
  const std::string folder = ::mkdtemp(place);
  Figures figures;
  {
    const std::string etcd_url = "http://127.0.0.1:" + std::to_string(port + 1);
    const std::string peer_url = "http://127.0.0.1:" + std::to_string(port + 2);
    const Child etcd("etcd", {"--data-dir=" + folder + "/etcd", "--listen-client-urls=" + etcd_url, "--advertise-client-urls=" + etcd_url, "--listen-peer-urls=" + peer_url,
                              "--initial-advertise-peer-urls=" + peer_url, "--initial-cluster=default=" + peer_url},
                     folder + "/etcd.log");
    std::ofstream(folder + "/tokens.csv") << "admintoken,admin,admin,\"system:masters\"\n";
    (void)!std::system(("openssl genrsa -out " + folder + "/sa.key 2048 2>/dev/null").c_str());
    const Child server(program,
                       {"--etcd-servers=" + etcd_url, "--token-auth-file=" + folder + "/tokens.csv", "--service-account-key-file=" + folder + "/sa.key",
                        "--service-account-signing-key-file=" + folder + "/sa.key", "--service-account-issuer=https://kubernetes.default.svc", "--authorization-mode=Node,RBAC",
                        "--bind-address=127.0.0.1", "--secure-port=" + std::to_string(port), "--cert-dir=" + folder, "--service-cluster-ip-range=10.96.0.0/16"},
                       folder + "/kube-apiserver.log");
    const char* wanted = ::getenv("SKIDPAD_BENCH_OBJECTS");
    runtime::RealRuntime runtime;
    Load load(runtime, server, port, wanted == nullptr ? 100'000 : std::strtoul(wanted, nullptr, 10));
    figures = runtime.run_until_complete(load.run());
  }
  if (figures.failure.empty()) fs::remove_all(folder);
  return figures;
}

void report(benchmark::State& state, const std::string& program, std::uint16_t port) {
  Figures figures;
  for (auto _ : state) figures = measure(program, port);
  if (!figures.failure.empty()) state.SkipWithError(figures.failure.c_str());
  state.counters["gets_per_second"] = figures.gets_per_second;
  state.counters["creates_per_second"] = figures.creates_per_second;
  state.counters["list_seconds"] = figures.list_seconds;
  state.counters["watch_events_per_second"] = figures.watch_events_per_second;
  state.counters["watch_delay_p99_seconds"] = figures.watch_delay_p99_seconds;
  state.counters["mib_at_0"] = figures.mib_at_0;
  state.counters["mib_at_10000"] = figures.mib_at_10000;
  state.counters["mib_at_100000"] = figures.mib_at_many;
}

void apiserver(benchmark::State& state) { report(state, fs::canonical("/proc/self/exe").parent_path().parent_path() / "fakes/kube-apiserver", 17643); }
BENCHMARK(apiserver)->Iterations(1)->Unit(benchmark::kSecond);

void real_apiserver(benchmark::State& state) {
  const std::string program = real_server();
  if (program.empty()) {
    state.SkipWithError("no SKIDPAD_ASSETS/<version>/kube-apiserver");
    return;
  }
  report(state, program, 17743);
}
BENCHMARK(real_apiserver)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace skidpad

BENCHMARK_MAIN();
