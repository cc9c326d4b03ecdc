#include "fakes/kube_apiserver/api/schema.hpp"

#include "fakes/kube_apiserver/api/utf8.hpp"
#include "harness/runtime/assert.hpp"
#include "harness/runtime/json_text.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != separator) continue;
    if (i > start) parts.push_back(text.substr(start, i - start));
    start = i + 1;
  }
  return parts;
}

Shape scalar_shape(char letter) {
  switch (letter) {
    case 's': return Shape::text;
    case 'b': return Shape::boolean;
    case 'i': return Shape::int32;
    case 'l': return Shape::int64;
    case 'f': return Shape::number;
    case 'B': return Shape::bytes;
    case 't': return Shape::time;
    case 'm': return Shape::micro_time;
    case 'd': return Shape::duration;
    case 'x': return Shape::int_or_string;
    case 'q': return Shape::quantity;
    default: return Shape::any;
  }
}

int to_int(std::string_view text) { return std::stoi(std::string(text)); }

}  // namespace

const Schema& Schema::instance() {
  static const Schema schema;
  return schema;
}

const Type* Schema::find(std::string_view id) const {
  const auto found = types_.find(id);
  return found == types_.end() ? nullptr : &found->second;
}

const Type* Schema::resolve(std::string_view text) {
  while (!text.empty() && text.front() == '*') text.remove_prefix(1);
  auto found = types_.find(text);
  if (found != types_.end()) return &found->second;
  const bool list = text.front() == '[';
  const bool map = text.front() == '{';
  ASSERT(list || map || text.size() == 1);
  Type type;
  type.id = std::string(text);
  if (list || map) {
    type.shape = list ? Shape::list : Shape::map;
    type.element = resolve(text.substr(1));
  } else {
    type.shape = scalar_shape(text.front());
  }
  return &types_.emplace(std::string(text), std::move(type)).first->second;
}

Schema::Schema() {
  std::string whole;
  for (std::size_t i = 0; i < schema_data_count; ++i) whole += schema_data[i];
  const auto lines = split(whole, '\n');
  for (const std::string_view line : lines) {  // every type before the fields that name them
    if (line.front() == ' ') continue;
    const auto words = split(line, ' ');
    Type type;
    type.id = std::string(words[0]);
    type.shape = Shape::object;
    type.atomic = words.size() > 1 && words[1] == "st=atomic";
    types_.emplace(type.id, type);
  }
  Type* current = nullptr;
  for (const std::string_view line : lines) {
    const auto words = split(line, ' ');
    if (line.front() != ' ') {
      current = &types_.find(words[0])->second;
      continue;
    }
    ASSERT(words.size() >= 4);
    Field field;
    field.name = std::string(words[0]);
    field.number = to_int(words[1]);
    field.omit_empty = words[2] == "o";
    field.pointer = words[3].front() == '*';
    field.type = resolve(words[3]);
    for (std::size_t i = 4; i < words.size(); ++i) {
      const std::size_t equals = words[i].find('=');
      const std::string_view key = words[i].substr(0, equals);
      const std::string_view value = words[i].substr(equals + 1);
      if (key == "mk") field.merge_key = std::string(value);
      if (key == "ps") {
        field.patch_merge = value.find("merge") != std::string_view::npos;
        field.patch_retain_keys = value.find("retainKeys") != std::string_view::npos;
      }
      if (key == "lt") field.list_kind = value == "map" ? ListKind::keyed : value == "set" ? ListKind::set : ListKind::atomic;
      if (key == "keys") {
        for (const auto name : split(value, ',')) field.list_keys.emplace_back(name);
      }
      if ((key == "mt" || key == "st") && value == "atomic") field.atomic = true;
      if (key == "def" && value.front() != 'r') field.default_value = Json::parse(value, nullptr, false);
      if (key == "wr") field.wrapped = true;
      if (key == "in") field.inline_number = to_int(value);
    }
    if (field.default_value.is_discarded()) field.default_value = nullptr;
    current->fields.push_back(std::move(field));
  }
  for (auto& [id, type] : types_) {
    for (std::size_t i = 0; i < type.fields.size(); ++i) type.field_by_name.emplace(type.fields[i].name, i);
  }
}

// --- canonical form ---------------------------------------------------------------------------------------------------

namespace {

const char* json_kind(const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: return "object";
    case Json::value_t::array: return "array";
    case Json::value_t::string: return "string";
    case Json::value_t::boolean: return "bool";
    default: return "number";
  }
}

[[noreturn]] void wrong_type(const Json& value, const std::string& path, const char* wanted) {
  std::string kind = json_kind(value);
  if (value.is_number_float()) kind += " " + value.dump();
  throw DecodeError("json: cannot unmarshal " + kind + " into Go struct field " + path + " of type " + wanted);
}

bool valid_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '=') {
      if (i + 2 < text.size()) return false;
      ++padding;
      continue;
    }
    if (padding > 0) return false;
    if (!(std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/')) return false;
  }
  return true;
}

/// MicroTime is read by a layout with exactly six.
bool has_six_decimals(const std::string& text) {
  return text.size() > 26 && text[19] == '.' && text.find_first_not_of("0123456789", 20) == 26;
}

bool is_go_empty(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null: return true;
    case Json::value_t::string: return value.get_ref<const std::string&>().empty();
    case Json::value_t::boolean: return !value.get<bool>();
    case Json::value_t::number_integer: return value.get<std::int64_t>() == 0;
    case Json::value_t::number_unsigned: return value.get<std::uint64_t>() == 0;
    case Json::value_t::number_float: return value.get<double>() == 0;
    case Json::value_t::array:
    case Json::value_t::object: return value.empty();
    default: return false;
  }
}

/// Go's encoder writes these even when empty, omitempty or not: they are structs to it.
bool is_go_struct(Shape shape) {
  return shape == Shape::object || shape == Shape::time || shape == Shape::micro_time || shape == Shape::quantity ||
         shape == Shape::int_or_string || shape == Shape::duration;
}

Json zero_of(const Type& type);

Json zero_object(const Type& type) {
  Json value = Json::object();
  for (const Field& field : type.fields) {
    if (field.omit_empty && (field.pointer || !is_go_struct(field.type->shape))) continue;
    value[field.name] = field.pointer ? Json() : zero_of(*field.type);
  }
  return value;
}

Json zero_of(const Type& type) {
  switch (type.shape) {
    case Shape::text: return "";
    case Shape::boolean: return false;
    case Shape::int32:
    case Shape::int64:
    case Shape::number:
    case Shape::int_or_string: return 0;
    case Shape::quantity: return "0";
    case Shape::duration: return "0s";
    case Shape::object: return zero_object(type);
    default: return nullptr;
  }
}

void canonicalise_object(Json& value, const Type& type, FieldComplaints* complaints, const std::string& path) {
  if (value.is_null()) {
    value = zero_object(type);
    return;
  }
  if (!value.is_object()) wrong_type(value, path.empty() ? type.id : path, type.id.c_str());
  for (auto member = value.begin(); member != value.end();) {
    const Field* field = type.field(member.key());
    if (field == nullptr) {
      if (complaints != nullptr) complaints->push_back("unknown field \"" + (path.empty() ? "" : path + ".") + member.key() + "\"");
      member = value.erase(member);
      continue;
    }
    if (!member->is_null()) {
      if (!member->is_structured()) {
        canonicalise(*member, *field->type, complaints, member.key());
      } else {
        canonicalise(*member, *field->type, complaints, path.empty() ? member.key() : path + "." + member.key());
      }
    }
    // The store keeps no difference between an empty list and none.
    if (!field->pointer && (field->type->shape == Shape::list || field->type->shape == Shape::map) && member->empty()) *member = nullptr;
    const bool drop = field->pointer ? field->omit_empty && member->is_null()
                                     : field->omit_empty && !is_go_struct(field->type->shape) && is_go_empty(*member);
    member = drop ? value.erase(member) : std::next(member);
  }
  for (const Field& field : type.fields) {
    if (field.omit_empty && (field.pointer || !is_go_struct(field.type->shape))) continue;
    auto member = value.find(field.name);
    if (member == value.end()) {
      value[field.name] = field.pointer ? Json() : zero_of(*field.type);
    } else if (member->is_null() && !field.pointer) {
      *member = zero_of(*field.type);
    }
  }
}

}  // namespace

void canonicalise(Json& value, const Type& type, FieldComplaints* complaints, const std::string& path) {
  switch (type.shape) {
    case Shape::any: return;
    case Shape::text:
      if (!value.is_string()) wrong_type(value, path, "string");
      return;
    case Shape::boolean:
      if (!value.is_boolean()) wrong_type(value, path, "bool");
      return;
    case Shape::int32:
    case Shape::int64: {
      const char* name = type.shape == Shape::int32 ? "int32" : "int64";
      if (!value.is_number_integer()) wrong_type(value, path, name);
      if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) wrong_type(value, path, name);
      const auto number = value.get<std::int64_t>();
      if (type.shape == Shape::int32 && (number > INT32_MAX || number < INT32_MIN)) wrong_type(value, path, name);
      value = number;
      return;
    }
    case Shape::number:
      if (!value.is_number()) wrong_type(value, path, "float64");
      return;
    case Shape::bytes:
      if (!value.is_string()) wrong_type(value, path, "[]uint8");
      if (!valid_base64(value.get_ref<const std::string&>())) throw DecodeError("illegal base64 data at input byte 0");
      return;
    case Shape::time:
    case Shape::micro_time: {
      if (!value.is_string()) wrong_type(value, path, "string");
      const std::string text = value.get<std::string>();
      runtime::WallTime time;
      if (type.shape == Shape::micro_time && !has_six_decimals(text)) {
        throw DecodeError("parsing time \"" + text + "\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"" + text.substr(std::min<std::size_t>(19, text.size())) + "\" as \".000000\"");
      }
      if (!runtime::parse_rfc3339(text, time)) {
        throw DecodeError("parsing time \"" + text + "\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"" + text + "\" as \"2006\"");
      }
      value = type.shape == Shape::time ? runtime::format_rfc3339(time) : runtime::format_rfc3339_micro(time);
      return;
    }
    case Shape::duration: {
      if (!value.is_string()) wrong_type(value, path, "string");
      runtime::Duration duration;
      const std::string text = value.get<std::string>();
      if (!runtime::parse_go_duration(text, duration)) throw DecodeError("time: invalid duration \"" + text + "\"");
      value = runtime::format_go_duration(duration);
      return;
    }
    case Shape::int_or_string:
      if (!value.is_string() && !value.is_number_integer()) wrong_type(value, path, "intstr.IntOrString");
      return;
    case Shape::quantity:
      if (value.is_number()) value = value.dump();
      if (!value.is_string()) {
        throw DecodeError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
      }
      value = canonical_quantity(value.get_ref<const std::string&>());
      return;
    case Shape::list: {
      if (value.is_null()) return;
      if (!value.is_array()) wrong_type(value, path, "slice");
      std::size_t position = 0;
      for (Json& item : value) {
        const bool deep = type.element->shape == Shape::object;
        if (item.is_null()) {
          item = zero_of(*type.element);
        } else {
          canonicalise(item, *type.element, complaints, deep ? path + "[" + std::to_string(position) + "]" : path);
        }
        ++position;
      }
      return;
    }
    case Shape::map:
      if (value.is_null()) return;
      if (!value.is_object()) wrong_type(value, path, "map[string]string");
      for (auto& [key, item] : value.items()) {
        if (item.is_null()) {
          item = zero_of(*type.element);
        } else {
          canonicalise(item, *type.element, complaints, path + "." + key);
        }
      }
      return;
    case Shape::object: canonicalise_object(value, type, complaints, path); return;
  }
}

// --- JSON text --------------------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t depth_max = 10000;

/// Builds a value as the parser goes, and notes keys met twice.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(FieldComplaints* complaints, const Type* type) : complaints_(complaints), next_(type) {}
  Json root;
  std::string failure;

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    Json& object = *stack_.back();
    if (complaints_ != nullptr) complain(object, value);
    slot_ = &object[value];
    keys_.back() = value;
    return true;
  }
  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception& error) override {
    const std::string text = error.what();
    if (text.find("unexpected end of input") != std::string::npos) {
      failure = "unexpected end of JSON input";
    } else {
      failure = "invalid character " + std::string(token.empty() ? "''" : "'" + token.substr(token.size() - 1) + "'") +
                " looking for beginning of value (at byte " + std::to_string(position) + ")";
    }
    return false;
  }

 private:
  void complain(const Json& object, const std::string& name) {
    if (object.contains(name)) complaints_->push_back("duplicate field \"" + path_to(name) + "\"");
    const Type* type = types_.back();
    next_ = nullptr;
    if (type == nullptr) return;
    if (type->shape == Shape::map) next_ = type->element;
    if (type->shape != Shape::object) return;
    if (const Field* field = type->field(name)) {
      next_ = field->type;
    } else {
      complaints_->push_back("unknown field \"" + path_to(name) + "\"");
    }
  }
  std::string path_to(const std::string& last) const {
    std::string path;
    for (std::size_t i = 0; i < stack_.size(); ++i) {
      if (stack_[i]->is_array()) {
        path += "[" + std::to_string(stack_[i]->size() - 1) + "]";
      } else {
        const std::string& name = i + 1 == stack_.size() ? last : keys_[i];
        path += (path.empty() ? "" : ".") + name;
      }
    }
    return path;
  }
  template <class T>
  Json* place(T&& value) {
    if (stack_.empty()) {
      root = Json(std::forward<T>(value));
      return &root;
    }
    if (stack_.back()->is_array()) {
      stack_.back()->push_back(Json(std::forward<T>(value)));
      return &stack_.back()->back();
    }
    *slot_ = Json(std::forward<T>(value));
    return slot_;
  }
  template <class T>
  bool put(T&& value) {
    place(std::forward<T>(value));
    return true;
  }
  bool open(Json value) {
    if (stack_.size() >= depth_max) {
      failure = "exceeded max depth";
      return false;
    }
    const bool in_list = !stack_.empty() && stack_.back()->is_array();
    if (in_list) next_ = types_.back() != nullptr && types_.back()->shape == Shape::list ? types_.back()->element : nullptr;
    stack_.push_back(place(std::move(value)));
    keys_.emplace_back();
    types_.push_back(next_);
    return true;
  }
  bool close() {
    stack_.pop_back();
    keys_.pop_back();
    types_.pop_back();
    return true;
  }
  FieldComplaints* complaints_;
  const Type* next_;  ///< of the value that follows
  std::vector<const Type*> types_;
  std::vector<Json*> stack_;
  std::vector<std::string> keys_;
  Json* slot_ = nullptr;
};

/// Whether every field of every object is one of its type's: what Builder::complain() would find no fault with.
bool knows_all(const Json& value, const Type* type) {
  if (type == nullptr || !value.is_structured()) return true;
  if (value.is_array()) {
    const Type* element = type->shape == Shape::list ? type->element : nullptr;
    return std::all_of(value.begin(), value.end(), [element](const Json& item) { return knows_all(item, element); });
  }
  if (type->shape != Shape::map && type->shape != Shape::object) return true;
  for (const auto& [name, member] : value.get_ref<const Json::object_t&>()) {
    const Type* inner = type->element;
    if (type->shape == Shape::object) {
      const Field* field = type->field(name);
      if (field == nullptr) return false;
      inner = field->type;
    }
    if (!knows_all(member, inner)) return false;
  }
  return true;
}

}  // namespace

Json read_json(std::string_view text, FieldComplaints* complaints, const Type* type) {
  std::string mended;
  if (!is_utf8(text)) {
    mended = mended_utf8(text);
    text = mended;
  }
  // Nearly every body is faultless: only one that is not is read again, slowly, for what there is to say about it.
  Json value;
  bool repeated = false;
  if (runtime::read_json_text(text, value, &repeated) && (complaints == nullptr || (!repeated && knows_all(value, type)))) return value;
  Builder builder(complaints, type);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    throw DecodeError(builder.failure.empty() ? "invalid JSON" : builder.failure);
  }
  return std::move(builder.root);
}

}  // namespace skidpad::fakes::kube_apiserver
