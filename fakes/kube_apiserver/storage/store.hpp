/// @file store.hpp
/// The state of the API: etcd, and in front of it one cache that a single etcd watch keeps in revision order.
/// Promise: state lies in etcd alone; writes are optimistic transactions on a key's mod revision; a consistent read asks etcd for its
/// revision and waits until the cache has reached it; every watcher sees events of one stream in order, or is told that it fell behind.
/// Bounds: each stream remembers history_events_max events. A watcher is a position in that history, so a slow one costs no memory.
#pragma once

#include <deque>
#include <map>

#include "fakes/kube_apiserver/api/api_error.hpp"
#include "fakes/kube_apiserver/storage/stored_object.hpp"
#include "harness/client/etcd/etcd_client.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kube_apiserver {

using client::Revision;
using runtime::Task;

enum class EventType { added, modified, deleted };

struct StoreEvent {
  EventType type = EventType::added;
  Revision revision = 0;
  ObjectPtr object;    ///< for deleted: the last state at the revision of the deletion
  ObjectPtr previous;  ///< null for added
  /// One line of a watch: {"type":"ADDED","object":{...}}, encoded once for all watchers.
  const std::string& line(EventType as) const;

 private:
  mutable std::string lines_[3];
};

/// The events of one resource.
class EventStream {
 public:
  static constexpr std::size_t history_events_max = 1024;
  /// Events at positions [first, end) are still known.
  std::uint64_t first_position() const { return end_ - history_.size(); }
  std::uint64_t end_position() const { return end_; }
  const StoreEvent& at(std::uint64_t position) const { return history_[position - first_position()]; }
  /// Everything after this revision is in the history.
  Revision complete_after() const { return complete_after_; }
  /// The position of the first event after this revision; only for revisions not before complete_after().
  std::uint64_t position_after(Revision revision) const;
  runtime::Event& changed() { return changed_; }

 private:
  friend class Store;
  std::deque<StoreEvent> history_;
  std::uint64_t end_ = 0;
  Revision complete_after_ = 0;
  runtime::Event changed_;
};

/// Extra steps of a write that must happen with it or not at all.
struct WriteExtras {
  WriteExtras() {}
  std::vector<client::Compare> compares;
  std::vector<client::TxnOperation> then;
  client::EtcdLeaseId etcd_lease = client::no_etcd_lease;
};

struct Change {
  Change(Json value) : value(std::move(value)) {}
  static Change removal(Json last_state) {
    Change change(std::move(last_state));
    change.remove = true;
    return change;
  }
  Json value;
  bool remove = false;  ///< take the present state away instead; value is what the client is told
};
/// Gives the new state for the present one (null: not there). Throws ApiError to refuse. Called again after each lost race.
using Mutation = std::function<Change(const ObjectPtr& present)>;

class CustomResources;

class Store {
 public:
  Store(runtime::Runtime& runtime, client::EtcdClient& etcd);
  ~Store();
  /// Loads everything and then follows etcd until stopped. Set ready() once the first load is done.
  Task<void> run();
  runtime::Event& ready() { return ready_; }
  bool is_ready() const { return ready_.is_set(); }

  Revision revision() const { return revision_; }
  /// From the cache, however old.
  ObjectPtr cached(const std::string& key) const;
  std::vector<ObjectPtr> cached_list(const std::string& prefix) const;
  template <class Visit>
  void visit(const std::string& prefix, Visit&& action) const {
    for (auto at = objects_.lower_bound(prefix); at != objects_.end() && std::string_view(at->first).substr(0, prefix.size()) == prefix; ++at) action(at->second);
  }
  EventStream& stream(const std::string& prefix);
  std::size_t object_count(const std::string& prefix) const;

  /// Returns when the cache shows everything that was written before the call. Throws ApiError.
  Task<Revision> wait_until_fresh();
  /// Returns when the cache has reached a revision; throws 504 if that takes more than 3 s.
  Task<void> wait_until_reached(Revision revision);
  /// True if etcd has forgotten the states before this revision.
  Task<bool> is_compacted(Revision revision);
  /// Straight from etcd. Null if it is not there.
  Task<ObjectPtr> read(std::string key);
  /// All objects with a prefix as they were at a revision. Throws Expired if it is compacted.
  Task<std::vector<ObjectPtr>> read_at(std::string prefix, Revision revision);

  /// Throws already_exists by returning null: nothing was written then.
  Task<ObjectPtr> create(std::string key, Json value, WriteExtras extras);
  /// Reads, changes, writes; repeats on lost races. Returns the new state (the old one if nothing changed).
  Task<ObjectPtr> update(std::string key, Mutation mutation, WriteExtras extras);
  /// Removes exactly this state. The revision of the removal, or 0 if the state has changed meanwhile.
  Task<Revision> remove(ObjectPtr state, WriteExtras extras);

  client::EtcdClient& etcd() { return etcd_; }
  runtime::Runtime& runtime() { return runtime_; }
  /// What custom resource definitions in this store amount to; see crd/custom_resources.hpp.
  std::shared_ptr<CustomResources> custom_resources;
  /// Counts of calls to etcd by operation, for /metrics.
  std::map<std::string, std::uint64_t> etcd_calls;
  /// True while etcd answered the last call.
  bool etcd_healthy() const { return etcd_healthy_; }

 private:
  struct Fetch {
    runtime::Event done;
    Revision revision = 0;
    std::optional<runtime::Error> error;
  };
  Task<void> load();
  Task<void> follow();
  Task<void> fetch_revisions();
  void apply(const client::EtcdWatchEvent& event);
  void append(const std::string& key, StoreEvent event);
  void replace_all(std::map<std::string, ObjectPtr> objects, Revision revision);
  [[noreturn]] void fail(const runtime::Error& error);

  runtime::Runtime& runtime_;
  client::EtcdClient& etcd_;
  std::map<std::string, ObjectPtr> objects_;
  std::map<std::string, EventStream> streams_;
  std::map<std::string, std::size_t> counts_;
  std::map<Revision, ObjectPtr> written_;  ///< our own writes whose events have not come yet
  Revision revision_ = 0;
  Revision loaded_at_ = 0;
  bool etcd_healthy_ = false;
  runtime::Event ready_;
  runtime::Event advanced_;
  std::shared_ptr<Fetch> fetch_next_;
  bool fetching_ = false;
  runtime::TaskGroup tasks_;
};

/// "/registry/pods/" of "/registry/pods/default/a"; "" for keys that hold no API object.
std::string prefix_of_key(std::string_view key);

}  // namespace skidpad::fakes::kube_apiserver
