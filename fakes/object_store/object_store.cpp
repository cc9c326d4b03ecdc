#include "fakes/object_store/object_store.hpp"

#include <algorithm>

#include "harness/client/object_store/signature.hpp"
#include "harness/runtime/command.hpp"
#include "harness/runtime/flags.hpp"
#include "harness/runtime/http/http_server.hpp"
#include "harness/runtime/sha256.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::fakes::object_store {

using runtime::Duration;
using runtime::Error;
using runtime::ErrorCode;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::Result;
using runtime::Runtime;
using runtime::success;
using runtime::Task;

namespace {

constexpr Duration skew_max = std::chrono::minutes(15);  // S3's RequestTimeTooSkewed
constexpr std::size_t page_size_max = 1000;

struct Settings {
  std::string listen = "0.0.0.0:9000";
  std::string data_directory = "/var/lib/object-store";
  std::vector<std::string> buckets;
  client::S3Credentials credentials;
  std::string region = "us-east-1";
  std::int64_t quota_bytes = 0;
};

struct Faults {
  Duration slow{};
  bool lie = false;      ///< what is read is not what was written
  bool lose = false;     ///< acknowledges what it does not keep
  bool full = false;
  bool refuse = false;   ///< credentials are refused
};

std::string xml_text(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '&') result += "&amp;";
    else if (letter == '<') result += "&lt;";
    else if (letter == '>') result += "&gt;";
    else if (letter == '"') result += "&quot;";
    else result += letter;
  }
  return result;
}

std::string tag(std::string_view name, std::string_view text) { return "<" + std::string(name) + ">" + xml_text(text) + "</" + std::string(name) + ">"; }

HttpResponse xml(int status, const std::string& body) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/xml");
  response.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + body;
  return response;
}

HttpResponse failure(int status, const std::string& code, const std::string& message, const std::string& resource) {
  return xml(status, "<Error>" + tag("Code", code) + tag("Message", message) + tag("Resource", resource) + tag("RequestId", "0") + "</Error>");
}

class Server {
 public:
  Server(Runtime& runtime, Settings settings) : runtime_(runtime), settings_(std::move(settings)) {}

  Result<void> open() {
    for (const std::string& bucket : settings_.buckets) TRY(runtime_.disk().make_directories(bucket_path(bucket)));
    return success();
  }

  Task<void> handle(const HttpRequest& request, HttpResponder& responder) {
    HttpResponse response;
    if (request.path() == "/-/faults") {
      response = set_faults(request);
    } else {
      if (faults_.slow > Duration::zero()) co_await runtime_.sleep_for(faults_.slow);
      response = answer(request);
    }
    response.headers.add("Server", "skidpad-object-store");
    if (request.method == "HEAD") response.body.clear();
    auto sent = co_await responder.send(std::move(response));
    (void)sent;
  }

 private:
  std::string bucket_path(const std::string& bucket) const { return settings_.data_directory + "/" + bucket; }
  std::string object_path(const std::string& bucket, const std::string& key) const { return bucket_path(bucket) + "/" + client::s3_encode(key, false); }

  HttpResponse set_faults(const HttpRequest& request) {
    auto wanted = runtime::parse_json(request.body);
    HttpResponse response;
    if (request.method != "POST" || !wanted) {
      response.status = 400;
      return response;
    }
    faults_ = Faults();
    (void)runtime::parse_go_duration(runtime::text_at(wanted.value(), {"slow"}), faults_.slow);
    faults_.lie = runtime::bool_at(wanted.value(), {"lie"});
    faults_.lose = runtime::bool_at(wanted.value(), {"lose"});
    faults_.full = runtime::bool_at(wanted.value(), {"full"});
    faults_.refuse = runtime::bool_at(wanted.value(), {"refuse"});
    response.status = 204;
    return response;
  }

  std::optional<HttpResponse> refusal(const HttpRequest& request, const std::string& resource) {
    const auto claim = client::read_claim(request);
    if (!claim) return failure(claim.error().http_status, claim.error().reason, claim.error().message, resource);
    if (faults_.refuse || claim.value().access_key_id != settings_.credentials.access_key_id)
      return failure(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", resource);
    if (claim.value().region != settings_.region)
      return failure(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region '" + claim.value().region + "' is wrong; expecting '" + settings_.region + "'", resource);
    runtime::WallTime date;
    if (!client::parse_amz_date(claim.value().date, date)) return failure(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", resource);
    const Duration skew = date > runtime_.wall_now() ? date - runtime_.wall_now() : runtime_.wall_now() - date;
    if (skew > skew_max) return failure(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", resource);
    const auto good = client::check_claim(request, claim.value(), settings_.credentials.secret_access_key);
    if (!good) return failure(good.error().http_status, good.error().reason, good.error().message, resource);
    return std::nullopt;
  }

  HttpResponse answer(const HttpRequest& request) {
    std::string path;
    if (!runtime::percent_decode(request.path(), path, false) || path.empty() || path.front() != '/') return failure(400, "InvalidURI", "Couldn't parse the specified URI.", std::string(request.path()));
    if (auto refused = refusal(request, path)) return std::move(*refused);
    const std::size_t slash = path.find('/', 1);
    const std::string bucket = path.substr(1, slash == std::string::npos ? std::string::npos : slash - 1);
    const std::string key = slash == std::string::npos ? "" : path.substr(slash + 1);
    if (bucket.empty()) return list_buckets();
    if (bucket == ".." || bucket == ".") return failure(400, "InvalidBucketName", "The specified bucket is not valid.", path);
    const bool exists = runtime_.disk().exists(bucket_path(bucket));
    if (key.empty() && request.method == "PUT") {
      if (exists) return failure(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", path);
      if (!runtime_.disk().make_directories(bucket_path(bucket))) return failure(500, "InternalError", "We encountered an internal error. Please try again.", path);
      return HttpResponse();
    }
    if (!exists) return failure(404, "NoSuchBucket", "The specified bucket does not exist", path);
    if (key.empty()) {
      if (request.method == "HEAD") return HttpResponse();
      if (request.method == "GET") return list(bucket, request);
      return failure(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", path);
    }
    if (request.method == "PUT") return put(bucket, key, request);
    if (request.method == "DELETE") return remove(bucket, key);
    if (request.method == "GET" || request.method == "HEAD") return get(bucket, key);
    return failure(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", path);
  }

  HttpResponse put(const std::string& bucket, const std::string& key, const HttpRequest& request) {
    const bool over_quota = settings_.quota_bytes > 0 && static_cast<std::int64_t>(request.body.size()) > settings_.quota_bytes;
    if (faults_.full || over_quota) return failure(507, "XMinioStorageFull", "Storage backend has reached its minimum free drive threshold.", "/" + bucket + "/" + key);
    if (!faults_.lose) {
      if (auto written = runtime_.disk().write_atomically(object_path(bucket, key), request.body, 0600); !written)
        return failure(500, "InternalError", written.error().message, "/" + bucket + "/" + key);
    }
    HttpResponse response;
    response.headers.add("ETag", etag(request.body));
    return response;
  }

  HttpResponse get(const std::string& bucket, const std::string& key) {
    auto bytes = runtime_.disk().read(object_path(bucket, key));
    if (!bytes) return failure(404, "NoSuchKey", "The specified key does not exist.", "/" + bucket + "/" + key);
    if (faults_.lie && !bytes.value().empty()) bytes.value()[bytes.value().size() / 2] ^= 1;
    HttpResponse response;
    response.headers.add("Content-Type", "application/octet-stream");
    response.headers.add("ETag", etag(bytes.value()));
    response.body = std::move(bytes.value());
    return response;
  }

  HttpResponse remove(const std::string& bucket, const std::string& key) {
    (void)runtime_.disk().remove(object_path(bucket, key));
    HttpResponse response;
    response.status = 204;
    return response;
  }

  HttpResponse list_buckets() {
    std::string body = "<ListAllMyBucketsResult><Buckets>";
    auto names = runtime_.disk().list(settings_.data_directory);
    if (names) {
      for (const std::string& name : names.value()) body += "<Bucket>" + tag("Name", name) + "</Bucket>";
    }
    return xml(200, body + "</Buckets></ListAllMyBucketsResult>");
  }

  HttpResponse list(const std::string& bucket, const HttpRequest& request) {
    std::string prefix, token, after;
    std::size_t count_max = page_size_max;
    for (const auto& [name, value] : runtime::parse_query(request.query())) {
      if (name == "prefix") prefix = value;
      if (name == "continuation-token") token = value;
      if (name == "start-after") after = value;
      if (name == "max-keys") count_max = std::min<std::size_t>(page_size_max, std::strtoul(value.c_str(), nullptr, 10));
      if (name == "location") return xml(200, "<LocationConstraint>" + settings_.region + "</LocationConstraint>");
    }
    auto names = runtime_.disk().list(bucket_path(bucket));
    if (!names) return failure(500, "InternalError", names.error().message, "/" + bucket);
    std::vector<std::string> keys;
    for (const std::string& name : names.value()) {
      std::string key;
      if (runtime::percent_decode(name, key, false) && key.starts_with(prefix) && key > std::max(token, after)) keys.push_back(key);
    }
    std::sort(keys.begin(), keys.end());
    const bool truncated = keys.size() > count_max;
    if (truncated) keys.resize(count_max);
    std::string body = "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + tag("Name", bucket) + tag("Prefix", prefix) +
                       tag("KeyCount", std::to_string(keys.size())) + tag("MaxKeys", std::to_string(count_max)) + tag("IsTruncated", truncated ? "true" : "false");
    if (truncated && !keys.empty()) body += tag("NextContinuationToken", keys.back());
    for (const std::string& key : keys) {
      const auto status = runtime_.disk().status(object_path(bucket, key));
      const runtime::FileStatus facts = status ? status.value() : runtime::FileStatus();
      body += "<Contents>" + tag("Key", key) + tag("LastModified", runtime::format_rfc3339(facts.modified)) + tag("Size", std::to_string(facts.size_bytes)) +
              tag("StorageClass", "STANDARD") + "</Contents>";
    }
    return xml(200, body + "</ListBucketResult>");
  }

  static std::string etag(std::string_view bytes) { return "\"" + runtime::to_hex(runtime::sha256(bytes)).substr(0, 32) + "\""; }

  Runtime& runtime_;
  Settings settings_;
  Faults faults_;
};

}  // namespace

Task<int> object_store_main(Runtime& runtime, std::vector<std::string> arguments) {
  Settings settings;
  runtime::Flags flags("object-store", "An object store with the S3 API.");
  flags.add("listen", settings.listen, "ADDRESS:PORT");
  flags.add("data-dir", settings.data_directory, "where buckets and objects are kept");
  flags.add("bucket", settings.buckets, "buckets that are made at the start");
  flags.add("access-key-id", settings.credentials.access_key_id, "of the one user");
  flags.add("secret-access-key", settings.credentials.secret_access_key, "of the one user");
  flags.add("region", settings.region, "that signatures must name");
  flags.add("quota-bytes", settings.quota_bytes, "objects above this size are refused; 0 refuses none");
  std::string wrong;
  try {
    if (!flags.parse(arguments)) co_return 0;
  } catch (const UsageError& bad) {
    wrong = bad.what();
  }
  if (wrong.empty() && settings.credentials.secret_access_key.empty()) wrong = "--secret-access-key is missing";
  if (!wrong.empty()) co_return runtime::command_failed(runtime, wrong);
  auto at = runtime::parse_endpoint(settings.listen);
  if (!at) co_return runtime::command_failed(runtime, at.error().message);
  Server server(runtime, settings);
  if (auto opened = server.open(); !opened) co_return runtime::command_failed(runtime, opened.error().message);
  runtime::ListenOptions listen;
  listen.at = at.value();
  if (listen.at.address == "0.0.0.0") listen.at.address.clear();
  auto listener = runtime.network().listen(std::move(listen));
  if (!listener) co_return runtime::command_failed(runtime, listener.error().message);
  runtime::HttpServerLimits limits;
  limits.body_bytes_max = std::size_t{5} << 30;
  runtime::HttpServer http(runtime, [&server](const HttpRequest& request, HttpResponder& responder) { return server.handle(request, responder); }, limits);
  co_await http.serve(std::move(listener.value()));
  co_return 0;
}

}  // namespace skidpad::fakes::object_store
