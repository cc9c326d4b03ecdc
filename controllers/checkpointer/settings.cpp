#include "controllers/checkpointer/settings.hpp"

namespace skidpad::controllers::checkpointer {

using runtime::Error;
using runtime::ErrorCode;

namespace {
constexpr std::string_view directory_scheme = "dir:";
}

void Settings::add_to(runtime::Flags& flags) {
  flags.add("kubeconfig", kubeconfig, "where the API server is, and the credentials for it and for the kubelet");
  flags.add("checkpoint-grace-period", checkpoint_grace_period, "how long a parent must be absent before its checkpoint is removed");
  flags.add("remote-runtime-endpoint", runtime_endpoint, "the container runtime: dir:DIRECTORY with the pods' state");
  flags.add("runtime-request-timeout", runtime_request_timeout, "longest wait for one answer of API server or kubelet");
  flags.add("manifests-dir", directories.active, "the kubelet's static pods");
  flags.add("inactive-manifests-dir", directories.inactive, "checkpoints that are not run");
  flags.add("secrets-dir", directories.secrets, "secrets of checkpoints");
  flags.add("configmaps-dir", directories.config_maps, "config maps of checkpoints");
  flags.add("node-name", node_name, "this node");
  flags.add("node-address", node_address, "this node's address; health and metrics are served on it, and one checkpointer at a time holds the port");
  flags.add("pod-name", pod_name, "our own pod, for the checkpoint of ourselves");
  flags.add("pod-namespace", pod_namespace, "its namespace");
  flags.add("kubelet-port", kubelet_port, "where the kubelet lists its pods");
  flags.add("metrics-port", metrics_port, "plain HTTP");
  flags.add("poll-interval", poll_interval, "time from look to look");
  flags.add("refresh-interval", refresh_interval, "secrets and config maps are read again after this time");
  flags.add("rescue", rescue, "Deployments that are brought back when none of their pods is left, as nobody else could");
  flags.add("rescue-after", rescue_after, "how long none of them must have been Ready");
}

Result<void> Settings::complete() const {
  const struct {
    bool good;
    const char* message;
  } conditions[] = {
      {!node_name.empty(), "--node-name is missing"},
      {!node_address.empty(), "--node-address is missing"},
      {!pod_name.empty(), "--pod-name is missing"},
      {runtime_endpoint.starts_with(directory_scheme), "--remote-runtime-endpoint must begin with dir:"},
      {poll_interval > Duration::zero(), "--poll-interval must be more than 0"},
      {refresh_interval > Duration::zero(), "--refresh-interval must be more than 0"},
      {runtime_request_timeout > Duration::zero(), "--runtime-request-timeout must be more than 0"},
      {checkpoint_grace_period >= Duration::zero(), "--checkpoint-grace-period must not be negative"},
      {rescue_after > Duration::zero(), "--rescue-after must be more than 0"},
      {metrics_port > 0 && metrics_port <= 65535, "--metrics-port must be from 1 to 65535"},
      {kubelet_port > 0 && kubelet_port <= 65535, "--kubelet-port must be from 1 to 65535"},
  };
  for (const auto& condition : conditions) {
    if (!condition.good) return Error(ErrorCode::invalid, condition.message);
  }
  return runtime::success();
}

std::string Settings::state_directory() const { return runtime_endpoint.substr(directory_scheme.size()); }

}  // namespace skidpad::controllers::checkpointer
