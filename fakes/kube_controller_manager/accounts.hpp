/// @file accounts.hpp
/// Clients that act as service accounts of kube-system, one for each controller, with tokens renewed before they end.
/// As kube-controller-manager --use-service-account-credentials: each controller has only its own role's rights.
#pragma once

#include <list>

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

class Accounts {
 public:
  explicit Accounts(client::KubernetesClient& own) : own_(own) {}
  /// The client of an account; usable once wait_until_ready() is over. The same name gives the same client.
  client::KubernetesClient& client(const std::string& account);
  void set_write_deadline(std::function<runtime::Instant()> deadline);
  /// Makes the accounts there are not and gets everyone's first token; tries until it works.
  Task<void> wait_until_ready();
  /// Renews tokens for ever.
  Task<void> renew();

 private:
  struct Account {
    std::string name;
    std::unique_ptr<client::KubernetesClient> client;
  };
  Task<Result<void>> refresh(Account& account);
  Task<void> wait_until_ready(Account& account);
  Task<void> wait_for_next(std::list<Account>::iterator& next);
  client::KubernetesClient& own_;
  std::list<Account> accounts_;
};

}  // namespace skidpad::fakes::kube_controller_manager
