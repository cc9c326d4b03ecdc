#include "harness/client/etcd/snapshot_check.hpp"

#include "harness/runtime/sha256.hpp"

namespace skidpad::client {

using runtime::Error;
using runtime::ErrorCode;

runtime::Result<void> check_snapshot(std::string_view bytes) {
  constexpr std::size_t hash_bytes = 32, page_bytes = 512;
  if (bytes.size() <= hash_bytes || bytes.size() % page_bytes != hash_bytes)
    return Error(ErrorCode::corrupt, "no etcd snapshot: " + std::to_string(bytes.size()) + " bytes are not whole pages and a hash");
  const std::string_view body = bytes.substr(0, bytes.size() - hash_bytes);
  if (runtime::bytes_of(runtime::sha256(body)) != bytes.substr(body.size())) return Error(ErrorCode::corrupt, "no whole etcd snapshot: its hash does not match");
  return runtime::success();
}

runtime::Result<void> check_snapshot(std::string_view bytes, std::string_view sha256_hex) {
  TRY(check_snapshot(bytes));
  if (!sha256_hex.empty() && runtime::to_hex(runtime::sha256(bytes)) != sha256_hex) return Error(ErrorCode::corrupt, "another snapshot than the one that was recorded");
  return runtime::success();
}

}  // namespace skidpad::client
