#include "controllers/etcd_operator/model.hpp"

#include <charconv>

namespace skidpad::controllers::etcd_operator {

using runtime::bool_at;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

std::optional<EtcdVersion> EtcdVersion::parse(std::string_view text) {
  EtcdVersion version;
  int* const parts[] = {&version.major, &version.minor, &version.patch};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [after, error] = std::from_chars(at, end, *parts[i]);
    if (error != std::errc{} || (i < 2 && (after == end || *after != '.')) || (i == 2 && after != end)) return std::nullopt;
    at = after + 1;
  }
  return version;
}

std::string why_no_upgrade(const EtcdVersion& from, const EtcdVersion& to) {
  if (to < from) return "a downgrade is refused: etcd may not read the newer data";
  if (to.major != from.major || to.minor > from.minor + 1) return "more than one minor version in one step is refused";
  return "";
}

namespace {

std::optional<Duration> duration_at(const Json& object, std::initializer_list<std::string_view> path) {
  Duration duration{};
  if (!runtime::parse_go_duration(text_at(object, path), duration)) return std::nullopt;
  return duration;
}

constexpr std::string_view phase_words[] = {"Started", "Shutdown", "Restore", "Bump", "Restart"};

Json to_json(const MemberRecord& member) {
  return {{"name", member.name}, {"host", member.host}, {"address", member.address}, {"seed", member.seed}, {"voter", member.voter}};
}

Json to_json(const Recovery& recovery) {
  return {{"id", recovery.id},
          {"phase", std::string(to_text(recovery.phase))},
          {"member", recovery.member},
          {"fromBackup", recovery.from_backup},
          {"source", recovery.source},
          {"revisionMin", recovery.revision_min},
          {"requestedBy", recovery.requested_by},
          {"startedAt", recovery.started}};
}

}  // namespace

std::string_view to_text(Recovery::Phase phase) { return phase_words[static_cast<std::size_t>(phase)]; }

ClusterSpec cluster_spec_of(const Json& object) {
  const Json& from = find(object, {"spec"});
  ClusterSpec spec;
  spec.size = static_cast<std::size_t>(std::clamp<std::int64_t>(integer_at(from, {"size"}, 3), 1, 7));
  spec.version = text_at(from, {"version"}, spec.version);
  spec.repository = text_at(from, {"repository"}, spec.repository);
  spec.paused = bool_at(from, {"paused"});
  spec.client_port = static_cast<std::uint16_t>(integer_at(from, {"pod", "clientPort"}, spec.client_port));
  spec.peer_port = static_cast<std::uint16_t>(integer_at(from, {"pod", "peerPort"}, spec.peer_port));
  spec.metrics_port = static_cast<std::uint16_t>(integer_at(from, {"pod", "metricsPort"}, spec.metrics_port));
  spec.data_directory = text_at(from, {"pod", "dataDirectory"}, "/var/lib/etcd-operator") + "/" + client::namespace_of(object) + "/" + client::name_of(object);
  if (const Json& selector = find(from, {"pod", "nodeSelector"}); selector.is_object()) spec.node_selector = selector;
  if (const Json& tolerations = find(from, {"pod", "tolerations"}); tolerations.is_array()) spec.tolerations = tolerations;
  for (const Json& argument : list_at(from, {"pod", "etcdArguments"})) {
    if (argument.is_string()) spec.etcd_arguments.push_back(argument.get<std::string>());
  }
  spec.unhealthy_after = duration_at(from, {"repair", "unhealthyAfter"});
  spec.recovery_grace = duration_at(from, {"recovery", "grace"});
  spec.auto_recover = bool_at(from, {"recovery", "autoRecover"});
  return spec;
}

ClusterStatus cluster_status_of(const Json& object) {
  const Json& from = find(object, {"status"});
  ClusterStatus status;
  if (from.is_object()) status.rest = from;
  status.cluster_id = text_at(from, {"clusterID"});
  status.next_member = integer_at(from, {"nextMember"});
  status.recovery_count = integer_at(from, {"recoveryCount"});
  status.revision_seen = integer_at(from, {"revisionSeen"});
  status.phase = text_at(from, {"phase"});
  status.reason = text_at(from, {"reason"});
  status.finished_restore = text_at(from, {"finishedRestore"});
  for (const Json& member : list_at(from, {"memberRecords"})) {
    MemberRecord record;
    record.name = text_at(member, {"name"});
    record.host = text_at(member, {"host"});
    record.address = text_at(member, {"address"});
    record.seed = bool_at(member, {"seed"});
    record.voter = bool_at(member, {"voter"});
    if (!record.name.empty()) status.members.push_back(std::move(record));
  }
  if (const Json& open = find(from, {"recovery"}); open.is_object()) {
    Recovery recovery;
    recovery.id = text_at(open, {"id"});
    const auto word = std::find(std::begin(phase_words), std::end(phase_words), text_at(open, {"phase"}));
    if (word != std::end(phase_words)) recovery.phase = static_cast<Recovery::Phase>(word - std::begin(phase_words));
    recovery.member = text_at(open, {"member"});
    recovery.from_backup = bool_at(open, {"fromBackup"});
    recovery.source = find(open, {"source"});
    recovery.revision_min = integer_at(open, {"revisionMin"});
    recovery.requested_by = text_at(open, {"requestedBy"});
    recovery.started = text_at(open, {"startedAt"});
    status.recovery = std::move(recovery);
  }
  return status;
}

Json to_json(const ClusterStatus& status) {
  Json object = status.rest;
  object["clusterID"] = status.cluster_id;
  object["nextMember"] = status.next_member;
  object["recoveryCount"] = status.recovery_count;
  object["revisionSeen"] = status.revision_seen;
  object["phase"] = status.phase;
  object["reason"] = status.reason;
  object["finishedRestore"] = status.finished_restore;
  object["memberRecords"] = Json::array();
  for (const MemberRecord& member : status.members) object["memberRecords"].push_back(to_json(member));
  if (status.recovery) {
    object["recovery"] = to_json(*status.recovery);
  } else {
    object.erase("recovery");
  }
  return object;
}

}  // namespace skidpad::controllers::etcd_operator
