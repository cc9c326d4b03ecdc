// The contract suite against real processes on loopback: Debian's etcd, and the model's own program.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "fakes/etcd/etcd_contract.hpp"
#include "harness/runtime/real/real_runtime.hpp"

namespace skidpad::fakes::etcd {
namespace {

using namespace std::chrono_literals;
using runtime::Duration;
using runtime::Endpoint;
using runtime::Runtime;
using runtime::Task;

class ProcessCluster final : public ContractCluster {
 public:
  ProcessCluster(std::string etcd, std::string etcdctl) : etcd_(std::move(etcd)), etcdctl_(std::move(etcdctl)), runtime_(quiet()) {
    char pattern[] = "/tmp/skidpad-etcd-contract-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    // Free ports: asked of the kernel, then let go.
    std::vector<std::unique_ptr<runtime::Listener>> held;
    for (int i = 0; i < 10; ++i) {
      runtime::ListenOptions options;
      options.at.address = "127.0.0.1";
      held.push_back(std::move(runtime_.network().listen(std::move(options)).value()));
      ports_.push_back(held.back()->local().port);
    }
  }
  ~ProcessCluster() override {
    for (auto& [member, process] : processes_) process->signal(runtime::Signal::kill);
    runtime_.run_until_complete(wait_for_all());
    (void)runtime_.disk().remove_recursively(directory_);
  }
  Runtime& runtime() override { return runtime_; }
  Endpoint client_endpoint(std::size_t member) override { return {"127.0.0.1", ports_.at(2 * member)}; }
  std::string peer_url(std::size_t member) override { return "http://127.0.0.1:" + std::to_string(ports_.at(2 * member + 1)); }
  std::string data_directory(std::size_t member) override { return directory_ + "/" + name(member); }
  /// Between etcd's default of 100/1000 ms and the 20/200 ms that two busy cores still bear.
  Duration heartbeat_interval() override { return 30ms; }
  void start_process(std::size_t member, std::vector<std::string> flags) override {
    runtime::ProcessSpec process;
    process.executable = etcd_;
    process.arguments = std::move(flags);
    process.environment["PATH"] = "/usr/bin:/bin";
    process.output_path = directory_ + "/" + name(member) + ".log";
    processes_[member] = std::move(runtime_.processes().spawn(std::move(process)).value());
  }
  void kill(std::size_t member) override {
    processes_.at(member)->signal(runtime::Signal::kill);
  }
  void wipe(std::size_t member) override { (void)runtime_.disk().remove_recursively(data_directory(member)); }
  std::optional<int> exit_code(std::size_t member) override {
    const auto status = processes_.at(member)->exit_status();
    return status ? std::optional(status->code) : std::nullopt;
  }
  std::string scratch_path(const std::string& name) override { return directory_ + "/" + name; }
  Task<bool> snapshot_accepted(std::string path) override {
    if (etcdctl_.empty()) co_return runtime_.disk().exists(path);
    runtime::ProcessSpec tool;
    tool.executable = etcdctl_;
    tool.arguments = {"snapshot", "status", path};
    tool.environment["ETCDCTL_API"] = "3";
    runtime::Result<runtime::Processes::Output> output = co_await runtime_.processes().run(std::move(tool), 65536);
    co_return output && output.value().status.code == 0;
  }
  std::string logs() {
    std::string all;
    for (const auto& [member, process] : processes_) {
      const auto text = runtime_.disk().read(directory_ + "/" + name(member) + ".log");
      if (text) all += name(member) + ":\n" + text.value().substr(text.value().size() > 3000 ? text.value().size() - 3000 : 0) + "\n";
    }
    return all;
  }
  void run(const Contract& contract) { runtime_.run_until_complete(run_contract(*this, contract)); }

 private:
  static runtime::RealRuntimeOptions quiet() {
    runtime::RealRuntimeOptions options;
    options.log_level = runtime::LogLevel::error;
    return options;
  }
  Task<void> wait_for_all() {
    for (auto& [member, process] : processes_) (void)co_await process->wait();
  }

  std::string etcd_;
  std::string etcdctl_;
  runtime::RealRuntime runtime_;
  std::string directory_;
  std::vector<std::uint16_t> ports_;
  std::map<std::size_t, std::unique_ptr<runtime::Process>> processes_;
};

void run_against(const std::string& etcd, const std::string& etcdctl, const Contract& contract) {
  if (::access(etcd.c_str(), X_OK) != 0) GTEST_SKIP() << etcd << " is not here; on Debian: apt-get install etcd-server etcd-client";
  ProcessCluster cluster(etcd, etcdctl);
  cluster.run(contract);
  for (const std::string& finding : cluster.findings) ADD_FAILURE() << finding;
  if (testing::Test::HasFailure()) std::fputs(cluster.logs().c_str(), stderr);
}

class RealEtcd : public testing::TestWithParam<Contract> {};
TEST_P(RealEtcd, KeepsTheContract) { run_against("/usr/bin/etcd", "/usr/bin/etcdctl", GetParam()); }
INSTANTIATE_TEST_SUITE_P(All, RealEtcd, testing::ValuesIn(contracts()), [](const auto& info) { return info.param.name; });

class EtcdModelOnSockets : public testing::TestWithParam<Contract> {};
TEST_P(EtcdModelOnSockets, KeepsTheContract) { run_against(SKIDPAD_BINARY_DIR "/fakes/etcd", "", GetParam()); }
INSTANTIATE_TEST_SUITE_P(All, EtcdModelOnSockets, testing::ValuesIn(contracts()), [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace skidpad::fakes::etcd
