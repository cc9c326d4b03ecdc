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

/// CRC-32C (Castagnoli), as etcd's write-ahead log uses it. Eight bytes at a time: every member checks every entry.
inline std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) {
  // tables[k][b]: what the byte b does to the sum when k more bytes follow it.
  static constexpr auto tables = [] {
    std::array<std::array<std::uint32_t, 256>, 8> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int k = 0; k < 8; ++k) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0);
      made[0][i] = value;
    }
    for (std::size_t k = 1; k < 8; ++k)
      for (std::size_t i = 0; i < 256; ++i) made[k][i] = (made[k - 1][i] >> 8) ^ made[0][made[k - 1][i] & 0xff];
    return made;
  }();
  crc = ~crc;
  const auto byte = [&bytes](std::size_t index) { return std::uint32_t{static_cast<unsigned char>(bytes[index])}; };
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    const std::uint32_t low = crc ^ (byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24);
    crc = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^ tables[4][low >> 24] ^
          tables[3][byte(at + 4)] ^ tables[2][byte(at + 5)] ^ tables[1][byte(at + 6)] ^ tables[0][byte(at + 7)];
  }
  for (; at < bytes.size(); ++at) crc = tables[0][(crc ^ byte(at)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

}  // namespace skidpad::fakes::etcd
