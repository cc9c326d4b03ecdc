/// @file etcd_watch.hpp
/// One watch on etcd that outlives connections, members and leaders.
/// Promise: each event of the range from start_revision on is delivered once, in revision order, events of one revision together.
#pragma once

#include <memory>

#include "harness/client/etcd/etcd_types.hpp"
#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/result.hpp"
#include "harness/runtime/task.hpp"

namespace skidpad::client {

class EtcdClient;

class EtcdWatch {
 public:
  EtcdWatch(EtcdClient& client, WatchRequest request);
  EtcdWatch(EtcdWatch&&) noexcept;
  EtcdWatch& operator=(EtcdWatch&&) noexcept;
  ~EtcdWatch();

  /// Waits for the next events (or progress, if asked for), reconnecting as often as needed: it does not fail while there may be
  /// a member that serves it. One task at a time. Errors that end the watch:
  /// gone: events were compacted away before we saw them (compact_revision() says up to where): list again.
  /// invalid, unauthorized, forbidden: as etcd says.
  runtime::Task<runtime::Result<WatchBatch>> next();
  /// Connects now if it is not connected: afterwards a watch without start_revision sees every later write.
  runtime::Task<runtime::Result<void>> open();
  /// Where a watch that goes on from here would start; 0 before the first answer of a watch without start_revision.
  Revision next_revision() const;
  /// Set after ErrorCode::gone.
  Revision compact_revision() const;
  /// How often a connection was made.
  std::size_t connection_count() const;

 private:
  struct State;
  static runtime::Task<runtime::Result<WatchBatch>> next_of(State& state);
  static runtime::Task<runtime::Result<void>> connect(State& state);
  static runtime::Task<runtime::Result<void>> connect_once(State& state);
  std::unique_ptr<State> state_;
};

}  // namespace skidpad::client
