/// @file api_writer.hpp
/// Clients that write through the API servers and remember what was acknowledged: ConfigMaps as registers, one key per client.
/// Promise: every request is recorded as put or get with its outcome; a lost answer is `unknown`, never `failed`.
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/history/recorder.hpp"

namespace skidpad::workload {

using runtime::Duration;
using runtime::Instant;
using runtime::Runtime;
using runtime::Task;

struct ApiWriterOptions {
  std::string workload = "api-writes";
  std::string namespace_name = "default";
  std::size_t client_index = 0;
  Duration every{};
  Duration timeout = std::chrono::seconds(5);
};

class ApiWriter {
 public:
  ApiWriter(Runtime& runtime, client::Kubeconfig config, history::Recorder& recorder, Instant start, ApiWriterOptions options);
  /// Writes and now and then reads back, until stopped.
  Task<void> run();
  /// A final read; asks until it is answered or `due`.
  Task<void> audit(Instant due);

 private:
  Task<void> put(std::string value);
  Task<bool> get();
  history::Operation begin(std::string operation) const;
  void finish(history::Operation operation, const runtime::Error* error);

  Runtime& runtime_;
  history::Recorder& recorder_;
  Instant start_;
  ApiWriterOptions options_;
  client::KubernetesClient client_;
  std::string key_;
  bool exists_ = false;
};

}  // namespace skidpad::workload
