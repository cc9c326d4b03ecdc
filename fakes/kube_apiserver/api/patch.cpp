#include "fakes/kube_apiserver/api/patch.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

// --- RFC 6902 ---------------------------------------------------------------------------------------------------------

[[noreturn]] void cannot_apply(const std::string& why) {
  ApiError error(422, "Invalid", "the server rejected our request due to an error in our request");
  error.details = Json::object();
  (void)why;
  throw error;
}

std::vector<std::string> pointer_tokens(const std::string& pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') cannot_apply("pointer");
  std::string token;
  for (std::size_t i = 1; i <= pointer.size(); ++i) {
    if (i == pointer.size() || pointer[i] == '/') {
      tokens.push_back(std::exchange(token, {}));
    } else if (pointer[i] == '~' && i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
      token += pointer[++i] == '0' ? '~' : '/';
    } else {
      token += pointer[i];
    }
  }
  return tokens;
}

std::size_t position_in(const Json& list, const std::string& token, bool end_allowed) {
  if (end_allowed && token == "-") return list.size();
  if (token.empty() || token.size() > 9) cannot_apply("index");
  for (const char c : token) {
    if (c < '0' || c > '9') cannot_apply("index");
  }
  const std::size_t position = std::stoul(token);
  if (position > list.size() || (position == list.size() && !end_allowed)) cannot_apply("index");
  return position;
}

Json* walk(Json& root, const std::vector<std::string>& tokens, std::size_t count) {
  Json* at = &root;
  for (std::size_t i = 0; i < count; ++i) {
    if (at->is_object()) {
      const auto found = at->find(tokens[i]);
      if (found == at->end()) cannot_apply("missing path");
      at = &*found;
    } else if (at->is_array()) {
      at = &(*at)[position_in(*at, tokens[i], false)];
    } else {
      cannot_apply("missing path");
    }
  }
  return at;
}

void add_at(Json& root, const std::string& pointer, Json value) {
  const auto tokens = pointer_tokens(pointer);
  if (tokens.empty()) {
    root = std::move(value);
    return;
  }
  Json* parent = walk(root, tokens, tokens.size() - 1);
  if (parent->is_object()) {
    (*parent)[tokens.back()] = std::move(value);
  } else if (parent->is_array()) {
    const std::size_t position = position_in(*parent, tokens.back(), true);
    parent->insert(parent->begin() + static_cast<std::ptrdiff_t>(position), std::move(value));
  } else {
    cannot_apply("no container");
  }
}

Json remove_at(Json& root, const std::string& pointer) {
  const auto tokens = pointer_tokens(pointer);
  if (tokens.empty()) cannot_apply("root");
  Json* parent = walk(root, tokens, tokens.size() - 1);
  Json removed;
  if (parent->is_object()) {
    const auto found = parent->find(tokens.back());
    if (found == parent->end()) cannot_apply("missing path");
    removed = std::move(*found);
    parent->erase(found);
  } else if (parent->is_array()) {
    const std::size_t position = position_in(*parent, tokens.back(), false);
    removed = std::move((*parent)[position]);
    parent->erase(position);
  } else {
    cannot_apply("no container");
  }
  return removed;
}

}  // namespace

Json apply_json_patch(Json object, const Json& patch, std::size_t operations_max) {
  if (!patch.is_array()) throw bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  if (patch.size() > operations_max) {
    ApiError error(413, "RequestEntityTooLarge", "The allowed maximum operations in a JSON patch is " + std::to_string(operations_max) + ", got " + std::to_string(patch.size()));
    throw error;
  }
  for (const Json& operation : patch) {
    const std::string kind = runtime::text_at(operation, {"op"});
    if (!operation.is_object() || !operation.contains("path")) cannot_apply("path");
    const std::string path = runtime::text_at(operation, {"path"});
    const auto value = operation.find("value");
    if (kind == "add") {
      if (value == operation.end()) cannot_apply("value");
      add_at(object, path, *value);
    } else if (kind == "replace") {
      const auto tokens = pointer_tokens(path);
      if (value == operation.end()) cannot_apply("value");
      Json* parent = tokens.empty() ? nullptr : walk(object, tokens, tokens.size() - 1);
      if (parent != nullptr && parent->is_object()) {
        (*parent)[tokens.back()] = *value;  // the real server's library does not ask for the member to be there
      } else {
        *walk(object, tokens, tokens.size()) = *value;
      }
    } else if (kind == "remove") {
      remove_at(object, path);
    } else if (kind == "test") {
      const auto tokens = pointer_tokens(path);
      const Json wanted = value == operation.end() ? Json() : *value;
      Json* parent = tokens.empty() ? nullptr : walk(object, tokens, tokens.size() - 1);
      if (parent != nullptr && parent->is_object() && !parent->contains(tokens.back())) {
        if (!wanted.is_null()) cannot_apply("test");
      } else if (*walk(object, tokens, tokens.size()) != wanted) {
        cannot_apply("test");
      }
    } else if (kind == "move") {
      Json moved = remove_at(object, runtime::text_at(operation, {"from"}));
      add_at(object, path, std::move(moved));
    } else if (kind == "copy") {
      const auto tokens = pointer_tokens(runtime::text_at(operation, {"from"}));
      Json copied = *walk(object, tokens, tokens.size());
      add_at(object, path, std::move(copied));
    } else {
      cannot_apply("operation");
    }
  }
  return object;
}

// --- RFC 7396 ---------------------------------------------------------------------------------------------------------

void apply_merge_patch(Json& object, const Json& patch) {
  if (!patch.is_object()) {
    object = patch;
    return;
  }
  if (!object.is_object()) object = Json::object();
  for (const auto& [key, value] : patch.items()) {
    if (value.is_null()) {
      object.erase(key);
    } else {
      apply_merge_patch(object[key], value);
    }
  }
}

// --- strategic merge --------------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view directive = "$patch";
constexpr std::string_view retain_keys = "$retainKeys";
constexpr std::string_view order_prefix = "$setElementOrder/";
constexpr std::string_view delete_prefix = "$deleteFromPrimitiveList/";

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

std::string directive_of(const Json& value) {
  if (!value.is_object()) return "";
  const auto found = value.find(directive);
  return found != value.end() && found->is_string() ? found->get<std::string>() : "";
}

/// What is left of a patch that meets nothing to merge with.
Json without_directives(const Json& patch) {
  if (patch.is_array()) {
    Json list = Json::array();
    for (const Json& item : patch) {
      if (directive_of(item).empty()) list.push_back(without_directives(item));
    }
    return list;
  }
  if (!patch.is_object()) return patch;
  Json object = Json::object();
  for (const auto& [key, value] : patch.items()) {
    if (key == directive || key == retain_keys || starts_with(key, order_prefix) || starts_with(key, delete_prefix) || value.is_null()) continue;
    object[key] = without_directives(value);
  }
  return object;
}

/// Go's %v of a map.
std::string shown_as_map(const Json& value) {
  if (!value.is_object()) return value.is_string() ? value.get<std::string>() : value.dump();
  std::string text = "map[";
  for (const auto& [key, member] : value.items()) text += (text.back() == '[' ? "" : " ") + key + ":" + shown_as_map(member);
  return text + "]";
}

bool same_item(const Json& a, const Json& b, const std::string& merge_key) {
  if (merge_key.empty()) return a == b;
  return a.is_object() && b.is_object() && a.contains(merge_key) && b.contains(merge_key) && a.at(merge_key) == b.at(merge_key);
}

std::ptrdiff_t index_of(const Json& list, const Json& item, const std::string& merge_key) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (same_item(list[i], item, merge_key)) return static_cast<std::ptrdiff_t>(i);
  }
  return -1;
}

/// Items named by the patch follow the patch's order, the others the server's; between the two groups the server's order decides where
/// both are known to it, else the patch's item comes first.
Json in_order(const Json& merged, const Json& order, const Json& original, const std::string& merge_key) {
  Json named = Json::array();
  Json others = Json::array();
  for (const Json& wanted : order) {
    const auto at = index_of(merged, wanted, merge_key);
    if (at >= 0 && index_of(named, wanted, merge_key) < 0) named.push_back(merged[static_cast<std::size_t>(at)]);
  }
  for (const Json& item : original) {
    const auto at = index_of(merged, item, merge_key);
    if (at >= 0 && index_of(order, item, merge_key) < 0) others.push_back(merged[static_cast<std::size_t>(at)]);
  }
  Json result = Json::array();
  std::size_t left = 0;
  std::size_t right = 0;
  while (left < others.size() || right < named.size()) {
    if (left >= others.size()) {
      result.push_back(named[right++]);
    } else if (right >= named.size()) {
      result.push_back(others[left++]);
    } else {
      const auto l = index_of(original, others[left], merge_key);
      const auto r = index_of(original, named[right], merge_key);
      result.push_back(l >= 0 && r >= 0 && l < r ? others[left++] : named[right++]);
    }
  }
  return result;
}

void merge_object(Json& object, const Json& patch, const Type* type);

Json merge_list(const Json& original, const Json& patch, const Field& field, const Json* order) {
  const Type* element = field.type->element;
  const bool objects = element->shape == Shape::object;
  const std::string merge_key = objects ? field.merge_key : "";
  for (const Json& item : patch) {
    if (directive_of(item) == "replace") return without_directives(patch);
  }
  Json merged = original;
  Json named = Json::array();
  for (const Json& item : patch) {
    if (objects) {
      if (!item.is_object() || !item.contains(merge_key)) {
        throw plain_error("map: " + shown_as_map(item) + " does not contain declared merge key: " + merge_key);
      }
      const auto at = index_of(merged, item, merge_key);
      const std::string what = directive_of(item);
      if (what == "delete") {
        if (at >= 0) merged.erase(static_cast<std::size_t>(at));
        continue;
      }
      if (!what.empty() && what != "merge") throw plain_error("unknown patch type: " + what + " in map: " + shown_as_map(item));
      named.push_back(item);
      if (at >= 0) {
        merge_object(merged[static_cast<std::size_t>(at)], item, element);
      } else {
        merged.push_back(without_directives(item));
      }
    } else {
      named.push_back(item);
      if (index_of(merged, item, "") < 0) merged.push_back(item);
    }
  }
  return in_order(merged, order != nullptr ? *order : named, original, merge_key);
}

void merge_object(Json& object, const Json& patch, const Type* type) {
  if (type != nullptr && type->shape != Shape::object && type->shape != Shape::map) type = nullptr;
  const std::string what = directive_of(patch);
  if (what == "replace") {
    object = without_directives(patch);
    return;
  }
  if (what == "delete") {
    object = Json::object();
    return;
  }
  if (!what.empty() && what != "merge") throw plain_error("unknown patch type: " + what + " in map: " + shown_as_map(patch));
  if (const auto retained = patch.find(retain_keys); retained != patch.end()) {
    for (auto member = object.begin(); member != object.end();) {
      member = std::find(retained->begin(), retained->end(), member.key()) == retained->end() ? object.erase(member) : std::next(member);
    }
  }
  const auto field_of = [&](const std::string& name) { return type != nullptr && type->shape == Shape::object ? type->field(name) : nullptr; };
  for (const auto& [key, value] : patch.items()) {
    if (starts_with(key, delete_prefix)) {
      const auto list = object.find(key.substr(delete_prefix.size()));
      if (list == object.end() || !list->is_array()) continue;
      Json kept = Json::array();
      for (const Json& item : *list) {
        if (std::find(value.begin(), value.end(), item) == value.end()) kept.push_back(item);
      }
      *list = std::move(kept);
    } else if (starts_with(key, order_prefix)) {
      const std::string name = key.substr(order_prefix.size());
      const auto list = object.find(name);
      const Field* field = field_of(name);
      if (patch.contains(name) || list == object.end() || !list->is_array() || field == nullptr || !field->patch_merge) continue;
      const Json original = *list;
      *list = in_order(original, value, original, field->type->element->shape == Shape::object ? field->merge_key : "");
    }
  }
  for (const auto& [key, value] : patch.items()) {
    if (key == directive || key == retain_keys || starts_with(key, order_prefix) || starts_with(key, delete_prefix)) continue;
    if (value.is_null()) {
      object.erase(key);
      continue;
    }
    const auto present = object.find(key);
    if (present == object.end() || present->is_null() || present->type() != value.type()) {
      if (directive_of(value) != "delete") object[key] = without_directives(value);
      continue;
    }
    const Field* field = field_of(key);
    const Type* inner = field != nullptr ? field->type : type != nullptr && type->shape == Shape::map ? type->element : nullptr;
    if (value.is_object()) {
      if (field != nullptr && inner != nullptr && inner->shape == Shape::any) {
        apply_merge_patch(*present, value);
      } else {
        merge_object(*present, value, inner);
      }
    } else if (value.is_array() && field != nullptr && field->patch_merge && field->type->shape == Shape::list) {
      const auto order = patch.find(std::string(order_prefix) + key);
      *present = merge_list(*present, value, *field, order == patch.end() ? nullptr : &*order);
    } else {
      *present = without_directives(value);
    }
  }
}

}  // namespace

void apply_strategic_patch(Json& object, const Json& patch, const Type& type) {
  if (!patch.is_object()) throw bad_request("json: cannot unmarshal " + std::string(patch.type_name()) + " into Go value of type map[string]interface {}");
  merge_object(object, patch, &type);
}

}  // namespace skidpad::fakes::kube_apiserver
