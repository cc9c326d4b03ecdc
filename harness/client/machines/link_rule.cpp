#include "harness/client/machines/link_rule.hpp"

#include <charconv>

#include "harness/client/machines/json_reader.hpp"

namespace skidpad::client::machines {

namespace {

bool parse_number(std::string_view text, std::uint64_t& number) {
  if (text.empty() || text.size() > 18) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

Ratio read_ratio(JsonReader& reader, const std::string& key) {
  const std::string text = reader.text(key);
  if (text.empty()) return Ratio{};
  auto ratio = parse_ratio(text);
  if (ratio) return ratio.value();
  reader.refuse(reader.path_of(key), "a chance such as \"1/20\"");
  return Ratio{};
}

std::string to_text(Ratio ratio) { return std::to_string(ratio.numerator) + "/" + std::to_string(ratio.denominator); }

void put_rule(const LinkRule& rule, Json& json) {
  json["cut"] = rule.cut;
  json["loss"] = to_text(rule.loss);
  json["duplicate"] = to_text(rule.duplicate);
  json["reorder"] = to_text(rule.reorder);
  json["delay"] = runtime::format_go_duration(rule.delay);
  json["jitter"] = runtime::format_go_duration(rule.jitter);
}

LinkChange read_change(JsonReader& reader) {
  LinkChange change;
  change.link.from = reader.text("from", true);
  change.link.to = reader.text("to", true);
  if (change.link.from == change.link.to) reader.refuse(reader.path_of("to"), "another machine than \"from\"");
  change.rule.cut = reader.boolean("cut", false);
  change.rule.loss = read_ratio(reader, "loss");
  change.rule.duplicate = read_ratio(reader, "duplicate");
  change.rule.reorder = read_ratio(reader, "reorder");
  change.rule.delay = reader.duration("delay");
  change.rule.jitter = reader.duration("jitter");
  return change;
}

struct CounterField {
  const char* key;
  std::uint64_t LinkCounters::*member;
};
constexpr CounterField counter_fields[] = {
    {"frames", &LinkCounters::frames},           {"forwarded", &LinkCounters::forwarded},
    {"dropped_by_cut", &LinkCounters::dropped_by_cut}, {"lost", &LinkCounters::lost},
    {"duplicated", &LinkCounters::duplicated},   {"reordered", &LinkCounters::reordered},
    {"delayed", &LinkCounters::delayed},         {"overflowed", &LinkCounters::overflowed},
    {"bytes", &LinkCounters::bytes},
};

}  // namespace

Result<Ratio> parse_ratio(std::string_view text) {
  const std::size_t slash = text.find('/');
  Ratio ratio{0, 1};
  const bool read = parse_number(text.substr(0, slash), ratio.numerator) &&
                    (slash == std::string_view::npos || parse_number(text.substr(slash + 1), ratio.denominator));
  if (!read || ratio.denominator == 0 || ratio.numerator > ratio.denominator) {
    return invalid_field("ratio", "a fraction from 0 to 1 such as \"1/20\", not \"" + std::string(text) + "\"");
  }
  return ratio;
}

Result<std::vector<LinkChange>> link_changes_from_json(const Json& json, const std::string& field) {
  JsonReader reader(json, field);
  const LinkChange change = read_change(reader);
  const bool both = reader.boolean("both", false);
  TRY(reader.finish());
  std::vector<LinkChange> changes{change};
  if (both) changes.push_back(LinkChange{LinkName{change.link.to, change.link.from}, change.rule});
  return changes;
}

Json to_json(const LinkChange& change) {
  Json json{{"from", change.link.from}, {"to", change.link.to}};
  put_rule(change.rule, json);
  return json;
}

Json to_json(const LinkStatus& status) {
  Json json{{"from", status.link.from}, {"to", status.link.to}};
  put_rule(status.rule, json);
  Json& counters = json["counters"] = Json::object();
  for (const CounterField& field : counter_fields) counters[field.key] = status.counters.*field.member;
  return json;
}

Result<LinkStatus> link_status_from_json(const Json& json) {
  JsonReader reader(json, "link");
  const LinkChange change = read_change(reader);
  const Json& counters = reader.value("counters");
  TRY(reader.finish());
  LinkStatus status{change.link, change.rule, LinkCounters{}};
  for (const CounterField& field : counter_fields) {
    status.counters.*field.member = static_cast<std::uint64_t>(runtime::integer_at(counters, {field.key}));
  }
  return status;
}

}  // namespace skidpad::client::machines
