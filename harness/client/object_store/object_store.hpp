/// @file object_store.hpp
/// Where backups are kept: a bucket of any S3 server, or a directory (local, or mounted beforehand from elsewhere).
/// Promise: put() is all or nothing: an object cut short is never seen under its name; list() returns every page.
/// Errors: not_found; forbidden (credentials or rights); unavailable (server errors, full); refused, timeout, connection_lost; io.
#pragma once

#include "harness/client/object_store/signature.hpp"
#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::client {

struct StoredObject {
  StoredObject() {}
  std::string name;
  std::uint64_t size_bytes = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual runtime::Task<runtime::Result<void>> put(std::string name, std::string bytes) = 0;
  virtual runtime::Task<runtime::Result<std::string>> get(std::string name) = 0;
  /// Fine if it is not there.
  virtual runtime::Task<runtime::Result<void>> remove(std::string name) = 0;
  /// In name order.
  virtual runtime::Task<runtime::Result<std::vector<StoredObject>>> list(std::string prefix) = 0;
};

struct S3Options {
  S3Options() {}
  std::string endpoint;       ///< "http://10.0.0.1:9000" or "https://host"
  std::string region = "us-east-1";
  std::string bucket;         ///< addressed by path, which every S3 server understands
  S3Credentials credentials;
  std::string ca_pem;         ///< for https
  runtime::Duration timeout = std::chrono::seconds(60);
  std::int64_t page_size = 1000;
};
/// invalid if the endpoint is no URL; unavailable if its host name is unknown.
runtime::Task<runtime::Result<std::unique_ptr<ObjectStore>>> open_s3(runtime::Runtime& runtime, S3Options options);

std::unique_ptr<ObjectStore> open_directory(runtime::Runtime& runtime, std::string path);

}  // namespace skidpad::client
