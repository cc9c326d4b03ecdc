// The provider and its client over a simulated network, with a backend that only remembers what it was told.
#include <gtest/gtest.h>

#include "fakes/machine_provider/machine_provider.hpp"
#include "harness/client/machines/machine_provider_client.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::machine_provider {
namespace {

using namespace std::chrono_literals;
using runtime::Error;
using runtime::ErrorCode;
using runtime::Instant;

class RecordingBackend final : public MachineBackend {
 public:
  explicit RecordingBackend(runtime::Clock& clock) : clock_(clock) {}
  std::string root(const std::string& name) const override { return "/machines/" + name; }
  std::string address_prefix() const override { return "10.240"; }
  Task<Result<void>> install(const Machine& machine, std::vector<MachineFile> files) override {
    calls.push_back("install " + machine.spec.name + " " + std::to_string(files.size()));
    disk.clear();
    for (const MachineFile& file : files) disk[file.path] = file.content;
    co_await clock_.sleep_for(1ms);
    co_return runtime::success();
  }
  Task<Result<void>> power_on(const Machine& machine) override {
    const std::string name = machine.spec.name;
    calls.push_back("on " + name + (machine.spec.units.empty() ? "" : " " + machine.spec.units[0].argv[0]));
    co_await clock_.sleep_for(10ms);
    if (!boot_error.empty()) {
      Error error(ErrorCode::io, boot_error);
      co_return error;
    }
    alive_.insert(name);
    co_return runtime::success();
  }
  Task<Result<void>> power_off(const std::string& name) override {
    calls.push_back("off " + name);
    alive_.erase(name);
    co_return runtime::success();
  }
  Task<Result<void>> destroy(const std::string& name) override {
    calls.push_back("destroy " + name);
    alive_.erase(name);
    co_return runtime::success();
  }
  bool alive(const std::string& name) const override { return alive_.count(name) != 0; }
  Result<std::string> read_file(const std::string&, const std::string& path) override {
    const auto found = disk.find(path);
    if (found == disk.end()) return Error(ErrorCode::not_found, path);
    return found->second;
  }
  Result<void> write_file(const std::string&, const MachineFile& file) override {
    disk[file.path] = file.content;
    return runtime::success();
  }
  Result<void> remove_file(const std::string&, const std::string& path) override {
    disk.erase(path);
    return runtime::success();
  }
  Result<std::vector<MachineProcess>> processes(const std::string&) override {
    return std::vector<MachineProcess>{MachineProcess{7, 1, 99, {"etcd", "--name=a b"}, "running"}};
  }
  Result<void> signal_process(const std::string& name, std::int64_t pid, std::uint64_t start_time, int signal) override {
    calls.push_back("signal " + name + " " + std::to_string(pid) + " " + std::to_string(start_time) + " " + std::to_string(signal));
    return runtime::success();
  }
  Result<void> set_paused(const std::string&, bool) override { return Error(ErrorCode::unsupported, "no cgroup"); }
  Result<void> change_links(const std::vector<LinkChange>& changes) override {
    for (const LinkChange& change : changes) rules[change.link] = change.rule;
    return runtime::success();
  }
  Result<void> heal_all_links() override {
    rules.clear();
    return runtime::success();
  }
  Result<std::vector<LinkStatus>> links() override {
    std::vector<LinkStatus> statuses;
    for (const auto& [link, rule] : rules) statuses.push_back(LinkStatus{link, rule, LinkCounters{}});
    return statuses;
  }

  std::vector<std::string> calls;
  std::map<std::string, std::string> disk;
  std::map<LinkName, LinkRule> rules;
  std::string boot_error;
  std::set<std::string> alive_;

 private:
  runtime::Clock& clock_;
};

RecordingBackend* backend = nullptr;
MachineProviderOptions provider_options;

Task<int> provider_main(Runtime& runtime, std::vector<std::string>) {
  MachineProvider provider(runtime, *backend, provider_options);
  runtime::ListenOptions options;
  options.at.port = 7070;
  auto listener = runtime.network().listen(std::move(options));
  if (!listener) co_return 1;
  runtime::HttpHandler handler = [&provider](const HttpRequest& request, HttpResponder& responder) { return provider.handle(request, responder); };
  runtime::HttpServer server(runtime, handler);
  co_await server.serve(std::move(listener.value()));
  co_return 0;
}

Task<int> idle_main(Runtime& runtime, std::vector<std::string>) {
  for (;;) co_await runtime.sleep_for(1h);
}

class ProviderTest : public testing::Test {
 protected:
  ProviderTest() : world_(runtime::sim::WorldOptions{}), backend_(world_) {
    backend = &backend_;
    provider_options = MachineProviderOptions{};
    provider_options.user_token = "user";
    provider_options.admin_token = "admin";
    world_.register_program("provider", provider_main);
    world_.register_program("idle", idle_main);
  }
  void start() {
    start_program("provider", "10.240.0.1", "provider");
    runtime_ = start_program("harness", "10.240.0.2", "idle");
    admin_.emplace(*runtime_, client_options("admin"));
    user_.emplace(*runtime_, client_options("user"));
  }
  template <class T>
  T run(Task<T> task) {
    auto result = world_.run<T>(std::move(task), world_.now() + 1min);
    EXPECT_TRUE(result.has_value());
    return std::move(*result);
  }
  MachineSpec spec(const std::string& name = "") {
    MachineSpec spec;
    spec.name = name;
    spec.files.push_back(MachineFile{"/etc/name", "${NAME} ${ADDRESS}", 0644});
    spec.units.push_back(MachineUnit{"u", {"${ROOT}/bin/u"}, {}, 1});
    return spec;
  }
  static MachineProviderClientOptions client_options(const std::string& token) {
    MachineProviderClientOptions options;
    options.server = runtime::Endpoint{"10.240.0.1", 7070};
    options.token = token;
    return options;
  }

  runtime::sim::World world_;
  RecordingBackend backend_;
  runtime::sim::SimProcess* runtime_ = nullptr;
  std::optional<MachineProviderClient> admin_;
  std::optional<MachineProviderClient> user_;

 private:
  runtime::sim::SimProcess* start_program(const std::string& machine, const std::string& address, const std::string& program) {
    runtime::sim::MachineSpec machine_spec;
    machine_spec.name = machine;
    machine_spec.address = address;
    runtime::ProcessSpec process;
    process.executable = "/bin/" + program;
    auto started = world_.add_machine(machine_spec).start(process);
    EXPECT_TRUE(started);
    return started.value();
  }
};

TEST_F(ProviderTest, ProvisionsAfterItsDelayWithEverythingExpanded) {
  provider_options.provisioning_delay = 2s;
  start();
  auto created = run(user_->create(spec("a")));
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(created.value().state, MachineState::provisioning);
  EXPECT_EQ(created.value().spec.address, "10.240.1.1");
  const Instant before = world_.now();
  auto running = run(user_->wait_until_running("a", 5s));
  ASSERT_TRUE(running) << running.error().message;
  EXPECT_NEAR(runtime::seconds(world_.now() - before), 2, 0.1);
  EXPECT_EQ(backend_.calls, (std::vector<std::string>{"install a 1", "on a /machines/a/bin/u"}));
  EXPECT_EQ(backend_.disk.at("/machines/a/etc/name"), "a 10.240.1.1");
}

TEST_F(ProviderTest, NeverGivesAReplacementTheOldAddress) {
  start();
  ASSERT_TRUE(run(user_->create(spec("a"))));
  ASSERT_TRUE(run(user_->remove("a")));
  EXPECT_EQ(run(user_->create(spec("a"))).value().spec.address, "10.240.1.2");
}

TEST_F(ProviderTest, NamesMachinesThatHaveNone) {
  start();
  const auto machine = run(user_->create(spec()));
  EXPECT_EQ(machine.value().spec.name.rfind("machine-", 0), 0U);
  EXPECT_EQ(run(user_->list()).value().size(), 1U);
}

TEST_F(ProviderTest, RefusesTakenNamesAndAddressesQuotaAndStrangers) {
  provider_options.machine_count_max = 2;
  start();
  MachineSpec first = spec("a");
  first.address = "10.240.1.9";
  ASSERT_TRUE(run(user_->create(first)));
  EXPECT_EQ(run(user_->create(first)).error().http_status, 409);
  first.name = "b";
  EXPECT_EQ(run(user_->create(first)).error().http_status, 409);
  first.address = "10.241.1.1";
  EXPECT_EQ(run(user_->create(first)).error().http_status, 400);
  first.address = "10.240.0.1";
  EXPECT_EQ(run(user_->create(first)).error().http_status, 400);
  ASSERT_TRUE(run(user_->create(spec("b"))));
  EXPECT_EQ(run(user_->create(spec("c"))).error().code, ErrorCode::forbidden);
  EXPECT_EQ(run(user_->get("c")).error().code, ErrorCode::not_found);
  EXPECT_EQ(run(user_->links()).error().code, ErrorCode::forbidden);
  MachineProviderClient stranger(*runtime_, client_options("other"));
  EXPECT_EQ(run(stranger.list()).error().code, ErrorCode::unauthorized);
  EXPECT_TRUE(run(stranger.is_healthy()));
}

TEST_F(ProviderTest, SwitchesOffAndOnAgainAndReinstalls) {
  start();
  ASSERT_TRUE(run(user_->create(spec("a"))));
  ASSERT_TRUE(run(user_->wait_until_running("a", 5s)));
  EXPECT_EQ(run(user_->set_power("a", false)).value().state, MachineState::off);
  EXPECT_EQ(run(user_->set_power("a", true)).value().boot_count, 2U);
  InstallRequest request;
  request.files.push_back(MachineFile{"/new", "n", 0644});
  EXPECT_EQ(run(user_->reinstall("a", request)).value().state, MachineState::running);
  EXPECT_EQ(backend_.disk, (std::map<std::string, std::string>{{"/machines/a/new", "n"}}));
  EXPECT_EQ(backend_.calls, (std::vector<std::string>{"install a 1", "on a /machines/a/bin/u", "off a", "on a /machines/a/bin/u", "off a", "install a 1", "on a"}));
}

TEST_F(ProviderTest, AnOperationWaitsForTheOneBefore) {
  provider_options.provisioning_delay = 1s;
  start();
  ASSERT_TRUE(run(user_->create(spec("a"))));
  EXPECT_EQ(run(user_->set_power("a", false)).value().state, MachineState::off);
  EXPECT_EQ(backend_.calls.back(), "off a");
  EXPECT_EQ(backend_.calls.size(), 3U);
}

TEST_F(ProviderTest, DeletingWhileProvisioningNeverBootsTheMachine) {
  provider_options.provisioning_delay = 1s;
  start();
  ASSERT_TRUE(run(user_->create(spec("a"))));
  ASSERT_TRUE(run(user_->remove("a")));
  EXPECT_EQ(backend_.calls, (std::vector<std::string>{"destroy a"}));
  EXPECT_EQ(run(user_->get("a")).error().code, ErrorCode::not_found);
}

TEST_F(ProviderTest, ReportsAMachineThatDoesNotBootOrDied) {
  start();
  backend_.boot_error = "no TAP device";
  ASSERT_TRUE(run(user_->create(spec("a"))));
  const auto failed = run(user_->wait_until_running("a", 5s));
  EXPECT_EQ(failed.error().code, ErrorCode::unavailable);
  EXPECT_NE(failed.error().message.find("no TAP device"), std::string::npos);
  backend_.boot_error.clear();
  ASSERT_TRUE(run(user_->set_power("a", true)));
  backend_.alive_.clear();
  EXPECT_EQ(run(user_->get("a")).value().state, MachineState::off);
}

TEST_F(ProviderTest, CarriesFilesProcessesAndLinksForTheAdministrator) {
  start();
  ASSERT_TRUE(run(user_->create(spec("a"))));
  ASSERT_TRUE(run(user_->wait_until_running("a", 5s)));
  const MachineFile file{"/etc/kubernetes/x y", std::string("\0\n\xff", 3), 0600};
  ASSERT_TRUE(run(admin_->write_file("a", file)));
  EXPECT_EQ(run(admin_->read_file("a", file.path)).value(), file.content);
  ASSERT_TRUE(run(admin_->remove_file("a", file.path)));
  EXPECT_EQ(run(admin_->read_file("a", file.path)).error().code, ErrorCode::not_found);
  EXPECT_EQ(run(admin_->read_file("a", "/../secret")).error().code, ErrorCode::invalid);

  const auto processes = run(admin_->processes("a")).value();
  ASSERT_EQ(processes.size(), 1U);
  EXPECT_EQ(processes[0].argv[1], "--name=a b");
  ASSERT_TRUE(run(admin_->signal_process("a", processes[0], 19)));
  EXPECT_EQ(backend_.calls.back(), "signal a 7 99 19");
  EXPECT_EQ(run(admin_->set_paused("a", true)).error().code, ErrorCode::unsupported);

  LinkRule rule;
  rule.loss = Ratio{1, 3};
  std::vector<LinkChange> changes{LinkChange{LinkName{"provider", "a"}, rule}};
  ASSERT_TRUE(run(admin_->change_links(changes)));
  ASSERT_EQ(run(admin_->links()).value().size(), 1U);
  EXPECT_EQ(run(admin_->links()).value()[0].rule, rule);
  changes[0].link.to = "nobody";
  EXPECT_EQ(run(admin_->change_links(changes)).error().code, ErrorCode::not_found);
  ASSERT_TRUE(run(admin_->heal_all_links()));
  EXPECT_TRUE(backend_.rules.empty());
}

}  // namespace
}  // namespace skidpad::fakes::machine_provider
