/// @file selector.hpp
/// Label and field selectors, both as text in queries and as objects in specs.
#pragma once

#include <string>
#include <vector>

#include "harness/runtime/json.hpp"
#include "harness/runtime/result.hpp"

namespace skidpad::client {

/// A conjunction of requirements on labels. The empty selector matches everything; nothing() matches nothing.
class Selector {
 public:
  enum class Operator { in, not_in, exists, absent, greater, less };
  struct Requirement {
    std::string key;
    Operator operation = Operator::exists;
    std::vector<std::string> values;
  };

  Selector() {}
  static Selector nothing();
  /// "a=b,c!=d,e in (x,y),f notin (z),g,!h". invalid on anything else, in the words of the real server.
  static runtime::Result<Selector> parse(std::string_view text);
  /// {"matchLabels": {...}, "matchExpressions": [{"key","operator","values"}]}; null matches nothing, {} everything.
  static runtime::Result<Selector> from_label_selector(const Json& selector);
  /// {"a": "b"} as in a Service or a nodeSelector; null or {} matches nothing if `empty_matches` is false.
  static Selector from_map(const Json& labels);
  /// {"matchExpressions": [...]} of a node selector term: operators In, NotIn, Exists, DoesNotExist, Gt, Lt.
  static runtime::Result<Selector> from_node_requirements(const Json& expressions);

  bool matches(const Json& labels) const;
  bool empty() const { return requirements_.empty() && !nothing_; }
  const std::vector<Requirement>& requirements() const { return requirements_; }
  /// The text form, requirements in key order.
  std::string to_text() const;

 private:
  std::vector<Requirement> requirements_;
  bool nothing_ = false;
};

/// "metadata.name=x,status.phase!=Running": equality on dotted paths.
class FieldSelector {
 public:
  struct Requirement {
    std::string path;
    std::string value;
    bool equal = true;
  };
  FieldSelector() {}
  static runtime::Result<FieldSelector> parse(std::string_view text);
  bool matches(const Json& object) const;
  bool empty() const { return requirements_.empty(); }
  const std::vector<Requirement>& requirements() const { return requirements_; }

 private:
  std::vector<Requirement> requirements_;
};

}  // namespace skidpad::client
