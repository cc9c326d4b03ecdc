/// @file socket.hpp
/// What real_network.cpp and its listeners share: stream sockets as Connections, and addresses in the kernel's form.
#pragma once

#include <netinet/in.h>

#include "harness/runtime/network.hpp"
#include "harness/runtime/real/event_loop.hpp"
#include "harness/runtime/real/tls.hpp"

namespace skidpad::runtime {

/// Errors: invalid, if the address is neither empty nor a dotted quad.
Result<sockaddr_in> socket_address(const Endpoint& endpoint);
Endpoint endpoint_of(const sockaddr_in& address);
Endpoint local_endpoint(int socket);
/// "connect: connection refused", as Go words it.
std::string failed_call(std::string_view call, int error_number);

/// The state of one stream, shared by its Connection and the reads and writes under way.
struct Stream {
  explicit Stream(std::shared_ptr<Descriptor> descriptor) : descriptor(std::move(descriptor)) {}
  Stream(const Stream&) = delete;
  ~Stream() { close(); }
  /// Once connected.
  void learn_endpoints();
  void close();
  Error lost(std::string_view doing, std::string_view why) const;

  std::shared_ptr<Descriptor> descriptor;
  std::optional<TlsSession> tls;
  PeerIdentity peer;
  Endpoint local;
  Endpoint remote;
};
using StreamPointer = std::shared_ptr<Stream>;

/// Sets what every TCP connection here has: no delay, keepalive, an end to unanswered sending.
void set_stream_options(int socket);
/// Runs the TLS handshake and takes down who the other side is. Errors: refused.
Task<Result<void>> run_handshake(StreamPointer stream);
std::unique_ptr<Connection> make_connection(StreamPointer stream);

}  // namespace skidpad::runtime
