#include "fakes/kube_apiserver/storage/stored_object.hpp"

#include "harness/runtime/assert.hpp"
#include "harness/runtime/json_text.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

void append_member(std::string& text, std::string_view key, const Json& value) {
  if (text.back() != '{') text += ',';
  text += '"';
  text += key;  // keys of the first few members are plain words
  text += "\":";
  runtime::append_json(text, value);
}

void append_rest(std::string& text, const Json& object, std::initializer_list<std::string_view> done) {
  for (const auto& [key, value] : object.get_ref<const Json::object_t&>()) {
    if (std::find(done.begin(), done.end(), key) != done.end()) continue;
    if (text.back() != '{') text += ',';
    runtime::append_json_string(text, key);
    text += ':';
    runtime::append_json(text, value);
  }
}

std::string encode(const Json& object, bool with_version) {
  std::string text;
  text.reserve(2048);
  text += '{';
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

std::shared_ptr<StoredObject> StoredObject::make(std::string_view key, std::int64_t revision) {
  auto object = std::shared_ptr<StoredObject>(new StoredObject());
  object->key_ = std::string(key);
  object->name_at_ = key.rfind('/') + 1;
  object->revision_ = revision;
  return object;
}

bool StoredObject::splice_version(std::string_view bytes) {
  const std::string head = "\"metadata\":{\"name\":\"" + std::string(name()) + "\"";
  const std::size_t at = bytes.substr(0, 256 + head.size()).find(head);
  if (at == std::string_view::npos || at >= 256 || bytes.substr(0, 8) != "{\"kind\":") return false;
  const std::string version = ",\"resourceVersion\":\"" + std::to_string(revision_) + "\"";
  encoded_.reserve(bytes.size() + version.size());
  encoded_.append(bytes.substr(0, at + head.size())).append(version).append(bytes.substr(at + head.size()));
  return true;
}

ObjectPtr StoredObject::from_storage(std::string_view key, std::string_view bytes, std::int64_t revision) {
  auto object = make(key, revision);
  if (object->splice_version(bytes)) return object;
  try {  // written by somebody else
    Json value = read_json(bytes);
    if (!value.is_object()) return nullptr;
    value["metadata"]["resourceVersion"] = std::to_string(revision);
    object->value_ = std::make_shared<const Json>(std::move(value));
    return object;
  } catch (const DecodeError&) {
    return nullptr;
  }
}

ObjectPtr StoredObject::from_written(std::string_view key, Json value, std::string_view bytes, std::int64_t revision) {
  auto object = make(key, revision);
  object->splice_version(bytes);
  value["metadata"]["resourceVersion"] = std::to_string(revision);
  object->value_ = std::make_shared<const Json>(std::move(value));
  return object;
}

ObjectPtr StoredObject::from_value(std::string_view key, Json value, std::int64_t revision) { return from_written(key, std::move(value), "", revision); }

ObjectPtr StoredObject::without_version(std::string_view key, Json value) {
  auto object = make(key, 0);
  object->value_ = std::make_shared<const Json>(std::move(value));
  return object;
}

ObjectPtr StoredObject::at_revision(std::int64_t revision) const { return from_value(key_, value(), revision); }

const std::string& StoredObject::encoded() const {
  if (encoded_.empty()) encoded_ = encode_object(*value_);
  return encoded_;
}

const Json& StoredObject::value() const {
  if (!value_) {
    value_ = runtime::read_shared_json(encoded_);
    ASSERT(value_ != nullptr && value_->is_object());
  }
  return *value_;
}

}  // namespace skidpad::fakes::kube_apiserver
