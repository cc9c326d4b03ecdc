#include "harness/workload/etcd_registers.hpp"

#include "harness/client/etcd/etcd_client.hpp"

namespace skidpad::workload {
namespace {

class EtcdRegisters final : public Registers {
 public:
  EtcdRegisters(Runtime& runtime, client::EtcdClientOptions options) : client_(runtime, std::move(options)) {}
  std::string target() const override { return "etcd"; }

  Task<Result<std::int64_t>> put(std::string key, std::string value) override {
    client::PutRequest request("traffic/" + key, std::move(value));
    auto written = co_await client_.put(std::move(request));
    if (!written) co_return written.error();
    co_return written.value().header.revision;
  }

  Task<Result<std::optional<std::string>>> get(std::string key) override {
    auto read = co_await client_.get("traffic/" + key);
    if (!read) co_return read.error();
    if (!read.value()) co_return std::optional<std::string>();
    co_return std::optional<std::string>(std::move(read.value()->value));
  }

 private:
  client::EtcdClient client_;
};

}  // namespace

std::unique_ptr<Registers> make_etcd_registers(Runtime& runtime, std::vector<runtime::Endpoint> endpoints, Duration timeout) {
  client::EtcdClientOptions options;
  options.endpoints = std::move(endpoints);
  options.request_timeout = timeout;
  options.connect_timeout = timeout / 5;
  return std::make_unique<EtcdRegisters>(runtime, std::move(options));
}

}  // namespace skidpad::workload
