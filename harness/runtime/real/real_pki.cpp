#include "harness/runtime/real/real_pki.hpp"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <time.h>

#include <array>
#include <map>

#include "harness/runtime/real/jwt.hpp"
#include "harness/runtime/real/openssl.hpp"

namespace skidpad::runtime {
namespace {

constexpr Duration backdating = 5min;
constexpr std::size_t keys_kept_max = 256;

using NamePointer = std::unique_ptr<X509_NAME, Freeing<&X509_NAME_free>>;
using AlternativeNames = std::unique_ptr<GENERAL_NAMES, Freeing<&GENERAL_NAMES_free>>;
using Usages = std::unique_ptr<EXTENDED_KEY_USAGE, Freeing<&EXTENDED_KEY_USAGE_free>>;
using Bits = std::unique_ptr<ASN1_BIT_STRING, Freeing<&ASN1_BIT_STRING_free>>;
using Octets = std::unique_ptr<ASN1_OCTET_STRING, Freeing<&ASN1_OCTET_STRING_free>>;
using Constraints = std::unique_ptr<BASIC_CONSTRAINTS, Freeing<&BASIC_CONSTRAINTS_free>>;
using AuthorityKey = std::unique_ptr<AUTHORITY_KEYID, Freeing<&AUTHORITY_KEYID_free>>;
using Extensions = std::unique_ptr<STACK_OF(X509_EXTENSION), decltype([](STACK_OF(X509_EXTENSION) * list) {
                                     sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
                                   })>;

// Bit numbers of RFC 5280, 4.2.1.3.
enum KeyUsage { digital_signature = 0, key_encipherment = 2, certificate_sign = 5, revocation_sign = 6 };

Error failed(const std::string& doing) { return Error(ErrorCode::invalid, doing + ": " + openssl_failure()); }

template <class Write>
std::string to_pem(Write write) {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  const int written = write(bio.get());
  ASSERT(written == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}
std::string certificate_pem(X509* certificate) {
  return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}
std::string key_pem(EVP_PKEY* key) {
  return to_pem([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

KeyPointer new_key() {
  KeyPointer key(EVP_EC_gen("P-256"));
  ASSERT(key != nullptr);
  return key;
}

NamePointer subject_of(const CertificateSpec& spec) {
  NamePointer name(X509_NAME_new());
  const auto add = [&](const char* field, const std::string& value) {
    X509_NAME_add_entry_by_txt(name.get(), field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                               static_cast<int>(value.size()), -1, 0);
  };
  for (const std::string& organization : spec.organizations) add("O", organization);
  if (!spec.common_name.empty()) add("CN", spec.common_name);
  return name;
}

/// Null where there are no names. Errors: invalid, for an address that is none.
Result<AlternativeNames> alternative_names(const CertificateSpec& spec) {
  if (spec.dns_names.empty() && spec.ip_addresses.empty()) return AlternativeNames();
  AlternativeNames names(GENERAL_NAMES_new());
  const auto add = [&](int kind, ASN1_STRING* value) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, kind, value);
    sk_GENERAL_NAME_push(names.get(), name);
  };
  for (const std::string& dns_name : spec.dns_names) {
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, dns_name.data(), static_cast<int>(dns_name.size()));
    add(GEN_DNS, text);
  }
  for (const std::string& address : spec.ip_addresses) {
    in_addr raw{};
    if (::inet_pton(AF_INET, address.c_str(), &raw) != 1) return Error(ErrorCode::invalid, "certificate: " + address + " is not an IPv4 address");
    ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, reinterpret_cast<const unsigned char*>(&raw), sizeof raw);
    add(GEN_IPADD, octets);
  }
  return names;
}

void read_alternative_names(const GENERAL_NAMES* names, CertificateFacts& facts) {
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    int kind = 0;
    const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind));
    const auto* data = ASN1_STRING_get0_data(value);
    const int size = ASN1_STRING_length(value);
    if (kind == GEN_DNS) facts.dns_names.emplace_back(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    if (kind == GEN_IPADD && size == 4) {
      std::array<char, INET_ADDRSTRLEN> text{};
      ::inet_ntop(AF_INET, data, text.data(), text.size());
      facts.ip_addresses.emplace_back(text.data());
    }
  }
}

WallTime to_wall_time(const ASN1_TIME* time) {
  tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return WallTime(std::chrono::seconds(::timegm(&parts)));
}

/// A certificate under construction.
class Draft {
 public:
  Draft(const X509_NAME* subject, EVP_PKEY* key, WallTime now, Duration lifetime) : certificate_(X509_new()), key_(key) {
    X509* certificate = certificate_.get();
    X509_set_version(certificate, X509_VERSION_3);
    std::array<unsigned char, 16> serial;
    RAND_bytes(serial.data(), serial.size());
    serial[0] &= 0x7f;  // positive
    BIGNUM* number = BN_bin2bn(serial.data(), serial.size(), nullptr);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    ASN1_TIME_set(X509_getm_notBefore(certificate), std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(now - backdating)));
    ASN1_TIME_set(X509_getm_notAfter(certificate), std::chrono::system_clock::to_time_t(std::chrono::ceil<std::chrono::seconds>(now + lifetime)));
    X509_set_subject_name(certificate, subject);
    X509_set_pubkey(certificate, key);
  }

  void add_basic_constraints(bool is_ca) {
    const Constraints constraints(BASIC_CONSTRAINTS_new());
    constraints->ca = is_ca ? 0xff : 0;
    add(NID_basic_constraints, constraints.get(), true);
  }
  void add_key_usage(std::initializer_list<KeyUsage> usages) {
    const Bits bits(ASN1_BIT_STRING_new());
    for (const KeyUsage usage : usages) ASN1_BIT_STRING_set_bit(bits.get(), usage, 1);
    add(NID_key_usage, bits.get(), true);
  }
  void add_extended_key_usage(const CertificateSpec& spec) {
    const Usages usages(EXTENDED_KEY_USAGE_new());
    if (spec.server) sk_ASN1_OBJECT_push(usages.get(), OBJ_nid2obj(NID_server_auth));
    if (spec.client) sk_ASN1_OBJECT_push(usages.get(), OBJ_nid2obj(NID_client_auth));
    if (sk_ASN1_OBJECT_num(usages.get()) > 0) add(NID_ext_key_usage, usages.get(), false);
  }
  void add_alternative_names(const GENERAL_NAMES* names) {
    if (names != nullptr) add(NID_subject_alt_name, const_cast<GENERAL_NAMES*>(names), false);
  }
  /// OpenSSL and Go find the issuer of a certificate by these, also among several of one name (a rotated CA).
  void add_subject_key_id() {
    const Octets id(ASN1_OCTET_STRING_new());
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    X509_pubkey_digest(certificate_.get(), EVP_sha1(), digest.data(), &size);
    ASN1_OCTET_STRING_set(id.get(), digest.data(), static_cast<int>(size));
    add(NID_subject_key_identifier, id.get(), false);
  }
  void add_authority_key_id(X509* issuer) {
    const ASN1_OCTET_STRING* id = X509_get0_subject_key_id(issuer);
    if (id == nullptr) return;
    const AuthorityKey authority(AUTHORITY_KEYID_new());
    authority->keyid = ASN1_OCTET_STRING_dup(id);
    add(NID_authority_key_identifier, authority.get(), false);
  }
  Result<std::string> sign(const X509_NAME* issuer, EVP_PKEY* issuer_key) {
    X509_set_issuer_name(certificate_.get(), issuer);
    if (X509_sign(certificate_.get(), issuer_key, EVP_sha256()) == 0) return failed("sign certificate");
    return certificate_pem(certificate_.get());
  }

 private:
  void add(int nid, void* value, bool critical) {
    const int added = X509_add1_ext_i2d(certificate_.get(), nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT);
    ASSERT(added == 1);
  }
  CertificatePointer certificate_;
  EVP_PKEY* key_;
};

Result<RequestPointer> parse_request(const std::string& pem) {
  const BioPointer bio = bio_over(pem);
  RequestPointer request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (request == nullptr) return failed("PEM certificate request");
  return request;
}

AlternativeNames requested_names(X509_REQ* request) {
  const Extensions extensions(X509_REQ_get_extensions(request));
  if (extensions == nullptr) return nullptr;
  return AlternativeNames(static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
}

CertificateFacts subject_facts(const X509_NAME* subject) {
  CertificateFacts facts;
  const auto names = name_entries(subject, NID_commonName);
  if (!names.empty()) facts.common_name = names.back();
  facts.organizations = name_entries(subject, NID_organizationName);
  return facts;
}

}  // namespace

/// Parsing a key takes OpenSSL 3 longer than signing with it, and an API server sees the same few keys all day.
struct RealPki::ParsedKeys {
  std::map<std::string, KeyPointer> by_pem;

  Result<EVP_PKEY*> get(const std::string& pem) {
    const auto known = by_pem.find(pem);
    if (known != by_pem.end()) return known->second.get();
    TRY(KeyPointer key, read_any_key(pem));
    if (by_pem.size() >= keys_kept_max) by_pem.clear();
    return by_pem.emplace(pem, std::move(key)).first->second.get();
  }
};

RealPki::RealPki(const Runtime& runtime) : runtime_(runtime), keys_(std::make_unique<ParsedKeys>()) {}
RealPki::~RealPki() = default;

Result<KeyPair> RealPki::make_ca(std::string common_name, Duration lifetime) {
  CertificateSpec spec;
  spec.common_name = std::move(common_name);
  const KeyPointer key = new_key();
  const NamePointer subject = subject_of(spec);
  Draft draft(subject.get(), key.get(), runtime_.wall_now(), lifetime);
  draft.add_basic_constraints(true);
  draft.add_key_usage({digital_signature, key_encipherment, certificate_sign, revocation_sign});
  draft.add_subject_key_id();
  KeyPair pair;
  TRY(pair.certificate_pem, draft.sign(subject.get(), key.get()));
  pair.key_pem = key_pem(key.get());
  return pair;
}

Result<KeyPair> RealPki::issue(const KeyPair& ca, const CertificateSpec& spec) {
  TRY(const auto issuers, read_certificates(ca.certificate_pem));
  TRY(EVP_PKEY* const issuer_key, keys_->get(ca.key_pem));
  TRY(const AlternativeNames names, alternative_names(spec));
  const KeyPointer key = new_key();
  const NamePointer subject = subject_of(spec);
  Draft draft(subject.get(), key.get(), runtime_.wall_now(), spec.lifetime);
  draft.add_basic_constraints(false);
  draft.add_key_usage({digital_signature, key_encipherment});
  draft.add_extended_key_usage(spec);
  draft.add_authority_key_id(issuers.front().get());
  draft.add_alternative_names(names.get());
  KeyPair pair;
  TRY(pair.certificate_pem, draft.sign(X509_get_subject_name(issuers.front().get()), issuer_key));
  pair.key_pem = key_pem(key.get());
  return pair;
}

Result<KeyPair> RealPki::make_request(const CertificateSpec& spec) {
  TRY(const AlternativeNames names, alternative_names(spec));
  const KeyPointer key = new_key();
  const NamePointer subject = subject_of(spec);
  const RequestPointer request(X509_REQ_new());
  X509_REQ_set_version(request.get(), X509_REQ_VERSION_1);
  X509_REQ_set_subject_name(request.get(), subject.get());
  X509_REQ_set_pubkey(request.get(), key.get());
  if (names != nullptr) {
    const Extensions extensions(sk_X509_EXTENSION_new_null());
    sk_X509_EXTENSION_push(extensions.get(), X509V3_EXT_i2d(NID_subject_alt_name, 0, names.get()));
    X509_REQ_add_extensions(request.get(), extensions.get());
  }
  if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0) return failed("sign certificate request");
  KeyPair pair;
  pair.certificate_pem = to_pem([&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); });
  pair.key_pem = key_pem(key.get());
  return pair;
}

Result<std::string> RealPki::sign_request(const KeyPair& ca, const std::string& request_pem, const CertificateSpec& spec) {
  TRY(const RequestPointer request, parse_request(request_pem));
  const KeyPointer key(X509_REQ_get_pubkey(request.get()));
  if (key == nullptr || X509_REQ_verify(request.get(), key.get()) != 1) return failed("certificate request: signature");
  TRY(const auto issuers, read_certificates(ca.certificate_pem));
  TRY(EVP_PKEY* const issuer_key, keys_->get(ca.key_pem));
  const AlternativeNames names = requested_names(request.get());
  Draft draft(X509_REQ_get_subject_name(request.get()), key.get(), runtime_.wall_now(), spec.lifetime);
  draft.add_basic_constraints(false);
  draft.add_key_usage({digital_signature, key_encipherment});
  draft.add_extended_key_usage(spec);
  draft.add_authority_key_id(issuers.front().get());
  draft.add_alternative_names(names.get());
  return draft.sign(X509_get_subject_name(issuers.front().get()), issuer_key);
}

Result<CertificateFacts> RealPki::read_request(const std::string& request_pem) {
  TRY(const RequestPointer request, parse_request(request_pem));
  CertificateFacts facts = subject_facts(X509_REQ_get_subject_name(request.get()));
  read_alternative_names(requested_names(request.get()).get(), facts);
  return facts;
}

Result<CertificateFacts> RealPki::read_certificate(const std::string& certificate_pem) {
  TRY(const auto certificates, read_certificates(certificate_pem));
  X509* certificate = certificates.front().get();
  CertificateFacts facts = subject_facts(X509_get_subject_name(certificate));
  const AlternativeNames names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  read_alternative_names(names.get(), facts);
  facts.not_before = to_wall_time(X509_get0_notBefore(certificate));
  facts.not_after = to_wall_time(X509_get0_notAfter(certificate));
  facts.is_ca = X509_check_ca(certificate) == 1;
  return facts;
}

Result<KeyPair> RealPki::make_signing_key() {
  const KeyPointer key = new_key();
  KeyPair pair;
  pair.key_pem = key_pem(key.get());
  pair.certificate_pem = to_pem([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key.get()); });
  return pair;
}

Result<std::string> RealPki::sign_jwt(const std::string& private_key_pem, const std::string& claims_json) {
  TRY(EVP_PKEY* const key, keys_->get(private_key_pem));
  return sign_token(key, claims_json);
}

Result<std::string> RealPki::verify_jwt(const std::vector<std::string>& key_pems, const std::string& token) {
  TRY(const Token parts, split_token(token));
  for (const std::string& pem : key_pems) {
    TRY(EVP_PKEY* const key, keys_->get(pem));
    if (signed_by(parts, key)) return parts.claims_json;
  }
  return Error(ErrorCode::unauthorized, "token: signed by none of the trusted keys");
}

}  // namespace skidpad::runtime
