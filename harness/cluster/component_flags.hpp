/// @file component_flags.hpp
/// Which flags of the real components exist in which versions, for the flags that this project writes or must not write.
/// The table is in component_flags.cpp. Covered are Kubernetes 1.28 to 1.34 and etcd 3.4 to 3.6; of newer or older binaries the
/// table tells what it knows, and their own --help is asked (Component::help_flags).
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cluster/component_version.hpp"

namespace skidpad::cluster {

struct ComponentFlag {
  std::string_view component;
  std::string_view name;     ///< without the dashes
  char type;                 ///< s text, b true or false, i whole number, d duration
  int since;                 ///< first minor version that has it; 0: older than what is covered
  int until;                 ///< first minor version without it; 0: still there
  bool ask = false;          ///< documented nowhere for certain: only where --help lists it
};

/// Every row, in the table's order.
const std::vector<ComponentFlag>& component_flags();
bool is_covered(std::string_view component, const ComponentVersion& version);
/// "1.28 to 1.34", for messages.
std::string_view covered_versions(std::string_view component);
/// Whether a binary of this version takes the flag. The flag must be in the table.
/// @param help_flags  what the binary's --help lists; empty = not asked
bool takes_flag(std::string_view component, const ComponentVersion& version, const std::set<std::string>& help_flags, std::string_view flag);
/// The flags that a --help text lists.
std::set<std::string> flags_in_help(std::string_view text);

/// Writes the command line of one component for one version: what that version does not take is left out.
class CommandWriter {
 public:
  CommandWriter(std::string component, ComponentVersion version, std::set<std::string> help_flags);
  CommandWriter& add(std::string_view flag, const std::string& value);
  /// Of several names of one setting, the first that this version takes.
  CommandWriter& add_first(const std::vector<std::string_view>& flags, const std::string& value);
  const std::vector<std::string>& command() const { return command_; }  ///< the component's name first
  const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  std::string component_;
  ComponentVersion version_;
  std::set<std::string> help_flags_;
  std::vector<std::string> command_;
  std::vector<std::string> left_out_;
};

}  // namespace skidpad::cluster
