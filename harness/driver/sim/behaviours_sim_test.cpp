// What a real controller-manager and scheduler did on hollow nodes, ours must do as well: each script is played in the
// simulator, and the facts recorded with it are checked on our own trace.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "harness/driver/sim/behaviour_facts_testing.hpp"
#include "harness/driver/sim/behaviour_player_testing.hpp"

namespace skidpad::behaviours {
namespace {

const std::filesystem::path& script_folder() {
  static const std::filesystem::path folder = std::filesystem::path(SKIDPAD_SOURCE_DIR) / "harness/driver/sim/testdata/behaviours";
  return folder;
}

std::vector<std::string> script_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(script_folder())) names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

class Behaviour : public ::testing::TestWithParam<std::string> {};

TEST_P(Behaviour, ShowsTheFactsOfTheRealOne) {
  std::ifstream file(script_folder() / (GetParam() + ".json"));
  const Json script = Json::parse(file);
  Player player(script);
  const Json events = player.run();
  EXPECT_EQ(player.failure(), "");
  // For a look at a trace: it has the form that golden traces have.
  if (const char* folder = std::getenv("SKIDPAD_TRACES")) {
    std::ofstream trace(std::string(folder) + "/" + GetParam() + ".json");
    trace << "{\"events\": [\n";
    for (std::size_t i = 0; i < events.size(); ++i) trace << (i == 0 ? "" : ",\n") << events[i].dump();
    trace << "]}\n";
  }
  for (const Json& fact : script["facts"]) EXPECT_EQ(check_fact(fact["check"], events), "") << fact["text"];
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Scripts, Behaviour, ::testing::ValuesIn(script_names()), test_name);

/// Each check must also fail where it should.
TEST(BehaviourFacts, FailOnATraceThatBreaksThem) {
  const Json events = Json::parse(R"([
    {"t": 0, "event": "ACTION", "name": "create it"},
    {"t": 1, "event": "ADDED", "kind": "Pod", "name": "a-<p1>", "object": {"status": {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}]}}},
    {"t": 3, "event": "MODIFIED", "kind": "Pod", "name": "a-<p1>", "object": {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}},
    {"t": 4, "event": "ADDED", "kind": "Pod", "name": "b", "object": {"status": {"phase": "Pending"}}},
    {"t": 5, "event": "DELETED", "kind": "Pod", "name": "b", "object": {"status": {"phase": "Pending"}}}])");
  const struct {
    const char* check;
    bool good;
  } cases[] = {
      {R"({"order": [{"event": "ACTION", "name": "create*"}, {"kind": "Pod", "event": "DELETED"}]})", true},
      {R"({"order": [{"kind": "Pod", "event": "DELETED"}, {"event": "ACTION", "name": "create*"}]})", false},
      {R"({"after": {"event": "ACTION", "name": "create it"}, "comes": {"kind": "Pod", "where": {"/status/phase": "Running"}}, "min": 2, "max": 4})", true},
      {R"({"after": {"event": "ACTION", "name": "create it"}, "comes": {"kind": "Pod", "where": {"/status/phase": "Running"}}, "max": 2})", false},
      {R"({"never": {"kind": "Pod", "name": "c*"}})", true},
      {R"({"never": {"kind": "Pod", "name": "a-*", "where": {"/status/conditions/type=Ready/status": "True"}}})", false},
      {R"({"never": {"kind": "Pod", "name": "b"}, "from": {"event": "ACTION", "name": "nobody did this"}})", false},
      {R"({"count": {"kind": "Pod", "event": "ADDED"}, "is": 2})", true},
      {R"({"count": {"kind": "Pod", "event": "ADDED"}, "max": 1})", false},
      {R"({"always": {"kind": "Pod"}, "max": 2})", true},
      {R"({"always": {"kind": "Pod"}, "min": 1, "max": 1, "from": {"kind": "Pod", "event": "ADDED"}})", false},
      {R"({"finally": {"kind": "Pod", "where": {"/status/conditions": {"has": {"type": "Ready", "status": {"in": ["True"]}}}}}, "is": 1})", true},
      {R"({"finally": {"kind": "Pod", "name": "b"}})", false},
      {R"({"count": {"where": {"/status/phase": {"matches": "^Run"}, "/status/reason": {"absent": true}, "/status/conditions": {"length": 1}}}, "is": 1})", true},
      {R"({"surely": {}})", false},
  };
  for (const auto& expected : cases) {
    const std::string wrong = check_fact(Json::parse(expected.check), events);
    EXPECT_EQ(wrong.empty(), expected.good) << expected.check << ": " << wrong;
  }
}

}  // namespace
}  // namespace skidpad::behaviours
