#include "harness/scenario/snapshot_store.hpp"

#include "harness/client/etcd/snapshot_check.hpp"

namespace skidpad::scenario {

using namespace std::chrono_literals;

runtime::Task<runtime::Result<StoredSnapshot>> take_snapshot(runtime::Runtime& runtime, client::EtcdClient& etcd, runtime::Endpoint member) {
  StoredSnapshot snapshot;
  auto now = co_await etcd.range(client::RangeRequest::one("/registry/health"));
  if (!now) co_return now.error();
  snapshot.revision = now.value().header.revision;
  // A follower may be some writes behind what the leader has confirmed.
  for (client::Revision reached = 0; reached < snapshot.revision;) {
    auto status = co_await etcd.status(member);
    if (!status) co_return status.error();
    reached = status.value().header.revision;
    if (reached < snapshot.revision) co_await runtime.sleep_for(10ms);
  }
  const std::string path = "/tmp/skidpad-snapshot-" + std::to_string(runtime.random().next()) + ".db";
  auto saved = co_await etcd.save_snapshot(member, path);
  if (!saved) co_return saved.error();
  auto bytes = runtime.disk().read(path);
  (void)runtime.disk().remove(path);
  if (!bytes) co_return bytes.error();
  if (auto whole = client::check_snapshot(bytes.value()); !whole) co_return whole.error();
  snapshot.bytes = std::move(bytes.value());
  co_return snapshot;
}

}  // namespace skidpad::scenario
