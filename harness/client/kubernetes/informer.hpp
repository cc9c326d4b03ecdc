/// @file informer.hpp
/// A live copy of one kind of object, kept by list and watch, shared between controllers.
/// Promise: handlers see each change in order, exactly once per state seen; a relist after a lost watch is turned into
/// added, updated and deleted; nothing is dropped across 410 and disconnects. Handlers run inside the informer's task and must not wait.
#pragma once

#include <functional>
#include <list>
#include <map>

#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::client {

/// Objects by "NS/NAME" in byte order, with indexes.
class Store {
 public:
  using Objects = std::map<std::string, ObjectPointer, std::less<>>;
  using IndexFunction = std::function<void(const Json& object, std::vector<std::string>& values)>;

  const Objects& objects() const { return objects_; }
  std::size_t size() const { return objects_.size(); }
  /// Null where there is none.
  ObjectPointer find(std::string_view key) const;
  ObjectPointer find(std::string_view namespace_name, std::string_view name) const { return find(make_key(namespace_name, name)); }
  /// All objects of one namespace, in name order.
  std::vector<ObjectPointer> in_namespace(std::string_view namespace_name) const;
  /// Adds an index under a name; adding the same name twice keeps the first.
  void add_index(const std::string& name, IndexFunction function);
  /// Objects with that value, in key order.
  std::vector<ObjectPointer> by_index(const std::string& name, std::string_view value) const;

  /// Returns the former object, or null.
  ObjectPointer put(ObjectPointer object);
  ObjectPointer erase(std::string_view key);

 private:
  struct Index {
    IndexFunction function;
    std::map<std::string, std::map<std::string, ObjectPointer, std::less<>>, std::less<>> values;
  };
  void index(const std::string& key, const ObjectPointer& object);
  void unindex(const std::string& key, const ObjectPointer& object);
  Objects objects_;
  std::map<std::string, Index, std::less<>> indexes_;
};

struct InformerHandler {
  std::function<void(const ObjectPointer& object)> added;
  std::function<void(const ObjectPointer& before, const ObjectPointer& now)> updated;
  std::function<void(const ObjectPointer& last)> deleted;
};
/// The same function for all three; `now` is the last state for a deletion.
InformerHandler on_any_change(std::function<void(const ObjectPointer& object)> changed);

struct InformerOptions {
  std::string namespace_name;
  std::string label_selector;
  std::string field_selector;
  Duration backoff_first = std::chrono::milliseconds(800);   ///< as client-go's reflector
  Duration backoff_max = std::chrono::seconds(30);
  friend bool operator==(const InformerOptions&, const InformerOptions&) = default;
};

class Informer {
 public:
  Informer(KubernetesClient& client, ResourceType type, InformerOptions options = {});
  Informer(const Informer&) = delete;

  /// Objects already there are told as added at once.
  void add_handler(InformerHandler handler);
  /// Lists and watches until stopped.
  Task<void> run();
  /// The first list is in the store.
  bool has_synced() const { return synced_.is_set(); }
  runtime::Event& synced() { return synced_; }
  const Store& store() const { return store_; }
  Store& store() { return store_; }
  const ResourceType& type() const { return type_; }
  const InformerOptions& options() const { return options_; }
  /// Of the last event or list; "" before the first.
  const std::string& resource_version() const { return resource_version_; }
  /// When the server last said anything on this watch or list.
  Instant last_contact() const { return last_contact_; }
  std::uint64_t relist_count() const { return relist_count_; }
  /// Woken after every change of the store.
  runtime::Event& changed() { return changed_; }

 private:
  Task<Result<void>> list();
  Task<Result<void>> follow();
  Task<Result<void>> watch_once();
  void apply(WatchEvent event);
  void replace(std::vector<ObjectPointer> items);
  void tell_added(const ObjectPointer& object);
  void tell_updated(const ObjectPointer& before, const ObjectPointer& now);
  void tell_deleted(const ObjectPointer& last);

  KubernetesClient& client_;
  ResourceType type_;
  InformerOptions options_;
  Store store_;
  std::list<InformerHandler> handlers_;
  runtime::Event synced_;
  runtime::Event changed_;
  std::string resource_version_;
  Instant last_contact_{};
  std::uint64_t relist_count_ = 0;
};

/// The informers of one program: one per kind and selector, however many controllers ask.
class InformerSet {
 public:
  explicit InformerSet(KubernetesClient& client) : client_(client) {}
  Informer& informer(const ResourceType& type, const InformerOptions& options = {});
  /// Spawns those that do not run yet.
  void start(runtime::TaskGroup& group);
  bool has_synced() const;
  Task<void> wait_until_synced();
  KubernetesClient& client() { return client_; }

 private:
  struct Entry {
    std::unique_ptr<Informer> informer;
    bool started = false;
  };
  KubernetesClient& client_;
  std::list<Entry> entries_;
};

}  // namespace skidpad::client
