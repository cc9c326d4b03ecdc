/// @file gateway.hpp
/// What clients see of a member over HTTP: etcd's JSON gateway under /v3, /health, /version and /metrics.
#pragma once

#include "fakes/etcd/server.hpp"
#include "harness/client/etcd/etcd_json.hpp"
#include "harness/runtime/http/http_server.hpp"

namespace skidpad::fakes::etcd {

class Gateway {
 public:
  explicit Gateway(Server& server);
  runtime::Task<void> handle(const runtime::HttpRequest& request, runtime::HttpResponder& responder);
  /// Only /metrics and /health: for --listen-metrics-urls.
  runtime::Task<void> handle_metrics(const runtime::HttpRequest& request, runtime::HttpResponder& responder);

 private:
  /// A body, or the error to send.
  struct Answer {
    Answer(std::string body) : body(std::move(body)) {}
    Answer(EtcdError error) : error(error) {}
    static Answer bad_json(const client::JsonScanner& in);
    std::string body;
    std::optional<EtcdError> error;
    std::string error_text;  ///< of unreadable JSON
  };
  using Handler = runtime::Task<Answer> (Gateway::*)(const std::string& body);

  runtime::Task<Answer> range(const std::string& body);
  runtime::Task<Answer> put(const std::string& body);
  runtime::Task<Answer> remove(const std::string& body);
  runtime::Task<Answer> txn(const std::string& body);
  runtime::Task<Answer> compact(const std::string& body);
  runtime::Task<Answer> lease_grant(const std::string& body);
  runtime::Task<Answer> lease_revoke(const std::string& body);
  runtime::Task<Answer> lease_keep_alive(const std::string& body);
  runtime::Task<Answer> lease_time_to_live(const std::string& body);
  runtime::Task<Answer> leases(const std::string& body);
  runtime::Task<Answer> member_list(const std::string& body);
  runtime::Task<Answer> member_add(const std::string& body);
  runtime::Task<Answer> member_remove(const std::string& body);
  runtime::Task<Answer> member_promote(const std::string& body);
  runtime::Task<Answer> member_update(const std::string& body);
  runtime::Task<Answer> status(const std::string& body);
  runtime::Task<Answer> alarm(const std::string& body);
  runtime::Task<Answer> defragment(const std::string& body);
  runtime::Task<Answer> hash(const std::string& body);
  runtime::Task<Answer> transfer_leadership(const std::string& body);
  runtime::Task<void> snapshot(runtime::HttpResponder& responder);
  runtime::Task<runtime::HttpResponse> health();
  runtime::HttpResponse metrics() const;

  client::EtcdHeader header(Revision revision) const;
  std::string members_body(const std::optional<client::Member>& added) const;

  Server& server_;
  std::map<std::string, Handler, std::less<>> handlers_;
};

}  // namespace skidpad::fakes::etcd
