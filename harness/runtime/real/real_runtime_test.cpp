// The real runtime on loopback: sockets, TLS, disk. Processes: real_processes_test.cpp.
#include "harness/runtime/real/real_runtime.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

namespace skidpad::runtime {
namespace {

RealRuntimeOptions quiet() {
  RealRuntimeOptions options;
  options.seed = 1;
  options.log_level = LogLevel::error;
  return options;
}

Task<void> echo(std::unique_ptr<Connection> connection) {
  for (;;) {
    auto bytes = co_await connection->read_some();
    if (!bytes || bytes.value().empty()) co_return;
    auto written = co_await connection->write(std::move(bytes).value());
    if (!written) co_return;
  }
}

/// Accepts and echoes until killed; keeps who came.
struct EchoServer {
  EchoServer(Runtime& runtime, ListenOptions options) : listener(runtime.network().listen(std::move(options)).value()), tasks(runtime.stop()) {
    tasks.spawn("accept", accept());
  }
  Task<void> accept() {
    for (;;) {
      auto connection = co_await listener->accept();
      if (!connection) co_return;
      peers.push_back(connection.value()->peer());
      tasks.spawn("echo", echo(std::move(connection).value()));
    }
  }
  std::unique_ptr<Listener> listener;
  std::vector<PeerIdentity> peers;
  TaskGroup tasks;
};

Task<void> write_all(Connection* connection, std::string bytes) { (void)co_await connection->write(std::move(bytes)); }

Task<Result<std::string>> send_and_receive(Runtime& runtime, ConnectOptions options, std::string bytes) {
  CO_TRY(auto connection, co_await runtime.network().connect(std::move(options)));
  // Beside the reads: an echo of more than the buffers hold would block both sides for ever.
  TaskGroup writing(runtime.stop());
  const std::size_t size = bytes.size();
  writing.spawn("write", write_all(connection.get(), std::move(bytes)));
  std::string received;
  while (received.size() < size) {
    CO_TRY(const std::string some, co_await connection->read_some());
    if (some.empty()) co_return Error(ErrorCode::connection_lost, "ended after " + std::to_string(received.size()));
    received += some;
  }
  co_return received;
}

class RealNetworkTest : public ::testing::Test {
 protected:
  ListenOptions anywhere() const {
    ListenOptions options;
    options.at.address = "127.0.0.1";
    return options;
  }
  ConnectOptions to(const EchoServer& server) const {
    ConnectOptions options;
    options.to = server.listener->local();
    options.timeout = 30s;
    return options;
  }
  KeyPair issue(const KeyPair& authority, std::string name, std::vector<std::string> organizations = {}) {
    CertificateSpec spec;
    spec.common_name = std::move(name);
    spec.organizations = std::move(organizations);
    spec.ip_addresses = {"127.0.0.1"};
    spec.dns_names = {"localhost"};
    spec.client = spec.server = true;
    return runtime.pki().issue(authority, spec).value();
  }
  ListenOptions with_tls(bool client_certificate_required) {
    const KeyPair pair = issue(authority, "server");
    ListenOptions options = anywhere();
    options.tls.emplace();
    options.tls->certificate_pem = pair.certificate_pem;
    options.tls->key_pem = pair.key_pem;
    options.tls->client_ca_pem = authority.certificate_pem;
    options.tls->client_certificate_required = client_certificate_required;
    return options;
  }
  TlsClientOptions trusting(const KeyPair& trusted) const {
    TlsClientOptions tls;
    tls.ca_pem = trusted.certificate_pem;
    return tls;
  }
  TlsClientOptions showing(const KeyPair& pair) const {
    TlsClientOptions tls = trusting(authority);
    tls.certificate_pem = pair.certificate_pem;
    tls.key_pem = pair.key_pem;
    return tls;
  }
  Result<std::string> talk(const ConnectOptions& options, std::string bytes = "hello") {
    return runtime.run_until_complete(send_and_receive(runtime, options, std::move(bytes)));
  }

  RealRuntime runtime{quiet()};
  KeyPair authority = runtime.pki().make_ca("test-ca", 24h).value();
};

TEST_F(RealNetworkTest, EchoesOverTcp) {
  EchoServer server(runtime, anywhere());
  EXPECT_EQ(talk(to(server)).value(), "hello");
  // More than fits into the socket's buffers at once.
  const std::string large(8 << 20, 'x');
  EXPECT_EQ(talk(to(server), large).value(), large);
}

TEST_F(RealNetworkTest, EchoesOverTlsAndReadsTheClientsIdentity) {
  EchoServer server(runtime, with_tls(true));
  ConnectOptions options = to(server);
  options.tls = showing(issue(authority, "system:node:a", {"system:nodes", "system:masters"}));
  const std::string large(3 << 20, 'x');
  EXPECT_EQ(talk(options, large).value(), large);
  ASSERT_EQ(server.peers.size(), 1u);
  EXPECT_TRUE(server.peers[0].verified);
  EXPECT_EQ(server.peers[0].common_name, "system:node:a");
  EXPECT_EQ(server.peers[0].organizations, (std::vector<std::string>{"system:nodes", "system:masters"}));
}

TEST_F(RealNetworkTest, RefusesAServerOfAnotherAuthority) {
  EchoServer server(runtime, with_tls(false));
  ConnectOptions options = to(server);
  options.tls = trusting(runtime.pki().make_ca("another-ca", 24h).value());
  const auto result = talk(options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::refused);
  EXPECT_NE(result.error().message.find("failed to verify certificate"), std::string::npos) << result.error().message;
  options.tls->insecure = true;
  EXPECT_EQ(talk(options).value(), "hello");
}

TEST_F(RealNetworkTest, RefusesAServerOfAnotherName) {
  EchoServer server(runtime, with_tls(false));
  ConnectOptions options = to(server);
  options.tls = trusting(authority);
  options.tls->server_name = "kubernetes.default.svc";
  EXPECT_EQ(talk(options).error().code, ErrorCode::refused);
  options.tls->server_name = "localhost";
  EXPECT_EQ(talk(options).value(), "hello");
}

TEST_F(RealNetworkTest, WithoutARequiredCertificateNothingIsAccepted) {
  EchoServer server(runtime, with_tls(true));
  ConnectOptions options = to(server);
  options.tls = trusting(authority);
  EXPECT_FALSE(talk(options));
  options.tls = showing(issue(runtime.pki().make_ca("another-ca", 24h).value(), "impostor"));
  EXPECT_FALSE(talk(options));
  EXPECT_TRUE(server.peers.empty());
}

TEST_F(RealNetworkTest, OptionalCertificatesAreReadButNeverTrustedUnverified) {
  EchoServer server(runtime, with_tls(false));
  ConnectOptions options = to(server);
  options.tls = trusting(authority);
  EXPECT_EQ(talk(options).value(), "hello");
  options.tls = showing(issue(runtime.pki().make_ca("another-ca", 24h).value(), "impostor"));
  EXPECT_EQ(talk(options).value(), "hello");
  ASSERT_EQ(server.peers.size(), 2u);
  for (const PeerIdentity& peer : server.peers) {
    EXPECT_FALSE(peer.verified);
    EXPECT_EQ(peer.common_name, "");
  }
}

TEST_F(RealNetworkTest, AReplacedCertificateCountsFromTheNextHandshakeOn) {
  EchoServer server(runtime, with_tls(false));
  const KeyPair next_authority = runtime.pki().make_ca("test-ca", 24h).value();
  const KeyPair next = issue(next_authority, "server");
  ConnectOptions options = to(server);
  options.tls = trusting(next_authority);
  EXPECT_FALSE(talk(options));
  TlsServerOptions broken;
  server.listener->replace_tls(broken);  // kept as it was
  TlsServerOptions rotated;
  rotated.certificate_pem = next.certificate_pem;
  rotated.key_pem = next.key_pem;
  server.listener->replace_tls(rotated);
  EXPECT_EQ(talk(options).value(), "hello");
}

TEST_F(RealNetworkTest, ASilentClientHoldsUpNobody) {
  EchoServer server(runtime, with_tls(false));
  // Goal: handshakes run beside accept. Method: plain connections that never speak, opened before one that does.
  struct Silent {
    static Task<std::vector<std::unique_ptr<Connection>>> open(Runtime& runtime, ConnectOptions options) {
      std::vector<std::unique_ptr<Connection>> connections;
      for (int i = 0; i < 20; ++i) {
        auto connection = co_await runtime.network().connect(options);
        connections.push_back(std::move(connection).value());
      }
      co_return connections;
    }
  };
  const auto silent = runtime.run_until_complete(Silent::open(runtime, to(server)));
  ConnectOptions options = to(server);
  options.tls = trusting(authority);
  EXPECT_EQ(talk(options).value(), "hello");
}

TEST_F(RealNetworkTest, ServesTwoHundredClientsAtOnce) {
  EchoServer server(runtime, with_tls(true));
  ConnectOptions options = to(server);
  options.tls = showing(issue(authority, "client"));
  struct Clients {
    static Task<void> one(Runtime& runtime, ConnectOptions options, std::size_t* good) {
      auto result = co_await send_and_receive(runtime, std::move(options), std::string(10000, 'y'));
      if (result) ++*good;
    }
    static Task<std::size_t> all(Runtime& runtime, ConnectOptions options) {
      std::size_t good = 0;
      TaskGroup group(runtime.stop());
      for (int i = 0; i < 200; ++i) group.spawn("client", one(runtime, options, &good));
      co_await group.join();
      co_return good;
    }
  };
  EXPECT_EQ(runtime.run_until_complete(Clients::all(runtime, options)), 200u);
  EXPECT_EQ(server.peers.size(), 200u);
}

TEST_F(RealNetworkTest, AClosedPortRefuses) {
  ConnectOptions options;
  {
    EchoServer server(runtime, anywhere());
    options = to(server);
  }
  const auto result = talk(options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::refused);
  EXPECT_EQ(result.error().message, "dial tcp " + to_text(options.to) + ": connect: connection refused");
}

TEST_F(RealNetworkTest, ConnectGivesUpInTimeAndSaysThatNothingHappened) {
  // A plain server that never answers the TLS hello.
  EchoServer server(runtime, anywhere());
  server.tasks.kill();
  ConnectOptions options = to(server);
  options.tls = trusting(authority);
  options.timeout = 30ms;
  const auto result = talk(options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::refused);
  EXPECT_NE(result.error().message.find("i/o timeout"), std::string::npos) << result.error().message;
}

TEST_F(RealNetworkTest, AnAddressInUseIsSaidToBe) {
  EchoServer server(runtime, anywhere());
  ListenOptions options = anywhere();
  options.at = server.listener->local();
  const auto second = runtime.network().listen(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::already_exists);
  EXPECT_EQ(second.error().message, "listen tcp " + to_text(options.at) + ": bind: address already in use");
}

TEST_F(RealNetworkTest, HalfClosedConnectionsStillReceive) {
  EchoServer server(runtime, with_tls(false));
  ConnectOptions options = to(server);
  options.tls = trusting(authority);
  struct Half {
    static Task<std::string> run(Runtime& runtime, ConnectOptions options) {
      auto connection = co_await runtime.network().connect(std::move(options));
      auto written = co_await connection.value()->write("last words");
      connection.value()->shutdown_write();
      std::string received;
      for (;;) {
        auto some = co_await connection.value()->read_some();
        if (!some || some.value().empty()) co_return received;
        received += some.value();
      }
    }
  };
  EXPECT_EQ(runtime.run_until_complete(Half::run(runtime, options)), "last words");
}

TEST_F(RealNetworkTest, ClosingWakesAPendingReadAndDestroyingIsSafe) {
  EchoServer server(runtime, anywhere());
  struct Closing {
    static Task<void> read(Connection* connection, std::optional<ErrorCode>* seen) {
      auto some = co_await connection->read_some();
      if (!some) *seen = some.error().code;
    }
    static Task<std::optional<ErrorCode>> run(Runtime& runtime, ConnectOptions options) {
      auto connection = co_await runtime.network().connect(std::move(options));
      std::optional<ErrorCode> seen;
      TaskGroup group(runtime.stop());
      group.spawn("read", read(connection.value().get(), &seen));
      connection.value()->close();
      connection = Error(ErrorCode::io, "gone");  // destroyed while the read has not yet run
      co_await group.join();
      co_return seen;
    }
  };
  EXPECT_EQ(runtime.run_until_complete(Closing::run(runtime, to(server))), ErrorCode::connection_lost);
}

TEST_F(RealNetworkTest, AStoppedReadThrowsCancelledAndTheConnectionStaysUsable) {
  EchoServer server(runtime, anywhere());
  struct Stopping {
    static Task<std::string> run(Runtime& runtime, ConnectOptions options) {
      auto connection = co_await runtime.network().connect(std::move(options));
      auto reading = connection.value()->read_some();
      auto nothing = co_await with_timeout<std::string>(runtime, 10ms, std::move(reading));
      EXPECT_EQ(nothing.error().code, ErrorCode::timeout);
      auto written = co_await connection.value()->write("again");
      auto some = co_await connection.value()->read_some();
      co_return std::move(some).value();
    }
  };
  EXPECT_EQ(runtime.run_until_complete(Stopping::run(runtime, to(server))), "again");
}

TEST_F(RealNetworkTest, DatagramsArriveWithTheirSender) {
  Endpoint any;
  any.address = "127.0.0.1";
  auto first = runtime.network().open_datagram(any).value();
  auto second = runtime.network().open_datagram(any).value();
  ASSERT_TRUE(first->send_to(second->local(), "ping"));
  const auto received = runtime.run_until_complete(second->receive());
  EXPECT_EQ(received.value().bytes, "ping");
  EXPECT_EQ(received.value().from, first->local());
}

TEST_F(RealNetworkTest, LoopbackAddressesNeedNothingAndOthersAreLeftAlone) {
  EXPECT_TRUE(runtime.network().add_local_address("127.9.8.7"));
  EXPECT_EQ(runtime.network().add_local_address("10.96.0.1").error().code, ErrorCode::unsupported);
  EXPECT_EQ(runtime.network().add_local_address("localhost").error().code, ErrorCode::invalid);
}

TEST_F(RealNetworkTest, ConnectResolvesNames) {
  EchoServer server(runtime, anywhere());
  ConnectOptions options = to(server);
  options.to.address = "localhost";
  EXPECT_EQ(talk(options).value(), "hello");
}

TEST(RealRuntime, FiresTimersInOrderAndStops) {
  RealRuntime runtime(quiet());
  struct Sleeping {
    static Task<void> after(Runtime& runtime, Duration duration, char letter, std::string* order) {
      co_await runtime.sleep_for(duration);
      *order += letter;
    }
    static Task<std::string> run(Runtime& runtime) {
      std::string order;
      TaskGroup group(runtime.stop());
      group.spawn("c", after(runtime, 6ms, 'c', &order));
      group.spawn("a", after(runtime, 1ms, 'a', &order));
      group.spawn("b", after(runtime, 3ms, 'b', &order));
      group.spawn("never", after(runtime, 1h, 'z', &order));
      co_await runtime.sleep_for(20ms);
      co_await group.stop_and_join();
      co_return order;
    }
  };
  const Instant before = runtime.now();
  EXPECT_EQ(runtime.run_until_complete(Sleeping::run(runtime)), "abc");
  EXPECT_GE(runtime.now() - before, 20ms);
}

TEST(RealRuntime, RethrowsAndReportsCancellation) {
  RealRuntime runtime(quiet());
  struct Failing {
    static Task<int> now() {
      co_await Yield();
      throw std::runtime_error("as asked");
    }
    static Task<int> sleep(Runtime& runtime) {
      co_await runtime.sleep_for(1h);
      co_return 1;
    }
  };
  EXPECT_THROW(runtime.run_until_complete(Failing::now()), std::runtime_error);
  runtime.stop().request_stop();
  EXPECT_THROW(runtime.run_until_complete(Failing::sleep(runtime)), Cancelled);
}

TEST(RealRuntime, DrawsTheSameFromTheSameSeed) {
  RealRuntime first(quiet());
  RealRuntime second(quiet());
  EXPECT_EQ(first.random().uuid(), second.random().uuid());
}

}  // namespace
}  // namespace skidpad::runtime
