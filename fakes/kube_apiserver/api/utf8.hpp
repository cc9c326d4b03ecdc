/// @file utf8.hpp
/// Text that clients send may be anything; what is stored and answered is UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace skidpad::fakes::kube_apiserver {

bool is_utf8(std::string_view text);
/// The text with U+FFFD for every byte that belongs to no well-formed sequence, as Go's JSON reader does.
std::string mended_utf8(std::string_view text);

}  // namespace skidpad::fakes::kube_apiserver
