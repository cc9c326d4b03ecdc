/// @file snapshot.hpp
/// Recovery's first step when etcd is lost, too: on each etcd machine a data directory is made of a snapshot, and etcd's static pod is
/// put in place. The rest is recovery from a live etcd.
/// Promise: a snapshot that is truncated, altered, another than the one recorded, or of another cluster is refused, and so is any while
/// the lost etcd still has its quorum; nothing is changed then. Data that is there is kept aside. Killed anywhere and run again, it
/// comes to the same end.
#pragma once

#include "harness/client/etcd/etcd_client.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::controllers::bootstrapper {

using runtime::Result;
using runtime::Task;

struct SnapshotOptions {
  std::string file;
  std::string sha256;              ///< hex, as recorded when it was taken; "" asks only for what etcd appended
  std::string cluster_ca;          ///< file: the CA of the cluster that is recovered
  std::string etcd_manifest;       ///< etcd's static pod, not yet where a kubelet sees it; its flags say what to restore
  std::string manifest_directory = "/etc/kubernetes/manifests";
  std::string etcdctl = "/usr/bin/etcdctl";
  bool force = false;              ///< even while an etcd answers
};

/// Here and now; every other etcd machine needs it, too.
Task<Result<void>> restore_from_snapshot(runtime::Runtime& runtime, SnapshotOptions options, client::EtcdClientOptions etcd);

/// After a restore, before anybody else writes: so many revisions more, and those before compacted, so that no client is told a revision
/// twice and every watch lists anew. The value is the revision reached.
Task<Result<client::Revision>> raise_revision(client::EtcdClient& etcd, client::Revision by);

}  // namespace skidpad::controllers::bootstrapper
