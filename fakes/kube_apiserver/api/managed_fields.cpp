#include "fakes/kube_apiserver/api/managed_fields.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

const FieldSet member_only = Json::object();

bool granular_list(const Field* field, const Type& type) {
  return type.shape == Shape::list && field != nullptr && (field->list_kind == ListKind::keyed || field->list_kind == ListKind::set);
}
bool granular(const Field* field, const Type& type) {
  if (field != nullptr && field->atomic) return false;
  if (type.shape == Shape::object) return !type.atomic;
  if (type.shape == Shape::map) return true;
  return granular_list(field, type);
}

/// The name of a list item inside a set, and how messages show it.
std::string item_key(const Json& item, const Field& field, std::string* shown = nullptr) {
  if (field.list_kind == ListKind::set) {
    if (shown != nullptr) *shown = "[=" + item.dump() + "]";
    return "v:" + item.dump();
  }
  Json key = Json::object();
  std::string text;
  for (const std::string& name : field.list_keys) {
    const Field* key_field = field.type->element->field(name);
    Json value = runtime::find(item, {name});
    if (value.is_null() && key_field != nullptr) value = key_field->default_value;
    if (value.is_null()) continue;
    key[name] = value;
    text += (text.empty() ? "" : ",") + name + "=" + value.dump();
  }
  if (shown != nullptr) *shown = "[" + text + "]";
  return "k:" + key.dump();
}

const Json* find_item(const Json& list, const std::string& key, const Field& field) {
  for (const Json& item : list) {
    if (item_key(item, field) == key) return &item;
  }
  return nullptr;
}

/// Server-side apply takes its types strictly, before any conversion.
void check_scalar(const Json& value, const Type& type, const std::string& where) {
  const auto expect = [&](bool fits, const char* what) {
    if (!fits && !value.is_null()) throw plain_error(where + ": expected " + what + ", got &value.valueUnstructured{Value:" + value.dump() + "}");
  };
  if (type.shape == Shape::text) expect(value.is_string(), "string");
  if (type.shape == Shape::boolean) expect(value.is_boolean(), "boolean");
  if (type.shape == Shape::int32 || type.shape == Shape::int64) expect(value.is_number(), "numeric (int or float)");
}

FieldSet collect(const Json& value, const Field* field, const Type& type, const std::string& prefix, const std::string& path) {
  check_scalar(value, type, prefix + path);
  if (!granular(field, type) || value.empty()) return member_only;
  FieldSet set = Json::object();
  if (type.shape == Shape::list) {
    if (!value.is_array()) throw plain_error(prefix + path + ": expected list, got " + value.dump());
    for (const Json& item : value) {
      std::string shown;
      const std::string key = item_key(item, *field, &shown);
      if (set.contains(key)) throw plain_error(prefix + path + ": duplicate entries for key " + shown);
      if (type.element->shape == Shape::object) {
        FieldSet inner = collect(item, nullptr, *type.element, prefix, path + shown);
        inner["."] = member_only;
        set[key] = std::move(inner);
      } else {
        set[key] = member_only;
      }
    }
    return set;
  }
  if (!value.is_object()) throw plain_error(prefix + path + ": expected map, got &{" + value.dump() + "}");
  for (const auto& [name, member] : value.items()) {
    const Field* inner = nullptr;
    const Type* inner_type = type.element;
    if (type.shape == Shape::object) {
      inner = type.field(name);
      if (inner == nullptr) throw plain_error(prefix + path + "." + name + ": field not declared in schema");
      inner_type = inner->type;
    }
    set["f:" + name] = collect(member, inner, *inner_type, prefix, path + "." + name);
  }
  return set;
}

/// Every path of a value that is new: inner nodes too.
FieldSet everything(const Json& value, const Field* field, const Type& type) {
  if (!granular(field, type) || value.empty()) return member_only;
  FieldSet set = {{".", member_only}};
  if (type.shape == Shape::list) {
    for (const Json& item : value) set[item_key(item, *field)] = type.element->shape == Shape::object ? everything(item, nullptr, *type.element) : member_only;
    return set;
  }
  for (const auto& [name, member] : value.items()) {
    const Field* inner = type.shape == Shape::object ? type.field(name) : nullptr;
    if (type.shape == Shape::object && inner == nullptr) continue;
    set["f:" + name] = everything(member, inner, inner != nullptr ? *inner->type : *type.element);
  }
  return set;
}

void compare(const Json& old, const Json& now, const Field* field, const Type& type, FieldSet& changed, FieldSet& removed) {
  const auto visit = [&](const std::string& key, const Json* before, const Json* after, const Field* inner, const Type& inner_type) {
    if (before == nullptr) {
      changed[key] = everything(*after, inner, inner_type);
    } else if (after == nullptr) {
      removed[key] = everything(*before, inner, inner_type);
    } else if (*before != *after) {
      if (!granular(inner, inner_type) || before->is_null() || after->is_null()) {
        changed[key] = before->is_null() ? everything(*after, inner, inner_type) : member_only;
        if (before->is_null() && changed[key].size() > 1) changed[key].erase(".");  // the node itself was there, empty
        return;
      }
      FieldSet inner_changed = Json::object();
      FieldSet inner_removed = Json::object();
      compare(*before, *after, inner, inner_type, inner_changed, inner_removed);
      if (!inner_changed.empty()) changed[key] = std::move(inner_changed);
      if (!inner_removed.empty()) removed[key] = std::move(inner_removed);
    }
  };
  if (type.shape == Shape::list) {
    for (const Json& item : now) {
      const std::string key = item_key(item, *field);
      visit(key, find_item(old, key, *field), &item, nullptr, *type.element);
    }
    for (const Json& item : old) {
      const std::string key = item_key(item, *field);
      if (find_item(now, key, *field) == nullptr) visit(key, &item, nullptr, nullptr, *type.element);
    }
    return;
  }
  const auto type_of = [&](const std::string& name, const Field*& inner) -> const Type* {
    inner = type.shape == Shape::object ? type.field(name) : nullptr;
    return type.shape == Shape::object ? (inner == nullptr ? nullptr : inner->type) : type.element;
  };
  for (const auto& [name, member] : now.items()) {
    const Field* inner = nullptr;
    const Type* inner_type = type_of(name, inner);
    if (inner_type == nullptr) continue;
    const auto before = old.find(name);
    visit("f:" + name, before == old.end() ? nullptr : &*before, &member, inner, *inner_type);
  }
  for (const auto& [name, member] : old.items()) {
    const Field* inner = nullptr;
    const Type* inner_type = type_of(name, inner);
    if (inner_type != nullptr && !now.contains(name)) visit("f:" + name, &member, nullptr, inner, *inner_type);
  }
}

bool is_member(const FieldSet& node) { return node.empty() || node.contains("."); }

void list_paths(const FieldSet& set, const std::string& path, std::vector<std::string>& paths) {
  for (const auto& [key, inner] : set.items()) {
    if (key == ".") continue;
    std::string own = path;
    if (key.compare(0, 2, "f:") == 0) {
      own += "." + key.substr(2);
    } else if (key.compare(0, 2, "v:") == 0) {
      own += "[=" + key.substr(2) + "]";
    } else {
      const Json keys = Json::parse(key.substr(2), nullptr, false);
      std::string text;
      for (const auto& [name, value] : keys.items()) text += (text.empty() ? "" : ",") + name + "=" + value.dump();
      own += "[" + text + "]";
    }
    if (is_member(inner)) paths.push_back(own);
    list_paths(inner, own, paths);
  }
}

Json merge(const Json& live, const Json& applied, const Field* field, const Type& type) {
  if (!granular(field, type) || live.is_null() || applied.is_null() || live.type() != applied.type()) return applied;
  if (type.shape == Shape::list) {
    Json result = Json::array();
    std::vector<std::string> done;
    const auto contains = [&](const std::string& key) { return std::find(done.begin(), done.end(), key) != done.end(); };
    std::size_t l = 0;
    std::size_t r = 0;
    while (l < live.size() || r < applied.size()) {
      const std::string left = l < live.size() ? item_key(live[l], *field) : "";
      const std::string right = r < applied.size() ? item_key(applied[r], *field) : "";
      if (!left.empty() && contains(left)) {
        ++l;
      } else if (!left.empty() && find_item(applied, left, *field) == nullptr) {
        result.push_back(live[l++]);
      } else if (!right.empty()) {
        const Json* same = find_item(live, right, *field);
        result.push_back(same != nullptr && type.element->shape == Shape::object ? merge(*same, applied[r], nullptr, *type.element) : applied[r]);
        done.push_back(right);
        ++r;
      } else {
        ++l;
      }
    }
    return result;
  }
  Json result = live;
  for (const auto& [name, member] : applied.items()) {
    const Field* inner = type.shape == Shape::object ? type.field(name) : nullptr;
    const Type* inner_type = inner != nullptr ? inner->type : type.element;
    if (inner_type == nullptr) continue;
    const auto present = result.find(name);
    result[name] = present == result.end() ? member : merge(*present, member, inner, *inner_type);
  }
  return result;
}

void remove_from(Json& value, const FieldSet& set, const Field* field, const Type& type) {
  if (type.shape == Shape::list) {
    if (!value.is_array() || field == nullptr) return;
    for (std::size_t i = value.size(); i-- > 0;) {
      const auto found = set.find(item_key(value[i], *field));
      if (found == set.end()) continue;
      if (is_member(*found)) {
        value.erase(i);
      } else {
        remove_from(value[i], *found, nullptr, *type.element);
      }
    }
    return;
  }
  if (!value.is_object()) return;
  for (const auto& [key, inner] : set.items()) {
    if (key.compare(0, 2, "f:") != 0) continue;
    const std::string name = key.substr(2);
    if (!value.contains(name)) continue;
    if (is_member(inner)) {
      value.erase(name);
      continue;
    }
    const Field* inner_field = type.shape == Shape::object ? type.field(name) : nullptr;
    const Type* inner_type = inner_field != nullptr ? inner_field->type : type.element;
    if (inner_type == nullptr) continue;
    remove_from(value[name], inner, inner_field, *inner_type);
    if (value[name].empty() && inner_type->shape != Shape::object) value.erase(name);
  }
}

}  // namespace

FieldSet field_set_of(const Json& value, const Type& type, const std::string& prefix) {
  return value.empty() ? Json::object() : collect(value, nullptr, type, prefix, "");
}

FieldDifference compare_fields(const Json& old, const Json& now, const Type& type) {
  FieldDifference difference;
  compare(old, now, nullptr, type, difference.changed, difference.removed);
  return difference;
}

FieldSet unite(const FieldSet& a, const FieldSet& b) {
  FieldSet result = a;
  for (const auto& [key, inner] : b.items()) {
    const auto present = result.find(key);
    if (present == result.end()) {
      result[key] = inner;
    } else if (key != ".") {
      const bool leaf = is_member(*present) || is_member(inner);
      FieldSet both = unite(*present, inner);
      if (leaf && !both.empty()) both["."] = member_only;
      *present = std::move(both);
    }
  }
  return result;
}

FieldSet subtract(const FieldSet& a, const FieldSet& b) {
  FieldSet result = Json::object();
  for (const auto& [key, inner] : a.items()) {
    const auto other = b.find(key);
    if (other == b.end()) {
      result[key] = inner;
      continue;
    }
    if (key == ".") continue;
    const bool stays = is_member(inner) && !is_member(*other);
    FieldSet rest = inner.empty() ? Json::object() : subtract(inner, *other);
    rest.erase(".");
    if (stays && !rest.empty()) rest["."] = member_only;
    if (stays || !rest.empty()) result[key] = std::move(rest);
  }
  return result;
}

FieldSet intersect(const FieldSet& a, const FieldSet& b) {
  FieldSet result = Json::object();
  for (const auto& [key, inner] : a.items()) {
    const auto other = b.find(key);
    if (other == b.end() || key == ".") continue;
    const bool both = is_member(inner) && is_member(*other);
    FieldSet common = intersect(inner, *other);
    if (both && !common.empty()) common["."] = member_only;
    if (both || !common.empty()) result[key] = std::move(common);
  }
  return result;
}

std::vector<std::string> paths_of(const FieldSet& set) {
  std::vector<std::string> paths;
  list_paths(set, "", paths);
  return paths;
}

Json merge_applied(const Json& live, const Json& applied, const Type& type) { return merge(live, applied, nullptr, type); }

void remove_fields(Json& value, const FieldSet& set, const Type& type) { remove_from(value, set, nullptr, type); }

void strip_system_fields(FieldSet& set) {
  set.erase("f:kind");
  set.erase("f:apiVersion");
  const auto metadata = set.find("f:metadata");
  if (metadata == set.end()) return;
  for (const char* name : {"f:name", "f:namespace", "f:uid", "f:resourceVersion", "f:generation", "f:creationTimestamp", "f:selfLink", "f:deletionTimestamp",
                           "f:deletionGracePeriodSeconds", "f:managedFields", "."}) {
    metadata->erase(name);
  }
  if (metadata->empty()) set.erase(metadata);
}

}  // namespace skidpad::fakes::kube_apiserver
