/// @file grpc_health.hpp
/// The one call of gRPC that probes make: grpc.health.v1.Health/Check over HTTP/2 without TLS.
/// Promise: bounded in what it reads; whatever is no answer "SERVING" is a failure.
/// Limits: a client of one call. Compressed headers of the answer are not read: the status is told by the message alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/runtime/result.hpp"

namespace skidpad::fakes::kubelet {

/// Everything the client sends for the call: preface, settings, headers, message.
std::string health_check_request(const std::string& authority, const std::string& service);

/// Frames of the server, and what to answer them.
class HealthCheckAnswer {
 public:
  /// Takes bytes; returns what must be sent back (settings and pings are acknowledged). Errors: no HTTP/2, or too much of it.
  runtime::Result<std::string> put(std::string_view bytes);
  bool done() const { return done_; }
  /// grpc.health.v1.HealthCheckResponse.ServingStatus; none if the call ended without a message.
  std::optional<int> status() const { return status_; }

 private:
  std::string pending_;
  std::string message_;
  std::size_t frames_ = 0;
  bool done_ = false;
  std::optional<int> status_;
};

}  // namespace skidpad::fakes::kubelet
