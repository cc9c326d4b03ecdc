#include "harness/fault/etcd_operator_fault.hpp"

#include "harness/client/object_store/object_store.hpp"

namespace skidpad::fault {
namespace {

using namespace std::chrono_literals;
using runtime::Error;
using runtime::ErrorCode;
using runtime::success;
using runtime::text_at;

const client::ResourceType clusters{"etcd.database.coreos.com", "v1beta2", "etcdclusters", "EtcdCluster", client::Scope::namespaced};
const client::ResourceType restores{"etcd.database.coreos.com", "v1beta2", "etcdrestores", "EtcdRestore", client::Scope::namespaced};

/// What an API server keeps of a custom object.
Task<Result<std::string>> stored(client::EtcdClient& etcd, const client::ResourceType& type, std::string namespace_name, std::string name) {
  const std::string key = "/registry/" + type.group + "/" + type.plural + "/" + namespace_name + "/" + name;
  auto read = co_await etcd.get(key);
  if (!read) co_return read.error();
  if (!read.value()) co_return Error(ErrorCode::not_found, key + " is not there");
  co_return std::move(read.value()->value);
}

class Lasting : public Fault {
 public:
  bool can_heal() const override { return false; }
  Task<Result<void>> heal() override { co_return success(); }
};

class EtcdChangeFault final : public Lasting {
 public:
  EtcdChangeFault(Scene scene, EtcdOperatorObjects objects, EtcdChange change) : scene_(scene), objects_(std::move(objects)), change_(std::move(change)) {}

  Task<Result<void>> inject() override {
    Json patch;
    if (change_.size) patch["spec"]["size"] = *change_.size;
    if (!change_.version.empty()) patch["spec"]["version"] = change_.version;
    auto changed = co_await scene_.admin.patch(clusters, objects_.namespace_name, objects_.cluster, client::PatchType::merge, patch);
    if (!changed) co_return runtime::wrap(changed.error(), "changing EtcdCluster " + objects_.cluster);
    co_return success();
  }

  Task<Sighting> witness() override {
    Sighting sighting;
    sighting.witness = "etcd";
    sighting.independent = true;
    auto text = co_await stored(scene_.etcd, clusters, objects_.namespace_name, objects_.cluster);
    auto object = text ? runtime::parse_json(text.value()) : Result<Json>(text.error());
    if (!object) {
      sighting.evidence = object.error().message;
      co_return sighting;
    }
    const std::int64_t size = runtime::integer_at(object.value(), {"spec", "size"});
    const std::string version = text_at(object.value(), {"spec", "version"});
    sighting.confirmed = size == change_.size.value_or(size) && (change_.version.empty() || change_.version == version);
    sighting.evidence = "EtcdCluster " + objects_.cluster + " is stored with size " + std::to_string(size) + " and version " + version;
    co_return sighting;
  }

 private:
  Scene scene_;
  EtcdOperatorObjects objects_;
  EtcdChange change_;
};

class EtcdRestoreFault final : public Lasting {
 public:
  EtcdRestoreFault(Scene scene, EtcdOperatorObjects objects, std::string id, std::string into)
      : scene_(scene), objects_(std::move(objects)), into_(std::move(into)) {
    for (const char letter : id) name_ += letter == '_' ? '-' : letter;
  }

  Task<Result<void>> inject() override {
    Json object;
    object["apiVersion"] = restores.api_version();
    object["kind"] = restores.kind;
    object["metadata"] = {{"name", name_}, {"namespace", objects_.namespace_name}};
    object["spec"] = {{"etcdCluster", {{"name", into_}}}, {"backupName", objects_.backup}};
    auto created = co_await scene_.admin.create(restores, std::move(object));
    if (!created) co_return runtime::wrap(created.error(), "creating EtcdRestore " + name_);
    co_return success();
  }

  Task<Sighting> witness() override {
    Sighting sighting;
    sighting.witness = "etcd";
    sighting.independent = true;
    auto text = co_await stored(scene_.etcd, restores, objects_.namespace_name, name_);
    sighting.confirmed = text.has_value();
    sighting.evidence = text ? "EtcdRestore " + name_ + " is stored, into " + into_ : text.error().message;
    co_return sighting;
  }

 private:
  Scene scene_;
  EtcdOperatorObjects objects_;
  std::string into_;
  std::string name_;
};

class BackupStoreFault final : public Fault {
 public:
  BackupStoreFault(Scene scene, EtcdOperatorObjects objects, StoreAccess access, StoreTrouble trouble, Duration slow)
      : scene_(scene), objects_(std::move(objects)), access_(std::move(access)), trouble_(trouble), slow_(slow) {}

  Task<Result<void>> inject() override {
    auto found = co_await find();
    if (!found) co_return found.error();
    Json wanted = Json::object();
    if (trouble_ == StoreTrouble::slow) wanted["slow"] = runtime::format_go_duration(slow_);
    if (trouble_ == StoreTrouble::silent) wanted["slow"] = "24h";
    wanted["lie"] = trouble_ == StoreTrouble::lying;
    wanted["lose"] = trouble_ == StoreTrouble::losing;
    wanted["full"] = trouble_ == StoreTrouble::full;
    wanted["refuse"] = trouble_ == StoreTrouble::refusing;
    co_return co_await order(wanted);
  }
  bool can_heal() const override { return true; }
  Task<Result<void>> heal() override {
    const Json nothing = Json::object();
    auto healed = co_await order(nothing);
    // A probe that was kept is no backup; it must not stay in the bucket.
    auto store = co_await open();
    if (healed && store) (void)co_await store.value()->remove(probe_name);
    co_return healed;
  }

  /// As any user of the store would notice it.
  Task<Sighting> witness() override {
    Sighting sighting;
    sighting.witness = "S3 API";
    sighting.independent = true;
    auto store = co_await open();
    if (!store) {
      sighting.evidence = store.error().message;
      co_return sighting;
    }
    const runtime::Instant began = scene_.driver.runtime().now();
    auto put = co_await store.value()->put(probe_name, "probe");
    auto got = co_await store.value()->get(probe_name);
    const Duration took = scene_.driver.runtime().now() - began;
    const bool stored = put.has_value(), same = got && got.value() == "probe";
    switch (trouble_) {
      case StoreTrouble::slow: sighting.confirmed = took >= std::min(slow_, probe_time_max); break;
      case StoreTrouble::silent: sighting.confirmed = !stored && !got && took >= probe_time_max; break;
      case StoreTrouble::lying: sighting.confirmed = stored && got && !same; break;
      case StoreTrouble::losing: sighting.confirmed = stored && !got; break;
      case StoreTrouble::full:
      case StoreTrouble::refusing: sighting.confirmed = !stored; break;
    }
    const auto said = [](const auto& answer) { return answer ? std::string("acknowledged") : answer.error().message; };
    sighting.evidence = "a PUT was " + said(put) + ", a GET of it " + (same ? "gave the same" : got ? "gave something else" : got.error().message) + ", in " + std::to_string(runtime::seconds(took)) + " s";
    co_return sighting;
  }

 private:
  static constexpr char probe_name[] = "skidpad-probe";
  static constexpr Duration probe_time_max = 3s;

  /// The store's pod, by its address: cluster IPs are for those in the cluster.
  Task<Result<void>> find() {
    client::ListOptions options;
    options.namespace_name = objects_.namespace_name;
    options.label_selector = "app=object-store";
    auto pods = co_await scene_.admin.list_all(client::types::pods, std::move(options));
    if (!pods) co_return pods.error();
    if (pods.value().items.empty()) co_return Error(ErrorCode::not_found, "no pod of the object store");
    at_ = runtime::Endpoint{text_at(*pods.value().items.front(), {"status", "podIP"}), access_.port};
    co_return success();
  }
  Task<Result<void>> order(Json wanted) {
    runtime::HttpClientOptions options;
    options.servers = {at_};
    runtime::HttpClient http(scene_.driver.runtime(), options);
    runtime::HttpRequest request;
    request.method = "POST";
    request.target = "/-/faults";
    request.body = wanted.dump();
    auto answer = co_await http.request(std::move(request));
    if (!answer) co_return answer.error();
    if (answer.value().status != 204) co_return Error(ErrorCode::unavailable, "the object store answers " + std::to_string(answer.value().status));
    co_return success();
  }
  Task<Result<std::unique_ptr<client::ObjectStore>>> open() {
    client::S3Options s3;
    s3.endpoint = "http://" + runtime::to_text(at_);
    s3.bucket = access_.bucket;
    s3.credentials.access_key_id = access_.access_key_id;
    s3.credentials.secret_access_key = access_.secret_access_key;
    s3.timeout = probe_time_max;
    co_return co_await client::open_s3(scene_.driver.runtime(), std::move(s3));
  }

  Scene scene_;
  EtcdOperatorObjects objects_;
  StoreAccess access_;
  StoreTrouble trouble_;
  Duration slow_;
  runtime::Endpoint at_;
};

class DataCorruption final : public Lasting {
 public:
  DataCorruption(Scene scene, EtcdOperatorObjects objects, std::string data_directory, std::vector<TargetMachine> targets)
      : scene_(scene), objects_(std::move(objects)), data_directory_(std::move(data_directory)), targets_(std::move(targets)) {}

  Task<Result<void>> inject() override {
    client::ListOptions options;
    options.namespace_name = objects_.namespace_name;
    options.label_selector = "etcd_cluster=" + objects_.cluster;
    auto pods = co_await scene_.admin.list_all(client::types::pods, std::move(options));
    if (!pods) co_return pods.error();
    for (const TargetMachine& target : targets_) {
      for (const client::ObjectPointer& pod : pods.value().items) {
        if (text_at(*pod, {"spec", "nodeName"}) != target.name) continue;
        const std::string path = data_directory_ + "/" + objects_.namespace_name + "/" + objects_.cluster + "/" + client::name_of(*pod) + "/member/wal/" + first_log;
        auto damaged = co_await damage(target.name, path);
        if (!damaged) co_return runtime::wrap(damaged.error(), target.name + ":" + path);
      }
    }
    co_return success();
  }

  Task<Sighting> witness() override {
    Sighting sighting;
    sighting.witness = "disk";
    sighting.independent = true;  // written through one request, read through another
    sighting.confirmed = !damaged_.empty();
    for (const auto& [where, expected] : damaged_) {
      auto bytes = co_await scene_.driver.machines().read_file(where.first, where.second);
      const bool there = bytes && expected.first < bytes.value().size() && bytes.value()[expected.first] == expected.second;
      sighting.confirmed = sighting.confirmed && there;
      sighting.evidence += (sighting.evidence.empty() ? "" : "; ") + where.first + ":" + where.second + " byte " + std::to_string(expected.first) + (there ? " is altered" : " is not");
    }
    co_return sighting;
  }

 private:
  static constexpr char first_log[] = "0000000000000000-0000000000000000.wal";

  /// In the text of an entry, so that its checksum is wrong for certain: a damaged length could pass for a torn write.
  Task<Result<void>> damage(std::string machine, std::string path) {
    auto bytes = co_await scene_.driver.machines().read_file(machine, path);
    if (!bytes) co_return bytes.error();
    const std::size_t at = bytes.value().find("traffic/");
    if (at == std::string::npos) co_return Error(ErrorCode::not_found, "no entry of the traffic in it");
    bytes.value()[at] = static_cast<char>(bytes.value()[at] ^ 1);
    damaged_[std::pair(machine, path)] = std::pair(at, bytes.value()[at]);
    client::machines::MachineFile file;
    file.path = path;
    file.content = std::move(bytes.value());
    file.mode = 0600;
    auto listed = co_await scene_.driver.machines().processes(machine);
    if (!listed) co_return listed.error();
    auto written = co_await scene_.driver.machines().write_file(machine, std::move(file));
    if (!written) co_return written.error();
    for (const client::machines::MachineProcess& process : listed.value()) {
      const bool is_etcd = !process.argv.empty() && runtime::file_name(process.argv.front()) == "etcd";
      if (!is_etcd) continue;
      auto killed = co_await scene_.driver.machines().signal_process(machine, process, 9);
      if (!killed) co_return killed.error();
    }
    co_return success();
  }

  Scene scene_;
  EtcdOperatorObjects objects_;
  std::string data_directory_;
  std::vector<TargetMachine> targets_;
  std::map<std::pair<std::string, std::string>, std::pair<std::size_t, char>> damaged_;
};

}  // namespace

std::unique_ptr<Fault> make_etcd_change(Scene scene, EtcdOperatorObjects objects, EtcdChange change) {
  return std::make_unique<EtcdChangeFault>(scene, std::move(objects), std::move(change));
}

std::unique_ptr<Fault> make_etcd_restore(Scene scene, EtcdOperatorObjects objects, std::string id, std::string into) {
  return std::make_unique<EtcdRestoreFault>(scene, std::move(objects), std::move(id), std::move(into));
}

std::unique_ptr<Fault> make_backup_store_fault(Scene scene, EtcdOperatorObjects objects, StoreAccess access, StoreTrouble trouble, Duration slow) {
  return std::make_unique<BackupStoreFault>(scene, std::move(objects), std::move(access), trouble, slow);
}

std::unique_ptr<Fault> make_data_corruption(Scene scene, EtcdOperatorObjects objects, std::string data_directory, std::vector<TargetMachine> targets) {
  return std::make_unique<DataCorruption>(scene, std::move(objects), std::move(data_directory), std::move(targets));
}

}  // namespace skidpad::fault
