// Facts of the Kubernetes v1.32 discovery documents, one line a resource, one indented line a subresource.
// Derived from the published api/discovery documents; the form is explained in resource_table.hpp.
#include "fakes/kube_apiserver/api/resource_table.hpp"

namespace skidpad::fakes::kube_apiserver {

const std::string_view resource_data[] = {
R"SKIDPAD(- v1 Binding bindings binding namespaced - - create core.v1 -
- v1 ComponentStatus componentstatuses componentstatus cluster cs - get,list core.v1 -
- v1 ConfigMap configmaps configmap namespaced cm - create,delete,deletecollection,get,list,patch,update,watch core.v1 qFsyl6wFWjQ=
- v1 Endpoints endpoints endpoints namespaced ep - create,delete,deletecollection,get,list,patch,update,watch core.v1 fWeeMqaN/OA=
- v1 Event events event namespaced ev - create,delete,deletecollection,get,list,patch,update,watch core.v1 r2yiGXH7wu8=
- v1 LimitRange limitranges limitrange namespaced limits - create,delete,deletecollection,get,list,patch,update,watch core.v1 EBKMFVe6cwo=
- v1 Namespace namespaces namespace cluster ns - create,delete,get,list,patch,update,watch core.v1 Q3oi5N2YM8M=
 finalize Namespace - - update
 status Namespace - - get,patch,update
- v1 Node nodes node cluster no - create,delete,deletecollection,get,list,patch,update,watch core.v1 XwShjMxG9Fs=
 proxy NodeProxyOptions - - create,delete,get,patch,update
 status Node - - get,patch,update
- v1 PersistentVolumeClaim persistentvolumeclaims persistentvolumeclaim namespaced pvc - create,delete,deletecollection,get,list,patch,update,watch core.v1 QWTyNDq0dC4=
 status PersistentVolumeClaim - - get,patch,update
- v1 PersistentVolume persistentvolumes persistentvolume cluster pv - create,delete,deletecollection,get,list,patch,update,watch core.v1 HN/zwEC+JgM=
 status PersistentVolume - - get,patch,update
- v1 Pod pods pod namespaced po all create,delete,deletecollection,get,list,patch,update,watch core.v1 xPOwRZ+Yhw8=
 attach PodAttachOptions - - create,get
 binding Binding - - create
 ephemeralcontainers Pod - - get,patch,update
 eviction Eviction policy v1 create
 exec PodExecOptions - - create,get
 log Pod - - get
 portforward PodPortForwardOptions - - create,get
 proxy PodProxyOptions - - create,delete,get,patch,update
 resize Pod - - get,patch,update
 status Pod - - get,patch,update
- v1 PodTemplate podtemplates podtemplate namespaced - - create,delete,deletecollection,get,list,patch,update,watch core.v1 LIXB2x4IFpk=
- v1 ReplicationController replicationcontrollers replicationcontroller namespaced rc all create,delete,deletecollection,get,list,patch,update,watch core.v1 Jond2If31h0=
 scale Scale autoscaling v1 get,patch,update
 status ReplicationController - - get,patch,update
- v1 ResourceQuota resourcequotas resourcequota namespaced quota - create,delete,deletecollection,get,list,patch,update,watch core.v1 8uhSgffRX6w=
 status ResourceQuota - - get,patch,update
- v1 Secret secrets secret namespaced - - create,delete,deletecollection,get,list,patch,update,watch core.v1 S6u1pOWzb84=
- v1 ServiceAccount serviceaccounts serviceaccount namespaced sa - create,delete,deletecollection,get,list,patch,update,watch core.v1 pbx9ZvyFpBE=
 token TokenRequest authentication.k8s.io v1 create
- v1 Service services service namespaced svc all create,delete,deletecollection,get,list,patch,update,watch core.v1 0/CO1lhkEBI=
 proxy ServiceProxyOptions - - create,delete,get,patch,update
 status Service - - get,patch,update
apiregistration.k8s.io v1 APIService apiservices apiservice cluster - api-extensions create,delete,deletecollection,get,list,patch,update,watch apiregistration.v1 InPBPD7+PqM=
 status APIService - - get,patch,update
apps v1 ControllerRevision controllerrevisions controllerrevision namespaced - - create,delete,deletecollection,get,list,patch,update,watch apps.v1 85nkx63pcBU=
apps v1 DaemonSet daemonsets daemonset namespaced ds all create,delete,deletecollection,get,list,patch,update,watch apps.v1 dd7pWHUlMKQ=
 status DaemonSet - - get,patch,update
apps v1 Deployment deployments deployment namespaced deploy all create,delete,deletecollection,get,list,patch,update,watch apps.v1 8aSe+NMegvE=
 scale Scale autoscaling v1 get,patch,update
 status Deployment - - get,patch,update
apps v1 ReplicaSet replicasets replicaset namespaced rs all create,delete,deletecollection,get,list,patch,update,watch apps.v1 P1RzHs8/mWQ=
 scale Scale autoscaling v1 get,patch,update
 status ReplicaSet - - get,patch,update
apps v1 StatefulSet statefulsets statefulset namespaced sts all create,delete,deletecollection,get,list,patch,update,watch apps.v1 H+vl74LkKdo=
 scale Scale autoscaling v1 get,patch,update
 status StatefulSet - - get,patch,update
events.k8s.io v1 Event events event namespaced ev - create,delete,deletecollection,get,list,patch,update,watch events.v1 r2yiGXH7wu8=
authentication.k8s.io v1 SelfSubjectReview selfsubjectreviews selfsubjectreview cluster - - create authentication.v1 -
authentication.k8s.io v1 TokenReview tokenreviews tokenreview cluster - - create authentication.v1 -
authorization.k8s.io v1 LocalSubjectAccessReview localsubjectaccessreviews localsubjectaccessreview namespaced - - create authorization.v1 -
authorization.k8s.io v1 SelfSubjectAccessReview selfsubjectaccessreviews selfsubjectaccessreview cluster - - create authorization.v1 -
authorization.k8s.io v1 SelfSubjectRulesReview selfsubjectrulesreviews selfsubjectrulesreview cluster - - create authorization.v1 -
authorization.k8s.io v1 SubjectAccessReview subjectaccessreviews subjectaccessreview cluster - - create authorization.v1 -
autoscaling v2 HorizontalPodAutoscaler horizontalpodautoscalers horizontalpodautoscaler namespaced hpa all create,delete,deletecollection,get,list,patch,update,watch autoscaling.v2 qwQve8ut294=
 status HorizontalPodAutoscaler - - get,patch,update
autoscaling v1 HorizontalPodAutoscaler horizontalpodautoscalers horizontalpodautoscaler namespaced hpa all create,delete,deletecollection,get,list,patch,update,watch autoscaling.v1 qwQve8ut294=
 status HorizontalPodAutoscaler - - get,patch,update
batch v1 CronJob cronjobs cronjob namespaced cj all create,delete,deletecollection,get,list,patch,update,watch batch.v1 sd5LIXh4Fjs=
 status CronJob - - get,patch,update
batch v1 Job jobs job namespaced - all create,delete,deletecollection,get,list,patch,update,watch batch.v1 mudhfqk/qZY=
 status Job - - get,patch,update
certificates.k8s.io v1 CertificateSigningRequest certificatesigningrequests certificatesigningrequest cluster csr - create,delete,deletecollection,get,list,patch,update,watch certificates.v1 95fRKMXA+00=
 approval CertificateSigningRequest - - get,patch,update
 status CertificateSigningRequest - - get,patch,update
networking.k8s.io v1 IngressClass ingressclasses ingressclass cluster - - create,delete,deletecollection,get,list,patch,update,watch networking.v1 l/iqIbDgFyQ=
networking.k8s.io v1 Ingress ingresses ingress namespaced ing - create,delete,deletecollection,get,list,patch,update,watch networking.v1 39NQlfNR+bo=
 status Ingress - - get,patch,update
networking.k8s.io v1 NetworkPolicy networkpolicies networkpolicy namespaced netpol - create,delete,deletecollection,get,list,patch,update,watch networking.v1 YpfwF18m1G8=
policy v1 PodDisruptionBudget poddisruptionbudgets poddisruptionbudget namespaced pdb - create,delete,deletecollection,get,list,patch,update,watch policy.v1 EVWiDmWqyJw=
 status PodDisruptionBudget - - get,patch,update
rbac.authorization.k8s.io v1 ClusterRoleBinding clusterrolebindings clusterrolebinding cluster - - create,delete,deletecollection,get,list,patch,update,watch rbac.v1 48tpQ8gZHFc=
rbac.authorization.k8s.io v1 ClusterRole clusterroles clusterrole cluster - - create,delete,deletecollection,get,list,patch,update,watch rbac.v1 bYE5ZWDrJ44=
rbac.authorization.k8s.io v1 RoleBinding rolebindings rolebinding namespaced - - create,delete,deletecollection,get,list,patch,update,watch rbac.v1 eGsCzGH6b1g=
rbac.authorization.k8s.io v1 Role roles role namespaced - - create,delete,deletecollection,get,list,patch,update,watch rbac.v1 7FuwZcIIItM=
storage.k8s.io v1 CSIDriver csidrivers csidriver cluster - - create,delete,deletecollection,get,list,patch,update,watch storage.v1 hL6j/rwBV5w=
storage.k8s.io v1 CSINode csinodes csinode cluster - - create,delete,deletecollection,get,list,patch,update,watch storage.v1 Pe62DkZtjuo=
storage.k8s.io v1 CSIStorageCapacity csistoragecapacities csistoragecapacity namespaced - - create,delete,deletecollection,get,list,patch,update,watch storage.v1 xeVl+2Ly1kE=
storage.k8s.io v1 StorageClass storageclasses storageclass cluster sc - create,delete,deletecollection,get,list,patch,update,watch storage.v1 K+m6uJwbjGY=
storage.k8s.io v1 VolumeAttachment volumeattachments volumeattachment cluster - - create,delete,deletecollection,get,list,patch,update,watch storage.v1 tJx/ezt6UDU=
 status VolumeAttachment - - get,patch,update
admissionregistration.k8s.io v1 MutatingWebhookConfiguration mutatingwebhookconfigurations mutatingwebhookconfiguration cluster - api-extensions create,delete,deletecollection,get,list,patch,update,watch admissionregistration.v1 Sqi0GUgDaX0=
admissionregistration.k8s.io v1 ValidatingAdmissionPolicy validatingadmissionpolicies validatingadmissionpolicy cluster - api-extensions create,delete,deletecollection,get,list,patch,update,watch admissionregistration.v1 6OxvlMmQ6is=
 status ValidatingAdmissionPolicy - - get,patch,update
admissionregistration.k8s.io v1 ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings validatingadmissionpolicybinding cluster - api-extensions create,delete,deletecollection,get,list,patch,update,watch admissionregistration.v1 v9715VZqakg=
admissionregistration.k8s.io v1 ValidatingWebhookConfiguration validatingwebhookconfigurations validatingwebhookconfiguration cluster - api-extensions create,delete,deletecollection,get,list,patch,update,watch admissionregistration.v1 B0wHjQmsGNk=
apiextensions.k8s.io v1 CustomResourceDefinition customresourcedefinitions customresourcedefinition cluster crd,crds api-extensions create,delete,deletecollection,get,list,patch,update,watch apiextensions.v1 jfWCUB31mvA=
 status CustomResourceDefinition - - get,patch,update
scheduling.k8s.io v1 PriorityClass priorityclasses priorityclass cluster pc - create,delete,deletecollection,get,list,patch,update,watch scheduling.v1 1QwjyaZjj3Y=
coordination.k8s.io v1 Lease leases lease namespaced - - create,delete,deletecollection,get,list,patch,update,watch coordination.v1 gqkMMb/YqFM=
node.k8s.io v1 RuntimeClass runtimeclasses runtimeclass cluster - - create,delete,deletecollection,get,list,patch,update,watch node.v1 WQTu1GL3T2Q=
discovery.k8s.io v1 EndpointSlice endpointslices endpointslice namespaced - - create,delete,deletecollection,get,list,patch,update,watch discovery.v1 qgS0xkrxYAI=
flowcontrol.apiserver.k8s.io v1 FlowSchema flowschemas flowschema cluster - - create,delete,deletecollection,get,list,patch,update,watch flowcontrol.v1 GJVAJZSZBIw=
 status FlowSchema - - get,patch,update
flowcontrol.apiserver.k8s.io v1 PriorityLevelConfiguration prioritylevelconfigurations prioritylevelconfiguration cluster - - create,delete,deletecollection,get,list,patch,update,watch flowcontrol.v1 Kir5PVfvNeI=
 status PriorityLevelConfiguration - - get,patch,update
)SKIDPAD",
};
const std::size_t resource_data_count = 1;

}  // namespace skidpad::fakes::kube_apiserver
