/// @file fault.hpp
/// One thing that is done to a cluster and, where that is possible, undone.
/// Promise: inject() changes nothing outside its targets; heal() takes back exactly what inject() did; a witness looks by
/// another way than the fault was made.
#pragma once

#include <memory>

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/driver/driver.hpp"

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
  bool confirmed = false;
  std::string evidence;
};

/// What faults act on; outlives them.
struct Scene {
  driver::Driver& driver;
  client::KubernetesClient& admin;
};

class Fault {
 public:
  virtual ~Fault() = default;
  virtual Task<Result<void>> inject() = 0;
  /// Whether there is anything to take back; what is destroyed is not.
  virtual bool can_heal() const = 0;
  virtual Task<Result<void>> heal() = 0;
  /// Looks whether the fault is there, without its maker's word. May take some seconds.
  virtual Task<Sighting> witness() = 0;
};

}  // namespace skidpad::fault
