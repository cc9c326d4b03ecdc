// A cluster begun again from one member's data or from a backup: each step is in the status before it is made, so that whoever
// leads next goes on with it, and old data is kept aside (E13, E16, K8, K11).
#include "controllers/etcd_operator/cluster_controller.hpp"

namespace skidpad::controllers::etcd_operator {

using client::EtcdClient;
using runtime::Error;
using runtime::ErrorCode;
using runtime::success;
using runtime::text_at;
using Phase = Recovery::Phase;

namespace {

constexpr char annotation_start[] = "etcd.database.coreos.com/start";
/// Lies below every key that Kubernetes or a sane program uses, and is gone again afterwards.
constexpr char revision_key[] = "\x01" "etcd-operator/raise-revision";
constexpr std::size_t writes_at_once = 64;
constexpr Revision writes_per_step_max = 20000;

}  // namespace

/// True if the phase is over and the next one may begin at once.
Task<Result<bool>> ClusterController::go_on_with_recovery() {
  Recovery& recovery = *status_.recovery;
  const Phase before = recovery.phase;
  Result<bool> went_on = false;
  switch (recovery.phase) {
    case Phase::started:
      recovery.phase = Phase::shutdown;
      went_on = true;
      break;
    case Phase::shutdown: went_on = co_await shut_down(); break;
    case Phase::restore: went_on = co_await restore(); break;
    case Phase::bump: went_on = co_await raise_revision(); break;
    case Phase::restart: went_on = co_await restart_normally(); break;
  }
  if (!went_on) co_return went_on.error();
  if (status_.recovery && status_.recovery->phase != before) {
    Json fields = Json::object();
    fields["cluster"] = namespace_ + "/" + name_;
    fields["recovery"] = status_.recovery->id;
    fields["phase"] = std::string(to_text(status_.recovery->phase));
    fields["member"] = status_.recovery->member;
    runtime_.log().info("recovery_step", fields);
    tell(client::EventType::normal, "RecoveryStep", "Recovery " + status_.recovery->id + ": " + std::string(to_text(status_.recovery->phase)));
  }
  co_return went_on.value();
}

/// Every process of the old cluster is gone before a new one may accept a write (E14).
Task<Result<bool>> ClusterController::shut_down() {
  for (const auto& [name, pod] : pods_) {
    const auto node = around_.nodes.store().find(client::annotation(pod, "etcd.database.coreos.com/host"));
    const bool host_gone = node == nullptr;
    if (client::is_deleting(pod) && !host_gone) continue;
    CO_TRY(co_await delete_pod(name, host_gone));
  }
  if (!pods_.empty()) co_return false;
  Recovery& recovery = *status_.recovery;
  std::vector<MemberRecord> kept;
  for (MemberRecord& member : status_.members) {
    if (member.name != recovery.member) continue;
    member.seed = member.voter = true;
    kept.push_back(member);
  }
  status_.members = std::move(kept);
  recovery.phase = Phase::restore;
  co_return true;
}

Task<Result<bool>> ClusterController::restore() {
  Recovery& recovery = *status_.recovery;
  const MemberRecord* record = record_of(recovery.member);
  if (record != nullptr && around_.nodes.store().find(record->host) == nullptr) {
    // Its host is gone, too. What is left is judged anew.
    tell(client::EventType::warning, "RecoveryRestarted", "Recovery " + recovery.id + ": the host of " + recovery.member + " is gone");
    drop_record(record->name);
    if (recovery.from_backup) {
      recovery.member.clear();
    } else {
      status_.recovery.reset();
    }
    co_return true;
  }
  if (record == nullptr) {
    if (!recovery.from_backup) {
      status_.recovery.reset();
      co_return true;
    }
    if (sight_.hosts.empty()) co_return false;
    MemberRecord seed = new_member(sight_.hosts.front(), true);
    status_.members.back().voter = true;
    recovery.member = seed.name;
    CO_TRY(co_await save());
    record = record_of(status_.recovery->member);
  }
  const std::string name = record->name;
  if (!pods_.contains(name)) {
    MemberPod pod;
    pod.member = *record;
    pod.initial_cluster = {name + "=" + peer_url(spec_, *record)};
    pod.token = client::uid_of(object_) + "-" + recovery.id;  // another token, another cluster ID: old members cannot mix in
    if (recovery.from_backup) {
      pod.state = "new";
      pod.restore = recovery.source;
    } else {
      pod.force_new_cluster = true;
      pod.keep_aside = "before-" + recovery.id;
    }
    CO_TRY(co_await create_pod_object(std::move(pod)));
    co_return true;
  }
  if (pod_state(name) == PodState::failed) {
    CO_TRY(co_await delete_pod(name, false));
    co_return true;
  }
  const MemberAnswer* answer = answer_of(name);
  if (answer == nullptr || !answer->linearizable) co_return false;
  char text[32];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(answer->status.header.cluster_id));
  status_.cluster_id = text;
  recovery.phase = Phase::bump;
  co_return true;
}

Task<Result<void>> ClusterController::put_once(EtcdClient& client, std::size_t number) {
  const std::string key = std::string(revision_key) + "-" + std::to_string(number);
  client::PutRequest request(key, "");
  auto put = co_await client.put(std::move(request));
  if (!put) co_return put.error();
  auto removed = co_await client.remove(client::DeleteRequest::one(key));
  if (!removed) co_return removed.error();
  co_return success();
}

/// Above every revision a client may have seen, and compacted there: a watch that asks for less is told to list again.
Task<Result<bool>> ClusterController::raise_revision() {
  Recovery& recovery = *status_.recovery;
  const MemberRecord* record = record_of(recovery.member);
  if (record == nullptr) co_return Error(ErrorCode::corrupt, "recovery " + recovery.id + " has no member");
  const runtime::Endpoint at = endpoint_of(*record);
  EtcdClient& client = client_of(record->address);
  auto status = co_await client.status(at);
  if (!status) {
    // The pod may have failed meanwhile; the phase before brings it up.
    recovery.phase = Phase::restore;
    co_return true;
  }
  Revision now = status.value().header.revision;
  if (!recovery.source.is_object()) recovery.source = Json::object();
  // The aim is fixed at the first look: writes of ours must not move it.
  Revision aim = runtime::integer_at(recovery.source, {"raiseTo"});
  if (aim == 0) {
    aim = std::max(recovery.revision_min, now) + around_.settings.revision_slack;
    recovery.source["raiseTo"] = aim;
    recovery.source["restoredRevision"] = now;
    CO_TRY(co_await save());
  }
  const Revision stop_at = std::min(aim, now + writes_per_step_max);
  runtime::StopState& stop = co_await runtime::CurrentStop();
  while (now < stop_at) {
    std::size_t failures = 0;
    runtime::TaskGroup group(stop);
    const auto write = [](ClusterController* self, EtcdClient* client, std::size_t number, std::size_t* failures) -> Task<void> {
      auto written = co_await self->put_once(*client, number);
      if (!written) ++*failures;
    };
    const std::size_t count = std::min<std::size_t>(writes_at_once, static_cast<std::size_t>((stop_at - now + 1) / 2));
    for (std::size_t number = 0; number < count; ++number) group.spawn("raise", write(this, &client, number, &failures));
    co_await group.join();
    if (failures > 0) co_return Error(ErrorCode::unavailable, "raising the revision of " + record->name);
    now += static_cast<Revision>(2 * count);
  }
  if (now < aim) co_return true;
  auto compacted = co_await client.compact(aim, false);
  if (!compacted && compacted.error().code != ErrorCode::gone) co_return runtime::wrap(compacted.error(), "compacting after the recovery");
  status_.recovery->phase = Phase::restart;
  co_return true;
}

/// The flags of the recovery must not be there when the process is started again.
Task<Result<bool>> ClusterController::restart_normally() {
  const Recovery recovery = *status_.recovery;
  const MemberRecord* record = record_of(recovery.member);
  if (record == nullptr) co_return Error(ErrorCode::corrupt, "recovery " + recovery.id + " has no member");
  const std::string name = record->name;
  const auto pod = pods_.find(name);
  CO_TRY(co_await note_data(name));
  if (pod == pods_.end()) {
    MemberPod wanted;
    wanted.member = *record;
    wanted.initial_cluster = {name + "=" + peer_url(spec_, *record)};
    wanted.token = client::uid_of(object_) + "-" + recovery.id;
    CO_TRY(co_await create_pod_object(std::move(wanted)));
    co_return true;
  }
  if (client::is_deleting(pod->second)) co_return false;
  if (client::annotation(pod->second, annotation_start) != "normal") {
    CO_TRY(co_await delete_pod(name, false));
    co_return true;
  }
  const MemberAnswer* answer = answer_of(name);
  if (answer == nullptr || !answer->linearizable) co_return false;
  Json done = Json::object();
  done["id"] = recovery.id;
  done["member"] = recovery.member;
  done["fromBackup"] = recovery.from_backup;
  done["restoredRevision"] = runtime::integer_at(recovery.source, {"restoredRevision"});
  done["revision"] = answer->status.header.revision;
  done["raisedTo"] = runtime::integer_at(recovery.source, {"raiseTo"});
  done["snapshotRevision"] = runtime::integer_at(recovery.source, {"snapshotRevision"});
  done["object"] = text_at(recovery.source, {"object"});
  done["requestedBy"] = recovery.requested_by;
  done["startedAt"] = recovery.started;
  done["finishedAt"] = runtime::format_rfc3339(runtime_.wall_now());
  status_.rest["lastRecovery"] = std::move(done);
  status_.finished_restore = text_at(recovery.source, {"restoreUID"});
  status_.phase = "Running";
  status_.reason.clear();
  tell(client::EventType::normal, "RecoveryFinished",
       "Recovery " + recovery.id + " goes on with " + name + " at revision " + std::to_string(answer->status.header.revision));
  status_.recovery.reset();
  co_return true;
}

}  // namespace skidpad::controllers::etcd_operator
