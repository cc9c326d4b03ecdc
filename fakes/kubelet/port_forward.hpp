/// @file port_forward.hpp
/// Connections of kubectl port-forward, each a pair of SPDY streams (data and error), to ports of a pod.
/// Promise: as the real kubelet's httpstream handler: pairs are matched by their request id; a port that does not answer is told on
/// the error stream and the others go on; each direction of a connection ends by itself.
/// Limits: a pod has no network of its own here: what listens only on 127.0.0.1 is the node's, and is tried after the pod's address.
/// WebSockets are for the API server to unpack (SPDY/3.1+portforward.k8s.io); port-forward by channel.k8s.io is refused.
#pragma once

#include "harness/runtime/http/http_server.hpp"

namespace skidpad::fakes::kubelet {

struct ForwardedPod {
  std::string full_name;  ///< name_namespace
  std::string uid;
  std::string address;
};

runtime::Task<void> serve_port_forward(runtime::Runtime& runtime, const runtime::HttpRequest& request, runtime::HttpResponder& responder, ForwardedPod pod);

}  // namespace skidpad::fakes::kubelet
