#include "harness/client/object_store/signature.hpp"

#include <algorithm>

#include "harness/runtime/sha256.hpp"

namespace skidpad::client {

using runtime::bytes_of;
using runtime::Error;
using runtime::ErrorCode;
using runtime::hmac_sha256;
using runtime::HttpRequest;
using runtime::sha256;
using runtime::to_hex;

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return result;
}

std::string trimmed(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    const bool space = letter == ' ' || letter == '\t';
    if (space && (result.empty() || result.back() == ' ')) continue;
    result += space ? ' ' : letter;
  }
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

/// The path goes as it was sent: S3 alone does not encode it a second time.
std::string canonical_request(const HttpRequest& request, const std::vector<std::string>& signed_headers) {
  std::vector<std::pair<std::string, std::string>> query;
  for (const auto& [name, value] : runtime::parse_query(request.query())) query.emplace_back(s3_encode(name, false), s3_encode(value, false));
  std::sort(query.begin(), query.end());
  std::string text = request.method + "\n" + std::string(request.path()) + "\n";
  for (std::size_t i = 0; i < query.size(); ++i) text += (i == 0 ? "" : "&") + query[i].first + "=" + query[i].second;
  text += "\n";
  std::string names;
  for (const std::string& name : signed_headers) {
    text += name + ":" + trimmed(request.headers.get(name)) + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  return text + "\n" + names + "\n" + std::string(request.headers.get("x-amz-content-sha256"));
}

std::string signature_of(const HttpRequest& request, const std::vector<std::string>& signed_headers, std::string_view secret, std::string_view date,
                         std::string_view region) {
  const std::string day(date.substr(0, 8));
  const std::string scope = day + "/" + std::string(region) + "/s3/aws4_request";
  const std::string to_sign = std::string(algorithm) + "\n" + std::string(date) + "\n" + scope + "\n" + to_hex(sha256(canonical_request(request, signed_headers)));
  runtime::Sha256 key = hmac_sha256("AWS4" + std::string(secret), day);
  for (const std::string_view part : {region, std::string_view("s3"), std::string_view("aws4_request")}) key = hmac_sha256(bytes_of(key), part);
  return to_hex(hmac_sha256(bytes_of(key), to_sign));
}

Error refused(const char* reason, std::string message) { return Error(ErrorCode::unauthorized, std::move(message), 403, reason); }

std::string part_of(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return "";
  const std::size_t begin = at + name.size();
  const std::size_t end = std::min(text.find_first_of(", ", begin), text.size());
  return std::string(text.substr(begin, end - begin));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

std::string amz_date(runtime::WallTime time) {
  std::string text;
  for (const char letter : runtime::format_rfc3339(time)) {
    if (letter != '-' && letter != ':') text += letter;
  }
  return text;
}

bool parse_amz_date(std::string_view text, runtime::WallTime& time) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return false;
  const std::string date(text);
  return runtime::parse_rfc3339(date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6, 5) + ":" + date.substr(11, 2) + ":" + date.substr(13), time);
}

std::string s3_encode(std::string_view text, bool keep_slash) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string result;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool plain = (byte < 128 && std::isalnum(byte)) || letter == '-' || letter == '.' || letter == '_' || letter == '~' || (keep_slash && letter == '/');
    if (plain) {
      result += letter;
    } else {
      result += '%';
      result += digits[byte >> 4];
      result += digits[byte & 15];
    }
  }
  return result;
}

void sign_s3(HttpRequest& request, const S3Credentials& credentials, std::string_view region, runtime::WallTime now) {
  const std::string date = amz_date(now);
  request.headers.set("x-amz-date", date);
  request.headers.set("x-amz-content-sha256", to_hex(sha256(request.body)));
  std::vector<std::string> names;
  for (const auto& [name, value] : request.headers.fields()) {
    const std::string small = lower(name);
    if (small == "host" || small == "content-type" || small == "content-md5" || small == "range" || small.starts_with("x-amz-")) names.push_back(small);
  }
  std::sort(names.begin(), names.end());
  std::string listed;
  for (const std::string& name : names) listed += (listed.empty() ? "" : ";") + name;
  const std::string signature = signature_of(request, names, credentials.secret_access_key, date, region);
  request.headers.set("Authorization", std::string(algorithm) + " Credential=" + credentials.access_key_id + "/" + date.substr(0, 8) + "/" + std::string(region) +
                                           "/s3/aws4_request,SignedHeaders=" + listed + ",Signature=" + signature);
}

runtime::Result<S3Claim> read_claim(const HttpRequest& request) {
  const std::string_view header = request.headers.get("authorization");
  if (header.empty()) return refused("AccessDenied", "Access Denied");
  const Error malformed = Error(ErrorCode::unauthorized, "The authorization header is malformed", 400, "AuthorizationHeaderMalformed");
  if (!header.starts_with(algorithm)) return malformed;
  S3Claim claim;
  const std::vector<std::string> scope = split(part_of(header, "Credential="), '/');
  if (scope.size() < 5 || scope[scope.size() - 1] != "aws4_request" || scope[scope.size() - 2] != "s3") return malformed;
  claim.access_key_id = scope[0];
  claim.region = scope[scope.size() - 3];
  claim.signed_headers = split(part_of(header, "SignedHeaders="), ';');
  claim.signature = part_of(header, "Signature=");
  claim.date = request.headers.get("x-amz-date");
  if (claim.date.substr(0, 8) != scope[scope.size() - 4]) return malformed;
  const auto covers = [&](std::string_view name) { return std::find(claim.signed_headers.begin(), claim.signed_headers.end(), name) != claim.signed_headers.end(); };
  if (!covers("host") || !covers("x-amz-date")) return malformed;
  return claim;
}

runtime::Result<void> check_claim(const HttpRequest& request, const S3Claim& claim, std::string_view secret_access_key) {
  const std::string wanted = signature_of(request, claim.signed_headers, secret_access_key, claim.date, claim.region);
  if (wanted != claim.signature)
    return refused("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.");
  const std::string_view hash = request.headers.get("x-amz-content-sha256");
  if (hash != unsigned_payload && hash != to_hex(sha256(request.body)))
    return Error(ErrorCode::invalid, "The provided 'x-amz-content-sha256' header does not match what was computed.", 400, "XAmzContentSHA256Mismatch");
  return runtime::success();
}

}  // namespace skidpad::client
