#include "harness/fault/link_rules.hpp"

namespace skidpad::fault {

using client::machines::LinkName;
using client::machines::LinkRule;
using runtime::Ratio;

namespace {

Ratio greater(Ratio a, Ratio b) { return a.numerator * b.denominator < b.numerator * a.denominator ? b : a; }

LinkRule worst(const LinkRule& a, const LinkRule& b) {
  LinkRule both;
  both.cut = a.cut || b.cut;
  both.loss = greater(a.loss, b.loss);
  both.duplicate = greater(a.duplicate, b.duplicate);
  both.reorder = greater(a.reorder, b.reorder);
  both.delay = std::max(a.delay, b.delay);
  both.jitter = std::max(a.jitter, b.jitter);
  return both;
}

}  // namespace

LinkRules::Changes LinkRules::change(std::string_view fault, const std::vector<LinkName>& links, const LinkRule& rule) {
  Changes changes;
  for (const LinkName& link : links) {
    auto& here = rules_[link];
    if (rule.healthy()) here.erase(std::string(fault));
    else here[std::string(fault)] = rule;
    LinkRule now;
    for (const auto& [name, theirs] : here) now = worst(now, theirs);
    changes.push_back({link, now});
  }
  return changes;
}

}  // namespace skidpad::fault
