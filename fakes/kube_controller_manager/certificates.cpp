#include "fakes/kube_controller_manager/certificates.hpp"

namespace skidpad::fakes::kube_controller_manager {

namespace {

const std::string client_signer = "kubernetes.io/kube-apiserver-client-kubelet";
const std::string serving_signer = "kubernetes.io/kubelet-serving";
const std::string any_client_signer = "kubernetes.io/kube-apiserver-client";

bool has_condition(const Json& request, const char* type) { return client::condition_status(request, type) == "True"; }

bool has_usage(const Json& request, const char* usage) {
  for (const Json& one : list_at(request, {"spec", "usages"})) {
    if (one == usage) return true;
  }
  return false;
}

Result<std::string> request_pem(const Json& request) {
  std::string pem;
  if (!client::base64_decode(text_at(request, {"spec", "request"}), pem)) return Error(ErrorCode::invalid, "spec.request is not base64");
  return pem;
}

void add_condition(Json& request, const char* type, const char* reason, const std::string& message, WallTime now) {
  const std::string time = runtime::format_rfc3339(now);
  Json condition = Json::object();
  condition["type"] = type;
  condition["status"] = "True";
  condition["reason"] = reason;
  condition["message"] = message;
  condition["lastUpdateTime"] = time;
  condition["lastTransitionTime"] = time;
  if (!request["status"].contains("conditions")) request["status"]["conditions"] = Json::array();
  request["status"]["conditions"].push_back(std::move(condition));
}

}  // namespace

bool is_node_client_request(const Json& request, const runtime::CertificateFacts& facts) {
  if (text_at(request, {"spec", "signerName"}) != client_signer) return false;
  if (facts.organizations.size() != 1 || facts.organizations.front() != "system:nodes") return false;
  if (!facts.dns_names.empty() || !facts.ip_addresses.empty()) return false;
  return facts.common_name.starts_with("system:node:") && has_usage(request, "client auth") && has_usage(request, "digital signature");
}

CertificateApprover::CertificateApprover(Surroundings& surroundings)
    : QueueController(surroundings, "certificate", "csrapproving", 1),
      requests_(surroundings.informers.informer(types::certificate_signing_requests)) {
  requests_.add_handler(client::on_any_change([this](const ObjectPointer& request) { enqueue(*request); }));
}

Task<Result<bool>> CertificateApprover::may(Json request, std::string subresource) {
  Json review = Json::object();
  review["apiVersion"] = "authorization.k8s.io/v1";
  review["kind"] = "SubjectAccessReview";
  Json& spec = review["spec"];
  spec["user"] = find(request, {"spec", "username"});
  spec["groups"] = list_at(request, {"spec", "groups"});
  spec["uid"] = text_at(request, {"spec", "uid"});
  spec["resourceAttributes"]["group"] = "certificates.k8s.io";
  spec["resourceAttributes"]["resource"] = "certificatesigningrequests";
  spec["resourceAttributes"]["subresource"] = subresource;
  spec["resourceAttributes"]["verb"] = "create";
  spec["resourceAttributes"]["version"] = "*";
  auto answer = co_await client_.raw("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review.dump());
  if (!answer) co_return answer.error();
  auto parsed = runtime::parse_json(answer.value());
  if (!parsed) co_return parsed.error();
  co_return runtime::bool_at(parsed.value(), {"status", "allowed"});
}

Task<Result<void>> CertificateApprover::reconcile(std::string key) {
  const ObjectPointer request = requests_.store().find(key);
  if (request == nullptr || !text_at(*request, {"status", "certificate"}).empty()) co_return success();
  if (has_condition(*request, "Approved") || has_condition(*request, "Denied")) co_return success();
  const auto pem = request_pem(*request);
  if (!pem) co_return success();
  const auto facts = runtime_.pki().read_request(pem.value());
  if (!facts || !is_node_client_request(*request, facts.value())) co_return success();
  const bool own = text_at(*request, {"spec", "username"}) == facts.value().common_name;
  std::string message;
  if (own) {
    auto allowed = co_await may(*request, "selfnodeclient");
    if (!allowed) co_return allowed.error();
    if (allowed.value()) message = "Auto approving self kubelet client certificate after SubjectAccessReview.";
  }
  if (message.empty()) {
    auto allowed = co_await may(*request, "nodeclient");
    if (!allowed) co_return allowed.error();
    if (allowed.value()) message = "Auto approving kubelet client certificate after SubjectAccessReview.";
  }
  if (message.empty()) {
    Error error(ErrorCode::forbidden, "recognized csr \"" + key + "\" but subject access review was not approved");
    co_return error;
  }
  Json approved = *request;
  add_condition(approved, "Approved", "AutoApproved", message, now());
  auto updated = co_await client_.subresource("PUT", types::certificate_signing_requests, "", key, "approval", approved);
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

CertificateSigner::CertificateSigner(Surroundings& surroundings, runtime::KeyPair ca)
    : QueueController(surroundings, "certificate_signing", "csrsigning", 1),
      ca_(std::move(ca)),
      requests_(surroundings.informers.informer(types::certificate_signing_requests)) {
  requests_.add_handler(client::on_any_change([this](const ObjectPointer& request) { enqueue(*request); }));
}

Task<Result<void>> CertificateSigner::reconcile(std::string key) {
  const ObjectPointer request = requests_.store().find(key);
  if (request == nullptr || !text_at(*request, {"status", "certificate"}).empty()) co_return success();
  if (!has_condition(*request, "Approved") || has_condition(*request, "Denied") || has_condition(*request, "Failed")) co_return success();
  const std::string signer = text_at(*request, {"spec", "signerName"});
  if (signer != client_signer && signer != serving_signer && signer != any_client_signer) co_return success();
  const auto pem = request_pem(*request);
  if (!pem) co_return success();
  runtime::CertificateSpec spec;
  spec.client = has_usage(*request, "client auth");
  spec.server = has_usage(*request, "server auth");
  spec.lifetime = surroundings_.settings.cluster_signing_duration;
  const std::int64_t wanted_seconds = integer_at(*request, {"spec", "expirationSeconds"});
  if (wanted_seconds > 0) spec.lifetime = std::min<Duration>(spec.lifetime, std::chrono::seconds(wanted_seconds));
  auto certificate = runtime_.pki().sign_request(ca_, pem.value(), spec);
  Json changed = *request;
  if (certificate) {
    changed["status"]["certificate"] = client::base64_encode(certificate.value());
  } else {
    add_condition(changed, "Failed", "SignerValidationFailure", certificate.error().message, now());
  }
  auto updated = co_await client_.update_status(types::certificate_signing_requests, std::move(changed));
  if (!updated && updated.error().code != ErrorCode::not_found) co_return updated.error();
  co_return success();
}

}  // namespace skidpad::fakes::kube_controller_manager
