// The recorded answers of a real kube-apiserver v1.32 against ours, in the simulator over the model of etcd.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "fakes/kube_apiserver/golden/golden_run.hpp"
#include "fakes/kube_apiserver/testing/api_world.hpp"

namespace skidpad::fakes::kube_apiserver::golden {
namespace {

const std::filesystem::path cases_folder = std::filesystem::path(SKIDPAD_SOURCE_DIR) / "fakes/kube_apiserver/golden/cases";

struct GoldenCase {
  std::string name;
  Json document;
};

/// Bodies keep the order of their fields: what strict decoding complains of comes in it. And a simulated process has no /proc.
Json prepared(const nlohmann::ordered_json& recorded) {
  Json document = recorded;
  for (std::size_t i = 0; i < document["steps"].size(); ++i) {
    Json& step = document["steps"][i];
    if (step.contains("lines")) {
      Json kept = Json::array();
      for (const Json& line : step["lines"]) {
        if (line.get<std::string>().find("process_") == std::string::npos) kept.push_back(line);
      }
      step["lines"] = std::move(kept);
    }
    if (!step.contains("request") || !step["request"].contains("body")) continue;
    const std::string text = recorded["steps"][i]["request"]["body"].dump();
    if (text.find("$from") != std::string::npos || text.find("${int:") != std::string::npos) continue;  // made of captured values
    step["request"].erase("body");
    step["request"]["raw"] = text;
  }
  return document;
}

std::vector<GoldenCase> cases_of(const std::string& area) {
  std::vector<GoldenCase> cases;
  for (const auto& entry : std::filesystem::directory_iterator(cases_folder / area)) {
    std::ifstream file(entry.path());
    cases.push_back({area + "/" + entry.path().stem().string(), prepared(nlohmann::ordered_json::parse(file))});
  }
  std::sort(cases.begin(), cases.end(), [](const GoldenCase& a, const GoldenCase& b) { return a.name < b.name; });
  return cases;
}

/// Runs cases one after the other against one server; what differs is in `failures`.
std::vector<std::string> failures_of(const std::vector<GoldenCase>& cases) {
  testing::ApiWorld world;
  std::vector<std::string> failures;
  const testing::ApiWorld::Body body = [&](runtime::Runtime& runtime) -> Task<void> {
    GoldenServer server;
    server.endpoint = testing::ApiWorld::api();
    server.etcd = testing::ApiWorld::etcd_endpoint();
    server.tls = testing::ApiWorld::tls();
    for (const GoldenCase& each : cases) {
      const std::int64_t attempts = runtime::integer_at(each.document, {"attempts"}, 1);
      std::string failure;
      for (std::int64_t attempt = 0; attempt < attempts; ++attempt) {
        Json document = each.document;
        GoldenRun run(runtime, server, std::move(document));
        failure = co_await run.run();
        if (failure.empty()) break;
      }
      if (!failure.empty()) failures.push_back(each.name + ": " + failure);
    }
  };
  EXPECT_TRUE(world.run(body)) << "the cases did not end";
  return failures;
}

class GoldenCases : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenCases, AnswersAreTheRecordedOnes) {
  auto cases = cases_of(GetParam());
  ASSERT_FALSE(cases.empty());
  for (const std::string& failure : failures_of(cases)) ADD_FAILURE() << failure;
}

INSTANTIATE_TEST_SUITE_P(ByArea, GoldenCases,
                         ::testing::Values("access", "apply", "concurrency", "crd", "crud", "defaults", "discovery", "errors", "lifecycle", "list", "negotiation", "options", "patch",
                                         "subresources", "watch"),
                         [](const auto& info) { return std::string(info.param); });

// The comparison itself must be able to fail: each row plants one lie into a recorded answer.
struct Lie {
  const char* pointer;
  Json value;
  const char* expected;
};

TEST(GoldenComparison, FailsOnEachPlantedLie) {
  const std::vector<Lie> lies = {
      {"/steps/0/response/status", 200, "expected status 200, got 201"},
      {"/steps/0/response/body/metadata/name", "b", "/metadata/name: expected"},
      {"/steps/0/response/body/extra", 1, "field extra is missing"},
      {"/steps/0/response/headers/Content-Type", "text/plain", "header Content-Type"},
      {"/steps/1/response/body/metadata/uid", "<uid:2>", "must differ from"},
  };
  for (const Lie& lie : lies) {
    GoldenCase planted{"planted", Json::parse(R"({"format":1,"name":"planted","steps":[
      {"step":"create","request":{"method":"POST","path":"/api/v1/namespaces/${ns}/configmaps","body":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}},
       "project":["/kind","/metadata/name","/metadata/uid"],
       "response":{"status":201,"headers":{"Content-Type":"application/json"},"body":{"kind":"ConfigMap","metadata":{"name":"a","uid":"<uid:1>"}}}},
      {"step":"get","request":{"method":"GET","path":"/api/v1/namespaces/${ns}/configmaps/a"},"project":["/metadata/uid"],
       "response":{"status":200,"body":{"metadata":{"uid":"<uid:1>"}}}}]})")};
    planted.document[Json::json_pointer(lie.pointer)] = lie.value;
    const auto failures = failures_of({planted});
    ASSERT_EQ(failures.size(), 1u) << lie.pointer;
    EXPECT_NE(failures[0].find(lie.expected), std::string::npos) << failures[0];
  }
}

TEST(GoldenComparison, PlaceholdersKeepOneMeaningAndVersionsTheirOrder) {
  const auto difference = [](const char* wanted, const char* got) {
    Variables variables;
    variables.set("name", "web");
    Holes holes(variables);
    try {
      holes.compare(Json::parse(wanted), Json::parse(got), "");
    } catch (const Mismatch& mismatch) {
      return std::string(mismatch.what());
    }
    return std::string();
  };
  EXPECT_EQ(difference(R"(["<rv:1>","<rv:2>","<rv:1>"])", R"(["7","9","7"])"), "");
  EXPECT_NE(difference(R"(["<rv:1>","<rv:2>"])", R"(["9","7"])"), "");
  EXPECT_NE(difference(R"(["<rv:1>","<rv:2>"])", R"(["7","7"])"), "");
  EXPECT_EQ(difference(R"("${name}-<rand:1>")", R"("web-bcdfg")"), "");
  EXPECT_NE(difference(R"("${name}-<rand:1>")", R"("web-aeiou")"), "");
  EXPECT_EQ(difference(R"("<time>")", R"("2026-01-01T00:00:00Z")"), "");
  EXPECT_NE(difference(R"("<time>")", R"("2026-01-01T00:00:00.5Z")"), "");
  EXPECT_EQ(difference(R"("x: <any>: y")", R"("x: core.Pod{}: y")"), "");
  EXPECT_NE(difference(R"({"a":1})", R"({"a":1,"b":2})"), "");
  EXPECT_NE(difference("1", "1.0"), "");
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver::golden
