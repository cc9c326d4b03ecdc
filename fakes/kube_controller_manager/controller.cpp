#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

client::WorkQueueOptions queue_options(std::string name) {
  client::WorkQueueOptions options;
  options.name = std::move(name);
  return options;
}

client::EventRecorderOptions recorder_options(std::string component) {
  client::EventRecorderOptions options;
  options.component = std::move(component);
  return options;
}

}  // namespace

QueueController::QueueController(Surroundings& surroundings, std::string name, std::string component, std::int64_t workers)
    : surroundings_(surroundings),
      runtime_(surroundings.runtime),
      client_(surroundings.client),
      queue_(surroundings.runtime, queue_options(std::move(name))),
      events_(surroundings.client, recorder_options(component)),
      component_(std::move(component)),
      workers_(workers) {
  surroundings.metrics.add_collector([this](client::Metrics& metrics) { collect_queue(metrics, queue_); });
}

void QueueController::start(runtime::TaskGroup& group) {
  group.spawn(component_ + " events", events_.run());
  for (std::int64_t i = 0; i < workers_; ++i) {
    group.spawn(component_, queue_.work([this](std::string key) { return reconcile(std::move(key)); }));
  }
}

void collect_queue(client::Metrics& metrics, const client::WorkQueue& queue) {
  client::Metrics::Labels labels;
  labels["name"] = queue.options().name;
  metrics.set("workqueue_depth", double(queue.size()), labels);
  metrics.set("workqueue_adds_total", double(queue.counts().adds), labels);
  metrics.set("workqueue_retries_total", double(queue.counts().retries), labels);
  metrics.set("workqueue_work_duration_seconds_sum", queue.counts().work_seconds, labels);
  metrics.set("workqueue_work_duration_seconds_count", double(queue.counts().done), labels);
  metrics.set("workqueue_queue_duration_seconds_sum", queue.counts().queue_seconds, labels);
  metrics.set("workqueue_queue_duration_seconds_count", double(queue.counts().adds), labels);
}

void add_controller_index(Store& store) {
  store.add_index("controller", [](const Json& object, std::vector<std::string>& values) {
    const Json& owner = client::controller_of(object);
    values.push_back(owner.is_object() ? text_at(owner, {"uid"}) : "@" + client::namespace_of(object));
  });
}

std::vector<ObjectPointer> controlled_or_orphaned(const Store& store, const Json& owner) {
  std::vector<ObjectPointer> objects = store.by_index("controller", client::uid_of(owner));
  for (ObjectPointer& orphan : store.by_index("controller", "@" + client::namespace_of(owner))) objects.push_back(std::move(orphan));
  return objects;
}

}  // namespace skidpad::fakes::kube_controller_manager
