#include "fakes/kube_proxy/endpoint_chooser.hpp"

#include <gtest/gtest.h>

#include <map>

namespace skidpad::fakes::kube_proxy {
namespace {

using runtime::Endpoint;

Endpoint at(int last) {
  Endpoint endpoint;
  endpoint.address = "10.0.0." + std::to_string(last);
  endpoint.port = 80;
  return endpoint;
}

TEST(EndpointChooser, SpreadsEvenly) {
  EndpointChooser chooser(runtime::Random(1));
  chooser.replace({at(1), at(2), at(3)});
  std::map<std::string, int> counts;
  for (int i = 0; i < 300; ++i) ++counts[chooser.order().front().address];
  for (const auto& [address, count] : counts) EXPECT_EQ(count, 100) << address;
}

TEST(EndpointChooser, PassesOverFailedOnesAndSpreadsOverTheRest) {
  EndpointChooser chooser(runtime::Random(1));
  chooser.replace({at(1), at(2), at(3)});
  EXPECT_TRUE(chooser.failed(at(2)));
  EXPECT_FALSE(chooser.failed(at(2)));
  EXPECT_FALSE(chooser.failed(at(9)));
  std::map<std::string, int> counts;
  for (int i = 0; i < 300; ++i) {
    const auto order = chooser.order();
    ASSERT_EQ(order.size(), 3u);
    EXPECT_EQ(order.back(), at(2));
    ++counts[order.front().address];
  }
  EXPECT_EQ(counts["10.0.0.1"], 150);
  EXPECT_EQ(counts["10.0.0.3"], 150);
  chooser.answered(at(2));
  EXPECT_TRUE(chooser.failed().empty());
}

TEST(EndpointChooser, KnowsWhichAreGone) {
  EndpointChooser chooser(runtime::Random(1));
  chooser.replace({at(1), at(2)});
  chooser.failed(at(1));
  EXPECT_EQ(chooser.replace({at(2), at(3), at(3)}), std::vector<Endpoint>{at(1)});
  EXPECT_TRUE(chooser.failed().empty());
  EXPECT_EQ(chooser.endpoints().size(), 2u);
  chooser.replace({});
  EXPECT_TRUE(chooser.order().empty());
}

}  // namespace
}  // namespace skidpad::fakes::kube_proxy
