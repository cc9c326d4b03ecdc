/// @file api_server.hpp
/// The API over HTTP: from a request to its answer. One source file per concern; this is the shared state.
/// Promise: every answer is JSON (or what was negotiated) with the real server's status, reason and message; a failed request writes nothing.
/// Not modelled: aggregation to other servers, priority and fairness.
#pragma once

#include "fakes/kube_apiserver/access/authenticator.hpp"
#include "fakes/kube_apiserver/access/authorizer.hpp"
#include "fakes/kube_apiserver/audit/audit_log.hpp"
#include "fakes/kube_apiserver/server/metrics.hpp"
#include "fakes/kube_apiserver/server/request_info.hpp"
#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/http/http_server.hpp"

namespace skidpad::fakes::kube_apiserver {

struct ServerOptions {
  std::string service_range = "10.96.0.0/16";
  int node_port_min = 30000;
  int node_port_max = 32767;
  std::string advertise_address;
  std::uint16_t secure_port = 6443;
  std::int64_t not_ready_seconds = 300;
  std::int64_t unreachable_seconds = 300;
  runtime::Duration event_ttl = std::chrono::hours(1);
  runtime::Duration compaction_interval = std::chrono::minutes(5);
  runtime::Duration min_request_timeout = std::chrono::minutes(30);
  std::set<std::string> disabled_admission;
  bool node_restriction = false;
  /// Data of the ConfigMap kube-system/extension-apiserver-authentication, by which other components know whom to trust.
  std::map<std::string, std::string> authentication_facts;
  std::optional<runtime::TlsClientOptions> kubelet_client;
  std::optional<AuditOptions> audit;
};

/// A request on its way.
struct Request {
  Request(const runtime::HttpRequest& http) : http(http) {}
  const runtime::HttpRequest& http;
  Query query;
  RequestInfo info;
  User user;
  std::string audit_id;
  std::unique_ptr<AuditRecord> audit;  ///< null without an audit log, and before the user is known
  const Resource* resource = nullptr;
  std::shared_ptr<const Resource> custom;  ///< keeps a custom resource alive
  const Subresource* sub = nullptr;
  Representation representation;
  std::vector<std::string> warnings;
  std::string manager() const;
  bool dry_run = false;
  bool applying = false;  ///< server-side apply notes the owners itself
  std::string key() const { return resource->storage_key(info.object_namespace, info.name); }
  /// "/registry/pods/ns/" or "/registry/pods/".
  std::string scope_prefix() const;
};

struct Answer {
  Answer() {}
  Answer(int status, std::string body, std::string content_type = "application/json") : status(status), body(std::move(body)), content_type(std::move(content_type)) {}
  int status = 200;
  std::string body;
  std::string content_type;
  runtime::HttpHeaders headers;
};

struct DeleteOptions {
  std::optional<std::int64_t> grace_seconds;
  std::string propagation;
  std::string uid;
  std::string resource_version;
  bool dry_run = false;
};

class ApiServer {
 public:
  ApiServer(runtime::Runtime& runtime, Store& store, Authenticator& authenticator, Authorizer& authorizer, ServerOptions options);
  Task<void> handle(const runtime::HttpRequest& http, runtime::HttpResponder& responder);
  /// Makes what every cluster starts with, then keeps it: namespaces, roles, priority classes, the kubernetes Service, compaction.
  Task<void> run_upkeep();
  bool is_ready() const { return bootstrapped_ && store_.is_ready(); }
  Metrics& metrics() { return metrics_; }
  /// Takes this server's address out of the kubernetes Endpoints.
  Task<runtime::Result<void>> leave();

 private:
  // api_server.cpp
  Task<void> answer_request(Request& request, runtime::HttpResponder& responder, Answer& answer, bool& streamed);
  Task<Answer> dispatch(Request& request, runtime::HttpResponder& responder, bool& streamed);
  void find_resource(Request& request);
  void authorize(Request& request);
  void begin_audit(Request& request);
  void note_audit(const char* stage, const Request& request, int code, const std::string& body);
  // paths.cpp: everything that is no resource
  Task<Answer> answer_path(Request& request);
  Answer health(const Request& request);
  // discovery.cpp
  std::optional<Answer> discovery(const Request& request);
  // crud.cpp
  Json decode_body(Request& request, const Type* type, const std::string& api_version, const std::string& kind, bool default_fields);
  void read_write_options(Request& request, const char* options_kind);
  Task<Answer> get(Request& request);
  Task<Answer> create(Request& request);
  Task<Answer> replace(Request& request);
  Task<Answer> patch(Request& request);
  // apply.cpp
  Task<Answer> server_side_apply(Request& request);
  void track_fields(Json& object, const Json& old, const std::string& manager, const std::string& subresource, const std::string& time, const Resource& resource);
  // crud.cpp
  Task<ObjectPtr> create_object(Request& request, Json object);
  Change change_object(Request& request, const ObjectPtr& present, Json object, bool create_allowed);
  Task<ObjectPtr> write_changed(Request& request, Mutation mutation);
  Json patched(Request& request, const ObjectPtr& present, const std::string& patch_type, const Json& patch);
  // deletion.cpp
  DeleteOptions read_delete_options(Request& request);
  Task<Answer> remove(Request& request);
  Task<Answer> remove_collection(Request& request);
  Task<Json> remove_object(Request& request, const std::string& key, const DeleteOptions& options, bool& removed);
  // lists.cpp
  Task<Answer> list(Request& request);
  Task<void> watch(Request& request, runtime::HttpResponder& responder, bool& streamed);
  // subresources.cpp
  Task<Answer> subresource(Request& request);
  Task<Answer> bind(Request& request);
  Task<Answer> evict(Request& request);
  Task<Answer> scale(Request& request);
  Task<Answer> create_token(Request& request);
  // connect.cpp: what lives with a kubelet or in a pod
  Task<Answer> connect(Request& request, runtime::HttpResponder& responder, bool& streamed);
  // resource_metrics.cpp
  bool serves_resource_metrics() const;
  Task<Answer> resource_metrics(Request& request);
  // reviews.cpp
  Task<Answer> review(Request& request);
  // admission.cpp
  Task<void> admit_create(Request& request, Json& object);
  void admit_update(Request& request, const Json& object, const Json& old);
  void admit_grant(const Request& request, const Json& object);
  std::string default_class(const std::string& prefix, const char* annotation);
  // policies.cpp
  bool has_policies();
  void admit_by_policies(Request& request, const char* operation, const Json& object, const Json& old);
  std::vector<Json> policy_parameters(const Request& request, const Json& policy, const Json& binding);
  // webhooks.cpp
  bool has_webhooks();
  std::optional<std::pair<runtime::HttpClientOptions, std::string>> webhook_address(const Json& configuration);
  std::vector<Json> webhooks_for(Request& request, bool mutating, const char* operation, const Json& object, const Json& old);
  Task<runtime::Result<Json>> ask_webhook(Json hook, Json review);
  Task<Json> review_by(Request& request, Json hook, const char* operation, Json object, Json old);
  Task<Json> mutate_by_webhooks(Request& request, const char* operation, Json object, Json old);
  Task<void> admit_by_webhooks(Request& request, const char* operation, Json object, Json old);
  Task<ObjectPtr> write_through_webhooks(Request& request, Mutation mutation);
  Task<ObjectPtr> write_directly(Request& request, Mutation mutation);
  // limits.cpp
  void admit_limits(const Request& request, Json& object);
  Task<void> admit_quota(const Request& request, const Json& object);
  // impersonation.cpp
  void impersonate(Request& request);
  Task<void> check_namespace(const Request& request, const std::string& name);
  // services.cpp
  Task<ObjectPtr> create_service(Request& request, Json object);
  Task<ObjectPtr> update_service(Request& request, Mutation mutation);
  Task<WriteExtras> service_extras(Json* object, const Json* old);
  // upkeep.cpp
  Task<bool> ensure(Json object);
  Task<void> ensure_next(std::vector<Json>& objects, std::size_t& next);
  Task<void> wait_for_bootstrap_of_another();
  Task<void> bootstrap();
  Task<void> keep_kubernetes_service();
  Task<void> keep_compacting();
  Task<void> keep_custom_definitions();
  Task<void> settle_definition(ObjectPtr definition);
  Task<void> reconcile_endpoints(bool leaving);
  Task<client::EtcdLeaseId> event_lease();
  // representation
  Answer show(const Request& request, const ObjectPtr& object, int status);
  Answer show_value(const Request& request, const Json& object, int status);
  Answer encode_answer(const Request& request, const Json& value, int status);
  Json in_version(const Request& request, const Json& stored) const;
  bool version_differs(const Resource& resource) const;
  std::string now_text() const { return runtime::format_rfc3339(runtime_.wall_now()); }

  runtime::Runtime& runtime_;
  Store& store_;
  Authenticator& authenticator_;
  Authorizer& authorizer_;
  ServerOptions options_;
  Metrics metrics_;
  std::unique_ptr<AuditLog> audit_;
  runtime::Random random_;
  bool bootstrapped_ = false;
  struct {
    client::EtcdLeaseId id = client::no_etcd_lease;
    runtime::Instant until;
    std::size_t uses = 0;
  } event_lease_;
  client::EtcdLeaseId master_lease_ = client::no_etcd_lease;
  friend class CustomResources;
};

Json status_with(const char* status, int code);

}  // namespace skidpad::fakes::kube_apiserver
