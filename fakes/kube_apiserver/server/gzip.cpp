#include "fakes/kube_apiserver/server/gzip.hpp"

#include <array>
#include <boost/beast/zlib/deflate_stream.hpp>
#include <cstdint>

namespace skidpad::fakes::kube_apiserver {
namespace {

std::uint32_t crc32(const std::string& bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int k = 0; k < 8; ++k) value = (value & 1) != 0 ? 0xEDB88320U ^ (value >> 1) : value >> 1;
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 255] ^ (crc >> 8);
  return crc ^ 0xFFFFFFFFU;
}

void append_little_endian(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 255);
}

}  // namespace

std::string gzip(const std::string& bytes) {
  namespace zlib = boost::beast::zlib;
  std::string out("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10);
  zlib::deflate_stream stream;
  stream.reset(1, 15, 8, zlib::Strategy::normal);  // level 1, as the real server's level for speed
  std::string buffer(stream.upper_bound(bytes.size()) + 64, '\0');
  zlib::z_params params;
  params.next_in = bytes.data();
  params.avail_in = bytes.size();
  params.next_out = buffer.data();
  params.avail_out = buffer.size();
  boost::beast::error_code error;
  stream.write(params, zlib::Flush::finish, error);
  out.append(buffer, 0, params.total_out);
  append_little_endian(out, crc32(bytes));
  append_little_endian(out, static_cast<std::uint32_t>(bytes.size()));
  return out;
}

}  // namespace skidpad::fakes::kube_apiserver
