/// @file cel_program.hpp
/// The Common Expression Language over JSON values, for rules of custom resources, admission policies and match conditions of webhooks.
/// Offered: the operators, all macros (has, all, exists, exists_one, map, filter), optionals (.?, orValue, hasValue), text and list functions of
/// the Kubernetes libraries, quantities, durations and timestamps in comparisons.
/// Not offered: static types, cost limits, authorizer, url, ip, cidr, regular expressions beyond ECMAScript.
/// Source: the CEL language definition and the Kubernetes documentation of its libraries.
#pragma once

#include <exception>
#include <memory>

#include "harness/runtime/json.hpp"

namespace skidpad::fakes::kube_apiserver::cel {

/// What the real evaluator says: "no such key: x", "index out of bounds: 3". Or, from compile(), what is wrong with the text.
class CelError : public std::exception {
 public:
  explicit CelError(std::string message) : message(std::move(message)) {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string message;
};

enum class NodeKind { literal, identifier, select, present, index, call, method, list, map, ternary, both, either, comprehension };

struct Node {
  NodeKind kind = NodeKind::literal;
  std::string name;      ///< identifier, field, function, or macro
  std::string variable;  ///< of a macro
  bool optional = false; ///< .? and [?
  Json value;            ///< of a literal
  std::vector<Node> parts;
};

struct Scope {
  const std::string& name;
  const Json& value;
  const Scope* outer;
};

using Variables = std::map<std::string, Json>;

class CelProgram {
 public:
  /// @param declared  the variables a text may speak of. Throws CelError.
  static CelProgram compile(const std::string& text, const std::vector<std::string>& declared);
  /// Throws CelError.
  Json evaluate(const Variables& variables) const;
  bool mentions(const std::string& variable) const;

 private:
  Node root_;
};

/// Calls by name, after the operands are known. Throws CelError.
Json call_function(const std::string& name, const std::vector<Json>& arguments);
Json call_method(const Json& target, const std::string& name, const std::vector<Json>& arguments);
bool is_function(const std::string& name);

/// A value that may be missing, as JSON cannot say it.
Json some(Json value);
const Json& nothing();
/// Null if it is no optional; else the list of its none or one values.
const Json* optional_of(const Json& value);

}  // namespace skidpad::fakes::kube_apiserver::cel
