/// @file endpoint_chooser.hpp
/// Which endpoint the next connection goes to. Pure.
/// Promise: connections spread evenly (round robin from a random start); one that failed is passed over until it is known to
/// answer again; where all have failed, all are tried.
#pragma once

#include <set>
#include <vector>

#include "harness/runtime/network.hpp"
#include "harness/runtime/random.hpp"

namespace skidpad::fakes::kube_proxy {

class EndpointChooser {
 public:
  explicit EndpointChooser(runtime::Random random) : random_(random) {}
  /// Keeps what is known of endpoints that stay. Returns those that are gone.
  std::vector<runtime::Endpoint> replace(std::vector<runtime::Endpoint> endpoints);
  /// All endpoints in the order to try them for one connection: good ones in turn, failed ones last.
  std::vector<runtime::Endpoint> order();
  /// True if it was good before.
  bool failed(const runtime::Endpoint& endpoint);
  void answered(const runtime::Endpoint& endpoint) { failed_.erase(endpoint); }
  const std::set<runtime::Endpoint>& failed() const { return failed_; }
  const std::vector<runtime::Endpoint>& endpoints() const { return endpoints_; }

 private:
  runtime::Random random_;
  std::vector<runtime::Endpoint> endpoints_;
  std::set<runtime::Endpoint> failed_;
  std::size_t next_ = 0;
};

}  // namespace skidpad::fakes::kube_proxy
