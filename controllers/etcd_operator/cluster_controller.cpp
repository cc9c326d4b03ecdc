#include "controllers/etcd_operator/backup_controller.hpp"

namespace skidpad::controllers::etcd_operator {

using client::EtcdClient;
using runtime::find;
using runtime::integer_at;
using runtime::success;
using runtime::text_at;
using Verb = Action::Verb;

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
