// A whole supervisor as a process of its own, reached through the machine provider's API as the harness reaches it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "harness/client/machines/machine_provider_client.hpp"
#include "harness/driver/process/capabilities.hpp"
#include "harness/driver/process/cgroup.hpp"
#include "harness/driver/process/process_table.hpp"
#include "harness/driver/process/process_test_helpers.hpp"
#include "harness/driver/process/supervisor.hpp"
#include "harness/driver/process/sweep.hpp"
#include "harness/runtime/real/real_runtime.hpp"

namespace skidpad::driver::process::test {
namespace {

using namespace std::chrono_literals;
using client::machines::InstallRequest;
using client::machines::LinkChange;
using client::machines::LinkName;
using client::machines::LinkRule;
using client::machines::LinkStatus;
using client::machines::Machine;
using client::machines::MachineFile;
using client::machines::MachineProviderClient;
using client::machines::MachineProviderClientOptions;
using client::machines::MachineSpec;
using client::machines::MachineState;
using runtime::Task;

constexpr int service_port = 7000;

std::uint64_t network_namespace(std::int64_t pid) {
  struct stat status {};
  return ::stat(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), &status) == 0 ? status.st_ino : 0;
}

/// Processes of the host that live in one of these network namespaces.
std::size_t processes_in_networks(const std::set<std::uint64_t>& networks) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name[0] >= '1' && name[0] <= '9' && networks.count(network_namespace(std::atoll(name.c_str()))) != 0) ++count;
  }
  return count;
}

class SupervisorTest : public testing::Test {
 protected:
  ~SupervisorTest() override {
    client_.reset();
    runtime_.reset();
    if (home_.open()) (void)::setns(home_.get(), CLONE_NEWNET);
    (void)sweep(state_directory(), LivingSupervisor::stop);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  /// False, with the test skipped or failed, if there is none.
  bool start(const std::string& isolation, std::vector<std::string> forwards = {}) {
    if (isolation == "namespaces" && detect().best_isolation() != Isolation::namespaces) {
      skipped_ = true;
      return false;
    }
    home_ = FileDescriptor(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    SupervisorOptions options;
    options.executable = own_executable();
    options.state_directory = directory_.path() + "/state";
    options.run = "test-" + std::to_string(::getpid());
    options.isolation = isolation;
    options.forwards = std::move(forwards);
    auto started = start_supervisor(options, 10s);
    if (!started) {
      ADD_FAILURE() << started.error().message;
      return false;
    }
    state_ = started.value();
    EXPECT_TRUE(join_cluster_network(state_));
    runtime::RealRuntimeOptions quiet;
    quiet.log_level = runtime::LogLevel::error;
    runtime_.emplace(quiet);
    MachineProviderClientOptions client;
    client.server = state_.provider;
    client.token = read_text(state_directory() + "/admin-token").value();
    client.token.pop_back();  // newline
    client_.emplace(*runtime_, client);
    return true;
  }
  std::string state_directory() const { return directory_.path() + "/state"; }
  template <class T>
  T run(Task<T> task) {
    return runtime_->run_until_complete(std::move(task));
  }
  Machine boot(const std::string& name, std::vector<std::vector<std::string>> helpers, std::vector<MachineFile> files = {}) {
    MachineSpec spec;
    spec.name = name;
    spec.files = std::move(files);
    for (const auto& helper : helpers) {
      MachineUnit unit;
      unit.name = helper[0];
      unit.argv = {own_executable(), "helper"};
      unit.argv.insert(unit.argv.end(), helper.begin(), helper.end());
      unit.restart_seconds = 0.05;
      spec.units.push_back(unit);
    }
    auto created = run(client_->create(spec));
    EXPECT_TRUE(created) << created.error().message;
    auto running = run(client_->wait_until_running(name, 10s));
    EXPECT_TRUE(running) << running.error().message;
    return running.value();
  }
  std::vector<std::string> left() const { return leftovers(state_directory()).value(); }
  std::string disk(const std::string& machine) const { return state_directory() + "/machines/" + machine + "/disk"; }

  TemporaryDirectory directory_;
  FileDescriptor home_;
  SupervisorState state_;
  std::optional<runtime::RealRuntime> runtime_;
  std::optional<MachineProviderClient> client_;
  bool skipped_ = false;
};

#define START_OR_RETURN(...)                                         \
  if (!start(__VA_ARGS__)) {                                         \
    if (skipped_) GTEST_SKIP() << "needs root and /dev/net/tun";     \
    return;                                                          \
  }

TEST_F(SupervisorTest, MakesSwitchesReinstallsAndDeletesMachines) {
  START_OR_RETURN("namespaces");
  const auto start = std::chrono::steady_clock::now();
  const Machine a = boot("a", {{"append", "${ROOT}/data"}, {"daemon"}}, {MachineFile{"/etc/name", "${NAME} ${ADDRESS} ${ROOT}", 0600}});
  const auto took = std::chrono::steady_clock::now() - start;
  std::printf("machine: running after %.1f ms\n", std::chrono::duration<double, std::milli>(took).count());
  EXPECT_EQ(a.spec.address, "10.240.1.1");
  EXPECT_EQ(read_text(disk("a") + "/etc/name").value(), "a 10.240.1.1 " + disk("a"));
  EXPECT_EQ(std::filesystem::status(disk("a") + "/etc/name").permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  ASSERT_TRUE(eventually([&] { return read_text(disk("a") + "/data").has_value(); }));

  auto processes = run(client_->processes("a"));
  ASSERT_TRUE(processes);
  EXPECT_EQ(processes.value()[0].pid, 1);
  EXPECT_EQ(run(client_->set_power("a", false)).value().state, MachineState::off);
  EXPECT_TRUE(run(client_->processes("a")).value().empty());
  EXPECT_EQ(run(client_->set_power("a", true)).value().boot_count, 2U);
  EXPECT_TRUE(eventually([&] { return read_text(disk("a") + "/data").value() == "line\nline\n"; }));

  InstallRequest request;
  request.files.push_back(MachineFile{"/new", "n", 0644});
  auto again = run(client_->reinstall("a", request));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(std::filesystem::exists(disk("a") + "/data"));
  EXPECT_EQ(run(client_->read_file("a", "/new")).value(), "n");

  ASSERT_TRUE(run(client_->remove("a")));
  EXPECT_FALSE(std::filesystem::exists(state_directory() + "/machines/a"));
}

TEST_F(SupervisorTest, SignalsAProcessThatTheUnitThenReplaces) {
  START_OR_RETURN("namespaces");
  boot("a", {{"serve", std::to_string(service_port)}});
  const auto find_server = [&]() -> std::optional<client::machines::MachineProcess> {
    auto processes = run(client_->processes("a"));
    for (const auto& process : processes.value()) {
      if (process.argv.size() > 2 && process.argv[2] == "serve") return process;
    }
    return std::nullopt;
  };
  ASSERT_TRUE(eventually([&] { return find_server().has_value(); }));
  const auto before = *find_server();
  ASSERT_TRUE(run(client_->signal_process("a", before, SIGSTOP)));
  EXPECT_TRUE(eventually([&] { return find_server()->state == "stopped"; }));
  ASSERT_TRUE(run(client_->signal_process("a", before, SIGKILL)));
  EXPECT_TRUE(eventually([&] { return find_server() && find_server()->pid != before.pid; }));
  EXPECT_EQ(run(client_->signal_process("a", before, SIGKILL)).error().code, ErrorCode::not_found);
}

TEST_F(SupervisorTest, CutsALinkAndPausesAMachine) {
  START_OR_RETURN("namespaces");
  const Machine a = boot("a", {{"serve", std::to_string(service_port)}});
  ASSERT_TRUE(eventually([&] { return udp_echoes(a.spec.address, service_port, 1, 100) == 1; }));
  LinkRule cut;
  cut.cut = true;
  std::vector<LinkChange> changes{LinkChange{LinkName{"a", "provider"}, cut}};
  ASSERT_TRUE(run(client_->change_links(changes)));
  EXPECT_EQ(udp_echoes(a.spec.address, service_port, 3, 20), 0);
  auto links = run(client_->links());
  ASSERT_TRUE(links);
  const auto dropped = [&](const std::string& from, const std::string& to) {
    for (const LinkStatus& link : links.value()) {
      if (link.link == LinkName{from, to}) return link.counters.dropped_by_cut;
    }
    return UINT64_MAX;
  };
  EXPECT_GE(dropped("a", "provider"), 3U);
  EXPECT_EQ(dropped("provider", "a"), 0U);
  ASSERT_TRUE(run(client_->heal_all_links()));
  EXPECT_TRUE(eventually([&] { return udp_echoes(a.spec.address, service_port, 1, 100) == 1; }));

  if (!detect_cgroups().any()) return;
  ASSERT_TRUE(run(client_->set_paused("a", true)));
  EXPECT_EQ(udp_echoes(a.spec.address, service_port, 2, 50), 0);
  ASSERT_TRUE(run(client_->set_paused("a", false)));
  EXPECT_EQ(udp_echoes(a.spec.address, service_port, 2, 500), 2);
  ASSERT_TRUE(run(client_->set_paused("a", true)));
  EXPECT_EQ(run(client_->set_power("a", false)).value().state, MachineState::off);
}

TEST_F(SupervisorTest, ASigkilledSupervisorLeavesOnlyCgroupsAndSweepRemovesThem) {
  const std::string mounts_before = read_text("/proc/self/mountinfo").value();
  START_OR_RETURN("namespaces");
  boot("a", {{"daemon"}});
  boot("b", {{"daemon"}});
  std::vector<HostProcess> processes;
  // of each machine: node-init, the unit and its orphan
  ASSERT_TRUE(eventually([&] { return (processes = descendants_and_tagged(-1, state_.run + "/")).size() == 6; }));
  std::set<std::uint64_t> networks{network_namespace(state_.pid)};
  for (const HostProcess& process : processes) networks.insert(network_namespace(process.host_pid));
  EXPECT_EQ(networks.size(), 3U);
  client_.reset();
  runtime_.reset();
  ASSERT_EQ(::setns(home_.get(), CLONE_NEWNET), 0);
  ASSERT_FALSE(left().empty());

  ASSERT_EQ(::kill(static_cast<pid_t>(state_.pid), SIGKILL), 0);
  ::waitpid(static_cast<pid_t>(state_.pid), nullptr, 0);
  EXPECT_TRUE(eventually([&] { return processes_in_networks(networks) == 0; }));
  for (const HostProcess& process : processes) EXPECT_FALSE(is_alive(process.host_pid, process.start_time)) << process.argv[0];
  EXPECT_EQ(read_text("/proc/self/mountinfo").value(), mounts_before);
  EXPECT_EQ(read_text("/proc/net/dev").value().find("eth0: skidpad"), std::string::npos);
  for (const std::string& thing : left()) EXPECT_EQ(thing.rfind("cgroup ", 0), 0U) << thing;
  EXPECT_FALSE(read_supervisor_state(state_directory()));

  const auto swept = sweep(state_directory(), LivingSupervisor::leave);
  ASSERT_TRUE(swept);
  EXPECT_TRUE(swept.value().remaining.empty());
  EXPECT_EQ(left(), std::vector<std::string>());
  EXPECT_TRUE(sweep(state_directory(), LivingSupervisor::leave).value().removed.empty());
}

TEST_F(SupervisorTest, SweepFindsAbandonedCgroupsByNameAlone) {
  START_OR_RETURN("namespaces");
  if (!detect_cgroups().any()) GTEST_SKIP() << "no cgroups here";
  boot("a", {{"daemon"}});
  (void)sweep_abandoned();
  const std::vector<std::string> things = left();
  EXPECT_TRUE(std::any_of(things.begin(), things.end(), [](const std::string& thing) { return thing.rfind("cgroup ", 0) == 0; })) << "a living supervisor's was taken";
  ::kill(static_cast<pid_t>(state_.pid), SIGKILL);
  ::waitpid(static_cast<pid_t>(state_.pid), nullptr, 0);
  std::filesystem::remove(state_directory() + "/undo.jsonl");
  const SweepReport report = sweep_abandoned();
  EXPECT_EQ(report.removed.size(), 1U);
  EXPECT_TRUE(report.remaining.empty());
  EXPECT_TRUE(abandoned_cgroups().empty());
}

TEST_F(SupervisorTest, EndsInGoodOrderOnSigterm) {
  START_OR_RETURN("namespaces");
  boot("a", {{"daemon"}});
  EXPECT_FALSE(left().empty());
  ASSERT_EQ(::kill(static_cast<pid_t>(state_.pid), SIGTERM), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(static_cast<pid_t>(state_.pid), &status, 0), state_.pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << read_text(state_directory() + "/supervisor.log").value();
  EXPECT_EQ(left(), std::vector<std::string>());
  EXPECT_FALSE(std::filesystem::exists(state_directory() + "/supervisor.json"));
  EXPECT_EQ(read_text(disk("a") + "/etc/hosts").value().find("127.0.0.1 localhost"), 0U) << "disks stay for the reader";
}

// Goal: no moment is a bad one to be ended at. Method: three machines are asked for, and the signal comes while they boot.
class SupervisorEndTest : public SupervisorTest, public testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(SupervisorEndTest, LeavesNothingAfterASweepWheneverItEnds) {
  START_OR_RETURN("namespaces");
  const auto [signal, milliseconds] = GetParam();
  const std::string run_tag = state_.run + "/";
  for (const char* name : {"a", "b", "c"}) {
    MachineSpec spec;
    spec.name = name;
    MachineUnit unit;
    unit.name = "daemon";
    unit.argv = {own_executable(), "helper", "daemon"};
    spec.units.push_back(unit);
    ASSERT_TRUE(run(client_->create(spec)));
  }
  ::usleep(static_cast<useconds_t>(milliseconds) * 1000);
  ASSERT_EQ(::kill(static_cast<pid_t>(state_.pid), signal), 0);
  ::waitpid(static_cast<pid_t>(state_.pid), nullptr, 0);
  if (signal == SIGKILL) {
    EXPECT_TRUE(eventually([&] { return descendants_and_tagged(-1, run_tag).empty(); }));
    ASSERT_TRUE(sweep(state_directory(), LivingSupervisor::leave));
  }
  EXPECT_EQ(left(), std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Moments, SupervisorEndTest,
                         testing::Values(std::pair{SIGKILL, 0}, std::pair{SIGKILL, 3}, std::pair{SIGKILL, 8}, std::pair{SIGKILL, 15}, std::pair{SIGKILL, 30},
                                         std::pair{SIGTERM, 0}, std::pair{SIGTERM, 3}, std::pair{SIGTERM, 8}, std::pair{SIGTERM, 15}, std::pair{SIGTERM, 30}));

TEST_F(SupervisorTest, ForwardsAHostPortToWhicheverMachineAnswers) {
  START_OR_RETURN("namespaces", {"0=10.240.1.1:7000,10.240.1.2:7000"});
  ASSERT_EQ(state_.forward_ports.size(), 1U);
  boot("a", {{"serve", std::to_string(service_port)}});
  boot("b", {{"serve", std::to_string(service_port)}});
  const int host_port = state_.forward_ports[0];
  const auto echo_from_host = [&] {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(::setns(home_.get(), CLONE_NEWNET) == 0 && tcp_echo("127.0.0.1", host_port, 100000) ? 0 : 1);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status == 0;
  };
  EXPECT_TRUE(eventually(echo_from_host));
  ASSERT_TRUE(run(client_->set_power("a", false)));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(eventually(echo_from_host)) << i;
}

TEST_F(SupervisorTest, RefusesASecondOneOnTheSameDirectory) {
  START_OR_RETURN("namespaces");
  SupervisorOptions options;
  options.executable = own_executable();
  options.state_directory = state_directory();
  EXPECT_EQ(start_supervisor(options, 5s).error().code, ErrorCode::already_exists);
}

TEST_F(SupervisorTest, SaysInOneLineWhyItCannotStart) {
  START_OR_RETURN("namespaces", {"0=10.240.1.1:7000"});
  SupervisorOptions options;
  options.executable = own_executable();
  options.state_directory = directory_.path() + "/other";
  options.forwards = {std::to_string(state_.forward_ports[0]) + "=10.240.1.1:7000"};
  // The test has joined the cluster's network: the port is taken only at home.
  ASSERT_EQ(::setns(home_.get(), CLONE_NEWNET), 0);
  auto taken = start_supervisor(options, 10s);
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find("listen on 127.0.0.1:" + options.forwards[0].substr(0, options.forwards[0].find('=')) + ": Address already in use"), std::string::npos)
      << taken.error().message;
  options.forwards = {"nonsense"};
  taken = start_supervisor(options, 10s);
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find("expected HOSTPORT=ADDRESS:PORT"), std::string::npos) << taken.error().message;
  options.forwards.clear();
  options.state_directory = "/proc/nowhere";
  EXPECT_FALSE(start_supervisor(options, 10s));
}

TEST_F(SupervisorTest, DiesWithItsParentWhenAskedTo) {
  if (detect().best_isolation() != Isolation::namespaces) GTEST_SKIP() << "needs root and /dev/net/tun";
  const pid_t parent = ::fork();
  if (parent == 0) {
    SupervisorOptions options;
    options.executable = own_executable();
    options.state_directory = state_directory();
    options.die_with_parent = true;
    ::_exit(start_supervisor(options, 10s) ? 0 : 1);
  }
  int status = 0;
  ::waitpid(parent, &status, 0);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(eventually([&] { return !read_supervisor_state(state_directory()); }));
}

TEST_F(SupervisorTest, LoopbackMachinesWorkAndSayWhatTheyCannotDo) {
  START_OR_RETURN("loopback");
  EXPECT_FALSE(state_.limits.empty());
  const std::string address = state_.address_prefix + ".1.1";
  EXPECT_EQ(address.rfind("127.", 0), 0U);
  const Machine a = boot("a", {{"serve", std::to_string(service_port), "${ADDRESS}"}, {"daemon"}});
  EXPECT_EQ(a.spec.address, address);
  ASSERT_TRUE(eventually([&] { return udp_echoes(address, service_port, 1, 100) == 1 && tcp_echo(address, service_port, 1000); }));
  std::vector<client::machines::MachineProcess> processes;
  // node-init, two units, one orphan
  ASSERT_TRUE(eventually([&] { return (processes = run(client_->processes("a")).value()).size() >= 3; }));
  LinkRule cut;
  cut.cut = true;
  std::vector<LinkChange> changes{LinkChange{LinkName{"a", "provider"}, cut}};
  const auto refused = run(client_->change_links(changes));
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_NE(refused.error().message.find("loopback"), std::string::npos);
  EXPECT_EQ(run(client_->set_paused("a", true)).error().code, ErrorCode::unsupported);
  EXPECT_EQ(run(client_->set_power("a", false)).value().state, MachineState::off);
  for (const auto& process : processes) EXPECT_FALSE(is_alive(process.pid, process.start_time)) << process.pid;
}

TEST_F(SupervisorTest, InLoopbackNodeInitEndsItsTreeWhenTheSupervisorIsKilled) {
  START_OR_RETURN("loopback");
  boot("a", {{"daemon"}});
  std::vector<HostProcess> processes;
  ASSERT_TRUE(eventually([&] { return (processes = descendants_and_tagged(-1, state_.run + "/")).size() == 3; }));
  ::kill(static_cast<pid_t>(state_.pid), SIGKILL);
  for (const HostProcess& process : processes) EXPECT_TRUE(eventually([&] { return !is_alive(process.host_pid, process.start_time); })) << process.host_pid;
}

TEST_F(SupervisorTest, InLoopbackSweepEndsWhatEvenNodeInitCouldNot) {
  START_OR_RETURN("loopback");
  boot("a", {{"daemon"}});
  std::vector<HostProcess> processes;
  ASSERT_TRUE(eventually([&] { return (processes = descendants_and_tagged(-1, state_.run + "/")).size() == 3; }));
  const HostProcess node_init = processes[0];
  ASSERT_EQ(node_init.argv.at(1), "node-init");
  ASSERT_TRUE(send_signal(node_init, SIGSTOP));
  ::kill(static_cast<pid_t>(state_.pid), SIGKILL);
  ASSERT_TRUE(send_signal(node_init, SIGKILL));
  ::waitpid(static_cast<pid_t>(state_.pid), nullptr, 0);
  EXPECT_FALSE(left().empty());
  const auto swept = sweep(state_directory(), LivingSupervisor::leave);
  ASSERT_TRUE(swept);
  EXPECT_TRUE(swept.value().remaining.empty());
  EXPECT_EQ(left(), std::vector<std::string>());
  for (const HostProcess& process : processes) EXPECT_FALSE(is_alive(process.host_pid, process.start_time)) << process.host_pid;
}

TEST(Capabilities, WithoutRootSaysLoopbackAndHowToMendIt) {
  if (!is_root()) GTEST_SKIP() << "is not root already";
  const int verdict = in_network_of(0, [] {
    if (::setuid(65534) != 0) return 1;
    const Capabilities capabilities = detect();
    if (capabilities.best_isolation() != Isolation::loopback) return 2;
    for (const Capability& capability : capabilities.all) {
      if (!capability.available && (capability.mend.empty() || capability.reason.empty() || capability.loses.empty())) return 3;
    }
    return capabilities.limits(Isolation::loopback).empty() ? 4 : 0;
  });
  EXPECT_EQ(verdict, 0);
}

}  // namespace
}  // namespace skidpad::driver::process::test
