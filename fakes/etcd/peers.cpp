#include "fakes/etcd/peers.hpp"

#include "fakes/etcd/binary.hpp"

namespace skidpad::fakes::etcd {

using runtime::Connection;
using runtime::Duration;
using runtime::Endpoint;
using runtime::Error;
using runtime::ErrorCode;
using runtime::Instant;
using runtime::Result;
using runtime::Task;

namespace {

enum class FrameKind : char { hello = 1, raft, question, answer, removed, mismatch, members_request, members, alive };
constexpr std::size_t frame_bytes_max = 512u << 20;
/// What may wait for one slow stream; beyond it the stream counts as lost.
constexpr std::size_t queue_bytes_max = 64u << 20;

/// Appends a frame whose body `fill` writes.
template <class Fill>
void append_frame(std::string& out, FrameKind kind, Fill fill) {
  const std::size_t start = out.size();
  out.append(4, '\0');
  out += static_cast<char>(kind);
  fill(out);
  const std::size_t size = out.size() - start - 4;
  for (std::size_t i = 0; i < 4; ++i) out[start + i] = static_cast<char>(size >> (8 * i));
}

std::string frame(FrameKind kind, std::string_view body) {
  std::string out;
  append_frame(out, kind, [&](std::string& text) { text += body; });
  return out;
}

}  // namespace

/// Cuts a stream into frames.
class Peers::Frames {
 public:
  explicit Frames(Connection& connection) : connection_(connection) {}
  /// The kind; body() is valid until the next call. False when the stream has ended.
  Task<bool> next() {
    buffer_.erase(0, consumed_);
    consumed_ = 0;
    for (;;) {
      if (buffer_.size() >= 5) {
        std::size_t size = 0;
        for (std::size_t i = 0; i < 4; ++i) size |= std::size_t{static_cast<unsigned char>(buffer_[i])} << (8 * i);
        if (size == 0 || size > frame_bytes_max) co_return false;
        if (buffer_.size() >= 4 + size) {
          kind_ = static_cast<FrameKind>(buffer_[4]);
          consumed_ = 4 + size;
          co_return true;
        }
      }
      Result<std::string> bytes = co_await connection_.read_some();
      if (!bytes || bytes.value().empty()) co_return false;
      if (buffer_.empty()) buffer_ = std::move(bytes.value());
      else buffer_ += bytes.value();
    }
  }
  FrameKind kind() const { return kind_; }
  std::string_view body() const { return std::string_view(buffer_).substr(5, consumed_ - 5); }

 private:
  Connection& connection_;
  std::string buffer_;
  std::size_t consumed_ = 0;
  FrameKind kind_ = FrameKind::hello;
};

struct Peers::Session {
  explicit Session(std::unique_ptr<Connection> connection) : connection(std::move(connection)) {}
  std::unique_ptr<Connection> connection;
  bool closed = false;
};

struct Peers::Peer {
  MemberId id{};
  std::vector<std::string> urls;
  std::size_t url_next = 0;
  bool gone = false;
  std::shared_ptr<Session> session;  ///< null while not connected
  std::string queue;
  runtime::Event changed;
  Instant connected_at{};
  Instant heard_at{};
};

Peers::Peers(runtime::Runtime& runtime, PeerOptions options, PeerEvents& events)
    : runtime_(runtime), options_(std::move(options)), events_(events), tasks_(runtime.stop()) {}
Peers::~Peers() = default;

Task<void> Peers::stop() { co_await tasks_.stop_and_join(); }

void Peers::update(const std::vector<client::Member>& members) {
  for (auto at = peers_.begin(); at != peers_.end();) {
    const bool kept = std::any_of(members.begin(), members.end(), [&](const client::Member& member) { return member.id == at->first; });
    if (kept) {
      ++at;
      continue;
    }
    at->second->gone = true;
    at->second->changed.notify_all();
    at = peers_.erase(at);
  }
  for (const client::Member& member : members) {
    if (member.id == options_.self) continue;
    if (const auto found = peers_.find(member.id); found != peers_.end()) {
      found->second->urls = member.peer_urls;
      continue;
    }
    auto peer = std::make_shared<Peer>();
    peer->id = member.id;
    peer->urls = member.peer_urls;
    peers_[member.id] = peer;
    tasks_.spawn("peer " + to_text(member.id), run_peer(peer));
  }
}

void Peers::disconnect(Peer& peer) {
  if (!peer.session) return;
  peer.session->connection->close();
  peer.session.reset();
  peer.queue.clear();
  events_.on_unreachable(peer.id);
  peer.changed.notify_all();
}

void Peers::push(Peer& peer, std::string_view text) {
  const bool was_empty = peer.queue.empty();
  peer.queue += text;
  if (was_empty) peer.changed.notify_all();
}

void Peers::send(const Message& message) {
  const auto found = peers_.find(message.to);
  if (found == peers_.end()) return;
  Peer& peer = *found->second;
  if (peer.session && peer.queue.size() > queue_bytes_max) disconnect(peer);
  if (!peer.session) {
    events_.on_unreachable(message.to);
    return;
  }
  scratch_.clear();
  append_frame(scratch_, FrameKind::raft, [&](std::string& out) { encode_message(out, message); });
  push(peer, scratch_);
}

Task<std::optional<std::string>> Peers::ask(MemberId to, std::string text, Instant due) {
  std::optional<std::string> nothing;
  const auto found = peers_.find(to);
  if (found == peers_.end() || !found->second->session) co_return nothing;
  Question question;
  const std::uint64_t number = question_next_++;
  questions_[number] = &question;
  struct Forget {
    ~Forget() { questions.erase(number); }
    std::map<std::uint64_t, Question*>& questions;
    std::uint64_t number;
  };
  const Forget forget{questions_, number};
  std::string out;
  append_frame(out, FrameKind::question, [&](std::string& body) {
    BinaryWriter writer(body);
    writer.number(number);
    writer.bytes(text);
  });
  push(*found->second, out);
  co_await question.answered.wait_until(runtime_, due);
  co_return std::move(question.text);
}

std::optional<Instant> Peers::active_since(MemberId id) const {
  const auto found = peers_.find(id);
  if (found == peers_.end() || !found->second->session) return std::nullopt;
  return found->second->connected_at;
}

Task<void> Peers::run_peer(std::shared_ptr<Peer> peer) {
  Duration pause = options_.retry_interval;
  while (!peer->gone) {
    if (peer->urls.empty()) co_return;
    Result<PeerUrl> url = parse_url(peer->urls[peer->url_next++ % peer->urls.size()]);
    if (!url) co_return;
    runtime::ConnectOptions dial;
    dial.to = url.value().endpoint;
    if (url.value().tls) dial.tls = options_.tls ? *options_.tls : runtime::TlsClientOptions();
    dial.timeout = options_.connect_timeout;
    Result<std::unique_ptr<Connection>> connected = co_await runtime_.network().connect(std::move(dial));
    if (!connected) {
      co_await peer->changed.wait_for(runtime_, pause);
      pause = std::min(2 * pause, 5 * options_.retry_interval);
      continue;
    }
    auto session = std::make_shared<Session>(std::move(connected.value()));
    peer->queue.clear();
    append_frame(peer->queue, FrameKind::hello, [&](std::string& out) {
      BinaryWriter writer(out);
      writer.number(options_.cluster_id);
      writer.number(static_cast<std::uint64_t>(options_.self));
      writer.number(static_cast<std::uint64_t>(peer->id));
    });
    peer->session = session;
    peer->connected_at = runtime_.now();
    tasks_.spawn("replies of " + to_text(peer->id), read_replies(peer, session));
    const Instant started = runtime_.now();
    while (!peer->gone && peer->session == session && !session->closed) {
      if (peer->queue.empty()) {
        const bool woken = co_await peer->changed.wait_for(runtime_, options_.silence_max / 3);
        if (woken || peer->session != session || !peer->queue.empty()) continue;
        // Neither side may take a cut link or a machine without power for a quiet friend.
        if (runtime_.now() - std::max(peer->heard_at, peer->connected_at) > options_.silence_max) break;
        peer->queue += frame(FrameKind::alive, "");
      } else if (runtime_.now() - std::max(peer->heard_at, peer->connected_at) > options_.silence_max) {
        break;
      }
      std::string bytes = std::move(peer->queue);
      peer->queue.clear();
      Result<void> written = co_await session->connection->write(std::move(bytes));
      if (!written) break;
    }
    session->connection->close();
    if (peer->session == session) {
      peer->session.reset();
      peer->queue.clear();
      events_.on_unreachable(peer->id);
    }
    if (runtime_.now() - started > options_.silence_max) pause = options_.retry_interval;
    if (!peer->gone) co_await peer->changed.wait_for(runtime_, pause);
    pause = std::min(2 * pause, 5 * options_.retry_interval);
  }
}

Task<void> Peers::read_replies(std::shared_ptr<Peer> peer, std::shared_ptr<Session> session) {
  Frames frames(*session->connection);
  while (co_await frames.next()) {
    if (frames.kind() == FrameKind::removed) events_.on_removed();
    if (frames.kind() == FrameKind::mismatch) {
      runtime_.log().warning("request_sent_was_ignored_cluster_id_mismatch", {{"peer", to_text(peer->id)}});
    }
  }
  session->closed = true;
  peer->changed.notify_all();
}

Task<void> Peers::serve(std::unique_ptr<runtime::Listener> listener) {
  for (;;) {
    Result<std::unique_ptr<Connection>> accepted = co_await listener->accept();
    if (!accepted) co_return;
    tasks_.spawn("incoming peer", run_incoming(std::move(accepted.value())));
  }
}

Task<void> Peers::run_incoming(std::unique_ptr<Connection> connection) {
  Frames frames(*connection);
  if (!co_await frames.next()) co_return;
  if (frames.kind() == FrameKind::members_request) {
    (void)co_await connection->write(frame(FrameKind::members, events_.members_text()));
    // The asker closes first, or its answer might be lost with our end.
    (void)co_await frames.next();
    co_return;
  }
  if (frames.kind() != FrameKind::hello) co_return;
  BinaryReader hello(frames.body());
  const std::uint64_t cluster_id = hello.number();
  const MemberId from{hello.number()};
  const MemberId to{hello.number()};
  if (hello.failed()) co_return;
  const bool wrong = cluster_id != options_.cluster_id || to != options_.self;
  if (wrong || events_.is_removed(from)) {
    (void)co_await connection->write(frame(wrong ? FrameKind::mismatch : FrameKind::removed, ""));
    (void)co_await frames.next();
    co_return;
  }
  // A member has one stream to us: a new one means that the old one is dead.
  if (const auto old = incoming_.find(from); old != incoming_.end()) old->second->close();
  incoming_[from] = connection.get();
  struct Forget {
    ~Forget() {
      if (const auto found = incoming.find(from); found != incoming.end() && found->second == connection) incoming.erase(found);
    }
    std::map<MemberId, Connection*>& incoming;
    MemberId from;
    Connection* connection;
  };
  const Forget forget{incoming_, from, connection.get()};
  while (co_await frames.next()) {
    if (const auto peer = peers_.find(from); peer != peers_.end()) peer->second->heard_at = runtime_.now();
    if (events_.is_removed(from)) {
      (void)co_await connection->write(frame(FrameKind::removed, ""));
      (void)co_await frames.next();
      co_return;
    }
    if (frames.kind() == FrameKind::raft) {
      Message message;
      if (!decode_message(frames.body(), message)) co_return;
      if (message.to == options_.self) events_.on_message(std::move(message));
    } else if (frames.kind() == FrameKind::question) {
      BinaryReader in(frames.body());
      const std::uint64_t number = in.number();
      std::string question(in.bytes());
      tasks_.spawn("answer", answer_question(from, number, std::move(question)));
    } else if (frames.kind() == FrameKind::answer) {
      BinaryReader in(frames.body());
      const auto question = questions_.find(in.number());
      if (question != questions_.end()) {
        question->second->text = std::string(in.bytes());
        question->second->answered.set();
      }
    }
  }
}

Task<void> Peers::answer_question(MemberId from, std::uint64_t number, std::string question) {
  const std::string text = co_await events_.answer(std::move(question));
  const auto peer = peers_.find(from);
  if (peer == peers_.end() || !peer->second->session) co_return;
  std::string out;
  append_frame(out, FrameKind::answer, [&](std::string& body) {
    BinaryWriter writer(body);
    writer.number(number);
    writer.bytes(text);
  });
  push(*peer->second, out);
}

std::string encode_members(std::uint64_t cluster_id, const std::vector<client::Member>& members) {
  std::string text;
  BinaryWriter out(text);
  out.number(cluster_id);
  out.number(members.size());
  for (const client::Member& member : members) write_member(out, member);
  return text;
}

namespace {
Task<Result<RemoteCluster>> exchange_members(runtime::Runtime& runtime, PeerUrl url, std::optional<runtime::TlsClientOptions> tls, Duration timeout) {
  runtime::ConnectOptions dial;
  dial.to = url.endpoint;
  if (url.tls) dial.tls = tls ? *tls : runtime::TlsClientOptions();
  dial.timeout = timeout;
  Result<std::unique_ptr<Connection>> connected = co_await runtime.network().connect(std::move(dial));
  if (!connected) co_return std::move(connected.error());
  Connection& connection = *connected.value();
  Result<void> written = co_await connection.write(frame(FrameKind::members_request, ""));
  if (!written) co_return std::move(written.error());
  std::string text;
  for (;;) {
    Result<std::string> bytes = co_await connection.read_some();
    if (!bytes) co_return std::move(bytes.error());
    if (bytes.value().empty()) break;
    text += bytes.value();
    std::size_t size = 0;
    if (text.size() < 5) continue;
    for (std::size_t i = 0; i < 4; ++i) size |= std::size_t{static_cast<unsigned char>(text[i])} << (8 * i);
    if (text.size() < 4 + size) continue;
    RemoteCluster cluster;
    BinaryReader in(std::string_view(text).substr(5));
    cluster.cluster_id = in.number();
    for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) cluster.members.push_back(read_member(in));
    if (in.failed()) break;
    co_return cluster;
  }
  Error error(ErrorCode::corrupt, "no member list from " + to_text(url.endpoint));
  co_return error;
}
}  // namespace

Task<Result<RemoteCluster>> fetch_cluster(runtime::Runtime& runtime, std::string peer_url, std::optional<runtime::TlsClientOptions> tls, Duration timeout) {
  Result<PeerUrl> url = parse_url(peer_url);
  if (!url) co_return std::move(url.error());
  co_return co_await runtime::with_timeout(runtime, timeout, exchange_members(runtime, url.value(), std::move(tls), timeout), "asking " + peer_url + " for its cluster");
}

Result<PeerUrl> parse_url(std::string_view text) {
  PeerUrl url;
  std::string_view rest;
  if (text.starts_with("http://")) {
    rest = text.substr(7);
  } else if (text.starts_with("https://")) {
    rest = text.substr(8);
    url.tls = true;
  } else {
    return Error(ErrorCode::invalid, "URL scheme must be http, https, unix, or unixs: " + std::string(text));
  }
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return Error(ErrorCode::invalid, "URL address does not have the form \"host:port\": " + std::string(text));
  std::uint64_t port = 0;
  for (const char c : rest.substr(colon + 1)) {
    if (c < '0' || c > '9' || port > 65535) return Error(ErrorCode::invalid, "URL must not contain a path: " + std::string(text));
    port = port * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (port == 0 || port > 65535) return Error(ErrorCode::invalid, "URL has a bad port: " + std::string(text));
  url.endpoint.address = std::string(rest.substr(0, colon));
  if (url.endpoint.address == "localhost") url.endpoint.address = "127.0.0.1";
  url.endpoint.port = static_cast<std::uint16_t>(port);
  return url;
}

}  // namespace skidpad::fakes::etcd
