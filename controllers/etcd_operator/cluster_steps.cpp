// The steps the operator takes; each may be repeated after a crash, by any leader.
#include "controllers/etcd_operator/backup_controller.hpp"

namespace skidpad::controllers::etcd_operator {

using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::success;

using Verb = Action::Verb;

namespace {

/// etcd's strict reconfiguration check: nothing happened, and some seconds later it will.
bool refused_for_now(const Error& error) { return error.message.find("etcdserver: unhealthy cluster") != std::string::npos; }

}  // namespace

void ClusterController::tell(client::EventType type, const std::string& reason, const std::string& message) {
  around_.events.record(object_, types::clusters, type, reason, message);
}

void ClusterController::drop_record(const std::string& name) {
  std::erase_if(status_.members, [&](const MemberRecord& member) { return member.name == name; });
}

MemberRecord ClusterController::new_member(const HostSight& host, bool seed) {
  MemberRecord record;
  record.name = name_ + "-" + std::to_string(status_.next_member++);
  record.host = host.name;
  record.address = host.address;
  record.seed = seed;
  status_.members.push_back(record);
  return record;
}

Task<Result<void>> ClusterController::create_pod_object(MemberPod pod) {
  const std::string name = pod.member.name;
  auto created = co_await around_.client.create(client::types::pods, member_pod(object_, spec_, around_.settings.pods, pod));
  if (!created && created.error().code != ErrorCode::already_exists) co_return runtime::wrap(created.error(), "creating pod " + name);
  co_return success();
}

/// The pod of a member that is listed, or remembered while etcd cannot be asked.
Task<Result<void>> ClusterController::create_pod(std::string name) {
  MemberPod pod;
  pod.member = *record_of(name);
  pod.token = client::uid_of(object_);
  if (status_.cluster_id.empty()) {
    pod.state = "new";
    pod.initial_cluster = {pod.member.name + "=" + peer_url(spec_, pod.member)};
  } else {
    for (const MemberSight& member : sight_.members) {
      const MemberRecord* record = record_of(member.name);
      if (record != nullptr && (member.listed || !list_ || member.name == name)) pod.initial_cluster.push_back(member.name + "=" + peer_url(spec_, *record));
    }
  }
  co_return co_await create_pod_object(std::move(pod));
}

Task<Result<void>> ClusterController::delete_pod(std::string name, bool at_once) {
  const auto pod = pods_.find(name);
  if (pod == pods_.end()) co_return success();
  client::DeleteOptions options;
  options.uid = client::uid_of(pod->second);
  if (at_once) options.grace_period_seconds = 0;
  auto removed = co_await around_.client.remove(client::types::pods, namespace_, name, options);
  if (!removed && removed.error().code != ErrorCode::not_found) co_return runtime::wrap(removed.error(), "deleting pod " + name);
  co_return success();
}

/// Its pod refuses to start without data from now on (E16, E17).
Task<Result<void>> ClusterController::note_data(std::string name) {
  const std::string map_name = identity_name(object_);
  Json patch;
  patch["data"][name] = status_.cluster_id;
  auto patched = co_await around_.client.patch(client::types::config_maps, namespace_, map_name, client::PatchType::merge, patch);
  if (patched) co_return success();
  if (patched.error().code != ErrorCode::not_found) co_return patched.error();
  Json map;
  map["apiVersion"] = "v1";
  map["kind"] = "ConfigMap";
  map["metadata"]["name"] = map_name;
  map["metadata"]["namespace"] = namespace_;
  map["metadata"]["ownerReferences"] = Json::array({client::controller_reference(object_, types::clusters)});
  map["data"][name] = status_.cluster_id;
  auto created = co_await around_.client.create(client::types::config_maps, std::move(map));
  if (!created) co_return created.error();
  co_return success();
}

Task<Result<void>> ClusterController::add_member(HostSight host) {
  const std::int64_t number = status_.next_member;
  const MemberRecord record = new_member(host, false);
  CO_TRY(co_await save());
  std::vector<std::string> urls{peer_url(spec_, record)};
  auto added = co_await client_of(backup_source_->at.address).member_add(std::move(urls), true);
  if (!added && refused_for_now(added.error())) {
    // Neither etcd nor the API heard of the name: it can be used.
    drop_record(record.name);
    status_.next_member = number;
    no_member_before_ = runtime_.now() + std::min<Duration>(around_.settings.poll_interval, std::chrono::milliseconds(500));
  }
  if (!added) co_return runtime::wrap(added.error(), "adding " + record.name);
  list_->members = added.value().members;
  MemberSight sight;
  sight.name = record.name;
  sight.listed = sight.recorded = true;
  sight_.members.push_back(std::move(sight));
  co_return co_await create_pod(record.name);
}

Task<Result<void>> ClusterController::remove_member(std::string name) {
  const auto member = std::find_if(sight_.members.begin(), sight_.members.end(), [&](const MemberSight& one) { return one.name == name; });
  if (member->listed) {
    auto removed = co_await client_of(backup_source_->at.address).member_remove(member->id);
    if (!removed && removed.error().code != ErrorCode::not_found) co_return runtime::wrap(removed.error(), "removing " + name);
  }
  // Where a member did not come up, the next one is tried elsewhere first.
  if (member->learner && !member->started) failed_hosts_[member->host] = runtime_.now();
  drop_record(name);
  co_return co_await delete_pod(name, !member->host_exists);
}

Task<Result<void>> ClusterController::begin_recovery(std::string member, bool from_backup, std::string reason) {
  Recovery recovery;
  recovery.id = "r" + std::to_string(++status_.recovery_count);
  recovery.member = std::move(member);
  recovery.from_backup = from_backup;
  recovery.revision_min = status_.revision_seen;
  recovery.started = runtime::format_rfc3339(runtime_.wall_now());
  if (from_backup) {
    auto backup = co_await best_backup(around_.client, namespace_, name_);
    if (!backup) co_return backup.error();
    recovery.source = backup.value();
  }
  status_.recovery = std::move(recovery);
  tell(client::EventType::warning, "RecoveryStarted", "Recovery " + status_.recovery->id + ": " + reason);
  co_return co_await save();
}

Task<Result<bool>> ClusterController::perform(Action action) {
  if (action.verb == Verb::nothing) co_return false;
  if (action.verb == Verb::wait) {
    if (action.reason != told_wait_) {
      Json fields = Json::object();
      fields["cluster"] = namespace_ + "/" + name_;
      fields["rule"] = action.rule;
      fields["why"] = action.reason;
      runtime_.log().info("cluster_waits", fields);
    }
    told_wait_ = action.reason;
    co_return false;
  }
  told_wait_.clear();
  Json fields = Json::object();
  fields["cluster"] = namespace_ + "/" + name_;
  fields["action"] = std::string(to_text(action.verb));
  fields["member"] = action.member;
  fields["rule"] = action.rule;
  fields["why"] = action.reason;
  runtime_.log().info("cluster_step", fields);
  const std::string why = " (" + action.rule + ": " + action.reason + ")";
  Result<void> done = success();
  switch (action.verb) {
    case Verb::nothing:
    case Verb::wait: break;
    case Verb::create_seed: {
      const MemberRecord record = new_member(action.host, true);
      CO_TRY(co_await save());
      done = co_await create_pod(record.name);
      if (done) tell(client::EventType::normal, "NewMemberAdded", "Member " + record.name + " begins the cluster on " + record.host);
      break;
    }
    case Verb::start_pod:
      CO_TRY(co_await save());
      done = co_await create_pod(action.member);
      if (done) tell(client::EventType::normal, "MemberStarted", "Pod of member " + action.member + " created" + why);
      break;
    case Verb::delete_pod: {
      const auto member = std::find_if(sight_.members.begin(), sight_.members.end(), [&](const MemberSight& one) { return one.name == action.member; });
      done = co_await delete_pod(action.member, !member->host_exists);
      if (done) tell(client::EventType::normal, "PodDeleted", "Pod of member " + action.member + " deleted" + why);
      break;
    }
    case Verb::add_member:
      done = co_await add_member(action.host);
      if (!done && refused_for_now(done.error())) {
        status_.reason = too_young;
        co_return false;
      }
      if (done) tell(client::EventType::normal, "NewMemberAdded", "Member " + status_.members.back().name + " added as a learner on " + action.host.name + why);
      break;
    case Verb::promote: {
      CO_TRY(co_await note_data(action.member));
      const auto member = std::find_if(sight_.members.begin(), sight_.members.end(), [&](const MemberSight& one) { return one.name == action.member; });
      auto promoted = co_await client_of(backup_source_->at.address).member_promote(member->id);
      if (!promoted && promoted.error().code != ErrorCode::conflict) done = runtime::wrap(promoted.error(), "promoting " + action.member);
      if (promoted) tell(client::EventType::normal, "MemberPromoted", "Member " + action.member + " votes from now on" + why);
      break;
    }
    case Verb::remove_member:
      done = co_await remove_member(action.member);
      if (done) tell(client::EventType::normal, "MemberRemoved", "Member " + action.member + " removed" + why);
      break;
    case Verb::move_leader: {
      const auto from = record_of(action.member);
      const auto to = std::find_if(sight_.members.begin(), sight_.members.end(), [&](const MemberSight& one) { return one.name == action.other; });
      done = co_await client_of(from->address).move_leader(endpoint_of(*from), to->id);
      if (done) tell(client::EventType::normal, "LeaderMoved", "Leadership moved from " + action.member + " to " + action.other + why);
      break;
    }
    case Verb::recover_from_member:
      done = co_await begin_recovery(action.member, false, action.reason);
      break;
    case Verb::recover_from_backup:
      done = co_await begin_recovery("", true, action.reason);
      break;
    case Verb::fail_no_backup:
      if (status_.reason != "NoBackup") tell(client::EventType::warning, "NoBackup", action.reason);
      status_.phase = "Failed";
      status_.reason = "NoBackup";
      co_return false;
  }
  if (!done) co_return done.error();
  client::Metrics::Labels labels;
  labels["cluster"] = namespace_ + "/" + name_;
  labels["action"] = std::string(to_text(action.verb));
  around_.metrics.count("controller_etcd_operator_actions_total", labels);
  co_return true;
}

}  // namespace skidpad::controllers::etcd_operator
