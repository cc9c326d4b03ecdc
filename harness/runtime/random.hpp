/// @file random.hpp
/// Seeded random numbers with distributions of our own: the same seed gives the same draws with every library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/runtime/assert.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::runtime {

/// A chance as an exact fraction. Ratio{1, 20} is 5 %.
struct Ratio {
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 1;
  friend bool operator==(const Ratio&, const Ratio&) = default;
};

/// xoshiro256** seeded through SplitMix64 (Blackman and Vigna 2018).
class Random {
 public:
  explicit Random(std::uint64_t seed);
  /// A generator of its own for a subsystem: draws there do not shift draws here.
  Random split(std::string_view subsystem) const;
  std::uint64_t next();
  /// Uniform in [0, bound); bound must not be 0.
  std::uint64_t below(std::uint64_t bound);
  bool chance(Ratio ratio);
  /// Uniform in [low, high].
  Duration between(Duration low, Duration high);
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }
  /// Letters as Kubernetes generates names from: bcdfghjklmnpqrstvwxz2456789.
  std::string name_suffix(std::size_t length);
  /// Random version-4 UUID text.
  std::string uuid();

 private:
  std::uint64_t seed_;
  std::uint64_t state_[4];
};

}  // namespace skidpad::runtime
