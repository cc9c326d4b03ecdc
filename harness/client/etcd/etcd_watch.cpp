#include "harness/client/etcd/etcd_watch.hpp"

#include "harness/client/etcd/etcd_codec.hpp"
#include "harness/client/etcd/etcd_server.hpp"

namespace skidpad::client {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;
using runtime::Task;

namespace {

constexpr int backoff_factor_max = 8;

/// Errors that no other member and no later moment would mend.
bool ends_watch(ErrorCode code) {
  return code == ErrorCode::gone || code == ErrorCode::invalid || code == ErrorCode::unauthorized || code == ErrorCode::forbidden;
}

}  // namespace

struct EtcdWatch::State {
  State(EtcdClient& client, WatchRequest request) : client(client), request(std::move(request)), next_revision(this->request.start_revision) {}

  /// Closes the stream and turns to another member.
  void drop() {
    stream.reset();
    if (server) client.move_on_from(server);
    server.reset();
  }
  Error compacted(Revision revision) {
    compact_revision = revision;
    stream.reset();
    return Error(ErrorCode::gone, "watch from revision " + std::to_string(next_revision) + ": compacted up to " + std::to_string(revision));
  }
  /// What a cancelling line means for the watch.
  Error canceled(const WatchLine& line) {
    if (line.compact_revision > 0) return compacted(line.compact_revision);
    stream.reset();
    const bool no_leader = line.cancel_reason.find("no leader") != std::string::npos;
    return Error(no_leader ? ErrorCode::unavailable : ErrorCode::invalid, "watch cancelled by etcd: " + line.cancel_reason);
  }

  EtcdClient& client;
  WatchRequest request;
  Revision next_revision;
  Revision compact_revision = 0;
  std::uint64_t cluster_id = 0;
  std::size_t connection_count = 0;
  int backoff_factor = 1;
  std::shared_ptr<EtcdClient::Server> server;
  std::optional<runtime::HttpStream> stream;
};

EtcdWatch::EtcdWatch(EtcdClient& client, WatchRequest request) : state_(std::make_unique<State>(client, std::move(request))) {}
EtcdWatch::EtcdWatch(EtcdWatch&&) noexcept = default;
EtcdWatch& EtcdWatch::operator=(EtcdWatch&&) noexcept = default;
EtcdWatch::~EtcdWatch() = default;

Revision EtcdWatch::next_revision() const { return state_->next_revision; }
Revision EtcdWatch::compact_revision() const { return state_->compact_revision; }
std::size_t EtcdWatch::connection_count() const { return state_->connection_count; }

Task<Result<void>> EtcdWatch::connect_once(State& state) {
  EtcdClient& client = state.client;
  state.server = client.current_server();
  runtime::HttpRequest request;
  request.method = "POST";
  request.target = "/v3/watch";
  request.headers.set("Content-Type", "application/json");
  // gRPC metadata: etcd ends the stream when its member loses the leader, so a watch never hangs on a cut-off member.
  request.headers.set("Grpc-Metadata-Hasleader", "true");
  request.body = encode(state.request, state.next_revision);
  Result<runtime::HttpStream> opened = co_await state.server->http.open_stream(std::move(request));
  if (!opened) co_return std::move(opened.error());
  state.stream.emplace(std::move(opened.value()));
  ++state.connection_count;

  Result<std::optional<std::string>> first = co_await runtime::with_timeout(client.runtime_, client.options_.request_timeout,
                                                                            state.stream->read_line(), "the answer to a watch request");
  if (!first) co_return std::move(first.error());
  if (!first.value()) {
    Error ended(ErrorCode::connection_lost, "watch ended before it was created");
    co_return ended;
  }
  if (state.stream->status() != 200) co_return decode_error(state.stream->status(), *first.value(), "watch");
  Result<WatchLine> decoded = decode_watch_line(*first.value());
  if (!decoded) co_return std::move(decoded.error());
  WatchLine& line = decoded.value();
  if (line.error) co_return *std::move(line.error);
  if (line.canceled) co_return state.canceled(line);
  if (!line.created) {
    Error strange(ErrorCode::corrupt, "watch: the first line is not its creation");
    co_return strange;
  }
  if (state.cluster_id != 0 && line.header.cluster_id != state.cluster_id) {
    // A restored cluster counts revisions anew: going on would wait for revisions that mean something else.
    Error other(ErrorCode::gone, "watch: another etcd cluster answers now");
    state.stream.reset();
    co_return other;
  }
  state.cluster_id = line.header.cluster_id;
  if (state.next_revision == 0) state.next_revision = line.header.revision + 1;
  co_return runtime::success();
}

Task<Result<void>> EtcdWatch::connect(State& state) {
  for (;;) {
    Result<void> connected = co_await connect_once(state);
    if (connected) {
      state.backoff_factor = 1;
      co_return runtime::success();
    }
    if (ends_watch(connected.error().code)) {
      state.stream.reset();
      co_return std::move(connected.error());
    }
    state.drop();
    EtcdClient& client = state.client;
    // Spread clients that lost the same member.
    const runtime::Duration longest = client.options_.retry_interval * state.backoff_factor;
    const runtime::Duration pause = client.runtime_.random().between(longest / 2, longest);
    state.backoff_factor = std::min(2 * state.backoff_factor, backoff_factor_max);
    co_await client.runtime_.sleep_for(pause);
  }
}

Task<Result<void>> EtcdWatch::open() {
  State& state = *state_;
  if (state.stream) co_return runtime::success();
  co_return co_await connect(state);
}

Task<Result<WatchBatch>> EtcdWatch::next() { return next_of(*state_); }

Task<Result<WatchBatch>> EtcdWatch::next_of(State& state) {
  EtcdClient& client = state.client;
  for (;;) {
    if (!state.stream) {
      Result<void> connected = co_await connect(state);
      if (!connected) co_return std::move(connected.error());
    }
    Result<std::optional<std::string>> read = co_await runtime::with_timeout(client.runtime_, client.options_.watch_probe_interval,
                                                                             state.stream->read_line(), "the next event of a watch");
    if (!read && read.error().code == ErrorCode::timeout) {
      // Silence: from a quiet range or from a dead machine? TCP alone may not say for many minutes.
      Result<std::string> alive = co_await client.get_from(state.server, "/version");
      if (!alive) state.drop();
      continue;
    }
    if (!read || !read.value()) {
      state.drop();
      continue;
    }
    if (read.value()->empty()) continue;
    Result<WatchLine> decoded = decode_watch_line(*read.value());
    if (!decoded) {
      state.drop();
      continue;
    }
    WatchLine& line = decoded.value();
    if (line.canceled && !line.error) line.error = state.canceled(line);
    if (line.error) {
      if (ends_watch(line.error->code)) co_return *std::move(line.error);
      state.drop();
      continue;
    }
    if (line.created) continue;
    WatchBatch batch;
    if (line.events.empty()) {
      if (line.header.revision + 1 > state.next_revision) state.next_revision = line.header.revision + 1;
      if (!state.request.progress_notify) continue;
      batch.revision = state.next_revision - 1;
      co_return batch;
    }
    // A member may repeat nothing below the start revision; if one does, it is dropped here.
    std::erase_if(line.events, [&](const EtcdWatchEvent& event) { return event.kv.mod_revision < state.next_revision; });
    if (line.events.empty()) continue;
    batch.revision = line.events.back().kv.mod_revision;
    state.next_revision = batch.revision + 1;
    batch.events = std::move(line.events);
    co_return batch;
  }
}

}  // namespace skidpad::client
