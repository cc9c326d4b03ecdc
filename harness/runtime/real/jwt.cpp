#include "harness/runtime/real/jwt.hpp"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <array>

#include "harness/runtime/json.hpp"

namespace skidpad::runtime {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr int coordinate_bytes = 32;  // of P-256; a JWS signature is r and s side by side

using SignaturePointer = std::unique_ptr<ECDSA_SIG, Freeing<&ECDSA_SIG_free>>;
using DigestPointer = std::unique_ptr<EVP_MD_CTX, Freeing<&EVP_MD_CTX_free>>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string_view algorithm_of(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) return "RS256";
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_bits(key) == 256) return "ES256";
  return "";
}

std::string der_to_pair(const std::string& der) {
  const unsigned char* position = bytes_of(der);
  const SignaturePointer signature(d2i_ECDSA_SIG(nullptr, &position, static_cast<long>(der.size())));
  ASSERT(signature != nullptr);
  std::array<unsigned char, 2 * coordinate_bytes> pair;
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), pair.data(), coordinate_bytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), pair.data() + coordinate_bytes, coordinate_bytes);
  return std::string(pair.begin(), pair.end());
}

std::string pair_to_der(std::string_view pair) {
  if (pair.size() != 2 * coordinate_bytes) return "";
  const SignaturePointer signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), BN_bin2bn(bytes_of(pair), coordinate_bytes, nullptr),
                 BN_bin2bn(bytes_of(pair) + coordinate_bytes, coordinate_bytes, nullptr));
  std::array<unsigned char, 80> der;
  unsigned char* end = der.data();
  const int size = i2d_ECDSA_SIG(signature.get(), &end);
  return size > 0 ? std::string(der.data(), end) : "";
}

}  // namespace

std::string base64url_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  unsigned buffer = 0;
  int bit_count = 0;
  for (const char byte : bytes) {
    buffer = (buffer << 8 | static_cast<unsigned char>(byte)) & 0xffff;
    for (bit_count += 8; bit_count >= 6; bit_count -= 6) text += alphabet[(buffer >> (bit_count - 6)) & 63];
  }
  if (bit_count > 0) text += alphabet[(buffer << (6 - bit_count)) & 63];
  return text;
}

bool base64url_decode(std::string_view text, std::string& bytes) {
  if (text.size() % 4 == 1) return false;
  bytes.clear();
  unsigned buffer = 0;
  int bit_count = 0;
  for (const char letter : text) {
    const auto value = alphabet.find(letter);
    if (value == std::string_view::npos) return false;
    buffer = (buffer << 6 | static_cast<unsigned>(value)) & 0xffff;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    bytes += static_cast<char>(buffer >> bit_count & 0xff);
  }
  // Bits left over must be 0, or two texts would mean the same token.
  return (buffer & ((1U << bit_count) - 1)) == 0;
}

Result<KeyPointer> read_any_key(const std::string& pem) {
  if (pem.find("-----BEGIN CERTIFICATE-----") != std::string::npos) {
    TRY(const auto certificates, read_certificates(pem));
    return KeyPointer(X509_get_pubkey(certificates.front().get()));
  }
  if (pem.find("PRIVATE KEY-----") != std::string::npos) return read_private_key(pem);
  const BioPointer bio = bio_over(pem);
  KeyPointer key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr) return Error(ErrorCode::invalid, "PEM key: " + openssl_failure());
  return key;
}

std::string key_id(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  ASSERT(size > 0);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  OPENSSL_free(der);
  return base64url_encode(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

Result<std::string> sign_token(EVP_PKEY* key, std::string_view claims_json) {
  const std::string_view algorithm = algorithm_of(key);
  if (algorithm.empty()) return Error(ErrorCode::invalid, "token key: neither P-256 nor RSA");
  const std::string header = "{\"alg\":\"" + std::string(algorithm) + "\",\"kid\":\"" + key_id(key) + "\"}";
  const std::string text = base64url_encode(header) + "." + base64url_encode(claims_json);
  const DigestPointer digest(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &size, bytes_of(text), text.size()) != 1) {
    return Error(ErrorCode::invalid, "token key: " + openssl_failure());
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(text), text.size()) != 1) {
    return Error(ErrorCode::invalid, "token key: " + openssl_failure());
  }
  signature.resize(size);
  if (algorithm == "ES256") signature = der_to_pair(signature);
  return text + "." + base64url_encode(signature);
}

Result<Token> split_token(std::string_view text) {
  const Error malformed(ErrorCode::unauthorized, "token: not a signed JSON web token");
  const auto first = text.find('.');
  const auto second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) return malformed;
  Token token;
  std::string header_json;
  if (!base64url_decode(text.substr(0, first), header_json) ||
      !base64url_decode(text.substr(first + 1, second - first - 1), token.claims_json) ||
      !base64url_decode(text.substr(second + 1), token.signature)) {
    return malformed;
  }
  const auto header = parse_json(header_json, 8);
  if (!header) return malformed;
  token.algorithm = text_at(header.value(), {"alg"});
  token.key_id = text_at(header.value(), {"kid"});
  token.signed_text = text.substr(0, second);
  return token;
}

bool signed_by(const Token& token, EVP_PKEY* key) {
  // The key decides the algorithm; what the token claims must agree, or "none" and mixed-up kinds would be let in.
  const std::string_view algorithm = algorithm_of(key);
  if (algorithm.empty() || token.algorithm != algorithm) return false;
  const std::string signature = algorithm == "ES256" ? pair_to_der(token.signature) : token.signature;
  const DigestPointer digest(EVP_MD_CTX_new());
  const bool good = EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestVerify(digest.get(), bytes_of(signature), signature.size(), bytes_of(token.signed_text), token.signed_text.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace skidpad::runtime
