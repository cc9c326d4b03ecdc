#include "fakes/kube_apiserver/api/selector.hpp"

#include "fakes/kube_apiserver/api/names.hpp"
#include "fakes/kube_apiserver/crd/custom_definition.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using Operator = LabelRequirement::Operator;

/// Splits "a in (b,c),!d" into words and signs.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  std::string next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    if (at_ >= text_.size()) return "";
    static constexpr std::string_view signs = "(),!=<>";
    const std::size_t start = at_;
    if (signs.find(text_[at_]) != std::string_view::npos) {
      ++at_;
      if ((text_[start] == '=' || text_[start] == '!') && at_ < text_.size() && text_[at_] == '=') ++at_;
      return std::string(text_.substr(start, at_ - start));
    }
    while (at_ < text_.size() && signs.find(text_[at_]) == std::string_view::npos && !std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_sign(const std::string& token) {
  return token.empty() || token == "(" || token == ")" || token == "," || token == "!" || token == "=" || token == "==" || token == "!=" ||
         token == "<" || token == ">";
}

/// Between requirements the real parser does not say "unable to parse requirement", and before '(' it leaves out the comma.
[[noreturn]] void fail(const std::string& found, const std::string& expected) { throw bad_request("found '" + found + "', expected: " + expected); }

[[noreturn]] void fail_inside(const std::string& found, const std::string& expected) {
  throw bad_request("unable to parse requirement: found '" + found + "'" + (expected == "'('" ? "" : ",") + " expected: " + expected);
}

void check_key(const std::string& key) {
  const auto problems = qualified_name_problems(key);
  if (!problems.empty()) throw bad_request("unable to parse requirement: <nil>: Invalid value: " + in_quotes(key) + ": " + problems.front());
}

}  // namespace

LabelSelector LabelSelector::parse(std::string_view text) {
  LabelSelector selector;
  Lexer lexer(text);
  std::string token = lexer.next();
  if (token.empty()) return selector;
  for (;;) {
    LabelRequirement requirement;
    const bool negated = token == "!";
    if (negated) token = lexer.next();
    if (is_sign(token) && negated) fail_inside(token, "identifier");
    if (is_sign(token)) fail(token, "!, identifier, or 'end of string'");
    requirement.key = token;
    check_key(requirement.key);
    token = lexer.next();
    if (negated) {
      requirement.operation = Operator::absent;
    } else if (token.empty() || token == ",") {
      requirement.operation = Operator::exists;
    } else if (token == "in" || token == "notin") {
      requirement.operation = token == "in" ? Operator::in : Operator::not_in;
      token = lexer.next();
      if (token != "(") fail_inside(token, "'('");
      std::string value;
      for (token = lexer.next(); token != ")"; token = lexer.next()) {
        if (token == ",") {
          requirement.values.push_back(std::exchange(value, {}));
        } else if (!value.empty()) {
          fail_inside(token, "',' or ')'");
        } else if (is_sign(token)) {
          fail_inside(token, requirement.values.empty() ? "',', ')' or identifier" : "',', or identifier");
        } else {
          value = token;
        }
      }
      requirement.values.push_back(value);
      std::sort(requirement.values.begin(), requirement.values.end());  // complaints count in this order
      token = lexer.next();
    } else if (token == "=" || token == "==" || token == "!=" || token == "<" || token == ">") {
      requirement.operation = token == "!=" ? Operator::not_in : token == "<" ? Operator::less : token == ">" ? Operator::greater : Operator::in;
      token = lexer.next();
      if (token.empty() || token == ",") {
        requirement.values.emplace_back();
      } else {
        if (is_sign(token)) fail_inside(token, "identifier");
        requirement.values.push_back(token);
        token = lexer.next();
      }
    } else {
      fail_inside(token, "in, notin, =, ==, !=, gt, lt");
    }
    if (requirement.operation == Operator::less || requirement.operation == Operator::greater) {
      const std::string& value = requirement.values.front();
      const std::size_t digits = value.empty() || (value[0] != '-' && value[0] != '+') ? 0 : 1;
      if (digits == value.size() || value.find_first_not_of("0123456789", digits) != std::string::npos) {
        throw bad_request("unable to parse requirement: values[0]: Invalid value: " + in_quotes(value) + ": for 'Gt', 'Lt' operators, the value must be an integer");
      }
    }
    for (const std::string& value : requirement.values) {
      const auto problems = label_value_problems(value);
      if (!problems.empty()) {
        throw bad_request("unable to parse requirement: values[0][" + requirement.key + "]: Invalid value: " + in_quotes(value) + ": " + problems.front());
      }
    }
    selector.requirements_.push_back(std::move(requirement));
    if (token.empty()) return selector;
    if (token != ",") fail(token, "',' or 'end of string'");
    token = lexer.next();
    if (token.empty()) fail("", "identifier after ','");
  }
}

LabelSelector LabelSelector::from_object(const Json& object) {
  LabelSelector selector;
  if (!object.is_object()) {
    selector.nothing_ = true;
    return selector;
  }
  for (const auto& [key, value] : runtime::list_at(object, {"matchLabels"}).items()) {
    LabelRequirement requirement;
    requirement.key = key;
    requirement.operation = Operator::in;
    requirement.values = {value.get<std::string>()};
    selector.requirements_.push_back(std::move(requirement));
  }
  for (const Json& expression : runtime::list_at(object, {"matchExpressions"})) {
    LabelRequirement requirement;
    requirement.key = runtime::text_at(expression, {"key"});
    const std::string operation = runtime::text_at(expression, {"operator"});
    requirement.operation = operation == "In"           ? Operator::in
                            : operation == "NotIn"      ? Operator::not_in
                            : operation == "DoesNotExist" ? Operator::absent
                                                          : Operator::exists;
    for (const Json& value : runtime::list_at(expression, {"values"})) requirement.values.push_back(value.get<std::string>());
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

bool LabelSelector::matches(const Json& labels) const {
  if (nothing_) return false;
  for (const LabelRequirement& requirement : requirements_) {
    const std::string* value = nullptr;
    if (labels.is_object()) {
      const auto found = labels.find(requirement.key);
      if (found != labels.end() && found->is_string()) value = found->get_ptr<const std::string*>();
    }
    const auto listed = [&] { return std::find(requirement.values.begin(), requirement.values.end(), *value) != requirement.values.end(); };
    bool holds = false;
    switch (requirement.operation) {
      case Operator::in: holds = value != nullptr && listed(); break;
      case Operator::not_in: holds = value == nullptr || !listed(); break;
      case Operator::exists: holds = value != nullptr; break;
      case Operator::absent: holds = value == nullptr; break;
      case Operator::greater:
      case Operator::less: {
        if (value == nullptr) break;
        const long long left = std::strtoll(value->c_str(), nullptr, 10);
        const long long right = std::strtoll(requirement.values.front().c_str(), nullptr, 10);
        holds = requirement.operation == Operator::greater ? left > right : left < right;
        break;
      }
    }
    if (!holds) return false;
  }
  return true;
}

// --- fields -----------------------------------------------------------------------------------------------------------

namespace {

struct SelectableFields {
  std::string_view resource;  ///< group_resource
  std::vector<std::string_view> fields;
};

const std::vector<SelectableFields>& selectable_fields() {
  static const std::vector<SelectableFields> table = {
      {"pods", {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP",
                "status.podIPs", "status.nominatedNodeName"}},
      {"nodes", {"spec.unschedulable"}},
      {"events", {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
                  "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"}},
      {"events.events.k8s.io", {"regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "regarding.apiVersion",
                                "regarding.resourceVersion", "regarding.fieldPath", "reason", "reportingController", "type"}},
      {"secrets", {"type"}},
      {"services", {"spec.clusterIP", "spec.type"}},
      {"namespaces", {"status.phase"}},
      {"replicasets.apps", {"status.replicas"}},
      {"replicationcontrollers", {"status.replicas"}},
      {"jobs.batch", {"status.successful"}},
      {"certificatesigningrequests.certificates.k8s.io", {"spec.signerName"}},
  };
  return table;
}

/// What the real server answers depends on whether the kind has a conversion function for field labels.
void check_field(const std::string& field, const Resource& resource) {
  if (field == "metadata.name" || (field == "metadata.namespace" && (resource.namespaced || !resource.custom))) return;
  if (resource.custom) {
    const auto& offered = resource.custom->selectable;
    if (std::find(offered.begin(), offered.end(), field) != offered.end()) return;
    throw bad_request("field label not supported: " + field);
  }
  const std::string name = resource.group_resource();
  for (const SelectableFields& entry : selectable_fields()) {
    if (entry.resource != name) continue;
    if (std::find(entry.fields.begin(), entry.fields.end(), field) != entry.fields.end()) return;
    if (name == "jobs.batch") throw bad_request("field label " + in_quotes(field) + " not supported for batchv1.Job");
    throw bad_request("field label not supported: " + field);
  }
  throw bad_request(in_quotes(field) + " is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  return value.dump();
}

std::string field_value(const Json& object, const std::string& field, const Resource& resource) {
  if (field == "metadata.name") return runtime::text_at(object, {"metadata", "name"});
  if (field == "metadata.namespace") return runtime::text_at(object, {"metadata", "namespace"});
  if (field == "spec.unschedulable" || field == "spec.hostNetwork") {
    return runtime::bool_at(object, {"spec", field.substr(5)}) ? "true" : "false";
  }
  if (field == "status.replicas") return std::to_string(runtime::integer_at(object, {"status", "replicas"}));
  if (field == "status.successful") return std::to_string(runtime::integer_at(object, {"status", "succeeded"}));
  if (resource.plural == "events" && field == "source") {
    const std::string component = runtime::text_at(object, {"source", "component"});
    return component.empty() ? runtime::text_at(object, {"reportingComponent"}) : component;
  }
  const Json* value = &object;
  for (std::size_t start = 0; start < field.size();) {
    const std::size_t dot = std::min(field.find('.', start), field.size());
    value = &runtime::find(*value, {field.substr(start, dot - start)});
    start = dot + 1;
  }
  return text_of(*value);
}

}  // namespace

FieldSelector FieldSelector::parse(std::string_view text, const Resource& resource) {
  FieldSelector selector;
  std::vector<std::string> terms(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      terms.back() += text[i];
      terms.back() += text[++i];
    } else if (text[i] == ',') {
      terms.emplace_back();
    } else {
      terms.back() += text[i];
    }
  }
  for (const std::string& term : terms) {
    if (term.empty()) continue;
    Term parsed;
    std::size_t at = std::string::npos;
    for (std::size_t i = 0; i < term.size(); ++i) {
      if (term[i] == '\\') {
        ++i;
      } else if (term[i] == '=' || (term[i] == '!' && i + 1 < term.size() && term[i + 1] == '=')) {
        at = i;
        break;
      }
    }
    if (at == std::string::npos) throw bad_request("invalid selector: '" + std::string(text) + "'; can't understand '" + term + "'");
    parsed.equal = term[at] == '=';
    std::size_t value_at = at + 1;
    if (!parsed.equal || (value_at < term.size() && term[value_at] == '=')) ++value_at;
    parsed.field = term.substr(0, at);
    for (std::size_t i = value_at; i < term.size(); ++i) {
      if (term[i] == '\\' && i + 1 < term.size()) ++i;
      parsed.value += term[i];
    }
    check_field(parsed.field, resource);
    selector.terms_.push_back(std::move(parsed));
  }
  return selector;
}

bool FieldSelector::matches(const Json& object, const Resource& resource) const {
  for (const Term& term : terms_) {
    if ((field_value(object, term.field, resource) == term.value) != term.equal) return false;
  }
  return true;
}

std::optional<std::string> FieldSelector::exact(std::string_view field) const {
  for (const Term& term : terms_) {
    if (term.equal && term.field == field) return term.value;
  }
  return std::nullopt;
}

}  // namespace skidpad::fakes::kube_apiserver
