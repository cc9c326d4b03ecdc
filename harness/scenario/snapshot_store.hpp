/// @file snapshot_store.hpp
/// Where an operator keeps a snapshot of the cluster's etcd, away from all of its machines.
#pragma once

#include "harness/client/etcd/etcd_client.hpp"

namespace skidpad::scenario {

struct StoredSnapshot {
  std::string bytes;
  client::Revision revision = 0;   ///< every write up to it is in there; later ones may be
};

/// Of one member, verified. The file it is streamed to is gone afterwards.
runtime::Task<runtime::Result<StoredSnapshot>> take_snapshot(runtime::Runtime& runtime, client::EtcdClient& etcd, runtime::Endpoint member);

}  // namespace skidpad::scenario
