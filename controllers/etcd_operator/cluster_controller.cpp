#include "controllers/etcd_operator/backup_controller.hpp"

namespace skidpad::controllers::etcd_operator {

using client::EtcdClient;
using runtime::bool_at;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::success;
using runtime::text_at;
using Verb = Action::Verb;

namespace {

constexpr char annotation_approve[] = "etcd.database.coreos.com/approve-recovery";
constexpr Duration failed_host_time = std::chrono::minutes(10);
constexpr char too_young[] = "etcd takes no further member before every voter has been connected for 5 s";

/// etcd's strict reconfiguration check: nothing happened, and some seconds later it will.
bool refused_for_now(const Error& error) { return error.message.find("etcdserver: unhealthy cluster") != std::string::npos; }
constexpr char annotation_host[] = "etcd.database.coreos.com/host";
constexpr char annotation_address[] = "etcd.database.coreos.com/address";

std::string address_of(const Json& node) {
  for (const Json& address : list_at(node, {"status", "addresses"})) {
    if (text_at(address, {"type"}) == "InternalIP") return text_at(address, {"address"});
  }
  return "";
}

std::string zone_of(const Json& node) {
  const Json& labels = client::labels_of(node);
  return text_at(labels, {"topology.kubernetes.io/zone"});
}

}  // namespace

ClusterController::ClusterController(Surroundings& surroundings, std::string namespace_name, std::string name)
    : around_(surroundings), runtime_(surroundings.client.runtime()), namespace_(std::move(namespace_name)), name_(std::move(name)) {}

std::uint16_t ClusterController::client_port() const {
  const bool alone = status_.recovery && (status_.recovery->phase == Recovery::Phase::restore || status_.recovery->phase == Recovery::Phase::bump);
  return alone ? spec_.recovery_port() : spec_.client_port;
}

EtcdClient& ClusterController::client_of(const std::string& address) {
  auto& client = clients_[std::pair(address, client_port())];
  if (!client) {
    client::EtcdClientOptions options;
    options.endpoints = {runtime::Endpoint{address, client_port()}};
    options.connect_timeout = around_.settings.probe_timeout / 3;
    options.request_timeout = around_.settings.probe_timeout;
    client = std::make_unique<EtcdClient>(runtime_, std::move(options));
  }
  return *client;
}

Task<Result<Duration>> ClusterController::reconcile() {
  auto there = co_await look();
  if (!there) co_return there.error();
  if (!there.value()) co_return around_.settings.poll_interval;
  if (!around_.may_act()) co_return around_.settings.poll_interval;
  const Duration soon = around_.settings.poll_interval / 8;
  if (status_.recovery && !spec_.paused) {
    auto went_on = co_await go_on_with_recovery();
    if (!went_on) co_return went_on.error();
    Action action(Verb::wait, "", "recovery " + status_.recovery.value_or(Recovery()).id + " is under way");
    fill_status(action);
    CO_TRY(co_await save());
    co_return soon;
  }
  // A cluster that is to come from a backup must not begin empty meanwhile.
  const std::string awaited = client::annotation(object_, annotation_restore);
  if (status_.cluster_id.empty() && !status_.recovery && !awaited.empty() && status_.finished_restore != awaited) co_return soon;
  Policy policy = around_.settings.policy;
  policy.unhealthy_after = spec_.unhealthy_after.value_or(policy.unhealthy_after);
  policy.recovery_grace = spec_.recovery_grace.value_or(policy.recovery_grace);
  Action action = decide(spec_, policy, sight_);
  if (action.verb == Verb::add_member && no_member_before_ && runtime_.now() < *no_member_before_) {
    action = Action(Verb::wait, "", too_young);
    action.rule = "E4";
  }
  const bool was_created = sight_.created;
  fill_status(action);
  if (!was_created && sight_.created) {
    const std::string first = status_.members.front().name;
    CO_TRY(co_await note_data(first));
  }
  auto done = co_await perform(action);
  if (!done) {
    // What was seen is told even if the step failed.
    auto saved = co_await save();
    (void)saved;
    co_return done.error();
  }
  CO_TRY(co_await save());
  co_return done.value() || !status_.rest.value("settled", false) ? soon : around_.settings.poll_interval;
}

// --- looking ---

Task<Result<bool>> ClusterController::look() {
  auto read = co_await around_.client.get(types::clusters, namespace_, name_);
  if (!read && read.error().code == ErrorCode::not_found) co_return false;
  if (!read) co_return read.error();
  object_ = std::move(read.value());
  if (client::is_deleting(object_)) co_return false;
  spec_ = cluster_spec_of(object_);
  status_ = cluster_status_of(object_);
  client::ListOptions options;
  options.namespace_name = namespace_;
  options.label_selector = "app=etcd,etcd_cluster=" + name_;
  auto listed = co_await around_.client.list_all(client::types::pods, options);
  if (!listed) co_return listed.error();
  pods_.clear();
  for (const client::ObjectPointer& pod : listed.value().items) pods_[client::name_of(*pod)] = *pod;
  gather_records();
  co_await ask_members();
  co_await read_member_list();
  build_sight();
  find_hosts();
  sight_.backup_known = false;
  if (!leader_known_ && status_.cluster_id != "") {
    auto backup = co_await best_backup(around_.client, namespace_, name_);
    sight_.backup_known = backup && !backup.value().is_null();
  }
  co_return true;
}

/// Pods that know their place are members' too, should the status have been lost (E23).
void ClusterController::gather_records() {
  if (!status_.members.empty()) return;
  for (const auto& [name, pod] : pods_) {
    MemberRecord record;
    record.name = name;
    record.host = client::annotation(pod, annotation_host);
    record.address = client::annotation(pod, annotation_address);
    if (record.address.empty() || client::is_deleting(pod)) continue;
    status_.members.push_back(record);
    std::int64_t number = 0;
    if (const std::size_t dash = name.rfind('-'); dash != std::string::npos) number = std::atoll(name.c_str() + dash + 1);
    status_.next_member = std::max(status_.next_member, number + 1);
  }
}

Task<void> ClusterController::ask(std::string address) {
  EtcdClient& client = client_of(address);
  MemberAnswer answer;
  auto status = co_await client.status(runtime::Endpoint(client.options().endpoints.front()));
  if (status) {
    answer.answers = true;
    answer.status = std::move(status.value());
    // In a quorum that is known to be lost, a member without a leader would only let us wait.
    if (quorum_lost_since_ && answer.status.leader == MemberId{}) {
      answers_[address] = std::move(answer);
      co_return;
    }
    client::RangeRequest request = client::RangeRequest::one("health");
    request.serializable = answer.status.is_learner;
    auto read = co_await client.range(std::move(request));
    answer.serializable = answer.status.is_learner && read.has_value();
    answer.linearizable = !answer.status.is_learner && read.has_value();
  } else {
    // A member that was restarted without a quorum serves no client, but its metrics tell how far its log goes.
    const auto committed = co_await committed_index(address);
    answer.answers = committed.has_value();
    answer.status.raft_index = committed.value_or(0);
  }
  answers_[address] = std::move(answer);
}

Task<std::optional<std::uint64_t>> ClusterController::committed_index(std::string address) {
  std::optional<std::uint64_t> index;
  runtime::HttpClientOptions options;
  options.servers = {runtime::Endpoint{address, spec_.metrics_port}};
  options.connect_timeout = around_.settings.probe_timeout / 3;
  options.request_timeout = around_.settings.probe_timeout;
  runtime::HttpClient http(runtime_, std::move(options));
  runtime::HttpRequest request;
  request.target = "/metrics";
  auto answer = co_await http.request(std::move(request));
  if (!answer || answer.value().status != 200) co_return index;
  const std::string wanted = "\netcd_server_proposals_committed_total ";
  const std::string& body = answer.value().body;
  const std::size_t at = body.find(wanted);
  if (at != std::string::npos) index = static_cast<std::uint64_t>(std::strtod(body.c_str() + at + wanted.size(), nullptr));
  co_return index;
}

Task<void> ClusterController::ask_members() {
  answers_.clear();
  // Whoever is being stopped has nothing more to say.
  if (status_.recovery && status_.recovery->phase < Recovery::Phase::restore) co_return;
  std::set<std::string> addresses;
  for (const MemberRecord& member : status_.members) addresses.insert(member.address);
  for (const auto& [name, pod] : pods_) {
    if (const std::string address = client::annotation(pod, annotation_address); !address.empty()) addresses.insert(address);
  }
  std::erase_if(clients_, [&](const auto& entry) { return !addresses.contains(entry.first.first); });
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup group(stop);
  for (const std::string& address : addresses) group.spawn("ask " + address, ask(address));
  co_await group.join();
}

/// From a member that just proved to be in touch with the quorum: others may remember an older list.
Task<void> ClusterController::read_member_list() {
  list_.reset();
  leader_known_ = false;
  backup_source_.reset();
  std::string from;
  for (const auto& [address, answer] : answers_) {
    char expected[32];
    std::snprintf(expected, sizeof expected, "%llx", static_cast<unsigned long long>(answer.status.header.cluster_id));
    if (!answer.linearizable || (!status_.cluster_id.empty() && !status_.recovery && status_.cluster_id != expected)) continue;
    if (from.empty() || answer.status.leader == answer.status.header.member_id) from = address;
    status_.revision_seen = std::max(status_.revision_seen, answer.status.header.revision);
    if (!backup_source_ || answer.status.header.revision > backup_source_->revision) {
      backup_source_.emplace();
      backup_source_->at = runtime::Endpoint{address, spec_.client_port};
      backup_source_->revision = answer.status.header.revision;
    }
  }
  if (from.empty()) co_return;
  auto list = co_await client_of(from).member_list();
  if (!list) co_return;
  list_ = std::move(list.value());
  leader_known_ = true;
}

const MemberRecord* ClusterController::record_of(const std::string& name) const {
  const auto found = std::find_if(status_.members.begin(), status_.members.end(), [&](const MemberRecord& member) { return member.name == name; });
  return found == status_.members.end() ? nullptr : &*found;
}

const MemberAnswer* ClusterController::answer_of(const std::string& name) const {
  const MemberRecord* record = record_of(name);
  const auto answer = record == nullptr ? answers_.end() : answers_.find(record->address);
  return answer == answers_.end() ? nullptr : &answer->second;
}

bool ClusterController::data_lost_by_pod(const Json& pod) const {
  for (const Json& container : list_at(pod, {"status", "initContainerStatuses"})) {
    if (text_at(container, {"name"}) != "check-data") continue;
    for (const char* which : {"state", "lastState"}) {
      if (integer_at(container, {which, "terminated", "exitCode"}) == exit_data_lost && !bool_at(container, {"ready"})) return true;
    }
  }
  return false;
}

PodState ClusterController::pod_state(const std::string& name) const {
  const auto pod = pods_.find(name);
  if (pod == pods_.end()) return PodState::none;
  if (client::is_deleting(pod->second)) return PodState::terminating;
  const std::string phase = text_at(pod->second, {"status", "phase"});
  if (phase == "Failed" || phase == "Succeeded") return PodState::failed;
  return phase == "Running" ? PodState::running : PodState::pending;
}

void ClusterController::build_sight() {
  sight_ = ClusterSight();
  sight_.created = !status_.cluster_id.empty();
  sight_.leader_known = leader_known_;
  const Instant now = runtime_.now();
  // After a lost quorum every member gets its time to come back: none is given up for the silence before (E12).
  if (leader_known_ && quorum_lost_since_) unhealthy_since_.clear();
  // What etcd lists and nobody remembers (a status edited by hand) is remembered again.
  if (list_) {
    for (const client::Member& member : list_->members) {
      const auto known = std::find_if(status_.members.begin(), status_.members.end(), [&](const MemberRecord& record) {
        return std::find(member.peer_urls.begin(), member.peer_urls.end(), peer_url(spec_, record)) != member.peer_urls.end();
      });
      if (known != status_.members.end() || member.name.empty()) continue;
      for (const auto& [key, node] : around_.nodes.store().objects()) {
        MemberRecord record;
        record.name = member.name;
        record.host = client::name_of(*node);
        record.address = address_of(*node);
        if (std::find(member.peer_urls.begin(), member.peer_urls.end(), peer_url(spec_, record)) != member.peer_urls.end()) status_.members.push_back(record);
      }
    }
  }
  const auto listed = [&](const MemberRecord& record) -> const client::Member* {
    if (!list_) return nullptr;
    for (const client::Member& member : list_->members) {
      const bool same_url = std::find(member.peer_urls.begin(), member.peer_urls.end(), peer_url(spec_, record)) != member.peer_urls.end();
      if (same_url && (member.name.empty() || member.name == record.name)) return &member;
    }
    return nullptr;
  };
  // A member that was decided on and never came to etcd's list is forgotten: the operator died in between.
  if (list_ && !status_.recovery) {
    std::erase_if(status_.members, [&](const MemberRecord& record) { return sight_.created && listed(record) == nullptr && !pods_.contains(record.name); });
  }
  std::set<std::string> names;
  for (MemberRecord& record : status_.members) {
    MemberSight member;
    member.name = record.name;
    member.host = record.host;
    member.recorded = true;
    const auto node = around_.nodes.store().find(record.host);
    member.host_exists = node != nullptr;
    if (node) member.zone = zone_of(*node);
    member.pod = pod_state(record.name);
    if (const auto pod = pods_.find(record.name); pod != pods_.end()) {
      member.data_lost = data_lost_by_pod(pod->second);
      member.version = client::annotation(pod->second, "etcd.version");
    }
    const client::Member* entry = listed(record);
    if (const MemberAnswer* answer = answer_of(record.name)) {
      // Two members of different ages may have had one address; etcd says who answers.
      const bool is_it = entry == nullptr || entry->id == answer->status.header.member_id;
      member.answers = answer->answers && is_it;
      member.healthy = (answer->linearizable || answer->serializable) && is_it;
      member.term = answer->status.raft_term;
      member.index = answer->status.raft_index;
      member.leader = member.healthy && answer->status.leader == answer->status.header.member_id;
      if (answer->answers && member.version.empty()) member.version = answer->status.version;
    }
    if (entry != nullptr) {
      member.listed = true;
      member.id = entry->id;
      member.learner = entry->is_learner;
      member.started = !entry->name.empty();
      record.voter = !entry->is_learner;
    } else {
      member.learner = !record.voter;
    }
    if (member.healthy) {
      unhealthy_since_.erase(record.name);
    } else {
      member.unhealthy_for = now - unhealthy_since_.try_emplace(record.name, now).first->second;
    }
    if (member.listed && !member.started) member.unstarted_for = now - unstarted_since_.try_emplace(record.name, now).first->second;
    names.insert(record.name);
    sight_.members.push_back(std::move(member));
  }
  for (const auto& [name, pod] : pods_) {
    if (names.contains(name)) continue;
    MemberSight member;
    member.name = name;
    member.host = client::annotation(pod, annotation_host);
    member.pod = pod_state(name);
    sight_.members.push_back(std::move(member));
    names.insert(name);
  }
  std::erase_if(unhealthy_since_, [&](const auto& entry) { return !names.contains(entry.first); });
  std::erase_if(unstarted_since_, [&](const auto& entry) { return !names.contains(entry.first); });
  if (!sight_.created || leader_known_) {
    quorum_lost_since_.reset();
  } else if (!quorum_lost_since_) {
    quorum_lost_since_ = now;
    // The loss began before this operator did: its grace goes on.
    WallTime since;
    const Json& available = client::condition_of(object_, "Available");
    if (text_at(available, {"reason"}) == "QuorumLost" && runtime::parse_rfc3339(text_at(available, {"lastTransitionTime"}), since))
      quorum_lost_since_ = now - std::max(Duration::zero(), runtime_.wall_now() - since);
  }
  if (quorum_lost_since_) sight_.quorum_lost_for = now - *quorum_lost_since_;
  const std::string episode = "r" + std::to_string(status_.recovery_count + 1);
  sight_.recovery_approved = spec_.auto_recover || client::annotation(object_, annotation_approve) == episode;
}

void ClusterController::find_hosts() {
  std::map<std::string, std::size_t> crowd;
  std::set<std::string> taken;
  for (const MemberSight& member : sight_.members) {
    if (!member.recorded && member.pod == PodState::none) continue;
    taken.insert(member.host);
    if (member.recorded) ++crowd[member.zone];
  }
  for (const auto& [key, pod] : around_.members.store().objects()) {
    const Json& containers = list_at(*pod, {"spec", "containers"});
    if (containers.empty()) continue;
    for (const Json& port : list_at(containers.front(), {"ports"})) {
      const auto number = integer_at(port, {"containerPort"});
      if (number == spec_.client_port || number == spec_.peer_port) taken.insert(client::annotation(*pod, annotation_host));
    }
  }
  for (const auto& [key, node] : around_.nodes.store().objects()) {
    const std::string name = client::name_of(*node);
    if (taken.contains(name) || client::is_deleting(*node) || !client::is_node_ready(*node) || bool_at(*node, {"spec", "unschedulable"})) continue;
    const Json& labels = client::labels_of(*node);
    const bool chosen = std::all_of(spec_.node_selector.items().begin(), spec_.node_selector.items().end(),
                                    [&](const auto& wanted) { return wanted.value().is_string() && text_at(labels, {wanted.key()}, "\n") == wanted.value(); });
    if (!chosen) continue;
    const Json& taints = list_at(*node, {"spec", "taints"});
    const bool open = std::all_of(taints.begin(), taints.end(), [&](const Json& taint) {
      return text_at(taint, {"effect"}) == "PreferNoSchedule" || client::tolerates(spec_.tolerations, taint);
    });
    HostSight host;
    host.name = name;
    host.address = address_of(*node);
    host.zone = zone_of(*node);
    if (open && !host.address.empty()) sight_.hosts.push_back(std::move(host));
  }
  const Instant now = runtime_.now();
  std::erase_if(failed_hosts_, [&](const auto& entry) { return now - entry.second > failed_host_time; });
  std::stable_sort(sight_.hosts.begin(), sight_.hosts.end(), [&](const HostSight& a, const HostSight& b) {
    return std::pair(failed_hosts_.count(a.name), crowd[a.zone]) < std::pair(failed_hosts_.count(b.name), crowd[b.zone]);
  });
}

// --- doing ---

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

// --- telling ---

Task<Result<void>> ClusterController::save() {
  Json status = to_json(status_);
  if (status == find(object_, {"status"})) co_return success();
  Json object = object_;
  object["status"] = std::move(status);
  auto written = co_await around_.client.update_status(types::clusters, std::move(object));
  if (!written) co_return runtime::wrap(written.error(), "status of EtcdCluster " + namespace_ + "/" + name_);
  object_ = std::move(written.value());
  co_return success();
}

void ClusterController::fill_status(const Action& action) {
  const WallTime now = runtime_.wall_now();
  Json& rest = status_.rest;
  Json ready = Json::array(), unready = Json::array();
  std::string lowest;
  bool learners = false;
  for (const MemberSight& member : sight_.members) {
    const bool counts = leader_known_ ? member.listed : member.recorded;
    if (!counts) continue;
    learners |= member.learner;
    (member.healthy && !member.learner ? ready : unready).push_back(member.name);
    const auto version = EtcdVersion::parse(member.version);
    if (version && (lowest.empty() || *version < *EtcdVersion::parse(lowest))) lowest = member.version;
  }
  // The first healthy member makes the cluster: from here on it has an identity that nothing may silently replace (E16).
  if (status_.cluster_id.empty() && leader_known_ && ready.size() == 1) {
    char text[32];
    std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(list_->header.cluster_id));
    status_.cluster_id = text;
    sight_.created = true;
    tell(client::EventType::normal, "ClusterCreated", "The cluster has begun with ID " + status_.cluster_id);
  }
  const std::size_t voters = voter_count(sight_);
  const bool whole = leader_known_ && ready.size() == spec_.size && unready.empty();
  rest["members"]["ready"] = ready;
  rest["members"]["unready"] = unready;
  rest["readyCount"] = ready.size();
  rest["size"] = leader_known_ ? voters : static_cast<std::size_t>(integer_at(rest, {"size"}));
  rest["clientPort"] = spec_.client_port;
  rest["controlPaused"] = spec_.paused;
  rest["currentVersion"] = lowest;
  rest["targetVersion"] = lowest == spec_.version ? "" : spec_.version;
  rest["observedGeneration"] = integer_at(object_, {"metadata", "generation"});
  rest["settled"] = whole && (action.verb == Verb::nothing || spec_.paused);
  const bool quorum_lost = sight_.created && !leader_known_;
  if (status_.recovery) {
    status_.phase = "Recovering";
    status_.reason = std::string(to_text(status_.recovery->phase));
  } else if (quorum_lost) {
    if (action.verb != Verb::fail_no_backup) {
      status_.phase = "QuorumLost";
      status_.reason = action.reason;
    }
  } else if (whole) {
    status_.phase = "Running";
    status_.reason = "";
  } else {
    if (status_.phase != "Running" || !sight_.created) status_.phase = sight_.created && !status_.phase.empty() && status_.phase != "Creating" ? "Running" : "Creating";
    status_.reason = action.reason;
  }
  Json& conditions = rest["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  const std::string why = action.reason.empty() ? "" : action.reason;
  if (quorum_lost) {
    if (client::condition_status(object_, "Available") == "True") tell(client::EventType::warning, "QuorumLost", "No member answers a linearizable read");
    client::set_condition(conditions, "Available", "False", "QuorumLost", why, now);
  } else if (leader_known_) {
    if (client::condition_status(object_, "Available") == "False" && text_at(client::condition_of(object_, "Available"), {"reason"}) == "QuorumLost")
      tell(client::EventType::normal, "QuorumRegained", "A linearizable read is answered again");
    client::set_condition(conditions, "Available", "True", "QuorumServes", std::to_string(ready.size()) + " of " + std::to_string(voters) + " voters are healthy", now);
  } else {
    client::set_condition(conditions, "Available", "False", "Creating", why, now);
  }
  client::set_condition(conditions, "Progressing", whole ? "False" : "True", whole ? "AsSpecified" : "Changing", whole ? "" : why, now);
  client::Metrics::Labels labels;
  labels["cluster"] = namespace_ + "/" + name_;
  around_.metrics.set("etcd_operator_quorum_lost", quorum_lost ? 1 : 0, labels);
  around_.metrics.set("etcd_operator_members_ready", double(ready.size()), labels);
  around_.metrics.set("etcd_operator_members_wanted", double(spec_.size), labels);
  (void)learners;
}

}  // namespace skidpad::controllers::etcd_operator
