#include "harness/runtime/random.hpp"

#include <array>

namespace skidpad::runtime {
namespace {

std::uint64_t split_mix(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t value = state;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::uint64_t rotate_left(std::uint64_t value, int count) { return (value << count) | (value >> (64 - count)); }

}  // namespace

Random::Random(std::uint64_t seed) : seed_(seed) {
  std::uint64_t state = seed;
  for (std::uint64_t& word : state_) word = split_mix(state);
}

Random Random::split(std::string_view subsystem) const {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : subsystem) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  // Mixed, not merely xored: split("a").split("b") must differ from split("b").split("a").
  std::uint64_t state = seed_;
  const std::uint64_t mixed = split_mix(state);
  return Random(rotate_left(mixed, 17) ^ hash);
}

std::uint64_t Random::next() {
  const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  ASSERT(bound != 0);
  // Draws in the incomplete last stretch of 2^64 are thrown away, or small values would come more often.
  const std::uint64_t unfair = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t draw = next();
    if (draw >= unfair) return draw % bound;
  }
}

bool Random::chance(Ratio ratio) {
  ASSERT(ratio.denominator != 0);
  return below(ratio.denominator) < ratio.numerator;
}

Duration Random::between(Duration low, Duration high) {
  ASSERT(low <= high);
  const auto width = static_cast<std::uint64_t>(high.count()) - static_cast<std::uint64_t>(low.count());
  const std::uint64_t offset = width == UINT64_MAX ? next() : below(width + 1);
  return Duration(static_cast<std::int64_t>(static_cast<std::uint64_t>(low.count()) + offset));
}

std::string Random::name_suffix(std::size_t length) {
  static constexpr std::string_view letters = "bcdfghjklmnpqrstvwxz2456789";
  std::string suffix;
  for (std::size_t i = 0; i < length; ++i) suffix += letters[below(letters.size())];
  return suffix;
}

std::string Random::uuid() {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::uint64_t high = next();
  std::uint64_t low = next();
  high = (high & ~0xf000ULL) | 0x4000ULL;                     // version 4
  low = (low & ~(3ULL << 62)) | (2ULL << 62);                 // RFC 4122 variant
  std::string text;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) text += '-';
    const std::uint64_t half = nibble < 16 ? high : low;
    text += digits[(half >> (60 - 4 * (nibble % 16))) & 15];
  }
  return text;
}

}  // namespace skidpad::runtime
