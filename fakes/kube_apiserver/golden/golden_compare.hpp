/// @file golden_compare.hpp
/// Whether an answer is the recorded one, but for the parts that differ from run to run.
/// Promise: the rules of golden/replay.py: placeholders keep one meaning within a case, resourceVersions keep their order, and what was not
/// recorded must not be there. Not here: sending requests (golden_run.hpp).
#pragma once

#include "harness/runtime/json.hpp"

namespace skidpad::fakes::kube_apiserver::golden {

/// What differs, and where.
class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Captured values by name, and what "${name}" in texts becomes.
class Variables {
 public:
  void set(const std::string& name, Json value) { values_[name] = std::move(value); }
  const Json& get(const std::string& name) const;
  std::string expand_text(const std::string& text) const;
  Json expand(const Json& value) const;
  std::string now;        ///< "${now}"
  std::string now_micro;  ///< "${nowmicro}"

 private:
  std::map<std::string, Json> values_;
};

/// What the placeholders of one case stand for in this run.
class Holes {
 public:
  explicit Holes(const Variables& variables) : variables_(variables) {}
  /// Throws Mismatch. List versions that occur are kept for check_list_versions().
  void compare(const Json& wanted, const Json& got, const std::string& where);
  /// `wanted` is a part of `got`.
  void contains(const Json& wanted, const Json& got, const std::string& where);
  /// Every list version met since the last call is at least as new as the objects in the body.
  void check_list_versions(const Json& body);

 private:
  struct Found {
    std::string kind;
    std::string label;
    std::string value;
  };
  void compare_text(const std::string& wanted, const Json& got, const std::string& where);
  void bind(const Found& found, const std::string& where);
  const Variables& variables_;
  std::map<std::pair<std::string, std::string>, std::string> bound_;
  std::vector<std::pair<std::string, std::int64_t>> list_versions_;  ///< "fresh" or "", version
};

/// All values a pointer reaches; "*" is every element, "key=value" the elements with that value.
std::vector<const Json*> lookup(const Json& document, const std::string& pointer);
/// The first, or null.
const Json& lookup_one(const Json& document, const std::string& pointer);
void drop(Json& document, const std::string& pointer);
Json project(const Json& document, const std::vector<std::string>& pointers);
void strip_managed_fields(Json& document);
void sort_managed_fields(Json& document);
Json merge_patched(Json document, const Json& patch);

/// Bodies in the server's protobuf envelope: apiVersion, kind and the fields at paths like "1.3".
Json read_protobuf_fields(std::string_view bytes, const Json& paths);
std::string write_protobuf(const Json& message);  ///< {"apiVersion", "kind", "message": [[number, value], ...]}
/// The fields of one message: numbers and byte strings.
std::vector<std::pair<int, Json>> protobuf_fields(std::string_view bytes);

}  // namespace skidpad::fakes::kube_apiserver::golden
