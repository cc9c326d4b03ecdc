/// @file stream_translator.hpp
/// WebSockets of kubectl towards kubelets, which speak SPDY: exec and attach by v5.channel.k8s.io, port-forward by a tunnel.
/// Promise: what real kubelets get is what the real API server sends them (StreamTranslatorHandler and TunnelingHandler of
/// apiserver/pkg/util/proxy in v1.32). A kubelet that refuses is told to the client on the error channel, as a Status.
#pragma once

#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/http/http_server.hpp"

namespace skidpad::fakes::kube_apiserver {

inline constexpr char stream_close_protocol[] = "v5.channel.k8s.io";
inline constexpr char tunnel_protocol[] = "SPDY/3.1+portforward.k8s.io";

struct StreamWishes {
  bool input = false;
  bool output = false;
  bool error = false;
  bool terminal = false;
};

/// Whether the client offers the protocol for its WebSocket.
bool offers_protocol(const runtime::HttpRequest& request, std::string_view protocol);
/// @param kubelet  of one server; @param target  path and query of the kubelet's
runtime::Task<void> translate_streams(runtime::Runtime& runtime, const runtime::HttpRequest& request, runtime::HttpResponder& responder, runtime::HttpClientOptions kubelet,
                                      std::string target, StreamWishes wishes);
runtime::Task<void> tunnel_port_forward(runtime::Runtime& runtime, const runtime::HttpRequest& request, runtime::HttpResponder& responder,
                                        runtime::HttpClientOptions kubelet, std::string target);

}  // namespace skidpad::fakes::kube_apiserver
