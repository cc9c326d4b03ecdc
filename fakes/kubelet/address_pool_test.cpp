#include "fakes/kubelet/address_pool.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kubelet {
namespace {

TEST(AddressPool, GivesOutEachAddressOnceAndGoesOnInTurn) {
  AddressPool pool = AddressPool::parse("10.244.3.0/29").value();
  EXPECT_EQ(pool.take(), "10.244.3.2");
  EXPECT_TRUE(pool.take("10.244.3.4"));
  EXPECT_FALSE(pool.take("10.244.3.4"));
  EXPECT_FALSE(pool.take("10.244.4.4"));
  EXPECT_EQ(pool.take(), "10.244.3.5");
  EXPECT_EQ(pool.take(), "10.244.3.6");
  EXPECT_EQ(pool.take(), "10.244.3.3");
  EXPECT_EQ(pool.take(), std::nullopt);
  pool.give_back("10.244.3.2");
  EXPECT_EQ(pool.take(), "10.244.3.2");
}

TEST(AddressPool, RefusesWhatIsNoBlock) {
  for (const char* bad : {"", "10.0.0.0", "10.0.0/24", "10.0.0.0/33", "10.0.0.0/x", "fd00::/64"}) EXPECT_FALSE(AddressPool::parse(bad)) << bad;
}

}  // namespace
}  // namespace skidpad::fakes::kubelet
