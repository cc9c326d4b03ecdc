#include "fakes/kube_proxy/dns_message.hpp"

#include <gtest/gtest.h>

#include "harness/runtime/dns_client.hpp"

namespace skidpad::fakes::kube_proxy {
namespace {

DnsQuestion read(const std::string& message) {
  std::uint16_t id = 0;
  DnsCode code{};
  const auto question = read_question(message, id, code);
  EXPECT_TRUE(question);
  return question.value_or(DnsQuestion());
}

DnsRecord record(const std::string& name, const std::string& target) {
  DnsRecord one;
  one.name = name;
  one.target = target;
  return one;
}

TEST(DnsMessage, QuestionAndAnswerAgreeWithTheClient) {
  const DnsQuestion question = read(runtime::dns_question(7, "Web.Default.svc.cluster.local"));
  EXPECT_EQ(question.name, "web.default.svc.cluster.local");
  EXPECT_EQ(question.name_as_sent, "Web.Default.svc.cluster.local");
  EXPECT_EQ(question.type, 1);
  DnsAnswer answer;
  answer.records = {record(question.name_as_sent, "10.96.3.4"), record(question.name_as_sent, "10.96.3.5")};
  const auto addresses = runtime::dns_addresses(7, write_answer(question, answer, "cluster.local", 5));
  ASSERT_TRUE(addresses.has_value()) << addresses.error().message;
  EXPECT_EQ(addresses.value(), (std::vector<std::string>{"10.96.3.4", "10.96.3.5"}));
}

TEST(DnsMessage, NegativeAnswersAreUnderstoodAsNotFound) {
  const DnsQuestion question = read(runtime::dns_question(7, "nobody.default.svc.cluster.local"));
  DnsAnswer answer;
  answer.code = DnsCode::no_such_name;
  const auto addresses = runtime::dns_addresses(7, write_answer(question, answer, "cluster.local", 5));
  ASSERT_FALSE(addresses.has_value());
  EXPECT_EQ(addresses.error().code, runtime::ErrorCode::not_found);
}

TEST(DnsMessage, AnswersNeverGrowBeyondWhatTheClientTakes) {
  const DnsQuestion question = read(runtime::dns_question(7, "web.default.svc.cluster.local"));
  DnsAnswer answer;
  for (int i = 0; i < 200; ++i) answer.records.push_back(record(question.name_as_sent, "10.0.0." + std::to_string(i)));
  const std::string bytes = write_answer(question, answer, "cluster.local", 5);
  EXPECT_LE(bytes.size(), 512u);
  EXPECT_NE(static_cast<unsigned char>(bytes[2]) & 0x02, 0);  // truncated
}

TEST(DnsMessage, AnythingMayArrive) {
  const std::string good = runtime::dns_question(7, "web.default.svc.cluster.local");
  std::uint16_t id = 0;
  DnsCode code{};
  for (std::size_t length = 0; length < good.size(); ++length) EXPECT_FALSE(read_question(good.substr(0, length), id, code)) << length;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int value : {0x00, 0x3f, 0x40, 0xc0, 0xff}) {
      std::string bad = good;
      bad[at] = static_cast<char>(value);
      if (const auto question = read_question(bad, id, code)) EXPECT_LE(write_answer(*question, DnsAnswer(), "cluster.local", 5).size(), 1232u);
    }
  }
  std::string response = good;
  response[2] = static_cast<char>(0x80);
  EXPECT_FALSE(read_question(response, id, code));
  EXPECT_EQ(write_failure(id, code).size(), 12u);
}

}  // namespace
}  // namespace skidpad::fakes::kube_proxy
