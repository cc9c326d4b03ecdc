/// @file link_stream.hpp
/// Decides what happens to each frame of one directed link.
/// Promise: the k-th frame offered under a rule has the same fate for the same seed, link name and rules, however frames of other
/// links interleave: each link has its own generator, and each frame takes the same number of draws.
/// Delay and jitter alone keep the order of a link; only `reorder` changes it.
#pragma once

#include "harness/client/machines/link_rule.hpp"

namespace skidpad::driver::process {

using client::machines::LinkCounters;
using client::machines::LinkName;
using client::machines::LinkRule;
using runtime::Duration;
using runtime::Instant;

class LinkStream {
 public:
  LinkStream(std::uint64_t seed, const LinkName& name);

  /// When each copy of a frame is due at the receiver; count 0 means dropped, and the counters say why.
  struct Fate {
    std::size_t count = 0;
    Instant due[2];
  };
  Fate decide(Instant now, std::size_t size_bytes);
  /// Takes back the copies of a frame that found no room or no receiver.
  void overflowed(std::size_t copies, std::size_t size_bytes);

  void set_rule(const LinkRule& rule) { rule_ = rule; }
  const LinkRule& rule() const { return rule_; }
  const LinkCounters& counters() const { return counters_; }

 private:
  LinkRule rule_;
  LinkCounters counters_;
  runtime::Random random_;
  Instant due_last_{};
};

}  // namespace skidpad::driver::process
