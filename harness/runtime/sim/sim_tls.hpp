/// @file sim_tls.hpp
/// What a TLS handshake decides, on the simulator's readable certificates.
#pragma once

#include "harness/runtime/network.hpp"

namespace skidpad::runtime::sim {

/// A handshake is two records that cross the connection like any bytes, so it also works through a forwarder:
/// 0x16, eight digits of length, JSON. The client says who it is; the server answers with its certificate or an alert.
std::string client_hello(const TlsClientOptions& client);

struct ServerAnswer {
  std::string record;           ///< to send
  std::optional<PeerIdentity> client;  ///< none: the handshake failed, close after sending
};
ServerAnswer answer_hello(const std::string& hello, const TlsServerOptions& server, WallTime now);

/// Whom the server's answer names. connection_lost if it is not to be trusted.
/// @param host  what the client dialled, checked against the certificate unless a server name is given.
Result<PeerIdentity> check_answer(const std::string& answer, const TlsClientOptions& client, const std::string& host, WallTime now);

/// Reads one record. connection_lost if the other side does not speak TLS or sent more than one.
Task<Result<std::string>> read_record(Connection& connection);

}  // namespace skidpad::runtime::sim
