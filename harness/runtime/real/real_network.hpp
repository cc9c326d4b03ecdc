/// @file real_network.hpp
/// Network over this machine's sockets.
/// Promise: a slow or silent client holds up nobody (TLS handshakes run beside accept, bounded in time and number); a peer that
/// vanished is noticed after about 30 s of silence; every failure of connect() is `refused`, since nothing happened there.
/// Addresses: own_address() is $SKIDPAD_NODE_ADDRESS, or the first address that is not loopback. Further local addresses go to
/// the loopback device, but only where $SKIDPAD_NODE_NETWORK is "own", so that no run ever changes the network of its host.
#pragma once

#include "harness/runtime/real/event_loop.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

class RealNetwork final : public Network {
 public:
  RealNetwork(Runtime& runtime, EventLoop& loop) : runtime_(runtime), loop_(loop) {}

  Task<Result<std::unique_ptr<Connection>>> connect(ConnectOptions options) override;
  Result<std::unique_ptr<Listener>> listen(ListenOptions options) override;
  Result<std::unique_ptr<DatagramSocket>> open_datagram(Endpoint at) override;
  Task<Result<std::vector<std::string>>> resolve(std::string host) override;
  std::string own_address() const override;
  Result<void> add_local_address(const std::string& address) override;
  Result<void> remove_local_address(const std::string& address) override;

 private:
  Task<Result<std::unique_ptr<Connection>>> connect_within_time(ConnectOptions options);
  Task<Result<std::unique_ptr<Connection>>> connect_to_address(Endpoint to, std::optional<TlsClientOptions> tls);
  Result<void> may_change_addresses(const std::string& address) const;

  Runtime& runtime_;
  EventLoop& loop_;
};

/// A Connection over one end of a connected stream socket that was made elsewhere (a socket pair, an inherited descriptor).
std::unique_ptr<Connection> connection_over(EventLoop& loop, int socket);

}  // namespace skidpad::runtime
