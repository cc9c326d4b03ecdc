/// @file socket_listener.hpp
/// Listening TCP sockets, with TLS handshakes beside accept.
#pragma once

#include "harness/runtime/real/event_loop.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

/// Errors: already_exists (address in use), invalid (address, TLS texts), io.
Result<std::unique_ptr<Listener>> listen_on_socket(Runtime& runtime, EventLoop& loop, ListenOptions options);

}  // namespace skidpad::runtime
