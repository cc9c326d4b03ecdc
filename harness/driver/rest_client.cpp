// cpprest 2.10 still names io_service, which the rest of this program does without.
#undef BOOST_ASIO_NO_DEPRECATED

#include "harness/driver/rest_client.hpp"

#include <cpprest/http_client.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

namespace skidpad::driver {
namespace {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPointer = std::unique_ptr<BIO, BioFree>;

BioPointer memory(const std::string& pem) { return BioPointer(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

/// Trusts the kubeconfig's CA alone and shows its certificate.
void apply_credentials(SSL_CTX* context, const client::Kubeconfig& config) {
  if (const BioPointer bio = memory(config.ca_pem)) {
    while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
      X509_free(certificate);
    }
  }
  if (config.certificate_pem.empty()) return;
  const BioPointer certificate_bio = memory(config.certificate_pem);
  if (X509* certificate = PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr)) {
    SSL_CTX_use_certificate(context, certificate);
    X509_free(certificate);
  }
  const BioPointer key_bio = memory(config.key_pem);
  if (EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr)) {
    SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
  }
}

ErrorCode code_of(int status) {
  switch (status) {
    case 401: return ErrorCode::unauthorized;
    case 403: return ErrorCode::forbidden;
    case 404: return ErrorCode::not_found;
    default: return ErrorCode::unavailable;
  }
}

/// One pool thread is cpprest's quickest setting; its default is forty.
void start_pool_once() {
  static const bool started = [] {
    crossplat::threadpool::initialize_with_threads(1);
    return true;
  }();
  (void)started;
}

}  // namespace

Result<Json> rest_get(const client::Kubeconfig& config, const std::string& path, std::chrono::milliseconds timeout) {
  if (config.servers.empty()) return Error(ErrorCode::invalid, "the kubeconfig names no server");
  start_pool_once();
  const std::string doing = "GET " + config.servers.front() + path;
  web::http::client::http_client_config options;
  options.set_timeout(timeout);
  options.set_validate_certificates(!config.insecure);
  options.set_ssl_context_callback([&config](boost::asio::ssl::context& context) { apply_credentials(context.native_handle(), config); });
  try {
    web::http::client::http_client client(config.servers.front(), options);
    web::http::http_request request(web::http::methods::GET);
    request.set_request_uri(path);
    request.headers().add("Accept", "application/json");
    if (!config.token.empty()) request.headers().add("Authorization", "Bearer " + config.token);
    const web::http::http_response response = client.request(request).get();
    const std::string body = response.extract_utf8string(true).get();
    const int status = response.status_code();
    if (status != 200) return Error(code_of(status), doing + ": answered " + std::to_string(status), status, "");
    auto parsed = runtime::parse_json(body);
    if (!parsed) return Error(ErrorCode::corrupt, doing + ": " + parsed.error().message);
    return parsed;
  } catch (const web::http::http_exception& failure) {
    const bool late = failure.error_code() == std::errc::timed_out;
    return Error(late ? ErrorCode::timeout : ErrorCode::refused, doing + ": " + failure.what());
  } catch (const std::exception& failure) {
    return Error(ErrorCode::refused, doing + ": " + failure.what());
  }
}

}  // namespace skidpad::driver
