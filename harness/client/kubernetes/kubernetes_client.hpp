/// @file kubernetes_client.hpp
/// The Kubernetes API as calls: one client per identity, over the runtime's network, with keep-alive and several servers.
/// Promise: a Status answer becomes an Error with code, message, reason and HTTP status; nothing is sent twice by itself.
/// Not here: caching (informer.hpp) and retries on conflict (update_with_retry below is the one exception).
#pragma once

#include <functional>
#include <optional>

#include "harness/client/kubernetes/kubeconfig.hpp"
#include "harness/client/kubernetes/object.hpp"
#include "harness/client/kubernetes/resource_type.hpp"
#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/runtime.hpp"

namespace skidpad::client {

using runtime::Duration;
using runtime::Error;
using runtime::ErrorCode;
using runtime::Instant;
using runtime::Result;
using runtime::Runtime;
using runtime::Task;
using runtime::WallTime;

struct ListOptions {
  ListOptions() {}  ///< declared: g++ 12 destroys aggregate temporaries in co_await expressions twice
  std::string namespace_name;          ///< "" = all
  std::string label_selector;
  std::string field_selector;
  std::int64_t limit = 0;              ///< 0 = everything in one page
  std::string continue_token;
  std::string resource_version;        ///< "0" = any the server has cached
  std::string resource_version_match;
};

struct ObjectList {
  ObjectList() {}
  std::vector<ObjectPointer> items;    ///< apiVersion and kind filled in
  std::string resource_version;
  std::string continue_token;          ///< "" on the last page
};

struct WatchOptions {
  WatchOptions() {}
  std::string namespace_name;
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;        ///< events after this; "" = start with the objects there are
  bool bookmarks = true;
  Duration timeout{};                  ///< asks the server to end the watch then; 0 = its own choice
};

enum class WatchEventType { added, modified, deleted, bookmark };

struct WatchEvent {
  WatchEvent(WatchEventType type, ObjectPointer object) : type(type), object(std::move(object)) {}
  WatchEventType type;
  ObjectPointer object;                ///< for a deletion: its last state; for a bookmark: only a resourceVersion
};

/// An open watch. Destroying it closes its connection.
class Watch {
 public:
  explicit Watch(runtime::HttpStream stream) : stream_(std::move(stream)) {}
  /// The next event; none when the server ended the watch. `gone` when the version is too old: list again.
  Task<Result<std::optional<WatchEvent>>> next();

 private:
  runtime::HttpStream stream_;
};

enum class PatchType { json, merge, strategic, apply };

struct WriteOptions {
  WriteOptions() {}
  std::string field_manager;
  bool dry_run = false;
  bool force = false;                  ///< for apply: take fields over
};

enum class Propagation { unset, orphan, background, foreground };

struct DeleteOptions {
  DeleteOptions() {}
  std::optional<std::int64_t> grace_period_seconds;
  Propagation propagation = Propagation::unset;
  std::string uid;                     ///< precondition: only this one
  std::string resource_version;        ///< precondition: only in this state
};

struct ClientOptions {
  std::string user_agent = "skidpad";
  Duration request_timeout = std::chrono::seconds(30);
  Duration connect_timeout = std::chrono::seconds(5);
};

/// `server` as "https://host:port" or "http://host:port" -> endpoint and whether TLS is spoken.
Result<runtime::Endpoint> parse_server_url(std::string_view url, bool& tls);

class KubernetesClient {
 public:
  KubernetesClient(Runtime& runtime, Kubeconfig config, ClientOptions options = {});
  KubernetesClient(const KubernetesClient&) = delete;
  ~KubernetesClient();

  Task<Result<Json>> get(ResourceType type, std::string namespace_name, std::string name);
  Task<Result<ObjectList>> list(ResourceType type, ListOptions options = {});
  /// Follows continue tokens in pages of `page_size` until all are there.
  Task<Result<ObjectList>> list_all(ResourceType type, ListOptions options = {}, std::int64_t page_size = 500);
  Task<Result<Watch>> watch(ResourceType type, WatchOptions options = {});

  /// Namespace from the object's metadata. metadata.name or generateName must be there. Returns what was stored.
  Task<Result<Json>> create(ResourceType type, Json object, WriteOptions options = {});
  /// Whole object with its resourceVersion; conflict when it is not the newest.
  Task<Result<Json>> update(ResourceType type, Json object, WriteOptions options = {});
  Task<Result<Json>> update_status(ResourceType type, Json object, WriteOptions options = {});
  Task<Result<Json>> patch(ResourceType type, std::string namespace_name, std::string name, PatchType patch_type, Json patch,
                           std::string subresource = "", WriteOptions options = {});
  /// The deleted object, its last state, or a Status.
  Task<Result<Json>> remove(ResourceType type, std::string namespace_name, std::string name, DeleteOptions options = {});
  Task<Result<Json>> remove_collection(ResourceType type, ListOptions which, DeleteOptions options = {});
  /// pods/eviction; `unavailable` with http_status 429 when a budget forbids it now.
  Task<Result<Json>> evict(std::string namespace_name, std::string pod, DeleteOptions options = {});
  /// pods/binding.
  Task<Result<Json>> bind(std::string namespace_name, std::string pod, std::string pod_uid, std::string node);
  /// POST, GET, PUT on any subresource ("scale", "token", "approval", "finalize"). Empty body = none.
  Task<Result<Json>> subresource(std::string method, ResourceType type, std::string namespace_name, std::string name,
                                 std::string subresource, Json body = nullptr);
  /// Any request; answers above 399 become errors.
  Task<Result<std::string>> raw(std::string method, std::string target, std::string body = "", std::string content_type = "application/json");

  /// get, change, update again on conflict, up to five times with short waits (behaviour O7). `change` returns false to leave it.
  using Change = std::function<bool(Json& object)>;
  Task<Result<Json>> update_with_retry(ResourceType type, std::string namespace_name, std::string name, Change change, bool status = false);

  /// Writes are refused with `forbidden` from that moment on and cut short at it: set by a LeaderElector (behaviour O2).
  void set_write_deadline(std::function<Instant()> deadline) { write_deadline_ = std::move(deadline); }
  /// Something seems to hang: idle connections are closed, and watches of informers go on over new ones, perhaps to other servers.
  void reconnect();
  /// While alive, reconnect() stops the waits of this state. For informers.
  class OpenWatch : public runtime::Link {
   public:
    OpenWatch(KubernetesClient& client, runtime::StopState& stop) : stop_(stop) { insert_before(client.open_watches_); }
    void stop() { stop_.request_stop(); }

   private:
    runtime::StopState& stop_;
  };
  Runtime& runtime() { return runtime_; }
  const Kubeconfig& config() const { return config_; }
  /// New servers or credentials; used by requests that start from now on.
  void replace_config(Kubeconfig config);

 private:
  Task<Result<runtime::HttpResponse>> send(runtime::HttpRequest request, bool write);
  Task<Result<Json>> send_json(std::string method, std::string target, std::string body, std::string content_type, bool write);
  runtime::HttpRequest make_request(std::string method, std::string target);
  const std::string& bearer_token();

  Runtime& runtime_;
  Kubeconfig config_;
  ClientOptions options_;
  runtime::HttpClient http_;
  std::function<Instant()> write_deadline_;
  std::string token_;
  Instant token_read_{};
  runtime::Link open_watches_;   ///< list head
};

/// The Error that a Status body of this HTTP status stands for.
Error error_from_status(int http_status, std::string_view body, std::string_view doing);

}  // namespace skidpad::client
