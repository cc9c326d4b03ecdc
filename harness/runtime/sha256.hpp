/// @file sha256.hpp
/// SHA-256 and its keyed form, over bytes in memory.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace skidpad::runtime {

using Sha256 = std::array<unsigned char, 32>;

Sha256 sha256(std::string_view bytes);
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);
inline std::string_view bytes_of(const Sha256& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }
/// Lower-case hexadecimal.
std::string to_hex(std::string_view bytes);
inline std::string to_hex(const Sha256& digest) { return to_hex(bytes_of(digest)); }

}  // namespace skidpad::runtime
