/// @file controller.hpp
/// What all controllers share: their surroundings, and the usual form of a controller with one work queue.
#pragma once

#include "fakes/kube_controller_manager/settings.hpp"
#include "harness/client/kubernetes/event_recorder.hpp"
#include "harness/client/kubernetes/informer.hpp"
#include "harness/client/kubernetes/selector.hpp"
#include "harness/client/kubernetes/work_queue.hpp"
#include "harness/client/metrics.hpp"

namespace skidpad::fakes::kube_controller_manager {

using client::EventType;
using client::Informer;
using client::ObjectPointer;
using client::PatchType;
using client::ResourceType;
using client::Selector;
using client::Store;
using runtime::Error;
using runtime::ErrorCode;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::Result;
using runtime::Runtime;
using runtime::success;
using runtime::Task;
using runtime::text_at;
using runtime::WallTime;
namespace types = client::types;

/// References outlive every controller.
struct Surroundings {
  Runtime& runtime;
  client::KubernetesClient& client;
  client::InformerSet& informers;
  client::Metrics& metrics;
  const Settings& settings;
};

class Controller {
 public:
  virtual ~Controller() = default;
  /// Spawns its tasks; called once all informers have synced.
  virtual void start(runtime::TaskGroup& group) = 0;
};

/// One queue of keys, some workers, one source of events.
class QueueController : public Controller {
 public:
  void start(runtime::TaskGroup& group) override;

 protected:
  /// @param name       of the queue, in metrics ("deployment")
  /// @param component  source of its events ("deployment-controller")
  QueueController(Surroundings& surroundings, std::string name, std::string component, std::int64_t workers);
  virtual Task<Result<void>> reconcile(std::string key) = 0;
  void enqueue(const Json& object) { queue_.add(client::key_of(object)); }
  WallTime now() const { return runtime_.wall_now(); }

  Surroundings& surroundings_;
  Runtime& runtime_;
  client::KubernetesClient& client_;
  client::WorkQueue queue_;
  client::EventRecorder events_;

 private:
  std::string component_;
  std::int64_t workers_;
};

/// Sums of the workqueue_* metrics of one queue.
void collect_queue(client::Metrics& metrics, const client::WorkQueue& queue);

/// Adds the index "controller": objects by the UID of their controlling owner; "NS" behind '@' for those without one.
void add_controller_index(Store& store);
/// What an owner controls and what it could adopt, in key order.
std::vector<ObjectPointer> controlled_or_orphaned(const Store& store, const Json& owner);

}  // namespace skidpad::fakes::kube_controller_manager
