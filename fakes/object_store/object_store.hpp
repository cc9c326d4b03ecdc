/// @file object_store.hpp
/// An object store with the S3 API as a program: buckets and objects by path-style addresses, signature version 4, XML answers.
/// Promise: an object is there whole or not at all, also after a crash; wrong signatures, old dates and altered bodies are refused
/// with S3's own error codes; lists come in pages.
/// Not offered: multipart uploads, versions, ACLs, virtual-hosted addresses, presigned URLs. An ETag is opaque, not an MD5.
/// Faults, for tests, by POST /-/faults with {"slow": "5s", "lie": true, "full": true, "refuse": true}, unsigned.
#pragma once

#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::object_store {

/// --listen ADDRESS:PORT, --data-dir, --bucket (made at start), --access-key-id, --secret-access-key, --region, --quota-bytes.
runtime::Task<int> object_store_main(runtime::Runtime& runtime, std::vector<std::string> arguments);

}  // namespace skidpad::fakes::object_store
