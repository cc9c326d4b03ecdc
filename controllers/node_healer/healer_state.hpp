/// @file healer_state.hpp
/// What the healer must not forget: kept in one ConfigMap, written before anything is done because of it.
/// Promise: whoever leads next goes on where the last leader stopped, under the same names, so nothing is done twice.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "controllers/node_healer/settings.hpp"
#include "harness/runtime/json.hpp"

namespace skidpad::controllers::node_healer {

/// A replacement on its way. There is at most one.
struct Remediation {
  std::string node;                     ///< the one that goes
  std::string uid;                      ///< of its Node object; "" if there was none
  std::string replacement;              ///< name of machine and node
  std::string reason;
  std::map<std::string, std::string> labels;  ///< of the old Node that the new one gets too
  WallTime started{};
  bool announced = false;               ///< RemediationStarted was told
  bool created = false;                 ///< the new machine exists
  std::optional<WallTime> created_at;
  bool fenced = false;                  ///< the old machine is gone
  bool node_deleted = false;            ///< the old Node object is gone; never before `fenced`
  friend bool operator==(const Remediation&, const Remediation&) = default;
};

/// One worker through all its replacements: worker-2, worker-2-r1, worker-2-r2 ...
struct Slot {
  std::int64_t generation = 0;          ///< of the last replacement that was begun
  std::int64_t failures = 0;            ///< in a row (N7)
  std::optional<WallTime> finished_at;  ///< of the last one that worked
  std::optional<WallTime> failed_at;
  bool gave_up = false;                 ///< said so
  friend bool operator==(const Slot&, const Slot&) = default;
};

struct HealerState {
  std::map<std::string, bool> workers;  ///< machines of role worker that the provider ever listed; whether their Node was seen
  std::map<std::string, Slot> slots;    ///< by slot_of()
  std::optional<Remediation> open;
  bool restricted = false;              ///< the fuse is blown and it was said
  std::int64_t restricted_count = 0;    ///< how often it was
  friend bool operator==(const HealerState&, const HealerState&) = default;
};

/// "worker-2-r3" -> "worker-2", "worker-2" -> "worker-2".
std::string slot_of(const std::string& worker);
/// 3 and 0 of the above.
std::int64_t generation_of(const std::string& worker);
/// The name of the next replacement, which neither a worker nor an earlier replacement ever had.
std::string next_name(const std::string& worker, const HealerState& state);

Json to_json(const HealerState& state);
/// corrupt if it cannot be what to_json() wrote.
Result<HealerState> healer_state_from_json(const Json& json);

}  // namespace skidpad::controllers::node_healer
