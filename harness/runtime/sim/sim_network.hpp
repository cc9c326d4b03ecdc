/// @file sim_network.hpp
/// Connections of the simulated world. TCP as programs feel it: bytes in order, retransmission over lossy links, silence from a
/// machine without power, a reset from one that came back, refusal where nobody listens.
#pragma once

#include "harness/runtime/sim/world.hpp"

namespace skidpad::runtime::sim {

struct Flow;

/// One direction of one connection, and the segments on their way.
class Pipe final : public Link, private TimerNode {
 public:
  enum class Kind { data, fin, reset };
  Pipe(World& world, Flow& flow, int side);
  void send(Kind kind, std::string bytes);
  /// A link of this machine, or its power, changed: a dead path is noticed after the keepalive timeout.
  void path_changed(const std::string& machine);
  /// Forgets what is on its way: the world ends.
  void abandon();
  std::size_t unread_bytes = 0;  ///< on the way or not read yet
  Event drained;

 private:
  struct Segment {
    Instant due;
    Kind kind;
    std::string bytes;
  };
  void fire() override;
  void deliver(Segment segment, const Machine& destination);
  World& world_;
  Flow& flow_;
  int side_;  ///< 0: client to server
  std::deque<Segment> segments_;
  std::shared_ptr<Flow> keep_;  ///< while segments are on their way
  Duration retry_ = 200ms;
  Instant stalled_since_{};
  bool stalled_ = false;
  LinkCounters* counters_ = nullptr;  ///< of this direction, once something was delivered
};

/// Tells the network of an ending process whether its peers hear of it.
void silent_on_close(Network& network, bool silent);

}  // namespace skidpad::runtime::sim
