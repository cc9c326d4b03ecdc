// Recovery from a snapshot on one machine, with the model of etcd and of etcdctl: what is refused changes nothing, and what is restored
// serves what the snapshot held, above every revision that was seen.
#include <gtest/gtest.h>

#include "controllers/bootstrapper/bootstrapper.hpp"
#include "controllers/bootstrapper/snapshot.hpp"
#include "fakes/etcd/etcd.hpp"
#include "fakes/etcd/etcdctl.hpp"
#include "harness/client/kubernetes/kubeconfig.hpp"
#include "harness/runtime/sha256.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::controllers::bootstrapper {
namespace {

using runtime::Runtime;
using runtime::sim::World;
using namespace std::chrono_literals;

constexpr char ca[] = "-----BEGIN CERTIFICATE-----\nthis cluster's\n-----END CERTIFICATE-----\n";

class SnapshotTest : public ::testing::Test {
 protected:
  SnapshotTest() : world(runtime::sim::WorldOptions()) {
    world.register_program("idle", [](Runtime&, std::vector<std::string>) -> Task<int> {
      runtime::Event never;
      co_await never.wait();
      co_return 0;
    });
    world.register_program("etcd", fakes::etcd::etcd_main);
    world.register_program("etcdctl", fakes::etcd::etcdctl_main);
    world.register_program("skidpad-bootstrap", bootstrapper_main);
    runtime::sim::MachineSpec spec;
    spec.name = "node";
    spec.address = "10.0.0.1";
    world.add_machine(spec);
    runtime = start("idle", {});
    disk = &world.machine("node")->disk();
    etcd_options.endpoints = {{"10.0.0.1", 2379}};
    options.file = "/snapshot.db";
    options.cluster_ca = "/ca.crt";
    options.etcd_manifest = "/etcd.yaml";
    EXPECT_TRUE(disk->write("/ca.crt", ca));
    Json pod = {{"kind", "Pod"}};
    pod["spec"]["containers"] = Json::array({{{"command", command("/var/lib/etcd", "lost")}}});
    EXPECT_TRUE(disk->write("/etcd.yaml", pod.dump()));
  }
  static std::vector<std::string> command(const std::string& data, const std::string& token) {
    return {"etcd", "--name=node", "--data-dir=" + data, "--listen-client-urls=http://10.0.0.1:2379", "--advertise-client-urls=http://10.0.0.1:2379",
            "--listen-peer-urls=http://10.0.0.1:2380", "--initial-advertise-peer-urls=http://10.0.0.1:2380", "--initial-cluster=node=http://10.0.0.1:2380",
            "--initial-cluster-token=" + token};
  }
  runtime::sim::SimProcess* start(const std::string& program, std::vector<std::string> arguments) {
    runtime::ProcessSpec spec;
    spec.executable = "/bin/" + program;
    spec.arguments = std::move(arguments);
    return world.machine("node")->start(std::move(spec)).value();
  }
  runtime::ProcessId start_etcd(const std::string& data, const std::string& token) {
    std::vector<std::string> arguments = command(data, token);
    arguments.erase(arguments.begin());
    const auto id = start("etcd", std::move(arguments))->id();
    world.run_until(world.now() + 10s);
    return id;
  }
  void kill(runtime::ProcessId id) {
    world.machine("node")->find(id)->signal(runtime::Signal::kill);
    world.run_until(world.now() + 1s);
  }
  template <class T>
  T result_of(Task<T> task) {
    std::optional<T> result;
    runtime::TaskGroup group(runtime->stop());
    const auto keep = [](Task<T> inner, std::optional<T>& into) -> Task<void> { into.emplace(co_await inner); };
    group.spawn("test", keep(std::move(task), result));
    world.run_until(world.now() + 1h, [&] { return result.has_value(); });
    EXPECT_TRUE(result.has_value());
    return std::move(*result);
  }
  /// The CA as its Secret holds it, and a snapshot of that.
  client::Revision fill_and_save(client::EtcdClient& etcd) {
    client::PutRequest secret("/registry/secrets/kube-system/kube-controller-manager", R"({"data":{"ca.crt":")" + client::base64_encode(ca) + "\"}}");
    const auto put = result_of(etcd.put(secret));
    EXPECT_TRUE(put);
    EXPECT_TRUE(result_of(etcd.save_snapshot({"10.0.0.1", 2379}, "/snapshot.db")));
    return put.value().header.revision;
  }
  std::string refusal() {
    const auto before = disk->list("/var/lib");
    const auto done = result_of(restore_from_snapshot(*runtime, options, etcd_options));
    EXPECT_EQ(disk->list("/var/lib").has_value(), before.has_value());
    if (before) {
      EXPECT_EQ(disk->list("/var/lib").value(), before.value());
    }
    EXPECT_FALSE(disk->exists("/etc/kubernetes/manifests/etcd.yaml"));
    return done ? "" : done.error().message;
  }

  World world;
  runtime::sim::SimProcess* runtime = nullptr;
  runtime::Disk* disk = nullptr;
  client::EtcdClientOptions etcd_options;
  SnapshotOptions options;
};

TEST_F(SnapshotTest, RefusesWhatIsNotThisClustersWholeSnapshotAndChangesNothing) {
  const auto lost = start_etcd("/lost", "lost");
  client::EtcdClient etcd(*runtime, etcd_options);
  fill_and_save(etcd);
  EXPECT_NE(refusal().find("still answers with a quorum"), std::string::npos) << "the etcd of the snapshot lives";
  kill(lost);
  const std::string whole = disk->read("/snapshot.db").value();
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  const struct {
    const char* says;
    std::string bytes;
  } cases[] = {{"whole pages", whole.substr(0, whole.size() - 100)}, {"whole pages", ""}, {"does not match", flipped}, {"does not match", std::string(512, 'x') + std::string(32, 'y')}};
  for (const auto& each : cases) {
    ASSERT_TRUE(disk->write("/snapshot.db", each.bytes));
    EXPECT_NE(refusal().find(each.says), std::string::npos) << refusal();
  }
  ASSERT_TRUE(disk->remove("/snapshot.db"));
  EXPECT_NE(refusal().find("/snapshot.db"), std::string::npos);
  ASSERT_TRUE(disk->write("/snapshot.db", whole));
  options.sha256 = runtime::to_hex(runtime::sha256("another"));
  EXPECT_NE(refusal().find("another snapshot"), std::string::npos);
  options.sha256 = runtime::to_hex(runtime::sha256(whole));
  ASSERT_TRUE(disk->write("/ca.crt", "-----BEGIN CERTIFICATE-----\nof another\n-----END CERTIFICATE-----\n"));
  EXPECT_NE(refusal().find("another cluster"), std::string::npos);
  ASSERT_TRUE(disk->write("/ca.crt", ca));
  EXPECT_EQ(result_of(restore_from_snapshot(*runtime, options, etcd_options)).has_value(), true);
}

TEST_F(SnapshotTest, RestoresKeepsOldDataAsideAndGoesOnAboveEveryRevisionSeen) {
  const auto lost = start_etcd("/lost", "lost");
  client::EtcdClient etcd(*runtime, etcd_options);
  const client::Revision saved = fill_and_save(etcd);
  const auto late = result_of(etcd.put(client::PutRequest("/late", "written after the snapshot")));
  kill(lost);
  ASSERT_TRUE(disk->make_directories("/var/lib/etcd/member"));
  ASSERT_TRUE(disk->write("/var/lib/etcd/member/old", "of a member that lost its quorum"));
  for (const char* time : {"first", "again, as after a kill"}) {
    const auto done = result_of(restore_from_snapshot(*runtime, options, etcd_options));
    ASSERT_TRUE(done) << time << ": " << done.error().message;
    EXPECT_TRUE(disk->exists("/etc/kubernetes/manifests/etcd.yaml")) << time;
    EXPECT_TRUE(disk->exists("/var/lib/etcd.before-recovery/member/old")) << time;
    EXPECT_FALSE(disk->exists("/var/lib/etcd.before-recovery-2")) << time;
  }
  start_etcd("/var/lib/etcd", "lost");
  const auto reached = result_of(raise_revision(etcd, 1000));
  ASSERT_TRUE(reached) << reached.error().message;
  EXPECT_GT(reached.value(), late.value().header.revision);
  EXPECT_GE(result_of(etcd.put(client::PutRequest("/next", ""))).value().header.revision, saved + 1000);
  EXPECT_TRUE(result_of(etcd.get("/registry/secrets/kube-system/kube-controller-manager")).value().has_value());
  EXPECT_FALSE(result_of(etcd.get("/late")).value().has_value());
  client::RangeRequest old = client::RangeRequest::one("/next");
  old.revision = saved;
  EXPECT_EQ(result_of(etcd.range(old)).error().code, runtime::ErrorCode::gone) << "watchers must list anew";
}

}  // namespace
}  // namespace skidpad::controllers::bootstrapper
