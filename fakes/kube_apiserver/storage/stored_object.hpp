/// @file stored_object.hpp
/// One object as it lies in etcd and goes to clients: bytes first, parsed only when somebody looks inside.
/// Promise: the bytes are written once and shared by every reader; the resource version is spliced in without parsing.
#pragma once

#include <memory>

#include "fakes/kube_apiserver/api/resource_table.hpp"

namespace skidpad::fakes::kube_apiserver {

class StoredObject;
using ObjectPtr = std::shared_ptr<const StoredObject>;

/// {"kind":...,"apiVersion":...,"metadata":{"name":...} first, then the rest: the order the real server writes.
std::string encode_object(const Json& object);
/// As in etcd: the same without metadata.resourceVersion.
std::string encode_for_storage(const Json& object);

class StoredObject {
 public:
  /// From etcd's bytes.
  static ObjectPtr from_storage(std::string_view key, std::string_view bytes, std::int64_t revision);
  /// From a value just written and the bytes it was written as, which need no second encoding.
  static ObjectPtr from_written(std::string_view key, Json value, std::string_view bytes, std::int64_t revision);
  /// From a value; its metadata.resourceVersion is set here.
  static ObjectPtr from_value(std::string_view key, Json value, std::int64_t revision);
  /// Of a dry run: nothing was written, so there is no version.
  static ObjectPtr without_version(std::string_view key, Json value);
  /// The same object at another revision (of its deletion).
  ObjectPtr at_revision(std::int64_t revision) const;

  const std::string& key() const { return key_; }
  std::string_view name() const { return std::string_view(key_).substr(name_at_); }
  /// The part of the key before the name; meaningful for namespaced resources only.
  std::string_view object_namespace() const;
  std::int64_t revision() const { return revision_; }
  /// Complete JSON text.
  const std::string& encoded() const;
  const Json& value() const;
  bool parsed() const { return value_ != nullptr; }

 private:
  StoredObject() {}
  static std::shared_ptr<StoredObject> make(std::string_view key, std::int64_t revision);
  /// False if the bytes are not in the order of encode_for_storage().
  bool splice_version(std::string_view bytes);
  std::string key_;
  std::size_t name_at_ = 0;
  std::int64_t revision_ = 0;
  mutable std::string encoded_;
  mutable std::shared_ptr<const Json> value_;  ///< null until somebody looks
};

}  // namespace skidpad::fakes::kube_apiserver
