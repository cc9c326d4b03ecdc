/// @file network.hpp
/// Connections between programs: byte streams with TLS identity, and datagrams.
/// In the real world these are sockets; in the simulator they cross seeded links that delay, lose and cut.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/runtime/result.hpp"
#include "harness/runtime/task.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::runtime {

/// An IPv4 address and port. Port 0 on listen: any free one.
struct Endpoint {
  std::string address;  ///< dotted quad, or "" for all addresses of the machine
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};
std::string to_text(const Endpoint& endpoint);
/// Reads "10.0.0.1:6443" or ":6443".
Result<Endpoint> parse_endpoint(std::string_view text);
/// True for a dotted quad.
bool is_ipv4(std::string_view text);

/// Who the certificate of the other side says it is; empty where it showed none.
struct PeerIdentity {
  bool verified = false;                   ///< a certificate was shown and the trusted CA signed it
  std::string common_name;                 ///< Kubernetes: user name
  std::vector<std::string> organizations;  ///< Kubernetes: groups
};

/// PEM texts, not paths. An empty certificate means none is shown.
struct TlsClientOptions {
  std::string ca_pem;           ///< trusted to sign servers; empty: see insecure
  std::string certificate_pem;  ///< leaf first, then chain
  std::string key_pem;
  std::string server_name;      ///< expected name; empty: the address or host name dialled
  bool insecure = false;        ///< accept any server
};
struct TlsServerOptions {
  std::string certificate_pem;
  std::string key_pem;
  std::string client_ca_pem;            ///< empty: clients' certificates are not asked for
  bool client_certificate_required = false;
};

class Connection {
 public:
  /// Closes. Both ways at once; what was written before still arrives unless the link is cut.
  virtual ~Connection() = default;
  /// At least one byte, or "" when the other side closed. One read at a time.
  virtual Task<Result<std::string>> read_some(std::size_t bytes_max = 65536) = 0;
  /// All bytes, in order; returns when they are handed over, not when they have arrived. One write at a time.
  virtual Task<Result<void>> write(std::string bytes) = 0;
  /// Idempotent; wakes a pending read and write with connection_lost.
  virtual void close() = 0;
  /// Ends our direction only; the other side reads "".
  virtual void shutdown_write() = 0;
  virtual const PeerIdentity& peer() const = 0;
  virtual Endpoint local() const = 0;
  virtual Endpoint remote() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;
  /// The next connection; a client that fails its TLS handshake is skipped.
  virtual Task<Result<std::unique_ptr<Connection>>> accept() = 0;
  virtual Endpoint local() const = 0;
  virtual void close() = 0;
  /// New handshakes use this certificate from now on (rotation).
  virtual void replace_tls(TlsServerOptions tls) = 0;
};

struct Datagram {
  Endpoint from;
  std::string bytes;
};
class DatagramSocket {
 public:
  virtual ~DatagramSocket() = default;
  virtual Task<Result<Datagram>> receive() = 0;
  virtual Result<void> send_to(Endpoint to, std::string bytes) = 0;
  virtual Endpoint local() const = 0;
};

struct ConnectOptions {
  Endpoint to;                          ///< address may be a host name: then it is resolved first
  std::optional<TlsClientOptions> tls;
  Duration timeout = std::chrono::seconds(10);
};
struct ListenOptions {
  Endpoint at;
  std::optional<TlsServerOptions> tls;
};

class Network {
 public:
  virtual ~Network() = default;
  virtual Task<Result<std::unique_ptr<Connection>>> connect(ConnectOptions options) = 0;
  virtual Result<std::unique_ptr<Listener>> listen(ListenOptions options) = 0;
  virtual Result<std::unique_ptr<DatagramSocket>> open_datagram(Endpoint at) = 0;
  /// IPv4 addresses of a name: /etc/hosts-like names, then the machine's DNS server.
  virtual Task<Result<std::vector<std::string>>> resolve(std::string host) = 0;
  /// The machine's own address on the cluster's network.
  virtual std::string own_address() const = 0;
  /// Gives the machine a further address that only it answers to (a Service's cluster IP on the loopback device).
  virtual Result<void> add_local_address(const std::string& address) = 0;
  virtual Result<void> remove_local_address(const std::string& address) = 0;
};

}  // namespace skidpad::runtime
