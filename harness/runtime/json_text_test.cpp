#include "harness/runtime/json_text.hpp"

#include <gtest/gtest.h>

#include "harness/runtime/random.hpp"

namespace skidpad::runtime {
namespace {

Json by_nlohmann(std::string_view text) { return Json::parse(text, nullptr, false); }

TEST(JsonText, ReadsWhatNlohmannReads) {
  for (const std::string text :
       {"{}", "[]", " [ 1 , 2 ] ", "0", "-0", "7", "-7", "18446744073709551615", "-9223372036854775808", "1.5", "-2e3", "1E-2", "0.1e+5", "true", "false", "null", "\"\"",
        R"("a\"\\\/\b\f\n\r\tz")", R"("\u0041\u00e9\u20ac\ud83d\ude00")", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", R"({"b":1,"a":{"c":[{},[]]},"":null})",
        R"({"a":1,"a":{"b":2}})", R"({"a":{"b":2},"a":[3]})", "\"\x7f\"", "\t\r\n {\"x\" : \"y\" } \n"}) {
    Json value;
    ASSERT_TRUE(read_json_text(text, value)) << text;
    EXPECT_EQ(value, by_nlohmann(text)) << text;
    EXPECT_EQ(value.type(), by_nlohmann(text).type()) << text;
    EXPECT_EQ(json_text(value), value.dump()) << text;
  }
}

TEST(JsonText, RefusesWhatNlohmannRefuses) {
  for (const std::string text :
       {"", " ", "{", "[", "]", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "01", "-", "1.", ".5", "1e", "+1", "tru", "nul", "truex", "\"", "\"\n\"", "\"\\x\"", "\"\\u12g4\"",
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "1 2", "[1 2]", "'a'"}) {
    Json value;
    EXPECT_TRUE(by_nlohmann(text).is_discarded()) << text;
    EXPECT_FALSE(read_json_text(text, value)) << text;
  }
}

TEST(JsonText, LeavesExtremesToNlohmann) {
  Json value;
  EXPECT_FALSE(read_json_text(std::string(5000, '[') + std::string(5000, ']'), value));
  EXPECT_FALSE(read_json_text("18446744073709551616", value));
  EXPECT_FALSE(read_json_text("\xef\xbb\xbf{}", value));
  EXPECT_EQ(parse_json("18446744073709551616").value(), by_nlohmann("18446744073709551616"));
  EXPECT_EQ(parse_json("\xef\xbb\xbf{}").value(), Json::object());
  EXPECT_TRUE(parse_json(std::string(5000, '[') + std::string(5000, ']')));
  EXPECT_FALSE(parse_json(std::string(20000, '[') + std::string(20000, ']')));
}

TEST(JsonText, CountsLevels) {
  Json value;
  EXPECT_TRUE(read_json_text("[{\"a\":1}]", value, nullptr, 2));
  EXPECT_FALSE(read_json_text("[{\"a\":[]}]", value, nullptr, 2));
  EXPECT_TRUE(read_json_text("7", value, nullptr, 0));
  EXPECT_TRUE(parse_json("[[]]", 2));
  EXPECT_FALSE(parse_json("[[[]]]", 2));
}

TEST(JsonText, TellsOfRepeatedKeys) {
  for (const auto& [text, repeats] : std::map<std::string, bool>{{R"({"a":1,"b":{"a":2}})", false}, {R"([{"a":1},{"a":1}])", false}, {R"({"b":{"a":1,"c":2,"a":3}})", true}}) {
    Json value;
    bool repeated = !repeats;
    EXPECT_TRUE(read_json_text(text, value, &repeated));
    EXPECT_EQ(repeated, repeats) << text;
  }
}

TEST(JsonText, SharesAValueWhileItIsHeld) {
  const auto first = read_shared_json(R"({"a":[1]})");
  EXPECT_EQ(*first, by_nlohmann(R"({"a":[1]})"));
  EXPECT_EQ(read_shared_json(R"({"a":[1]})"), first);
  EXPECT_NE(read_shared_json(R"({"a":[2]})"), first);
  EXPECT_EQ(read_shared_json("{"), nullptr);
  EXPECT_EQ(read_shared_json("18446744073709551616")->type(), Json::value_t::number_float);
}

TEST(JsonText, RefusesToWriteWhatIsNoText) { EXPECT_THROW(json_text(Json("a\xff")), Json::type_error); }

/// Any document, and documents with a byte changed: accepted and read alike, written alike.
TEST(JsonText, AgreesWithNlohmannOnMutatedDocuments) {
  const std::string seedling = R"({"kind":"Pod","metadata":{"labels":{"a":"b\n"},"n":-12.5e3},"list":[1,2,{"x":null}],"t":true,"u":"\u00e9"})";
  Random random(7);
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = seedling;
    for (std::uint64_t changes = random.below(3) + 1; changes > 0; --changes) {
      const std::size_t at = random.below(text.size());
      constexpr std::string_view bytes = "{}[]\",:\\0123.-eEtrun /\x80\xc3\xa9\x01";
      if (random.below(3) == 0) text.erase(at, 1);
      else text[at] = bytes[random.below(bytes.size())];
    }
    Json value;
    const Json expected = by_nlohmann(text);
    const bool read = read_json_text(text, value);
    ASSERT_EQ(read, !expected.is_discarded()) << text;
    if (!read) continue;
    ++accepted;
    ASSERT_EQ(value, expected) << text;
    ASSERT_EQ(json_text(value), expected.dump()) << text;
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace skidpad::runtime
