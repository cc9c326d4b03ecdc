// A server that is asked to stop takes its own entry out of the kubernetes Service, as the real one's graceful shutdown does.
#include <gtest/gtest.h>

#include "fakes/kube_apiserver/testing/api_world.hpp"
#include "harness/client/etcd/etcd_client.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using namespace std::chrono_literals;
using runtime::Runtime;
using runtime::Task;
using testing::ApiWorld;

struct Seen {
  std::size_t leases = 0;
  std::string endpoints;
};

Task<void> look(Runtime& runtime, Seen& seen) {
  client::EtcdClientOptions options;
  options.endpoints.push_back(ApiWorld::etcd_endpoint());
  client::EtcdClient etcd(runtime, options);
  auto leases = co_await etcd.range(client::RangeRequest::prefix("/registry/masterleases/"));
  if (leases) seen.leases = leases.value().kvs.size();
  auto endpoints = co_await etcd.get("/registry/services/endpoints/default/kubernetes");
  if (endpoints && endpoints.value()) seen.endpoints = endpoints.value()->value;
}

TEST(LeavingServer, TakesItsEntryOutOfTheKubernetesEndpoints) {
  ApiWorld world;
  Seen before, after;
  ASSERT_TRUE(world.run([&before](Runtime& runtime) { return look(runtime, before); }));
  EXPECT_EQ(before.leases, 1u);
  EXPECT_NE(before.endpoints.find("10.0.0.1"), std::string::npos) << before.endpoints;
  ASSERT_TRUE(world.run([&after, &world](Runtime& runtime) -> Task<void> {
    for (runtime::sim::SimProcess* process : world.world.machine("server")->processes()) {
      if (process->program_name() == "kube-apiserver") process->signal(runtime::Signal::terminate);
    }
    co_await runtime.sleep_for(3s);
    co_await look(runtime, after);
  }));
  EXPECT_EQ(after.leases, 0u);
  EXPECT_NE(after.endpoints, "");
  EXPECT_EQ(after.endpoints.find("10.0.0.1"), std::string::npos) << after.endpoints;
}

}  // namespace
}  // namespace skidpad::fakes::kube_apiserver
