#include "fakes/etcd/snapshot_file.hpp"

#include "fakes/etcd/binary.hpp"
#include "harness/runtime/sha256.hpp"

namespace skidpad::fakes::etcd {

using runtime::Error;
using runtime::ErrorCode;

namespace {

constexpr std::string_view magic = "skidpad model of an etcd snapshot\n";
constexpr std::size_t page_bytes = 512;
constexpr std::size_t hash_bytes = 32;

}  // namespace

std::string write_snapshot_file(const AppliedState& state) {
  std::string text(magic);
  BinaryWriter out(text);
  out.bytes(state.save());
  // As they stand in a real one's bucket of members; nobody here reads them, but tools look for them.
  for (const auto& [id, member] : state.membership.members) {
    const Json stored = {{"peerURLs", member.peer_urls}, {"name", member.name}};
    text += "{\"id\":" + std::to_string(static_cast<std::uint64_t>(id)) + "," + stored.dump().substr(1);
  }
  text.resize((text.size() + page_bytes - 1) / page_bytes * page_bytes);
  text += runtime::bytes_of(runtime::sha256(text));
  return text;
}

runtime::Result<AppliedState> read_snapshot_file(std::string_view bytes, bool check_hash) {
  const bool has_hash = bytes.size() % page_bytes == hash_bytes;
  if (check_hash && !has_hash) return Error(ErrorCode::corrupt, "snapshot missing hash but --skip-hash-check=false");
  const std::string_view body = bytes.substr(0, bytes.size() - (has_hash ? hash_bytes : 0));
  if (check_hash && runtime::bytes_of(runtime::sha256(body)) != bytes.substr(body.size())) return Error(ErrorCode::corrupt, "expected sha256, got another");
  if (!body.starts_with(magic)) return Error(ErrorCode::corrupt, "invalid database");
  BinaryReader in(body.substr(magic.size()));
  const std::string_view saved = in.bytes();
  AppliedState state;
  if (in.failed() || !state.load(saved)) return Error(ErrorCode::corrupt, "invalid database");
  return state;
}

}  // namespace skidpad::fakes::etcd
