/// @file remote_streams.hpp
/// The streams of exec and attach: input, outputs, terminal sizes and the final status, over SPDY/3.1 or a WebSocket.
/// Promise: protocols as the kubelet of Kubernetes (kubelet/pkg/cri/streaming/remotecommand): SPDY with v1 to v4.channel.k8s.io;
/// WebSockets with channel.k8s.io, v4 and their base64 forms, and v5, which the real kubelet of 1.32 leaves to the API server.
#pragma once

#include "harness/runtime/http/http_server.hpp"

namespace skidpad::fakes::kubelet {

struct StreamOptions {
  bool input = false;
  bool output = false;
  bool error = false;
  bool terminal = false;
};

struct TerminalSize {
  int columns = 0;
  int rows = 0;
};

/// How a command ended, as metav1.Status.
Json success_status();
Json exit_status(int code, const std::vector<std::string>& command);
Json failure_status(const std::string& message);

/// Sizes come as JSON objects, one after the other, cut anywhere.
class TerminalSizes {
 public:
  void put(std::string_view bytes);
  std::optional<TerminalSize> next();

 private:
  std::string pending_;
};

class RemoteStreams {
 public:
  enum class Output { output, error };
  virtual ~RemoteStreams() = default;
  /// Moves what arrives, until the client is gone. Must run.
  virtual runtime::Task<void> run() = 0;
  /// True once all streams asked for are there; false if they did not come within 30 seconds.
  virtual runtime::Task<bool> ready() = 0;
  /// "" at the end.
  virtual runtime::Task<std::string> read_input() = 0;
  /// None when there will be none.
  virtual runtime::Task<std::optional<TerminalSize>> next_size() = 0;
  /// What was not asked for is thrown away.
  virtual runtime::Task<runtime::Result<void>> write(Output to, std::string bytes) = 0;
  /// The last word; closes everything.
  virtual runtime::Task<void> end(Json status) = 0;
  runtime::Event& gone() { return gone_; }

 protected:
  runtime::Event gone_;
};

/// Upgrades the request. Null if that failed: then the client was told.
runtime::Task<std::unique_ptr<RemoteStreams>> open_remote_streams(runtime::Runtime& runtime, const runtime::HttpRequest& request, runtime::HttpResponder& responder,
                                                                  StreamOptions options);

}  // namespace skidpad::fakes::kubelet
