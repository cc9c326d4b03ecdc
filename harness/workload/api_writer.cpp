#include "harness/workload/api_writer.hpp"

namespace skidpad::workload {
namespace {

using runtime::ErrorCode;
using namespace std::chrono_literals;

constexpr int writes_per_read = 5;

client::ClientOptions impatient(Duration timeout) {
  client::ClientOptions options;
  options.user_agent = "skidpad-api-writer";
  options.request_timeout = timeout;
  options.connect_timeout = timeout / 3;
  return options;
}

}  // namespace

ApiWriter::ApiWriter(Runtime& runtime, client::Kubeconfig config, history::Recorder& recorder, Instant start, ApiWriterOptions options)
    : runtime_(runtime),
      recorder_(recorder),
      start_(start),
      options_(std::move(options)),
      client_(runtime, std::move(config), impatient(options_.timeout)),
      key_("skidpad-writes-" + std::to_string(options_.client_index)) {}

Task<void> ApiWriter::run() {
  for (std::uint64_t count = 1;; ++count) {
    const Instant begun = runtime_.now();
    co_await put(std::to_string(count));
    if (count % writes_per_read == 0) co_await get();
    co_await runtime_.sleep_until(std::max(begun + options_.every, runtime_.now()));
  }
}

history::Operation ApiWriter::begin(std::string operation) const {
  history::Operation begun;
  begun.client = options_.workload + "-" + std::to_string(options_.client_index);
  begun.workload = options_.workload;
  begun.operation = std::move(operation);
  begun.target = "ConfigMap/" + options_.namespace_name;
  begun.key = key_;
  begun.call = runtime_.now() - start_;
  return begun;
}

void ApiWriter::finish(history::Operation operation, const runtime::Error* error) {
  operation.returned = runtime_.now() - start_;
  operation.outcome = history::Outcome::ok;
  if (error != nullptr) {
    operation.error = error->message;
    // A 5xx may have been said by a server whose write etcd carried out all the same.
    const bool unknown = runtime::effect_unknown(error->code) || error->http_status >= 500;
    operation.outcome = unknown ? history::Outcome::unknown : history::Outcome::failed;
  }
  recorder_.operation(operation);
}

Task<void> ApiWriter::put(std::string value) {
  Json object;
  object["apiVersion"] = "v1";
  object["kind"] = "ConfigMap";
  object["metadata"] = {{"name", key_}, {"namespace", options_.namespace_name}};
  object["data"] = {{"value", value}};
  history::Operation operation = begin("put");
  operation.value = std::move(value);
  // Without a resourceVersion the newest write wins: a register.
  auto written = exists_ ? client_.update(client::types::config_maps, object) : client_.create(client::types::config_maps, object);
  auto result = co_await std::move(written);
  const bool there = result || result.error().code == ErrorCode::already_exists;
  exists_ = exists_ || there;
  if (!result && result.error().code == ErrorCode::not_found) exists_ = false;
  finish(std::move(operation), result ? nullptr : &result.error());
}

Task<bool> ApiWriter::get() {
  history::Operation operation = begin("get");
  auto read = co_await client_.get(client::types::config_maps, options_.namespace_name, key_);
  const bool absent = !read && read.error().code == ErrorCode::not_found;
  if (read) operation.observed = runtime::text_at(read.value(), {"data", "value"});
  finish(std::move(operation), read || absent ? nullptr : &read.error());
  co_return read || absent;
}

Task<void> ApiWriter::audit(Instant due) {
  while (runtime_.now() < due) {
    const bool answered = co_await get();
    if (answered) co_return;
    co_await runtime_.sleep_for(100ms);
  }
}

}  // namespace skidpad::workload
