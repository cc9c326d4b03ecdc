/// @file openssl.hpp
/// The few pieces of OpenSSL that tls.cpp and real_pki.cpp share: owners for its objects, PEM readers, error texts.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/runtime/result.hpp"

namespace skidpad::runtime {

template <auto function>
struct Freeing {
  template <class T>
  void operator()(T* object) const {
    function(object);
  }
};
using CertificatePointer = std::unique_ptr<X509, Freeing<&X509_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Freeing<&EVP_PKEY_free>>;
using RequestPointer = std::unique_ptr<X509_REQ, Freeing<&X509_REQ_free>>;
using BioPointer = std::unique_ptr<BIO, Freeing<&BIO_free_all>>;

/// The reasons OpenSSL left in its queue, which is emptied.
std::string openssl_failure();
/// A read-only BIO over the text, which must outlive it.
BioPointer bio_over(const std::string& text);
/// At least one certificate; errors: invalid.
Result<std::vector<CertificatePointer>> read_certificates(const std::string& pem);
Result<KeyPointer> read_private_key(const std::string& pem);
/// All values of one attribute of a name, in order.
std::vector<std::string> name_entries(const X509_NAME* name, int nid);

}  // namespace skidpad::runtime
