#include "harness/workload/register_traffic.hpp"

#include <algorithm>
#include <charconv>

namespace skidpad::workload {
namespace {

using runtime::Error;
using runtime::ErrorCode;
using namespace std::chrono_literals;

class ApiRegisters final : public Registers {
 public:
  ApiRegisters(Runtime& runtime, client::Kubeconfig config, std::string namespace_name, client::ClientOptions options)
      : client_(runtime, std::move(config), std::move(options)), namespace_(std::move(namespace_name)) {}
  std::string target() const override { return "ConfigMap/" + namespace_; }

  Task<Result<std::int64_t>> put(std::string key, std::string value) override {
    Json object;
    object["apiVersion"] = "v1";
    object["kind"] = "ConfigMap";
    object["metadata"] = {{"name", key}, {"namespace", namespace_}};
    object["data"] = {{"value", value}};
    // Without a resourceVersion the newest write wins: a register.
    auto written = co_await client_.update(client::types::config_maps, object);
    if (!written && written.error().code == ErrorCode::not_found) written = co_await client_.create(client::types::config_maps, object);
    if (!written) co_return written.error();
    // Opaque to clients, but a judge may know that it is etcd's revision.
    const std::string version = runtime::text_at(written.value(), {"metadata", "resourceVersion"});
    std::int64_t revision = 0;
    std::from_chars(version.data(), version.data() + version.size(), revision);
    co_return revision;
  }

  Task<Result<std::optional<std::string>>> get(std::string key) override {
    auto read = co_await client_.get(client::types::config_maps, namespace_, std::move(key));
    if (read) co_return std::optional<std::string>(runtime::text_at(read.value(), {"data", "value"}));
    if (read.error().code == ErrorCode::not_found) co_return std::optional<std::string>();
    co_return read.error();
  }

 private:
  client::KubernetesClient client_;
  std::string namespace_;
};

class HttpRegisters final : public Registers {
 public:
  HttpRegisters(Runtime& runtime, runtime::HttpClientOptions options) : client_(runtime, std::move(options)) {}
  std::string target() const override { return "kv"; }

  Task<Result<std::int64_t>> put(std::string key, std::string value) override {
    auto answer = co_await ask("PUT", std::move(key), std::move(value));
    if (!answer) co_return answer.error();
    co_return std::int64_t{0};
  }

  Task<Result<std::optional<std::string>>> get(std::string key) override {
    auto answer = co_await ask("GET", std::move(key), "");
    if (answer) co_return std::optional<std::string>(std::move(answer.value()));
    if (answer.error().code == ErrorCode::not_found) co_return std::optional<std::string>();
    co_return answer.error();
  }

 private:
  Task<Result<std::string>> ask(std::string method, std::string key, std::string body) {
    runtime::HttpRequest request;
    request.method = std::move(method);
    request.target = "/kv/" + key;
    request.body = std::move(body);
    auto response = co_await client_.request(std::move(request));
    if (!response) co_return response.error();
    const int status = response.value().status;
    if (status >= 200 && status < 300) co_return std::move(response.value().body);
    const ErrorCode code = status == 404 ? ErrorCode::not_found : ErrorCode::unavailable;
    co_return Error(code, "answered " + std::to_string(status), status, "");
  }

  runtime::HttpClient client_;
};

}  // namespace

std::unique_ptr<Registers> make_api_registers(Runtime& runtime, client::Kubeconfig config, std::string namespace_name, Duration timeout) {
  client::ClientOptions options;
  options.user_agent = "skidpad-traffic";
  options.request_timeout = timeout;
  options.connect_timeout = timeout / 3;
  return std::make_unique<ApiRegisters>(runtime, std::move(config), std::move(namespace_name), std::move(options));
}

std::unique_ptr<Registers> make_http_registers(Runtime& runtime, std::vector<runtime::Endpoint> servers, Duration timeout) {
  runtime::HttpClientOptions options;
  options.servers = std::move(servers);
  options.request_timeout = timeout;
  options.connect_timeout = timeout / 3;
  return std::make_unique<HttpRegisters>(runtime, std::move(options));
}

RegisterTraffic::RegisterTraffic(Runtime& runtime, history::Recorder& recorder, Instant start, Random random, RegisterTrafficOptions options,
                                 std::function<std::unique_ptr<Registers>()> connect)
    : runtime_(runtime), recorder_(recorder), start_(start), random_(random), options_(std::move(options)), connect_(std::move(connect)) {}

Task<void> RegisterTraffic::prepare(Instant due) {
  const auto registers = connect_();
  for (std::size_t index = 0; index < options_.keys; ++index) {
    bool done = false;
    while (!done && runtime_.now() < due) {
      done = co_await put(*registers, options_.workload + "-setup", key(index), "0");
      if (!done) co_await runtime_.sleep_for(100ms);
    }
  }
}

Task<void> RegisterTraffic::run() {
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup clients(stop);
  for (std::size_t index = 0; index < options_.clients; ++index) clients.spawn(options_.workload, run_client(index));
  co_await clients.join();
}

Task<void> RegisterTraffic::run_client(std::size_t index) {
  const auto registers = connect_();
  const std::string client = options_.workload + "-" + std::to_string(index);
  Random random = random_.split(client);
  co_await runtime_.sleep_for(random.between(0ns, options_.every));
  for (std::uint64_t count = 1;; ++count) {
    const Instant begun = runtime_.now();
    const std::string chosen = key(random.below(options_.keys));
    if (random.below(2) == 0) {
      co_await get(*registers, client, chosen);
    } else {
      co_await put(*registers, client, chosen, std::to_string(index) + "." + std::to_string(count));
    }
    co_await runtime_.sleep_until(std::max(begun + options_.every, runtime_.now()));
  }
}

Task<void> RegisterTraffic::audit(Instant due) {
  const auto registers = connect_();
  for (std::size_t index = 0; index < options_.keys; ++index) {
    bool done = false;
    while (!done && runtime_.now() < due) {
      done = co_await get(*registers, options_.workload + "-audit", key(index));
      if (!done) co_await runtime_.sleep_for(100ms);
    }
  }
}

history::Operation RegisterTraffic::begin(const Registers& registers, std::string client, std::string operation, std::string key) const {
  history::Operation begun;
  begun.client = std::move(client);
  begun.workload = options_.workload;
  begun.operation = std::move(operation);
  begun.target = registers.target();
  begun.key = std::move(key);
  begun.call = runtime_.now() - start_;
  return begun;
}

/// Records a request that was given up half-way (the run ends): it may yet take effect, so it must not go unmentioned.
class RegisterTraffic::Unanswered {
 public:
  Unanswered(history::Recorder& recorder, const history::Operation& operation) : recorder_(recorder), operation_(&operation) {}
  Unanswered(const Unanswered&) = delete;
  ~Unanswered() {
    if (operation_ != nullptr) recorder_.operation(*operation_);
  }
  void answered() { operation_ = nullptr; }

 private:
  history::Recorder& recorder_;
  const history::Operation* operation_;  ///< its outcome is unknown until it is finished
};

bool RegisterTraffic::finish(history::Operation operation, const Error* error) {
  operation.returned = runtime_.now() - start_;
  operation.outcome = history::Outcome::ok;
  if (error != nullptr) {
    operation.error = error->message;
    // A 5xx may come from a server whose write was carried out all the same.
    const bool unknown = runtime::effect_unknown(error->code) || error->http_status >= 500;
    operation.outcome = unknown ? history::Outcome::unknown : history::Outcome::failed;
  }
  recorder_.operation(operation);
  return error == nullptr;
}

Task<bool> RegisterTraffic::put(Registers& registers, std::string client, std::string key, std::string value) {
  history::Operation operation = begin(registers, std::move(client), "put", key);
  operation.value = value;
  Unanswered unanswered(recorder_, operation);
  auto written = co_await registers.put(std::move(key), std::move(value));
  unanswered.answered();
  if (written && written.value() > 0) {
    operation.revision = written.value();
    revision_max_ = std::max(revision_max_, written.value());
  }
  co_return finish(std::move(operation), written ? nullptr : &written.error());
}

Task<bool> RegisterTraffic::get(Registers& registers, std::string client, std::string key) {
  history::Operation operation = begin(registers, std::move(client), "get", key);
  Unanswered unanswered(recorder_, operation);
  auto read = co_await registers.get(std::move(key));
  unanswered.answered();
  if (read) operation.observed = read.value();
  co_return finish(std::move(operation), read ? nullptr : &read.error());
}

}  // namespace skidpad::workload
