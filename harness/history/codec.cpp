#include "harness/history/codec.hpp"

#include <algorithm>
#include <cmath>

#include "harness/history/fields.hpp"

namespace skidpad::history {
namespace {

using OrderedJson = nlohmann::ordered_json;

// Lines longer than this were not written by us; the bound keeps a hostile file from eating the machine.
constexpr std::size_t line_bytes_max = 16u << 20;

Outcome outcome_from(Fields& fields) {
  const std::string text = fields.text("outcome");
  for (const Outcome outcome : {Outcome::ok, Outcome::failed, Outcome::unknown})
    if (text == name(outcome)) return outcome;
  fields.refuse("outcome", "\"" + text + "\" is none of ok, failed, unknown");
}

/// Calls decode(json, "FILE:LINE") for each whole line. Returns whether the last line was cut off.
template <class Decode>
bool for_each_line(std::string_view text, std::string_view file, Decode decode) {
  std::size_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const std::string where = std::string(file) + ":" + std::to_string(line_number);
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return true;
    if (end > line_bytes_max) throw UsageError(where + ": line of " + std::to_string(end) + " bytes is too long");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const auto parsed = runtime::parse_json(line, 200);
    if (!parsed) throw UsageError(where + ": not JSON: " + parsed.error().message);
    decode(parsed.value(), where);
  }
  return false;
}

/// What each kind of event must carry, so that checkers may rely on it.
void check_event_fields(const Event& event, const std::string& where) {
  Fields fields(event.fields, where + ": fields");
  const auto one_of = [&fields](std::string_view field, std::span<const std::string_view> allowed) {
    const std::string value = fields.text(field);
    for (const std::string_view choice : allowed)
      if (value == choice) return;
    fields.refuse(field, "\"" + value + "\" is not a value this field has");
  };
  const auto one_of_these = [&one_of](std::string_view field, std::initializer_list<std::string_view> allowed) {
    one_of(field, std::span<const std::string_view>(allowed.begin(), allowed.size()));
  };
  const auto must_be_boolean = [&fields](std::string_view field) {
    if (!fields.any(field).is_boolean()) fields.refuse(field, "expected true or false");
  };
  const std::string_view kind = event.kind;
  if (kind == event_kind::run_ended) {
    one_of_these("outcome", {"completed", "interrupted", "not_applicable", "error"});
  } else if (kind == event_kind::steady_state) {
    must_be_boolean("ok");
    if (event.subject != "before" && event.subject != "after")
      throw UsageError(where + ": subject: steady_state is \"before\" or \"after\", got \"" + event.subject + "\"");
    const Json& conditions = fields.any("conditions");
    if (!conditions.is_null() && !conditions.is_array()) fields.refuse("conditions", "expected a list");
    for (const Json& condition : conditions) {
      Fields inner(condition, fields.where() + ": conditions");
      inner.text("name");
      if (!inner.any("ok").is_boolean()) inner.refuse("ok", "expected true or false");
    }
  } else if (kind == event_kind::fault_injected) {
    fields.text("fault_kind");
    fields.optional_text("process");
    fields.texts_or_empty("targets");
    fields.texts_or_empty("blast_radius");
  } else if (kind == event_kind::fault_witness) {
    fields.text("witness");
    must_be_boolean("independent");
    must_be_boolean("confirmed");
  } else if (kind == event_kind::object) {
    one_of_these("change", {"added", "modified", "deleted"});
    if (fields.has("healthy")) must_be_boolean("healthy");
    fields.optional_text("layer");
  } else if (kind == event_kind::kubernetes_event) {
    fields.text("reason");
  } else if (kind == event_kind::level) {
    fields.integer("healthy", 0, 1'000'000);
    fields.integer("wanted", 0, 1'000'000);
  } else if (kind == event_kind::milestone) {
    one_of("phase", recovery_phases);
  } else if (kind == event_kind::remediation) {
    one_of_these("state", {"started", "finished", "failed", "restricted"});
  } else if (kind == event_kind::cleanup) {
    must_be_boolean("checked");
    const Json& left = fields.object_or_empty("left");
    Fields left_fields(left, where + ": fields: left");
    for (const auto& [what, list] : left.items()) left_fields.texts_or_empty(what);
  }
}

}  // namespace

std::string dump(const OrderedJson& json, int indent) { return json.dump(indent, ' ', false, OrderedJson::error_handler_t::replace); }
std::string dump(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

std::string encode(const Operation& operation) {
  OrderedJson line;
  line["call"] = operation.call.count();
  if (operation.returned) line["return"] = operation.returned->count();
  line["client"] = operation.client;
  line["workload"] = operation.workload;
  line["op"] = operation.operation;
  if (!operation.target.empty()) line["target"] = operation.target;
  if (!operation.key.empty()) line["key"] = operation.key;
  if (operation.value) line["value"] = *operation.value;
  if (operation.compare) line["compare"] = *operation.compare;
  if (operation.observed) line["observed"] = *operation.observed;
  if (!operation.applied) line["applied"] = false;
  if (operation.revision) line["revision"] = *operation.revision;
  line["outcome"] = name(operation.outcome);
  if (!operation.error.empty()) line["error"] = operation.error;
  return dump(line) + "\n";
}

std::string encode(const Event& event) {
  OrderedJson line;
  line["time"] = event.time.count();
  line["sequence"] = event.sequence;
  line["kind"] = event.kind;
  line["subject"] = event.subject;
  line["fields"] = event.fields;  // its keys are sorted: equal data, equal bytes
  return dump(line) + "\n";
}

std::string encode(const MetricSample& sample) {
  OrderedJson line;
  line["time"] = sample.time.count();
  line["target"] = sample.target;
  line["metric"] = sample.metric;
  if (!sample.labels.empty()) line["labels"] = sample.labels;
  if (std::isfinite(sample.value)) line["value"] = sample.value;
  else line["value"] = std::isnan(sample.value) ? "NaN" : sample.value > 0 ? "+Inf" : "-Inf";  // as Prometheus writes them
  return dump(line) + "\n";
}

namespace {

Json durations_to_json(const std::map<std::string, Duration>& durations) {
  Json json = Json::object();
  for (const auto& [key, duration] : durations) json[key] = runtime::format_go_duration(duration);
  return json;
}

std::map<std::string, Duration> durations_from(Fields& fields, std::string_view name) {
  const Json& object = fields.object_or_empty(name);
  Fields inner(object, fields.where() + ": " + std::string(name));
  std::map<std::string, Duration> durations;
  for (const auto& [key, value] : object.items()) durations[key] = inner.go_duration(key);
  return durations;
}

}  // namespace

Json to_json(const Expectations& expectations) {
  Json json = Json::object();
  json["guarantees"] = expectations.guarantees;
  if (expectations.recovery_floor_factor) json["recovery_floor_factor"] = *expectations.recovery_floor_factor;
  json["recovery_slack"] = runtime::format_go_duration(expectations.recovery_slack);
  json["phases_within"] = durations_to_json(expectations.phases_within);
  if (expectations.deadline) json["deadline"] = runtime::format_go_duration(*expectations.deadline);
  json["layers_restored"] = expectations.layers_restored;
  json["downtime_max"] = durations_to_json(expectations.downtime_max);
  json["gap_max"] = durations_to_json(expectations.gap_max);
  json["probe_interval"] = durations_to_json(expectations.probe_interval);
  if (expectations.nodes_replaced) json["nodes_replaced"] = *expectations.nodes_replaced;
  json["remediations_at_once_max"] = expectations.remediations_at_once_max;
  if (expectations.unhealthy_nodes_max) json["unhealthy_nodes_max"] = *expectations.unhealthy_nodes_max;
  json["controllers_up"] = expectations.controllers_up;
  if (expectations.controller_down_max) json["controller_down_max"] = runtime::format_go_duration(*expectations.controller_down_max);
  json["remediation_metric"] = expectations.remediation_metric;
  json["remediation_labels"] = expectations.remediation_labels;
  return json;
}

Expectations expectations_from_json(const Json& json, std::string_view where) {
  Fields fields(json, std::string(where));
  Expectations expectations;
  expectations.guarantees = fields.texts_or_empty("guarantees");
  if (fields.has("recovery_floor_factor")) {
    expectations.recovery_floor_factor = fields.number("recovery_floor_factor");
    if (!(*expectations.recovery_floor_factor >= 1.0 && *expectations.recovery_floor_factor <= 1000.0))
      fields.refuse("recovery_floor_factor", "expected a number from 1 to 1000");
  }
  expectations.recovery_slack = fields.optional_go_duration("recovery_slack").value_or(Duration::zero());
  expectations.phases_within = durations_from(fields, "phases_within");
  for (const auto& [phase, within] : expectations.phases_within)
    if (std::find(std::begin(recovery_phases), std::end(recovery_phases), phase) == std::end(recovery_phases))
      fields.refuse("phases_within", "\"" + phase + "\" is no recovery phase");
  expectations.deadline = fields.optional_go_duration("deadline");
  expectations.layers_restored = fields.texts_or_empty("layers_restored");
  expectations.downtime_max = durations_from(fields, "downtime_max");
  expectations.gap_max = durations_from(fields, "gap_max");
  expectations.probe_interval = durations_from(fields, "probe_interval");
  if (fields.has("nodes_replaced")) expectations.nodes_replaced = fields.integer("nodes_replaced", 0, 1'000'000);
  expectations.remediations_at_once_max = fields.integer_or("remediations_at_once_max", 1, 0, 1'000'000);
  if (fields.has("unhealthy_nodes_max")) expectations.unhealthy_nodes_max = fields.integer("unhealthy_nodes_max", 0, 1'000'000);
  expectations.controllers_up = fields.texts_or_empty("controllers_up");
  expectations.controller_down_max = fields.optional_go_duration("controller_down_max");
  expectations.remediation_metric = fields.text_or("remediation_metric", expectations.remediation_metric);
  expectations.remediation_labels = fields.text_map_or_empty("remediation_labels");
  fields.finish();
  return expectations;
}

Json to_json(const std::map<std::string, Binary>& binaries) {
  Json json = Json::object();
  for (const auto& [component, binary] : binaries) {
    json[component] = {{"owner", binary.owner}, {"version", binary.version}, {"path", binary.path}, {"sha256", binary.sha256}};
  }
  return json;
}

std::map<std::string, Binary> binaries_from_json(const Json& json, std::string_view where) {
  std::map<std::string, Binary> binaries;
  for (const auto& [component, entry] : json.items()) {
    Fields fields(entry, std::string(where) + "." + component);
    Binary& binary = binaries[component];
    binary.owner = fields.text("owner");
    binary.version = fields.text("version");
    binary.path = fields.text("path");
    binary.sha256 = fields.text("sha256");
    fields.finish();
  }
  return binaries;
}

std::string encode(const Header& header) {
  OrderedJson json;
  json["format"] = "skidpad-run";
  json["format_version"] = format_version;
  json["skidpad_version"] = header.skidpad_version;
  json["scenario"] = header.scenario;
  json["scenario_file"] = header.scenario_file;
  json["hypothesis"] = header.hypothesis;
  json["driver"] = header.driver;
  json["seed"] = header.seed;
  if (!header.started_at.empty()) json["started_at"] = header.started_at;
  json["topology"] = header.topology;
  json["versions"] = header.versions;
  json["images"] = header.images;
  if (!header.binaries.empty()) json["binaries"] = to_json(header.binaries);
  json["timers"] = to_json(header.timers);
  json["expectations"] = to_json(header.expectations);
  json["repeat_command"] = header.repeat_command;
  return dump(json, 2) + "\n";
}

Header decode_header(std::string_view text, std::string_view file) {
  const std::string where = std::string(file) + ":1";
  const auto parsed = runtime::parse_json(text, 200);
  if (!parsed) throw UsageError(where + ": not JSON: " + parsed.error().message);
  Fields fields(parsed.value(), where);
  if (fields.text("format") != "skidpad-run") fields.refuse("format", "expected \"skidpad-run\"; this is no run directory");
  const std::int64_t version = fields.integer("format_version", 1, 1'000'000);
  if (version != format_version)
    fields.refuse("format_version", std::to_string(version) + " was written by another skidpad; this one reads " + std::to_string(format_version));
  Header header;
  header.skidpad_version = fields.text("skidpad_version");
  header.scenario = fields.text("scenario");
  header.scenario_file = fields.text_or("scenario_file", "");
  header.hypothesis = fields.text_or("hypothesis", "");
  header.driver = fields.text("driver");
  header.seed = fields.unsigned_integer("seed");
  header.started_at = fields.text_or("started_at", "");
  header.topology = fields.text_map_or_empty("topology");
  header.versions = fields.text_map_or_empty("versions");
  header.images = fields.text_map_or_empty("images");
  header.binaries = binaries_from_json(fields.object_or_empty("binaries"), where + ": binaries");
  header.timers = timers_from_json(fields.any("timers"), where + ": timers");
  header.expectations = expectations_from_json(fields.object_or_empty("expectations"), where + ": expectations");
  header.repeat_command = fields.text_or("repeat_command", "");
  fields.finish();
  return header;
}

Decoded<Operation> decode_history(std::string_view text, std::string_view file) {
  Decoded<Operation> decoded;
  decoded.torn = for_each_line(text, file, [&decoded](const Json& json, const std::string& where) {
    Fields fields(json, where);
    Operation operation;
    operation.call = fields.nanoseconds("call");
    operation.returned = fields.optional_nanoseconds("return");
    operation.client = fields.text("client");
    operation.workload = fields.text_or("workload", "");
    operation.operation = fields.text("op");
    operation.target = fields.text_or("target", "");
    operation.key = fields.text_or("key", "");
    operation.value = fields.optional_text("value");
    operation.compare = fields.optional_text("compare");
    operation.observed = fields.optional_text("observed");
    operation.applied = fields.boolean_or("applied", true);
    if (fields.has("revision")) operation.revision = fields.integer("revision", 0, std::numeric_limits<std::int64_t>::max());
    operation.outcome = outcome_from(fields);
    operation.error = fields.text_or("error", "");
    fields.finish();
    if (operation.returned && *operation.returned < operation.call) fields.refuse("return", "is before the call");
    if (operation.outcome == Outcome::ok && !operation.returned) fields.refuse("return", "missing, though the outcome is ok");
    decoded.items.push_back(std::move(operation));
  });
  return decoded;
}

Decoded<Event> decode_trace(std::string_view text, std::string_view file) {
  Decoded<Event> decoded;
  decoded.torn = for_each_line(text, file, [&decoded](const Json& json, const std::string& where) {
    Fields fields(json, where);
    Event event;
    event.time = fields.nanoseconds("time");
    event.sequence = fields.unsigned_integer("sequence");
    event.kind = fields.text("kind");
    event.subject = fields.text("subject");
    event.fields = fields.object_or_empty("fields");
    fields.finish();
    check_event_fields(event, where);
    if (!decoded.items.empty()) {
      if (event.sequence <= decoded.items.back().sequence) fields.refuse("sequence", "does not grow");
      if (event.time < decoded.items.back().time) fields.refuse("time", "goes back");
    }
    decoded.items.push_back(std::move(event));
  });
  return decoded;
}

Decoded<MetricSample> decode_metrics(std::string_view text, std::string_view file) {
  Decoded<MetricSample> decoded;
  decoded.torn = for_each_line(text, file, [&decoded](const Json& json, const std::string& where) {
    Fields fields(json, where);
    MetricSample sample;
    sample.time = fields.nanoseconds("time");
    sample.target = fields.text("target");
    sample.metric = fields.text("metric");
    sample.labels = fields.text_map_or_empty("labels");
    const Json& value = fields.any("value");
    if (value == "NaN") sample.value = std::nan("");
    else if (value == "+Inf") sample.value = HUGE_VAL;
    else if (value == "-Inf") sample.value = -HUGE_VAL;
    else sample.value = fields.number("value");
    fields.finish();
    decoded.items.push_back(std::move(sample));
  });
  return decoded;
}

}  // namespace skidpad::history
