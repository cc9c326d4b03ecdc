#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "harness/history/codec.hpp"
#include "harness/history/run_directory.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::history {
namespace {

using namespace std::chrono_literals;

Operation full_operation() {
  Operation operation;
  operation.client = "kv-client-1";
  operation.workload = "kv";
  operation.operation = "cas";
  operation.target = "http://kv:80";
  operation.key = "color";
  operation.value = "red";
  operation.compare = "";
  operation.applied = false;
  operation.call = 5ns;
  operation.returned = 9ns;
  operation.outcome = Outcome::ok;
  operation.error = "with \"quotes\"\nand lines";
  return operation;
}

Header small_header() {
  Header header;
  header.skidpad_version = "0.1.0";
  header.scenario = "node-loss";
  header.driver = "sim";
  header.seed = 18446744073709551615u;
  header.timers = fast();
  header.versions = {{"etcd", "3.4.23"}};
  header.expectations.recovery_floor_factor = 1.25;
  header.expectations.recovery_slack = 1500ms;
  header.expectations.phases_within = {{"detected", 1min}};
  header.expectations.downtime_max = {{"web", 2s}};
  header.expectations.nodes_replaced = 1;
  header.expectations.guarantees = {"linearizable"};
  return header;
}

TEST(Timers, ComeBackFromJsonAndHoldStockDefaults) {
  for (const Timers& timers : {kubernetes(), fast()}) EXPECT_EQ(timers_from_json(to_json(timers), "t"), timers);
  EXPECT_EQ(kubernetes().node_monitor_grace_period, 50s);
  EXPECT_EQ(to_json(kubernetes())["toleration"], "5m0s");
  Timers named;
  EXPECT_TRUE(timers_by_name("fast", named));
  EXPECT_EQ(named, fast());
  EXPECT_FALSE(timers_by_name("slow", named));
}

TEST(Timers, OfTheFastProfileAreWholeSecondsWhereTheWireSaysSo) {
  const Timers timers = fast();
  for (const Duration duration : {timers.node_lease_duration, timers.toleration, timers.leader_lease_duration, timers.probe_period, timers.probe_timeout, timers.termination_grace_period}) {
    EXPECT_GE(duration, 1s);
    EXPECT_EQ(duration % 1s, 0ns);
  }
  EXPECT_GT(timers.leader_lease_duration, timers.leader_renew_deadline);
  EXPECT_GT(timers.leader_renew_deadline, timers.leader_retry_period);
  EXPECT_LT(timers.node_lease_renew_interval, timers.node_monitor_grace_period);
}

TEST(Codec, ReadsBackWhatItWrote) {
  const auto operations = decode_history(encode(full_operation()), "history.jsonl");
  ASSERT_EQ(operations.items.size(), 1u);
  EXPECT_EQ(encode(operations.items[0]), encode(full_operation()));
  EXPECT_EQ(operations.items[0].compare, "");
  EXPECT_EQ(operations.items[0].observed, std::nullopt);

  const Header header = small_header();
  EXPECT_EQ(encode(decode_header(encode(header), "run.json")), encode(header));
  EXPECT_EQ(decode_header(encode(header), "run.json").seed, header.seed);

  MetricSample sample;
  sample.target = "10.0.0.1:2381";
  sample.metric = "etcd_server_has_leader";
  sample.labels = {{"job", "etcd"}};
  for (const double value : {0.1, 1e300, -0.0, double(HUGE_VAL), -double(HUGE_VAL)}) {
    sample.value = value;
    EXPECT_EQ(decode_metrics(encode(sample), "metrics.jsonl").items[0].value, value);
  }
  sample.value = std::nan("");
  EXPECT_TRUE(std::isnan(decode_metrics(encode(sample), "metrics.jsonl").items[0].value));
}

TEST(Codec, WritesValidUtf8WhateverTheBytes) {
  Operation operation = full_operation();
  operation.error = "\xff\xfe broken";
  EXPECT_EQ(decode_history(encode(operation), "h").items[0].error, "\xEF\xBF\xBD\xEF\xBF\xBD broken");
}

TEST(Codec, ToleratesOnlyACutOffLastLine) {
  const std::string line = encode(full_operation());
  const auto torn = decode_history(line + line.substr(0, line.size() / 2), "h");
  EXPECT_TRUE(torn.torn);
  EXPECT_EQ(torn.items.size(), 1u);
  EXPECT_FALSE(decode_history("", "h").torn);
  EXPECT_THROW(decode_history(line.substr(0, line.size() / 2) + "\n" + line, "h"), UsageError);
}

struct BadLine {
  const char* name;
  const char* line;
  const char* error;
};

template <class Decode>
void expect_refused(std::span<const BadLine> bad, Decode decode) {
  for (const BadLine& one : bad) {
    try {
      decode(one.line);
      ADD_FAILURE() << one.name << " was accepted";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(one.error), std::string::npos) << one.name << ": " << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << one.name;
    }
  }
}

TEST(Codec, RefusesBadHistoryLinesWithFileLineAndField) {
  const BadLine bad[] = {
      {"not json", "{", "f:1: not JSON"},
      {"not an object", "[1]", "f:1: expected a JSON object"},
      {"missing", R"({"call":1,"op":"get","outcome":"ok","return":2})", "f:1: client: missing"},
      {"negative", R"({"call":-1,"client":"a","op":"get","outcome":"failed"})", "f:1: call: -1 is outside"},
      {"overflow", R"({"call":9223372036854775808,"client":"a","op":"get","outcome":"failed"})", "f:1: call: 9223372036854775808 is outside"},
      {"fraction", R"({"call":1.5,"client":"a","op":"get","outcome":"failed"})", "f:1: call: expected an integer"},
      {"returned before its call", R"({"call":3,"return":2,"client":"a","op":"get","outcome":"ok"})", "f:1: return: is before the call"},
      {"ok without return", R"({"call":3,"client":"a","op":"get","outcome":"ok"})", "f:1: return: missing"},
      {"outcome", R"({"call":3,"client":"a","op":"get","outcome":"maybe"})", "f:1: outcome: \"maybe\""},
      {"misspelt", R"({"call":3,"client":"a","op":"get","outcome":"failed","vale":"x"})", "f:1: vale: unknown field"},
      {"empty line", "", "f:1: not JSON"},
  };
  expect_refused(bad, [](const std::string& line) { decode_history(line + "\n", "f"); });
}

TEST(Codec, RefusesBadTraceLinesWithFileLineAndField) {
  const BadLine bad[] = {
      {"sequence", R"({"time":2,"sequence":1,"kind":"note","subject":"x"})", "f:2: sequence: does not grow"},
      {"time", R"({"time":0,"sequence":2,"kind":"note","subject":"x"})", "f:2: time: goes back"},
      {"change", R"({"time":2,"sequence":2,"kind":"object","subject":"Node/a","fields":{"change":"grew"}})", "f:2: fields: change: \"grew\""},
      {"healthy", R"({"time":2,"sequence":2,"kind":"object","subject":"Node/a","fields":{"change":"added","healthy":"yes"}})", "f:2: fields: healthy: expected true or false"},
      {"targets", R"({"time":2,"sequence":2,"kind":"fault_injected","subject":"f","fields":{"fault_kind":"x","targets":[1]}})", "f:2: fields: targets: expected a list of texts"},
      {"witness", R"({"time":2,"sequence":2,"kind":"fault_witness","subject":"f","fields":{"witness":"x","independent":true}})", "f:2: fields: confirmed"},
      {"phase", R"({"time":2,"sequence":2,"kind":"milestone","subject":"etcd","fields":{"phase":"done"}})", "f:2: fields: phase: \"done\""},
      {"cleanup", R"({"time":2,"sequence":2,"kind":"cleanup","subject":"run","fields":{"checked":true,"left":{"processes":[4]}}})", "f:2: fields: left: processes"},
      {"stage", R"({"time":2,"sequence":2,"kind":"steady_state","subject":"later","fields":{"ok":true}})", "f:2: subject"},
  };
  const std::string first = R"({"time":1,"sequence":1,"kind":"note","subject":"x","fields":{}})" "\n";
  expect_refused(bad, [&first](const std::string& line) { decode_trace(first + line + "\n", "f"); });
  EXPECT_EQ(decode_trace(first, "f").items.size(), 1u);
}

TEST(Codec, RefusesAHeaderOfAnotherVersionOrMaker) {
  Json header = Json::parse(encode(small_header()));
  const auto refused = [](const Json& json) -> std::string {
    try {
      decode_header(json.dump(), "run.json");
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refused(header), "accepted");
  Json other = header;
  other["format_version"] = 2;
  EXPECT_NE(refused(other).find("run.json:1: format_version: 2 was written by another skidpad"), std::string::npos) << refused(other);
  other = header;
  other["format"] = "x";
  EXPECT_NE(refused(other).find("no run directory"), std::string::npos);
  other = header;
  other["timers"].erase("toleration");
  EXPECT_EQ(refused(other), "run.json:1: timers: toleration: missing");
  other = header;
  other["timers"]["toleration"] = "-5s";
  EXPECT_NE(refused(other).find("timers: toleration"), std::string::npos);
  other = header;
  other["expectations"]["phases_within"]["done"] = "1s";
  EXPECT_NE(refused(other).find("\"done\" is no recovery phase"), std::string::npos);
}

TEST(Recorder, GivesEqualBytesForEqualCallsAndNumbersEvents) {
  const auto record = [] {
    MemorySink history, trace, metrics;
    Recorder recorder(history, trace, metrics);
    recorder.run_started(0ns);
    recorder.object(4ns, "Node/a", "added", "nodes", true, {{"zone", "b"}, {"ready", "True"}});
    recorder.level(4ns, "etcd", 3, 3);
    recorder.operation(full_operation());
    recorder.run_ended(9ns, "completed", "");
    return history.text() + trace.text() + metrics.text();
  };
  EXPECT_EQ(record(), record());
  EXPECT_NE(record().find("\"sequence\":4"), std::string::npos);
}

class FullDisk : public Sink {
 public:
  runtime::Result<void> append(std::string_view) override { return runtime::Error(runtime::ErrorCode::io, "no space left on device"); }
};

TEST(Recorder, KeepsTheFirstErrorOfAFullDiskAndGoesOn) {
  FullDisk full;
  MemorySink memory;
  Recorder recorder(memory, full, memory);
  recorder.run_started(0ns);
  recorder.run_ended(1ns, "completed", "");
  ASSERT_FALSE(recorder.status());
  EXPECT_NE(recorder.status().error().message.find("no space left"), std::string::npos);
}

TEST(RunDirectory, IsReadableAtAnyMomentAndRefusesASecondRun) {
  const auto path = std::filesystem::temp_directory_path() / ("skidpad-history-" + std::to_string(::getpid()));
  std::filesystem::remove_all(path);
  {
    RunDirectory directory(path.string(), small_header());
    directory.recorder().run_started(0ns);
    directory.recorder().operation(full_operation());
    const RunRecord record = read_run_directory(path.string());  // as after a SIGKILL here: nothing is buffered
    EXPECT_EQ(record.events.size(), 1u);
    EXPECT_EQ(record.operations.size(), 1u);
    EXPECT_EQ(record.header.scenario, "node-loss");
    EXPECT_THROW(RunDirectory(path.string(), small_header()), UsageError);
  }
  { std::ofstream(path / "trace.jsonl", std::ios::app) << "{\"time\":"; }
  EXPECT_EQ(read_run_directory(path.string()).torn_files, std::vector<std::string>{"trace.jsonl"});
  std::filesystem::remove(path / "metrics.jsonl");
  EXPECT_NO_THROW(read_run_directory(path.string()));
  std::filesystem::remove(path / "trace.jsonl");
  EXPECT_THROW(read_run_directory(path.string()), UsageError);
  std::filesystem::remove_all(path);
  EXPECT_THROW(read_run_directory(path.string()), UsageError);
}

TEST(FaultIntervals, JoinInjectionWitnessesAndHealing) {
  MemorySink history, trace, metrics;
  Recorder recorder(history, trace, metrics);
  FaultInterval fault;
  fault.id = "f1";
  fault.kind = "partition";
  fault.targets = {"worker-1"};
  recorder.fault_witness(1ns, "f1", {"too early", true, true, "", {}});
  recorder.fault_injected(2ns, fault);
  recorder.fault_witness(3ns, "f1", {"switch", true, true, "120 frames dropped", {}});
  recorder.fault_healed(4ns, "f1");
  recorder.fault_healed(5ns, "f9");
  const auto faults = fault_intervals(decode_trace(trace.text(), "t").items);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].witnesses.size(), 1u);
  EXPECT_EQ(faults[0].healed, Duration(4));
  EXPECT_EQ(faults[0].blast_radius, faults[0].targets);
}

}  // namespace
}  // namespace skidpad::history
