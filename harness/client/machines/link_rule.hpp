/// @file link_rule.hpp
/// What is wrong with one directed link between two machines, and what that did to its frames.
/// Promise: a default LinkRule is a healthy link.
/// Not modelled: bandwidth; loss inside a frame that the kernel will segment later (one frame may carry up to 64 KiB of TCP).
#pragma once

#include <string>

#include "harness/runtime/json.hpp"
#include "harness/runtime/random.hpp"

namespace skidpad::client::machines {

using runtime::Duration;
using runtime::Ratio;
using runtime::Result;

struct LinkRule {
  bool cut = false;
  Ratio loss;
  Ratio duplicate;
  Ratio reorder;      ///< chance that a frame is held back so that later ones pass it
  Duration delay{};   ///< one way
  Duration jitter{};  ///< added to delay, uniform in [0, jitter]; never changes the order by itself
  bool healthy() const { return *this == LinkRule{}; }
  friend bool operator==(const LinkRule&, const LinkRule&) = default;
};

/// Names of machines; "provider" is the machine provider's own end, where the harness sits.
struct LinkName {
  std::string from;
  std::string to;
  friend auto operator<=>(const LinkName&, const LinkName&) = default;
};

/// Since the link first carried a frame; healing does not reset them. They are a link fault's witness.
struct LinkCounters {
  std::uint64_t frames = 0;      ///< offered by the sender
  std::uint64_t forwarded = 0;   ///< handed to the receiver, duplicates included
  std::uint64_t dropped_by_cut = 0;
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;   ///< held back
  std::uint64_t delayed = 0;
  std::uint64_t overflowed = 0;  ///< dropped since too many were waiting, or the receiver is off
  std::uint64_t bytes = 0;       ///< of the forwarded
  friend bool operator==(const LinkCounters&, const LinkCounters&) = default;
};

struct LinkChange {
  LinkName link;
  LinkRule rule;  ///< replaces the old one; a healthy rule heals
};
struct LinkStatus {
  LinkName link;
  LinkRule rule;
  LinkCounters counters;
};

inline constexpr const char* provider_port_name = "provider";

/// Reads {"from","to","cut","loss":"1/20","duplicate","reorder","delay":"20ms","jitter":"5ms","both":true}.
/// "both" gives two changes. Errors name the field.
Result<std::vector<LinkChange>> link_changes_from_json(const Json& json, const std::string& field);
Json to_json(const LinkChange& change);
Json to_json(const LinkStatus& status);
Result<LinkStatus> link_status_from_json(const Json& json);
/// "1/20"; "0" and "1" are allowed.
Result<Ratio> parse_ratio(std::string_view text);

}  // namespace skidpad::client::machines
