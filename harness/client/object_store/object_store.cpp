#include "harness/client/object_store/object_store.hpp"

#include <algorithm>


namespace skidpad::client {

using runtime::Error;
using runtime::ErrorCode;
using runtime::HttpRequest;
using runtime::HttpResponse;
using runtime::Result;
using runtime::success;
using runtime::Task;

namespace {

/// The text of the first <tag> from a position on; moves behind it. None if there is none.
std::optional<std::string> next_element(std::string_view xml, std::string_view tag, std::size_t& at) {
  const std::string open = "<" + std::string(tag) + ">", close = "</" + std::string(tag) + ">";
  const std::size_t begin = xml.find(open, at);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t end = xml.find(close, begin);
  if (end == std::string_view::npos) return std::nullopt;
  at = end + close.size();
  std::string text;
  const std::string_view raw = xml.substr(begin + open.size(), end - begin - open.size());
  static constexpr std::pair<std::string_view, char> entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&#39;", '\''}, {"&#34;", '"'}};
  for (std::size_t i = 0; i < raw.size();) {
    const auto* entity = std::find_if(std::begin(entities), std::end(entities), [&](const auto& one) { return raw.substr(i).starts_with(one.first); });
    if (entity != std::end(entities)) {
      text += entity->second;
      i += entity->first.size();
    } else {
      text += raw[i++];
    }
  }
  return text;
}

std::string element(std::string_view xml, std::string_view tag) {
  std::size_t at = 0;
  return next_element(xml, tag, at).value_or("");
}

class S3Store final : public ObjectStore {
 public:
  S3Store(runtime::Runtime& runtime, S3Options options, runtime::HttpClientOptions http, std::string host)
      : runtime_(runtime), options_(std::move(options)), http_(runtime, std::move(http)), host_(std::move(host)) {}

  Task<Result<void>> put(std::string name, std::string bytes) override {
    HttpRequest request = make("PUT", name, "");
    request.headers.add("Content-Type", "application/octet-stream");
    request.body = std::move(bytes);
    auto answer = co_await send(std::move(request), "PUT " + name);
    if (!answer) co_return answer.error();
    co_return success();
  }

  Task<Result<std::string>> get(std::string name) override {
    auto answer = co_await send(make("GET", name, ""), "GET " + name);
    if (!answer) co_return answer.error();
    co_return std::move(answer.value().body);
  }

  Task<Result<void>> remove(std::string name) override {
    auto answer = co_await send(make("DELETE", name, ""), "DELETE " + name);
    if (!answer && answer.error().code != ErrorCode::not_found) co_return answer.error();
    co_return success();
  }

  Task<Result<std::vector<StoredObject>>> list(std::string prefix) override {
    std::vector<StoredObject> objects;
    std::string token;
    for (;;) {
      std::string query = "?list-type=2&max-keys=" + std::to_string(options_.page_size) + "&prefix=" + s3_encode(prefix, false);
      if (!token.empty()) query += "&continuation-token=" + s3_encode(token, false);
      auto answer = co_await send(make("GET", "", query), "list " + prefix);
      if (!answer) co_return answer.error();
      const std::string& xml = answer.value().body;
      std::size_t at = 0;
      while (const auto entry = next_element(xml, "Contents", at)) {
        StoredObject object;
        object.name = element(*entry, "Key");
        object.size_bytes = std::strtoull(element(*entry, "Size").c_str(), nullptr, 10);
        objects.push_back(std::move(object));
      }
      if (element(xml, "IsTruncated") != "true") break;
      const std::string next = element(xml, "NextContinuationToken");
      if (next.empty() || next == token) co_return Error(ErrorCode::corrupt, "list of bucket " + options_.bucket + ": truncated without a token to go on");
      token = next;
    }
    std::sort(objects.begin(), objects.end(), [](const StoredObject& a, const StoredObject& b) { return a.name < b.name; });
    co_return objects;
  }

 private:
  HttpRequest make(std::string method, const std::string& name, const std::string& query) const {
    HttpRequest request;
    request.method = std::move(method);
    request.target = "/" + s3_encode(options_.bucket, false) + (name.empty() ? "" : "/" + s3_encode(name, true)) + query;
    request.headers.add("Host", host_);
    return request;
  }

  Task<Result<HttpResponse>> send(HttpRequest request, std::string doing) {
    sign_s3(request, options_.credentials, options_.region, runtime_.wall_now());
    doing = "S3 " + options_.endpoint + " bucket " + options_.bucket + ": " + doing;
    auto answer = co_await http_.request(std::move(request), options_.timeout);
    if (!answer) co_return runtime::wrap(answer.error(), doing);
    const int status = answer.value().status;
    if (status >= 200 && status < 300) co_return std::move(answer.value());
    const ErrorCode code = status == 404 ? ErrorCode::not_found : status == 401 || status == 403 ? ErrorCode::forbidden : status >= 500 ? ErrorCode::unavailable : ErrorCode::invalid;
    const std::string reason = element(answer.value().body, "Code");
    co_return Error(code, doing + ": " + (reason.empty() ? "status " + std::to_string(status) : reason + ": " + element(answer.value().body, "Message")), status, reason);
  }

  runtime::Runtime& runtime_;
  S3Options options_;
  runtime::HttpClient http_;
  std::string host_;
};

class DirectoryStore final : public ObjectStore {
 public:
  DirectoryStore(runtime::Runtime& runtime, std::string path) : runtime_(runtime), path_(std::move(path)) {}

  Task<Result<void>> put(std::string name, std::string bytes) override {
    const std::string path = path_ + "/" + name;
    CO_TRY(runtime_.disk().make_directories(runtime::parent_path(path)));
    co_return runtime_.disk().write_atomically(path, bytes, 0600);
  }
  Task<Result<std::string>> get(std::string name) override { co_return runtime_.disk().read(path_ + "/" + name); }
  Task<Result<void>> remove(std::string name) override {
    auto removed = runtime_.disk().remove(path_ + "/" + name);
    if (!removed && removed.error().code != ErrorCode::not_found) co_return removed.error();
    co_return success();
  }
  Task<Result<std::vector<StoredObject>>> list(std::string prefix) override {
    std::vector<StoredObject> objects;
    const std::size_t slash = prefix.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : prefix.substr(0, slash + 1);
    auto names = runtime_.disk().list(path_ + "/" + folder);
    if (!names && names.error().code == ErrorCode::not_found) co_return objects;
    if (!names) co_return names.error();
    for (const std::string& name : names.value()) {
      const auto status = runtime_.disk().status(path_ + "/" + folder + name);
      StoredObject object;
      object.name = folder + name;
      if (!status || status.value().is_directory || !object.name.starts_with(prefix)) continue;
      object.size_bytes = status.value().size_bytes;
      objects.push_back(std::move(object));
    }
    co_return objects;
  }

 private:
  runtime::Runtime& runtime_;
  std::string path_;
};

}  // namespace

Task<Result<std::unique_ptr<ObjectStore>>> open_s3(runtime::Runtime& runtime, S3Options options) {
  const bool tls = options.endpoint.starts_with("https://");
  if (!tls && !options.endpoint.starts_with("http://")) co_return Error(ErrorCode::invalid, "S3 endpoint " + options.endpoint + ": expected http:// or https://");
  const std::string host = options.endpoint.substr(tls ? 8 : 7);
  const std::size_t colon = host.rfind(':');
  runtime::Endpoint at;
  at.address = host.substr(0, colon);
  at.port = static_cast<std::uint16_t>(tls ? 443 : 80);
  if (colon != std::string::npos) at.port = static_cast<std::uint16_t>(std::atoi(host.c_str() + colon + 1));
  if (at.address.empty() || at.port == 0) co_return Error(ErrorCode::invalid, "S3 endpoint " + options.endpoint + ": no host or port");
  runtime::HttpClientOptions http;
  if (tls) {
    runtime::TlsClientOptions wanted;
    wanted.ca_pem = options.ca_pem;
    wanted.server_name = at.address;
    http.tls = std::move(wanted);
  }
  http.servers = {at};
  http.connect_timeout = std::min<runtime::Duration>(options.timeout, std::chrono::seconds(5));
  http.request_timeout = options.timeout;
  std::unique_ptr<ObjectStore> store = std::make_unique<S3Store>(runtime, std::move(options), std::move(http), host);
  co_return store;
}

std::unique_ptr<ObjectStore> open_directory(runtime::Runtime& runtime, std::string path) { return std::make_unique<DirectoryStore>(runtime, std::move(path)); }

}  // namespace skidpad::client
