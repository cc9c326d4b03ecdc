#include "harness/scenario/listing.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "harness/runtime/usage_error.hpp"
#include "harness/scenario/behaviours.hpp"
#include "harness/scenario/scenario_testing.hpp"

namespace skidpad::scenario {
namespace {

struct Printed {
  int exit_code;
  std::string out, error;
};
template <class Verb>
Printed print(Verb verb, const std::vector<std::string>& files) {
  std::ostringstream out, error;
  const int exit_code = verb(files, out, error);
  return {exit_code, out.str(), error.str()};
}

std::size_t lines(const std::string& text) { return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')); }

const std::string good = (testing::testdata_folder() / "good-small.input.yaml").string();
const std::string bad = (testing::testdata_folder() / "two-etcd-members.input.yaml").string();

TEST(ValidateFiles, SaysOneLineForEachFile) {
  const Printed printed = print(validate_files, {good, bad, "/nowhere.yaml", good});
  EXPECT_EQ(printed.exit_code, exit_usage);
  EXPECT_EQ(lines(printed.out), 2u) << printed.out;
  EXPECT_EQ(lines(printed.error), 2u) << printed.error;
  EXPECT_TRUE(printed.error.starts_with(bad + ":7:9: topology.etcd: ")) << printed.error;
}

TEST(ValidateFiles, PassesWhenAllAreGood) {
  const Printed printed = print(validate_files, find_scenarios(testing::source_folder() / "scenarios"));
  EXPECT_EQ(printed.exit_code, exit_pass) << printed.error;
  EXPECT_EQ(printed.error, "");
}

TEST(ValidateFiles, OfNothingIsAUsageError) { EXPECT_EQ(print(validate_files, {}).exit_code, exit_usage); }

TEST(ListScenarios, ShowsNameDriversBehavioursAndHypothesis) {
  const Printed printed = print(list_scenarios, {good, bad});
  EXPECT_EQ(printed.exit_code, exit_usage);
  EXPECT_EQ(printed.out,
            "NAME        DRIVERS  BEHAVIOURS  HYPOTHESIS\n"
            "good-small  any      N1          What is believed.\n");
  EXPECT_EQ(lines(printed.error), 1u);
}

TEST(ListBehaviours, ShowsEveryRowOnce) {
  const Printed printed = print(list_behaviours, {good});
  EXPECT_EQ(lines(printed.out), behaviours().size() + 1);
  EXPECT_NE(printed.out.find("N1   Node detector"), std::string::npos);
  EXPECT_NE(printed.out.find("good-small\n"), std::string::npos);
  EXPECT_NE(printed.out.find("  -\n"), std::string::npos);
}

TEST(FindScenario, TakesANameOrAFile) {
  const auto folder = testing::source_folder() / "scenarios";
  EXPECT_EQ(find_scenario("node-loss", folder), (folder / "conformance/node-loss.yaml").string());
  EXPECT_EQ(find_scenario("./some/file", folder), "./some/file");
  EXPECT_EQ(find_scenario("other.yaml", folder), "other.yaml");
  try {
    find_scenario("node-los", folder);
    ADD_FAILURE();
  } catch (const UsageError& refused) {
    EXPECT_NE(std::string(refused.what()).find("did you mean \"node-loss\"?"), std::string::npos) << refused.what();
  }
  EXPECT_THROW(find_scenario("node-loss", "/nowhere"), UsageError);
}

}  // namespace
}  // namespace skidpad::scenario
