#include "fakes/kube_proxy/endpoint_chooser.hpp"

#include <algorithm>

namespace skidpad::fakes::kube_proxy {

using runtime::Endpoint;

std::vector<Endpoint> EndpointChooser::replace(std::vector<Endpoint> endpoints) {
  std::sort(endpoints.begin(), endpoints.end());
  endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
  std::vector<Endpoint> gone;
  std::set_difference(endpoints_.begin(), endpoints_.end(), endpoints.begin(), endpoints.end(), std::back_inserter(gone));
  if (endpoints_.empty() && !endpoints.empty()) next_ = random_.below(endpoints.size());
  endpoints_ = std::move(endpoints);
  for (const Endpoint& endpoint : gone) failed_.erase(endpoint);
  return gone;
}

std::vector<Endpoint> EndpointChooser::order() {
  std::vector<Endpoint> order;
  if (endpoints_.empty()) return order;
  // The turn counts good ones only: otherwise the one behind a failed endpoint would get its share too.
  std::vector<Endpoint> failed;
  for (const Endpoint& endpoint : endpoints_) (failed_.contains(endpoint) ? failed : order).push_back(endpoint);
  const std::size_t turn = next_++;
  if (!order.empty()) std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(turn % order.size()), order.end());
  if (!failed.empty()) std::rotate(failed.begin(), failed.begin() + static_cast<std::ptrdiff_t>(turn % failed.size()), failed.end());
  order.insert(order.end(), failed.begin(), failed.end());
  return order;
}

bool EndpointChooser::failed(const Endpoint& endpoint) {
  if (!std::binary_search(endpoints_.begin(), endpoints_.end(), endpoint)) return false;
  return failed_.insert(endpoint).second;
}

}  // namespace skidpad::fakes::kube_proxy
