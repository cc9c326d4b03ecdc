/// @file leader_elector.hpp
/// One leader at a time by a coordination.k8s.io Lease, with client-go's rules and timers.
/// Promise: is_leader() and leads_until() follow our own clock from before the renewal was sent, so a paused ex-leader stops
/// itself before another can start; set_write_deadline() of the client makes its writes stop too (behaviour O2).
#pragma once

#include <functional>

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/runtime/flags.hpp"

namespace skidpad::client {

class EventRecorder;

struct LeaderElectionOptions {
  std::string lease_namespace = "kube-system";
  std::string lease_name;
  std::string identity;                                ///< "" = host name and a random UUID, as the real ones do
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);
  bool release_on_stop = false;
};

class LeaderElector {
 public:
  /// The client may be the one the leader writes with: requests on the Lease itself are not held back by its deadline.
  LeaderElector(KubernetesClient& client, LeaderElectionOptions options, EventRecorder* recorder = nullptr);

  /// Waits for leadership, runs `lead` as leader and stops it when leadership is lost. Returns when lost or when `lead` returns.
  /// `lead` is called once; call run() again to stand again.
  Task<void> run(std::function<Task<void>()> lead);

  bool is_leader() const;
  /// Last moment at which we may act. In the past when we do not lead.
  Instant leads_until() const { return leads_until_; }
  const std::string& identity() const { return options_.identity; }
  /// Who holds the lease as last seen.
  const std::string& holder() const { return observed_holder_; }
  /// leaseTransitions of our term: grows with every change of leader.
  std::int64_t fencing_token() const { return transitions_; }
  const LeaderElectionOptions& options() const { return options_; }

 private:
  Task<Result<void>> try_acquire_or_renew();
  void observe(Json lease_object);
  void won(Instant sent_at, Json lease_object);
  Json wanted_spec(WallTime acquired, WallTime renewed, std::int64_t transitions) const;
  /// Half the renew deadline, as client-go's: a server that hangs leaves time to ask another.
  Duration request_time() const { return options_.renew_deadline / 2; }
  Task<void> acquire();
  Task<void> renew_until_lost();
  Task<void> run_lead(std::function<Task<void>()> lead, runtime::TaskGroup& group);
  Task<void> run_renewal(runtime::TaskGroup& group);
  Task<Result<void>> release();
  Task<void> with_release_deadline();

  KubernetesClient& client_;
  Runtime& runtime_;
  LeaderElectionOptions options_;
  EventRecorder* recorder_;
  Json observed_;                        ///< the Lease as last read
  std::string observed_spec_;            ///< to see whether it changed
  Instant observed_at_{};                ///< when it last changed, by our clock
  std::string observed_holder_;
  Instant leads_until_{};
  std::int64_t transitions_ = 0;
};

/// --leader-elect, --leader-elect-lease-duration, ... as component-base names them.
struct LeaderElectionFlags {
  bool leader_elect = true;
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);
  std::string resource_lock = "leases";
  std::string resource_name;
  std::string resource_namespace = "kube-system";

  void add_to(runtime::Flags& flags);
  LeaderElectionOptions options(std::string default_name) const;
};

}  // namespace skidpad::client
