#include "fakes/kube_apiserver/cel/cel_program.hpp"

#include "fakes/kube_apiserver/cel/cel_parser.hpp"

namespace skidpad::fakes::kube_apiserver::cel {
namespace {

constexpr const char* optional_key = "\1optional";
constexpr std::size_t steps_max = 1'000'000;

std::string shown_key(const Json& key) { return key.is_string() ? key.get<std::string>() : key.dump(); }

bool truth(const Json& value) {
  if (!value.is_boolean()) throw CelError("no such overload");
  return value.get<bool>();
}

class Evaluation {
 public:
  explicit Evaluation(const Variables& variables) : variables_(variables) {}

  Json run(const Node& node, const Scope* scope) {
    if (++steps_ > steps_max) throw CelError("operation cancelled: actual cost limit exceeded");
    switch (node.kind) {
      case NodeKind::literal: return node.value;
      case NodeKind::identifier: return variable(node.name, scope);
      case NodeKind::select: return select(run(node.parts[0], scope), node.name, node.optional);
      case NodeKind::present: return present(run(node.parts[0], scope), node.name);
      case NodeKind::index: return at(run(node.parts[0], scope), run(node.parts[1], scope), node.optional);
      case NodeKind::call: return call_function(node.name, all(node, 0, scope));
      case NodeKind::method: return method(node, scope);
      case NodeKind::list: return Json(all(node, 0, scope));
      case NodeKind::map: {
        Json value = Json::object();
        for (std::size_t i = 0; i + 1 < node.parts.size(); i += 2) value[shown_key(run(node.parts[i], scope))] = run(node.parts[i + 1], scope);
        return value;
      }
      case NodeKind::ternary: return run(node.parts[truth(run(node.parts[0], scope)) ? 1 : 2], scope);
      case NodeKind::both: return decide(node, false, scope);
      case NodeKind::either: return decide(node, true, scope);
      case NodeKind::comprehension: return comprehend(node, scope);
    }
    throw CelError("no such overload");
  }

 private:
  Json variable(const std::string& name, const Scope* scope) {
    for (; scope != nullptr; scope = scope->outer) {
      if (scope->name == name) return scope->value;
    }
    const auto found = variables_.find(name);
    if (found == variables_.end()) throw CelError("no such attribute(s): " + name);
    return found->second;
  }
  std::vector<Json> all(const Node& node, std::size_t from, const Scope* scope) {
    std::vector<Json> values;
    for (std::size_t i = from; i < node.parts.size(); ++i) values.push_back(run(node.parts[i], scope));
    return values;
  }
  Json method(const Node& node, const Scope* scope) {
    const Node& target = node.parts[0];
    if (target.kind == NodeKind::identifier && target.name == "optional") {
      if (node.name == "none") return nothing();
      Json value = run(node.parts.at(1), scope);
      return node.name == "ofNonZeroValue" && (value.empty() || value == false || value == 0 || value == "") ? nothing() : some(std::move(value));
    }
    return call_method(run(target, scope), node.name, all(node, 1, scope));
  }
  static Json select(const Json& value, const std::string& field, bool optional) {
    if (const Json* inside = optional_of(value)) {
      if (inside->empty()) return nothing();
      return select((*inside)[0], field, true);
    }
    const bool has = value.is_object() && value.contains(field);
    if (optional) return has ? some(value[field]) : nothing();
    if (!has) throw CelError(value.is_object() ? "no such key: " + field : "no such overload");
    return value[field];
  }
  static Json present(const Json& value, const std::string& field) {
    if (const Json* inside = optional_of(value)) return !inside->empty() && (*inside)[0].is_object() && (*inside)[0].contains(field);
    if (!value.is_object()) throw CelError("no such overload");
    return value.contains(field);
  }
  static Json at(const Json& value, const Json& index, bool optional) {
    if (const Json* inside = optional_of(value)) {
      if (inside->empty()) return nothing();
      return at((*inside)[0], index, true);
    }
    if (value.is_array() && index.is_number()) {
      const double position = index.get<double>();
      const bool inside = position >= 0 && position < static_cast<double>(value.size());
      if (optional) return inside ? some(value[static_cast<std::size_t>(position)]) : nothing();
      if (!inside) throw CelError("index out of bounds: " + index.dump());
      return value[static_cast<std::size_t>(position)];
    }
    if (!value.is_object()) throw CelError("no such overload");
    return select(value, shown_key(index), optional);
  }
  /// A side that fails does not matter where another one decides.
  Json decide(const Node& node, bool decisive, const Scope* scope) {
    std::optional<CelError> failure;
    for (const Node& part : node.parts) {
      try {
        if (truth(run(part, scope)) == decisive) return decisive;
      } catch (const CelError& error) {
        if (!failure) failure.emplace(error);
      }
    }
    if (failure) throw *failure;
    return !decisive;
  }
  Json comprehend(const Node& node, const Scope* scope) {
    const Json range = run(node.parts[0], scope);
    const auto with = [&](const Json& item, std::size_t part) {
      const Scope inner{node.variable, item, scope};
      return run(node.parts[part], &inner);
    };
    if (node.name == "optMap") {
      const Json* inside = optional_of(range);
      if (inside == nullptr) throw CelError("no such overload");
      return inside->empty() ? nothing() : some(with((*inside)[0], 1));
    }
    Json items = range;
    if (range.is_object()) {
      items = Json::array();
      for (const auto& [key, value] : range.items()) items.push_back(key);
    }
    if (!items.is_array()) throw CelError("no such overload");
    const std::string& name = node.name;
    if (name == "all" || name == "exists") {
      const bool decisive = name == "exists";
      std::optional<CelError> failure;
      for (const Json& item : items) {
        try {
          if (truth(with(item, 1)) == decisive) return decisive;
        } catch (const CelError& error) {
          if (!failure) failure.emplace(error);
        }
      }
      if (failure) throw *failure;
      return !decisive;
    }
    if (name == "exists_one") {
      std::size_t count = 0;
      for (const Json& item : items) count += truth(with(item, 1)) ? 1 : 0;
      return count == 1;
    }
    Json result = Json::array();
    for (const Json& item : items) {
      if (name == "filter") {
        if (truth(with(item, 1))) result.push_back(item);
      } else if (node.parts.size() == 2) {
        result.push_back(with(item, 1));
      } else if (truth(with(item, 1))) {
        result.push_back(with(item, 2));
      }
    }
    return result;
  }

  const Variables& variables_;
  std::size_t steps_ = 0;
};

void check_names(const Node& node, std::vector<std::string>& known) {
  if (node.kind == NodeKind::identifier && std::find(known.begin(), known.end(), node.name) == known.end() && node.name != "optional") {
    throw CelError("ERROR: <input>:1:1: undeclared reference to '" + node.name + "' (in container '')");
  }
  if (node.kind == NodeKind::call && !is_function(node.name)) throw CelError("ERROR: <input>:1:1: undeclared reference to '" + node.name + "' (in container '')");
  if (node.kind != NodeKind::comprehension) {
    for (const Node& part : node.parts) check_names(part, known);
    return;
  }
  check_names(node.parts[0], known);
  known.push_back(node.variable);
  for (std::size_t i = 1; i < node.parts.size(); ++i) check_names(node.parts[i], known);
  known.pop_back();
}

bool speaks_of(const Node& node, const std::string& name) {
  if (node.kind == NodeKind::identifier && node.name == name) return true;
  return std::any_of(node.parts.begin(), node.parts.end(), [&](const Node& part) { return speaks_of(part, name); });
}

}  // namespace

Json some(Json value) { return Json{{optional_key, Json::array({std::move(value)})}}; }

const Json& nothing() {
  static const Json none = {{optional_key, Json::array()}};
  return none;
}

const Json* optional_of(const Json& value) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(optional_key);
  return found == value.end() ? nullptr : &*found;
}

CelProgram CelProgram::compile(const std::string& text, const std::vector<std::string>& declared) {
  CelProgram program;
  program.root_ = parse_expression(text);
  std::vector<std::string> known = declared;
  check_names(program.root_, known);
  return program;
}

Json CelProgram::evaluate(const Variables& variables) const { return Evaluation(variables).run(root_, nullptr); }

bool CelProgram::mentions(const std::string& variable) const { return speaks_of(root_, variable); }

}  // namespace skidpad::fakes::kube_apiserver::cel
