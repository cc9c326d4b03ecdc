#include "fakes/workload/workload.hpp"

#include <gtest/gtest.h>

#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::workload {
namespace {

using namespace std::chrono_literals;
using runtime::HttpRequest;
using runtime::Instant;
using runtime::Runtime;
using runtime::Task;

struct Step {
  std::string method;
  std::string target;
  std::string body;
  int status;
  std::string answer;
};
std::vector<Step> steps;
std::vector<std::string> wrong;

Task<int> client_main(Runtime& runtime, std::vector<std::string>) {
  runtime::HttpClientOptions options;
  runtime::Endpoint server;
  server.address = "10.0.0.1";
  server.port = 8080;
  options.servers.push_back(server);
  runtime::HttpClient client(runtime, options);
  for (const Step& step : steps) {
    HttpRequest request;
    request.method = step.method;
    request.target = step.target;
    request.body = step.body;
    auto response = co_await client.request(std::move(request));
    const std::string got = response ? std::to_string(response.value().status) + " " + response.value().body : response.error().message;
    const std::string expected = std::to_string(step.status) + " " + step.answer;
    if (!got.starts_with(expected)) wrong.push_back(step.method + " " + step.target + ": expected " + expected + ", got " + got);
  }
  co_return 0;
}

class WorkloadTest : public testing::Test {
 protected:
  WorkloadTest() : world_({}) {
    world_.register_program("workload", workload_main);
    world_.register_program("client", client_main);
    world_.add_machine({.name = "n1", .address = "10.0.0.1"});
    world_.add_machine({.name = "n2", .address = "10.0.0.2"});
    steps.clear();
    wrong.clear();
  }
  runtime::sim::SimProcess* start(const std::string& machine, const std::string& program, std::vector<std::string> arguments = {}) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    spec.environment["POD_NAME"] = "web-1";
    spec.environment["POD_IP"] = "10.0.0.1";
    return world_.machine(machine)->start(std::move(spec)).value();
  }
  void run_steps() {
    auto* client = start("n2", "client");
    auto keep = client->shared_from_this();
    world_.run_until(world_.now() + 60s, [&] { return !keep->alive(); });
    for (const std::string& what : wrong) ADD_FAILURE() << what;
  }
  runtime::sim::World world_;
};

TEST_F(WorkloadTest, KeepsValuesAndDoesWhatItIsTold) {
  start("n1", "workload", {"--ready-delay=5s"});
  steps = {{"GET", "/healthz", "", 200, "ok"},      {"GET", "/readyz", "", 503, "not ok"},  {"PUT", "/kv/a%20b", "1", 201, "created"},
           {"PUT", "/kv/a%20b", "2", 200, "updated"}, {"GET", "/kv/a%20b", "", 200, "2"},     {"GET", "/kv", "", 200, "[\"a b\"]"},
           {"DELETE", "/kv/a%20b", "", 200, "deleted"}, {"GET", "/kv/a%20b", "", 404, "no such key"}, {"GET", "/echo/x?y=1", "", 200, "{\"address\":\"10.0.0.1\""},
           {"GET", "/control/ready", "", 405, ""},   {"POST", "/control/nonsense", "", 404, ""}, {"GET", "/nothing", "", 404, ""},
           {"GET", "/metrics", "", 200, "# HELP workload_requests_total"}};
  run_steps();
  world_.run_until(world_.now() + 6s);
  steps = {{"GET", "/readyz", "", 200, "ok"}, {"POST", "/control/unready", "", 200, ""}, {"GET", "/readyz", "", 503, ""},
           {"POST", "/control/unhealthy", "", 200, ""}, {"GET", "/healthz", "", 503, ""}};
  run_steps();
}

TEST_F(WorkloadTest, EndsWithTheCodeAskedForOrGracefully) {
  auto asked = start("n1", "workload")->shared_from_this();
  world_.run_until(world_.now() + 1s);
  steps = {{"POST", "/control/exit?code=7", "", 200, ""}};
  run_steps();
  ASSERT_FALSE(asked->alive());
  EXPECT_EQ(asked->exit_status()->code, 7);

  auto graceful = start("n1", "workload", {"--drain-delay=3s"})->shared_from_this();
  world_.run_until(world_.now() + 1s);
  graceful->signal(runtime::Signal::terminate);
  world_.run_until(world_.now() + 2s);
  EXPECT_TRUE(graceful->alive());
  steps = {{"GET", "/readyz", "", 503, ""}, {"GET", "/healthz", "", 200, ""}};
  run_steps();
  world_.run_until(world_.now() + 2s);
  ASSERT_FALSE(graceful->alive());
  EXPECT_EQ(graceful->exit_status()->code, 0);
}

}  // namespace
}  // namespace skidpad::fakes::workload
