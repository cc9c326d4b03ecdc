#include "harness/runtime/real/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <list>

#include "harness/runtime/real/openssl.hpp"

namespace skidpad::runtime {
namespace {

constexpr std::size_t contexts_kept_max = 64;
constexpr std::string_view alpn_http = "\x08http/1.1";

/// An index on SSL objects: set when the client's certificate was shown but not trusted.
int distrusted_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// Lets a handshake with an untrusted client certificate go on: who that is (nobody) is the application's to answer with 401,
/// as kube-apiserver does (tls.RequestClientCert).
int note_distrust(int trusted, X509_STORE_CTX* store) {
  if (trusted == 1) return 1;
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  static char mark;
  SSL_set_ex_data(ssl, distrusted_index(), &mark);
  return 1;
}

int choose_http(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* found = nullptr;
  const auto* wanted = reinterpret_cast<const unsigned char*>(alpn_http.data());
  if (SSL_select_next_proto(&found, chosen_size, wanted, static_cast<unsigned>(alpn_http.size()), offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

Error broken_input(const std::string& what) { return Error(ErrorCode::invalid, "tls: " + what + ": " + openssl_failure()); }

Result<void> use_certificate(SSL_CTX* context, const std::string& certificate_pem, const std::string& key_pem) {
  if (certificate_pem.empty()) return success();
  TRY(auto chain, read_certificates(certificate_pem));
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) return broken_input("certificate");
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) return broken_input("certificate chain");
  }
  TRY(auto key, read_private_key(key_pem));
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) return broken_input("private key");
  if (SSL_CTX_check_private_key(context) != 1) return broken_input("private key does not match the certificate");
  return success();
}

Result<void> trust(SSL_CTX* context, const std::string& ca_pem, bool announce) {
  TRY(auto authorities, read_certificates(ca_pem));
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& authority : authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) return broken_input("certificate authority");
    if (announce) SSL_CTX_add_client_CA(context, authority.get());
  }
  return success();
}

TlsContext new_context(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method), [](SSL_CTX* old) { SSL_CTX_free(old); });
  ASSERT(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // RELEASE_BUFFERS: an idle watch costs some KiB instead of 34. Read ahead: one read() for a record instead of two.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

Result<TlsContext> make_client_context(const TlsClientOptions& options) {
  TlsContext context = new_context(TLS_client_method());
  TRY(use_certificate(context.get(), options.certificate_pem, options.key_pem));
  if (options.insecure) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  } else {
    if (options.ca_pem.empty()) return Error(ErrorCode::invalid, "tls: no certificate authority to trust, and not insecure");
    TRY(trust(context.get(), options.ca_pem, false));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(alpn_http.data()), static_cast<unsigned>(alpn_http.size()));
  return context;
}

}  // namespace

Result<TlsContext> client_context(const TlsClientOptions& options) {
  struct Kept {
    std::string ca_pem, certificate_pem, key_pem;
    bool insecure;
    TlsContext context;
  };
  // Newest first. One per thread, like everything of an event loop.
  thread_local std::list<Kept> kept;
  for (auto it = kept.begin(); it != kept.end(); ++it) {
    if (it->insecure == options.insecure && it->certificate_pem == options.certificate_pem && it->key_pem == options.key_pem &&
        it->ca_pem == options.ca_pem) {
      kept.splice(kept.begin(), kept, it);
      return kept.front().context;
    }
  }
  TRY(TlsContext context, make_client_context(options));
  kept.push_front(Kept{options.ca_pem, options.certificate_pem, options.key_pem, options.insecure, context});
  if (kept.size() > contexts_kept_max) kept.pop_back();
  return context;
}

Result<TlsContext> server_context(const TlsServerOptions& options) {
  TlsContext context = new_context(TLS_server_method());
  if (options.certificate_pem.empty()) return Error(ErrorCode::invalid, "tls: a server needs a certificate");
  TRY(use_certificate(context.get(), options.certificate_pem, options.key_pem));
  if (!options.client_ca_pem.empty()) {
    TRY(trust(context.get(), options.client_ca_pem, true));
    if (options.client_certificate_required) {
      SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    } else {
      SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, note_distrust);
    }
  }
  SSL_CTX_set_alpn_select_cb(context.get(), choose_http, nullptr);
  return context;
}

void TlsSession::Free::operator()(SSL* ssl) const { SSL_free(ssl); }

TlsSession::TlsSession(SSL* ssl) : ssl_(ssl) { ASSERT(ssl != nullptr); }
TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession::~TlsSession() = default;

Result<TlsSession> TlsSession::for_client(const TlsContext& context, int descriptor, const std::string& server_name) {
  TlsSession session(SSL_new(context.get()));
  SSL* ssl = session.ssl_.get();
  SSL_set_fd(ssl, descriptor);
  SSL_set_connect_state(ssl);
  if (is_ipv4(server_name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name.c_str());
  } else {
    if (server_name.empty() || SSL_set1_host(ssl, server_name.c_str()) != 1) return broken_input("server name " + server_name);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    SSL_set_tlsext_host_name(ssl, server_name.c_str());
  }
  return session;
}

Result<TlsSession> TlsSession::for_server(const TlsContext& context, int descriptor) {
  TlsSession session(SSL_new(context.get()));
  SSL_set_fd(session.ssl_.get(), descriptor);
  SSL_set_accept_state(session.ssl_.get());
  return session;
}

TlsStep TlsSession::step_after(int result) {
  const int system_error = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE: return TlsStep::done;
    case SSL_ERROR_WANT_READ: return TlsStep::wants_read;
    case SSL_ERROR_WANT_WRITE: return TlsStep::wants_write;
    case SSL_ERROR_ZERO_RETURN: return TlsStep::closed;
    case SSL_ERROR_SYSCALL:
      failure_ = system_error != 0 ? std::strerror(system_error) : "EOF";
      break;
    default: {
      const long verified = SSL_get_verify_result(ssl_.get());
      if (!SSL_is_init_finished(ssl_.get()) && verified != X509_V_OK) {
        failure_ = std::string("tls: failed to verify certificate: ") + X509_verify_cert_error_string(verified);
        ERR_clear_error();
      } else {
        failure_ = "tls: " + openssl_failure();
      }
    }
  }
  broken_ = true;
  return TlsStep::failed;
}

TlsStep TlsSession::handshake() {
  ERR_clear_error();
  errno = 0;
  return step_after(SSL_do_handshake(ssl_.get()));
}

TlsStep TlsSession::read(std::string& into, std::size_t bytes_max) {
  if (broken_) return TlsStep::failed;
  // A record holds at most 16 KiB; copied from here, so that a waiting reader owns no buffer.
  thread_local std::array<char, 16384> scratch;
  std::size_t taken = 0;
  for (;;) {
    ERR_clear_error();
    errno = 0;
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), scratch.data(), std::min(scratch.size(), bytes_max - taken), &count);
    if (result != 1) {
      if (taken > 0) return TlsStep::done;  // the next read will say it again
      return step_after(result);
    }
    into.append(scratch.data(), count);
    taken += count;
    if (taken == bytes_max || SSL_has_pending(ssl_.get()) == 0) return TlsStep::done;
  }
}

TlsStep TlsSession::write(std::string_view bytes, std::size_t& written) {
  if (broken_) return TlsStep::failed;
  ERR_clear_error();
  errno = 0;
  written = 0;
  return step_after(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written));
}

void TlsSession::send_close() {
  if (broken_ || !SSL_is_init_finished(ssl_.get())) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

PeerIdentity TlsSession::peer() const {
  PeerIdentity identity;
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return identity;
  if (SSL_get_verify_mode(ssl_.get()) == SSL_VERIFY_NONE) return identity;
  if (SSL_get_ex_data(ssl_.get(), distrusted_index()) != nullptr) {
    identity.organizations = {"untrusted certificate"};  // unverified: only says that something was shown
    return identity;
  }
  identity.verified = SSL_get_verify_result(ssl_.get()) == X509_V_OK;
  if (!identity.verified) return identity;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const auto names = name_entries(subject, NID_commonName);
  if (!names.empty()) identity.common_name = names.back();
  identity.organizations = name_entries(subject, NID_organizationName);
  return identity;
}

}  // namespace skidpad::runtime
