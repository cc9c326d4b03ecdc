/// @file record.hpp
/// What one run recorded, as plain data: header, operations, ordered events, metric samples.
/// Promise: everything a verdict needs is here; nothing here depends on the cluster still being there.
/// The file format of each type is in docs/run-directory.md; reading and writing are in codec.hpp.
/// All times are nanoseconds of run time: zero when the run started, virtual time on the simulated driver.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/history/timers.hpp"
#include "harness/runtime/json.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::history {

/// Grows when a reader of the older number could misjudge the newer files.
inline constexpr int format_version = 1;

enum class Outcome {
  ok,       ///< answered: it took effect (a cas whose compare failed is ok with applied = false)
  failed,   ///< certainly without effect
  unknown,  ///< no answer: it may have taken effect then, later, or never
};
std::string_view name(Outcome outcome);

/// One request of one client. Closed interval [call, returned]; one client's intervals never overlap.
struct Operation {
  std::string client;                    ///< a sequential caller, such as "kv-client-3" or "probe-web"
  std::string workload;                  ///< the traffic or probe it belongs to
  std::string operation;                 ///< get, put, append, delete, cas, probe, or of a watch (watches.hpp); others are kept and not judged
  std::string target;                    ///< whom it was sent to: an endpoint, a URL
  std::string key;
  std::optional<std::string> value;      ///< what put, append or cas wrote
  std::optional<std::string> compare;    ///< what cas expected; absent: the key must not exist
  std::optional<std::string> observed;   ///< what get saw; absent: no such key
  bool applied = true;                   ///< cas only: whether the compare held
  std::optional<std::int64_t> revision;  ///< of the store: of an acknowledged write, or of what a watch saw
  Duration call{};
  std::optional<Duration> returned;      ///< absent when no answer came before the run ended
  Outcome outcome = Outcome::unknown;
  std::string error;
};

/// One thing that happened. `sequence` orders events of one time; equal seeds give equal bytes on the simulated driver.
struct Event {
  std::uint64_t sequence = 0;
  Duration time{};
  std::string kind;                      ///< one of event_kind
  std::string subject;
  Json fields = Json::object();
};

namespace event_kind {
inline constexpr std::string_view run_started = "run_started";
inline constexpr std::string_view run_ended = "run_ended";                ///< outcome: completed | interrupted | not_applicable | error; reason
inline constexpr std::string_view phase = "phase";                        ///< subject: the phase that begins now
inline constexpr std::string_view steady_state = "steady_state";          ///< subject: before | after; ok, conditions
inline constexpr std::string_view fault_injected = "fault_injected";      ///< subject: fault id; fault_kind, process, targets, blast_radius
inline constexpr std::string_view fault_witness = "fault_witness";        ///< subject: fault id; witness, independent, confirmed, evidence
inline constexpr std::string_view fault_healed = "fault_healed";          ///< subject: fault id
inline constexpr std::string_view object = "object";                      ///< subject: Kind/namespace/name; change, layer, healthy, ...
inline constexpr std::string_view kubernetes_event = "kubernetes_event";  ///< subject: involved object; reason, message, source
inline constexpr std::string_view level = "level";                        ///< subject: layer; healthy, wanted
inline constexpr std::string_view milestone = "milestone";                ///< subject: layer; phase, evidence
inline constexpr std::string_view remediation = "remediation";            ///< subject: node; state: started | finished | failed | restricted
inline constexpr std::string_view cleanup = "cleanup";                    ///< checked, left: {processes: [...], ...}
inline constexpr std::string_view note = "note";                          ///< for people; never judged
}  // namespace event_kind

/// The layers recovery is told in, in the order of a report.
inline constexpr std::string_view layers[] = {"etcd", "api", "controllers", "nodes", "workload"};

/// What happens in a layer after a fault, in order. "injected" is the fault itself.
inline constexpr std::string_view recovery_phases[] = {"detected", "decided", "acted", "converged", "redundancy_back"};

struct MetricSample {
  Duration time{};
  std::string target;                              ///< the instance scraped, such as "10.0.0.11:10257"
  std::string metric;
  std::map<std::string, std::string> labels;
  double value = 0;
};

/// What the scenario wants judged, with every span resolved under the timers in force. What is absent is not judged.
struct Expectations {
  std::vector<std::string> guarantees;             ///< asked for by name, beside those every run must keep
  std::optional<double> recovery_floor_factor;     ///< judged limit = factor * floor + slack, never below what the timers alone may take
  Duration recovery_slack{};
  std::map<std::string, Duration> phases_within;   ///< detected, decided, acted, converged, redundancy_back: from the first fault
  std::optional<Duration> deadline;                ///< steady state regained, from the first fault
  std::vector<std::string> layers_restored;        ///< layers that must be back to full redundancy; empty: every disturbed one
  std::map<std::string, Duration> downtime_max;    ///< by probe
  std::map<std::string, Duration> gap_max;         ///< by probe: the longest single outage
  std::map<std::string, Duration> probe_interval;  ///< by probe; ten intervals without a probe: nobody was looking
  std::optional<std::int64_t> nodes_replaced;      ///< exactly so many, by events and by the controller's own counter
  std::int64_t remediations_at_once_max = 1;
  std::optional<std::int64_t> unhealthy_nodes_max; ///< the fuse: above it no remediation starts; one is always allowed
  std::vector<std::string> controllers_up;         ///< scrape jobs of which one instance must always answer
  std::optional<Duration> controller_down_max;     ///< longest time with none answering; default: two leader leases
  std::string remediation_metric = "controller_node_healer_remediations_total";
  std::map<std::string, std::string> remediation_labels;  ///< count only series with these labels
};

/// Whose program a component was, and which.
struct Binary {
  std::string owner;                               ///< skidpad, host, --assets or --component
  std::string version;                             ///< as the binary says; of ours: what it stands for
  std::string path;
  std::string sha256;                              ///< hexadecimal
};
std::map<std::string, Binary> binaries_from_json(const Json& json, std::string_view where);
Json to_json(const std::map<std::string, Binary>& binaries);

/// run.json: who, what and with which timers. Written first, before the cluster is touched.
struct Header {
  std::string skidpad_version;
  std::string scenario;
  std::string scenario_file;
  std::string hypothesis;
  std::string driver;
  std::uint64_t seed = 0;
  std::string started_at;                          ///< RFC 3339; empty on the simulated driver
  std::map<std::string, std::string> topology;     ///< for people: {"control_plane": "3", "workers": "5"}
  std::map<std::string, std::string> versions;     ///< component -> version
  std::map<std::string, std::string> images;       ///< component -> executable, where it matters
  std::map<std::string, Binary> binaries;          ///< by component; empty on the simulated driver
  Timers timers;
  Expectations expectations;
  std::string repeat_command;
};

struct RunRecord {
  Header header;
  std::vector<Operation> operations;               ///< in order of completion, as recorded
  std::vector<Event> events;                       ///< by sequence
  std::vector<MetricSample> metrics;
  std::vector<std::string> torn_files;             ///< files whose last line was cut off (the recorder was killed)
};

struct Witness {
  std::string name;
  bool independent = false;                        ///< seen by another means than the one that made the fault
  bool confirmed = false;
  std::string evidence;
  Duration time{};
};

/// From injection to healing, with who saw it.
struct FaultInterval {
  std::string id;
  std::string kind;
  std::string process;                             ///< for faults of one process: its name, such as etcd
  std::vector<std::string> targets;
  std::vector<std::string> blast_radius;           ///< subjects this fault may touch; the targets where not declared
  Duration injected{};
  std::optional<Duration> healed;
  std::vector<Witness> witnesses;
};

/// Faults of a trace in order of injection. Witnesses and healings of faults never injected are ignored.
std::vector<FaultInterval> fault_intervals(const std::vector<Event>& events);

/// The phases of a run as intervals; the last ends at the last event.
struct PhaseInterval {
  std::string name;
  Duration begin{};
  Duration end{};
};
std::vector<PhaseInterval> phase_intervals(const std::vector<Event>& events);

/// The end of the run: the latest time recorded anywhere.
Duration end_time(const RunRecord& record);

}  // namespace skidpad::history
