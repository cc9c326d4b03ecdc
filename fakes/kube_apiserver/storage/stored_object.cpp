#include "fakes/kube_apiserver/storage/stored_object.hpp"

#include "harness/runtime/assert.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

void append_member(std::string& text, std::string_view key, const Json& value) {
  if (text.back() != '{') text += ',';
  text += '"';
  text += key;  // keys of the first few members are plain words
  text += "\":";
  text += value.dump();
}

void append_rest(std::string& text, const Json& object, std::initializer_list<std::string_view> done) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(done.begin(), done.end(), key) != done.end()) continue;
    if (text.back() != '{') text += ',';
    text += Json(key).dump();
    text += ':';
    text += value.dump();
  }
}

std::string encode(const Json& object, bool with_version) {
  std::string text;
  text.reserve(512);
  text = "{";
  if (const auto kind = object.find("kind"); kind != object.end()) append_member(text, "kind", *kind);
  if (const auto version = object.find("apiVersion"); version != object.end()) append_member(text, "apiVersion", *version);
  const auto metadata = object.find("metadata");
  if (metadata != object.end() && metadata->is_object()) {
    text += text.back() == '{' ? "\"metadata\":{" : ",\"metadata\":{";
    for (const char* first : {"name", "resourceVersion", "generateName", "namespace", "uid"}) {
      const auto member = metadata->find(first);
      if (member == metadata->end() || (!with_version && std::string_view(first) == "resourceVersion")) continue;
      append_member(text, first, *member);
    }
    append_rest(text, *metadata, {"name", "generateName", "namespace", "uid", "resourceVersion"});
    text += '}';
  }
  append_rest(text, object, {"kind", "apiVersion", "metadata"});
  text += '}';
  return text;
}

}  // namespace

std::string encode_object(const Json& object) { return encode(object, true); }
std::string encode_for_storage(const Json& object) { return encode(object, false); }

std::string_view StoredObject::object_namespace() const {
  const std::string_view before = std::string_view(key_).substr(0, name_at_ == 0 ? 0 : name_at_ - 1);
  const std::size_t slash = before.rfind('/');
  return slash == std::string_view::npos ? before : before.substr(slash + 1);
}

ObjectPtr StoredObject::from_storage(std::string_view key, std::string_view bytes, std::int64_t revision) {
  auto object = std::shared_ptr<StoredObject>(new StoredObject());
  object->key_ = std::string(key);
  object->name_at_ = key.rfind('/') + 1;
  object->revision_ = revision;
  const std::string head = "\"metadata\":{\"name\":\"" + std::string(object->name()) + "\"";
  const std::size_t at = bytes.find(head);
  const std::string version = ",\"resourceVersion\":\"" + std::to_string(revision) + "\"";
  if (at != std::string_view::npos && at < 256 && bytes.substr(0, 8) == "{\"kind\":") {
    object->encoded_.reserve(bytes.size() + version.size());
    object->encoded_.append(bytes.substr(0, at + head.size())).append(version).append(bytes.substr(at + head.size()));
    return object;
  }
  try {  // written by somebody else
    Json value = read_json(bytes);
    if (!value.is_object()) return nullptr;
    value["metadata"]["resourceVersion"] = std::to_string(revision);
    object->value_ = std::move(value);
    object->parsed_ = true;
    return object;
  } catch (const DecodeError&) {
    return nullptr;
  }
}

ObjectPtr StoredObject::from_value(std::string_view key, Json value, std::int64_t revision) {
  auto object = std::shared_ptr<StoredObject>(new StoredObject());
  object->key_ = std::string(key);
  object->name_at_ = key.rfind('/') + 1;
  object->revision_ = revision;
  object->value_ = std::move(value);
  object->value_["metadata"]["resourceVersion"] = std::to_string(revision);
  object->parsed_ = true;
  return object;
}

ObjectPtr StoredObject::without_version(std::string_view key, Json value) {
  auto object = std::shared_ptr<StoredObject>(new StoredObject());
  object->key_ = std::string(key);
  object->name_at_ = key.rfind('/') + 1;
  object->value_ = std::move(value);
  object->parsed_ = true;
  return object;
}

ObjectPtr StoredObject::at_revision(std::int64_t revision) const { return from_value(key_, value(), revision); }

const std::string& StoredObject::encoded() const {
  if (encoded_.empty()) encoded_ = encode_object(value_);
  return encoded_;
}

const Json& StoredObject::value() const {
  if (!parsed_) {
    value_ = Json::parse(encoded_, nullptr, false);
    ASSERT(value_.is_object());
    parsed_ = true;
  }
  return value_;
}

}  // namespace skidpad::fakes::kube_apiserver
