#include "fakes/kube_apiserver/golden/golden_compare.hpp"

#include <algorithm>

namespace skidpad::fakes::kube_apiserver::golden {
namespace {

constexpr std::string_view hole_kinds[] = {"uid", "rv", "listrv", "time", "microtime", "ip", "port", "gen", "rand", "int", "jwt", "continue", "age", "any", "hex"};
constexpr std::string_view generated_letters = "bcdfghjklmnpqrstvwxz2456789";

struct Piece {
  bool is_hole = false;
  std::string text;  ///< literal, or the kind of hole
  std::string label;
  std::string prefix;  ///< of a generated name
};

/// "a<uid:1>b" in pieces; one literal if there is no hole.
std::vector<Piece> pieces_of(const std::string& text) {
  std::vector<Piece> pieces;
  std::string literal;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = text[i] == '<' ? text.find('>', i) : std::string::npos;
    if (end != std::string::npos) {
      const std::string inside = text.substr(i + 1, end - i - 1);
      const std::size_t colon = inside.find(':');
      const std::string kind = inside.substr(0, colon);
      if (std::find(std::begin(hole_kinds), std::end(hole_kinds), kind) != std::end(hole_kinds)) {
        if (!literal.empty()) pieces.push_back({false, std::exchange(literal, {}), "", ""});
        Piece hole;
        hole.is_hole = true;
        hole.text = kind;
        hole.label = colon == std::string::npos ? "" : inside.substr(colon + 1);
        if (kind == "gen") {
          const std::size_t second = hole.label.find(':');
          hole.prefix = hole.label.substr(second + 1);
          hole.label = hole.label.substr(0, second);
        }
        pieces.push_back(std::move(hole));
        i = end + 1;
        continue;
      }
    }
    literal += text[i++];
  }
  if (!literal.empty()) pieces.push_back({false, literal, "", ""});
  return pieces;
}

bool has_hole(const std::string& text) {
  const auto pieces = pieces_of(text);
  return std::any_of(pieces.begin(), pieces.end(), [](const Piece& piece) { return piece.is_hole; });
}

bool only(std::string_view text, std::string_view letters) { return !text.empty() && text.find_first_not_of(letters) == std::string_view::npos; }

/// '9' stands for a digit, 'h' for a hexadecimal one; anything else for itself.
bool has_form(std::string_view text, std::string_view form) {
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (form[i] == '9' ? text[i] < '0' || text[i] > '9' : form[i] == 'h' ? std::string_view("0123456789abcdef").find(text[i]) == std::string_view::npos : text[i] != form[i]) return false;
  }
  return true;
}

bool is_age(std::string_view text) {
  if (text == "<invalid>" || text == "<unknown>") return true;
  bool digits = false;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (!digits || std::string_view("ywdhms").find(c) == std::string_view::npos)) return false;
    digits = digit;
  }
  return !text.empty() && !digits;
}

bool fits(const Piece& hole, std::string_view text) {
  const std::string& kind = hole.text;
  if (kind == "any") return true;
  if (kind == "uid") return has_form(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh");
  if (kind == "rv" || kind == "listrv" || kind == "int" || kind == "port") return only(text, "0123456789");
  if (kind == "time") return has_form(text, "9999-99-99T99:99:99Z");
  if (kind == "microtime") return has_form(text, "9999-99-99T99:99:99.999999Z");
  if (kind == "ip") return only(text, "0123456789.") && std::count(text.begin(), text.end(), '.') == 3;
  if (kind == "rand") return text.size() == 5 && only(text, generated_letters);
  if (kind == "gen") {
    return text.size() == hole.prefix.size() + 5 && text.substr(0, hole.prefix.size()) == hole.prefix && only(text.substr(hole.prefix.size()), generated_letters);
  }
  if (kind == "jwt") return std::count(text.begin(), text.end(), '.') == 2;
  if (kind == "hex") return only(text, "0123456789abcdefABCDEF");
  if (kind == "age") return is_age(text);
  return !text.empty();  // continue
}

/// Matches all of the text; `values` gets what each hole took.
bool matches(const std::vector<Piece>& pieces, std::size_t at, std::string_view text, std::vector<std::string>& values) {
  if (at == pieces.size()) return text.empty();
  const Piece& piece = pieces[at];
  if (!piece.is_hole) return text.substr(0, piece.text.size()) == piece.text && matches(pieces, at + 1, text.substr(piece.text.size()), values);
  const std::size_t count = values.size();
  for (std::size_t size = text.size() + 1; size-- > 0;) {
    if (at + 1 < pieces.size() && !pieces[at + 1].is_hole && text.substr(size, pieces[at + 1].text.size()) != pieces[at + 1].text) continue;
    if (at + 1 == pieces.size() && size != text.size()) break;
    if (!fits(piece, text.substr(0, size))) continue;
    values.emplace_back(text.substr(0, size));
    if (matches(pieces, at + 1, text.substr(size), values)) return true;
    values.resize(count);
  }
  return false;
}

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() <= 300 ? text : text.substr(0, 300) + "...";
}

std::vector<std::string> split_pointer(const std::string& pointer) {
  std::vector<std::string> parts;
  if (pointer.empty() || pointer == "/") return parts;
  std::string part;
  for (std::size_t i = pointer[0] == '/' ? 1 : 0; i <= pointer.size(); ++i) {
    if (i == pointer.size() || pointer[i] == '/') {
      parts.push_back(std::exchange(part, {}));
    } else if (pointer[i] == '~' && i + 1 < pointer.size()) {
      part += pointer[++i] == '1' ? '/' : '~';
    } else {
      part += pointer[i];
    }
  }
  return parts;
}

/// The children that one segment names: keys of objects, positions (as texts) of lists.
std::vector<std::string> children(const Json& node, const std::string& segment) {
  std::vector<std::string> found;
  if (node.is_object()) {
    if (segment == "*") {
      for (const auto& [key, value] : node.items()) found.push_back(key);
    } else if (node.contains(segment)) {
      found.push_back(segment);
    }
  } else if (node.is_array()) {
    const std::size_t equals = segment.find('=');
    const bool number = segment.find_first_not_of("-0123456789") == std::string::npos;
    for (std::size_t i = 0; i < node.size(); ++i) {
      bool wanted = segment == "*";
      if (number && !segment.empty() && segment != "-") wanted = static_cast<std::int64_t>(i) == (segment[0] == '-' ? static_cast<std::int64_t>(node.size()) + std::stoll(segment) : std::stoll(segment));
      if (equals != std::string::npos && node[i].is_object()) {
        const Json& value = runtime::find(node[i], {segment.substr(0, equals)});
        wanted = (value.is_string() ? value.get<std::string>() : value.dump()) == segment.substr(equals + 1);
      }
      if (wanted) found.push_back(std::to_string(i));
    }
  }
  return found;
}

const Json& child(const Json& node, const std::string& key) { return node.is_array() ? node.at(std::stoul(key)) : node.at(key); }
Json& child(Json& node, const std::string& key) { return node.is_array() ? node.at(std::stoul(key)) : node.at(key); }

void drop_at(Json& node, const std::vector<std::string>& parts, std::size_t at) {
  auto keys = children(node, parts[at]);
  if (at + 1 < parts.size()) {
    for (const std::string& key : keys) drop_at(child(node, key), parts, at + 1);
    return;
  }
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
    if (node.is_array()) {
      node.erase(std::stoul(*key));
    } else {
      node.erase(*key);
    }
  }
}

using Paths = std::vector<std::vector<std::string>>;

Json keep(const Json& node, const Paths& paths) {
  std::map<std::string, Paths> wanted;
  bool star = false;
  for (const auto& path : paths) {
    if (path.empty()) return node;
    star |= path[0] == "*";
    for (const std::string& key : children(node, path[0])) wanted[key].emplace_back(path.begin() + 1, path.end());
  }
  if (node.is_object()) {
    Json kept = Json::object();
    for (const auto& [key, rest] : wanted) kept[key] = keep(node.at(key), rest);
    return kept;
  }
  if (!node.is_array()) return Json();
  Json kept = Json::array();
  for (std::size_t i = 0; i < node.size(); ++i) {
    const auto found = wanted.find(std::to_string(i));
    if (found != wanted.end()) {
      kept.push_back(keep(node[i], found->second));
    } else if (star) {
      kept.push_back(node[i].is_object() ? Json::object() : Json());
    }
  }
  return kept;
}

void collect_versions(const Json& node, std::int64_t& newest) {
  if (node.is_object()) {
    const std::string version = runtime::text_at(node, {"resourceVersion"});
    if (node.contains("uid") && only(version, "0123456789")) newest = std::max<std::int64_t>(newest, std::stoll(version));
  }
  if (node.is_structured()) {
    for (const Json& each : node) collect_versions(each, newest);
  }
}

}  // namespace

const Json& Variables::get(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw Mismatch("variable ${" + name + "} was never captured");
  return found->second;
}

std::string Variables::expand_text(const std::string& text) const {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = text.compare(i, 2, "${") == 0 ? text.find('}', i) : std::string::npos;
    if (end == std::string::npos) {
      result += text[i++];
      continue;
    }
    const std::string name = text.substr(i + 2, end - i - 2);
    if (name.compare(0, 5, "fill:") == 0) {
      result.append(std::stoul(name.substr(5)), 'x');
    } else if (name == "now") {
      result += now;
    } else if (name == "nowmicro") {
      result += now_micro;
    } else {
      const Json& value = get(name);
      result += value.is_string() ? value.get<std::string>() : value.dump();
    }
    i = end + 1;
  }
  return result;
}

Json Variables::expand(const Json& value) const {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (text.compare(0, 6, "${int:") == 0 && text.back() == '}') return std::stoll(expand_text("${" + text.substr(6)));
    return expand_text(text);
  }
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& each : value) list.push_back(expand(each));
    return list;
  }
  if (!value.is_object()) return value;
  if (value.contains("$from")) return merge_patched(get(value.at("$from").get<std::string>()), expand(value.value("merge", Json::object())));
  Json object = Json::object();
  for (const auto& [key, each] : value.items()) object[expand_text(key)] = expand(each);
  return object;
}

void Holes::bind(const Found& found, const std::string& where) {
  const auto key = std::make_pair(found.kind, found.label);
  const auto known = bound_.find(key);
  if (known != bound_.end()) {
    if (known->second != found.value) throw Mismatch(where + ": <" + found.kind + ":" + found.label + "> was " + known->second + " before and is " + found.value + " now");
    return;
  }
  for (const auto& [other, value] : bound_) {
    if (other.first != found.kind) continue;
    if (value == found.value) throw Mismatch(where + ": <" + found.kind + ":" + found.label + "> must differ from <" + found.kind + ":" + other.second + ">, but both are " + value);
    if (found.kind == "rv" && (std::stoll(found.label) > std::stoll(other.second)) != (std::stoll(found.value) > std::stoll(value))) {
      throw Mismatch(where + ": order of resourceVersions: <rv:" + found.label + ">=" + found.value + " against <rv:" + other.second + ">=" + value);
    }
  }
  bound_[key] = found.value;
}

void Holes::compare_text(const std::string& wanted, const Json& got, const std::string& where) {
  if (wanted == "<any>") return;
  std::string text;
  if (got.is_string()) {
    text = got.get<std::string>();
  } else if (got.is_number_integer() && (wanted.compare(0, 5, "<port") == 0 || wanted.compare(0, 4, "<int") == 0)) {
    text = got.dump();
  } else {
    throw Mismatch(where + ": expected " + wanted + ", got " + shown(got));
  }
  std::vector<Piece> pieces = pieces_of(wanted);
  for (Piece& piece : pieces) {
    if (!piece.is_hole) piece.text = variables_.expand_text(piece.text);
    piece.prefix = variables_.expand_text(piece.prefix);
  }
  std::vector<std::string> values;
  if (!matches(pieces, 0, text, values)) throw Mismatch(where + ": expected " + shown(wanted) + ", got " + shown(got));
  std::size_t next = 0;
  for (const Piece& piece : pieces) {
    if (!piece.is_hole) continue;
    const std::string& value = values[next++];
    if (piece.text == "listrv") {
      list_versions_.emplace_back(piece.label, std::stoll(value));
    } else if (!piece.label.empty()) {
      bind({piece.text, piece.label, value}, where);
    }
  }
}

void Holes::compare(const Json& wanted, const Json& got, const std::string& where) {
  const std::string place = where.empty() ? "/" : where;
  if (wanted.is_string()) {
    const std::string& text = wanted.get_ref<const std::string&>();
    if (has_hole(text)) return compare_text(text, got, where);
    const Json expanded = variables_.expand_text(text);
    if (expanded != got) throw Mismatch(place + ": expected " + shown(expanded) + ", got " + shown(got));
    return;
  }
  if (wanted.is_object() && got.is_object()) {
    std::map<std::string, const Json*> members;
    std::vector<std::string> open;  ///< keys that are placeholders
    for (const auto& [key, value] : wanted.items()) {
      if (has_hole(key)) open.push_back(key);
      members[has_hole(key) ? key : variables_.expand_text(key)] = &value;
    }
    std::vector<std::string> extra;
    for (const auto& [key, value] : got.items()) {
      if (!members.contains(key)) extra.push_back(key);
    }
    for (const auto& [key, value] : members) {
      if (!got.contains(key) && std::find(open.begin(), open.end(), key) == open.end()) throw Mismatch(place + ": field " + key + " is missing, expected " + shown(*value));
    }
    if (open.size() == 1 && extra.size() == 1) {
      compare_text(open[0], Json(extra[0]), where + "/(key)");
      compare(*members[open[0]], got.at(extra[0]), where + "/" + extra[0]);
      extra.clear();
    }
    if (!extra.empty()) throw Mismatch(place + ": field " + extra[0] + " should not be there, got " + shown(got.at(extra[0])));
    for (const auto& [key, value] : members) {
      if (std::find(open.begin(), open.end(), key) == open.end()) compare(*value, got.at(key), where + "/" + key);
    }
    return;
  }
  if (wanted.is_array() && got.is_array()) {
    for (std::size_t i = 0; i < std::min(wanted.size(), got.size()); ++i) compare(wanted[i], got[i], where + "/" + std::to_string(i));
    if (wanted.size() != got.size()) throw Mismatch(place + ": expected " + std::to_string(wanted.size()) + " elements, got " + std::to_string(got.size()) + ": " + shown(got));
    return;
  }
  const bool same_kind = wanted.is_number_integer() == got.is_number_integer() && wanted.is_number() == got.is_number();
  if (!same_kind || wanted != got) throw Mismatch(place + ": expected " + shown(wanted) + ", got " + shown(got));
}

void Holes::contains(const Json& wanted, const Json& got, const std::string& where) {
  if (wanted.is_object() && got.is_object()) {
    for (const auto& [key, value] : wanted.items()) {
      const std::string name = variables_.expand_text(key);
      if (!got.contains(name)) throw Mismatch(where + ": field " + name + " is missing, expected " + shown(value));
      contains(value, got.at(name), where + "/" + name);
    }
  } else if (wanted.is_array() && got.is_array()) {
    std::vector<bool> taken(got.size());
    for (const Json& element : wanted) {
      bool found = false;
      std::string closest;
      for (std::size_t i = 0; i < got.size() && !found; ++i) {
        if (taken[i] && element.is_structured()) continue;
        const auto before = bound_;
        try {
          contains(element, got[i], where + "/" + std::to_string(i));
          taken[i] = found = true;
        } catch (const Mismatch& mismatch) {
          bound_ = before;
          const Json& name = runtime::find(element, {"name"});
          if (closest.empty() || (!name.is_null() && name == runtime::find(got[i], {"name"}))) closest = mismatch.what();
        }
      }
      if (!found) throw Mismatch(where + ": no element like " + shown(element) + " (closest: " + closest + ")");
    }
  } else {
    compare(wanted, got, where);
  }
}

void Holes::check_list_versions(const Json& body) {
  std::int64_t newest_inside = 0;
  collect_versions(body, newest_inside);
  std::int64_t newest_known = 0;
  for (const auto& [key, value] : bound_) {
    if (key.first == "rv") newest_known = std::max<std::int64_t>(newest_known, std::stoll(value));
  }
  for (const auto& [label, version] : std::exchange(list_versions_, {})) {
    const std::int64_t least = label == "fresh" ? std::max(newest_inside, newest_known) : newest_inside;
    if (version < least) throw Mismatch("resourceVersion " + std::to_string(version) + " of the list is older than an object's " + std::to_string(least));
  }
}

std::vector<const Json*> lookup(const Json& document, const std::string& pointer) {
  std::vector<const Json*> nodes = {&document};
  for (const std::string& segment : split_pointer(pointer)) {
    std::vector<const Json*> next;
    for (const Json* node : nodes) {
      for (const std::string& key : children(*node, segment)) next.push_back(&child(*node, key));
    }
    nodes = std::move(next);
  }
  return nodes;
}

const Json& lookup_one(const Json& document, const std::string& pointer) {
  static const Json nothing;
  const auto found = lookup(document, pointer);
  return found.empty() ? nothing : *found[0];
}

void drop(Json& document, const std::string& pointer) {
  const auto parts = split_pointer(pointer);
  if (!parts.empty()) drop_at(document, parts, 0);
}

Json project(const Json& document, const std::vector<std::string>& pointers) {
  Paths paths;
  for (const std::string& pointer : pointers) paths.push_back(split_pointer(pointer));
  return keep(document, paths);
}

void strip_managed_fields(Json& document) {
  if (document.is_object() && document.contains("metadata") && document["metadata"].is_object()) document["metadata"].erase("managedFields");
  if (document.is_structured()) {
    for (Json& each : document) strip_managed_fields(each);
  }
}

void sort_managed_fields(Json& document) {
  if (document.is_object() && document.contains("metadata") && document["metadata"].is_object() && document["metadata"].contains("managedFields")) {
    Json& entries = document["metadata"]["managedFields"];
    const auto key = [](const Json& entry) {
      std::string text;
      for (const char* part : {"operation", "manager", "subresource", "apiVersion"}) text += runtime::text_at(entry, {part}, "None") + "\n";
      return text;
    };
    std::stable_sort(entries.begin(), entries.end(), [&](const Json& a, const Json& b) { return key(a) < key(b); });
  }
  if (document.is_structured()) {
    for (Json& each : document) sort_managed_fields(each);
  }
}

Json merge_patched(Json document, const Json& patch) {
  if (!patch.is_object()) return patch;
  if (!document.is_object()) document = Json::object();
  for (const auto& [key, value] : patch.items()) {
    if (value.is_null()) {
      document.erase(key);
    } else {
      document[key] = merge_patched(document.value(key, Json()), value);
    }
  }
  return document;
}

// --- protobuf ---------------------------------------------------------------------------------------------------------

namespace {

void write_varint(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out += static_cast<char>(number | 0x80);
    number >>= 7;
  }
  out += static_cast<char>(number);
}

std::string write_fields(const Json& fields) {
  std::string out;
  for (const Json& field : fields) {
    const std::uint64_t number = field[0].get<std::uint64_t>();
    const Json& value = field[1];
    if (value.is_boolean() || value.is_number()) {
      write_varint(out, number << 3);
      write_varint(out, value.is_boolean() ? value.get<bool>() : value.get<std::uint64_t>());
      continue;
    }
    const std::string bytes = value.is_array() ? write_fields(value) : value.get<std::string>();
    write_varint(out, number << 3 | 2);
    write_varint(out, bytes.size());
    out += bytes;
  }
  return out;
}

constexpr std::string_view magic("k8s\0", 4);

std::string field_bytes(const std::vector<std::pair<int, Json>>& fields, int number) {
  std::string found;
  for (const auto& [key, value] : fields) {
    if (key == number && value.is_string()) found = value.get<std::string>();
  }
  return found;
}

}  // namespace

std::vector<std::pair<int, Json>> protobuf_fields(std::string_view bytes) {
  std::vector<std::pair<int, Json>> fields;
  std::size_t at = 0;
  const auto read = [&] {
    std::uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at >= bytes.size()) throw Mismatch("protobuf: a number runs past the end");
      const auto byte = static_cast<unsigned char>(bytes[at++]);
      number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) break;
    }
    return number;
  };
  while (at < bytes.size()) {
    const std::uint64_t tag = read();
    const int number = static_cast<int>(tag >> 3);
    switch (tag & 7) {
      case 0: fields.emplace_back(number, read()); break;
      case 1: at += 8; break;
      case 5: at += 4; break;
      case 2: {
        const std::uint64_t size = read();
        if (size > bytes.size() - at) throw Mismatch("protobuf: field " + std::to_string(number) + " runs past the end");
        fields.emplace_back(number, std::string(bytes.substr(at, size)));
        at += size;
        break;
      }
      default: throw Mismatch("protobuf: wire type " + std::to_string(tag & 7));
    }
  }
  return fields;
}

Json read_protobuf_fields(std::string_view bytes, const Json& paths) {
  if (bytes.substr(0, 4) != magic) throw Mismatch("the protobuf body does not start with its four bytes");
  const auto envelope = protobuf_fields(bytes.substr(4));
  const auto meta = protobuf_fields(field_bytes(envelope, 1));
  Json result = {{"apiVersion", field_bytes(meta, 1)}, {"kind", field_bytes(meta, 2)}, {"fields", Json::object()}};
  for (const Json& path : paths) {
    std::vector<Json> level = {field_bytes(envelope, 2)};
    std::string number;
    const std::string text = path.get<std::string>() + ".";
    for (const char c : text) {
      if (c != '.') {
        number += c;
        continue;
      }
      std::vector<Json> next;
      for (const Json& each : level) {
        for (auto& [key, value] : protobuf_fields(each.get_ref<const std::string&>())) {
          if (key == std::stoi(number)) next.push_back(std::move(value));
        }
      }
      level = std::move(next);
      number.clear();
    }
    result["fields"][path.get<std::string>()] = level;
  }
  return result;
}

std::string write_protobuf(const Json& message) {
  const Json envelope = Json::array({Json::array({1, Json::array({Json::array({1, message.at("apiVersion")}), Json::array({2, message.at("kind")})})}),
                                     Json::array({2, write_fields(message.at("message"))}), Json::array({3, ""}), Json::array({4, ""})});
  return std::string(magic) + write_fields(envelope);
}

}  // namespace skidpad::fakes::kube_apiserver::golden
