/// @file healer.hpp
/// Watches nodes and machines, and carries out what decide() decides, one replacement at a time.
///
/// A replacement: remember it (ConfigMap) -> make the new machine -> delete the old machine -> delete the old Node -> wait until
/// the new Node is Ready -> done. The new machine comes first because it takes longest and harms nobody. The old Node goes only
/// after its machine is confirmed gone: its deletion lets pods start elsewhere, and two writers of one volume must never be (N10).
/// Promise: every step may be repeated by another leader without a second effect, since names come from the remembered state and
/// are never used twice. No provider call is begun after our leadership may have ended (O2).
#pragma once

#include "controllers/node_healer/decision.hpp"
#include "controllers/node_healer/journal.hpp"
#include "controllers/node_healer/state_store.hpp"
#include "harness/client/kubernetes/informer.hpp"
#include "harness/client/machines/machine_provider_client.hpp"

namespace skidpad::controllers::node_healer {

using runtime::Runtime;

class Healer {
 public:
  /// @param may_act  whether we lead at this moment.
  Healer(client::KubernetesClient& client, client::machines::MachineProviderClient& provider, client::Metrics& metrics, Settings settings,
         client::machines::MachineSpec worker_template, std::function<bool()> may_act);

  /// Watches, leader or not: a new leader knows what the old one saw.
  Task<void> watch();
  /// Heals until stopped. May be called again after leadership was lost and won.
  Task<void> lead();
  bool has_synced() const { return nodes_.has_synced(); }

 private:
  Task<void> watch_api();
  Task<Result<void>> pass();
  Task<Result<void>> look_at_machines();
  bool is_suspicious() const;
  void remember_workers();
  Observation observe() const;
  void show(const Decision& decision);
  Task<Result<void>> note_restriction(Decision decision);
  Task<Result<void>> note_giving_up(std::string slot_name, Decision decision);
  /// Reads all nodes from the API: what is begun must not rest on a late watch (O3).
  Task<Result<void>> look_at_nodes();
  Task<Result<void>> begin(Trouble trouble);

  Task<Result<void>> advance();
  Task<Result<void>> make_machine();
  Task<Result<void>> fence();
  /// The fenced machine's pods are gone with it: saying so spares them the 40 s quarantine of the pod garbage collector.
  Task<Result<void>> release_pods();
  Task<Result<void>> delete_node();
  Task<Result<void>> hand_on_labels(NodeSight replacement);
  /// Says why the new machine can no longer be hoped for; "" while it can.
  Task<Result<std::string>> replacement_trouble();
  Task<Result<void>> finish();
  Task<Result<void>> fail(std::string why);
  Task<Result<bool>> became_well_by_itself();

  Task<Result<void>> tell(std::string reason, std::string message, std::string counted_as, bool warning = false);
  Task<Result<void>> save();
  Result<void> check_authority(std::string_view doing) const;

  client::KubernetesClient& client_;
  client::machines::MachineProviderClient& provider_;
  client::Metrics& metrics_;
  Runtime& runtime_;
  Settings settings_;
  client::machines::MachineSpec worker_template_;
  std::function<bool()> may_act_;
  StateStore store_;
  Journal journal_;
  client::Informer nodes_;
  NodeTracker tracker_;
  runtime::Event dirty_;

  std::optional<HealerState> state_;       ///< none: read it first
  HealerState saved_;                      ///< as in the store
  std::set<std::string> retired_;          ///< Nodes deleted while annotated to be left alone: taken away on purpose
  struct MachineSight {
    client::machines::Machine machine;
    Instant first_listed{};
  };
  std::map<std::string, MachineSight> machines_;  ///< of role worker
  bool machines_known_ = false;
  bool machines_ever_listed_ = false;
  Instant machines_listed_{};
  std::map<std::string, Instant> hold_until_;
  std::optional<Instant> api_answered_;
  std::optional<std::pair<std::string, Instant>> waiting_since_;  ///< replacement, by our clock
  std::optional<Duration> look_again_in_;
  std::string told_why_;                   ///< the last reason for waiting that was logged
};

}  // namespace skidpad::controllers::node_healer
