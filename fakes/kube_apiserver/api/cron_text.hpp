/// @file cron_text.hpp
/// Whether a text is a schedule: five fields or an @word, as the cron library of the real server reads them. When it is due is the
/// controller's business.
#pragma once

#include <string>

namespace skidpad::fakes::kube_apiserver {

/// "" if it is one, else the library's complaint.
std::string cron_text_problem(const std::string& text);

}  // namespace skidpad::fakes::kube_apiserver
