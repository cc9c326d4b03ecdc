/// @file upgrade.hpp
/// From HTTP/1.1 to another protocol on the same connection, and bytes carried between two connections.
#pragma once

#include "harness/runtime/http/http_server.hpp"

namespace skidpad::runtime {

/// Whether a request asks for any other protocol.
bool is_upgrade_request(const HttpRequest& request);
/// Writes 101 Switching Protocols with these headers. The connection lives no longer than the handler.
Task<Result<std::unique_ptr<Connection>>> switch_protocols(HttpResponder& responder, HttpHeaders headers, std::string& already_read);
/// Copies both ways. With `half_closing` each direction ends by itself, as TCP's do; else the first end ends both.
Task<void> carry(Connection& one, Connection& other, bool half_closing);

}  // namespace skidpad::runtime
