/// @file escape.hpp
/// Text made safe for HTML, XML and terminals. Everything recorded is foreign text: names, errors, evidence.
#pragma once

#include <string>
#include <string_view>

namespace skidpad::reports {

/// For element text and quoted attributes of HTML and XML. Bytes that are no UTF-8 and characters XML forbids become U+FFFD.
std::string escape(std::string_view text);

/// Control characters become spaces, so that recorded text cannot steer a terminal.
std::string printable(std::string_view text);

/// A number with at most so many decimals and no trailing zeros; never in another locale's spelling.
std::string decimal(double value, int decimals);

}  // namespace skidpad::reports
