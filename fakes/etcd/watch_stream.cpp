#include "fakes/etcd/watch_stream.hpp"

#include "fakes/etcd/gateway_codec.hpp"

namespace skidpad::fakes::etcd {

using client::JsonArray;
using client::JsonObject;
using client::JsonScanner;
using runtime::Instant;
using runtime::Result;
using runtime::Task;

namespace {
/// A line holds at most so many events, but never splits a revision.
constexpr std::size_t line_events_max = 1000;
constexpr std::string_view no_leader_line =
    "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\",\"http_status\":\"Service Unavailable\"}}\n";
}  // namespace

namespace {
/// A stream waits for one event only; the client's leaving must be part of it.
Task<void> forward(runtime::Event& from, runtime::Event& to) {
  co_await from.wait();
  to.notify_all();
}
}  // namespace

WatchStream::WatchStream(Server& server, bool needs_leader) : server_(server), needs_leader_(needs_leader) { server_.add_listener(*this); }

bool WatchStream::Watcher::matches(const Change& change) const {
  if (change.kv->mod_revision < start_revision) return false;
  if (change.removed() ? no_delete : no_put) return false;
  return in_range(change.kv->key, key, range_end);
}

void WatchStream::on_change(const Change& change, std::uint64_t number) {
  bool matched = false;
  for (auto& [id, watcher] : watchers_) {
    if (watcher.behind || !watcher.matches(change)) continue;
    watcher.behind = true;
    watcher.cursor = number;
    matched = true;
  }
  if (matched) wake_.notify_all();
}

void WatchStream::on_leader_lost() {
  if (!needs_leader_) return;
  leader_lost_ = true;
  wake_.notify_all();
}

client::EtcdHeader WatchStream::header(Revision revision) const {
  client::EtcdHeader header;
  header.cluster_id = server_.state().membership.cluster_id;
  header.member_id = server_.raft().id();
  header.revision = revision;
  header.raft_term = server_.raft().term();
  return header;
}

void WatchStream::append_line(std::string& out, const Watcher& watcher, Revision revision, std::string_view rest) {
  out += "{\"result\":";
  {
    JsonObject result(out);
    append_header(result, header(revision));
    result.integer("watch_id", watcher.id);
    if (!rest.empty()) {
      out += ',';
      out += rest;
    }
  }
  out += "}\n";
}

void WatchStream::create(JsonScanner& in, std::string& out) {
  Watcher watcher;
  for (in.enter_object(); in.next_field();) {
    if (in.is("key")) watcher.key = in.bytes();
    else if (in.is("range_end")) watcher.range_end = in.bytes();
    else if (in.is("start_revision")) watcher.start_revision = in.integer();
    else if (in.is("progress_notify")) watcher.progress_notify = in.boolean();
    else if (in.is("prev_kv")) watcher.prev_kv = in.boolean();
    else if (in.is("watch_id")) watcher.id = in.integer();
    else if (in.is("filters")) {
      for (in.enter_array(); in.next_element();) {
        const bool is_number = in.peek() != '"';
        const std::string name = is_number ? (in.integer() == 0 ? "NOPUT" : "NODELETE") : in.text();
        if (name == "NOPUT") watcher.no_put = true;
        if (name == "NODELETE") watcher.no_delete = true;
      }
    } else in.skip();
  }
  if (in.failed()) return;
  const Store& store = server_.state().store;
  const std::string zero(1, '\0');
  // An empty key watches from the first one on.
  if (watcher.key.empty()) watcher.key = zero;
  const bool empty_range = !watcher.range_end.empty() && watcher.range_end != zero && watcher.range_end <= watcher.key;
  if (empty_range) {
    watcher.id = -1;
    append_line(out, watcher, store.revision(), "\"created\":true,\"canceled\":true,\"cancel_reason\":\"mvcc: watcher range is empty\"");
    return;
  }
  if (watcher.id == 0) {
    while (watchers_.contains(id_next_)) ++id_next_;
    watcher.id = id_next_++;
  }
  append_line(out, watcher, store.revision(), "\"created\":true");
  if (watcher.start_revision == 0) {
    watcher.start_revision = store.revision() + 1;
  } else if (watcher.start_revision < store.compact_revision()) {
    // Not at once the real one's doing either: it is found out when the watcher is to be synced.
    std::string rest = "\"canceled\":true,\"compact_revision\":\"" + std::to_string(store.compact_revision()) + "\"";
    append_line(out, watcher, 0, rest);
    return;
  } else if (watcher.start_revision <= store.revision()) {
    watcher.cursor = store.change_at(watcher.start_revision);
    watcher.behind = true;
  }
  watchers_[watcher.id] = std::move(watcher);
}

bool WatchStream::read_requests(const std::string& body, std::string& out) {
  JsonScanner in(body);
  while (!in.at_end() && !in.failed()) {
    for (in.enter_object(); in.next_field();) {
      if (in.is("create_request")) {
        create(in, out);
      } else if (in.is("cancel_request")) {
        std::int64_t id = 0;
        for (in.enter_object(); in.next_field();) {
          if (in.is("watch_id")) id = in.integer();
          else in.skip();
        }
        if (const auto found = watchers_.find(id); found != watchers_.end()) {
          append_line(out, found->second, server_.state().store.revision(), "\"canceled\":true");
          watchers_.erase(found);
        }
      } else if (in.is("progress_request")) {
        in.skip();
        Watcher all;
        all.id = -1;
        append_line(out, all, server_.state().store.revision(), "");
      } else {
        in.skip();
      }
    }
  }
  return !in.failed();
}

/// Writes one line of what the watcher has not seen. False if there was nothing.
bool WatchStream::deliver(Watcher& watcher, std::string& out) {
  if (!watcher.behind) return false;
  const Store& store = server_.state().store;
  if (watcher.cursor < store.changes_begin()) {
    std::string rest = "\"canceled\":true,\"compact_revision\":\"" + std::to_string(store.compact_revision()) + "\"";
    append_line(out, watcher, 0, rest);
    watchers_.erase(watcher.id);
    return true;
  }
  out += "{\"result\":";
  const std::size_t start = out.size();
  std::size_t count = 0;
  {
    JsonObject result(out);
    append_header(result, header(store.revision()));
    result.integer("watch_id", watcher.id);
    JsonArray events(result.field("events"));
    Revision last = 0;
    for (; watcher.cursor < store.changes_end(); ++watcher.cursor) {
      const Change& change = store.change(watcher.cursor);
      if (count >= line_events_max && change.kv->mod_revision != last) break;
      last = change.kv->mod_revision;
      if (!watcher.matches(change)) continue;
      ++count;
      JsonObject event(events.next());
      if (change.removed()) event.text("type", "DELETE");
      append_key_value(event.field("kv"), *change.kv, false);
      if (watcher.prev_kv && change.previous) append_key_value(event.field("prev_kv"), *change.previous, false);
    }
  }
  watcher.behind = watcher.cursor < store.changes_end();
  if (count == 0) {
    out.resize(start - std::string_view("{\"result\":").size());
    return watcher.behind;
  }
  out += "}\n";
  return true;
}

Task<void> WatchStream::run(std::string body, runtime::HttpResponder& responder) {
  runtime::HttpHeaders headers;
  headers.add("Content-Type", "application/json");
  runtime::Runtime& runtime = server_.runtime();
  if (needs_leader_ && server_.raft().leader() == no_member) {
    runtime::HttpResponse refused;
    refused.status = 503;
    refused.headers = headers;
    refused.body = "{\"error\":\"etcdserver: no leader\",\"message\":\"etcdserver: no leader\",\"code\":14}";
    (void)co_await responder.send(std::move(refused));
    co_return;
  }
  Result<void> started = co_await responder.start_stream(200, std::move(headers));
  if (!started) co_return;
  std::string out;
  read_requests(body, out);
  Instant progress_at = runtime.now() + server_.options().progress_notify_interval;
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup helper(stop);
  helper.spawn("watch client gone", forward(responder.disconnected(), wake_));
  bool sent_since_progress = false;
  while (!responder.disconnected().is_set()) {
    bool more = true;
    while (more && out.size() < (1u << 20)) {
      more = false;
      for (auto at = watchers_.begin(); at != watchers_.end();) {
        Watcher& watcher = (at++)->second;
        if (deliver(watcher, out)) more = true;
      }
    }
    if (leader_lost_) out += no_leader_line;
    if (!out.empty()) {
      sent_since_progress = true;
      Result<void> written = co_await responder.write_chunk(std::move(out));
      out.clear();
      if (!written) co_return;
      if (leader_lost_) break;
      continue;
    }
    if (runtime.now() >= progress_at) {
      progress_at = runtime.now() + server_.options().progress_notify_interval;
      // As in etcd, a stream that had events anyway is left alone for one interval.
      if (!std::exchange(sent_since_progress, false)) {
        for (const auto& [id, watcher] : watchers_)
          if (watcher.progress_notify) append_line(out, watcher, server_.state().store.revision(), "");
        if (!out.empty()) {
          Result<void> written = co_await responder.write_chunk(std::move(out));
          out.clear();
          if (!written) co_return;
        }
      }
      continue;
    }
    co_await wake_.wait_until(runtime, progress_at);
  }
  (void)co_await responder.end_stream();
}

}  // namespace skidpad::fakes::etcd
