#include "harness/history/codec.hpp"
#include "harness/history/run_directory.hpp"
#include "reports/reports.hpp"

namespace skidpad::reports {
namespace {

using OrderedJson = nlohmann::ordered_json;
using runtime::Duration;

OrderedJson seconds_or_null(const std::optional<Duration>& duration) {
  return duration ? OrderedJson(runtime::seconds(*duration)) : OrderedJson(nullptr);
}

/// Seconds from the first fault; the run time is what the trace has.
OrderedJson phases_json(const std::map<check::Phase, check::Milestone>& milestones, const std::optional<Duration>& injected) {
  OrderedJson json = OrderedJson::object();
  if (!injected) return json;
  json["injected"] = 0.0;
  for (const check::Phase phase : check::phases) {
    const auto found = milestones.find(phase);
    json[std::string(name(phase))] = found == milestones.end() ? OrderedJson(nullptr) : OrderedJson(runtime::seconds(found->second.time - *injected));
  }
  return json;
}

OrderedJson layers_json(const check::Recovery& recovery) {
  OrderedJson layers = OrderedJson::array();
  for (const check::LayerRecovery& layer : recovery.layers) {
    OrderedJson json;
    json["layer"] = layer.layer;
    json["watched"] = !layer.levels.empty();
    json["disturbed"] = layer.disturbed;
    json["wanted"] = layer.wanted;
    json["lowest"] = layer.lowest;
    json["last"] = layer.last;
    if (layer.disturbed) json["phases_seconds"] = phases_json(layer.milestones, recovery.injected);
    layers.push_back(std::move(json));
  }
  return layers;
}

OrderedJson floor_json(const check::Floor& floor) {
  OrderedJson json;
  json["shortest_seconds"] = runtime::seconds(floor.shortest);
  json["longest_seconds"] = runtime::seconds(floor.longest);
  json["terms"] = OrderedJson::array();
  for (const check::FloorTerm& term : floor.terms) {
    OrderedJson one;
    one["phase"] = term.phase;
    one["what"] = term.what;
    one["shortest_seconds"] = runtime::seconds(term.shortest);
    one["longest_seconds"] = runtime::seconds(term.longest);
    json["terms"].push_back(std::move(one));
  }
  return json;
}

OrderedJson faults_json(const std::vector<history::FaultInterval>& faults) {
  OrderedJson list = OrderedJson::array();
  for (const history::FaultInterval& fault : faults) {
    OrderedJson json;
    json["id"] = fault.id;
    json["kind"] = fault.kind;
    if (!fault.process.empty()) json["process"] = fault.process;
    json["targets"] = fault.targets;
    json["blast_radius"] = fault.blast_radius;
    json["injected_seconds"] = runtime::seconds(fault.injected);
    json["healed_seconds"] = seconds_or_null(fault.healed);
    json["witnesses"] = OrderedJson::array();
    for (const history::Witness& witness : fault.witnesses) {
      OrderedJson one;
      one["witness"] = witness.name;
      one["independent"] = witness.independent;
      one["confirmed"] = witness.confirmed;
      one["evidence"] = witness.evidence;
      one["seconds"] = runtime::seconds(witness.time);
      json["witnesses"].push_back(std::move(one));
    }
    list.push_back(std::move(json));
  }
  return list;
}

OrderedJson probes_json(const std::vector<check::ProbeSummary>& probes) {
  OrderedJson list = OrderedJson::array();
  for (const check::ProbeSummary& probe : probes) {
    OrderedJson json;
    json["probe"] = probe.probe;
    json["sent"] = probe.sent;
    json["answered"] = probe.answered;
    json["downtime_seconds"] = runtime::seconds(probe.downtime);
    json["gap_longest_seconds"] = runtime::seconds(probe.gap_longest);
    json["silence_longest_seconds"] = runtime::seconds(probe.silence_longest);
    json["latency_p50_seconds"] = runtime::seconds(probe.latency_p50);
    json["latency_p99_seconds"] = runtime::seconds(probe.latency_p99);
    json["latency_max_seconds"] = runtime::seconds(probe.latency_max);
    json["gaps"] = OrderedJson::array();
    for (const check::Gap& gap : probe.gaps) {
      OrderedJson one;
      one["begin_seconds"] = runtime::seconds(gap.begin);
      one["end_seconds"] = runtime::seconds(gap.end);
      one["ended"] = gap.ended;
      one["probes_failed"] = gap.probes_failed;
      one["first_error"] = gap.first_error;
      json["gaps"].push_back(std::move(one));
    }
    list.push_back(std::move(json));
  }
  return list;
}

/// Lost writes are all named: this file is what a person goes by who has to make good for them.
OrderedJson restores_json(const std::vector<check::RestoreAudit>& restores) {
  OrderedJson list = OrderedJson::array();
  for (const check::RestoreAudit& restore : restores) {
    OrderedJson json;
    json["recovery"] = restore.recovery;
    json["from_backup"] = restore.from_backup;
    json["restored_revision"] = restore.restored_revision;
    json["raised_to"] = restore.raised_to;
    json["writes_acknowledged"] = restore.acknowledged;
    json["writes_lost"] = restore.lost;
    json["recovery_point_seconds"] = runtime::seconds(restore.recovery_point);
    json["recovery_time_seconds"] = seconds_or_null(restore.recovery_time);
    json["back_from_the_dead"] = restore.back_from_the_dead;
    json["watchers_told_to_list_again"] = restore.watchers_told;
    json["revisions_seen_going_back"] = restore.revisions_back;
    list.push_back(std::move(json));
  }
  return list;
}

OrderedJson guarantees_json(const std::vector<check::Guarantee>& guarantees) {
  OrderedJson list = OrderedJson::array();
  for (const check::Guarantee& guarantee : guarantees) {
    OrderedJson json;
    json["name"] = guarantee.name;
    json["verdict"] = name(guarantee.verdict);
    json["claim"] = guarantee.claim;
    json["reason"] = guarantee.reason;
    json["evidence"] = guarantee.evidence;
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace

std::string result_json(const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation) {
  const history::Header& header = record.header;
  OrderedJson json;
  json["format"] = "skidpad-result";
  json["format_version"] = history::format_version;
  json["verdict"] = name(judgement.verdict);
  json["summary"] = judgement.summary;
  json["scenario"] = header.scenario;
  json["scenario_file"] = header.scenario_file;
  json["driver"] = header.driver;
  json["seed"] = header.seed;
  json["repeat_command"] = header.repeat_command;
  json["recovery_seconds"] = seconds_or_null(judgement.recovery.recovery_time);
  json["recovery_phases_seconds"] = phases_json(judgement.recovery.milestones, judgement.recovery.injected);
  json["recovery_limit_seconds"] = seconds_or_null(judgement.recovery_limit);
  json["floor"] = judgement.floor ? floor_json(*judgement.floor) : OrderedJson(nullptr);
  json["simulated_seconds"] = header.driver == "sim" ? OrderedJson(runtime::seconds(judgement.run_duration)) : OrderedJson(nullptr);
  json["run_seconds"] = runtime::seconds(judgement.run_duration);
  json["wall_seconds"] = seconds_or_null(presentation.wall_time);
  json["guarantees"] = guarantees_json(judgement.guarantees);
  json["layers"] = layers_json(judgement.recovery);
  json["probes"] = probes_json(judgement.probes);
  if (!judgement.restores.empty()) json["restores"] = restores_json(judgement.restores);
  json["faults"] = faults_json(judgement.faults);
  json["topology"] = header.topology;
  json["versions"] = header.versions;
  if (!header.binaries.empty()) json["binaries"] = history::to_json(header.binaries);
  json["timers"] = to_json(header.timers);
  json["skidpad_version"] = header.skidpad_version;
  return history::dump(json, 2) + "\n";
}

std::optional<Duration> wall_time_of(const std::string& text) {
  const auto parsed = runtime::parse_json(text);
  if (!parsed || !parsed.value().is_object()) return std::nullopt;
  const Json& wall = runtime::find(parsed.value(), {"wall_seconds"});
  if (!wall.is_number()) return std::nullopt;
  return runtime::from_seconds(wall.get<double>());
}

void write_reports(const std::string& directory, const history::RunRecord& record, const check::Judgement& judgement, const Presentation& presentation) {
  history::write_whole_file(directory + "/" + history::file_name::result, result_json(record, judgement, presentation));
  history::write_whole_file(directory + "/" + history::file_name::junit, junit_xml(record, judgement, presentation));
  history::write_whole_file(directory + "/" + history::file_name::report, report_html(record, judgement, presentation));
}

}  // namespace skidpad::reports
