/// @file selector.hpp
/// Label and field selectors as text (query parameters) and as objects (metav1.LabelSelector).
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {

struct LabelRequirement {
  enum class Operator { in, not_in, exists, absent, greater, less };
  std::string key;
  Operator operation = Operator::exists;
  std::vector<std::string> values;
};

class LabelSelector {
 public:
  LabelSelector() {}
  /// Throws ApiError 400 with the real parser's text.
  static LabelSelector parse(std::string_view text);
  /// A metav1.LabelSelector; null selects nothing, {} everything.
  static LabelSelector from_object(const Json& selector);
  bool matches(const Json& labels) const;
  bool everything() const { return requirements_.empty() && !nothing_; }

 private:
  std::vector<LabelRequirement> requirements_;
  bool nothing_ = false;
};

/// Terms joined by commas: "a=b", "a==b", "a!=b", with \ before , = and itself.
class FieldSelector {
 public:
  struct Term {
    std::string field;
    std::string value;
    bool equal = true;
  };
  FieldSelector() {}
  /// Throws ApiError 400 on bad syntax and on fields the resource does not offer.
  static FieldSelector parse(std::string_view text, const Resource& resource);
  bool matches(const Json& object, const Resource& resource) const;
  bool everything() const { return terms_.empty(); }
  /// The value of metadata.name=..., if the selector demands one.
  std::optional<std::string> exact(std::string_view field) const;

 private:
  std::vector<Term> terms_;
};

}  // namespace skidpad::fakes::kube_apiserver
