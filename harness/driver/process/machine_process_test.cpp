// Machines and links on this host, without the supervisor: namespaces, switch, node-init.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "harness/driver/process/capabilities.hpp"
#include "harness/driver/process/cgroup.hpp"
#include "harness/driver/process/machine_process.hpp"
#include "harness/driver/process/process_table.hpp"
#include "harness/driver/process/process_test_helpers.hpp"
#include "harness/driver/process/switch.hpp"

namespace skidpad::driver::process::test {
namespace {

using namespace std::chrono_literals;
using runtime::Ratio;

constexpr int port = 7000;

MachineUnit helper_unit(const std::string& name, std::vector<std::string> arguments, double restart_seconds = 0.05) {
  MachineUnit unit;
  unit.name = name;
  unit.argv = {own_executable(), "helper"};
  unit.argv.insert(unit.argv.end(), arguments.begin(), arguments.end());
  unit.restart_seconds = restart_seconds;
  return unit;
}

/// A few machines on one switch.
class MachineRig {
 public:
  explicit MachineRig(std::uint64_t seed = 1) : links(seed) {}

  MachineProcess& boot(const std::string& name, const std::string& address, std::vector<MachineUnit> units) {
    MachineBoot boot;
    boot.run = "test-" + std::to_string(::getpid());
    boot.name = name;
    boot.address = address;
    boot.directory = state.path() + "/machines/" + name;
    boot.root = boot.directory + "/disk";
    boot.visible_paths = {state.path(), std::filesystem::path(own_executable()).parent_path()};
    boot.units = std::move(units);
    MachineLaunch launch;
    launch.tag = boot.tag();
    launch.boot_path = boot.directory + "/boot.json";
    launch.log_path = boot.directory + "/node-init.log";
    EXPECT_TRUE(make_directories(boot.root));
    EXPECT_TRUE(write_text(launch.boot_path, to_json(boot).dump()));
    auto process = MachineProcess::launch(launch);
    EXPECT_TRUE(process) << process.error().message;
    std::optional<MachineProcess::Ready> ready;
    std::string error;
    eventually([&] {
      auto polled = process.value()->poll_ready();
      if (!polled) error = polled.error().message;
      if (polled && polled.value()) ready = std::move(*polled.value());
      return ready.has_value() || !error.empty();
    });
    EXPECT_TRUE(ready) << error;
    links.plug(name, address, std::move(ready->tap));
    EXPECT_TRUE(process.value()->start_units());
    machines[name] = std::move(process.value());
    return *machines[name];
  }
  void boot_pair() {
    boot("a", "10.240.1.1", {helper_unit("server", {"serve", std::to_string(port)})});
    boot("b", "10.240.1.2", {helper_unit("server", {"serve", std::to_string(port)})});
    ASSERT_TRUE(eventually([&] { return echoes("a", "10.240.1.2", 1) == 1 && echoes("b", "10.240.1.1", 1) == 1; }));
  }
  int echoes(const std::string& from, const std::string& to, int count, int wait_milliseconds = 200) {
    return in_network_of(machines.at(from)->host_pid(), [&] { return udp_echoes(to, port, count, wait_milliseconds); });
  }
  LinkCounters counters(const std::string& from, const std::string& to) {
    for (const LinkStatus& status : links.links()) {
      if (status.link == LinkName{from, to}) return status.counters;
    }
    return LinkCounters{};
  }
  void set_rule(const std::string& from, const std::string& to, LinkRule rule) { links.change_links({LinkChange{LinkName{from, to}, rule}}); }

  TemporaryDirectory state;
  Switch links;
  std::map<std::string, std::unique_ptr<MachineProcess>> machines;
};

class MachineTest : public testing::Test {
 protected:
  void SetUp() override {
    const Capabilities capabilities = detect();
    if (capabilities.best_isolation() != Isolation::namespaces) GTEST_SKIP() << "needs root and /dev/net/tun";
  }
};

TEST_F(MachineTest, TwoMachinesReachEachOtherByUdpAndTcp) {
  MachineRig rig;
  rig.boot_pair();
  EXPECT_EQ(rig.echoes("a", "10.240.1.2", 20), 20);
  EXPECT_EQ(in_network_of(rig.machines.at("a")->host_pid(), [] { return tcp_echo("10.240.1.2", port, 8 << 20) ? 0 : 1; }), 0);
  EXPECT_GT(rig.counters("a", "b").frames, 20U);
  EXPECT_EQ(rig.counters("a", "b").lost, 0U);
}

TEST_F(MachineTest, ACutOfOneDirectionIsWitnessedByItsCounterAndHealed) {
  MachineRig rig;
  rig.boot_pair();
  LinkRule cut;
  cut.cut = true;
  const LinkCounters before = rig.counters("b", "a");
  rig.set_rule("b", "a", cut);
  EXPECT_EQ(rig.echoes("a", "10.240.1.2", 5, 20), 0);
  EXPECT_EQ(rig.counters("b", "a").dropped_by_cut, 5U);  // the five echoes: the other direction still works
  EXPECT_EQ(rig.counters("b", "a").forwarded, before.forwarded);
  EXPECT_EQ(rig.counters("a", "b").dropped_by_cut, 0U);
  rig.links.heal_all_links();
  EXPECT_EQ(rig.echoes("a", "10.240.1.2", 5), 5);
}

TEST_F(MachineTest, LosesTheSameNumberOfFramesForTheSameSeed) {
  LinkRule lossy;
  lossy.loss = Ratio{1, 5};
  std::vector<std::uint64_t> lost;
  for (const std::uint64_t seed : {5, 5, 6}) {
    MachineRig rig(seed);
    rig.boot_pair();
    rig.set_rule("a", "b", lossy);
    const std::uint64_t before = rig.counters("a", "b").frames;
    in_network_of(rig.machines.at("a")->host_pid(), [] { return udp_send("10.240.1.2", 9, 2000, 0), 0; });
    ASSERT_TRUE(eventually([&] { return rig.counters("a", "b").frames >= before + 2000; }));
    // An ARP frame more or less may have come between: what is compared is a full count of UDP frames only.
    lost.push_back(rig.counters("a", "b").lost);
  }
  EXPECT_NEAR(static_cast<double>(lost[0]), 400, 60);
  EXPECT_NEAR(static_cast<double>(lost[0]), static_cast<double>(lost[1]), 2);
}

TEST_F(MachineTest, DelaysDuplicatesAndReorders) {
  MachineRig rig;
  rig.boot_pair();
  LinkRule rule;
  rule.delay = 20ms;
  rig.set_rule("a", "b", rule);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(rig.echoes("a", "10.240.1.2", 5), 5);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, 100ms);
  EXPECT_LT(took, 400ms);
  rule.delay = {};
  rule.duplicate = Ratio{1, 1};
  rule.reorder = Ratio{1, 2};
  rig.set_rule("a", "b", rule);
  in_network_of(rig.machines.at("a")->host_pid(), [] { return udp_send("10.240.1.2", port, 100, 100), 0; });
  ASSERT_TRUE(eventually([&] { return rig.counters("b", "a").frames > 200; }));
  EXPECT_GE(rig.counters("a", "b").duplicated, 100U);
  EXPECT_GT(rig.counters("a", "b").reordered, 20U);
}

TEST_F(MachineTest, PowerOffEndsDaemonsTooAndTheDiskSurvives) {
  MachineRig rig;
  MachineProcess& machine = rig.boot("a", "10.240.1.1", {helper_unit("daemon", {"daemon"}), helper_unit("append", {"append", rig.state.path() + "/machines/a/disk/data"})});
  const std::string data = rig.state.path() + "/machines/a/disk/data";
  std::vector<HostProcess> processes;
  // init, two units, and the orphan that node-init adopted; a moment before, the orphan has another parent
  ASSERT_TRUE(eventually([&] {
    processes = processes_in_namespace_of(machine.host_pid());
    const auto adopted = std::count_if(processes.begin(), processes.end(), [&](const HostProcess& p) { return p.parent_host_pid == machine.host_pid(); });
    return processes.size() == 4 && adopted == 3 && std::filesystem::exists(data);
  }));
  EXPECT_EQ(processes[0].pid, 1);
  EXPECT_TRUE(machine.kill(5s));
  for (const HostProcess& process : processes) EXPECT_FALSE(is_alive(process.host_pid, process.start_time)) << process.host_pid;
  EXPECT_EQ(read_text(data).value(), "line\n");
  rig.links.unplug("a");
  rig.boot("a", "10.240.1.1", {helper_unit("append", {"append", data})});
  EXPECT_TRUE(eventually([&] { return read_text(data).value() == "line\nline\n"; }));
}

TEST_F(MachineTest, RestartsAUnitThatEndsAndLogsIt) {
  MachineRig rig;
  rig.boot("a", "10.240.1.1", {helper_unit("crash", {"crash"}, 0.01)});
  const std::string log = rig.state.path() + "/machines/a/node-init.log";
  EXPECT_TRUE(eventually([&] {
    const std::string text = read_text(log).value();
    const std::size_t first = text.find("unit crash ended with code 3");
    return first != std::string::npos && text.find("unit crash ended", first + 1) != std::string::npos;
  }));
}

TEST_F(MachineTest, HasItsOwnNameTmpAndProcessTable) {
  MachineRig rig;
  MachineUnit unit;
  unit.name = "look";
  unit.argv = {"/bin/sh", "-c", "touch /tmp/mine; hostname; ls /tmp; ls -d /proc/[0-9]*; cat /etc/resolv.conf; exec sleep 100"};
  rig.boot("a", "10.240.1.1", {unit});
  const std::string log = rig.state.path() + "/machines/a/disk/var/log/look.log";
  ASSERT_TRUE(eventually([&] { return read_text(log).has_value() && read_text(log).value().find("ndots") != std::string::npos; }));
  const std::string text = read_text(log).value();
  EXPECT_EQ(text.find("a\n"), 0U) << text;
  EXPECT_NE(text.find("mine\n"), std::string::npos) << text;
  EXPECT_NE(text.find("/proc/1\n/proc/2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("nameserver 127.0.0.1"), std::string::npos) << text;
  EXPECT_FALSE(std::filesystem::exists("/tmp/mine"));
}

TEST_F(MachineTest, ASignalGoesToTheProcessThatWasMeant) {
  MachineRig rig;
  MachineProcess& machine = rig.boot("a", "10.240.1.1", {helper_unit("append", {"append", rig.state.path() + "/machines/a/disk/data"}, 100)});
  std::vector<HostProcess> processes;
  ASSERT_TRUE(eventually([&] { return (processes = processes_in_namespace_of(machine.host_pid())).size() == 2; }));
  HostProcess later = processes[1];
  ++later.start_time;
  EXPECT_EQ(send_signal(later, SIGKILL).error().code, ErrorCode::not_found);
  EXPECT_TRUE(is_alive(processes[1].host_pid, processes[1].start_time));
  EXPECT_TRUE(send_signal(processes[1], SIGKILL));
  EXPECT_TRUE(eventually([&] { return !is_alive(processes[1].host_pid, processes[1].start_time); }));
}

TEST_F(MachineTest, ForwardsManySmallFramesASecond) {
  MachineRig rig;
  rig.boot_pair();
  const std::uint64_t before = rig.counters("a", "b").frames;
  const auto start = std::chrono::steady_clock::now();
  // More than the switch takes: what the TAP device's queue has no room for is dropped before it, as by any busy host.
  in_network_of(rig.machines.at("a")->host_pid(), [] { return udp_send("10.240.1.2", 9, 200000, 0), 0; });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double rate = static_cast<double>(rig.counters("a", "b").frames - before) / seconds;
  RecordProperty("frames_per_second", static_cast<int>(rate));
  std::printf("switch: %.0f frames/s\n", rate);
  EXPECT_GT(rate, 10000);  // far below what it does: other jobs may run beside
}

class CgroupTest : public MachineTest, public testing::WithParamInterface<bool> {};

TEST_P(CgroupTest, FreezesKillsAndVanishes) {
  CgroupLayout layout = detect_cgroups();
  if (GetParam()) layout.unified.clear();
  if (!layout.any()) GTEST_SKIP() << "no such cgroup hierarchy here";
  auto group = Cgroup::create(layout, cgroup_name("test") + "/a");
  ASSERT_TRUE(group) << group.error().message;
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::usleep(1000);
  }
  ASSERT_TRUE(group.value().add(pid));
  const auto steps = [pid] { return read_text("/proc/" + std::to_string(pid) + "/status").value(); };  // counts context switches
  ASSERT_TRUE(group.value().set_frozen(true));
  ::usleep(20000);
  const std::string frozen = steps();
  ::usleep(20000);
  EXPECT_EQ(steps(), frozen);
  const std::string directory = group.value().directory();
  const std::string parent = std::filesystem::path(directory).parent_path();
  ASSERT_TRUE(group.value().kill());
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_TRUE(remove_cgroup_tree(parent));
  EXPECT_FALSE(std::filesystem::exists(parent));
}

INSTANTIATE_TEST_SUITE_P(Layouts, CgroupTest, testing::Bool(), [](const auto& info) { return info.param ? "V1" : "V2"; });

}  // namespace
}  // namespace skidpad::driver::process::test
