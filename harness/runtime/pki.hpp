/// @file pki.hpp
/// Keys, certificates and tokens. Real ones by OpenSSL (ECDSA P-256); in the simulator readable stand-ins with the same rules.
#pragma once

#include <string>
#include <vector>

#include "harness/runtime/result.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::runtime {

struct KeyPair {
  std::string certificate_pem;
  std::string key_pem;
};

struct CertificateSpec {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  bool client = false;  ///< extended key usage clientAuth
  bool server = false;  ///< extended key usage serverAuth
  Duration lifetime = std::chrono::hours(24 * 365);
};

struct CertificateFacts {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  WallTime not_before;
  WallTime not_after;
  bool is_ca = false;
};

class Pki {
 public:
  virtual ~Pki() = default;
  virtual Result<KeyPair> make_ca(std::string common_name, Duration lifetime) = 0;
  virtual Result<KeyPair> issue(const KeyPair& ca, const CertificateSpec& spec) = 0;
  /// PEM "CERTIFICATE REQUEST" and its key (certificate_pem holds the request).
  virtual Result<KeyPair> make_request(const CertificateSpec& spec) = 0;
  /// Signs a request; names are taken from it, usages and lifetime from `spec`.
  virtual Result<std::string> sign_request(const KeyPair& ca, const std::string& request_pem, const CertificateSpec& spec) = 0;
  virtual Result<CertificateFacts> read_request(const std::string& request_pem) = 0;
  virtual Result<CertificateFacts> read_certificate(const std::string& certificate_pem) = 0;
  /// A key for service-account tokens: private PEM in key_pem, public PEM in certificate_pem.
  virtual Result<KeyPair> make_signing_key() = 0;
  /// JWT (ES256, or RS256 when the key is RSA) over compact JSON claims; kid as Kubernetes computes it.
  virtual Result<std::string> sign_jwt(const std::string& private_key_pem, const std::string& claims_json) = 0;
  /// The claims, if one of the keys (private or public PEM) signed the token.
  virtual Result<std::string> verify_jwt(const std::vector<std::string>& key_pems, const std::string& token) = 0;
};

}  // namespace skidpad::runtime
