/// @file real_pki.hpp
/// Pki by OpenSSL: ECDSA P-256 keys (PKCS#8), SHA-256 signatures, X.509 v3 as kubeadm and the certificate signer make them.
/// Certificates begin five minutes before now, so that a node whose clock is a little behind takes them at once.
#pragma once

#include <memory>

#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

class RealPki final : public Pki {
 public:
  explicit RealPki(const Runtime& runtime);
  ~RealPki() override;

  Result<KeyPair> make_ca(std::string common_name, Duration lifetime) override;
  Result<KeyPair> issue(const KeyPair& ca, const CertificateSpec& spec) override;
  Result<KeyPair> make_request(const CertificateSpec& spec) override;
  Result<std::string> sign_request(const KeyPair& ca, const std::string& request_pem, const CertificateSpec& spec) override;
  Result<CertificateFacts> read_request(const std::string& request_pem) override;
  Result<CertificateFacts> read_certificate(const std::string& certificate_pem) override;
  Result<KeyPair> make_signing_key() override;
  Result<std::string> sign_jwt(const std::string& private_key_pem, const std::string& claims_json) override;
  Result<std::string> verify_jwt(const std::vector<std::string>& key_pems, const std::string& token) override;

 private:
  struct ParsedKeys;
  const Runtime& runtime_;
  std::unique_ptr<ParsedKeys> keys_;
};

}  // namespace skidpad::runtime
