/// @file register_traffic.hpp
/// Clients that write and read a few shared registers and record every request: where a write is acknowledged, it must stay.
/// Promise: every request is recorded as put or get with its outcome; a lost answer is `unknown`, never `failed`.
#pragma once

#include "harness/client/kubernetes/kubernetes_client.hpp"
#include "harness/history/recorder.hpp"

namespace skidpad::workload {

using runtime::Duration;
using runtime::Instant;
using runtime::Random;
using runtime::Result;
using runtime::Runtime;
using runtime::Task;

/// Something that keeps texts by key.
class Registers {
 public:
  virtual ~Registers() = default;
  virtual std::string target() const = 0;  ///< for people
  /// The store's revision of the write; 0 if the store names none.
  virtual Task<Result<std::int64_t>> put(std::string key, std::string value) = 0;
  /// None if there is no such key.
  virtual Task<Result<std::optional<std::string>>> get(std::string key) = 0;
};

/// ConfigMaps written through the API servers, last write wins.
std::unique_ptr<Registers> make_api_registers(Runtime& runtime, client::Kubeconfig config, std::string namespace_name, Duration timeout);
/// PUT and GET /kv/KEY of the workload image.
std::unique_ptr<Registers> make_http_registers(Runtime& runtime, std::vector<runtime::Endpoint> servers, Duration timeout);

struct RegisterTrafficOptions {
  std::string workload;      ///< begins the names of clients and keys
  std::size_t clients = 1;
  std::size_t keys = 10;
  Duration every{};          ///< from one request of a client to its next
};

class RegisterTraffic {
 public:
  RegisterTraffic(Runtime& runtime, history::Recorder& recorder, Instant start, Random random, RegisterTrafficOptions options,
                  std::function<std::unique_ptr<Registers>()> connect);
  /// Every key gets its first value; asks until it is answered or `due`.
  Task<void> prepare(Instant due);
  /// All clients, until stopped.
  Task<void> run();
  /// The final read of every key, by a client of its own; asks until it is answered or `due`.
  Task<void> audit(Instant due);
  /// The newest that an acknowledged write named; 0 before the first.
  std::int64_t revision_max() const { return revision_max_; }

 private:
  class Unanswered;
  Task<void> run_client(std::size_t index);
  Task<bool> put(Registers& registers, std::string client, std::string key, std::string value);
  Task<bool> get(Registers& registers, std::string client, std::string key);
  history::Operation begin(const Registers& registers, std::string client, std::string operation, std::string key) const;
  bool finish(history::Operation operation, const runtime::Error* error);
  std::string key(std::size_t index) const { return options_.workload + "-" + std::to_string(index); }

  Runtime& runtime_;
  history::Recorder& recorder_;
  Instant start_;
  Random random_;
  RegisterTrafficOptions options_;
  std::function<std::unique_ptr<Registers>()> connect_;
  std::int64_t revision_max_ = 0;
};

}  // namespace skidpad::workload
