// The CustomResourceDefinitions of the operator: names as CoreOS's etcd-operator gave them, with structural schemas.
#include "controllers/etcd_operator/model.hpp"

namespace skidpad::controllers::etcd_operator {

namespace types {
const client::ResourceType clusters{"etcd.database.coreos.com", "v1beta2", "etcdclusters", "EtcdCluster", client::Scope::namespaced};
const client::ResourceType backups{"etcd.database.coreos.com", "v1beta2", "etcdbackups", "EtcdBackup", client::Scope::namespaced};
const client::ResourceType restores{"etcd.database.coreos.com", "v1beta2", "etcdrestores", "EtcdRestore", client::Scope::namespaced};
const client::ResourceType definitions = client::types::custom_resource_definitions;
}  // namespace types

namespace {

Json text() { return {{"type", "string"}}; }
Json text(std::size_t length_min) { return {{"type", "string"}, {"minLength", length_min}}; }
Json pattern(const std::string& regular_expression) { return {{"type", "string"}, {"pattern", regular_expression}}; }
Json boolean() { return {{"type", "boolean"}}; }
Json integer(std::int64_t least, std::int64_t most) { return {{"type", "integer"}, {"format", "int64"}, {"minimum", least}, {"maximum", most}}; }
Json one_of(Json values) { return {{"type", "string"}, {"enum", std::move(values)}}; }
Json record(Json properties, Json required = Json::array()) {
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}
Json anything() { return {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}}; }
Json duration() { return pattern("^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"); }

Json s3() {
  return record({{"path", pattern("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")},
                 {"endpoint", pattern("^https?://[^/]+$")},
                 {"region", text()},
                 {"awsSecret", text(1)}},
                {"path", "endpoint", "awsSecret"});
}
Json directory() { return record({{"path", pattern("^/.+$")}}, {"path"}); }

Json definition(const client::ResourceType& type, Json short_names, Json spec, Json columns) {
  const Json schema = record({{"spec", std::move(spec)}, {"status", anything()}}, {"spec"});
  std::string singular = type.kind;
  std::transform(singular.begin(), singular.end(), singular.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  columns.push_back({{"name", "Age"}, {"type", "date"}, {"jsonPath", ".metadata.creationTimestamp"}});
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", type.plural + "." + type.group}}},
          {"spec",
           {{"group", type.group},
            {"scope", "Namespaced"},
            {"names", {{"kind", type.kind}, {"listKind", type.kind + "List"}, {"plural", type.plural}, {"singular", singular}, {"shortNames", std::move(short_names)}}},
            {"versions",
             Json::array({{{"name", type.version},
                           {"served", true},
                           {"storage", true},
                           {"subresources", {{"status", Json::object()}}},
                           {"additionalPrinterColumns", std::move(columns)},
                           {"schema", {{"openAPIV3Schema", schema}}}}})}}}};
}

Json column(const char* name, const char* type, const char* path) { return {{"name", name}, {"type", type}, {"jsonPath", path}}; }

}  // namespace

std::vector<Json> custom_resource_definitions() {
  // An even size lowers no risk and costs a vote: allowed only on the way from one odd size to the next (E1).
  Json cluster = record(
      {{"size", {{"type", "integer"}, {"format", "int32"}, {"enum", {1, 3, 5, 7}}}},
       {"version", pattern("^[0-9]+\\.[0-9]+\\.[0-9]+$")},
       {"repository", text(1)},
       {"paused", boolean()},
       {"pod",
        record({{"clientPort", integer(1, 65535)},
                {"peerPort", integer(1, 65535)},
                {"metricsPort", integer(1, 65535)},
                {"dataDirectory", pattern("^/.+$")},
                {"nodeSelector", {{"type", "object"}, {"additionalProperties", text()}}},
                {"tolerations", {{"type", "array"}, {"items", anything()}}},
                {"etcdArguments", {{"type", "array"}, {"items", pattern("^--[a-z]")}}}})},
       {"repair", record({{"unhealthyAfter", duration()}})},
       {"recovery", record({{"grace", duration()}, {"autoRecover", boolean()}})}},
      {"size"});
  Json backup = record({{"clusterName", text(1)},
                        {"storageType", one_of({"S3", "Directory"})},
                        {"s3", s3()},
                        {"directory", directory()},
                        {"backupPolicy",
                         record({{"backupIntervalInSecond", integer(1, 31536000)},
                                 {"maxBackups", integer(1, 100000)},
                                 {"minKeep", integer(1, 1000)},
                                 {"timeoutInSecond", integer(1, 86400)}})}},
                       {"clusterName", "storageType"});
  Json restore = record({{"etcdCluster", record({{"name", text(1)}}, {"name"})}, {"backupName", text(1)}, {"object", text(1)}}, {"etcdCluster", "backupName"});
  return {definition(types::clusters, {"etcd"}, std::move(cluster),
                     {column("Size", "integer", ".spec.size"), column("Ready", "integer", ".status.readyCount"), column("Phase", "string", ".status.phase"),
                      column("Version", "string", ".status.currentVersion"), column("Reason", "string", ".status.reason")}),
          definition(types::backups, Json::array({"etcdbackup"}), std::move(backup),
                     {column("Cluster", "string", ".spec.clusterName"), column("Succeeded", "boolean", ".status.succeeded"),
                      column("Revision", "integer", ".status.etcdRevision"), column("Last", "date", ".status.lastSuccessDate")}),
          definition(types::restores, Json::array({"etcdrestore"}), std::move(restore),
                     {column("Cluster", "string", ".spec.etcdCluster.name"), column("Phase", "string", ".status.phase"), column("Reason", "string", ".status.reason")})};
}

}  // namespace skidpad::controllers::etcd_operator
