#include <gtest/gtest.h>

#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/http/http_server.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::runtime::sim {
namespace {

Task<void> echo(const HttpRequest& request, HttpResponder& responder) {
  HttpResponse response;
  response.headers.add("X-Peer", request.peer.common_name);
  response.body = request.method + " " + request.target + " " + request.body;
  if (request.path() == "/stream") {
    co_await responder.start_stream(200, {});
    for (int line = 0; line < 3; ++line) co_await responder.write_chunk("line " + std::to_string(line) + "\n");
    co_await responder.end_stream();
    co_return;
  }
  co_await responder.send(std::move(response));
}

std::optional<TlsServerOptions> server_tls;
std::optional<TlsClientOptions> client_tls;

Task<int> server_main(Runtime& runtime, std::vector<std::string>) {
  ListenOptions options;
  options.at.port = 80;
  options.tls = server_tls;
  auto listener = runtime.network().listen(std::move(options));
  if (!listener) co_return 1;
  HttpServer server(runtime, echo);
  co_await server.serve(std::move(listener.value()));
  co_return 0;
}

std::vector<std::string> answers;

/// Arguments: count of requests, seconds between them.
Task<int> client_main(Runtime& runtime, std::vector<std::string> arguments) {
  HttpClientOptions options;
  options.servers.push_back(Endpoint{"10.0.0.1", 80});
  options.request_timeout = 5s;
  options.tls = client_tls;
  HttpClient client(runtime, options);
  for (int i = 0; i < std::stoi(arguments.at(0)); ++i) {
    HttpRequest request;
    request.method = "PUT";
    request.target = "/item/" + std::to_string(i);
    request.body = "value";
    auto response = co_await client.request(std::move(request));
    answers.push_back(response ? std::to_string(response.value().status) + " " + response.value().body +
                                     std::string(response.value().headers.get("x-peer"))
                               : std::string(name(response.error().code)));
    co_await runtime.sleep_for(1s);
  }
  co_return 0;
}

Task<int> sleeper_main(Runtime& runtime, std::vector<std::string>) {
  for (int i = 0; i < 1000; ++i) {
    co_await runtime.sleep_for(1s);
    auto written = runtime.disk().write("/tmp/beat", std::to_string(i));
    ASSERT(written);
  }
  co_return 0;
}

Task<int> streamer_main(Runtime& runtime, std::vector<std::string>) {
  HttpClientOptions options;
  options.servers.push_back(Endpoint{"10.0.0.1", 80});
  HttpClient client(runtime, options);
  HttpRequest request;
  request.target = "/stream";
  auto stream = co_await client.open_stream(std::move(request));
  if (!stream) co_return 1;
  for (;;) {
    auto line = co_await stream.value().read_line();
    if (!line) co_return 2;
    if (!line.value()) break;
    answers.push_back(*line.value());
  }
  co_return 0;
}

class SimWorld : public testing::Test {
 protected:
  SimWorld() { reset(1); }
  void reset(std::uint64_t seed) {
    answers.clear();
    world.reset();
    WorldOptions options;
    options.seed = seed;
    world = std::make_unique<World>(options);
    world->register_program("server", server_main);
    world->register_program("client", client_main);
    world->register_program("sleeper", sleeper_main);
    world->register_program("streamer", streamer_main);
    world->add_machine(spec("a", "10.0.0.1"));
    world->add_machine(spec("b", "10.0.0.2"));
  }
  ~SimWorld() override {
    server_tls.reset();
    client_tls.reset();
  }
  static MachineSpec spec(std::string name, std::string address) {
    MachineSpec machine;
    machine.name = std::move(name);
    machine.address = std::move(address);
    return machine;
  }
  static ProcessSpec program(std::string executable, std::vector<std::string> arguments = {}) {
    ProcessSpec process;
    process.executable = std::move(executable);
    process.arguments = std::move(arguments);
    return process;
  }
  SimProcess* start(const std::string& machine, ProcessSpec process) {
    auto started = world->machine(machine)->start(std::move(process));
    EXPECT_TRUE(started.has_value());
    return started.value();
  }
  void run_for(Duration duration) { world->run_until(world->now() + duration); }
  std::unique_ptr<World> world;
};

TEST_F(SimWorld, CarriesHttpBetweenMachines) {
  start("a", program("/usr/bin/server"));
  start("b", program("client", {"3"}));
  run_for(10s);
  EXPECT_EQ(answers, (std::vector<std::string>{"200 PUT /item/0 value", "200 PUT /item/1 value", "200 PUT /item/2 value"}));
}

TEST_F(SimWorld, CarriesStreamsToTheirEnd) {
  start("a", program("server"));
  start("b", program("streamer"));
  run_for(10s);
  EXPECT_EQ(answers, (std::vector<std::string>{"line 0", "line 1", "line 2"}));
}

TEST_F(SimWorld, RefusesWhereNobodyListens) {
  start("b", program("client", {"1"}));
  run_for(10s);
  EXPECT_EQ(answers, std::vector<std::string>{"refused"});
}

TEST_F(SimWorld, TellsIdentitiesByCertificates) {
  const auto pki = make_sim_pki([this] { return world->wall_now(); }, Random(7));
  const KeyPair ca = pki->make_ca("ca", 1000h).value();
  CertificateSpec server;
  server.common_name = "server";
  server.ip_addresses = {"10.0.0.1"};
  const KeyPair server_pair = pki->issue(ca, server).value();
  CertificateSpec client;
  client.common_name = "alice";
  const KeyPair client_pair = pki->issue(ca, client).value();
  server_tls = TlsServerOptions{server_pair.certificate_pem, server_pair.key_pem, ca.certificate_pem, true};
  client_tls = TlsClientOptions{ca.certificate_pem, client_pair.certificate_pem, client_pair.key_pem, "", false};
  start("a", program("server"));
  start("b", program("client", {"1"}));
  run_for(2s);
  client_tls->ca_pem = pki->make_ca("other", 1000h).value().certificate_pem;
  start("b", program("client", {"1"}));
  run_for(2s);
  EXPECT_EQ(answers, (std::vector<std::string>{"200 PUT /item/0 valuealice", "refused"}));
}

TEST_F(SimWorld, KeepsPeersWaitingWhenTheLinkIsCutAndCountsWhatItDropped) {
  start("a", program("server"));
  start("b", program("client", {"4"}));
  run_for(1500ms);
  LinkState cut;
  cut.cut = true;
  world->set_link("b", "a", cut);
  run_for(6s);
  EXPECT_GT(world->counters("b", "a").dropped_by_cut, 0U);
  world->set_link("b", "a", {});
  run_for(20s);
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(answers[2], "timeout");
  EXPECT_EQ(answers[3], "200 PUT /item/3 value");
}

TEST_F(SimWorld, KillsWithoutRunningCodeAndTellsPeers) {
  SimProcess* server = start("a", program("server"));
  start("b", program("client", {"2"}));
  run_for(500ms);
  server->signal(Signal::kill);
  run_for(5s);
  EXPECT_EQ(answers, (std::vector<std::string>{"200 PUT /item/0 value", "refused"}));
  EXPECT_TRUE(world->machine("a")->processes().empty());
}

TEST_F(SimWorld, LosesUnsyncedWritesWithThePower) {
  Machine& machine = *world->machine("a");
  ASSERT_TRUE(machine.disk().write("/tmp/synced", "old", 0644).has_value());
  ASSERT_TRUE(machine.disk().sync("/tmp/synced").has_value());
  ASSERT_TRUE(machine.disk().write("/tmp/synced", "new", 0644).has_value());
  start("a", program("sleeper"));
  run_for(10s);
  EXPECT_TRUE(machine.disk().exists("/tmp/beat"));
  machine.power_off();
  EXPECT_TRUE(machine.processes().empty());
  EXPECT_FALSE(machine.disk().exists("/tmp/beat"));
  EXPECT_EQ(machine.disk().read("/tmp/synced", 100).value(), "old");
  EXPECT_FALSE(machine.start(program("sleeper")).has_value());
}

TEST_F(SimWorld, PausedProcessesDoNothingUntilResumed) {
  SimProcess* sleeper = start("a", program("sleeper"));
  run_for(5500ms);
  const std::string before = world->machine("a")->disk().read("/tmp/beat", 100).value();
  sleeper->signal(Signal::stop);
  run_for(100s);
  EXPECT_EQ(world->machine("a")->disk().read("/tmp/beat", 100).value(), before);
  sleeper->signal(Signal::resume);
  run_for(2s);
  EXPECT_NE(world->machine("a")->disk().read("/tmp/beat", 100).value(), before);
}

TEST_F(SimWorld, RunsOfOneSeedAreEqualAndOfAnotherAreNot) {
  const auto digest = [this](std::uint64_t seed) {
    reset(seed);
    start("a", program("server"));
    start("b", program("client", {"20"}));
    start("a", program("client", {"20"}));
    run_for(60s);
    return world->digest();
  };
  const std::uint64_t one = digest(1);
  EXPECT_EQ(one, digest(1));
  EXPECT_NE(one, digest(2));
}

}  // namespace
}  // namespace skidpad::runtime::sim
