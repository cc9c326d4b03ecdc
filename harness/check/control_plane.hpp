/// @file control_plane.hpp
/// Whether there ever were two control planes where one belongs, from the API servers in the machines' process tables (event kind
/// `api_servers`: subject node; field ports {"6443": how many processes serve it}; told when it changes, {} while nobody can look).
#pragma once

#include "harness/check/remediation.hpp"
#include "harness/history/record.hpp"

namespace skidpad::check {

inline constexpr std::string_view api_servers_event = "api_servers";
/// Where the temporary API server of skidpad-bootstrap listens.
inline constexpr std::string_view temporary_port = "6440";

/// fail, all by more than two node_monitor_grace_periods (a hand-over takes a few looks of the checkpointer and the old one's farewell):
/// two API servers of one node served one port; a temporary one appeared though another had been there for so long. Or a temporary one was
/// there in the end. Judged only when asked for; unknown when nobody looked.
ConductResult check_no_double_control_plane(const history::RunRecord& record);

}  // namespace skidpad::check
