#include "fakes/kube_controller_manager/accounts.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

constexpr std::int64_t token_seconds = 3600;
constexpr Duration renew_interval = std::chrono::minutes(40);
constexpr Duration retry_interval = std::chrono::milliseconds(100);
constexpr int refreshed_together = 4;
const std::string account_namespace = "kube-system";

}  // namespace

client::KubernetesClient& Accounts::client(const std::string& name) {
  for (Account& account : accounts_) {
    if (account.name == name) return *account.client;
  }
  client::ClientOptions options;
  options.user_agent = "kube-controller-manager/v1.32.0 (linux/amd64) skidpad/" + name;
  accounts_.emplace_back();
  accounts_.back().name = name;
  accounts_.back().client = std::make_unique<client::KubernetesClient>(own_.runtime(), own_.config(), options);
  return *accounts_.back().client;
}

void Accounts::set_write_deadline(std::function<runtime::Instant()> deadline) {
  for (Account& account : accounts_) account.client->set_write_deadline(deadline);
}

Task<Result<void>> Accounts::refresh(Account& account) {
  Json request = Json::object();
  request["apiVersion"] = "authentication.k8s.io/v1";
  request["kind"] = "TokenRequest";
  request["spec"]["expirationSeconds"] = token_seconds;
  auto issued = co_await own_.subresource("POST", types::service_accounts, account_namespace, account.name, "token", request);
  if (!issued && issued.error().code == ErrorCode::not_found) {
    Json object = Json::object();
    object["metadata"]["name"] = account.name;
    object["metadata"]["namespace"] = account_namespace;
    auto created = co_await own_.create(types::service_accounts, std::move(object));
    if (!created && created.error().code != ErrorCode::already_exists) co_return created.error();
    issued = co_await own_.subresource("POST", types::service_accounts, account_namespace, account.name, "token", request);
  }
  if (!issued) co_return issued.error();
  client::Kubeconfig config = own_.config();
  config.certificate_pem.clear();
  config.key_pem.clear();
  config.token_file.clear();
  config.token = text_at(issued.value(), {"status", "token"});
  account.client->replace_config(std::move(config));
  co_return success();
}

Task<void> Accounts::wait_until_ready(Account& account) {
  for (;;) {
    auto refreshed = co_await refresh(account);
    if (refreshed) break;
    Json fields = Json::object();
    fields["account"] = account.name;
    fields["error"] = refreshed.error().message;
    own_.runtime().log().info("account_not_ready", fields);
    co_await own_.runtime().sleep_for(retry_interval);
  }
}

Task<void> Accounts::wait_for_next(std::list<Account>::iterator& next) {
  while (next != accounts_.end()) co_await wait_until_ready(*next++);
}

Task<void> Accounts::wait_until_ready() {
  // A few at a time: one after the other they would make a new leader late, all at once would take a connection each.
  auto next = accounts_.begin();
  runtime::TaskGroup group(co_await runtime::CurrentStop());
  for (int i = 0; i < refreshed_together; ++i) group.spawn("account", wait_for_next(next));
  co_await group.join();
}

Task<void> Accounts::renew() {
  for (;;) {
    co_await own_.runtime().sleep_for(renew_interval);
    co_await wait_until_ready();
  }
}

}  // namespace skidpad::fakes::kube_controller_manager
