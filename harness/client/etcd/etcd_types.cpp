#include "harness/client/etcd/etcd_types.hpp"

#include <charconv>

namespace skidpad::client {
namespace {

const std::string zero_byte(1, '\0');

template <class Request>
Request interval_of(std::string key, std::string end) {
  Request request;
  // An empty key alone is a mistake that etcd shall see; as the start of an interval it means the first key.
  request.key = key.empty() && !end.empty() ? zero_byte : std::move(key);
  request.range_end = std::move(end);
  return request;
}

template <class Request>
Request prefix_of(std::string_view prefix) {
  return interval_of<Request>(std::string(prefix), prefix_end(prefix));
}

Compare compare_number(Compare::Target target, std::string key, std::int64_t number, Compare::Relation relation) {
  Compare compare;
  compare.target = target;
  compare.relation = relation;
  compare.key = std::move(key);
  compare.number = number;
  return compare;
}

}  // namespace

std::string to_text(MemberId id) {
  char buffer[20];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<std::uint64_t>(id), 16).ptr;
  return std::string(buffer, end);
}

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    if (static_cast<unsigned char>(end.back()) != 0xff) {
      ++end.back();
      return end;
    }
    end.pop_back();
  }
  return zero_byte;
}

RangeRequest RangeRequest::one(std::string key) { return interval_of<RangeRequest>(std::move(key), ""); }
RangeRequest RangeRequest::prefix(std::string_view prefix) { return prefix_of<RangeRequest>(prefix); }
RangeRequest RangeRequest::interval(std::string key, std::string end) { return interval_of<RangeRequest>(std::move(key), std::move(end)); }
DeleteRequest DeleteRequest::one(std::string key) { return interval_of<DeleteRequest>(std::move(key), ""); }
DeleteRequest DeleteRequest::prefix(std::string_view prefix) { return prefix_of<DeleteRequest>(prefix); }
DeleteRequest DeleteRequest::interval(std::string key, std::string end) { return interval_of<DeleteRequest>(std::move(key), std::move(end)); }
WatchRequest WatchRequest::one(std::string key) { return interval_of<WatchRequest>(std::move(key), ""); }
WatchRequest WatchRequest::prefix(std::string_view prefix) { return prefix_of<WatchRequest>(prefix); }
WatchRequest WatchRequest::interval(std::string key, std::string end) { return interval_of<WatchRequest>(std::move(key), std::move(end)); }

Compare Compare::version(std::string key, std::int64_t version, Relation relation) {
  return compare_number(Target::version, std::move(key), version, relation);
}
Compare Compare::create_revision(std::string key, Revision revision, Relation relation) {
  return compare_number(Target::create_revision, std::move(key), revision, relation);
}
Compare Compare::mod_revision(std::string key, Revision revision, Relation relation) {
  return compare_number(Target::mod_revision, std::move(key), revision, relation);
}
Compare Compare::value(std::string key, std::string value, Relation relation) {
  Compare compare = compare_number(Target::value, std::move(key), 0, relation);
  compare.bytes = std::move(value);
  return compare;
}

TxnOperation::TxnOperation(TxnRequest request) : kind(Kind::txn) { txn.push_back(std::move(request)); }

}  // namespace skidpad::client
