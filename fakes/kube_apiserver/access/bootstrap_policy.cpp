#include "fakes/kube_apiserver/access/bootstrap_policy.hpp"

#include <sstream>

namespace skidpad::fakes::kube_apiserver {
namespace {

/// "role NAME" or "role NAMESPACE/NAME", then indented rules: verbs groups resources [names]; group - is core; verbs after ! are for paths.
constexpr const char* roles = R"(
role cluster-admin
 * * *
 !* *
role system:discovery
 !get /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/
role system:public-info-viewer
 !get /healthz,/livez,/readyz,/version,/version/
role system:monitoring
 !get /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*
role system:basic-user
 create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews
 create authentication.k8s.io selfsubjectreviews
role system:heapster
 get,list,watch - events,namespaces,nodes,pods
role system:auth-delegator
 create authentication.k8s.io tokenreviews
 create authorization.k8s.io subjectaccessreviews
role system:kube-aggregator
 get,list,watch - endpoints,services
role system:kube-dns
 list,watch - endpoints,services
role system:node-problem-detector
 get - nodes
 patch - nodes/status
 create,patch,update -,events.k8s.io events
role system:persistent-volume-provisioner
 create,delete,get,list,watch - persistentvolumes
 get,list,update,watch - persistentvolumeclaims
 get,list,watch storage.k8s.io storageclasses
role system:node-proxier
 list,watch - endpoints,services
 get,list,watch - nodes
 create,patch,update -,events.k8s.io events
 list,watch discovery.k8s.io endpointslices
role system:node-bootstrapper
 create,get,list,watch certificates.k8s.io certificatesigningrequests
role system:certificates.k8s.io:certificatesigningrequests:nodeclient
 create certificates.k8s.io certificatesigningrequests/nodeclient
role system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
 create certificates.k8s.io certificatesigningrequests/selfnodeclient
role system:certificates.k8s.io:kube-apiserver-client-approver
 approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client
role system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
 approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet
role system:certificates.k8s.io:kubelet-serving-approver
 approve certificates.k8s.io signers kubernetes.io/kubelet-serving
role system:certificates.k8s.io:legacy-unknown-approver
 approve certificates.k8s.io signers kubernetes.io/legacy-unknown
role system:kubelet-api-admin
 get,list,watch - nodes
 proxy - nodes
 * - nodes/log,nodes/metrics,nodes/proxy,nodes/stats
role system:service-account-issuer-discovery
 !get /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/
role system:node
 create authentication.k8s.io tokenreviews
 create authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews
 get,list,watch - services
 create,get,list,watch - nodes
 patch,update - nodes/status
 patch,update - nodes
 get,list,watch - pods
 create,delete - pods
 patch,update - pods/status
 create - pods/eviction
 get,list,watch - configmaps,secrets
 get - persistentvolumeclaims,persistentvolumes
 get - endpoints
 create,get,list,watch certificates.k8s.io certificatesigningrequests
 create,delete,get,patch,update coordination.k8s.io leases
 get storage.k8s.io volumeattachments
 create - serviceaccounts/token
 get,patch,update - persistentvolumeclaims/status
 get,list,watch storage.k8s.io csidrivers
 create,delete,get,patch,update storage.k8s.io csinodes
 get,list,watch node.k8s.io runtimeclasses
 create,patch,update -,events.k8s.io events
role system:kube-scheduler
 create,patch,update -,events.k8s.io events
 create coordination.k8s.io leases
 get,update coordination.k8s.io leases kube-scheduler
 get,list,watch - nodes
 delete,get,list,watch - pods
 create - bindings,pods/binding
 patch,update - pods/status
 get,list,watch - replicationcontrollers,services
 get,list,watch apps,extensions replicasets
 get,list,watch apps statefulsets
 get,list,watch policy poddisruptionbudgets
 get,list,watch - persistentvolumeclaims,persistentvolumes
 create authentication.k8s.io tokenreviews
 create authorization.k8s.io subjectaccessreviews
 get,list,watch storage.k8s.io csinodes,csidrivers,csistoragecapacities,storageclasses,volumeattachments
 get,list,watch - namespaces
role system:volume-scheduler
 get,list,patch,update,watch - persistentvolumes
 get,list,watch storage.k8s.io storageclasses
 get,list,patch,update,watch - persistentvolumeclaims
role system:kube-controller-manager
 create,patch,update -,events.k8s.io events
 create coordination.k8s.io leases
 get,update coordination.k8s.io leases kube-controller-manager
 create - secrets,serviceaccounts
 delete - secrets
 get - configmaps,namespaces,secrets,serviceaccounts
 update - secrets,serviceaccounts
 create authentication.k8s.io tokenreviews
 create authorization.k8s.io subjectaccessreviews
 list,watch * *
 create - serviceaccounts/token
role view
 get,list,watch - configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status
 get,list,watch - bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status
 get,list,watch - namespaces
 get,list,watch discovery.k8s.io endpointslices
 get,list,watch apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status
 get,list,watch autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status
 get,list,watch batch cronjobs,cronjobs/status,jobs,jobs/status
 get,list,watch policy poddisruptionbudgets,poddisruptionbudgets/status
 get,list,watch networking.k8s.io ingresses,ingresses/status,networkpolicies
role edit
 get,list,watch - configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status
 get,list,watch - bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status
 get,list,watch - namespaces
 get,list,watch discovery.k8s.io endpointslices
 get,list,watch - pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
 impersonate - serviceaccounts
 create,delete,deletecollection,patch,update - pods,pods/attach,pods/exec,pods/portforward,pods/proxy
 create - pods/eviction
 create,delete,deletecollection,patch,update - configmaps,events,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy
 create - serviceaccounts/token
 create,delete,deletecollection,patch,update,get,list,watch apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale
 get,list,watch apps controllerrevisions,daemonsets/status,deployments/status,replicasets/status,statefulsets/status
 create,delete,deletecollection,patch,update,get,list,watch autoscaling horizontalpodautoscalers
 create,delete,deletecollection,patch,update,get,list,watch batch cronjobs,jobs
 get,list,watch batch cronjobs/status,jobs/status
 create,delete,deletecollection,patch,update,get,list,watch policy poddisruptionbudgets
 create,delete,deletecollection,patch,update,get,list,watch networking.k8s.io ingresses,networkpolicies
 create,delete,deletecollection,get,list,patch,update,watch coordination.k8s.io leases
role admin
 get,list,watch - configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status
 get,list,watch - bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status
 get,list,watch - namespaces
 get,list,watch discovery.k8s.io endpointslices
 get,list,watch - pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
 impersonate - serviceaccounts
 create,delete,deletecollection,patch,update - pods,pods/attach,pods/exec,pods/portforward,pods/proxy
 create - pods/eviction
 create,delete,deletecollection,patch,update - configmaps,events,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy
 create - serviceaccounts/token
 create,delete,deletecollection,patch,update,get,list,watch apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale
 get,list,watch apps controllerrevisions,daemonsets/status,deployments/status,replicasets/status,statefulsets/status
 create,delete,deletecollection,patch,update,get,list,watch autoscaling horizontalpodautoscalers
 create,delete,deletecollection,patch,update,get,list,watch batch cronjobs,jobs
 get,list,watch batch cronjobs/status,jobs/status
 create,delete,deletecollection,patch,update,get,list,watch policy poddisruptionbudgets
 create,delete,deletecollection,patch,update,get,list,watch networking.k8s.io ingresses,networkpolicies
 create,delete,deletecollection,get,list,patch,update,watch coordination.k8s.io leases
 create authorization.k8s.io localsubjectaccessreviews
 create,delete,deletecollection,get,list,patch,update,watch rbac.authorization.k8s.io rolebindings,roles
role kube-system/extension-apiserver-authentication-reader
 get,list,watch - configmaps extension-apiserver-authentication
role kube-system/system::leader-locking-kube-controller-manager
 watch - configmaps
 get,update - configmaps kube-controller-manager
role kube-system/system::leader-locking-kube-scheduler
 watch - configmaps
 get,update - configmaps kube-scheduler
role kube-system/system:controller:bootstrap-signer
 get,list,watch - secrets
role kube-system/system:controller:token-cleaner
 delete,get,list,watch - secrets
 create,patch,update -,events.k8s.io events
role kube-public/system:controller:bootstrap-signer
 get,list,watch - configmaps
 update - configmaps cluster-info
 create,patch,update -,events.k8s.io events
)";

/// One controller a line: name, then its rules between semicolons. The role is bound to its service account in kube-system.
constexpr const char* controllers = R"(
attachdetach-controller: list,watch - persistentvolumeclaims,persistentvolumes; get,list,watch - nodes,pods; patch,update - nodes/status; create,delete,get,list,watch storage.k8s.io volumeattachments; get,list,watch storage.k8s.io csidrivers,csinodes
clusterrole-aggregation-controller: escalate,get,list,patch,update,watch rbac.authorization.k8s.io clusterroles
cronjob-controller: get,list,update,watch batch cronjobs; create,delete,get,list,patch,update,watch batch jobs; update batch cronjobs/finalizers,cronjobs/status; delete,list - pods
daemon-set-controller: get,list,watch apps daemonsets; update apps daemonsets/finalizers,daemonsets/status; list,watch - nodes; create,delete,list,patch,watch - pods; create - pods/binding; create,delete,get,list,patch,update,watch apps controllerrevisions
deployment-controller: get,list,update,watch apps deployments; update apps deployments/finalizers,deployments/status; create,delete,get,list,patch,update,watch apps replicasets; get,list,update,watch - pods
disruption-controller: get,list,watch apps deployments,replicasets,statefulsets; get,list,watch - replicationcontrollers; get,list,watch policy poddisruptionbudgets; update policy poddisruptionbudgets/status; get * */scale; patch,update - pods/status
endpoint-controller: get,list,watch - pods,services; create,delete,get,list,update - endpoints; create - endpoints/restricted
endpointslice-controller: get,list,watch - nodes,pods,services; update - services/finalizers; create,delete,get,list,update discovery.k8s.io endpointslices
endpointslicemirroring-controller: get,list,watch - endpoints,services; update - endpoints/finalizers,services/finalizers; create,delete,get,list,update discovery.k8s.io endpointslices
generic-garbage-collector: delete,get,list,patch,update,watch * *
horizontal-pod-autoscaler: get,list,watch autoscaling horizontalpodautoscalers; update autoscaling horizontalpodautoscalers/status; get,update * */scale; list - pods; list metrics.k8s.io pods; get,list custom.metrics.k8s.io,external.metrics.k8s.io *
job-controller: get,list,patch,update,watch batch jobs; update batch jobs/finalizers,jobs/status; create,delete,list,patch,watch - pods
namespace-controller: delete,get,list,watch - namespaces; update - namespaces/finalize,namespaces/status; delete,deletecollection,get,list * *
node-controller: delete,get,list,patch,update - nodes; patch,update - nodes/status; patch,update - pods/status; delete,list - pods; get,list,watch - pods
persistent-volume-binder: create,delete,get,list,update,watch - persistentvolumes; update - persistentvolumes/status; get,list,update,watch - persistentvolumeclaims; update - persistentvolumeclaims/status; create,delete,get,list,watch - pods; get,list,watch storage.k8s.io storageclasses
pod-garbage-collector: delete,list,watch - pods; get,list - nodes; patch - pods/status
pv-protection-controller: get,list,update,watch - persistentvolumes
pvc-protection-controller: get,list,update,watch - persistentvolumeclaims; get,list,watch - pods
replicaset-controller: get,list,update,watch apps replicasets; update apps replicasets/finalizers,replicasets/status; create,delete,list,patch,watch - pods
replication-controller: get,list,update,watch - replicationcontrollers; update - replicationcontrollers/finalizers,replicationcontrollers/status; create,delete,list,patch,watch - pods
resourcequota-controller: list,watch * *; update - resourcequotas/status
root-ca-cert-publisher: create,update - configmaps
service-account-controller: create - serviceaccounts
statefulset-controller: list,watch - pods; get,list,watch apps statefulsets; update apps statefulsets/finalizers,statefulsets/status; create,delete,get,patch,update - pods; create,delete,get,list,patch,update,watch apps controllerrevisions; create,get - persistentvolumeclaims; delete,update - persistentvolumeclaims
ttl-after-finished-controller: delete,get,list,watch batch jobs
ttl-controller: list,patch,update,watch - nodes
certificate-controller: delete,get,list,watch certificates.k8s.io certificatesigningrequests; update certificates.k8s.io certificatesigningrequests/approval,certificatesigningrequests/status; approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet; sign certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kube-apiserver-client,kubernetes.io/kubelet-serving,kubernetes.io/legacy-unknown; create authorization.k8s.io subjectaccessreviews
)";

/// binding [NAMESPACE/]NAME role-name subjects; U: user, G: group, S: service account of kube-system.
constexpr const char* bindings = R"(
cluster-admin cluster-admin G:system:masters
system:monitoring system:monitoring G:system:monitoring
system:discovery system:discovery G:system:authenticated
system:basic-user system:basic-user G:system:authenticated
system:public-info-viewer system:public-info-viewer G:system:authenticated G:system:unauthenticated
system:node-proxier system:node-proxier U:system:kube-proxy
system:kube-controller-manager system:kube-controller-manager U:system:kube-controller-manager
system:kube-dns system:kube-dns S:kube-dns
system:kube-scheduler system:kube-scheduler U:system:kube-scheduler
system:volume-scheduler system:volume-scheduler U:system:kube-scheduler
system:service-account-issuer-discovery system:service-account-issuer-discovery G:system:serviceaccounts
kubeadm:kubelet-bootstrap system:node-bootstrapper G:system:bootstrappers
kubeadm:node-autoapprove-bootstrap system:certificates.k8s.io:certificatesigningrequests:nodeclient G:system:bootstrappers
kubeadm:node-autoapprove-certificate-rotation system:certificates.k8s.io:certificatesigningrequests:selfnodeclient G:system:nodes
kube-system/system::extension-apiserver-authentication-reader extension-apiserver-authentication-reader U:system:kube-controller-manager U:system:kube-scheduler
kube-system/system::leader-locking-kube-controller-manager system::leader-locking-kube-controller-manager U:system:kube-controller-manager S:kube-controller-manager
kube-system/system::leader-locking-kube-scheduler system::leader-locking-kube-scheduler U:system:kube-scheduler S:kube-scheduler
kube-system/system:controller:bootstrap-signer system:controller:bootstrap-signer S:bootstrap-signer
kube-system/system:controller:token-cleaner system:controller:token-cleaner S:token-cleaner
kube-public/system:controller:bootstrap-signer system:controller:bootstrap-signer S:bootstrap-signer
)";

constexpr const char* api_version = "rbac.authorization.k8s.io/v1";

Json metadata_of(std::string name) {
  Json metadata = {{"labels", {{"kubernetes.io/bootstrapping", "rbac-defaults"}}},
                   {"annotations", {{"rbac.authorization.kubernetes.io/autoupdate", "true"}}}};
  const std::size_t slash = name.find('/');
  if (slash != std::string::npos) {
    metadata["namespace"] = name.substr(0, slash);
    name = name.substr(slash + 1);
  }
  metadata["name"] = name;
  return metadata;
}

std::vector<std::string> words_of(const std::string& text, char separator) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, separator);) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

Json rule_of(const std::string& text) {
  const auto words = words_of(text, ' ');
  if (words[0][0] == '!') return {{"verbs", words_of(words[0].substr(1), ',')}, {"nonResourceURLs", words_of(words[1], ',')}};
  Json groups = Json::array();
  for (const std::string& group : words_of(words[1], ',')) groups.push_back(group == "-" ? "" : group);
  Json rule = {{"verbs", words_of(words[0], ',')}, {"apiGroups", groups}, {"resources", words_of(words[2], ',')}};
  if (words.size() > 3) rule["resourceNames"] = words_of(words[3], ',');
  return rule;
}

Json role_of(const std::string& name) {
  Json metadata = metadata_of(name);
  const bool namespaced = metadata.contains("namespace");
  return {{"kind", namespaced ? "Role" : "ClusterRole"}, {"apiVersion", api_version}, {"metadata", metadata}, {"rules", Json::array()}};
}

Json subject_of(const std::string& text) {
  const std::string name = text.substr(2);
  if (text[0] == 'S') return {{"kind", "ServiceAccount"}, {"name", name}, {"namespace", "kube-system"}};
  return {{"kind", text[0] == 'U' ? "User" : "Group"}, {"apiGroup", "rbac.authorization.k8s.io"}, {"name", name}};
}

Json binding_of(const std::string& name, const std::string& role, const std::vector<std::string>& subjects) {
  Json metadata = metadata_of(name);
  const bool namespaced = metadata.contains("namespace");
  Json binding = {{"kind", namespaced ? "RoleBinding" : "ClusterRoleBinding"}, {"apiVersion", api_version}, {"metadata", metadata}, {"subjects", Json::array()}};
  binding["roleRef"] = {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", namespaced ? "Role" : "ClusterRole"}, {"name", role}};
  for (const std::string& subject : subjects) binding["subjects"].push_back(subject_of(subject));
  return binding;
}

}  // namespace

std::vector<Json> bootstrap_policy() {
  std::vector<Json> objects;
  for (const std::string& line : words_of(roles, '\n')) {
    if (line.front() == ' ') {
      objects.back()["rules"].push_back(rule_of(line.substr(1)));
    } else {
      objects.push_back(role_of(line.substr(5)));
    }
  }
  for (const std::string& line : words_of(controllers, '\n')) {
    const std::size_t colon = line.find(':');
    const std::string name = line.substr(0, colon);
    Json role = role_of("system:controller:" + name);
    for (const std::string& rule : words_of(line.substr(colon + 1), ';')) role["rules"].push_back(rule_of(rule));
    role["rules"].push_back(rule_of("create,patch,update -,events.k8s.io events"));
    objects.push_back(std::move(role));
    objects.push_back(binding_of("system:controller:" + name, "system:controller:" + name, {"S:" + name}));
  }
  for (const std::string& line : words_of(bindings, '\n')) {
    const auto words = words_of(line, ' ');
    objects.push_back(binding_of(words[0], words[1], {words.begin() + 2, words.end()}));
  }
  return objects;
}

}  // namespace skidpad::fakes::kube_apiserver
