#include "controllers/node_healer/state_store.hpp"

namespace skidpad::controllers::node_healer {

using runtime::ErrorCode;

namespace {
constexpr char data_key[] = "state.json";
}

Task<Result<HealerState>> StateStore::load() {
  object_ = nullptr;
  auto read = co_await client_.get(client::types::config_maps, namespace_, name_);
  if (!read && read.error().code == ErrorCode::not_found) co_return HealerState();
  if (!read) co_return read.error();
  const std::string text = runtime::text_at(read.value(), {"data", data_key});
  auto json = runtime::parse_json(text);
  if (!json) co_return runtime::wrap(json.error(), "ConfigMap " + namespace_ + "/" + name_);
  auto state = healer_state_from_json(json.value());
  if (!state) co_return runtime::wrap(state.error(), "ConfigMap " + namespace_ + "/" + name_);
  object_ = std::move(read.value());
  co_return std::move(state.value());
}

Task<Result<void>> StateStore::save(HealerState state) {
  Json object = object_;
  const bool exists = !object.is_null();
  object["metadata"]["name"] = name_;
  object["metadata"]["namespace"] = namespace_;
  object["data"][data_key] = to_json(state).dump();
  auto writing = exists ? client_.update(client::types::config_maps, std::move(object)) : client_.create(client::types::config_maps, std::move(object));
  auto written = co_await std::move(writing);
  if (!written) co_return written.error();
  object_ = std::move(written.value());
  co_return runtime::success();
}

Task<bool> StateStore::reachable() {
  auto read = co_await client_.get(client::types::config_maps, namespace_, name_);
  co_return read.has_value() || read.error().code == ErrorCode::not_found;
}

}  // namespace skidpad::controllers::node_healer
