#include "controllers/checkpointer/node_runtime.hpp"

#include "controllers/checkpointer/checkpoint_pod.hpp"
#include "harness/client/kubernetes/object.hpp"

namespace skidpad::controllers::checkpointer {

using runtime::Error;
using runtime::find;
using runtime::integer_at;
using runtime::list_at;
using runtime::text_at;

namespace {

/// Any main container alive: one of several that waits for its restart does not make its pod absent.
bool any_container_lives(runtime::Runtime& runtime, const Json& state) {
  for (const Json& container : list_at(state, {"containers"})) {
    if (text_at(container, {"phase"}) != "running") continue;
    const Json& start = find(container, {"pidStart"});
    runtime::ProcessId id;
    id.pid = integer_at(container, {"pid"});
    id.start_time = start.is_number_integer() ? start.get<std::uint64_t>() : 0;
    if (id.pid > 0 && runtime.processes().adopt(id).has_value()) return true;
  }
  return false;
}

}  // namespace

runtime::Result<RunningPods> running_pods(runtime::Runtime& runtime, const std::string& state_directory) {
  RunningPods running;
  const auto uids = runtime.disk().list(state_directory);
  if (!uids) return runtime::wrap(uids.error(), "reading the container runtime's state");
  for (const std::string& uid : uids.value()) {
    const auto text = runtime.disk().read(state_directory + "/" + uid + "/state.json", 16 << 20);
    if (!text) continue;  // a pod that comes or goes just now
    const auto state = runtime::parse_json(text.value());
    if (!state) continue;
    const Json& pod = find(state.value(), {"pod"});
    if (!any_container_lives(runtime, state.value())) continue;
    const std::string parent = client::annotation(pod, std::string(checkpoint_of_annotation));
    if (!parent.empty()) running.copies.insert(client::make_key(client::namespace_of(pod), parent));
    else if (!runtime::bool_at(state.value(), {"static"})) running.pods.insert(client::key_of(pod));
  }
  return running;
}

}  // namespace skidpad::controllers::checkpointer
