/// @file sim_tls.hpp
/// What a TLS handshake decides, on the simulator's readable certificates.
#pragma once

#include "harness/runtime/network.hpp"

namespace skidpad::runtime::sim {

struct HandshakeOutcome {
  PeerIdentity server;  ///< as the client sees it
  PeerIdentity client;  ///< as the server sees it
};

/// @param host  what the client dialled, checked against the certificate unless a server name is given.
Result<HandshakeOutcome> sim_handshake(const std::optional<TlsClientOptions>& client, const std::optional<TlsServerOptions>& server,
                                       const std::string& host, WallTime now);

}  // namespace skidpad::runtime::sim
