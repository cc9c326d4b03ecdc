/// @file schema.hpp
/// The types of the Kubernetes API as data: field names, shapes, protobuf numbers, omitempty, patch and apply markers.
/// Promise: canonicalise() turns client JSON into what the real server's decode and encode would give back: unknown fields dropped
/// and reported, wrong types refused, empty values omitted or spelled out as Go does it.
/// Not here: defaults and validation (defaults.hpp, validation.hpp).
///
/// Form of schema_data: a type starts with its id ("core.v1.Pod"); then one line a field: name, protobuf number, `o` for omitempty or `-`,
/// type, markers. Types: s string, b bool, i int32, l int64, f double, B bytes, t time, m micro time, d duration, x int-or-string,
/// q quantity, a anything, F managed fields; prefix * pointer, [ list, { map of text keys; else another type's id.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/runtime/json.hpp"

namespace skidpad::fakes::kube_apiserver {

extern const std::string_view schema_data[];
extern const std::size_t schema_data_count;

enum class Shape { text, boolean, int32, int64, number, bytes, time, micro_time, duration, int_or_string, quantity, any, object, list, map };

enum class ListKind { unset, atomic, set, keyed };

struct Type;

struct Field {
  std::string name;
  int number = 0;         ///< in protobuf
  int inline_number = 0;  ///< of the embedded message that holds it, or 0
  bool wrapped = false;   ///< in protobuf a list inside a message of its own
  bool omit_empty = false;
  bool pointer = false;
  const Type* type = nullptr;
  std::string merge_key;      ///< strategic merge patch
  bool patch_merge = false;
  bool patch_retain_keys = false;
  ListKind list_kind = ListKind::unset;  ///< server-side apply
  std::vector<std::string> list_keys;
  bool atomic = false;                   ///< map or struct owned as a whole
  Json default_value;                    ///< null if none
};

struct Type {
  std::string id;
  Shape shape = Shape::any;
  std::vector<Field> fields;
  std::unordered_map<std::string_view, std::size_t> field_by_name;
  const Type* element = nullptr;
  bool atomic = false;

  const Field* field(std::string_view name) const {
    const auto found = field_by_name.find(name);
    return found == field_by_name.end() ? nullptr : &fields[found->second];
  }
};

/// The table; built once from schema_data.
class Schema {
 public:
  static const Schema& instance();
  /// Null if there is no such type.
  const Type* find(std::string_view id) const;
  const std::map<std::string, Type, std::less<>>& types() const { return types_; }

 private:
  Schema();
  const Type* resolve(std::string_view text);
  std::map<std::string, Type, std::less<>> types_;
};

/// A value that does not fit its type; what() is Go's decoder text.
class DecodeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What strict decoding complains of, in the order met: `unknown field "spec.x"`, `duplicate field "spec.x"`.
using FieldComplaints = std::vector<std::string>;

/// Throws DecodeError.
void canonicalise(Json& value, const Type& type, FieldComplaints* complaints, const std::string& path = "");

/// Reads JSON text as Go does (last of duplicate keys wins), bounded in depth. Throws DecodeError with Go's text.
/// Complaints come in the order of the text: duplicate fields, and unknown ones where a type is given.
Json read_json(std::string_view text, FieldComplaints* complaints = nullptr, const Type* type = nullptr);

/// "1000m" -> "1", "1024Mi" -> "1Gi". Throws DecodeError.
std::string canonical_quantity(std::string_view text);
/// In thousandths, rounded up; saturates. Bad text counts as 0.
std::int64_t quantity_milli(std::string_view text);
/// -1, 0, 1.
int compare_quantities(std::string_view a, std::string_view b);

}  // namespace skidpad::fakes::kube_apiserver
