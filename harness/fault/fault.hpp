/// @file fault.hpp
/// One thing that is done to a cluster and, where that is possible, undone.
/// Promise: inject() changes nothing outside its targets; heal() takes back exactly what inject() did; a witness looks by
/// another way than the fault was made.
#pragma once

#include <memory>

#include "harness/client/etcd/etcd_client.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/driver/driver.hpp"
#include "harness/fault/link_rules.hpp"

namespace skidpad::fault {

using runtime::Duration;
using runtime::Ratio;
using runtime::Result;
using runtime::Task;

/// A machine that a fault hits.
struct TargetMachine {
  std::string name;
  std::string address;
};

struct Sighting {
  std::string witness;    ///< who looked
  bool independent = false;  ///< not asked of those who carried the fault out, or what they did is read off by another means
  bool confirmed = false;
  std::string evidence;
};

/// What faults act on; outlives them.
struct Scene {
  driver::Driver& driver;
  client::KubernetesClient& admin;
  client::EtcdClient& etcd;  ///< the cluster's store, beside its API servers
  LinkRules& link_rules;
};

class Fault {
 public:
  virtual ~Fault() = default;
  virtual Task<Result<void>> inject() = 0;
  /// Whether there is anything to take back; what is destroyed is not.
  virtual bool can_heal() const = 0;
  virtual Task<Result<void>> heal() = 0;
  /// After heal(): why nothing was left to take back, such as a machine that a controller has replaced; "" if something was.
  virtual std::string nothing_to_heal() const { return ""; }
  /// Looks whether the fault is there, without its maker's word. May take some seconds.
  virtual Task<Sighting> witness() = 0;
};

}  // namespace skidpad::fault
