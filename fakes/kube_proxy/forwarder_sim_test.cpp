#include <gtest/gtest.h>

#include "fakes/kube_proxy/kube_proxy.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::kube_proxy {
namespace {

using namespace std::chrono_literals;
using runtime::Connection;
using runtime::Instant;
using runtime::ProcessSpec;
using runtime::Result;
using runtime::Runtime;
using runtime::Task;

std::vector<std::string> answers;
std::vector<double> seconds_taken;

Task<void> greet(Runtime& runtime, std::unique_ptr<Connection> connection) {
  // Answers only after the client has ended its direction: half-close must reach here.
  std::string all;
  while (true) {
    auto bytes = co_await connection->read_some();
    if (!bytes) co_return;
    if (bytes.value().empty()) break;
    all += bytes.value();
  }
  (void)co_await connection->write(runtime.host_name() + ":" + std::to_string(all.size()));
  connection->shutdown_write();
  co_await runtime.sleep_for(1s);
}

Task<int> server_main(Runtime& runtime, std::vector<std::string>) {
  runtime::ListenOptions listen;
  listen.at.port = 6443;
  auto listener = runtime.network().listen(listen);
  if (!listener) co_return 1;
  runtime::TaskGroup sessions(runtime.stop());
  while (true) {
    auto connection = co_await listener.value()->accept();
    if (!connection) co_return 1;
    sessions.spawn("session", greet(runtime, std::move(connection.value())));
  }
}

/// Arguments: how many connections, one after the other; how many bytes each sends.
Task<int> client_main(Runtime& runtime, std::vector<std::string> arguments) {
  for (int i = 0; i < std::stoi(arguments[0]); ++i) {
    const Instant begin = runtime.now();
    runtime::ConnectOptions to;
    to.to.address = "127.0.0.1";
    to.to.port = 7443;
    auto connection = co_await runtime.network().connect(to);
    std::string answer = "refused";
    if (connection) {
      answer.clear();
      std::string bytes(std::stoul(arguments[1]), 'x');
      (void)co_await connection.value()->write(std::move(bytes));
      connection.value()->shutdown_write();
      while (true) {
        auto more = co_await connection.value()->read_some();
        if (!more || more.value().empty()) break;
        answer += more.value();
      }
    }
    answers.push_back(answer);
    seconds_taken.push_back(runtime::seconds(runtime.now() - begin));
  }
  co_return 0;
}

class BalancerSim : public testing::Test {
 protected:
  BalancerSim() : world_({}) {
    answers.clear();
    seconds_taken.clear();
    world_.register_program("kube-proxy", kube_proxy_main);
    world_.register_program("server", server_main);
    world_.register_program("client", client_main);
    for (const char* name : {"n1", "n2", "n3"}) world_.add_machine({.name = name, .address = std::string("10.0.0.") + name[1]});
    for (const char* name : {"n2", "n3"}) start(name, "server");
    start("n1", "kube-proxy", {"--apiserver-balancer=127.0.0.1:7443=10.0.0.2:6443,10.0.0.3:6443"});
    pass(1s);
  }
  void start(const std::string& machine, const std::string& program, std::vector<std::string> arguments = {}) {
    ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    ASSERT_TRUE(world_.machine(machine)->start(std::move(spec)));
  }
  void pass(runtime::Duration time) { world_.run_until(world_.now() + time); }
  std::map<std::string, int> counts() {
    std::map<std::string, int> found;
    for (const std::string& answer : answers) ++found[answer];
    return found;
  }
  runtime::sim::World world_;
};

TEST_F(BalancerSim, SpreadsConnectionsAndCarriesHalfClose) {
  start("n1", "client", {"10", "200000"});
  pass(30s);
  const std::map<std::string, int> expected{{"n2:200000", 5}, {"n3:200000", 5}};
  EXPECT_EQ(counts(), expected);
}

TEST_F(BalancerSim, ADeadServerCostsOneTimeoutAndComesBackByItself) {
  world_.machine("n2")->power_off();
  start("n1", "client", {"10", "10"});
  pass(60s);
  EXPECT_EQ(counts(), (std::map<std::string, int>{{"n3:10", 10}}));
  EXPECT_EQ(std::count_if(seconds_taken.begin(), seconds_taken.end(), [](double taken) { return taken > 0.5; }), 1);
  world_.machine("n2")->power_on();
  start("n2", "server");
  pass(10s);
  answers.clear();
  start("n1", "client", {"10", "10"});
  pass(30s);
  EXPECT_EQ(counts(), (std::map<std::string, int>{{"n2:10", 5}, {"n3:10", 5}}));
}

TEST_F(BalancerSim, WithNoServerAtAllClientsAreTurnedAway) {
  world_.machine("n2")->power_off();
  world_.machine("n3")->power_off();
  start("n1", "client", {"2", "10"});
  pass(30s);
  EXPECT_EQ(counts(), (std::map<std::string, int>{{"", 2}}));
}

TEST(BalancerFlag, SaysWhatIsWrong) {
  KubeProxyOptions options;
  for (const char* bad : {"x", "127.0.0.1:1", "127.0.0.1:1=", "127.0.0.1:1=10.0.0.1", "127.0.0.1:0=10.0.0.1:1"}) EXPECT_ANY_THROW(parse_balancer(bad, options)) << bad;
  parse_balancer("127.0.0.1:7443=10.0.0.1:6443,10.0.0.2:6443", options);
  EXPECT_EQ(options.apiservers.size(), 2u);
}

}  // namespace
}  // namespace skidpad::fakes::kube_proxy
