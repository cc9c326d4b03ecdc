/// @file jwt.hpp
/// Signed tokens (RFC 7515, 7519) with ES256 and RS256, over OpenSSL keys.
#pragma once

#include "harness/runtime/real/openssl.hpp"

namespace skidpad::runtime {

std::string base64url_encode(std::string_view bytes);
/// Without padding; false on anything else.
bool base64url_decode(std::string_view text, std::string& bytes);

/// A private key, public key or certificate. Errors: invalid.
Result<KeyPointer> read_any_key(const std::string& pem);
/// base64url(SHA-256(DER of the public key)), as kube-apiserver names keys.
std::string key_id(EVP_PKEY* key);
/// Errors: invalid, if the key is neither P-256 nor RSA.
Result<std::string> sign_token(EVP_PKEY* key, std::string_view claims_json);
/// A token's parts, decoded. Errors: unauthorized.
struct Token {
  std::string algorithm;
  std::string key_id;
  std::string signed_text;
  std::string signature;
  std::string claims_json;
};
Result<Token> split_token(std::string_view text);
bool signed_by(const Token& token, EVP_PKEY* key);

}  // namespace skidpad::runtime
