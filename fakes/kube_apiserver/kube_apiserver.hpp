/// @file kube_apiserver.hpp
/// The fake kube-apiserver as a program: the real one's flags, ports and exit codes; state in etcd alone.
/// Promise: a client that speaks the real wire protocol (kubectl, client-go in JSON) sees v1.32's answers; several of these side by side
/// over one etcd behave as one API.
/// Not modelled: webhooks, aggregation to other servers, priority and fairness, audit logs.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kube_apiserver {

runtime::Task<int> kube_apiserver_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::fakes::kube_apiserver
