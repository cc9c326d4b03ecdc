/// @file binary.hpp
/// The model's own compact binary form, on disk and between members: variable-length numbers and length-prefixed bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace skidpad::fakes::etcd {

class BinaryWriter {
 public:
  explicit BinaryWriter(std::string& out) : out_(out) {}
  void number(std::uint64_t value) {
    while (value >= 0x80) {
      out_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    out_ += static_cast<char>(value);
  }
  void bytes(std::string_view value) {
    number(value.size());
    out_ += value;
  }

 private:
  std::string& out_;
};

/// After a failure every read gives 0 or "" and failed() stays true.
class BinaryReader {
 public:
  explicit BinaryReader(std::string_view text) : text_(text) {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (position_ >= text_.size()) break;
      const auto byte = static_cast<unsigned char>(text_[position_++]);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }
  std::int64_t integer() { return static_cast<std::int64_t>(number()); }
  std::string_view bytes() {
    const std::uint64_t size = number();
    if (failed_ || size > text_.size() - position_) {
      failed_ = true;
      return {};
    }
    const std::string_view value = text_.substr(position_, size);
    position_ += size;
    return value;
  }
  bool failed() const { return failed_; }
  bool at_end() const { return position_ >= text_.size(); }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
  bool failed_ = false;
};

/// CRC-32C (Castagnoli), as etcd's write-ahead log uses it.
inline std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int k = 0; k < 8; ++k) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0);
      made[i] = value;
    }
    return made;
  }();
  crc = ~crc;
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

}  // namespace skidpad::fakes::etcd
