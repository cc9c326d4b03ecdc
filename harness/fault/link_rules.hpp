/// @file link_rules.hpp
/// The rules of all faults that are on links at the same time: a link obeys the worst of each kind.
/// Promise: taking one fault's rules away leaves those of the others in force.
#pragma once

#include "harness/client/machines/link_rule.hpp"

namespace skidpad::fault {

class LinkRules {
 public:
  using Changes = std::vector<client::machines::LinkChange>;

  /// What the links become once `fault` puts this rule on them; a healthy rule takes its rule away.
  Changes change(std::string_view fault, const std::vector<client::machines::LinkName>& links, const client::machines::LinkRule& rule);

 private:
  std::map<client::machines::LinkName, std::map<std::string, client::machines::LinkRule, std::less<>>> rules_;  ///< by link and fault
};

}  // namespace skidpad::fault
