/// @file base64.hpp
/// Base64 of RFC 4648, standard and URL alphabets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace skidpad::fakes::kube_apiserver {

std::string encode_base64(std::string_view bytes);
/// URL alphabet without padding, as continue tokens and JWTs use it.
std::string encode_base64_url(std::string_view bytes);
/// Either alphabet, padded or not; none on foreign characters.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace skidpad::fakes::kube_apiserver
