#include "fakes/kubelet/manifest.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kubelet {
namespace {

constexpr char etcd_manifest[] = R"(
apiVersion: v1
kind: Pod
metadata:
  name: etcd
  namespace: kube-system
  labels: {component: etcd}
spec:
  hostNetwork: true
  containers:
  - name: etcd
    image: registry.k8s.io/etcd:3.4.23
    command: [etcd, --name=n1]
    ports: [{containerPort: 2379}]
    livenessProbe: {httpGet: {path: /health, port: 2381}, failureThreshold: 8}
    volumeMounts: [{name: data, mountPath: /var/lib/etcd}]
  volumes:
  - {name: data, hostPath: {path: /var/lib/etcd, type: DirectoryOrCreate}}
)";

TEST(Manifest, BecomesAPodOfThisNodeWithDefaults) {
  const auto parsed = parse_manifest(etcd_manifest, "/etc/kubernetes/manifests/etcd.yaml", "Node1");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  const Json& pod = parsed.value();
  EXPECT_EQ(pod["metadata"]["name"], "etcd-node1");
  EXPECT_EQ(pod["spec"]["nodeName"], "Node1");
  EXPECT_EQ(pod["spec"]["restartPolicy"], "Always");
  EXPECT_EQ(pod["spec"]["containers"][0]["imagePullPolicy"], "IfNotPresent");
  EXPECT_EQ(pod["spec"]["containers"][0]["ports"][0]["hostPort"], 2379);
  EXPECT_EQ(pod["spec"]["containers"][0]["livenessProbe"]["periodSeconds"], 10);
  EXPECT_EQ(pod["spec"]["tolerations"][0]["effect"], "NoExecute");
  EXPECT_EQ(pod["metadata"]["annotations"]["kubernetes.io/config.source"], "file");
  EXPECT_EQ(pod["metadata"]["annotations"]["kubernetes.io/config.hash"], pod["metadata"]["uid"]);
  EXPECT_TRUE(is_static_pod(pod));
  EXPECT_FALSE(is_mirror_pod(pod));
}

TEST(Manifest, TheUidChangesWithContentNodeAndFileOnly) {
  const std::string text = etcd_manifest;
  const auto uid = [](const std::string& content, const std::string& path, const std::string& node) {
    return parse_manifest(content, path, node).value()["metadata"]["uid"].get<std::string>();
  };
  const std::string first = uid(text, "/m/a", "n1");
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(first, uid(text + "\n# a comment\n", "/m/a", "n1"));
  EXPECT_NE(first, uid(text, "/m/b", "n1"));
  EXPECT_NE(first, uid(text, "/m/a", "n2"));
  std::string changed = text;
  changed.replace(changed.find("--name=n1"), 9, "--name=n2");
  EXPECT_NE(first, uid(changed, "/m/a", "n1"));
}

TEST(Manifest, BadOnesSayWhichFieldIsWrong) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"", "expected an object"},
      {"kind: Pod", "apiVersion"},
      {"{\"apiVersion\":\"v1\",\"kind\":\"Deployment\"}", "kind: expected \"Pod\""},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: Bad_Name}\nspec: {containers: [{name: a, image: b}]}", "metadata.name"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "spec: Required"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}", "spec.containers: Required"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a}]}", "spec.containers[0].image"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b},{name: a, image: b}]}", "Duplicate value: \"a\""},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {restartPolicy: Sometimes, containers: [{name: a, image: b}]}", "Unsupported value"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b, command: [1]}]}", "command: expected a list of texts"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b, volumeMounts: [{name: x, mountPath: /x}]}]}", "Not found: \"x\""},
      {"apiVersion: v1\nkind: [Pod\n", "yaml:"},
      {"a: 1\na: 2\n", "already set"},
      {"\x01\x02\xff", "manifest: expected an object"},
  };
  for (const auto& one : cases) {
    const auto parsed = parse_manifest(one.text, "/m", "n");
    ASSERT_FALSE(parsed.has_value()) << one.text;
    EXPECT_NE(parsed.error().message.find(one.message), std::string::npos) << one.text << "\n-> " << parsed.error().message;
  }
}

}  // namespace
}  // namespace skidpad::fakes::kubelet
