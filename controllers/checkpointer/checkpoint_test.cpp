// Copies and their files: what is left out, what is refused, and that a writer killed at any step leaves only whole files.
#include <gtest/gtest.h>

#include "controllers/checkpointer/checkpoint_store.hpp"
#include "harness/client/kubernetes/kubeconfig.hpp"
#include "harness/client/kubernetes/object.hpp"
#include "harness/runtime/sim/sim_disk.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::controllers::checkpointer {
namespace {

using runtime::text_at;

Json parent_pod() {
  return Json::parse(R"({
    "metadata": {"name": "kube-apiserver-x7k2p", "namespace": "kube-system", "uid": "u1", "labels": {"component": "kube-apiserver"},
                 "annotations": {"checkpointer.alpha.coreos.com/checkpoint": "true"},
                 "ownerReferences": [{"kind": "DaemonSet", "name": "kube-apiserver", "uid": "d1", "controller": true}]},
    "spec": {"nodeName": "control-plane-1", "serviceAccountName": "default", "serviceAccount": "default", "hostNetwork": true,
             "nodeSelector": {"a": "b"}, "affinity": {"nodeAffinity": {}}, "tolerations": [{"operator": "Exists"}], "schedulerName": "x", "priority": 2000,
             "containers": [{"name": "c", "image": "i", "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                                                               {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}],
                             "volumeMounts": [{"name": "secrets", "mountPath": "/s"}, {"name": "kube-api-access-abcde", "mountPath": "/t"}]}],
             "volumes": [{"name": "secrets", "secret": {"secretName": "kube-apiserver"}}, {"name": "config", "configMap": {"name": "settings"}},
                         {"name": "kube-api-access-abcde", "projected": {"sources": [{"serviceAccountToken": {}}]}}]},
    "status": {"phase": "Running"}})");
}

const Reference secret{Reference::Kind::secret, "kube-apiserver"};
const Reference settings{Reference::Kind::config_map, "settings"};
const Places places{{secret, "/etc/kubernetes/checkpoint-secrets/kube-system/p/kube-apiserver-1"}, {settings, "/etc/kubernetes/checkpoint-configmaps/kube-system/p/settings-1"}};

TEST(Copy, HoldsNothingThatNeedsAnApiServer) {
  const auto copy = make_copy(parent_pod(), places);
  ASSERT_TRUE(copy);
  const std::string text = copy.value().dump();
  for (const char* word : {"serviceAccount", "nodeName", "nodeSelector", "affinity", "tolerations", "schedulerName", "ownerReferences", "\"uid\"",
                           "status\":", "secretName", "configMap\"", "projected", "kube-api-access"}) {
    EXPECT_EQ(text.find(word), std::string::npos) << word;
  }
  EXPECT_EQ(client::annotation(copy.value(), std::string(checkpoint_of_annotation)), "kube-apiserver-x7k2p");
  EXPECT_EQ(text_at(copy.value()["spec"]["containers"][0]["env"][0], {"value"}), "kube-apiserver-x7k2p");
  EXPECT_EQ(text_at(copy.value()["spec"]["containers"][0]["env"][1], {"valueFrom", "fieldRef", "fieldPath"}), "status.hostIP");
  EXPECT_EQ(text_at(copy.value()["spec"]["volumes"][0], {"hostPath", "path"}), places.at(secret));
  EXPECT_FALSE(is_parent(copy.value()));
}

TEST(Copy, IsRefusedWithTheNameOfWhatCannotBeCopied) {
  const struct {
    const char* pointer;
    Json value;
    const char* named;
  } cases[] = {
      {"/spec/volumes/0", Json::parse(R"({"name": "v", "persistentVolumeClaim": {"claimName": "c"}})"), "persistentVolumeClaim"},
      {"/spec/volumes/0", Json::parse(R"({"name": "v", "secret": {"secretName": "other"}})"), "secret other"},
      {"/spec/volumes/0", Json::parse(R"({"name": "v", "secret": {"secretName": "kube-apiserver", "items": [{"key": "a", "path": "b"}]}})"), "items"},
      {"/spec/containers/0/env/0", Json::parse(R"({"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}})"), "PASSWORD"},
      {"/spec/containers/0/envFrom", Json::parse(R"([{"secretRef": {"name": "s"}}])"), "envFrom"},
      {"/spec/containers", Json::array(), "no containers"},
  };
  for (const auto& wrong : cases) {
    Json pod = parent_pod();
    pod[Json::json_pointer(wrong.pointer)] = wrong.value;
    const auto copy = make_copy(pod, places);
    ASSERT_FALSE(copy) << wrong.named;
    EXPECT_NE(copy.error().message.find(wrong.named), std::string::npos) << copy.error().message;
  }
}

TEST(Parent, IsNeitherACopyNorAMirrorNorFinished) {
  EXPECT_TRUE(is_parent(parent_pod()));
  const struct {
    const char* pointer;
    const char* value;
  } cases[] = {{"/metadata/annotations/checkpointer.alpha.coreos.com~1checkpoint", "false"},
               {"/metadata/annotations/checkpointer.alpha.coreos.com~1checkpoint-of", "x"},
               {"/metadata/annotations/kubernetes.io~1config.mirror", "x"},
               {"/metadata/annotations/kubernetes.io~1config.source", "file"},
               {"/status/phase", "Failed"}};
  for (const auto& other : cases) {
    Json pod = parent_pod();
    pod[Json::json_pointer(other.pointer)] = other.value;
    EXPECT_FALSE(is_parent(pod)) << other.pointer;
  }
}

struct Died {};

/// Dies at the nth change of the disk, before or after it took effect; a file being written may be torn.
class DyingDisk final : public runtime::Disk {
 public:
  DyingDisk(runtime::Disk& under, int changes_left) : under_(under), left_(changes_left) {}
  Result<std::string> read(const std::string& path, std::uint64_t most) override { return under_.read(path, most); }
  Result<std::string> read_from(const std::string& path, std::uint64_t from, std::uint64_t most) override { return under_.read_from(path, from, most); }
  Result<void> write(const std::string& path, std::string_view bytes, unsigned mode) override {
    if (left_-- == 0) {
      (void)under_.write(path, bytes.substr(0, bytes.size() / 2), mode);
      throw Died();
    }
    return under_.write(path, bytes, mode);
  }
  Result<void> append(const std::string& path, std::string_view bytes, unsigned mode) override { return under_.append(path, bytes, mode); }
  /// As the real disk does it, in its steps.
  Result<void> write_atomically(const std::string& path, std::string_view bytes, unsigned mode) override {
    const std::string temporary = runtime::parent_path(path) + "/." + runtime::file_name(path) + ".7.tmp";
    TRY(write(temporary, bytes, mode));
    return rename(temporary, path);
  }
  Result<void> create_exclusively(const std::string& path, std::string_view bytes, unsigned mode) override {
    if (under_.exists(path)) return under_.create_exclusively(path, bytes, mode);
    return write(path, bytes, mode);
  }
  Result<void> sync(const std::string& path) override { return under_.sync(path); }
  Result<void> rename(const std::string& from, const std::string& to) override {
    step();
    return under_.rename(from, to);
  }
  Result<void> remove(const std::string& path) override {
    step();
    return under_.remove(path);
  }
  Result<void> remove_recursively(const std::string& path) override {
    step();
    return under_.remove_recursively(path);
  }
  Result<void> make_directories(const std::string& path, unsigned mode) override {
    step();
    return under_.make_directories(path, mode);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override { return under_.list(directory); }
  Result<runtime::FileStatus> status(const std::string& path) override { return under_.status(path); }

 private:
  void step() {
    if (left_-- == 0) throw Died();
  }
  runtime::Disk& under_;
  int left_;
};

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() : world_(runtime::sim::WorldOptions()) {
    runtime::sim::MachineSpec spec;
    spec.name = "node";
    spec.address = "10.0.0.1";
    disk_ = &world_.add_machine(spec).disk();
    EXPECT_TRUE(disk_->make_directories("/etc/kubernetes/manifests"));
    EXPECT_TRUE(disk_->write("/etc/kubernetes/manifests/etcd.yaml", foreign));
  }
  static Result<void> checkpoint(runtime::Disk& disk, const std::string& key) {
    CheckpointStore store(disk, Directories());
    const Json pod = parent_pod();
    Places found;
    TRY(found[secret], store.store_data("kube-system", "kube-apiserver-x7k2p", secret, Files{{"tls.crt", "certificate " + key}, {"tls.key", key}}));
    TRY(found[settings], store.store_data("kube-system", "kube-apiserver-x7k2p", settings, Files{{"a", "b"}}));
    TRY(const Json copy, make_copy(pod, found));
    TRY(const bool changed, store.write_inactive(copy));
    TRY(const bool started, store.activate(copy));
    (void)changed;
    (void)started;
    return store.collect_garbage();
  }
  /// Every manifest that the kubelet or we could see is whole, and what it mounts is there and of one writing.
  void expect_whole(runtime::Disk& disk) {
    for (const char* directory : {"/etc/kubernetes/manifests", "/etc/kubernetes/inactive-manifests"}) {
      const auto names = disk.list(directory);
      for (const std::string& name : names ? names.value() : std::vector<std::string>()) {
        if (name.starts_with(".") || name == "etcd.yaml") continue;
        const auto manifest = runtime::parse_json(disk.read(std::string(directory) + "/" + name).value());
        ASSERT_TRUE(manifest) << name;
        for (const Json& volume : manifest.value()["spec"]["volumes"]) {
          const std::string path = text_at(volume, {"hostPath", "path"});
          if (path.find("kube-apiserver-") == std::string::npos || path.find("secrets") == std::string::npos) continue;
          const std::string key = disk.read(path + "/tls.key").value();
          EXPECT_EQ(disk.read(path + "/tls.crt").value(), "certificate " + key);
        }
      }
    }
    EXPECT_EQ(disk.read("/etc/kubernetes/manifests/etcd.yaml").value(), foreign);
  }
  std::vector<std::string> everything_below(const std::string& directory) {
    std::vector<std::string> files;
    const auto names = disk_->list(directory);
    for (const std::string& name : names ? names.value() : std::vector<std::string>()) {
      const std::string path = directory + "/" + name;
      if (disk_->status(path).value().is_directory) {
        for (std::string& file : everything_below(path)) files.push_back(std::move(file));
      } else {
        files.push_back(path);
      }
    }
    return files;
  }

  static constexpr char foreign[] = "not ours: {";
  runtime::sim::World world_;
  runtime::Disk* disk_ = nullptr;
};

TEST_F(StoreTest, WritesDirectoriesAndFilesForTheOwnerOnly) {
  ASSERT_TRUE(checkpoint(*disk_, "one"));
  for (const std::string& file : everything_below("/etc/kubernetes/checkpoint-secrets")) {
    EXPECT_EQ(disk_->status(file).value().mode, 0600u) << file;
    EXPECT_EQ(disk_->status(runtime::parent_path(file)).value().mode, 0700u) << file;
  }
  EXPECT_EQ(disk_->status("/etc/kubernetes/inactive-manifests/kube-system-kube-apiserver-x7k2p.json").value().mode, 0600u);
  EXPECT_EQ(disk_->status("/etc/kubernetes/inactive-manifests").value().mode, 0700u);
}

TEST_F(StoreTest, AWriterKilledAtAnyStepLeavesOnlyWholeFilesAndTheNextOneCleansUp) {
  ASSERT_TRUE(checkpoint(*disk_, "one"));
  const auto before = everything_below("/etc/kubernetes");
  bool finished = false;
  int steps = 0;
  for (; !finished && steps < 100; ++steps) {
    DyingDisk dying(*disk_, steps);
    try {
      ASSERT_TRUE(checkpoint(dying, "key " + std::to_string(steps)));
      finished = true;
    } catch (const Died&) {
    }
    expect_whole(*disk_);
  }
  EXPECT_TRUE(finished);
  EXPECT_GT(steps, 5);
  EXPECT_EQ(everything_below("/etc/kubernetes").size(), before.size()) << "leftovers of the killed writers";
}

TEST_F(StoreTest, RemovesEverythingOfACheckpointAndNothingElse) {
  ASSERT_TRUE(checkpoint(*disk_, "one"));
  CheckpointStore store(*disk_, Directories());
  ASSERT_TRUE(store.remove("kube-system", "kube-apiserver-x7k2p"));
  ASSERT_TRUE(store.collect_garbage());
  EXPECT_EQ(everything_below("/etc/kubernetes"), std::vector<std::string>{"/etc/kubernetes/manifests/etcd.yaml"});
}

TEST_F(StoreTest, JunkInItsDirectoriesIsNamedAndLeftAlone) {
  ASSERT_TRUE(checkpoint(*disk_, "one"));
  const struct {
    const char* file;
    const char* text;
  } junk[] = {{"broken.json", "{"}, {"other.json", "{\"kind\": \"Pod\"}"}, {"kube-system-wrong.json", R"({"metadata": {"name": "p", "namespace": "kube-system", "annotations": {"checkpointer.alpha.coreos.com/checkpoint-of": "p"}}})"}};
  for (const auto& [file, text] : junk) ASSERT_TRUE(disk_->write(std::string("/etc/kubernetes/inactive-manifests/") + file, text));
  CheckpointStore store(*disk_, Directories());
  std::vector<std::string> problems;
  const auto found = store.read(problems);
  ASSERT_TRUE(found);
  EXPECT_EQ(found.value().size(), 1u);
  ASSERT_EQ(problems.size(), 3u);
  ASSERT_TRUE(store.collect_garbage());
  for (const auto& [file, text] : junk) EXPECT_EQ(disk_->read(std::string("/etc/kubernetes/inactive-manifests/") + file).value(), text);
}

}  // namespace
}  // namespace skidpad::controllers::checkpointer
