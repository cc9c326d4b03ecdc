#include "harness/runtime/real/openssl.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace skidpad::runtime {

std::string openssl_failure() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (!text.empty()) text += ", ";
    text += reason != nullptr ? reason : "error " + std::to_string(code);
  }
  return text.empty() ? "no reason given" : text;
}

BioPointer bio_over(const std::string& text) { return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

Result<std::vector<CertificatePointer>> read_certificates(const std::string& pem) {
  std::vector<CertificatePointer> certificates;
  const BioPointer bio = bio_over(pem);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) certificates.emplace_back(certificate);
  // The last read always fails, at best with "no start line".
  const unsigned long last = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  const std::string why = openssl_failure();
  if (certificates.empty() || !at_end) return Error(ErrorCode::invalid, "PEM certificate: " + why);
  return certificates;
}

Result<KeyPointer> read_private_key(const std::string& pem) {
  const BioPointer bio = bio_over(pem);
  KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr) return Error(ErrorCode::invalid, "PEM private key: " + openssl_failure());
  return key;
}

std::vector<std::string> name_entries(const X509_NAME* name, int nid) {
  std::vector<std::string> values;
  int position = -1;
  while ((position = X509_NAME_get_index_by_NID(name, nid, position)) >= 0) {
    unsigned char* text = nullptr;
    const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, position)));
    if (size < 0) continue;
    values.emplace_back(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  return values;
}

}  // namespace skidpad::runtime
