#include "harness/scenario/loader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "harness/scenario/fields.hpp"

namespace skidpad::scenario {
namespace {

/// What a field accepts, as the end of a sentence that begins "expected".
std::string list_of(const std::vector<std::string_view>& choices) {
  std::string text = choices.size() > 1 ? "one of " : "";
  for (std::size_t i = 0; i < choices.size(); ++i) text += (i > 0 ? ", " : "") + std::string(choices[i]);
  return text;
}
std::string expected(const CountRule& rule) {
  return "a whole number from " + std::to_string(rule.min) + " to " + std::to_string(rule.max);
}
std::string expected(const SpanRule& rule) {
  return std::string(R"(a duration such as "30s" or "1m30s", or a multiple of a timer such as "3x node_monitor_grace_period")") +
         (rule.floor_allowed ? R"( or "1.5x floor + 10s")" : "");
}
std::string expected(const AmountRule& rule) {
  std::string text;
  if (rule.all_allowed) text += "all, or ";
  text += expected(rule.count);
  if (rule.share_allowed) text += R"(, or a share such as "40%" or "2/5")";
  return text;
}
std::string expected(const ShareRule&) { return R"(a share such as "5%" or "1/20", at most "100%")"; }
std::string expected(const TextRule& rule) { return std::string(rule.expected); }
std::string expected(const ChoiceRule& rule) { return std::string(rule.expected); }
template <class ItemRule>
std::string expected(const ListRule<ItemRule>& rule) {
  return "a list of " + std::to_string(rule.items_min) + " to " + std::to_string(rule.items_max);
}
template <class ItemRule>
std::string expected(const MapRule<ItemRule>&) {
  return "a map of keys";
}
constexpr std::string_view expected_target = "a target such as one_worker, etcd_leader, 2_workers, worker_0 or same_as_NAME";

std::string did_you_mean(std::string_view text, const std::vector<std::string_view>& known) {
  const auto near = nearest(text, known);
  return near.empty() ? std::string() : ", did you mean " + in_quotes(near) + "?";
}

std::string key_in_path(std::string_view key) {
  const bool plain = key.size() <= 60 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return plain ? std::string(key) : in_quotes(key);
}

/// Converts the tree into the model, one field at a time, and throws Refusal at the first that does not fit.
class Reader {
 public:
  template <Record T>
  void record(const Value& value, T& it, const std::string& path) {
    require(value, Value::Kind::map, path, "a map of keys");
    if constexpr (is_tagged<T>) {
      const Entry* kind = value.find("kind");
      if (kind == nullptr)
        refuse(value.position, join(path, "kind"), "is missing; expected " + list_of(all_words(it.kind)));
      read(kind->value, it.kind, Plain{}, join(path, "kind"));
    }
    KeyCollector known;
    describe(known, it);
    for (const Entry& entry : value.entries) {
      if (std::find(known.keys.begin(), known.keys.end(), entry.key) != known.keys.end()) continue;
      refuse(entry.key_position, join(path, key_in_path(entry.key)),
             "is not a key here" + did_you_mean(entry.key, known.keys) + "; expected " + list_of(known.keys));
    }
    RecordReader reader{*this, value, path};
    describe(reader, it);
  }

 private:
  struct RecordReader {
    Reader& reader;
    const Value& map;
    const std::string& path;

    template <class T, class Rule>
    void field(const Field& field, T& member, const Rule& rule) {
      const std::string own_path = reader.join(path, field.name);
      const Entry* entry = map.find(field.name);
      if (entry != nullptr)
        reader.read(entry->value, member, rule, own_path);
      else if (field.need == Need::required)
        reader.refuse(map.position, own_path,
                      "is missing; expected " + expected_for(member, rule) + " (" + std::string(field.about) + ")");
    }
  };

  [[noreturn]] void refuse(Position position, std::string path, std::string what, Stage stage = Stage::shape) const {
    throw Refusal{stage, position, path.empty() ? "document" : std::move(path), std::move(what)};
  }

  static std::string join(std::string_view path, std::string_view key) {
    return std::string(path) + (path.empty() ? "" : ".") + std::string(key);
  }

  /// What a key accepts, for when it is not there.
  template <class T, class Rule>
  static std::string expected_for(const T& member, const Rule& rule) {
    if constexpr (!std::is_same_v<Rule, Plain>)
      return expected(rule);
    else if constexpr (std::is_enum_v<T>)
      return list_of(all_words(member));
    else if constexpr (std::is_same_v<T, Target>)
      return std::string(expected_target);
    else if constexpr (requires { member.has_value(); })
      return expected_for(typename T::value_type{}, rule);
    else
      return "a map of keys";
  }

  template <class Enum>
  static std::vector<std::string_view> all_words(Enum) {
    std::vector<std::string_view> texts;
    for (const auto& word : words(Enum{})) texts.push_back(word.text);
    return texts;
  }

  void require(const Value& value, Value::Kind kind, const std::string& path, std::string_view expected) const {
    if (value.kind == kind) return;
    std::string_view found = "has no value";
    if (value.kind == Value::Kind::scalar) found = "is a single value";
    if (value.kind == Value::Kind::list) found = "is a list";
    if (value.kind == Value::Kind::map) found = "is a map";
    refuse(value.position, path, std::string(found) + "; expected " + std::string(expected));
  }

  /// The scalar's text, where YAML itself takes it for text.
  const std::string& text_of(const Value& value, const std::string& path, const std::string& expected) const {
    require(value, Value::Kind::scalar, path, expected);
    if (!value.is_quoted) {
      const PlainType type = plain_type(value.text);
      if (type == PlainType::number) refuse(value.position, path, in_quotes(value.text) + " is a bare number; expected " + expected);
      if (type == PlainType::boolean)  // to YAML 1.1 only, where it is not true or false: a schema sees text then
        refuse(value.position, path, in_quotes(value.text) + " without quotes is a boolean to YAML; expected " + expected, Stage::sense);
      if (type == PlainType::null) refuse(value.position, path, "is null to YAML; expected " + expected);
    }
    return value.text;
  }

  template <class T>
  T take(const Value& value, Parsed<T> parsed, const std::string& path, const std::string& expected) const {
    if (!parsed.value)
      refuse(value.position, path, parsed.wrong + "; expected " + expected, parsed.beyond_form ? Stage::sense : Stage::shape);
    return std::move(*parsed.value);
  }

  /// 1e2, 0x10 and 1_0 are numbers to YAML and to editors, and refused here all the same.
  std::uint32_t count_of(const Value& value, const std::string& path, const std::string& expected) const {
    Parsed<std::uint32_t> parsed = parse_count(value.text);
    if (!parsed.value && plain_type(value.text) == PlainType::number && value.text.find_first_not_of("-0123456789") != std::string::npos)
      parsed.beyond_form = true;
    return take(value, std::move(parsed), path, expected);
  }

  void read(const Value& value, bool& member, Plain, const std::string& path) const {
    require(value, Value::Kind::scalar, path, "true or false");
    if (!value.is_quoted && value.text == "true")
      member = true;
    else if (!value.is_quoted && value.text == "false")
      member = false;
    else
      refuse(value.position, path, (value.is_quoted ? "is the text " : "is ") + in_quotes(value.text) + "; expected true or false",
             value.is_quoted ? Stage::shape : Stage::sense);  // True, yes and off are booleans to some readers of YAML
  }

  void read(const Value& value, std::uint32_t& member, const CountRule& rule, const std::string& path) const {
    require(value, Value::Kind::scalar, path, expected(rule));
    if (value.is_quoted) refuse(value.position, path, in_quotes(value.text) + " is quoted; expected " + expected(rule));
    member = count_of(value, path, expected(rule));
    if (member < rule.min || member > rule.max)
      refuse(value.position, path, std::to_string(member) + " is out of range; expected " + expected(rule));
  }

  void read(const Value& value, TimeSpan& member, const SpanRule& rule, const std::string& path) const {
    const std::string what = expected(rule);
    require(value, Value::Kind::scalar, path, what);
    if (!value.is_quoted && plain_type(value.text) == PlainType::number)
      refuse(value.position, path,
             in_quotes(value.text) + (value.text.front() == '-' ? " is negative" : " has no unit") + "; expected " + what);
    member = take(value, parse_time_span(text_of(value, path, what)), path, what);
    if (!rule.floor_allowed && member.uses(Timer::floor))
      refuse(value.position, path, "counts in the floor, which only `expect` and `deadline` may; expected " + what);
    if (!rule.zero_allowed && member.is_zero())
      refuse(value.position, path, "is zero; expected " + what, Stage::sense);
  }

  void read(const Value& value, Ratio& member, const ShareRule& rule, const std::string& path) const {
    const std::string what = expected(rule);
    require(value, Value::Kind::scalar, path, what);
    if (!value.is_quoted && plain_type(value.text) == PlainType::number)
      refuse(value.position, path,
             in_quotes(value.text) + (value.text.front() == '-' ? " is negative" : " has neither % nor /") + "; expected " + what);
    member = take(value, parse_ratio(text_of(value, path, what)), path, what);
    if (!rule.zero_allowed && member.numerator == 0)
      refuse(value.position, path, "is zero; expected " + what, Stage::sense);
  }

  void read(const Value& value, Amount& member, const AmountRule& rule, const std::string& path) const {
    const std::string what = expected(rule);
    require(value, Value::Kind::scalar, path, what);
    if (rule.all_allowed && value.text == "all") {
      member = Amount{};
      return;
    }
    const bool bare_number = !value.is_quoted && plain_type(value.text) == PlainType::number;
    if (!rule.share_allowed || bare_number) {
      std::uint32_t count = 0;
      if (value.is_quoted || !bare_number)
        refuse(value.position, path, in_quotes(value.text) + " is no amount; expected " + what);
      count = count_of(value, path, what);
      if (count < rule.count.min || count > rule.count.max)
        refuse(value.position, path, std::to_string(count) + " is out of range; expected " + what);
      member = Amount(count);
      return;
    }
    member = Amount(take(value, parse_ratio(text_of(value, path, what)), path, what));
  }

  void read(const Value& value, Target& member, Plain, const std::string& path) const {
    const std::string what(expected_target);
    member = take(value, parse_target(text_of(value, path, what)), path, what);
  }

  void read(const Value& value, std::string& member, const TextRule& rule, const std::string& path) const {
    const std::string& text = text_of(value, path, expected(rule));
    if (!rule.matches(text)) refuse(value.position, path, in_quotes(text) + " does not fit; expected " + expected(rule));
    member = text;
  }

  void read(const Value& value, std::string& member, const ChoiceRule& rule, const std::string& path) const {
    const std::string& text = text_of(value, path, expected(rule));
    if (std::find(rule.choices.begin(), rule.choices.end(), text) == rule.choices.end())
      refuse(value.position, path, in_quotes(text) + " is unknown" + did_you_mean(text, rule.choices) + "; expected " + expected(rule));
    member = text;
  }

  template <class Enum>
    requires std::is_enum_v<Enum>
  void read(const Value& value, Enum& member, Plain, const std::string& path) const {
    const auto texts = all_words(member);
    const std::string& text = text_of(value, path, list_of(texts));
    for (const auto& word : words(Enum{})) {
      if (word.text != text) continue;
      member = word.value;
      return;
    }
    refuse(value.position, path, in_quotes(text) + " is unknown" + did_you_mean(text, texts) + "; expected " + list_of(texts));
  }

  template <class T, class Rule>
  void read(const Value& value, std::optional<T>& member, const Rule& rule, const std::string& path) {
    T present{};
    read(value, present, rule, path);
    member = std::move(present);
  }

  template <class T, class ItemRule>
  void read(const Value& value, std::vector<T>& member, const ListRule<ItemRule>& rule, const std::string& path) {
    require(value, Value::Kind::list, path, expected(rule));
    const std::size_t count = value.entries.size();
    if (count < rule.items_min || count > rule.items_max)
      refuse(value.position, path,
             "has " + std::to_string(count) + " items; expected " + expected(rule));
    for (std::size_t i = 0; i < count; ++i) {
      const std::string item_path = path + "[" + std::to_string(i) + "]";
      T item{};
      read(value.entries[i].value, item, rule.item, item_path);
      if (rule.distinct && std::find(member.begin(), member.end(), item) != member.end())
        refuse(value.entries[i].value.position, item_path, "is given twice; expected each once");
      member.push_back(std::move(item));
    }
  }

  template <class T, class ItemRule>
  void read(const Value& value, std::map<std::string, T>& member, const MapRule<ItemRule>& rule, const std::string& path) {
    require(value, Value::Kind::map, path, "a map of keys");
    for (const Entry& entry : value.entries) {
      if (!rule.key.matches(entry.key))
        refuse(entry.key_position, join(path, key_in_path(entry.key)), "is not a key here; expected " + expected(rule.key));
      read(entry.value, member[entry.key], rule.item, join(path, entry.key));
    }
  }

  template <Record T>
  void read(const Value& value, T& member, Plain, const std::string& path) {
    record(value, member, path);
  }
};

/// File names come from outside too: one line, printable.
std::string printable_file(std::string_view file) {
  const bool plain = std::none_of(file.begin(), file.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
  });
  return plain ? std::string(file) : in_quotes(file);
}

std::string stem(std::string_view file) {
  const std::size_t slash = file.rfind('/');
  if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
  return std::string(file.substr(0, file.find('.')));
}

Scenario parse(std::string_view text, std::string_view file) {
  const Value document = parse_document(text);
  Scenario scenario;
  Reader().record(document, scenario, "");
  scenario.hypothesis = first_comment(text);
  if (scenario.hypothesis.empty())
    throw Refusal{Stage::text, {}, "hypothesis", "is missing; expected the file to begin with a comment that states it"};
  if (const std::string stem_of_file = stem(file); scenario.name != stem_of_file)
    throw Refusal{Stage::sense, locate(document, "name"), "name",
                  in_quotes(scenario.name) + " is not the file's name; expected " + in_quotes(stem_of_file)};
  if (auto problem = find_contradiction(scenario))
    throw Refusal{Stage::sense, locate(document, problem->path), problem->path, problem->what};
  return scenario;
}

[[noreturn]] void refuse_file(const std::filesystem::path& file, std::string what) {
  throw ScenarioError(file.string(), Refusal{Stage::text, {}, "document", std::move(what)});
}

}  // namespace

ScenarioError::ScenarioError(std::string_view file, Refusal refusal)
    : UsageError(printable_file(file) + ":" + std::to_string(refusal.position.line) + ":" +
                 std::to_string(refusal.position.column) + ": " + refusal.path + ": " + refusal.what),
      refusal_(std::move(refusal)) {}

Scenario parse_scenario(std::string_view text, std::string_view file) {
  try {
    return parse(text, file);
  } catch (Refusal& refusal) {
    throw ScenarioError(file, std::move(refusal));
  }
}

std::string read_scenario_file(const std::filesystem::path& file) {
  constexpr std::string_view want = "; expected a readable scenario file";
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) refuse_file(file, "does not exist" + std::string(want));
  if (error) refuse_file(file, "cannot be looked at (" + error.message() + ")" + std::string(want));
  if (status.type() == std::filesystem::file_type::directory) refuse_file(file, "is a directory" + std::string(want));
  if (status.type() != std::filesystem::file_type::regular)  // a pipe would block, a device never end
    refuse_file(file, "is no regular file" + std::string(want));

  const std::size_t bytes_max = DocumentLimits{}.bytes_max;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "rb"), &std::fclose);
  if (!stream) refuse_file(file, "cannot be opened (" + std::generic_category().message(errno) + ")" + std::string(want));
  std::string text(bytes_max + 1, '\0');  // one byte more than allowed tells a file too large, whatever its size claims
  errno = 0;
  text.resize(std::fread(text.data(), 1, text.size(), stream.get()));
  if (std::ferror(stream.get()) != 0)
    refuse_file(file, "cannot be read (" + std::generic_category().message(errno) + ")" + std::string(want));
  if (text.size() > bytes_max) {
    const auto size = std::filesystem::file_size(file, error);
    refuse_file(file, "has " + (error ? "too many" : std::to_string(size)) + " bytes; expected at most " + std::to_string(bytes_max));
  }
  return text;
}

Scenario load_scenario(const std::filesystem::path& file) { return parse_scenario(read_scenario_file(file), file.string()); }

std::string first_comment(std::string_view text) {
  std::string comment;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with('#')) break;
    line.remove_prefix(std::min(line.find_first_not_of("# "), line.size()));
    while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
    if (line.starts_with("yaml-language-server:")) continue;
    if (line.empty()) break;  // the end of the first paragraph
    comment += (comment.empty() ? "" : " ") + std::string(line);
  }
  return comment;
}

}  // namespace skidpad::scenario
