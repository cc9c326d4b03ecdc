#include "fakes/kubelet/eviction.hpp"

#include <gtest/gtest.h>

#include "fakes/kubelet/grpc_health.hpp"

namespace skidpad::fakes::kubelet {
namespace {

TEST(EvictionThresholds, AreReadAndWrongOnesNamed) {
  const auto thresholds = parse_eviction_thresholds("nodefs.available<10%,memory.available<100Mi");
  ASSERT_TRUE(thresholds);
  ASSERT_EQ(thresholds.value().size(), 2u);
  EXPECT_EQ(thresholds.value()[0].quantity_bytes(1000), 100u);
  EXPECT_EQ(thresholds.value()[1].quantity_bytes(1000), 100u << 20);
  EXPECT_TRUE(parse_eviction_thresholds("").value().empty());
  for (const char* bad : {"nodefs.available", "<10%", "nodefs.available<", "nodefs.available<110%", "nodefs.available<%", "nodefs.available<much", "a<1,,b<2"}) {
    EXPECT_FALSE(parse_eviction_thresholds(bad).has_value()) << bad;
  }
}

TEST(DiskShortage, IsTheFirstCrossedThresholdOfADisk) {
  runtime::DiskSpace space;
  space.capacity_bytes = 1000;
  space.available_bytes = 120;
  const auto defaults = default_eviction_thresholds();
  auto shortage = disk_shortage(defaults, space);
  ASSERT_TRUE(shortage) << "15 % for images";
  EXPECT_EQ(shortage->threshold_bytes, 150u);
  space.available_bytes = 150;
  EXPECT_FALSE(disk_shortage(defaults, space));
  space.available_bytes = 0;
  EXPECT_FALSE(disk_shortage(parse_eviction_thresholds("memory.available<100Mi").value(), space));
}

TEST(EvictionOrder, TakesThoseAboveTheirRequestThenLowPriorityThenTheLargest) {
  std::vector<EvictionCandidate> candidates = {
      {"within", 0, 50, 100}, {"important", 1000, 500, 0}, {"small", 0, 10, 0}, {"large", 0, 300, 0}, {"below", -5, 1, 0},
  };
  rank_for_eviction(candidates);
  std::vector<std::string> order;
  for (const auto& candidate : candidates) order.push_back(candidate.uid);
  EXPECT_EQ(order, (std::vector<std::string>{"below", "large", "small", "important", "within"}));
}

TEST(EvictionMessage, IsThatOfTheRealKubelet) {
  DiskShortage shortage;
  shortage.threshold_bytes = 1ULL << 30;
  shortage.available_bytes = 512ULL << 20;
  EvictionCandidate candidate;
  candidate.used_bytes = 20 * 1024;
  const Json pod = Json::parse(R"({"spec":{"containers":[{"name":"c"}]}})");
  EXPECT_EQ(eviction_message(shortage, pod, candidate),
            "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 512Mi. "
            "Container c was using 20Ki, request is 0, has larger consumption of ephemeral-storage. ");
  EXPECT_EQ(binary_quantity(1000), "1000");
  EXPECT_TRUE(is_critical_pod(Json::parse(R"({"spec":{"priority":2000001000}})")));
  EXPECT_TRUE(is_critical_pod(Json::parse(R"({"metadata":{"annotations":{"kubernetes.io/config.source":"file"}}})")));
  EXPECT_FALSE(is_critical_pod(pod));
}

std::string frame(int type, int flags, int stream, const std::string& payload) {
  std::string out;
  out += static_cast<char>(payload.size() >> 16);
  out += static_cast<char>(payload.size() >> 8);
  out += static_cast<char>(payload.size());
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  out += std::string("\0\0\0", 3) + static_cast<char>(stream);
  return out + payload;
}

const std::string settings = frame(4, 0, 0, "");

std::string answer_with(const std::string& message) {
  return settings + frame(1, 4, 1, "\x88") + frame(0, 0, 1, std::string("\0\0\0\0", 4) + static_cast<char>(message.size()) + message) + frame(1, 5, 1, "\x88");
}

TEST(GrpcHealth, ReadsWhatTheServerSays) {
  const struct {
    const char* what;
    std::string wire;
    std::optional<int> status;
  } cases[] = {
      {"serving", answer_with("\x08\x01"), 1},
      {"not serving", answer_with("\x08\x02"), 2},
      {"the default is left out", answer_with(""), 0},
      {"an unknown field before it", answer_with("\x12\x03" "abc\x08\x01"), 1},
      {"trailers only: no such method", settings + frame(1, 5, 1, "\x88"), std::nullopt},
      {"reset", settings + frame(3, 0, 1, std::string(4, '\0')), std::nullopt},
      {"a broken message", answer_with("\x08"), std::nullopt},
  };
  for (const auto& each : cases) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
      HealthCheckAnswer answer;
      for (std::size_t at = 0; at < each.wire.size() && !answer.done(); at += piece) {
        const auto reply = answer.put(std::string_view(each.wire).substr(at, piece));
        ASSERT_TRUE(reply) << each.what;
      }
      EXPECT_TRUE(answer.done()) << each.what;
      EXPECT_EQ(answer.status(), each.status) << each.what;
    }
  }
}

TEST(GrpcHealth, AcknowledgesSettingsAndPingsAndRefusesRubbish) {
  HealthCheckAnswer answer;
  EXPECT_EQ(answer.put(settings).value(), frame(4, 1, 0, ""));
  EXPECT_EQ(answer.put(frame(6, 0, 0, "12345678")).value(), frame(6, 1, 0, "12345678"));
  for (const std::string& bad : {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), frame(0, 0, 1, "x"), settings + frame(0, 8, 1, "\x09x"),
                                 settings + std::string("\xff\xff\xff\0\0\0\0\0\1", 9)}) {
    HealthCheckAnswer rubbish;
    EXPECT_FALSE(rubbish.put(bad).has_value());
  }
  const std::string request = health_check_request("10.0.0.1:80", "s");
  EXPECT_EQ(request.substr(0, 24), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_NE(request.find("/grpc.health.v1.Health/Check"), std::string::npos);
}

}  // namespace
}  // namespace skidpad::fakes::kubelet
