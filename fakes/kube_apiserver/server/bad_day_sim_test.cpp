// What clients do on a bad day: each row is bytes on a connection and the status the real server documents for them. Afterwards nothing
// may have been written, and the server answers on.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "fakes/kube_apiserver/testing/api_world.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using namespace std::chrono_literals;
using runtime::Runtime;
using runtime::Task;
using testing::ApiWorld;

/// Opens a connection, sends the bytes, reads until the end of the head. "" if the server closed or said nothing in time.
Task<std::string> talk(Runtime& runtime, std::string bytes, runtime::Duration patience = 5s) {
  runtime::ConnectOptions options;
  options.to = ApiWorld::api();
  options.tls = ApiWorld::tls();
  auto connection = co_await runtime.network().connect(options);
  if (!connection) co_return std::string("no connection: ") + connection.error().message;
  auto written = co_await connection.value()->write(std::move(bytes));
  std::string answer;
  const runtime::Instant due = runtime.now() + patience;
  while (written && answer.find("\r\n\r\n") == std::string::npos && runtime.now() < due) {
    const runtime::Duration left = due - runtime.now();
    auto part = co_await runtime::with_timeout<std::string>(runtime, left, connection.value()->read_some(), "reading");
    if (!part || part.value().empty()) break;
    answer += part.value();
  }
  co_return answer;
}

int status_of(const std::string& answer) { return answer.compare(0, 9, "HTTP/1.1 ") == 0 ? std::stoi(answer.substr(9, 3)) : 0; }

std::string request(const std::string& line, const std::string& body = "", const std::string& type = "application/json", const std::string& more = "") {
  std::string text = line + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admintoken\r\n" + more;
  if (!body.empty()) text += "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

const std::string configmaps = "/api/v1/namespaces/default/configmaps";

std::string deep_json(std::size_t depth) {
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

std::string many_headers(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) text += "X-" + std::to_string(i) + ": " + std::string(20, 'a') + "\r\n";
  return text;
}

struct BadDay {
  const char* name;
  std::string bytes;
  std::vector<int> statuses;  ///< any of these; 0: closed without a word
};

std::vector<BadDay> rows() {
  const std::string good = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}})";
  return {
      {"garbage", "\x16\x03\x01 what is this\r\n\r\n", {400}},
      {"no version", "GET /api\r\n\r\n", {400}},
      {"http 9", "GET /api HTTP/9.9\r\n\r\n", {400, 505}},
      {"bad header", "GET /api HTTP/1.1\r\nno colon here\r\n\r\n", {400}},
      {"bad length", "POST " + configmaps + " HTTP/1.1\r\nHost: a\r\nContent-Length: banana\r\n\r\n", {400}},
      {"two lengths", "POST " + configmaps + " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", {400}},
      {"bad chunk", "POST " + configmaps + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", {400}},
      {"huge header", "GET /api HTTP/1.1\r\nHost: a\r\nX: " + std::string(2 << 20, 'a') + "\r\n\r\n", {431}},
      {"many small headers", "GET /api HTTP/1.1\r\nHost: a\r\n" + many_headers(2 << 20) + "\r\n", {431}},
      {"huge body", request("POST " + configmaps, R"({"data":{"a":")" + std::string(4 << 20, 'x') + "\"}}"), {413}},
      {"body beyond all reading", "POST " + configmaps + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admintoken\r\nContent-Length: 999999999999\r\n\r\n", {413}},
      {"deep json", request("POST " + configmaps, deep_json(20000)), {400}},
      {"bad utf-8", request("POST " + configmaps, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\xff\xfe\"}}"), {400, 422}},
      {"no json", request("POST " + configmaps, "hello"), {400}},
      {"half json", request("POST " + configmaps, good.substr(0, 30)), {400}},
      {"json list", request("POST " + configmaps, "[1,2]"), {400}},
      {"empty body", "POST " + configmaps + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admintoken\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n", {400, 422}},
      {"duplicate key, strict", request("POST " + configmaps + "?fieldValidation=Strict", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d","name":"e"}})"), {400}},
      {"wrong media type", request("POST " + configmaps, good, "text/plain"), {415}},
      {"protobuf that is none", request("POST " + configmaps, "k8s", "application/vnd.kubernetes.protobuf"), {400}},
      {"yaml bomb", request("POST " + configmaps, "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                                                    "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n",
                             "application/yaml"), {400}},
      {"unknown verb", request("FROBNICATE " + configmaps), {405}},
      {"wrong verb", request("PUT " + configmaps, good), {405}},
      {"trace", request("TRACE " + configmaps), {405}},
      {"dots climb out", request("GET /api/v1/namespaces/default/configmaps/../../../../etc/passwd"), {404}},
      {"escaped dots", request("POST /api/v1/namespaces/default/%2e%2e/configmaps", good), {404, 405}},
      {"escaped slash in a name", request("GET /api/v1/namespaces/default/configmaps/a%2fb"), {404}},
      {"nul in a name", request("GET " + configmaps + "/a%00b"), {400, 404}},
      {"bad escape", request("GET " + configmaps + "/%zz"), {400, 404}},
      {"name with a newline", request("POST " + configmaps, R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a\nb"}})"), {422}},
      {"limit is no number", request("GET " + configmaps + "?limit=many"), {400}},
      {"negative watch version", request("GET " + configmaps + "?watch=1&resourceVersion=-5"), {400, 500}},
      {"selector is nonsense", request("GET " + configmaps + "?labelSelector=%3D%3D%3D"), {400}},
      {"json patch of a thousand steps", [] {
         std::string patch = "[";
         for (int i = 0; i < 20000; ++i) patch += std::string(i == 0 ? "" : ",") + R"({"op":"test","path":"/kind","value":"Namespace"})";
         return request("PATCH /api/v1/namespaces/default", patch + "]", "application/json-patch+json");
       }(), {413}},
      {"patch of unknown kind", request("PATCH /api/v1/namespaces/default", "{}", "application/octet-stream"), {415}},
      {"unknown token", "GET /api/v1/nodes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer wrong\r\n\r\n", {401}},
      {"no token", "GET /api/v1/nodes HTTP/1.1\r\nHost: a\r\n\r\n", {403}},
  };
}

/// Connections that send half a request, or nothing, are closed in time, and others are served meanwhile.
Task<Json> get(Runtime& runtime, std::string target) {
  runtime::HttpClient http(runtime, ApiWorld::http_options());
  runtime::HttpRequest request;
  request.target = std::move(target);
  request.headers.add("Authorization", "Bearer admintoken");
  auto answer = co_await http.request(std::move(request));
  if (!answer) co_return Json();
  co_return Json::parse(answer.value().body, nullptr, false);
}

TEST(BadDay, EachMisdeedGetsItsStatusAndWritesNothing) {
  ApiWorld world;
  const ApiWorld::Body body = [](Runtime& runtime) -> Task<void> {
    const Json before = co_await get(runtime, configmaps);
    for (const BadDay& row : rows()) {
      const std::string answer = co_await talk(runtime, row.bytes);
      const int status = status_of(answer);
      EXPECT_NE(std::find(row.statuses.begin(), row.statuses.end(), status), row.statuses.end()) << row.name << ": got " << status << "; " << answer.substr(0, 300);
    }
    const Json after = co_await get(runtime, configmaps);
    EXPECT_EQ(after["items"], before["items"]);
    const Json space = co_await get(runtime, "/api/v1/namespaces/default");
    EXPECT_EQ(space["metadata"]["name"], "default") << "the server answers on";
  };
  ASSERT_TRUE(world.run(body));
}

TEST(BadDay, SlowAndHalfOpenClientsAreClosedInTimeAndDoNotHoldUpOthers) {
  ApiWorld world;
  const ApiWorld::Body body = [](Runtime& runtime) -> Task<void> {
    std::vector<std::unique_ptr<runtime::Connection>> idle;
    for (int i = 0; i < 200; ++i) {
      runtime::ConnectOptions options;
      options.to = ApiWorld::api();
      options.tls = ApiWorld::tls();
      auto connection = co_await runtime.network().connect(options);
      if (!connection) break;
      std::string half = i % 2 == 0 ? "GET /api HTTP/1.1\r\nHo" : "";
      if (!half.empty()) (void)co_await connection.value()->write(std::move(half));
      idle.push_back(std::move(connection.value()));
    }
    EXPECT_EQ(idle.size(), 200u);
    const runtime::Instant asked = runtime.now();
    const Json space = co_await get(runtime, "/api/v1/namespaces/default");
    EXPECT_EQ(space["metadata"]["name"], "default");
    EXPECT_LT(runtime.now() - asked, 1s);
    co_await runtime.sleep_for(4min);
    for (auto& connection : idle) {
      auto end = co_await runtime::with_timeout<std::string>(runtime, 1s, connection->read_some(), "reading the end");
      if (!end) {
        EXPECT_NE(end.error().code, runtime::ErrorCode::timeout) << "still open after four minutes";
        continue;
      }
      EXPECT_TRUE(end.value().empty()) << "the server closes without a word, or says 408";
    }
  };
  ASSERT_TRUE(world.run(body));
}

struct Certificate {
  const char* name;
  bool foreign;
  bool expired;
  int status;
};

TEST(BadDay, ForeignAndExpiredCertificatesAreRefused) {
  const Certificate certificates[] = {{"good", false, false, 200}, {"foreign", true, false, 401}, {"expired", false, true, 401}};
  ApiWorld world;
  const ApiWorld::Body body = [&](Runtime& runtime) -> Task<void> {
    for (const Certificate& each : certificates) {
      runtime::CertificateSpec spec;
      spec.common_name = "operator";
      spec.organizations = {"system:masters"};
      spec.client = true;
      if (each.expired) spec.lifetime = -1min;
      runtime::KeyPair authority = world.client_ca;
      if (each.foreign) authority = world.pki->make_ca("another", 24h).value();
      const runtime::KeyPair pair = world.pki->issue(authority, spec).value();
      runtime::HttpClientOptions options = ApiWorld::http_options();
      options.tls->certificate_pem = pair.certificate_pem;
      options.tls->key_pem = pair.key_pem;
      runtime::HttpClient http(runtime, options);
      runtime::HttpRequest request;
      request.target = "/api/v1/nodes";
      auto answer = co_await http.request(std::move(request));
      if (!answer) {
        EXPECT_NE(each.status, 200) << each.name << ": " << answer.error().message;
        continue;
      }
      EXPECT_EQ(answer.value().status, each.status) << each.name << ": " << answer.value().body;
    }
  };
  ASSERT_TRUE(world.run(body));
}

/// Good requests as bytes, in the order of their names.
std::vector<std::string> good_requests() {
  std::vector<std::filesystem::path> paths;
  const auto folder = std::filesystem::path(SKIDPAD_SOURCE_DIR) / "fakes/kube_apiserver/testing/requests";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> requests;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    requests.push_back(text.str());
  }
  return requests;
}

/// A few bytes changed, taken out, doubled, or replaced by words that mean something to the server.
std::string damaged(std::string bytes, runtime::Random& random) {
  static const std::vector<std::string> words = {"$patch", "$retainKeys", "$setElementOrder/x", "null", "{}", "[]", "-1", "99999999999999999999", "1e400", "\\u0000", "\xff\xfe", "%00", "%2e%2e",
                                                 "application/json-patch+json", "application/apply-patch+yaml", "application/strategic-merge-patch+json", "application/vnd.kubernetes.protobuf",
                                                 "metadata", "managedFields", "resourceVersion", "\r\n", "&*a", "!!binary x", std::string(5000, '[')};
  const std::size_t count = 1 + random.below(4);
  for (std::size_t i = 0; i < count && !bytes.empty(); ++i) {
    const std::size_t at = random.below(bytes.size());
    const std::size_t length = std::min<std::size_t>(1 + random.below(12), bytes.size() - at);
    switch (random.below(5)) {
      case 0: bytes[at] = static_cast<char>(random.below(256)); break;
      case 1: bytes.erase(at, length); break;
      case 2: bytes.insert(at, bytes.substr(at, length)); break;
      case 3: bytes.replace(at, length, words[random.below(words.size())]); break;
      default: bytes.insert(at, words[random.below(words.size())]); break;
    }
  }
  return bytes;
}

TEST(BadDay, TheServerOutlivesDamagedRequests) {
  const std::vector<std::string> seeds = good_requests();
  ASSERT_GT(seeds.size(), 10u);
  ApiWorld world;
  const ApiWorld::Body body = [&](Runtime& runtime) -> Task<void> {
    runtime::Random random = runtime.random().split("damage");
    for (int i = 0; i < 600; ++i) {
      const std::string whole = seeds[static_cast<std::size_t>(i) % seeds.size()];
      std::string bytes = i < static_cast<int>(seeds.size()) ? whole : damaged(whole, random);
      // A length that is a lie makes the server wait for the rest; that is tried above.
      const std::string answer = co_await talk(runtime, std::move(bytes), 200ms);
      // 500 may be the documented answer; an exception of a library never is.
      EXPECT_EQ(answer.find(".exception."), std::string::npos) << "input " << i << ": " << whole.substr(0, 60) << " -> " << answer.substr(0, 600);
    }
    const Json space = co_await get(runtime, "/api/v1/namespaces/kube-system");
    EXPECT_EQ(space["metadata"]["name"], "kube-system") << "the server answers on";
  };
  ASSERT_TRUE(world.run(body));
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver
