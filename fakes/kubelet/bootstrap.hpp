/// @file bootstrap.hpp
/// The kubelet's client certificate: TLS bootstrap by CertificateSigningRequest, and its renewal.
/// Promise: files as the real kubelet leaves them (<cert-dir>/kubelet-client-current.pem holds certificate and key; the kubeconfig
/// points at it); a crash at any point leads to another request, never to a half-written kubeconfig.
#pragma once

#include "fakes/kubelet/options.hpp"
#include "harness/client/kubernetes/kubernetes_client.hpp"

namespace skidpad::fakes::kubelet {

/// Writes options.kubeconfig unless it is there. Retries until it has a certificate; throws UsageError for a bad bootstrap kubeconfig.
runtime::Task<void> bootstrap_kubeconfig(runtime::Runtime& runtime, const KubeletOptions& options);

/// Renews the client certificate between 70 % and 90 % of its life and gives it to the client. Runs until stopped; returns at once
/// where the kubeconfig's certificate is not ours to renew.
runtime::Task<void> rotate_client_certificate(client::KubernetesClient& client, const KubeletOptions& options);

}  // namespace skidpad::fakes::kubelet
