#include "harness/runtime/flags.hpp"

#include <gtest/gtest.h>

#include "harness/runtime/usage_error.hpp"

namespace skidpad::runtime {
namespace {

struct Example {
  std::string text = "default";
  std::int64_t number = 7;
  bool on = false;
  Duration wait = 10s;
  std::vector<std::string> list{"a"};
  std::map<std::string, std::string> gates;
  Flags flags{"example", "An example."};
  Example() {
    flags.add("text", text, "some text");
    flags.add("number", number);
    flags.add("on", on);
    flags.add("wait-time", wait, "how long");
    flags.add("list", list);
    flags.add("gates", gates);
    flags.accept("profiling", "there is no profiler");
    std::int64_t& level = verbosity;
    flags.add("v", level);
  }
  std::int64_t verbosity = 0;

  std::string complaint_about(std::vector<std::string> arguments) {
    try {
      flags.parse(arguments);
      return "";
    } catch (const UsageError& error) {
      return error.what();
    }
  }
};

TEST(Flags, TakeValuesBehindEqualsSignOrAsNextArgument) {
  Example example;
  EXPECT_TRUE(example.flags.parse({"--text=[a,b]", "--number", "-0x10", "--on", "--wait_time=1m30s", "-v=4"}));
  EXPECT_EQ(example.text, "[a,b]");
  EXPECT_EQ(example.number, -16);
  EXPECT_TRUE(example.on);
  EXPECT_EQ(example.wait, 90s);
  EXPECT_EQ(example.verbosity, 4);
  EXPECT_TRUE(example.flags.given("text"));
  EXPECT_FALSE(example.flags.given("list"));
}

TEST(Flags, AnEmptyValueIsAValue) {
  Example example;
  EXPECT_TRUE(example.flags.parse({"--text="}));
  EXPECT_EQ(example.text, "");
}

TEST(Flags, ListsAndMapsReplaceTheDefaultAndThenAdd) {
  Example example;
  EXPECT_TRUE(example.flags.parse({"--list=b,c", "--list", "d", "--gates=A=true,B=false", "--gates=B=true"}));
  EXPECT_EQ(example.list, (std::vector<std::string>{"b", "c", "d"}));
  EXPECT_EQ(example.gates, (std::map<std::string, std::string>{{"A", "true"}, {"B", "true"}}));
}

TEST(Flags, SwitchesDoNotEatTheNextArgument) {
  Example example;
  std::vector<std::string> rest;
  example.flags.add_positional("FILE", rest);
  EXPECT_TRUE(example.flags.parse({"--on", "file", "--", "--text"}));
  EXPECT_EQ(rest, (std::vector<std::string>{"file", "--text"}));
}

TEST(Flags, AcceptedFlagsTakeAnyForm) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--profiling", "--on"}, {"--profiling=false", "--on"}, {"--profiling", "false", "--on"}}) {
    Example example;
    EXPECT_TRUE(example.flags.parse(arguments));
    EXPECT_TRUE(example.on);
  }
}

TEST(Flags, ComplainInThePflagManner) {
  struct Case {
    std::vector<std::string> arguments;
    std::string complaint;
  };
  const std::vector<Case> cases{
      {{"--x"}, "unknown flag: --x"},
      {{"-x"}, "unknown shorthand flag: 'x' in -x"},
      {{"-text=a"}, "unknown shorthand flag: 't' in -text=a"},
      {{"--text"}, "flag needs an argument: --text"},
      {{"--=a"}, "bad flag syntax: --=a"},
      {{"--number=a"}, "invalid argument \"a\" for \"--number\" flag: strconv.ParseInt: parsing \"a\": invalid syntax"},
      {{"--number="}, "invalid argument \"\" for \"--number\" flag: strconv.ParseInt: parsing \"\": invalid syntax"},
      {{"--number=9223372036854775808"},
       "invalid argument \"9223372036854775808\" for \"--number\" flag: strconv.ParseInt: parsing \"9223372036854775808\": value out of range"},
      {{"--on=yes"}, "invalid argument \"yes\" for \"--on\" flag: strconv.ParseBool: parsing \"yes\": invalid syntax"},
      {{"--wait-time=5"}, "invalid argument \"5\" for \"--wait-time\" flag: time: missing unit in duration \"5\""},
      {{"--wait-time=x"}, "invalid argument \"x\" for \"--wait-time\" flag: time: invalid duration \"x\""},
      {{"--gates=A"}, "invalid argument \"A\" for \"--gates\" flag: A must be formatted as key=value"},
      {{"stray"}, "\"example\" does not take any arguments, got \"stray\""},
  };
  for (const Case& wrong : cases) {
    Example example;
    EXPECT_EQ(example.complaint_about(wrong.arguments), wrong.complaint);
  }
}

TEST(Flags, NameAllRequiredFlagsThatAreMissing) {
  Example example;
  example.flags.require("text");
  example.flags.require("list");
  EXPECT_EQ(example.complaint_about({"--number=1"}), "required flag(s) \"list\", \"text\" not set");
}

TEST(Flags, HelpAndVersionEndParsing) {
  Example example;
  EXPECT_EQ(example.complaint_about({"--version"}), "unknown flag: --version");
  example.flags.set_version("Kubernetes v1.32.0");
  EXPECT_FALSE(example.flags.parse({"--version", "--x"}));
  EXPECT_EQ(example.flags.output(), "Kubernetes v1.32.0\n");
  EXPECT_FALSE(example.flags.parse({"-h"}));
  EXPECT_NE(example.flags.output().find("      --wait-time duration      how long (default 10s)\n"), std::string::npos) << example.flags.output();
}

}  // namespace
}  // namespace skidpad::runtime
