/// @file certificates.hpp
/// Approves kubelets' client certificate requests and signs what was approved.
/// As the real one, kubelet-serving requests are signed but approved by somebody else.
#pragma once

#include "fakes/kube_controller_manager/controller.hpp"

namespace skidpad::fakes::kube_controller_manager {

/// Whether a request has the form of a node's client certificate: CN system:node:NAME, O system:nodes, no other names.
bool is_node_client_request(const Json& request, const runtime::CertificateFacts& facts);

class CertificateApprover final : public QueueController {
 public:
  explicit CertificateApprover(Surroundings& surroundings);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  Task<Result<bool>> may(Json request, std::string subresource);
  Informer& requests_;
};

class CertificateSigner final : public QueueController {
 public:
  CertificateSigner(Surroundings& surroundings, runtime::KeyPair ca);

 private:
  Task<Result<void>> reconcile(std::string key) override;
  runtime::KeyPair ca_;
  Informer& requests_;
};

}  // namespace skidpad::fakes::kube_controller_manager
