/// @file etcd_server.hpp
/// One member as the client reaches it. Private to the etcd client's own sources.
#pragma once

#include "harness/client/etcd/etcd_client.hpp"

namespace skidpad::client {

struct EtcdClient::Server {
  Server(runtime::Runtime& runtime, runtime::Endpoint endpoint, runtime::HttpClientOptions options)
      : endpoint(std::move(endpoint)), http(runtime, std::move(options)) {}
  runtime::Endpoint endpoint;
  runtime::HttpClient http;
};

}  // namespace skidpad::client
