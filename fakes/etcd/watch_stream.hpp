/// @file watch_stream.hpp
/// One client's watch stream: its watchers, from their start revision to now and on.
/// Promise: each watcher gets every matching change once, in revision order, the changes of one revision in one line; a watcher that
/// falls behind a compaction is cancelled with the compacted revision. Nothing is queued per client: a slow one reads from the store.
#pragma once

#include "fakes/etcd/server.hpp"
#include "harness/client/etcd/etcd_json.hpp"
#include "harness/runtime/http/http_server.hpp"

namespace skidpad::fakes::etcd {

class WatchStream final : private ChangeListener {
 public:
  WatchStream(Server& server, bool needs_leader);
  /// Serves the requests of the body until the client goes away.
  runtime::Task<void> run(std::string body, runtime::HttpResponder& responder);

 private:
  struct Watcher {
    Watcher() {}
    std::int64_t id = 0;
    std::string key;
    std::string range_end;
    bool prev_kv = false;
    bool no_put = false;
    bool no_delete = false;
    bool progress_notify = false;
    Revision start_revision = 0;
    std::uint64_t cursor = 0;  ///< everything before this change is delivered or does not match
    bool behind = false;       ///< something at or after the cursor matches
    bool matches(const Change& change) const;
  };
  void on_change(const Change& change, std::uint64_t number) override;
  void on_leader_lost() override;
  /// Answers the create, cancel and progress requests in the body.
  bool read_requests(const std::string& body, std::string& out);
  void create(client::JsonScanner& in, std::string& out);
  bool deliver(Watcher& watcher, std::string& out);
  void append_line(std::string& out, const Watcher& watcher, Revision revision, std::string_view rest);
  client::EtcdHeader header(Revision revision) const;

  Server& server_;
  bool needs_leader_;
  bool leader_lost_ = false;
  std::map<std::int64_t, Watcher> watchers_;
  std::int64_t id_next_ = 0;
  runtime::Event wake_;
};

}  // namespace skidpad::fakes::etcd
