/// @file peers.hpp
/// Connections between members: each dials every other once and keeps that stream for all it has to say to it.
/// Promise: what is sent while a stream is up arrives in order; what is sent otherwise is dropped and reported, as raft expects.
/// The frames are this model's own (length, kind, body); real etcd speaks HTTP here, but no client ever sees it.
#pragma once

#include <map>

#include "fakes/etcd/command.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::etcd {

/// What the owner hears.
class PeerEvents {
 public:
  virtual void on_message(Message message) = 0;
  virtual void on_unreachable(MemberId id) = 0;
  /// Another member says that we were removed from the cluster.
  virtual void on_removed() = 0;
  /// Answers a member's question (leases, promotion).
  virtual runtime::Task<std::string> answer(std::string question) = 0;
  /// The member list, for a joining member: encode_members().
  virtual std::string members_text() = 0;
  virtual bool is_removed(MemberId id) = 0;

 protected:
  ~PeerEvents() = default;
};

struct PeerOptions {
  PeerOptions() {}
  MemberId self{};
  std::uint64_t cluster_id = 0;
  std::optional<runtime::TlsClientOptions> tls;
  runtime::Duration connect_timeout = std::chrono::seconds(1);
  runtime::Duration retry_interval = std::chrono::milliseconds(100);
  /// A stream on which we speak but hear nothing back for so long is dialled anew.
  runtime::Duration silence_max = std::chrono::seconds(5);
};

class Peers {
 public:
  Peers(runtime::Runtime& runtime, PeerOptions options, PeerEvents& events);
  ~Peers();
  /// Dials who is new, forgets who is gone.
  void update(const std::vector<client::Member>& members);
  void send(const Message& message);
  /// None if there was no answer in time.
  runtime::Task<std::optional<std::string>> ask(MemberId to, std::string question, runtime::Instant due);
  runtime::Task<void> serve(std::unique_ptr<runtime::Listener> listener);
  /// Since when the member has been reachable; none if it is not.
  std::optional<runtime::Instant> active_since(MemberId id) const;
  runtime::Task<void> stop();

 private:
  struct Session;
  struct Peer;
  class Frames;
  runtime::Task<void> run_peer(std::shared_ptr<Peer> peer);
  runtime::Task<void> read_replies(std::shared_ptr<Peer> peer, std::shared_ptr<Session> session);
  runtime::Task<void> run_incoming(std::unique_ptr<runtime::Connection> connection);
  runtime::Task<void> answer_question(MemberId from, std::uint64_t number, std::string question);
  void push(Peer& peer, std::string_view frame);
  void disconnect(Peer& peer);

  runtime::Runtime& runtime_;
  PeerOptions options_;
  PeerEvents& events_;
  std::map<MemberId, std::shared_ptr<Peer>> peers_;
  std::map<MemberId, runtime::Connection*> incoming_;
  struct Question {
    runtime::Event answered;
    std::optional<std::string> text;
  };
  std::map<std::uint64_t, Question*> questions_;
  std::uint64_t question_next_ = 1;
  std::string scratch_;
  runtime::TaskGroup tasks_;
};

std::string encode_members(std::uint64_t cluster_id, const std::vector<client::Member>& members);
/// Asks one peer URL for the cluster it belongs to.
struct RemoteCluster {
  RemoteCluster() {}
  std::uint64_t cluster_id = 0;
  std::vector<client::Member> members;
};
runtime::Task<runtime::Result<RemoteCluster>> fetch_cluster(runtime::Runtime& runtime, std::string peer_url,
                                                            std::optional<runtime::TlsClientOptions> tls, runtime::Duration timeout);

/// "https://10.0.0.1:2380" -> endpoint and whether TLS is used.
struct PeerUrl {
  PeerUrl() {}
  runtime::Endpoint endpoint;
  bool tls = false;
};
runtime::Result<PeerUrl> parse_url(std::string_view url);

}  // namespace skidpad::fakes::etcd
