#include "harness/driver/process/link_stream.hpp"

namespace skidpad::driver::process {

namespace {
// Long enough that a busy sender's next frames pass, short against every timer of the `fast` profile.
constexpr Duration held_back_min = std::chrono::milliseconds(1);
constexpr Duration held_back_max = std::chrono::milliseconds(5);
}  // namespace

LinkStream::LinkStream(std::uint64_t seed, const LinkName& name)
    : random_(runtime::Random(seed).split("link/" + name.from + ">" + name.to)) {}

LinkStream::Fate LinkStream::decide(Instant now, std::size_t size_bytes) {
  Fate fate;
  ++counters_.frames;
  if (rule_.healthy()) {
    // Frames still under way from before the healing keep their place in front.
    fate.count = 1;
    fate.due[0] = std::max(now, due_last_);
    ++counters_.forwarded;
    counters_.bytes += size_bytes;
    return fate;
  }
  if (rule_.cut) {
    ++counters_.dropped_by_cut;
    return fate;
  }
  const bool lost = random_.chance(rule_.loss);
  const bool duplicated = random_.chance(rule_.duplicate);
  const bool reordered = random_.chance(rule_.reorder);
  const Duration jitter = random_.between(Duration{}, rule_.jitter);
  const Duration held_back = random_.between(held_back_min, held_back_max);
  if (lost) {
    ++counters_.lost;
    return fate;
  }
  const Duration delay = rule_.delay + jitter;
  const Instant in_order = std::max(now + delay, due_last_);
  if (delay > Duration{}) ++counters_.delayed;
  if (reordered) {
    ++counters_.reordered;
    fate.due[0] = in_order + held_back;
  } else {
    fate.due[0] = due_last_ = in_order;
  }
  fate.count = 1;
  if (duplicated) {
    ++counters_.duplicated;
    fate.due[fate.count++] = fate.due[0];
  }
  counters_.forwarded += fate.count;
  counters_.bytes += fate.count * size_bytes;
  return fate;
}

void LinkStream::overflowed(std::size_t copies, std::size_t size_bytes) {
  counters_.forwarded -= copies;
  counters_.bytes -= copies * size_bytes;
  counters_.overflowed += copies;
}

}  // namespace skidpad::driver::process
