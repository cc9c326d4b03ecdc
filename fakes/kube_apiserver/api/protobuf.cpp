#include "fakes/kube_apiserver/api/protobuf.hpp"

#include <bit>
#include <cstring>

#include "fakes/kube_apiserver/api/base64.hpp"
#include "fakes/kube_apiserver/api/utf8.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

constexpr std::string_view magic("k8s\0", 4);

// --- writing ----------------------------------------------------------------------------------------------------------

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>((value & 127) | 128);
  out += static_cast<char>(value);
}
void put_number(std::string& out, int field, std::int64_t value) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3);
  put_varint(out, static_cast<std::uint64_t>(value));
}
void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3 | 2);
  put_varint(out, bytes.size());
  out.append(bytes);
}

std::string encode_message(const Json& value, const Type& type);

std::string encode_time(const Json& value) {
  runtime::WallTime time;
  std::string out;
  if (!value.is_string() || !runtime::parse_rfc3339(value.get<std::string>(), time)) return out;
  const auto nanos = time.time_since_epoch().count();
  put_number(out, 1, nanos / 1000000000);
  put_number(out, 2, nanos % 1000000000);
  return out;
}

void put_value(std::string& out, int field, const Json& value, const Type& type);

void put_map(std::string& out, int field, const Json& value, const Type& type) {
  for (const auto& [key, item] : value.items()) {
    std::string entry;
    put_bytes(entry, 1, key);
    if (type.element->shape == Shape::list) {
      std::string list;
      for (const Json& each : item) put_value(list, 1, each, *type.element->element);
      put_bytes(entry, 2, list);
    } else {
      put_value(entry, 2, item, *type.element);
    }
    put_bytes(out, field, entry);
  }
}

void put_value(std::string& out, int field, const Json& value, const Type& type) {
  if (value.is_null()) return;
  switch (type.shape) {
    case Shape::text: put_bytes(out, field, value.get_ref<const std::string&>()); return;
    case Shape::boolean: put_number(out, field, value.get<bool>() ? 1 : 0); return;
    case Shape::int32:
    case Shape::int64: put_number(out, field, value.get<std::int64_t>()); return;
    case Shape::number: {
      put_varint(out, static_cast<std::uint64_t>(field) << 3 | 1);
      const auto bits = std::bit_cast<std::uint64_t>(value.get<double>());
      for (int i = 0; i < 8; ++i) out += static_cast<char>(bits >> (8 * i) & 255);
      return;
    }
    case Shape::bytes: put_bytes(out, field, decode_base64(value.get_ref<const std::string&>()).value_or("")); return;
    case Shape::time:
    case Shape::micro_time: put_bytes(out, field, encode_time(value)); return;
    case Shape::duration: {
      runtime::Duration duration{};
      (void)runtime::parse_go_duration(value.get<std::string>(), duration);
      std::string message;
      put_number(message, 1, duration.count());
      put_bytes(out, field, message);
      return;
    }
    case Shape::int_or_string: {
      std::string message;
      put_number(message, 1, value.is_string() ? 1 : 0);
      put_number(message, 2, value.is_string() ? 0 : value.get<std::int64_t>());
      put_bytes(message, 3, value.is_string() ? value.get<std::string>() : "");
      put_bytes(out, field, message);
      return;
    }
    case Shape::quantity: {
      std::string message;
      put_bytes(message, 1, value.get<std::string>());
      put_bytes(out, field, message);
      return;
    }
    case Shape::any: {
      std::string message;
      put_bytes(message, 1, value.dump());
      put_bytes(out, field, message);
      return;
    }
    case Shape::object: put_bytes(out, field, encode_message(value, type)); return;
    case Shape::list:
      for (const Json& item : value) put_value(out, field, item, *type.element);
      return;
    case Shape::map: put_map(out, field, value, type); return;
  }
}

std::string encode_message(const Json& value, const Type& type) {
  std::string out;
  std::map<int, std::string> embedded;
  for (const Field& field : type.fields) {
    if (field.number == 0) continue;
    const auto member = value.find(field.name);
    if (field.inline_number != 0) {
      std::string& inner = embedded[field.inline_number];
      if (member != value.end()) put_value(inner, field.number, *member, *field.type);
      continue;
    }
    if (member == value.end() || member->is_null()) continue;
    if (field.wrapped) {
      std::string inner;
      put_value(inner, 1, *member, *field.type);
      put_bytes(out, field.number, inner);
    } else {
      put_value(out, field.number, *member, *field.type);
    }
  }
  for (const auto& [number, inner] : embedded) put_bytes(out, number, inner);
  return out;
}

// --- reading ----------------------------------------------------------------------------------------------------------

[[noreturn]] void broken() { throw DecodeError("proto: illegal wireType or unexpected EOF"); }

struct Wire {
  int field = 0;
  int type = 0;
  std::uint64_t number = 0;
  std::string_view bytes;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool next(Wire& wire) {
    if (at_ >= text_.size()) return false;
    const std::uint64_t tag = varint();
    wire.field = static_cast<int>(tag >> 3);
    wire.type = static_cast<int>(tag & 7);
    switch (wire.type) {
      case 0: wire.number = varint(); return true;
      case 1:
        if (text_.size() - at_ < 8) broken();
        wire.number = 0;
        for (int i = 0; i < 8; ++i) wire.number |= static_cast<std::uint64_t>(static_cast<unsigned char>(text_[at_ + static_cast<std::size_t>(i)])) << (8 * i);
        at_ += 8;
        return true;
      case 2: {
        const std::uint64_t size = varint();
        if (size > text_.size() - at_) broken();
        wire.bytes = text_.substr(at_, size);
        at_ += size;
        return true;
      }
      case 5:
        if (text_.size() - at_ < 4) broken();
        at_ += 4;
        return true;
      default: broken();
    }
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ >= text_.size()) broken();
      const auto byte = static_cast<unsigned char>(text_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 127) << shift;
      if (byte < 128) return value;
    }
    broken();
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

constexpr int message_depth_max = 100;

Json read_message(std::string_view bytes, const Type& type, int depth);

Json read_time(std::string_view bytes, bool micro) {
  if (bytes.empty()) return nullptr;
  Reader reader(bytes);
  Wire wire;
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  while (reader.next(wire)) {
    if (wire.field == 1) seconds = static_cast<std::int64_t>(wire.number);
    if (wire.field == 2) nanos = static_cast<std::int64_t>(wire.number);
  }
  const runtime::WallTime time{std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanos)};
  return micro ? runtime::format_rfc3339_micro(time) : runtime::format_rfc3339(time);
}

Json read_value(const Wire& wire, const Type& type, int depth) {
  const auto expect = [&](int wanted) {
    if (wire.type != wanted) broken();
  };
  switch (type.shape) {
    case Shape::text: expect(2); return mended_utf8(wire.bytes);
    case Shape::boolean: expect(0); return wire.number != 0;
    case Shape::int32: expect(0); return static_cast<std::int64_t>(static_cast<std::int32_t>(wire.number));
    case Shape::int64: expect(0); return static_cast<std::int64_t>(wire.number);
    case Shape::number: expect(1); return std::bit_cast<double>(wire.number);
    case Shape::bytes: expect(2); return encode_base64(wire.bytes);
    case Shape::time: expect(2); return read_time(wire.bytes, false);
    case Shape::micro_time: expect(2); return read_time(wire.bytes, true);
    case Shape::object: expect(2); return read_message(wire.bytes, type, depth + 1);
    default: break;
  }
  expect(2);
  Reader reader(wire.bytes);
  Wire inner;
  Json result;
  std::int64_t kind = 0;
  std::int64_t number = 0;
  std::string text;
  while (reader.next(inner)) {
    if (inner.type == 2) text = mended_utf8(inner.bytes);
    if (inner.type == 0 && inner.field == 1) kind = static_cast<std::int64_t>(inner.number);
    if (inner.type == 0 && inner.field == 2) number = static_cast<std::int32_t>(inner.number);
  }
  switch (type.shape) {
    case Shape::duration: return runtime::format_go_duration(runtime::Duration(kind));
    case Shape::int_or_string: return kind == 1 ? Json(text) : Json(number);
    case Shape::quantity: return text.empty() ? Json("0") : Json(text);
    default: return text.empty() ? Json() : read_json(text);
  }
}

void read_field(Json& object, const Field& field, const Wire& wire, int depth) {
  const Type& type = *field.type;
  if (field.wrapped) {
    Reader reader(wire.bytes);
    Wire item;
    Json& list = object[field.name];
    if (list.is_null()) list = Json::array();
    while (reader.next(item)) list.push_back(read_value(item, *type.element, depth));
    return;
  }
  if (type.shape == Shape::list) {
    if (wire.type == 2 && (type.element->shape == Shape::int32 || type.element->shape == Shape::int64)) broken();
    object[field.name].push_back(read_value(wire, *type.element, depth));
    return;
  }
  if (type.shape != Shape::map) {
    object[field.name] = read_value(wire, type, depth);
    return;
  }
  if (wire.type != 2) broken();
  Reader reader(wire.bytes);
  Wire part;
  std::string key;
  Json value;
  while (reader.next(part)) {
    if (part.field == 1) key = mended_utf8(part.bytes);
    if (part.field != 2) continue;
    if (type.element->shape == Shape::list) {
      value = Json::array();
      Reader items(part.bytes);
      Wire item;
      while (items.next(item)) value.push_back(read_value(item, *type.element->element, depth));
    } else {
      value = read_value(part, *type.element, depth);
    }
  }
  if (value.is_null() && type.element->shape == Shape::text) value = "";
  object[field.name][key] = std::move(value);
}

Json read_message(std::string_view bytes, const Type& type, int depth) {
  if (depth > message_depth_max) broken();
  Json object = Json::object();
  Reader reader(bytes);
  Wire wire;
  while (reader.next(wire)) {
    bool embedded = false;
    for (const Field& field : type.fields) {
      if (field.inline_number == wire.field && field.inline_number != 0) embedded = true;
      if (field.inline_number != 0 || field.number == 0 || field.number != wire.field) continue;
      read_field(object, field, wire, depth);
      embedded = false;
      break;
    }
    if (!embedded || wire.type != 2) continue;
    Reader inner(wire.bytes);
    Wire part;
    while (inner.next(part)) {
      for (const Field& field : type.fields) {
        if (field.inline_number == wire.field && field.number == part.field) read_field(object, field, part, depth);
      }
    }
  }
  return object;
}

std::string envelope(const std::string& api_version, const std::string& kind, const std::string& raw) {
  std::string meta;
  put_bytes(meta, 1, api_version);
  put_bytes(meta, 2, kind);
  std::string out(magic);
  put_bytes(out, 1, meta);
  put_bytes(out, 2, raw);
  put_bytes(out, 3, "");
  put_bytes(out, 4, "");
  return out;
}

}  // namespace

const Type* type_of_kind(const std::string& api_version, const std::string& kind, bool& is_list) {
  is_list = false;
  if (const Resource* resource = find_built_in_kind(api_version, kind)) return resource->type;
  const Schema& schema = Schema::instance();
  const std::size_t slash = api_version.find('/');
  std::string group = slash == std::string::npos ? "core" : api_version.substr(0, slash);
  group = group.substr(0, group.find('.'));
  const std::string version = slash == std::string::npos ? api_version : api_version.substr(slash + 1);
  if (const Type* type = schema.find(group + "." + version + "." + kind)) return type;
  if (const Type* type = schema.find("meta.v1." + kind)) return type;
  if (kind.size() > 4 && kind.substr(kind.size() - 4) == "List") {
    is_list = true;
    if (const Resource* resource = find_built_in_kind(api_version, kind.substr(0, kind.size() - 4))) return resource->type;
    if (kind == "PartialObjectMetadataList") return schema.find("meta.v1.PartialObjectMetadata");
  }
  return nullptr;
}

std::optional<std::string> encode_protobuf(const Json& object) {
  const std::string kind = runtime::text_at(object, {"kind"});
  const std::string api_version = runtime::text_at(object, {"apiVersion"}, "v1");
  bool is_list = false;
  const Type* type = type_of_kind(api_version, kind, is_list);
  if (type == nullptr || kind == "CustomResourceDefinition" || kind == "CustomResourceDefinitionList") return std::nullopt;
  if (!is_list) return envelope(api_version, kind, encode_message(object, *type));
  std::string raw;
  put_bytes(raw, 1, encode_message(object.at("metadata"), *Schema::instance().find("meta.v1.ListMeta")));
  for (const Json& item : runtime::list_at(object, {"items"})) put_bytes(raw, 2, encode_message(item, *type));
  return envelope(api_version, kind, raw);
}

std::optional<std::string> encode_watch_frame(const std::string& event_type, const Json& object) {
  const auto inner = encode_protobuf(object);
  if (!inner) return std::nullopt;
  std::string raw;
  put_bytes(raw, 1, *inner);
  std::string event;
  put_bytes(event, 1, event_type);
  put_bytes(event, 2, raw);
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(event.size() >> shift & 255);
  return frame + event;
}

Json decode_protobuf(std::string_view bytes, const Type* expected) {
  if (bytes.substr(0, magic.size()) != magic) throw DecodeError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  Reader reader(bytes.substr(magic.size()));
  Wire wire;
  std::string api_version;
  std::string kind;
  std::string_view raw;
  while (reader.next(wire)) {
    if (wire.field == 2 && wire.type == 2) raw = wire.bytes;
    if (wire.field != 1 || wire.type != 2) continue;
    Reader meta(wire.bytes);
    Wire part;
    while (meta.next(part)) {
      if (part.field == 1) api_version = std::string(part.bytes);
      if (part.field == 2) kind = std::string(part.bytes);
    }
  }
  bool is_list = false;
  const Type* type = kind.empty() ? expected : type_of_kind(api_version, kind, is_list);
  if (type == nullptr || is_list) type = expected;
  if (type == nullptr) throw DecodeError("no kind \"" + kind + "\" is registered for version \"" + api_version + "\"");
  Json object = read_message(raw, *type, 0);
  if (!kind.empty()) object["kind"] = kind;
  if (!api_version.empty()) object["apiVersion"] = api_version;
  return object;
}

}  // namespace skidpad::fakes::kube_apiserver
