/// @file tls.hpp
/// TLS 1.2 and 1.3 by OpenSSL over a non-blocking descriptor: contexts made from PEM texts, handshake, read and write attempts.
/// Promise: no session outlives a connection (no tickets), so a rotated or withdrawn certificate counts from the next handshake on.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "harness/runtime/network.hpp"

using SSL_CTX = struct ssl_ctx_st;
using SSL = struct ssl_st;

namespace skidpad::runtime {

using TlsContext = std::shared_ptr<SSL_CTX>;

/// Contexts are expensive (parsing, key checks): the last ones made are kept by their options. Errors: invalid.
Result<TlsContext> client_context(const TlsClientOptions& options);
Result<TlsContext> server_context(const TlsServerOptions& options);

/// What a TLS operation needs before it can go on.
enum class TlsStep { done, wants_read, wants_write, closed, failed };

/// One TLS connection's state. The descriptor belongs to the caller and must be open while it is used.
class TlsSession {
 public:
  static Result<TlsSession> for_client(const TlsContext& context, int descriptor, const std::string& server_name);
  static Result<TlsSession> for_server(const TlsContext& context, int descriptor);
  TlsSession(TlsSession&&) noexcept;
  ~TlsSession();

  TlsStep handshake();
  /// Appends up to bytes_max bytes to `into`.
  TlsStep read(std::string& into, std::size_t bytes_max);
  TlsStep write(std::string_view bytes, std::size_t& written);
  /// Says to the other side that nothing more comes, if that is possible without waiting.
  void send_close();
  /// Why the last step failed.
  const std::string& failure() const { return failure_; }
  /// After the handshake.
  PeerIdentity peer() const;

 private:
  explicit TlsSession(SSL* ssl);
  TlsStep step_after(int result);
  struct Free {
    void operator()(SSL* ssl) const;
  };
  std::unique_ptr<SSL, Free> ssl_;
  std::string failure_;
  bool broken_ = false;
};

}  // namespace skidpad::runtime
