/// @file signature.hpp
/// AWS signature version 4 in the Authorization header, for a client that signs and for a server that checks.
/// Promise: both sides build the canonical request the same way; every header that is signed is covered.
/// Not offered: presigned URLs, chunked payload signatures, session tokens.
/// Source: AWS "Signature Version 4 signing process"; checked against AWS's published S3 examples in signature_test.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/runtime/http/http.hpp"
#include "harness/runtime/result.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::client {

struct S3Credentials {
  std::string access_key_id;
  std::string secret_access_key;
};

/// "20261122T220320Z"
std::string amz_date(runtime::WallTime time);
bool parse_amz_date(std::string_view text, runtime::WallTime& time);

/// As S3 encodes paths: everything but letters, digits, "-._~" and, if asked for, "/".
std::string s3_encode(std::string_view text, bool keep_slash);

/// Adds x-amz-date, x-amz-content-sha256 and Authorization. Host must be set.
void sign_s3(runtime::HttpRequest& request, const S3Credentials& credentials, std::string_view region, runtime::WallTime now);

/// What a request claims; the server then looks up the secret.
struct S3Claim {
  std::string access_key_id;
  std::string region;
  std::string date;                          ///< x-amz-date
  std::vector<std::string> signed_headers;
  std::string signature;
};
/// unauthorized with S3's error code in `reason`: AccessDenied (no header), AuthorizationHeaderMalformed.
runtime::Result<S3Claim> read_claim(const runtime::HttpRequest& request);
/// Whether this secret made the claim: reason SignatureDoesNotMatch or XAmzContentSHA256Mismatch otherwise.
runtime::Result<void> check_claim(const runtime::HttpRequest& request, const S3Claim& claim, std::string_view secret_access_key);

}  // namespace skidpad::client
