// The steps of one replacement; each may be repeated after a crash, by any leader.
#include "controllers/node_healer/healer.hpp"

namespace skidpad::controllers::node_healer {

using client::machines::MachineSpec;
using client::machines::MachineState;
using runtime::Error;
using runtime::ErrorCode;

namespace {

constexpr char replaces_label[] = "skidpad.dev/replaces";

/// What a kubelet says of its own machine; everything else was given to the node and goes on to its replacement.
bool is_kubelets_own(std::string_view label) {
  return label == "kubernetes.io/hostname" || label == "kubernetes.io/os" || label == "kubernetes.io/arch" ||
         label.starts_with("beta.kubernetes.io/") || label == "node.kubernetes.io/instance-type";
}

}  // namespace

Task<Result<void>> Healer::begin(Trouble trouble) {
  auto may = check_authority("replacing " + trouble.worker);
  if (!may) co_return may;
  Remediation remediation;
  remediation.node = trouble.worker;
  remediation.uid = trouble.uid;
  remediation.replacement = next_name(trouble.worker, *state_);
  remediation.reason = trouble.reason;
  remediation.started = runtime_.wall_now();
  if (const client::ObjectPointer node = nodes_.store().find(trouble.worker)) {
    for (const auto& [key, value] : client::labels_of(*node).items()) {
      if (!is_kubelets_own(key) && value.is_string()) remediation.labels[key] = value.get<std::string>();
    }
  }
  Slot& slot = state_->slots[slot_of(trouble.worker)];
  slot.failures = failures_now(settings_.policy, slot, runtime_.wall_now());
  slot.generation = generation_of(remediation.replacement);
  slot.finished_at.reset();
  slot.gave_up = false;
  state_->open = std::move(remediation);
  auto saved = co_await save();
  if (!saved) co_return saved;
  co_return co_await advance();
}

Task<Result<void>> Healer::advance() {
  Remediation& remediation = *state_->open;  // ours alone: only this task changes the state
  const NodeSight* old_node = tracker_.find(remediation.node);
  if (old_node != nullptr && !remediation.fenced && (old_node->paused || old_node->skip)) co_return runtime::success();
  if (!remediation.announced) {
    auto told = co_await tell("RemediationStarted", "Replacing it by " + remediation.replacement + ": " + remediation.reason, "started");
    if (!told) co_return told;
    remediation.announced = true;
  } else if (!remediation.created && !remediation.fenced) {
    auto well = co_await became_well_by_itself();
    if (!well) co_return well.error();
    if (well.value()) co_return co_await fail("it became Ready again before anything was done");
  }
  // One step that fails does not hold the others up: capacity comes back even if the old machine cannot be deleted yet.
  std::optional<Error> failure;
  if (!remediation.created) {
    auto made = co_await make_machine();
    if (!made) failure = made.error();
    if (!state_) co_return made;
  }
  if (!remediation.fenced) {
    auto fenced = co_await fence();
    if (!fenced && !failure) failure = fenced.error();
  }
  if (remediation.fenced && !remediation.node_deleted) {
    auto deleted = co_await delete_node();
    if (!deleted && !failure) failure = deleted.error();
  }
  if (*state_ != saved_) {
    auto saved = co_await save();
    if (!saved) co_return saved;
  }
  if (failure) co_return *failure;

  const NodeSight* replacement = tracker_.find(remediation.replacement);
  if (replacement != nullptr && replacement->ready) {
    auto labelled = co_await hand_on_labels(*replacement);
    if (!labelled) co_return labelled;
    co_return co_await finish();
  }
  auto hopeless = co_await replacement_trouble();
  if (!hopeless) co_return hopeless.error();
  if (!hopeless.value().empty()) co_return co_await fail(hopeless.value());
  co_return runtime::success();
}

Task<Result<bool>> Healer::became_well_by_itself() {
  const Remediation& remediation = *state_->open;
  const NodeSight* node = tracker_.find(remediation.node);
  if (node == nullptr || !node->ready || node->remediate) co_return false;
  // The leader before us may have died between making the machine and writing that down.
  auto made = co_await provider_.get(remediation.replacement);
  if (made) co_return false;
  if (made.error().code == ErrorCode::not_found) co_return true;
  co_return made.error();
}

Task<Result<void>> Healer::make_machine() {
  Remediation& remediation = *state_->open;
  auto may = check_authority("creating machine " + remediation.replacement);
  if (!may) co_return may;
  MachineSpec spec = worker_template_;
  spec.name = remediation.replacement;
  spec.labels[replaces_label] = remediation.node;
  auto made = co_await provider_.create(std::move(spec));
  if (!made && made.error().code == ErrorCode::conflict) {
    // Made by an earlier try of ours, or somebody else has taken the name.
    auto there = co_await provider_.get(remediation.replacement);
    if (!there) co_return there.error();
    const auto& labels = there.value().spec.labels;
    const auto replaces = labels.find(replaces_label);
    if (replaces == labels.end() || replaces->second != remediation.node) {
      ++state_->slots[slot_of(remediation.node)].generation;
      remediation.replacement = next_name(remediation.node, *state_);
      auto saved = co_await save();
      if (!saved) co_return saved;
      Error taken(ErrorCode::conflict, "that machine's name is taken by another; the replacement of " + state_->open->node + " gets the next one");
      co_return taken;
    }
  } else if (!made) {
    co_return made.error();
  }
  if (!remediation.created_at) remediation.created_at = runtime_.wall_now();
  remediation.created = true;
  co_return co_await tell("MachineCreated", "Machine " + remediation.replacement + " was created to replace it", "");
}

Task<Result<void>> Healer::fence() {
  Remediation& remediation = *state_->open;
  auto may = check_authority("deleting machine " + remediation.node);
  if (!may) co_return may;
  auto removed = co_await provider_.remove(remediation.node);
  if (!removed && removed.error().code != ErrorCode::not_found) co_return removed;
  remediation.fenced = true;
  co_return runtime::success();
}

Task<Result<void>> Healer::release_pods() {
  client::ListOptions on_node;
  on_node.field_selector = "spec.nodeName=" + state_->open->node;
  auto pods = co_await client_.list(client::types::pods, std::move(on_node));
  if (!pods) co_return pods.error();
  for (const client::ObjectPointer& pod : pods.value().items) {
    client::DeleteOptions at_once;
    at_once.grace_period_seconds = 0;
    at_once.uid = client::uid_of(*pod);
    auto removed = co_await client_.remove(client::types::pods, client::namespace_of(*pod), client::name_of(*pod), std::move(at_once));
    if (!removed && removed.error().code != ErrorCode::not_found && removed.error().code != ErrorCode::conflict) co_return removed.error();
  }
  co_return runtime::success();
}

Task<Result<void>> Healer::delete_node() {
  Remediation& remediation = *state_->open;
  ASSERT(remediation.fenced);
  auto released = co_await release_pods();
  if (!released) co_return released;
  // Whatever Node has this name now, its machine is gone; the name is never used again.
  auto deleted = co_await client_.remove(client::types::nodes, "", remediation.node);
  if (!deleted && deleted.error().code != ErrorCode::not_found) co_return deleted.error();
  remediation.node_deleted = true;
  co_return runtime::success();
}

Task<Result<void>> Healer::hand_on_labels(NodeSight replacement) {
  const client::ObjectPointer node = nodes_.store().find(replacement.name);
  if (node == nullptr) co_return runtime::success();
  const Json& there = client::labels_of(*node);
  Json patch = Json::object();
  for (const auto& [key, value] : state_->open->labels) {
    if (!there.contains(key)) patch["metadata"]["labels"][key] = value;
  }
  if (patch.empty()) co_return runtime::success();
  auto patched = co_await client_.patch(client::types::nodes, "", replacement.name, client::PatchType::merge, std::move(patch));
  if (!patched && patched.error().code != ErrorCode::invalid) co_return patched.error();
  co_return runtime::success();
}

Task<Result<std::string>> Healer::replacement_trouble() {
  const Remediation& remediation = *state_->open;
  const Instant now = runtime_.now();
  if (!waiting_since_ || waiting_since_->first != remediation.replacement) {
    Duration waited{};
    if (remediation.created_at && *remediation.created_at < runtime_.wall_now()) waited = runtime_.wall_now() - *remediation.created_at;
    waiting_since_.emplace(remediation.replacement, now - waited);
  }
  const Duration waited = now - waiting_since_->second;
  if (waited >= settings_.policy.never_joined_after) {
    co_return remediation.replacement + " has not become Ready within " + runtime::format_go_duration(settings_.policy.never_joined_after);
  }
  look_again_in_ = settings_.policy.never_joined_after - waited;
  auto machine = co_await provider_.get(remediation.replacement);
  if (!machine && machine.error().code == ErrorCode::not_found) co_return "machine " + remediation.replacement + " was deleted";
  if (!machine) co_return machine.error();
  if (machine.value().state == MachineState::off && !machine.value().last_error.empty()) {
    co_return "machine " + remediation.replacement + " is off: " + machine.value().last_error;
  }
  co_return std::string();
}

Task<Result<void>> Healer::finish() {
  const Remediation done = *state_->open;
  auto told = co_await tell("RemediationFinished", done.replacement + " has joined and is Ready in its place", "finished");
  if (!told) co_return told;
  Slot& slot = state_->slots[slot_of(done.node)];
  slot.finished_at = runtime_.wall_now();
  slot.failed_at.reset();
  state_->workers.erase(done.node);
  state_->workers[done.replacement] = true;
  state_->open.reset();
  machines_known_ = false;
  waiting_since_.reset();
  dirty_.set();  // the next may have been waiting
  co_return co_await save();
}

Task<Result<void>> Healer::fail(std::string why) {
  const Remediation failed = *state_->open;
  auto told = co_await tell("RemediationFailed", "Replacing it by " + failed.replacement + " failed: " + why, "failed", true);
  if (!told) co_return told;
  Slot& slot = state_->slots[slot_of(failed.node)];
  if (failed.created) ++slot.failures;
  slot.failed_at = runtime_.wall_now();
  if (failed.fenced) state_->workers.erase(failed.node);
  // The slot wants a worker still: what was made for it is now the one to be replaced.
  if (failed.created) state_->workers[failed.replacement] = true;
  state_->open.reset();
  machines_known_ = false;
  waiting_since_.reset();
  dirty_.set();
  co_return co_await save();
}

Task<Result<void>> Healer::tell(std::string reason, std::string message, std::string counted_as, bool warning) {
  Entry entry;
  entry.node = state_->open->node;
  entry.uid = state_->open->uid;
  entry.occasion = state_->open->replacement;
  entry.reason = std::move(reason);
  entry.message = std::move(message);
  entry.counted_as = std::move(counted_as);
  entry.warning = warning;
  co_return co_await journal_.tell(std::move(entry));
}

}  // namespace skidpad::controllers::node_healer
