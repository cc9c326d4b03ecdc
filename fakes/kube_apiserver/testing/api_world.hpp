/// @file api_world.hpp
/// A simulated world for tests: one API server over the model of etcd, and a client machine on which a test's coroutine runs.
/// Tokens: "admintoken" (system:masters) and "bobtoken" (user bob, group devs, no rights). Clients' certificates are asked for.
#pragma once

#include "fakes/etcd/etcd.hpp"
#include "fakes/kube_apiserver/kube_apiserver.hpp"
#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::kube_apiserver::testing {

using runtime::Task;

class ApiWorld {
 public:
  using Body = std::function<Task<void>(runtime::Runtime&)>;

  explicit ApiWorld(std::uint64_t seed = 11, std::vector<std::string> more_flags = {}, const std::map<std::string, std::string>& more_files = {}) : world(options(seed)) {
    current = this;
    world.register_program("etcd", etcd::etcd_main);
    world.register_program("kube-apiserver", kube_apiserver_main);
    world.register_program("client", client_main);
    add_machine("server", server_address);
    add_machine("client", "10.0.0.2");
    pki = runtime::sim::make_sim_pki([this] { return world.wall_now(); }, runtime::Random(7));
    client_ca = pki->make_ca("client-ca", std::chrono::hours(24 * 365)).value();
    write("/ca.crt", client_ca.certificate_pem);
    write("/sa.key", pki->make_signing_key().value().key_pem);
    write("/tokens.csv", "admintoken,admin,uid-admin,\"system:masters\"\nbobtoken,bob,uid-bob,\"devs\"\n");
    for (const auto& [path, text] : more_files) write(path, text);
    start("server", "etcd",
          {"--name=m", "--data-dir=/var/lib/etcd", "--listen-client-urls=http://10.0.0.1:2379", "--advertise-client-urls=http://10.0.0.1:2379",
           "--listen-peer-urls=http://10.0.0.1:2380", "--initial-advertise-peer-urls=http://10.0.0.1:2380", "--initial-cluster=m=http://10.0.0.1:2380"});
    std::vector<std::string> flags = {"--etcd-servers=http://10.0.0.1:2379", "--token-auth-file=/tokens.csv", "--service-account-key-file=/sa.key",
                                      "--service-account-signing-key-file=/sa.key", "--service-account-issuer=https://kubernetes.default.svc",
                                      "--authorization-mode=Node,RBAC", "--secure-port=6443", "--bind-address=10.0.0.1", "--client-ca-file=/ca.crt",
                                      "--service-cluster-ip-range=10.96.0.0/16"};
    flags.insert(flags.end(), more_flags.begin(), more_flags.end());
    start("server", "kube-apiserver", std::move(flags));
  }

  static runtime::Endpoint api() { return {server_address, 6443}; }
  static runtime::Endpoint etcd_endpoint() { return {server_address, 2379}; }
  static runtime::TlsClientOptions tls() {
    runtime::TlsClientOptions tls;
    tls.insecure = true;
    return tls;
  }
  static runtime::HttpClientOptions http_options() {
    runtime::HttpClientOptions options;
    options.servers.push_back(api());
    options.tls = tls();
    options.request_timeout = std::chrono::seconds(60);
    return options;
  }

  /// Runs the body once the server is ready. False if it has not ended within the limit of virtual time.
  bool run(Body body, runtime::Duration limit = std::chrono::hours(1)) {
    body_ = std::move(body);
    finished_ = false;
    start("client", "client", {});
    world.run_until(world.now() + limit, [this] { return finished_; });
    return finished_;
  }

  runtime::sim::World world;
  std::unique_ptr<runtime::Pki> pki;
  runtime::KeyPair client_ca;

 private:
  static constexpr const char* server_address = "10.0.0.1";
  static runtime::sim::WorldOptions options(std::uint64_t seed) {
    runtime::sim::WorldOptions options;
    options.seed = seed;
    return options;
  }
  void add_machine(std::string name, std::string address) {
    runtime::sim::MachineSpec spec;
    spec.name = std::move(name);
    spec.address = std::move(address);
    world.add_machine(spec);
  }
  void write(const std::string& path, const std::string& text) {
    const auto written = static_cast<runtime::Disk&>(world.machine("server")->disk()).write(path, text);
    ASSERT(written.has_value());
  }
  void start(const std::string& machine, const std::string& program, std::vector<std::string> arguments) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    const auto started = world.machine(machine)->start(std::move(spec));
    ASSERT(started.has_value());
  }
  static Task<int> client_main(runtime::Runtime& runtime, std::vector<std::string>) { return current->serve(runtime); }
  Task<int> serve(runtime::Runtime& runtime) {
    runtime::HttpClient http(runtime, http_options());
    for (;;) {
      runtime::HttpRequest ready;
      ready.target = "/readyz";
      ready.headers.add("Authorization", "Bearer admintoken");
      auto answer = co_await http.request(std::move(ready));
      if (answer && answer.value().status == 200) break;
      co_await runtime.sleep_for(std::chrono::milliseconds(200));
    }
    co_await body_(runtime);
    finished_ = true;
    co_return 0;
  }

  inline static ApiWorld* current = nullptr;
  Body body_;
  bool finished_ = false;
};

}  // namespace skidpad::fakes::kube_apiserver::testing
