/// @file buffered_connection.hpp
/// A connection with a read always pending, so that a peer that went away is noticed at once, also between messages.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::runtime {

class BufferedConnection {
 public:
  /// A stop request of the owner does not end it: what tidies up after a stop still needs answers. Destroying it does.
  BufferedConnection(Runtime& runtime, std::unique_ptr<Connection> connection, StopState& owner);
  /// Waits until there are unread bytes, the peer closed (ended()) or `due`. False: due came first.
  Task<bool> wait_readable(Instant due);
  bool readable() const { return !inbound_.empty() || ended_; }
  /// What has arrived; empty if nothing.
  std::string take();
  /// The peer will send nothing more, and all it sent was taken.
  bool ended() const { return ended_ && inbound_.empty(); }
  /// Set once the peer closed or the connection broke, whether or not all bytes were taken.
  Event& disconnected() { return disconnected_; }
  bool broke() const { return broke_; }
  Connection& connection() { return *connection_; }

 private:
  Task<void> pump();
  Runtime& runtime_;
  std::unique_ptr<Connection> connection_;
  std::string inbound_;
  bool ended_ = false;
  bool broke_ = false;
  Event arrived_;
  Event taken_;
  Event disconnected_;
  StopState unstoppable_;
  TaskGroup pump_;
};

}  // namespace skidpad::runtime
