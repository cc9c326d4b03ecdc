/// @file model.hpp
/// EtcdCluster as values: what a user asks for, what the operator remembers, and both as JSON.
/// Promise: reading is total (odd or hand-edited objects give defaults, never a throw); the API server has validated the spec.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/client/etcd/etcd_types.hpp"
#include "harness/client/kubernetes/object.hpp"

namespace skidpad::controllers::etcd_operator {

using client::MemberId;
using client::Revision;
using runtime::Duration;
using runtime::Instant;
using runtime::Result;
using runtime::WallTime;

namespace types {
extern const client::ResourceType clusters;
extern const client::ResourceType backups;
extern const client::ResourceType restores;
extern const client::ResourceType definitions;  ///< CustomResourceDefinition
}  // namespace types

/// The three CustomResourceDefinitions, as an administrator would apply them.
std::vector<Json> custom_resource_definitions();

/// etcd's version as numbers, for "patch or one minor up" (U15). None for anything but "3.4.23".
struct EtcdVersion {
  int major = 0;
  int minor = 0;
  int patch = 0;
  friend auto operator<=>(const EtcdVersion&, const EtcdVersion&) = default;
  static std::optional<EtcdVersion> parse(std::string_view text);
};
/// "" if members may go from one to the other one at a time, else why not.
std::string why_no_upgrade(const EtcdVersion& from, const EtcdVersion& to);

struct ClusterSpec {
  std::size_t size = 3;
  std::string version = "3.4.23";
  std::string repository = "quay.io/coreos/etcd";
  bool paused = false;
  std::uint16_t client_port = 2379;
  std::uint16_t peer_port = 2380;
  std::uint16_t metrics_port = 2382;
  std::string data_directory;                      ///< on the hosts
  Json node_selector = Json::object();
  Json tolerations = Json::array();
  std::vector<std::string> etcd_arguments;         ///< further flags, such as --election-timeout=1000
  std::optional<Duration> unhealthy_after;         ///< none: the operator's own
  std::optional<Duration> recovery_grace;
  bool auto_recover = false;

  /// Where a member that is being recovered serves the operator alone: clients must not write before the revision is raised.
  std::uint16_t recovery_port() const { return static_cast<std::uint16_t>(metrics_port + 1); }
  std::string image() const { return repository + ":v" + version; }
};
ClusterSpec cluster_spec_of(const Json& object);

/// A member that was decided on: written into the status before etcd or the API hear of it.
struct MemberRecord {
  std::string name;      ///< of pod and member, never used twice
  std::string host;
  std::string address;
  bool seed = false;     ///< begins a cluster of its own (first member, or after a restore)
  bool voter = false;    ///< as etcd's list last said
  friend bool operator==(const MemberRecord&, const MemberRecord&) = default;
};

/// A cluster being begun again from one member's data or from a backup (E13, E16, K8). One step after the other, each written
/// down before it is done.
struct Recovery {
  enum class Phase { started, shutdown, restore, bump, restart };
  std::string id;                 ///< "r1"; names what is kept aside
  Phase phase = Phase::started;
  std::string member;             ///< who goes on, or the new seed
  bool from_backup = false;
  Json source = nullptr;          ///< of a backup: store and object, sha256
  Revision revision_min = 0;      ///< the cluster must not show clients a revision below
  std::string requested_by;       ///< "EtcdRestore/name", or "" for a loss of quorum
  std::string started;            ///< RFC 3339
  friend bool operator==(const Recovery&, const Recovery&) = default;
};
std::string_view to_text(Recovery::Phase phase);

struct ClusterStatus {
  std::string cluster_id;         ///< hexadecimal; "" until the first member was healthy
  std::int64_t next_member = 0;
  std::int64_t recovery_count = 0;
  std::vector<MemberRecord> members;
  std::optional<Recovery> recovery;
  Revision revision_seen = 0;     ///< the newest any member ever answered
  std::string phase = "";         ///< Creating, Running, Recovering, Failed
  std::string reason;
  std::string finished_restore;   ///< UID of the EtcdRestore that was carried out last
  Json rest = Json::object();     ///< what only people read: members.ready, conditions, ...
};
ClusterStatus cluster_status_of(const Json& object);
Json to_json(const ClusterStatus& status);

}  // namespace skidpad::controllers::etcd_operator
