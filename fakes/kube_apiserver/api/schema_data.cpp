// Facts of the Kubernetes v1.32 wire format, one line a field: " name protobuf-number omitempty type [markers]".
// Derived from the published types of k8s.io/api; the form is explained in schema.hpp.
#include "fakes/kube_apiserver/api/schema.hpp"

namespace skidpad::fakes::kube_apiserver {

const std::string_view schema_data[] = {
R"SKIDPAD(admissionregistration.v1.AuditAnnotation
 key 1 - s
 valueExpression 2 - s
admissionregistration.v1.ExpressionWarning
 fieldRef 2 - s
 warning 3 - s
admissionregistration.v1.MatchCondition
 name 1 - s
 expression 2 - s
admissionregistration.v1.MatchResources st=atomic
 namespaceSelector 1 o *meta.v1.LabelSelector
 objectSelector 2 o *meta.v1.LabelSelector
 resourceRules 3 o [admissionregistration.v1.NamedRuleWithOperations lt=atomic
 excludeResourceRules 4 o [admissionregistration.v1.NamedRuleWithOperations lt=atomic
 matchPolicy 7 o *s
admissionregistration.v1.MutatingWebhook
 name 1 - s
 clientConfig 2 - admissionregistration.v1.WebhookClientConfig
 rules 3 o [admissionregistration.v1.RuleWithOperations lt=atomic
 failurePolicy 4 o *s
 matchPolicy 9 o *s
 namespaceSelector 5 o *meta.v1.LabelSelector
 objectSelector 11 o *meta.v1.LabelSelector
 sideEffects 6 - *s
 timeoutSeconds 7 o *i
 admissionReviewVersions 8 - [s lt=atomic
 reinvocationPolicy 10 o *s
 matchConditions 12 o [admissionregistration.v1.MatchCondition mk=name ps=merge lt=map keys=name
admissionregistration.v1.MutatingWebhookConfiguration
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 webhooks 2 o [admissionregistration.v1.MutatingWebhook mk=name ps=merge lt=map keys=name
admissionregistration.v1.NamedRuleWithOperations st=atomic
 resourceNames 1 o [s lt=atomic
 operations 1 o [s lt=atomic in=2
 apiGroups 1 o [s lt=atomic in=2 in=2
 apiVersions 2 o [s lt=atomic in=2 in=2
 resources 3 o [s lt=atomic in=2 in=2
 scope 4 o *s in=2 in=2
admissionregistration.v1.ParamKind st=atomic
 apiVersion 1 o s
 kind 2 o s
admissionregistration.v1.ParamRef st=atomic
 name 1 o s
 namespace 2 o s
 selector 3 o *meta.v1.LabelSelector
 parameterNotFoundAction 4 o *s
admissionregistration.v1.RuleWithOperations
 operations 1 o [s lt=atomic
 apiGroups 1 o [s lt=atomic in=2
 apiVersions 2 o [s lt=atomic in=2
 resources 3 o [s lt=atomic in=2
 scope 4 o *s in=2
admissionregistration.v1.ServiceReference
 namespace 1 - s
 name 2 - s
 path 3 o *s
 port 4 o *i
admissionregistration.v1.TypeChecking
 expressionWarnings 1 o [admissionregistration.v1.ExpressionWarning lt=atomic
admissionregistration.v1.ValidatingAdmissionPolicy
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o admissionregistration.v1.ValidatingAdmissionPolicySpec
 status 3 o admissionregistration.v1.ValidatingAdmissionPolicyStatus
admissionregistration.v1.ValidatingAdmissionPolicyBinding
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec
 policyName 1 o s
 paramRef 2 o *admissionregistration.v1.ParamRef
 matchResources 3 o *admissionregistration.v1.MatchResources
 validationActions 4 o [s lt=set
admissionregistration.v1.ValidatingAdmissionPolicySpec
 paramKind 1 o *admissionregistration.v1.ParamKind
 matchConstraints 2 o *admissionregistration.v1.MatchResources
 validations 3 o [admissionregistration.v1.Validation lt=atomic
 failurePolicy 4 o *s
 auditAnnotations 5 o [admissionregistration.v1.AuditAnnotation lt=atomic
 matchConditions 6 o [admissionregistration.v1.MatchCondition mk=name ps=merge lt=map keys=name
 variables 7 o [admissionregistration.v1.Variable mk=name ps=merge lt=map keys=name
admissionregistration.v1.ValidatingAdmissionPolicyStatus
 observedGeneration 1 o l
 typeChecking 2 o *admissionregistration.v1.TypeChecking
 conditions 3 o [meta.v1.Condition lt=map keys=type
admissionregistration.v1.ValidatingWebhook
 name 1 - s
 clientConfig 2 - admissionregistration.v1.WebhookClientConfig
 rules 3 o [admissionregistration.v1.RuleWithOperations lt=atomic
 failurePolicy 4 o *s
 matchPolicy 9 o *s
 namespaceSelector 5 o *meta.v1.LabelSelector
 objectSelector 10 o *meta.v1.LabelSelector
 sideEffects 6 - *s
 timeoutSeconds 7 o *i
 admissionReviewVersions 8 - [s lt=atomic
 matchConditions 11 o [admissionregistration.v1.MatchCondition mk=name ps=merge lt=map keys=name
admissionregistration.v1.ValidatingWebhookConfiguration
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 webhooks 2 o [admissionregistration.v1.ValidatingWebhook mk=name ps=merge lt=map keys=name
admissionregistration.v1.Validation
 expression 1 - s
 message 2 o s
 reason 3 o *s
 messageExpression 4 o s
admissionregistration.v1.Variable st=atomic
 name 1 - s
 expression 2 - s
admissionregistration.v1.WebhookClientConfig
 url 3 o *s
 service 1 o *admissionregistration.v1.ServiceReference
 caBundle 2 o B
apiextensions.v1.CustomResourceColumnDefinition
 name 1 - s
 type 2 - s
 format 3 o s
 description 4 o s
 priority 5 o i
 jsonPath 6 - s
apiextensions.v1.CustomResourceConversion
 strategy 1 - s
 webhook 2 o *apiextensions.v1.WebhookConversion
apiextensions.v1.CustomResourceDefinition
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - apiextensions.v1.CustomResourceDefinitionSpec
 status 3 o apiextensions.v1.CustomResourceDefinitionStatus
apiextensions.v1.CustomResourceDefinitionCondition
 type 1 - s
 status 2 - s
 lastTransitionTime 3 o t
 reason 4 o s
 message 5 o s
apiextensions.v1.CustomResourceDefinitionNames
 plural 1 - s
 singular 2 o s
 shortNames 3 o [s lt=atomic
 kind 4 - s
 listKind 5 o s
 categories 6 o [s lt=atomic
apiextensions.v1.CustomResourceDefinitionSpec
 group 1 - s
 names 3 - apiextensions.v1.CustomResourceDefinitionNames
 scope 4 - s
 versions 7 - [apiextensions.v1.CustomResourceDefinitionVersion lt=atomic
 conversion 9 o *apiextensions.v1.CustomResourceConversion
 preserveUnknownFields 10 o b
apiextensions.v1.CustomResourceDefinitionStatus
 conditions 1 - [apiextensions.v1.CustomResourceDefinitionCondition lt=map keys=type
 acceptedNames 2 - apiextensions.v1.CustomResourceDefinitionNames
 storedVersions 3 - [s lt=atomic
apiextensions.v1.CustomResourceDefinitionVersion
 name 1 - s
 served 2 - b
 storage 3 - b
 deprecated 7 o b
 deprecationWarning 8 o *s
 schema 4 o *apiextensions.v1.CustomResourceValidation
 subresources 5 o *apiextensions.v1.CustomResourceSubresources
 additionalPrinterColumns 6 o [apiextensions.v1.CustomResourceColumnDefinition lt=atomic
 selectableFields 9 o [apiextensions.v1.SelectableField lt=atomic
apiextensions.v1.CustomResourceSubresourceScale
 specReplicasPath 1 - s
 statusReplicasPath 2 - s
 labelSelectorPath 3 o *s
apiextensions.v1.CustomResourceSubresourceStatus

apiextensions.v1.CustomResourceSubresources
 status 1 o *apiextensions.v1.CustomResourceSubresourceStatus
 scale 2 o *apiextensions.v1.CustomResourceSubresourceScale
apiextensions.v1.CustomResourceValidation
 openAPIV3Schema 1 o *apiextensions.v1.JSONSchemaProps
apiextensions.v1.ExternalDocumentation
 description 1 o s
 url 2 o s
apiextensions.v1.JSONSchemaProps
 id 1 o s
 $schema 2 o s
 $ref 3 o *s
 description 4 o s
 type 5 o s
 format 6 o s
 title 7 o s
 default 8 o *a
 maximum 9 o *f
 exclusiveMaximum 10 o b
 minimum 11 o *f
 exclusiveMinimum 12 o b
 maxLength 13 o *l
 minLength 14 o *l
 pattern 15 o s
 maxItems 16 o *l
 minItems 17 o *l
 uniqueItems 18 o b
 multipleOf 19 o *f
 enum 20 o [a lt=atomic
 maxProperties 21 o *l
 minProperties 22 o *l
 required 23 o [s lt=atomic
 items 24 o *a
 allOf 25 o [apiextensions.v1.JSONSchemaProps lt=atomic
 oneOf 26 o [apiextensions.v1.JSONSchemaProps lt=atomic
 anyOf 27 o [apiextensions.v1.JSONSchemaProps lt=atomic
 not 28 o *apiextensions.v1.JSONSchemaProps
 properties 29 o {apiextensions.v1.JSONSchemaProps
 additionalProperties 30 o *a
 patternProperties 31 o {apiextensions.v1.JSONSchemaProps
 dependencies 32 o {a
 additionalItems 33 o *a
 definitions 34 o {apiextensions.v1.JSONSchemaProps
 externalDocs 35 o *apiextensions.v1.ExternalDocumentation
 example 36 o *a
 nullable 37 o b
 x-kubernetes-preserve-unknown-fields 38 o *b
 x-kubernetes-embedded-resource 39 o b
 x-kubernetes-int-or-string 40 o b
 x-kubernetes-list-map-keys 41 o [s lt=atomic
 x-kubernetes-list-type 42 o *s
 x-kubernetes-map-type 43 o *s
 x-kubernetes-validations 44 o [apiextensions.v1.ValidationRule mk=rule ps=merge lt=map keys=rule
apiextensions.v1.SelectableField
 jsonPath 1 - s
apiextensions.v1.ServiceReference
 namespace 1 - s
 name 2 - s
 path 3 o *s
 port 4 o *i
apiextensions.v1.ValidationRule
 rule 1 - s
 message 2 o s
 messageExpression 3 o s
 reason 4 o *s
 fieldPath 5 o s
 optionalOldSelf 6 o *b
apiextensions.v1.WebhookClientConfig
 url 3 o *s
 service 1 o *apiextensions.v1.ServiceReference
 caBundle 2 o B
apiextensions.v1.WebhookConversion
 clientConfig 2 o *apiextensions.v1.WebhookClientConfig
 conversionReviewVersions 3 - [s lt=atomic
apiregistration.v1.APIService
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o apiregistration.v1.APIServiceSpec
 status 3 o apiregistration.v1.APIServiceStatus
apiregistration.v1.APIServiceCondition
 type 1 - s
 status 2 - s
 lastTransitionTime 3 o t
 reason 4 o s
 message 5 o s
apiregistration.v1.APIServiceSpec
 service 1 o *apiregistration.v1.ServiceReference
 group 2 o s
 version 3 o s
 insecureSkipTLSVerify 4 o b
 caBundle 5 o B lt=atomic
 groupPriorityMinimum 7 - i
 versionPriority 8 - i
apiregistration.v1.APIServiceStatus
 conditions 1 o [apiregistration.v1.APIServiceCondition mk=type ps=merge lt=map keys=type
apiregistration.v1.ServiceReference
 namespace 1 o s
 name 2 o s
 port 3 o *i
apps.v1.ControllerRevision
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 data 2 o a
 revision 3 - l
apps.v1.DaemonSet
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o apps.v1.DaemonSetSpec
 status 3 o apps.v1.DaemonSetStatus
apps.v1.DaemonSetCondition
 type 1 - s
 status 2 - s
 lastTransitionTime 3 o t
 reason 4 o s
 message 5 o s
apps.v1.DaemonSetSpec
 selector 1 - *meta.v1.LabelSelector
 template 2 - core.v1.PodTemplateSpec
 updateStrategy 3 o apps.v1.DaemonSetUpdateStrategy
 minReadySeconds 4 o i
 revisionHistoryLimit 6 o *i
apps.v1.DaemonSetStatus
 currentNumberScheduled 1 - i
 numberMisscheduled 2 - i
 desiredNumberScheduled 3 - i
 numberReady 4 - i
 observedGeneration 5 o l
 updatedNumberScheduled 6 o i
 numberAvailable 7 o i
 numberUnavailable 8 o i
 collisionCount 9 o *i
 conditions 10 o [apps.v1.DaemonSetCondition mk=type ps=merge lt=map keys=type
apps.v1.DaemonSetUpdateStrategy
 type 1 o s
 rollingUpdate 2 o *apps.v1.RollingUpdateDaemonSet
apps.v1.Deployment
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o apps.v1.DeploymentSpec
 status 3 o apps.v1.DeploymentStatus
apps.v1.DeploymentCondition
 type 1 - s
 status 2 - s
 lastUpdateTime 6 o t
 lastTransitionTime 7 o t
 reason 4 o s
 message 5 o s
apps.v1.DeploymentSpec
 replicas 1 o *i
 selector 2 - *meta.v1.LabelSelector
 template 3 - core.v1.PodTemplateSpec
 strategy 4 o apps.v1.DeploymentStrategy ps=retainKeys
 minReadySeconds 5 o i
 revisionHistoryLimit 6 o *i
 paused 7 o b
 progressDeadlineSeconds 9 o *i
apps.v1.DeploymentStatus
 observedGeneration 1 o l
 replicas 2 o i
 updatedReplicas 3 o i
 readyReplicas 7 o i
 availableReplicas 4 o i
 unavailableReplicas 5 o i
 conditions 6 o [apps.v1.DeploymentCondition mk=type ps=merge lt=map keys=type
 collisionCount 8 o *i
apps.v1.DeploymentStrategy
 type 1 o s
 rollingUpdate 2 o *apps.v1.RollingUpdateDeployment
apps.v1.ReplicaSet
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o apps.v1.ReplicaSetSpec
 status 3 o apps.v1.ReplicaSetStatus
apps.v1.ReplicaSetCondition
 type 1 - s
 status 2 - s
 lastTransitionTime 3 o t
 reason 4 o s
 message 5 o s
apps.v1.ReplicaSetSpec
 replicas 1 o *i
 minReadySeconds 4 o i
 selector 2 - *meta.v1.LabelSelector
 template 3 o core.v1.PodTemplateSpec
apps.v1.ReplicaSetStatus
 replicas 1 - i
 fullyLabeledReplicas 2 o i
 readyReplicas 4 o i
 availableReplicas 5 o i
 observedGeneration 3 o l
 conditions 6 o [apps.v1.ReplicaSetCondition mk=type ps=merge lt=map keys=type
apps.v1.RollingUpdateDaemonSet
 maxUnavailable 1 o *x
 maxSurge 2 o *x
apps.v1.RollingUpdateDeployment
 maxUnavailable 1 o *x
 maxSurge 2 o *x
apps.v1.RollingUpdateStatefulSetStrategy
 partition 1 o *i
 maxUnavailable 2 o *x
apps.v1.StatefulSet
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o apps.v1.StatefulSetSpec
 status 3 o apps.v1.StatefulSetStatus
apps.v1.StatefulSetCondition
 type 1 - s
 status 2 - s
 lastTransitionTime 3 o t
 reason 4 o s
 message 5 o s
apps.v1.StatefulSetOrdinals
 start 1 - i
apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy
 whenDeleted 1 o s
 whenScaled 2 o s
apps.v1.StatefulSetSpec
 replicas 1 o *i
 selector 2 - *meta.v1.LabelSelector
 template 3 - core.v1.PodTemplateSpec
 volumeClaimTemplates 4 o [core.v1.PersistentVolumeClaim lt=atomic
 serviceName 5 - s
 podManagementPolicy 6 o s
 updateStrategy 7 o apps.v1.StatefulSetUpdateStrategy
 revisionHistoryLimit 8 o *i
 minReadySeconds 9 o i
 persistentVolumeClaimRetentionPolicy 10 o *apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy
 ordinals 11 o *apps.v1.StatefulSetOrdinals
apps.v1.StatefulSetStatus
 observedGeneration 1 o l
 replicas 2 - i
 readyReplicas 3 o i
 currentReplicas 4 o i
 updatedReplicas 5 o i
 currentRevision 6 o s
 updateRevision 7 o s
 collisionCount 9 o *i
 conditions 10 o [apps.v1.StatefulSetCondition mk=type ps=merge lt=map keys=type
 availableReplicas 11 - i
apps.v1.StatefulSetUpdateStrategy
 type 1 o s
 rollingUpdate 2 o *apps.v1.RollingUpdateStatefulSetStrategy
authentication.v1.BoundObjectReference
 kind 1 o s
 apiVersion 2 o s
 name 3 o s
 uid 4 o s
authentication.v1.SelfSubjectReview
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 status 2 o authentication.v1.SelfSubjectReviewStatus
authentication.v1.SelfSubjectReviewStatus
 userInfo 1 o authentication.v1.UserInfo
authentication.v1.TokenRequest
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - authentication.v1.TokenRequestSpec
 status 3 o authentication.v1.TokenRequestStatus
authentication.v1.TokenRequestSpec
 audiences 1 - [s lt=atomic
 expirationSeconds 4 - *l
 boundObjectRef 3 - *authentication.v1.BoundObjectReference
authentication.v1.TokenRequestStatus
 token 1 - s
 expirationTimestamp 2 - t
authentication.v1.TokenReview
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - authentication.v1.TokenReviewSpec
 status 3 o authentication.v1.TokenReviewStatus
authentication.v1.TokenReviewSpec
 token 1 o s
 audiences 2 o [s lt=atomic
authentication.v1.TokenReviewStatus
 authenticated 1 o b
 user 2 o authentication.v1.UserInfo
 audiences 4 o [s lt=atomic
 error 3 o s
authentication.v1.UserInfo
 username 1 o s
 uid 2 o s
 groups 3 o [s lt=atomic
 extra 4 o {[s
authorization.v1.FieldSelectorAttributes
 rawSelector 1 o s
 requirements 2 o [meta.v1.FieldSelectorRequirement lt=atomic
authorization.v1.LabelSelectorAttributes
 rawSelector 1 o s
 requirements 2 o [meta.v1.LabelSelectorRequirement lt=atomic
authorization.v1.LocalSubjectAccessReview
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
)SKIDPAD",
R"SKIDPAD( spec 2 - authorization.v1.SubjectAccessReviewSpec
 status 3 o authorization.v1.SubjectAccessReviewStatus
authorization.v1.NonResourceAttributes
 path 1 o s
 verb 2 o s
authorization.v1.NonResourceRule
 verbs 1 - [s lt=atomic
 nonResourceURLs 2 o [s lt=atomic
authorization.v1.ResourceAttributes
 namespace 1 o s
 verb 2 o s
 group 3 o s
 version 4 o s
 resource 5 o s
 subresource 6 o s
 name 7 o s
 fieldSelector 8 o *authorization.v1.FieldSelectorAttributes
 labelSelector 9 o *authorization.v1.LabelSelectorAttributes
authorization.v1.ResourceRule
 verbs 1 - [s lt=atomic
 apiGroups 2 o [s lt=atomic
 resources 3 o [s lt=atomic
 resourceNames 4 o [s lt=atomic
authorization.v1.SelfSubjectAccessReview
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - authorization.v1.SelfSubjectAccessReviewSpec
 status 3 o authorization.v1.SubjectAccessReviewStatus
authorization.v1.SelfSubjectAccessReviewSpec
 resourceAttributes 1 o *authorization.v1.ResourceAttributes
 nonResourceAttributes 2 o *authorization.v1.NonResourceAttributes
authorization.v1.SelfSubjectRulesReview
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - authorization.v1.SelfSubjectRulesReviewSpec
 status 3 o authorization.v1.SubjectRulesReviewStatus
authorization.v1.SelfSubjectRulesReviewSpec
 namespace 1 o s
authorization.v1.SubjectAccessReview
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - authorization.v1.SubjectAccessReviewSpec
 status 3 o authorization.v1.SubjectAccessReviewStatus
authorization.v1.SubjectAccessReviewSpec
 resourceAttributes 1 o *authorization.v1.ResourceAttributes
 nonResourceAttributes 2 o *authorization.v1.NonResourceAttributes
 user 3 o s
 groups 4 o [s lt=atomic
 extra 5 o {[s
 uid 6 o s
authorization.v1.SubjectAccessReviewStatus
 allowed 1 - b
 denied 4 o b
 reason 2 o s
 evaluationError 3 o s
authorization.v1.SubjectRulesReviewStatus
 resourceRules 1 - [authorization.v1.ResourceRule lt=atomic
 nonResourceRules 2 - [authorization.v1.NonResourceRule lt=atomic
 incomplete 3 - b
 evaluationError 4 o s
autoscaling.v1.CrossVersionObjectReference st=atomic
 kind 1 - s
 name 2 - s
 apiVersion 3 o s
autoscaling.v1.HorizontalPodAutoscaler
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o autoscaling.v1.HorizontalPodAutoscalerSpec
 status 3 o autoscaling.v1.HorizontalPodAutoscalerStatus
autoscaling.v1.HorizontalPodAutoscalerSpec
 scaleTargetRef 1 - autoscaling.v1.CrossVersionObjectReference
 minReplicas 2 o *i
 maxReplicas 3 - i
 targetCPUUtilizationPercentage 4 o *i
autoscaling.v1.HorizontalPodAutoscalerStatus
 observedGeneration 1 o *l
 lastScaleTime 2 o *t
 currentReplicas 3 - i
 desiredReplicas 4 - i
 currentCPUUtilizationPercentage 5 o *i
autoscaling.v1.Scale
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o autoscaling.v1.ScaleSpec
 status 3 o autoscaling.v1.ScaleStatus
autoscaling.v1.ScaleSpec
 replicas 1 o i
autoscaling.v1.ScaleStatus
 replicas 1 - i
 selector 2 o s
autoscaling.v2.ContainerResourceMetricSource
 name 1 - s
 target 2 - autoscaling.v2.MetricTarget
 container 3 - s
autoscaling.v2.ContainerResourceMetricStatus
 name 1 - s
 current 2 - autoscaling.v2.MetricValueStatus
 container 3 - s
autoscaling.v2.CrossVersionObjectReference
 kind 1 - s
 name 2 - s
 apiVersion 3 o s
autoscaling.v2.ExternalMetricSource
 metric 1 - autoscaling.v2.MetricIdentifier
 target 2 - autoscaling.v2.MetricTarget
autoscaling.v2.ExternalMetricStatus
 metric 1 - autoscaling.v2.MetricIdentifier
 current 2 - autoscaling.v2.MetricValueStatus
autoscaling.v2.HPAScalingPolicy
 type 1 - s
 value 2 - i
 periodSeconds 3 - i
autoscaling.v2.HPAScalingRules
 stabilizationWindowSeconds 3 o *i
 selectPolicy 1 o *s
 policies 2 o [autoscaling.v2.HPAScalingPolicy lt=atomic
autoscaling.v2.HorizontalPodAutoscaler
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o autoscaling.v2.HorizontalPodAutoscalerSpec
 status 3 o autoscaling.v2.HorizontalPodAutoscalerStatus
autoscaling.v2.HorizontalPodAutoscalerBehavior
 scaleUp 1 o *autoscaling.v2.HPAScalingRules
 scaleDown 2 o *autoscaling.v2.HPAScalingRules
autoscaling.v2.HorizontalPodAutoscalerCondition
 type 1 - s
 status 2 - s
 lastTransitionTime 3 o t
 reason 4 o s
 message 5 o s
autoscaling.v2.HorizontalPodAutoscalerSpec
 scaleTargetRef 1 - autoscaling.v2.CrossVersionObjectReference
 minReplicas 2 o *i
 maxReplicas 3 - i
 metrics 4 o [autoscaling.v2.MetricSpec lt=atomic
 behavior 5 o *autoscaling.v2.HorizontalPodAutoscalerBehavior
autoscaling.v2.HorizontalPodAutoscalerStatus
 observedGeneration 1 o *l
 lastScaleTime 2 o *t
 currentReplicas 3 o i
 desiredReplicas 4 - i
 currentMetrics 5 - [autoscaling.v2.MetricStatus lt=atomic
 conditions 6 o [autoscaling.v2.HorizontalPodAutoscalerCondition mk=type ps=merge lt=map keys=type
autoscaling.v2.MetricIdentifier
 name 1 - s
 selector 2 o *meta.v1.LabelSelector
autoscaling.v2.MetricSpec
 type 1 - s
 object 2 o *autoscaling.v2.ObjectMetricSource
 pods 3 o *autoscaling.v2.PodsMetricSource
 resource 4 o *autoscaling.v2.ResourceMetricSource
 containerResource 7 o *autoscaling.v2.ContainerResourceMetricSource
 external 5 o *autoscaling.v2.ExternalMetricSource
autoscaling.v2.MetricStatus
 type 1 - s
 object 2 o *autoscaling.v2.ObjectMetricStatus
 pods 3 o *autoscaling.v2.PodsMetricStatus
 resource 4 o *autoscaling.v2.ResourceMetricStatus
 containerResource 7 o *autoscaling.v2.ContainerResourceMetricStatus
 external 5 o *autoscaling.v2.ExternalMetricStatus
autoscaling.v2.MetricTarget
 type 1 - s
 value 2 o *q
 averageValue 3 o *q
 averageUtilization 4 o *i
autoscaling.v2.MetricValueStatus
 value 1 o *q
 averageValue 2 o *q
 averageUtilization 3 o *i
autoscaling.v2.ObjectMetricSource
 describedObject 1 - autoscaling.v2.CrossVersionObjectReference
 target 2 - autoscaling.v2.MetricTarget
 metric 3 - autoscaling.v2.MetricIdentifier
autoscaling.v2.ObjectMetricStatus
 metric 1 - autoscaling.v2.MetricIdentifier
 current 2 - autoscaling.v2.MetricValueStatus
 describedObject 3 - autoscaling.v2.CrossVersionObjectReference
autoscaling.v2.PodsMetricSource
 metric 1 - autoscaling.v2.MetricIdentifier
 target 2 - autoscaling.v2.MetricTarget
autoscaling.v2.PodsMetricStatus
 metric 1 - autoscaling.v2.MetricIdentifier
 current 2 - autoscaling.v2.MetricValueStatus
autoscaling.v2.ResourceMetricSource
 name 1 - s
 target 2 - autoscaling.v2.MetricTarget
autoscaling.v2.ResourceMetricStatus
 name 1 - s
 current 2 - autoscaling.v2.MetricValueStatus
batch.v1.CronJob
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o batch.v1.CronJobSpec
 status 3 o batch.v1.CronJobStatus
batch.v1.CronJobSpec
 schedule 1 - s
 timeZone 8 o *s
 startingDeadlineSeconds 2 o *l
 concurrencyPolicy 3 o s
 suspend 4 o *b
 jobTemplate 5 - batch.v1.JobTemplateSpec
 successfulJobsHistoryLimit 6 o *i
 failedJobsHistoryLimit 7 o *i
batch.v1.CronJobStatus
 active 1 o [core.v1.ObjectReference lt=atomic
 lastScheduleTime 4 o *t
 lastSuccessfulTime 5 o *t
batch.v1.Job
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o batch.v1.JobSpec
 status 3 o batch.v1.JobStatus
batch.v1.JobCondition
 type 1 - s
 status 2 - s
 lastProbeTime 3 o t
 lastTransitionTime 4 o t
 reason 5 o s
 message 6 o s
batch.v1.JobSpec
 parallelism 1 o *i
 completions 2 o *i
 activeDeadlineSeconds 3 o *l
 podFailurePolicy 11 o *batch.v1.PodFailurePolicy
 successPolicy 16 o *batch.v1.SuccessPolicy
 backoffLimit 7 o *i
 backoffLimitPerIndex 12 o *i
 maxFailedIndexes 13 o *i
 selector 4 o *meta.v1.LabelSelector
 manualSelector 5 o *b
 template 6 - core.v1.PodTemplateSpec
 ttlSecondsAfterFinished 8 o *i
 completionMode 9 o *s
 suspend 10 o *b
 podReplacementPolicy 14 o *s
 managedBy 15 o *s
batch.v1.JobStatus
 conditions 1 o [batch.v1.JobCondition mk=type ps=merge lt=atomic
 startTime 2 o *t
 completionTime 3 o *t
 active 4 o i
 succeeded 5 o i
 failed 6 o i
 terminating 11 o *i
 completedIndexes 7 o s
 failedIndexes 10 o *s
 uncountedTerminatedPods 8 o *batch.v1.UncountedTerminatedPods
 ready 9 o *i
batch.v1.JobTemplateSpec
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o batch.v1.JobSpec
batch.v1.PodFailurePolicy
 rules 1 - [batch.v1.PodFailurePolicyRule lt=atomic
batch.v1.PodFailurePolicyOnExitCodesRequirement
 containerName 1 o *s
 operator 2 - s
 values 3 - [i lt=set
batch.v1.PodFailurePolicyOnPodConditionsPattern
 type 1 - s
 status 2 - s
batch.v1.PodFailurePolicyRule
 action 1 - s
 onExitCodes 2 o *batch.v1.PodFailurePolicyOnExitCodesRequirement
 onPodConditions 3 o [batch.v1.PodFailurePolicyOnPodConditionsPattern lt=atomic
batch.v1.SuccessPolicy
 rules 1 - [batch.v1.SuccessPolicyRule lt=atomic
batch.v1.SuccessPolicyRule
 succeededIndexes 1 o *s
 succeededCount 2 o *i
batch.v1.UncountedTerminatedPods
 succeeded 1 o [s lt=set
 failed 2 o [s lt=set
certificates.v1.CertificateSigningRequest
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - certificates.v1.CertificateSigningRequestSpec
 status 3 o certificates.v1.CertificateSigningRequestStatus
certificates.v1.CertificateSigningRequestCondition
 type 1 - s
 status 6 - s
 reason 2 o s
 message 3 o s
 lastUpdateTime 4 o t
 lastTransitionTime 5 o t
certificates.v1.CertificateSigningRequestSpec
 request 1 - B lt=atomic
 signerName 7 - s
 expirationSeconds 8 o *i
 usages 5 o [s lt=atomic
 username 2 o s
 uid 3 o s
 groups 4 o [s lt=atomic
 extra 6 o {[s
certificates.v1.CertificateSigningRequestStatus
 conditions 1 o [certificates.v1.CertificateSigningRequestCondition lt=map keys=type
 certificate 2 o B lt=atomic
coordination.v1.Lease
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o coordination.v1.LeaseSpec
coordination.v1.LeaseSpec
 holderIdentity 1 o *s
 leaseDurationSeconds 2 o *i
 acquireTime 3 o *m
 renewTime 4 o *m
 leaseTransitions 5 o *i
 strategy 6 o *s
 preferredHolder 7 o *s
core.v1.AWSElasticBlockStoreVolumeSource
 volumeID 1 - s
 fsType 2 o s
 partition 3 o i
 readOnly 4 o b
core.v1.Affinity
 nodeAffinity 1 o *core.v1.NodeAffinity
 podAffinity 2 o *core.v1.PodAffinity
 podAntiAffinity 3 o *core.v1.PodAntiAffinity
core.v1.AppArmorProfile
 type 1 - s
 localhostProfile 2 o *s
core.v1.AttachedVolume
 name 1 - s
 devicePath 2 - s
core.v1.AzureDiskVolumeSource
 diskName 1 - s
 diskURI 2 - s
 cachingMode 3 o *s def=ref(AzureDataDiskCachingReadWrite)
 fsType 4 o *s def="ext4"
 readOnly 5 o *b def=false
 kind 6 o *s def=ref(AzureSharedBlobDisk)
core.v1.AzureFilePersistentVolumeSource
 secretName 1 - s
 shareName 2 - s
 readOnly 3 o b
 secretNamespace 4 - *s
core.v1.AzureFileVolumeSource
 secretName 1 - s
 shareName 2 - s
 readOnly 3 o b
core.v1.Binding
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 target 2 - core.v1.ObjectReference
core.v1.CSIPersistentVolumeSource
 driver 1 - s
 volumeHandle 2 - s
 readOnly 3 o b
 fsType 4 o s
 volumeAttributes 5 o {s
 controllerPublishSecretRef 6 o *core.v1.SecretReference
 nodeStageSecretRef 7 o *core.v1.SecretReference
 nodePublishSecretRef 8 o *core.v1.SecretReference
 controllerExpandSecretRef 9 o *core.v1.SecretReference
 nodeExpandSecretRef 10 o *core.v1.SecretReference
core.v1.CSIVolumeSource
 driver 1 - s
 readOnly 2 o *b
 fsType 3 o *s
 volumeAttributes 4 o {s
 nodePublishSecretRef 5 o *core.v1.LocalObjectReference
core.v1.Capabilities
 add 1 o [s lt=atomic
 drop 2 o [s lt=atomic
core.v1.CephFSPersistentVolumeSource
 monitors 1 - [s lt=atomic
 path 2 o s
 user 3 o s
 secretFile 4 o s
 secretRef 5 o *core.v1.SecretReference
 readOnly 6 o b
core.v1.CephFSVolumeSource
 monitors 1 - [s lt=atomic
 path 2 o s
 user 3 o s
 secretFile 4 o s
 secretRef 5 o *core.v1.LocalObjectReference
 readOnly 6 o b
core.v1.CinderPersistentVolumeSource
 volumeID 1 - s
 fsType 2 o s
 readOnly 3 o b
 secretRef 4 o *core.v1.SecretReference
core.v1.CinderVolumeSource
 volumeID 1 - s
 fsType 2 o s
 readOnly 3 o b
 secretRef 4 o *core.v1.LocalObjectReference
core.v1.ClientIPConfig
 timeoutSeconds 1 o *i
core.v1.ClusterTrustBundleProjection
 name 1 o *s
 signerName 2 o *s
 labelSelector 3 o *meta.v1.LabelSelector
 optional 5 o *b
 path 4 - s
core.v1.ComponentCondition
 type 1 - s
 status 2 - s
 message 3 o s
 error 4 o s
core.v1.ComponentStatus
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 conditions 2 o [core.v1.ComponentCondition mk=type ps=merge lt=map keys=type
core.v1.ConfigMap
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 immutable 4 o *b
 data 2 o {s
 binaryData 3 o {B
core.v1.ConfigMapEnvSource
 name 1 o s def="" in=1
 optional 2 o *b
core.v1.ConfigMapKeySelector st=atomic
 name 1 o s def="" in=1
 key 2 - s
 optional 3 o *b
core.v1.ConfigMapNodeConfigSource
 namespace 1 - s
 name 2 - s
 uid 3 o s
 resourceVersion 4 o s
 kubeletConfigKey 5 - s
core.v1.ConfigMapProjection
 name 1 o s def="" in=1
 items 2 o [core.v1.KeyToPath lt=atomic
 optional 4 o *b
core.v1.ConfigMapVolumeSource
 name 1 o s def="" in=1
 items 2 o [core.v1.KeyToPath lt=atomic
 defaultMode 3 o *i
 optional 4 o *b
core.v1.Container
 name 1 - s
 image 2 o s
 command 3 o [s lt=atomic
 args 4 o [s lt=atomic
 workingDir 5 o s
 ports 6 o [core.v1.ContainerPort mk=containerPort ps=merge lt=map keys=containerPort,protocol
 envFrom 19 o [core.v1.EnvFromSource lt=atomic
 env 7 o [core.v1.EnvVar mk=name ps=merge lt=map keys=name
 resources 8 o core.v1.ResourceRequirements
 resizePolicy 23 o [core.v1.ContainerResizePolicy lt=atomic
 restartPolicy 24 o *s
 volumeMounts 9 o [core.v1.VolumeMount mk=mountPath ps=merge lt=map keys=mountPath
 volumeDevices 21 o [core.v1.VolumeDevice mk=devicePath ps=merge lt=map keys=devicePath
 livenessProbe 10 o *core.v1.Probe
 readinessProbe 11 o *core.v1.Probe
 startupProbe 22 o *core.v1.Probe
 lifecycle 12 o *core.v1.Lifecycle
 terminationMessagePath 13 o s
 terminationMessagePolicy 20 o s
 imagePullPolicy 14 o s
 securityContext 15 o *core.v1.SecurityContext
 stdin 16 o b
 stdinOnce 17 o b
 tty 18 o b
core.v1.ContainerImage
 names 1 - [s lt=atomic
 sizeBytes 2 o l
core.v1.ContainerPort
 name 1 o s
 hostPort 2 o i
 containerPort 3 - i
 protocol 4 o s def="TCP"
 hostIP 5 o s
core.v1.ContainerResizePolicy
 resourceName 1 - s
 restartPolicy 2 - s
core.v1.ContainerState
 waiting 1 o *core.v1.ContainerStateWaiting
 running 2 o *core.v1.ContainerStateRunning
 terminated 3 o *core.v1.ContainerStateTerminated
core.v1.ContainerStateRunning
 startedAt 1 o t
core.v1.ContainerStateTerminated
 exitCode 1 - i
 signal 2 o i
 reason 3 o s
 message 4 o s
 startedAt 5 o t
 finishedAt 6 o t
 containerID 7 o s
core.v1.ContainerStateWaiting
 reason 1 o s
 message 2 o s
core.v1.ContainerStatus
 name 1 - s
 state 2 o core.v1.ContainerState
 lastState 3 o core.v1.ContainerState
 ready 4 - b
 restartCount 5 - i
 image 6 - s
 imageID 7 - s
 containerID 8 o s
 started 9 o *b
 allocatedResources 10 o {q
 resources 11 o *core.v1.ResourceRequirements
 volumeMounts 12 o [core.v1.VolumeMountStatus mk=mountPath ps=merge lt=map keys=mountPath
)SKIDPAD",
R"SKIDPAD( user 13 o *core.v1.ContainerUser
 allocatedResourcesStatus 14 o [core.v1.ResourceStatus mk=name ps=merge lt=map keys=name
core.v1.ContainerUser
 linux 1 o *core.v1.LinuxContainerUser
core.v1.DaemonEndpoint
 Port 1 - i
core.v1.DownwardAPIProjection
 items 1 o [core.v1.DownwardAPIVolumeFile lt=atomic
core.v1.DownwardAPIVolumeFile
 path 1 - s
 fieldRef 2 o *core.v1.ObjectFieldSelector
 resourceFieldRef 3 o *core.v1.ResourceFieldSelector
 mode 4 o *i
core.v1.DownwardAPIVolumeSource
 items 1 o [core.v1.DownwardAPIVolumeFile lt=atomic
 defaultMode 2 o *i
core.v1.EmptyDirVolumeSource
 medium 1 o s
 sizeLimit 2 o *q
core.v1.EndpointAddress st=atomic
 ip 1 - s
 hostname 3 o s
 nodeName 4 o *s
 targetRef 2 o *core.v1.ObjectReference
core.v1.EndpointPort st=atomic
 name 1 o s
 port 2 - i
 protocol 3 o s
 appProtocol 4 o *s
core.v1.EndpointSubset
 addresses 1 o [core.v1.EndpointAddress lt=atomic
 notReadyAddresses 2 o [core.v1.EndpointAddress lt=atomic
 ports 3 o [core.v1.EndpointPort lt=atomic
core.v1.Endpoints
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 subsets 2 o [core.v1.EndpointSubset lt=atomic
core.v1.EnvFromSource
 prefix 1 o s
 configMapRef 2 o *core.v1.ConfigMapEnvSource
 secretRef 3 o *core.v1.SecretEnvSource
core.v1.EnvVar
 name 1 - s
 value 2 o s
 valueFrom 3 o *core.v1.EnvVarSource
core.v1.EnvVarSource
 fieldRef 1 o *core.v1.ObjectFieldSelector
 resourceFieldRef 2 o *core.v1.ResourceFieldSelector
 configMapKeyRef 3 o *core.v1.ConfigMapKeySelector
 secretKeyRef 4 o *core.v1.SecretKeySelector
core.v1.EphemeralContainer
 name 1 - s in=1
 image 2 o s in=1
 command 3 o [s lt=atomic in=1
 args 4 o [s lt=atomic in=1
 workingDir 5 o s in=1
 ports 6 o [core.v1.ContainerPort mk=containerPort ps=merge lt=map keys=containerPort,protocol in=1
 envFrom 19 o [core.v1.EnvFromSource lt=atomic in=1
 env 7 o [core.v1.EnvVar mk=name ps=merge lt=map keys=name in=1
 resources 8 o core.v1.ResourceRequirements in=1
 resizePolicy 23 o [core.v1.ContainerResizePolicy lt=atomic in=1
 restartPolicy 24 o *s in=1
 volumeMounts 9 o [core.v1.VolumeMount mk=mountPath ps=merge lt=map keys=mountPath in=1
 volumeDevices 21 o [core.v1.VolumeDevice mk=devicePath ps=merge lt=map keys=devicePath in=1
 livenessProbe 10 o *core.v1.Probe in=1
 readinessProbe 11 o *core.v1.Probe in=1
 startupProbe 22 o *core.v1.Probe in=1
 lifecycle 12 o *core.v1.Lifecycle in=1
 terminationMessagePath 13 o s in=1
 terminationMessagePolicy 20 o s in=1
 imagePullPolicy 14 o s in=1
 securityContext 15 o *core.v1.SecurityContext in=1
 stdin 16 o b in=1
 stdinOnce 17 o b in=1
 tty 18 o b in=1
 targetContainerName 2 o s
core.v1.EphemeralVolumeSource
 volumeClaimTemplate 1 o *core.v1.PersistentVolumeClaimTemplate
core.v1.Event
 kind 0 o s
 apiVersion 0 o s
 metadata 1 - meta.v1.ObjectMeta
 involvedObject 2 - core.v1.ObjectReference
 reason 3 o s
 message 4 o s
 source 5 o core.v1.EventSource
 firstTimestamp 6 o t
 lastTimestamp 7 o t
 count 8 o i
 type 9 o s
 eventTime 10 o m
 series 11 o *core.v1.EventSeries
 action 12 o s
 related 13 o *core.v1.ObjectReference
 reportingComponent 14 - s
 reportingInstance 15 - s
core.v1.EventSeries
 count 1 o i
 lastObservedTime 2 o m
core.v1.EventSource
 component 1 o s
 host 2 o s
core.v1.ExecAction
 command 1 o [s lt=atomic
core.v1.FCVolumeSource
 targetWWNs 1 o [s lt=atomic
 lun 2 o *i
 fsType 3 o s
 readOnly 4 o b
 wwids 5 o [s lt=atomic
core.v1.FlexPersistentVolumeSource
 driver 1 - s
 fsType 2 o s
 secretRef 3 o *core.v1.SecretReference
 readOnly 4 o b
 options 5 o {s
core.v1.FlexVolumeSource
 driver 1 - s
 fsType 2 o s
 secretRef 3 o *core.v1.LocalObjectReference
 readOnly 4 o b
 options 5 o {s
core.v1.FlockerVolumeSource
 datasetName 1 o s
 datasetUUID 2 o s
core.v1.GCEPersistentDiskVolumeSource
 pdName 1 - s
 fsType 2 o s
 partition 3 o i
 readOnly 4 o b
core.v1.GRPCAction
 port 1 - i
 service 2 - *s def=""
core.v1.GitRepoVolumeSource
 repository 1 - s
 revision 2 o s
 directory 3 o s
core.v1.GlusterfsPersistentVolumeSource
 endpoints 1 - s
 path 2 - s
 readOnly 3 o b
 endpointsNamespace 4 o *s
core.v1.GlusterfsVolumeSource
 endpoints 1 - s
 path 2 - s
 readOnly 3 o b
core.v1.HTTPGetAction
 path 1 o s
 port 2 - x
 host 3 o s
 scheme 4 o s
 httpHeaders 5 o [core.v1.HTTPHeader lt=atomic
core.v1.HTTPHeader
 name 1 - s
 value 2 - s
core.v1.HostAlias
 ip 1 - s
 hostnames 2 o [s lt=atomic
core.v1.HostIP
 ip 1 - s
core.v1.HostPathVolumeSource
 path 1 - s
 type 2 o *s
core.v1.ISCSIPersistentVolumeSource
 targetPortal 1 - s
 iqn 2 - s
 lun 3 - i
 iscsiInterface 4 o s def="default"
 fsType 5 o s
 readOnly 6 o b
 portals 7 o [s lt=atomic
 chapAuthDiscovery 8 o b
 chapAuthSession 11 o b
 secretRef 10 o *core.v1.SecretReference
 initiatorName 12 o *s
core.v1.ISCSIVolumeSource
 targetPortal 1 - s
 iqn 2 - s
 lun 3 - i
 iscsiInterface 4 o s def="default"
 fsType 5 o s
 readOnly 6 o b
 portals 7 o [s lt=atomic
 chapAuthDiscovery 8 o b
 chapAuthSession 11 o b
 secretRef 10 o *core.v1.LocalObjectReference
 initiatorName 12 o *s
core.v1.ImageVolumeSource
 reference 1 o s
 pullPolicy 2 o s
core.v1.KeyToPath
 key 1 - s
 path 2 - s
 mode 3 o *i
core.v1.Lifecycle
 postStart 1 o *core.v1.LifecycleHandler
 preStop 2 o *core.v1.LifecycleHandler
core.v1.LifecycleHandler
 exec 1 o *core.v1.ExecAction
 httpGet 2 o *core.v1.HTTPGetAction
 tcpSocket 3 o *core.v1.TCPSocketAction
 sleep 4 o *core.v1.SleepAction
core.v1.LimitRange
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o core.v1.LimitRangeSpec
core.v1.LimitRangeItem
 type 1 - s
 max 2 o {q
 min 3 o {q
 default 4 o {q
 defaultRequest 5 o {q
 maxLimitRequestRatio 6 o {q
core.v1.LimitRangeSpec
 limits 1 - [core.v1.LimitRangeItem lt=atomic
core.v1.LinuxContainerUser
 uid 1 - l
 gid 2 - l
 supplementalGroups 3 o [l lt=atomic
core.v1.LoadBalancerIngress
 ip 1 o s
 hostname 2 o s
 ipMode 3 o *s
 ports 4 o [core.v1.PortStatus lt=atomic
core.v1.LoadBalancerStatus
 ingress 1 o [core.v1.LoadBalancerIngress lt=atomic
core.v1.LocalObjectReference st=atomic
 name 1 o s def=""
core.v1.LocalVolumeSource
 path 1 - s
 fsType 2 o *s
core.v1.ModifyVolumeStatus
 targetVolumeAttributesClassName 1 o s
 status 2 - s
core.v1.NFSVolumeSource
 server 1 - s
 path 2 - s
 readOnly 3 o b
core.v1.Namespace
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o core.v1.NamespaceSpec
 status 3 o core.v1.NamespaceStatus
core.v1.NamespaceCondition
 type 1 - s
 status 2 - s
 lastTransitionTime 4 o t
 reason 5 o s
 message 6 o s
core.v1.NamespaceSpec
 finalizers 1 o [s lt=atomic
core.v1.NamespaceStatus
 phase 1 o s
 conditions 2 o [core.v1.NamespaceCondition mk=type ps=merge lt=map keys=type
core.v1.Node
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o core.v1.NodeSpec
 status 3 o core.v1.NodeStatus
core.v1.NodeAddress
 type 1 - s
 address 2 - s
core.v1.NodeAffinity
 requiredDuringSchedulingIgnoredDuringExecution 1 o *core.v1.NodeSelector
 preferredDuringSchedulingIgnoredDuringExecution 2 o [core.v1.PreferredSchedulingTerm lt=atomic
core.v1.NodeCondition
 type 1 - s
 status 2 - s
 lastHeartbeatTime 3 o t
 lastTransitionTime 4 o t
 reason 5 o s
 message 6 o s
core.v1.NodeConfigSource
 configMap 2 o *core.v1.ConfigMapNodeConfigSource
core.v1.NodeConfigStatus
 assigned 1 o *core.v1.NodeConfigSource
 active 2 o *core.v1.NodeConfigSource
 lastKnownGood 3 o *core.v1.NodeConfigSource
 error 4 o s
core.v1.NodeDaemonEndpoints
 kubeletEndpoint 1 o core.v1.DaemonEndpoint
core.v1.NodeFeatures
 supplementalGroupsPolicy 1 o *b
core.v1.NodeProxyOptions
 kind 0 o s
 apiVersion 0 o s
 path 1 o s
core.v1.NodeRuntimeHandler
 name 1 - s
 features 2 o *core.v1.NodeRuntimeHandlerFeatures
core.v1.NodeRuntimeHandlerFeatures
 recursiveReadOnlyMounts 1 o *b
 userNamespaces 2 o *b
core.v1.NodeSelector st=atomic
 nodeSelectorTerms 1 - [core.v1.NodeSelectorTerm lt=atomic
core.v1.NodeSelectorRequirement
 key 1 - s
 operator 2 - s
 values 3 o [s lt=atomic
core.v1.NodeSelectorTerm st=atomic
 matchExpressions 1 o [core.v1.NodeSelectorRequirement lt=atomic
 matchFields 2 o [core.v1.NodeSelectorRequirement lt=atomic
core.v1.NodeSpec
 podCIDR 1 o s
 podCIDRs 7 o [s ps=merge lt=set
 providerID 3 o s
 unschedulable 4 o b
 taints 5 o [core.v1.Taint lt=atomic
 configSource 6 o *core.v1.NodeConfigSource
 externalID 2 o s
core.v1.NodeStatus
 capacity 1 o {q
 allocatable 2 o {q
 phase 3 o s
 conditions 4 o [core.v1.NodeCondition mk=type ps=merge lt=map keys=type
 addresses 5 o [core.v1.NodeAddress mk=type ps=merge lt=map keys=type
 daemonEndpoints 6 o core.v1.NodeDaemonEndpoints
 nodeInfo 7 o core.v1.NodeSystemInfo
 images 8 o [core.v1.ContainerImage lt=atomic
 volumesInUse 9 o [s lt=atomic
 volumesAttached 10 o [core.v1.AttachedVolume lt=atomic
 config 11 o *core.v1.NodeConfigStatus
 runtimeHandlers 12 o [core.v1.NodeRuntimeHandler lt=atomic
 features 13 o *core.v1.NodeFeatures
core.v1.NodeSystemInfo
 machineID 1 - s
 systemUUID 2 - s
 bootID 3 - s
 kernelVersion 4 - s
 osImage 5 - s
 containerRuntimeVersion 6 - s
 kubeletVersion 7 - s
 kubeProxyVersion 8 - s
 operatingSystem 9 - s
 architecture 10 - s
core.v1.ObjectFieldSelector st=atomic
 apiVersion 1 o s
 fieldPath 2 - s
core.v1.ObjectReference st=atomic
 kind 1 o s
 namespace 2 o s
 name 3 o s
 uid 4 o s
 apiVersion 5 o s
 resourceVersion 6 o s
 fieldPath 7 o s
core.v1.PersistentVolume
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o core.v1.PersistentVolumeSpec
 status 3 o core.v1.PersistentVolumeStatus
core.v1.PersistentVolumeClaim
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o core.v1.PersistentVolumeClaimSpec
 status 3 o core.v1.PersistentVolumeClaimStatus
core.v1.PersistentVolumeClaimCondition
 type 1 - s
 status 2 - s
 lastProbeTime 3 o t
 lastTransitionTime 4 o t
 reason 5 o s
 message 6 o s
core.v1.PersistentVolumeClaimSpec
 accessModes 1 o [s lt=atomic
 selector 4 o *meta.v1.LabelSelector
 resources 2 o core.v1.VolumeResourceRequirements
 volumeName 3 o s
 storageClassName 5 o *s
 volumeMode 6 o *s
 dataSource 7 o *core.v1.TypedLocalObjectReference
 dataSourceRef 8 o *core.v1.TypedObjectReference
 volumeAttributesClassName 9 o *s
core.v1.PersistentVolumeClaimStatus
 phase 1 o s
 accessModes 2 o [s lt=atomic
 capacity 3 o {q
 conditions 4 o [core.v1.PersistentVolumeClaimCondition mk=type ps=merge lt=map keys=type
 allocatedResources 5 o {q
 allocatedResourceStatuses 7 o {s mt=granular
 currentVolumeAttributesClassName 8 o *s
 modifyVolumeStatus 9 o *core.v1.ModifyVolumeStatus
core.v1.PersistentVolumeClaimTemplate
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - core.v1.PersistentVolumeClaimSpec
core.v1.PersistentVolumeClaimVolumeSource
 claimName 1 - s
 readOnly 2 o b
core.v1.PersistentVolumeSpec
 capacity 1 o {q
 gcePersistentDisk 1 o *core.v1.GCEPersistentDiskVolumeSource in=2
 awsElasticBlockStore 2 o *core.v1.AWSElasticBlockStoreVolumeSource in=2
 hostPath 3 o *core.v1.HostPathVolumeSource in=2
 glusterfs 4 o *core.v1.GlusterfsPersistentVolumeSource in=2
 nfs 5 o *core.v1.NFSVolumeSource in=2
 rbd 6 o *core.v1.RBDPersistentVolumeSource in=2
 iscsi 7 o *core.v1.ISCSIPersistentVolumeSource in=2
 cinder 8 o *core.v1.CinderPersistentVolumeSource in=2
 cephfs 9 o *core.v1.CephFSPersistentVolumeSource in=2
 fc 10 o *core.v1.FCVolumeSource in=2
 flocker 11 o *core.v1.FlockerVolumeSource in=2
 flexVolume 12 o *core.v1.FlexPersistentVolumeSource in=2
 azureFile 13 o *core.v1.AzureFilePersistentVolumeSource in=2
 vsphereVolume 14 o *core.v1.VsphereVirtualDiskVolumeSource in=2
 quobyte 15 o *core.v1.QuobyteVolumeSource in=2
 azureDisk 16 o *core.v1.AzureDiskVolumeSource in=2
 photonPersistentDisk 17 o *core.v1.PhotonPersistentDiskVolumeSource in=2
 portworxVolume 18 o *core.v1.PortworxVolumeSource in=2
 scaleIO 19 o *core.v1.ScaleIOPersistentVolumeSource in=2
 local 20 o *core.v1.LocalVolumeSource in=2
 storageos 21 o *core.v1.StorageOSPersistentVolumeSource in=2
 csi 22 o *core.v1.CSIPersistentVolumeSource in=2
 accessModes 3 o [s lt=atomic
 claimRef 4 o *core.v1.ObjectReference st=granular
 persistentVolumeReclaimPolicy 5 o s
 storageClassName 6 o s
 mountOptions 7 o [s lt=atomic
 volumeMode 8 o *s
 nodeAffinity 9 o *core.v1.VolumeNodeAffinity
 volumeAttributesClassName 10 o *s
core.v1.PersistentVolumeStatus
 phase 1 o s
 message 2 o s
 reason 3 o s
 lastPhaseTransitionTime 4 o *t
core.v1.PhotonPersistentDiskVolumeSource
 pdID 1 - s
 fsType 2 o s
core.v1.Pod
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o core.v1.PodSpec
 status 3 o core.v1.PodStatus
core.v1.PodAffinity
 requiredDuringSchedulingIgnoredDuringExecution 1 o [core.v1.PodAffinityTerm lt=atomic
 preferredDuringSchedulingIgnoredDuringExecution 2 o [core.v1.WeightedPodAffinityTerm lt=atomic
core.v1.PodAffinityTerm
 labelSelector 1 o *meta.v1.LabelSelector
 namespaces 2 o [s lt=atomic
 topologyKey 3 - s
 namespaceSelector 4 o *meta.v1.LabelSelector
 matchLabelKeys 5 o [s lt=atomic
 mismatchLabelKeys 6 o [s lt=atomic
core.v1.PodAntiAffinity
 requiredDuringSchedulingIgnoredDuringExecution 1 o [core.v1.PodAffinityTerm lt=atomic
 preferredDuringSchedulingIgnoredDuringExecution 2 o [core.v1.WeightedPodAffinityTerm lt=atomic
core.v1.PodAttachOptions
 kind 0 o s
 apiVersion 0 o s
 stdin 1 o b
 stdout 2 o b
 stderr 3 o b
 tty 4 o b
 container 5 o s
core.v1.PodCondition
 type 1 - s
 status 2 - s
 lastProbeTime 3 o t
 lastTransitionTime 4 o t
 reason 5 o s
 message 6 o s
core.v1.PodDNSConfig
 nameservers 1 o [s lt=atomic
 searches 2 o [s lt=atomic
 options 3 o [core.v1.PodDNSConfigOption lt=atomic
core.v1.PodDNSConfigOption
 name 1 o s
 value 2 o *s
core.v1.PodExecOptions
 kind 0 o s
 apiVersion 0 o s
 stdin 1 o b
 stdout 2 o b
 stderr 3 o b
 tty 4 o b
 container 5 o s
 command 6 - [s lt=atomic
core.v1.PodIP
 ip 1 - s
core.v1.PodOS
 name 1 - s
core.v1.PodPortForwardOptions
 kind 0 o s
 apiVersion 0 o s
 ports 1 o [i lt=atomic
core.v1.PodProxyOptions
 kind 0 o s
 apiVersion 0 o s
 path 1 o s
core.v1.PodReadinessGate
 conditionType 1 - s
core.v1.PodResourceClaim
 name 1 - s
 resourceClaimName 3 o *s
 resourceClaimTemplateName 4 o *s
core.v1.PodResourceClaimStatus
 name 1 - s
 resourceClaimName 2 o *s
core.v1.PodSchedulingGate
 name 1 - s
core.v1.PodSecurityContext
 seLinuxOptions 1 o *core.v1.SELinuxOptions
 windowsOptions 8 o *core.v1.WindowsSecurityContextOptions
 runAsUser 2 o *l
 runAsGroup 6 o *l
 runAsNonRoot 3 o *b
 supplementalGroups 4 o [l lt=atomic
 supplementalGroupsPolicy 12 o *s
 fsGroup 5 o *l
 sysctls 7 o [core.v1.Sysctl lt=atomic
 fsGroupChangePolicy 9 o *s
 seccompProfile 10 o *core.v1.SeccompProfile
 appArmorProfile 11 o *core.v1.AppArmorProfile
 seLinuxChangePolicy 13 o *s
core.v1.PodSpec
 volumes 1 o [core.v1.Volume mk=name ps=merge,retainKeys lt=map keys=name
 initContainers 20 o [core.v1.Container mk=name ps=merge lt=map keys=name
 containers 2 - [core.v1.Container mk=name ps=merge lt=map keys=name
)SKIDPAD",
R"SKIDPAD( ephemeralContainers 34 o [core.v1.EphemeralContainer mk=name ps=merge lt=map keys=name
 restartPolicy 3 o s
 terminationGracePeriodSeconds 4 o *l
 activeDeadlineSeconds 5 o *l
 dnsPolicy 6 o s
 nodeSelector 7 o {s mt=atomic
 serviceAccountName 8 o s
 serviceAccount 9 o s
 automountServiceAccountToken 21 o *b
 nodeName 10 o s
 hostNetwork 11 o b
 hostPID 12 o b
 hostIPC 13 o b
 shareProcessNamespace 27 o *b
 securityContext 14 o *core.v1.PodSecurityContext
 imagePullSecrets 15 o [core.v1.LocalObjectReference mk=name ps=merge lt=map keys=name
 hostname 16 o s
 subdomain 17 o s
 affinity 18 o *core.v1.Affinity
 schedulerName 19 o s
 tolerations 22 o [core.v1.Toleration lt=atomic
 hostAliases 23 o [core.v1.HostAlias mk=ip ps=merge lt=map keys=ip
 priorityClassName 24 o s
 priority 25 o *i
 dnsConfig 26 o *core.v1.PodDNSConfig
 readinessGates 28 o [core.v1.PodReadinessGate lt=atomic
 runtimeClassName 29 o *s
 enableServiceLinks 30 o *b
 preemptionPolicy 31 o *s
 overhead 32 o {q
 topologySpreadConstraints 33 o [core.v1.TopologySpreadConstraint mk=topologyKey ps=merge lt=map keys=topologyKey,whenUnsatisfiable
 setHostnameAsFQDN 35 o *b
 os 36 o *core.v1.PodOS
 hostUsers 37 o *b
 schedulingGates 38 o [core.v1.PodSchedulingGate mk=name ps=merge lt=map keys=name
 resourceClaims 39 o [core.v1.PodResourceClaim mk=name ps=merge,retainKeys lt=map keys=name
 resources 40 o *core.v1.ResourceRequirements
core.v1.PodStatus
 phase 1 o s
 conditions 2 o [core.v1.PodCondition mk=type ps=merge lt=map keys=type
 message 3 o s
 reason 4 o s
 nominatedNodeName 11 o s
 hostIP 5 o s
 hostIPs 16 o [core.v1.HostIP mk=ip ps=merge lt=atomic
 podIP 6 o s
 podIPs 12 o [core.v1.PodIP mk=ip ps=merge lt=map keys=ip
 startTime 7 o *t
 initContainerStatuses 10 o [core.v1.ContainerStatus lt=atomic
 containerStatuses 8 o [core.v1.ContainerStatus lt=atomic
 qosClass 9 o s
 ephemeralContainerStatuses 13 o [core.v1.ContainerStatus lt=atomic
 resize 14 o s
 resourceClaimStatuses 15 o [core.v1.PodResourceClaimStatus mk=name ps=merge,retainKeys lt=map keys=name
core.v1.PodStatusResult
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 status 2 o core.v1.PodStatus
core.v1.PodTemplate
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 template 2 o core.v1.PodTemplateSpec
core.v1.PodTemplateSpec
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o core.v1.PodSpec
core.v1.PortStatus
 port 1 - i
 protocol 2 - s
 error 3 o *s
core.v1.PortworxVolumeSource
 volumeID 1 - s
 fsType 2 o s
 readOnly 3 o b
core.v1.PreferredSchedulingTerm
 weight 1 - i
 preference 2 - core.v1.NodeSelectorTerm
core.v1.Probe
 exec 1 o *core.v1.ExecAction in=1
 httpGet 2 o *core.v1.HTTPGetAction in=1
 tcpSocket 3 o *core.v1.TCPSocketAction in=1
 grpc 4 o *core.v1.GRPCAction in=1
 initialDelaySeconds 2 o i
 timeoutSeconds 3 o i
 periodSeconds 4 o i
 successThreshold 5 o i
 failureThreshold 6 o i
 terminationGracePeriodSeconds 7 o *l
core.v1.ProjectedVolumeSource
 sources 1 - [core.v1.VolumeProjection lt=atomic
 defaultMode 2 o *i
core.v1.QuobyteVolumeSource
 registry 1 - s
 volume 2 - s
 readOnly 3 o b
 user 4 o s
 group 5 o s
 tenant 6 o s
core.v1.RBDPersistentVolumeSource
 monitors 1 - [s lt=atomic
 image 2 - s
 fsType 3 o s
 pool 4 o s def="rbd"
 user 5 o s def="admin"
 keyring 6 o s def="/etc/ceph/keyring"
 secretRef 7 o *core.v1.SecretReference
 readOnly 8 o b
core.v1.RBDVolumeSource
 monitors 1 - [s lt=atomic
 image 2 - s
 fsType 3 o s
 pool 4 o s def="rbd"
 user 5 o s def="admin"
 keyring 6 o s def="/etc/ceph/keyring"
 secretRef 7 o *core.v1.LocalObjectReference
 readOnly 8 o b
core.v1.ReplicationController
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o core.v1.ReplicationControllerSpec
 status 3 o core.v1.ReplicationControllerStatus
core.v1.ReplicationControllerCondition
 type 1 - s
 status 2 - s
 lastTransitionTime 3 o t
 reason 4 o s
 message 5 o s
core.v1.ReplicationControllerSpec
 replicas 1 o *i
 minReadySeconds 4 o i
 selector 2 o {s mt=atomic
 template 3 o *core.v1.PodTemplateSpec
core.v1.ReplicationControllerStatus
 replicas 1 - i
 fullyLabeledReplicas 2 o i
 readyReplicas 4 o i
 availableReplicas 5 o i
 observedGeneration 3 o l
 conditions 6 o [core.v1.ReplicationControllerCondition mk=type ps=merge lt=map keys=type
core.v1.ResourceClaim
 name 1 - s
 request 2 o s
core.v1.ResourceFieldSelector st=atomic
 containerName 1 o s
 resource 2 - s
 divisor 3 o q
core.v1.ResourceHealth
 resourceID 1 - s
 health 2 o s
core.v1.ResourceQuota
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o core.v1.ResourceQuotaSpec
 status 3 o core.v1.ResourceQuotaStatus
core.v1.ResourceQuotaSpec
 hard 1 o {q
 scopes 2 o [s lt=atomic
 scopeSelector 3 o *core.v1.ScopeSelector
core.v1.ResourceQuotaStatus
 hard 1 o {q
 used 2 o {q
core.v1.ResourceRequirements
 limits 1 o {q
 requests 2 o {q
 claims 3 o [core.v1.ResourceClaim lt=map keys=name
core.v1.ResourceStatus
 name 1 - s
 resources 2 o [core.v1.ResourceHealth lt=map keys=resourceID
core.v1.SELinuxOptions
 user 1 o s
 role 2 o s
 type 3 o s
 level 4 o s
core.v1.ScaleIOPersistentVolumeSource
 gateway 1 - s
 system 2 - s
 secretRef 3 - *core.v1.SecretReference
 sslEnabled 4 o b
 protectionDomain 5 o s
 storagePool 6 o s
 storageMode 7 o s def="ThinProvisioned"
 volumeName 8 o s
 fsType 9 o s def="xfs"
 readOnly 10 o b
core.v1.ScaleIOVolumeSource
 gateway 1 - s
 system 2 - s
 secretRef 3 - *core.v1.LocalObjectReference
 sslEnabled 4 o b
 protectionDomain 5 o s
 storagePool 6 o s
 storageMode 7 o s def="ThinProvisioned"
 volumeName 8 o s
 fsType 9 o s def="xfs"
 readOnly 10 o b
core.v1.ScopeSelector st=atomic
 matchExpressions 1 o [core.v1.ScopedResourceSelectorRequirement lt=atomic
core.v1.ScopedResourceSelectorRequirement
 scopeName 1 - s
 operator 2 - s
 values 3 o [s lt=atomic
core.v1.SeccompProfile
 type 1 - s
 localhostProfile 2 o *s
core.v1.Secret
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 immutable 5 o *b
 data 2 o {B
 stringData 4 o {s
 type 3 o s
core.v1.SecretEnvSource
 name 1 o s def="" in=1
 optional 2 o *b
core.v1.SecretKeySelector st=atomic
 name 1 o s def="" in=1
 key 2 - s
 optional 3 o *b
core.v1.SecretProjection
 name 1 o s def="" in=1
 items 2 o [core.v1.KeyToPath lt=atomic
 optional 4 o *b
core.v1.SecretReference st=atomic
 name 1 o s
 namespace 2 o s
core.v1.SecretVolumeSource
 secretName 1 o s
 items 2 o [core.v1.KeyToPath lt=atomic
 defaultMode 3 o *i
 optional 4 o *b
core.v1.SecurityContext
 capabilities 1 o *core.v1.Capabilities
 privileged 2 o *b
 seLinuxOptions 3 o *core.v1.SELinuxOptions
 windowsOptions 10 o *core.v1.WindowsSecurityContextOptions
 runAsUser 4 o *l
 runAsGroup 8 o *l
 runAsNonRoot 5 o *b
 readOnlyRootFilesystem 6 o *b
 allowPrivilegeEscalation 7 o *b
 procMount 9 o *s
 seccompProfile 11 o *core.v1.SeccompProfile
 appArmorProfile 12 o *core.v1.AppArmorProfile
core.v1.Service
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o core.v1.ServiceSpec
 status 3 o core.v1.ServiceStatus
core.v1.ServiceAccount
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 secrets 2 o [core.v1.ObjectReference mk=name ps=merge lt=map keys=name
 imagePullSecrets 3 o [core.v1.LocalObjectReference lt=atomic
 automountServiceAccountToken 4 o *b
core.v1.ServiceAccountTokenProjection
 audience 1 o s
 expirationSeconds 2 o *l
 path 3 - s
core.v1.ServicePort
 name 1 o s
 protocol 2 o s def="TCP"
 appProtocol 6 o *s
 port 3 - i
 targetPort 4 o x
 nodePort 5 o i
core.v1.ServiceProxyOptions
 kind 0 o s
 apiVersion 0 o s
 path 1 o s
core.v1.ServiceSpec
 ports 1 o [core.v1.ServicePort mk=port ps=merge lt=map keys=port,protocol
 selector 2 o {s mt=atomic
 clusterIP 3 o s
 clusterIPs 18 o [s lt=atomic
 type 4 o s
 externalIPs 5 o [s lt=atomic
 sessionAffinity 7 o s
 loadBalancerIP 8 o s
 loadBalancerSourceRanges 9 o [s lt=atomic
 externalName 10 o s
 externalTrafficPolicy 11 o s
 healthCheckNodePort 12 o i
 publishNotReadyAddresses 13 o b
 sessionAffinityConfig 14 o *core.v1.SessionAffinityConfig
 ipFamilies 19 o [s lt=atomic
 ipFamilyPolicy 17 o *s
 allocateLoadBalancerNodePorts 20 o *b
 loadBalancerClass 21 o *s
 internalTrafficPolicy 22 o *s
 trafficDistribution 23 o *s
core.v1.ServiceStatus
 loadBalancer 1 o core.v1.LoadBalancerStatus
 conditions 2 o [meta.v1.Condition mk=type ps=merge lt=map keys=type
core.v1.SessionAffinityConfig
 clientIP 1 o *core.v1.ClientIPConfig
core.v1.SleepAction
 seconds 1 - l
core.v1.StorageOSPersistentVolumeSource
 volumeName 1 o s
 volumeNamespace 2 o s
 fsType 3 o s
 readOnly 4 o b
 secretRef 5 o *core.v1.ObjectReference
core.v1.StorageOSVolumeSource
 volumeName 1 o s
 volumeNamespace 2 o s
 fsType 3 o s
 readOnly 4 o b
 secretRef 5 o *core.v1.LocalObjectReference
core.v1.Sysctl
 name 1 - s
 value 2 - s
core.v1.TCPSocketAction
 port 1 - x
 host 2 o s
core.v1.Taint
 key 1 - s
 value 2 o s
 effect 3 - s
 timeAdded 4 o *t
core.v1.Toleration
 key 1 o s
 operator 2 o s
 value 3 o s
 effect 4 o s
 tolerationSeconds 5 o *l
core.v1.TopologySelectorLabelRequirement
 key 1 - s
 values 2 - [s lt=atomic
core.v1.TopologySelectorTerm st=atomic
 matchLabelExpressions 1 o [core.v1.TopologySelectorLabelRequirement lt=atomic
core.v1.TopologySpreadConstraint
 maxSkew 1 - i
 topologyKey 2 - s
 whenUnsatisfiable 3 - s
 labelSelector 4 o *meta.v1.LabelSelector
 minDomains 5 o *i
 nodeAffinityPolicy 6 o *s
 nodeTaintsPolicy 7 o *s
 matchLabelKeys 8 o [s lt=atomic
core.v1.TypedLocalObjectReference st=atomic
 apiGroup 1 - *s
 kind 2 - s
 name 3 - s
core.v1.TypedObjectReference
 apiGroup 1 - *s
 kind 2 - s
 name 3 - s
 namespace 4 o *s
core.v1.Volume
 name 1 - s
 hostPath 1 o *core.v1.HostPathVolumeSource in=2
 emptyDir 2 o *core.v1.EmptyDirVolumeSource in=2
 gcePersistentDisk 3 o *core.v1.GCEPersistentDiskVolumeSource in=2
 awsElasticBlockStore 4 o *core.v1.AWSElasticBlockStoreVolumeSource in=2
 gitRepo 5 o *core.v1.GitRepoVolumeSource in=2
 secret 6 o *core.v1.SecretVolumeSource in=2
 nfs 7 o *core.v1.NFSVolumeSource in=2
 iscsi 8 o *core.v1.ISCSIVolumeSource in=2
 glusterfs 9 o *core.v1.GlusterfsVolumeSource in=2
 persistentVolumeClaim 10 o *core.v1.PersistentVolumeClaimVolumeSource in=2
 rbd 11 o *core.v1.RBDVolumeSource in=2
 flexVolume 12 o *core.v1.FlexVolumeSource in=2
 cinder 13 o *core.v1.CinderVolumeSource in=2
 cephfs 14 o *core.v1.CephFSVolumeSource in=2
 flocker 15 o *core.v1.FlockerVolumeSource in=2
 downwardAPI 16 o *core.v1.DownwardAPIVolumeSource in=2
 fc 17 o *core.v1.FCVolumeSource in=2
 azureFile 18 o *core.v1.AzureFileVolumeSource in=2
 configMap 19 o *core.v1.ConfigMapVolumeSource in=2
 vsphereVolume 20 o *core.v1.VsphereVirtualDiskVolumeSource in=2
 quobyte 21 o *core.v1.QuobyteVolumeSource in=2
 azureDisk 22 o *core.v1.AzureDiskVolumeSource in=2
 photonPersistentDisk 23 o *core.v1.PhotonPersistentDiskVolumeSource in=2
 projected 26 o *core.v1.ProjectedVolumeSource in=2
 portworxVolume 24 o *core.v1.PortworxVolumeSource in=2
 scaleIO 25 o *core.v1.ScaleIOVolumeSource in=2
 storageos 27 o *core.v1.StorageOSVolumeSource in=2
 csi 28 o *core.v1.CSIVolumeSource in=2
 ephemeral 29 o *core.v1.EphemeralVolumeSource in=2
 image 30 o *core.v1.ImageVolumeSource in=2
core.v1.VolumeDevice
 name 1 - s
 devicePath 2 - s
core.v1.VolumeMount
 name 1 - s
 readOnly 2 o b
 recursiveReadOnly 7 o *s
 mountPath 3 - s
 subPath 4 o s
 mountPropagation 5 o *s
 subPathExpr 6 o s
core.v1.VolumeMountStatus
 name 1 - s
 mountPath 2 - s
 readOnly 3 o b
 recursiveReadOnly 4 o *s
core.v1.VolumeNodeAffinity
 required 1 o *core.v1.NodeSelector
core.v1.VolumeProjection
 secret 1 o *core.v1.SecretProjection
 downwardAPI 2 o *core.v1.DownwardAPIProjection
 configMap 3 o *core.v1.ConfigMapProjection
 serviceAccountToken 4 o *core.v1.ServiceAccountTokenProjection
 clusterTrustBundle 5 o *core.v1.ClusterTrustBundleProjection
core.v1.VolumeResourceRequirements
 limits 1 o {q
 requests 2 o {q
core.v1.VsphereVirtualDiskVolumeSource
 volumePath 1 - s
 fsType 2 o s
 storagePolicyName 3 o s
 storagePolicyID 4 o s
core.v1.WeightedPodAffinityTerm
 weight 1 - i
 podAffinityTerm 2 - core.v1.PodAffinityTerm
core.v1.WindowsSecurityContextOptions
 gmsaCredentialSpecName 1 o *s
 gmsaCredentialSpec 2 o *s
 runAsUserName 3 o *s
 hostProcess 4 o *b
discovery.v1.Endpoint
 addresses 1 - [s lt=set
 conditions 2 o discovery.v1.EndpointConditions
 hostname 3 o *s
 targetRef 4 o *core.v1.ObjectReference
 deprecatedTopology 5 o {s
 nodeName 6 o *s
 zone 7 o *s
 hints 8 o *discovery.v1.EndpointHints
discovery.v1.EndpointConditions
 ready 1 o *b
 serving 2 o *b
 terminating 3 o *b
discovery.v1.EndpointHints
 forZones 1 o [discovery.v1.ForZone lt=atomic
discovery.v1.EndpointPort st=atomic
 name 1 o *s
 protocol 2 o *s
 port 3 o *i
 appProtocol 4 o *s
discovery.v1.EndpointSlice
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 addressType 4 - s
 endpoints 2 - [discovery.v1.Endpoint lt=atomic
 ports 3 - [discovery.v1.EndpointPort lt=atomic
discovery.v1.ForZone
 name 1 - s
events.v1.Event
 kind 0 o s
 apiVersion 0 o s
 metadata 1 - meta.v1.ObjectMeta
 eventTime 2 - m
 series 3 o *events.v1.EventSeries
 reportingController 4 o s
 reportingInstance 5 o s
 action 6 o s
 reason 7 o s
 regarding 8 o core.v1.ObjectReference
 related 9 o *core.v1.ObjectReference
 note 10 o s
 type 11 o s
 deprecatedSource 12 o core.v1.EventSource
 deprecatedFirstTimestamp 13 o t
 deprecatedLastTimestamp 14 o t
 deprecatedCount 15 o i
events.v1.EventSeries
 count 1 - i
 lastObservedTime 2 - m
flowcontrol.v1.ExemptPriorityLevelConfiguration
 nominalConcurrencyShares 1 o *i
 lendablePercent 2 o *i
flowcontrol.v1.FlowDistinguisherMethod
 type 1 - s
flowcontrol.v1.FlowSchema
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o flowcontrol.v1.FlowSchemaSpec
 status 3 o flowcontrol.v1.FlowSchemaStatus
flowcontrol.v1.FlowSchemaCondition
 type 1 o s
 status 2 o s
 lastTransitionTime 3 o t
 reason 4 o s
 message 5 o s
flowcontrol.v1.FlowSchemaSpec
 priorityLevelConfiguration 1 - flowcontrol.v1.PriorityLevelConfigurationReference
 matchingPrecedence 2 - i
 distinguisherMethod 3 o *flowcontrol.v1.FlowDistinguisherMethod
 rules 4 o [flowcontrol.v1.PolicyRulesWithSubjects lt=atomic
flowcontrol.v1.FlowSchemaStatus
 conditions 1 o [flowcontrol.v1.FlowSchemaCondition mk=type ps=merge lt=map keys=type
flowcontrol.v1.GroupSubject
 name 1 - s
flowcontrol.v1.LimitResponse
 type 1 - s
 queuing 2 o *flowcontrol.v1.QueuingConfiguration
flowcontrol.v1.LimitedPriorityLevelConfiguration
 nominalConcurrencyShares 1 - *i
 limitResponse 2 o flowcontrol.v1.LimitResponse
 lendablePercent 3 o *i
 borrowingLimitPercent 4 o *i
flowcontrol.v1.NonResourcePolicyRule
 verbs 1 - [s lt=set
 nonResourceURLs 6 - [s lt=set
flowcontrol.v1.PolicyRulesWithSubjects
 subjects 1 - [flowcontrol.v1.Subject lt=atomic
 resourceRules 2 o [flowcontrol.v1.ResourcePolicyRule lt=atomic
 nonResourceRules 3 o [flowcontrol.v1.NonResourcePolicyRule lt=atomic
)SKIDPAD",
R"SKIDPAD(flowcontrol.v1.PriorityLevelConfiguration
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o flowcontrol.v1.PriorityLevelConfigurationSpec
 status 3 o flowcontrol.v1.PriorityLevelConfigurationStatus
flowcontrol.v1.PriorityLevelConfigurationCondition
 type 1 o s
 status 2 o s
 lastTransitionTime 3 o t
 reason 4 o s
 message 5 o s
flowcontrol.v1.PriorityLevelConfigurationReference
 name 1 - s
flowcontrol.v1.PriorityLevelConfigurationSpec
 type 1 - s
 limited 2 o *flowcontrol.v1.LimitedPriorityLevelConfiguration
 exempt 3 o *flowcontrol.v1.ExemptPriorityLevelConfiguration
flowcontrol.v1.PriorityLevelConfigurationStatus
 conditions 1 o [flowcontrol.v1.PriorityLevelConfigurationCondition mk=type ps=merge lt=map keys=type
flowcontrol.v1.QueuingConfiguration
 queues 1 - i
 handSize 2 - i
 queueLengthLimit 3 - i
flowcontrol.v1.ResourcePolicyRule
 verbs 1 - [s lt=set
 apiGroups 2 - [s lt=set
 resources 3 - [s lt=set
 clusterScope 4 o b
 namespaces 5 - [s lt=set
flowcontrol.v1.ServiceAccountSubject
 namespace 1 - s
 name 2 - s
flowcontrol.v1.Subject
 kind 1 - s
 user 2 o *flowcontrol.v1.UserSubject
 group 3 o *flowcontrol.v1.GroupSubject
 serviceAccount 4 o *flowcontrol.v1.ServiceAccountSubject
flowcontrol.v1.UserSubject
 name 1 - s
meta.v1.APIGroup
 kind 0 o s
 apiVersion 0 o s
 name 1 - s
 versions 2 - [meta.v1.GroupVersionForDiscovery lt=atomic
 preferredVersion 3 o meta.v1.GroupVersionForDiscovery
 serverAddressByClientCIDRs 4 o [meta.v1.ServerAddressByClientCIDR lt=atomic
meta.v1.APIGroupList
 kind 0 o s
 apiVersion 0 o s
 groups 1 - [meta.v1.APIGroup lt=atomic
meta.v1.APIResource
 name 1 - s
 singularName 6 - s
 namespaced 2 - b
 group 8 o s
 version 9 o s
 kind 3 - s
 verbs 4 - [s wr=1
 shortNames 5 o [s lt=atomic
 categories 7 o [s lt=atomic
 storageVersionHash 10 o s
meta.v1.APIResourceList
 kind 0 o s
 apiVersion 0 o s
 groupVersion 1 - s
 resources 2 - [meta.v1.APIResource lt=atomic
meta.v1.APIVersions
 kind 0 o s
 apiVersion 0 o s
 versions 1 - [s lt=atomic
 serverAddressByClientCIDRs 2 - [meta.v1.ServerAddressByClientCIDR lt=atomic
meta.v1.Condition
 type 1 - s
 status 2 - s
 observedGeneration 3 o l
 lastTransitionTime 4 - t
 reason 5 - s
 message 6 - s
meta.v1.DeleteOptions
 kind 0 o s
 apiVersion 0 o s
 gracePeriodSeconds 1 o *l
 preconditions 2 o *meta.v1.Preconditions
 orphanDependents 3 o *b
 propagationPolicy 4 o *s
 dryRun 5 o [s lt=atomic
 ignoreStoreReadErrorWithClusterBreakingPotential 6 o *b
meta.v1.FieldSelectorRequirement
 key 1 - s
 operator 2 - s
 values 3 o [s lt=atomic
meta.v1.GroupVersionForDiscovery
 groupVersion 1 - s
 version 2 - s
meta.v1.LabelSelector st=atomic
 matchLabels 1 o {s
 matchExpressions 2 o [meta.v1.LabelSelectorRequirement lt=atomic
meta.v1.LabelSelectorRequirement
 key 1 - s
 operator 2 - s
 values 3 o [s lt=atomic
meta.v1.ListMeta
 selfLink 1 o s
 resourceVersion 2 o s
 continue 3 o s
 remainingItemCount 4 o *l
meta.v1.ListOptions
 kind 0 o s
 apiVersion 0 o s
 labelSelector 1 o s
 fieldSelector 2 o s
 watch 3 o b
 allowWatchBookmarks 9 o b
 resourceVersion 4 o s
 resourceVersionMatch 10 o s
 timeoutSeconds 5 o *l
 limit 7 o l
 continue 8 o s
 sendInitialEvents 11 o *b
meta.v1.ManagedFieldsEntry
 manager 1 o s
 operation 2 o s
 apiVersion 3 o s
 time 4 o *t
 fieldsType 6 o s
 fieldsV1 7 o *F
 subresource 8 o s
meta.v1.ObjectMeta
 name 1 o s
 generateName 2 o s
 namespace 3 o s
 selfLink 4 o s
 uid 5 o s
 resourceVersion 6 o s
 generation 7 o l
 creationTimestamp 8 o t
 deletionTimestamp 9 o *t
 deletionGracePeriodSeconds 10 o *l
 labels 11 o {s
 annotations 12 o {s
 ownerReferences 13 o [meta.v1.OwnerReference mk=uid ps=merge lt=map keys=uid
 finalizers 14 o [s ps=merge lt=set
 managedFields 17 o [meta.v1.ManagedFieldsEntry lt=atomic
meta.v1.OwnerReference st=atomic
 apiVersion 5 - s
 kind 1 - s
 name 3 - s
 uid 4 - s
 controller 6 o *b
 blockOwnerDeletion 7 o *b
meta.v1.PartialObjectMetadata
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
meta.v1.Preconditions
 uid 1 o *s
 resourceVersion 2 o *s
meta.v1.ServerAddressByClientCIDR
 clientCIDR 1 - s
 serverAddress 2 - s
meta.v1.Status
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ListMeta
 status 2 o s
 message 3 o s
 reason 4 o s
 details 5 o *meta.v1.StatusDetails lt=atomic
 code 6 o i
meta.v1.StatusCause
 reason 1 o s
 message 2 o s
 field 3 o s
meta.v1.StatusDetails
 name 1 o s
 group 2 o s
 kind 3 o s
 uid 6 o s
 causes 4 o [meta.v1.StatusCause lt=atomic
 retryAfterSeconds 5 o i
meta.v1.Table
 kind 0 o s
 apiVersion 0 o s
 metadata 0 o meta.v1.ListMeta
 columnDefinitions 0 - [meta.v1.TableColumnDefinition lt=atomic
 rows 0 - [meta.v1.TableRow lt=atomic
meta.v1.TableColumnDefinition
 name 0 - s
 type 0 - s
 format 0 - s
 description 0 - s
 priority 0 - i
meta.v1.TableRow
 cells 0 - [a lt=atomic
 conditions 0 o [meta.v1.TableRowCondition lt=atomic
 object 0 o a
meta.v1.TableRowCondition
 type 0 - s
 status 0 - s
 reason 0 o s
 message 0 o s
networking.v1.HTTPIngressPath
 path 1 o s
 pathType 3 - *s
 backend 2 - networking.v1.IngressBackend
networking.v1.HTTPIngressRuleValue
 paths 1 - [networking.v1.HTTPIngressPath lt=atomic
networking.v1.IPBlock
 cidr 1 - s
 except 2 o [s lt=atomic
networking.v1.Ingress
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o networking.v1.IngressSpec
 status 3 o networking.v1.IngressStatus
networking.v1.IngressBackend
 service 4 o *networking.v1.IngressServiceBackend
 resource 3 o *core.v1.TypedLocalObjectReference
networking.v1.IngressClass
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o networking.v1.IngressClassSpec
networking.v1.IngressClassParametersReference
 apiGroup 1 o *s
 kind 2 - s
 name 3 - s
 scope 4 - *s
 namespace 5 o *s
networking.v1.IngressClassSpec
 controller 1 o s
 parameters 2 o *networking.v1.IngressClassParametersReference
networking.v1.IngressLoadBalancerIngress
 ip 1 o s
 hostname 2 o s
 ports 4 o [networking.v1.IngressPortStatus lt=atomic
networking.v1.IngressLoadBalancerStatus
 ingress 1 o [networking.v1.IngressLoadBalancerIngress lt=atomic
networking.v1.IngressPortStatus
 port 1 - i
 protocol 2 - s
 error 3 o *s
networking.v1.IngressRule
 host 1 o s
 http 1 o *networking.v1.HTTPIngressRuleValue in=2
networking.v1.IngressServiceBackend
 name 1 - s
 port 2 o networking.v1.ServiceBackendPort
networking.v1.IngressSpec
 ingressClassName 4 o *s
 defaultBackend 1 o *networking.v1.IngressBackend
 tls 2 o [networking.v1.IngressTLS lt=atomic
 rules 3 o [networking.v1.IngressRule lt=atomic
networking.v1.IngressStatus
 loadBalancer 1 o networking.v1.IngressLoadBalancerStatus
networking.v1.IngressTLS
 hosts 1 o [s lt=atomic
 secretName 2 o s
networking.v1.NetworkPolicy
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o networking.v1.NetworkPolicySpec
networking.v1.NetworkPolicyEgressRule
 ports 1 o [networking.v1.NetworkPolicyPort lt=atomic
 to 2 o [networking.v1.NetworkPolicyPeer lt=atomic
networking.v1.NetworkPolicyIngressRule
 ports 1 o [networking.v1.NetworkPolicyPort lt=atomic
 from 2 o [networking.v1.NetworkPolicyPeer lt=atomic
networking.v1.NetworkPolicyPeer
 podSelector 1 o *meta.v1.LabelSelector
 namespaceSelector 2 o *meta.v1.LabelSelector
 ipBlock 3 o *networking.v1.IPBlock
networking.v1.NetworkPolicyPort
 protocol 1 o *s
 port 2 o *x
 endPort 3 o *i
networking.v1.NetworkPolicySpec
 podSelector 1 - meta.v1.LabelSelector
 ingress 2 o [networking.v1.NetworkPolicyIngressRule lt=atomic
 egress 3 o [networking.v1.NetworkPolicyEgressRule lt=atomic
 policyTypes 4 o [s lt=atomic
networking.v1.ServiceBackendPort st=atomic
 name 1 o s
 number 2 o i
node.v1.Overhead
 podFixed 1 o {q
node.v1.RuntimeClass
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 handler 2 - s
 overhead 3 o *node.v1.Overhead
 scheduling 4 o *node.v1.Scheduling
node.v1.Scheduling
 nodeSelector 1 o {s mt=atomic
 tolerations 2 o [core.v1.Toleration lt=atomic
policy.v1.Eviction
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 deleteOptions 2 o *meta.v1.DeleteOptions
policy.v1.PodDisruptionBudget
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 o policy.v1.PodDisruptionBudgetSpec
 status 3 o policy.v1.PodDisruptionBudgetStatus
policy.v1.PodDisruptionBudgetSpec
 minAvailable 1 o *x
 selector 2 o *meta.v1.LabelSelector ps=replace
 maxUnavailable 3 o *x
 unhealthyPodEvictionPolicy 4 o *s
policy.v1.PodDisruptionBudgetStatus
 observedGeneration 1 o l
 disruptedPods 2 o {t
 disruptionsAllowed 3 - i
 currentHealthy 4 - i
 desiredHealthy 5 - i
 expectedPods 6 - i
 conditions 7 o [meta.v1.Condition mk=type ps=merge lt=map keys=type
rbac.v1.AggregationRule
 clusterRoleSelectors 1 o [meta.v1.LabelSelector lt=atomic
rbac.v1.ClusterRole
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 rules 2 - [rbac.v1.PolicyRule lt=atomic
 aggregationRule 3 o *rbac.v1.AggregationRule
rbac.v1.ClusterRoleBinding
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 subjects 2 o [rbac.v1.Subject lt=atomic
 roleRef 3 - rbac.v1.RoleRef
rbac.v1.PolicyRule
 verbs 1 - [s lt=atomic
 apiGroups 2 o [s lt=atomic
 resources 3 o [s lt=atomic
 resourceNames 4 o [s lt=atomic
 nonResourceURLs 5 o [s lt=atomic
rbac.v1.Role
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 rules 2 - [rbac.v1.PolicyRule lt=atomic
rbac.v1.RoleBinding
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 subjects 2 o [rbac.v1.Subject lt=atomic
 roleRef 3 - rbac.v1.RoleRef
rbac.v1.RoleRef st=atomic
 apiGroup 1 - s
 kind 2 - s
 name 3 - s
rbac.v1.Subject st=atomic
 kind 1 - s
 apiGroup 2 o s
 name 3 - s
 namespace 4 o s
scheduling.v1.PriorityClass
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 value 2 - i
 globalDefault 3 o b
 description 4 o s
 preemptionPolicy 5 o *s
storage.v1.CSIDriver
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - storage.v1.CSIDriverSpec
storage.v1.CSIDriverSpec
 attachRequired 1 o *b
 podInfoOnMount 2 o *b
 volumeLifecycleModes 3 o [s lt=set
 storageCapacity 4 o *b
 fsGroupPolicy 5 o *s
 tokenRequests 6 o [storage.v1.TokenRequest lt=atomic
 requiresRepublish 7 o *b
 seLinuxMount 8 o *b
storage.v1.CSINode
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - storage.v1.CSINodeSpec
storage.v1.CSINodeDriver
 name 1 - s
 nodeID 2 - s
 topologyKeys 3 - [s lt=atomic
 allocatable 4 o *storage.v1.VolumeNodeResources
storage.v1.CSINodeSpec
 drivers 1 - [storage.v1.CSINodeDriver mk=name ps=merge lt=map keys=name
storage.v1.CSIStorageCapacity
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 nodeTopology 2 o *meta.v1.LabelSelector
 storageClassName 3 - s
 capacity 4 o *q
 maximumVolumeSize 5 o *q
storage.v1.StorageClass
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 provisioner 2 - s
 parameters 3 o {s
 reclaimPolicy 4 o *s
 mountOptions 5 o [s lt=atomic
 allowVolumeExpansion 6 o *b
 volumeBindingMode 7 o *s
 allowedTopologies 8 o [core.v1.TopologySelectorTerm lt=atomic
storage.v1.TokenRequest
 audience 1 - s
 expirationSeconds 2 o *l
storage.v1.VolumeAttachment
 kind 0 o s
 apiVersion 0 o s
 metadata 1 o meta.v1.ObjectMeta
 spec 2 - storage.v1.VolumeAttachmentSpec
 status 3 o storage.v1.VolumeAttachmentStatus
storage.v1.VolumeAttachmentSource
 persistentVolumeName 1 o *s
 inlineVolumeSpec 2 o *core.v1.PersistentVolumeSpec
storage.v1.VolumeAttachmentSpec
 attacher 1 - s
 source 2 - storage.v1.VolumeAttachmentSource
 nodeName 3 - s
storage.v1.VolumeAttachmentStatus
 attached 1 - b
 attachmentMetadata 2 o {s
 attachError 3 o *storage.v1.VolumeError
 detachError 4 o *storage.v1.VolumeError
storage.v1.VolumeError
 time 1 o t
 message 2 o s
storage.v1.VolumeNodeResources
 count 1 o *i
)SKIDPAD",
};
const std::size_t schema_data_count = 5;

}  // namespace skidpad::fakes::kube_apiserver
