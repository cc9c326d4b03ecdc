/// @file service_table.hpp
/// From Services and EndpointSlices to what this node listens on and what its DNS answers. Pure.
/// Promise: endpoints are those that are ready, or, where none is, those that still serve while they terminate (as the real proxy).
/// Limits: TCP only; no session affinity; no LoadBalancer addresses.
#pragma once

#include "fakes/kube_proxy/dns_message.hpp"
#include "harness/client/kubernetes/informer.hpp"
#include "harness/runtime/network.hpp"

namespace skidpad::fakes::kube_proxy {

using runtime::Endpoint;

/// Index on EndpointSlices: the Service they belong to, "NS/NAME".
inline constexpr char by_service[] = "by-service";
void add_service_index(client::Store& slices);

/// Where to listen -> where to forward to, in order of address.
using ServiceTable = std::map<Endpoint, std::vector<Endpoint>>;
/// @param node_address  where node ports are
/// @param node_name     for internalTrafficPolicy and externalTrafficPolicy Local
ServiceTable make_service_table(const client::Store& services, const client::Store& slices, const std::string& node_address, const std::string& node_name);

/// Addresses of the API servers as the default/kubernetes slices have them; empty if they have none.
std::vector<Endpoint> apiserver_endpoints(const client::Store& slices);

/// The records of one name of the cluster's zone.
class DnsZone {
 public:
  DnsZone(const client::Store& services, const client::Store& slices, std::string zone) : services_(services), slices_(slices), zone_(std::move(zone)) {}
  DnsAnswer answer(const DnsQuestion& question) const;
  const std::string& zone() const { return zone_; }

 private:
  DnsAnswer service_answer(const DnsQuestion& question, const std::vector<std::string>& labels) const;
  std::vector<std::string> addresses(const Json& service, const std::string& hostname) const;
  void add_srv(const DnsQuestion& question, const Json& service, const std::string& port, const std::string& protocol, DnsAnswer& answer) const;
  const client::Store& services_;
  const client::Store& slices_;
  std::string zone_;
};

}  // namespace skidpad::fakes::kube_proxy
