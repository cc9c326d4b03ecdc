// What the operator sees before it decides: records, pods, answers of members, hosts.
#include "controllers/etcd_operator/backup_controller.hpp"

namespace skidpad::controllers::etcd_operator {

using client::EtcdClient;
using runtime::bool_at;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

namespace {

constexpr char annotation_approve[] = "etcd.database.coreos.com/approve-recovery";
constexpr Duration failed_host_time = std::chrono::minutes(10);

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

}  // namespace skidpad::controllers::etcd_operator
