// An etcd that runs itself, on this host, with the real etcd and fast timers: how long from the loss of two of three members' disks to
// three voters again, and how long a backup of 100 MB takes until it counts.
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "controllers/etcd_operator/snapshot_file.hpp"
#include "harness/cli/installation.hpp"
#include "harness/client/etcd/etcd_client.hpp"
#include "harness/client/object_store/object_store.hpp"
#include "harness/runtime/real/real_runtime.hpp"
#include "harness/runtime/sha256.hpp"

namespace skidpad {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using runtime::Result;
using runtime::Task;

std::string skidpad_path() { return fs::path(cli::find_installation().bin_directory).parent_path() / "skidpad"; }

std::string new_folder() {
  char place[] = "/tmp/skidpad-bench-XXXXXX";
  return ::mkdtemp(place);
}

/// The result.json of one run, or null.
Json run_scenario(const std::string& name, const std::string& folder) {
  const std::string program = skidpad_path();
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(2, 1);  // standard output is the benchmark's own
    ::execl(program.c_str(), program.c_str(), "run", name.c_str(), "--driver=process", "--quiet", ("--out=" + folder + "/run").c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::ifstream file(folder + "/run/result.json");
  if (!file || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return nullptr;
  return Json::parse(file, nullptr, false);
}

void quorum_loss(benchmark::State& state) {
  const std::string folder = new_folder();
  for (auto _ : state) {
    const Json result = run_scenario("managed-etcd-quorum-destroyed", folder);
    if (!result.is_object()) {
      state.SkipWithError("the scenario did not pass");
      break;
    }
    state.SetIterationTime(result.at("recovery_seconds").get<double>());
    state.counters["outage_seconds"] = result.at("restores").at(0).at("recovery_time_seconds").get<double>();
  }
  fs::remove_all(folder);
}
BENCHMARK(quorum_loss)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);

constexpr std::uint16_t etcd_port = 23790, peer_port = 23800, store_port = 23900;
constexpr int values = 100;
constexpr std::size_t value_bytes = 1'000'000;

struct Backup {
  double seconds = 0;
  double mib = 0;
};

std::unique_ptr<runtime::Process> start(runtime::Runtime& runtime, const std::string& executable, std::vector<std::string> arguments) {
  runtime::ProcessSpec spec;
  spec.executable = executable;
  spec.arguments = std::move(arguments);
  auto process = runtime.processes().spawn(std::move(spec));
  return process ? std::move(process.value()) : nullptr;
}

Task<Result<void>> fill(runtime::Runtime& runtime, client::EtcdClient& etcd) {
  for (int number = 0; number < values; ++number) {
    client::PutRequest request("key-" + std::to_string(number), std::string(value_bytes, static_cast<char>('a' + number % 26)));
    auto put = co_await etcd.put(std::move(request));
    for (int tries = 0; !put && number == 0 && tries < 100; ++tries) {  // it is only just starting
      co_await runtime.sleep_for(100ms);
      client::PutRequest again("key-0", "");
      put = co_await etcd.put(std::move(again));
    }
    if (!put) co_return put.error();
  }
  co_return runtime::success();
}

/// As the operator takes one: snapshot, its hash, stored, read back, both hashes again.
Task<Result<Backup>> back_up(runtime::Runtime& runtime, std::string folder) {
  client::EtcdClientOptions options;
  options.endpoints = {runtime::Endpoint{"127.0.0.1", etcd_port}};
  options.request_timeout = 60s;
  client::EtcdClient etcd(runtime, std::move(options));
  CO_TRY(co_await fill(runtime, etcd));
  client::S3Options s3;
  s3.endpoint = "http://127.0.0.1:" + std::to_string(store_port);
  s3.bucket = "backups";
  s3.credentials.access_key_id = "key";
  s3.credentials.secret_access_key = "secret";
  auto store = co_await client::open_s3(runtime, std::move(s3));
  if (!store) co_return store.error();
  const runtime::Instant began = runtime.now();
  const std::string path = folder + "/snapshot.db";
  const runtime::Endpoint member{"127.0.0.1", etcd_port};
  auto size = co_await etcd.save_snapshot(member, path);
  if (!size) co_return size.error();
  auto bytes = runtime.disk().read(path);
  if (!bytes) co_return bytes.error();
  CO_TRY(controllers::etcd_operator::check_snapshot(bytes.value()));
  const std::string hash = runtime::to_hex(runtime::sha256(bytes.value()));
  CO_TRY(co_await store.value()->put("snapshot.db", std::move(bytes.value())));
  auto again = co_await store.value()->get("snapshot.db");
  if (!again) co_return again.error();
  CO_TRY(controllers::etcd_operator::check_snapshot(again.value(), hash));
  Backup backup;
  backup.seconds = runtime::seconds(runtime.now() - began);
  backup.mib = static_cast<double>(size.value()) / (1 << 20);
  co_return backup;
}

void backup_of_100_mb(benchmark::State& state) {
  const std::string folder = new_folder();
  const auto url = [](std::uint16_t port) { return "http://127.0.0.1:" + std::to_string(port); };
  for (auto _ : state) {
    runtime::RealRuntime runtime;
    const auto etcd = start(runtime, cli::find_etcd(), {"--data-dir=" + folder + "/etcd", "--listen-client-urls=" + url(etcd_port), "--advertise-client-urls=" + url(etcd_port),
                                                       "--listen-peer-urls=" + url(peer_port), "--initial-advertise-peer-urls=" + url(peer_port),
                                                       "--initial-cluster=default=" + url(peer_port)});
    const auto store = start(runtime, fs::path(skidpad_path()).parent_path() / "fakes/object-store",
                             {"--listen=127.0.0.1:" + std::to_string(store_port), "--data-dir=" + folder + "/store", "--bucket=backups", "--access-key-id=key", "--secret-access-key=secret"});
    const auto backup = runtime.run_until_complete(back_up(runtime, folder));
    for (const auto& process : {etcd.get(), store.get()}) {
      if (process != nullptr) process->signal(runtime::Signal::kill);
    }
    if (!backup) {
      state.SkipWithError(backup.error().message.c_str());
      break;
    }
    state.SetIterationTime(backup.value().seconds);
    state.counters["mib"] = backup.value().mib;
  }
  fs::remove_all(folder);
}
BENCHMARK(backup_of_100_mb)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace skidpad

BENCHMARK_MAIN();
