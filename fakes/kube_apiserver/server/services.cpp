// Cluster IPs and node ports: two bitmaps in etcd, changed in the same transaction as the Service, so that several servers never give out
// one address twice and no address is lost.
#include "fakes/kube_apiserver/api/base64.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::list_at;
using runtime::text_at;

constexpr const char* ip_key = "/registry/ranges/serviceips";
constexpr const char* port_key = "/registry/ranges/servicenodeports";

struct Range {
  std::uint32_t base = 0;
  std::uint32_t size = 0;
};

std::uint32_t address_number(const std::string& text) {
  std::uint32_t number = 0;
  std::uint32_t part = 0;
  for (const char c : text + ".") {
    if (c == '.') {
      number = number << 8 | part;
      part = 0;
    } else {
      part = part * 10 + static_cast<std::uint32_t>(c - '0');
    }
  }
  return number;
}

std::string address_text(std::uint32_t number) {
  return std::to_string(number >> 24) + "." + std::to_string(number >> 16 & 255) + "." + std::to_string(number >> 8 & 255) + "." + std::to_string(number & 255);
}

Range parse_range(const std::string& cidr) {
  const std::size_t slash = cidr.find('/');
  const int bits = slash == std::string::npos ? 32 : std::stoi(cidr.substr(slash + 1));
  Range range;
  range.base = address_number(cidr.substr(0, slash)) + 1;  // the network's own address is never given out
  range.size = (1U << std::min(16, 32 - bits)) - 2;
  return range;
}

/// A set of small numbers, kept as the big-endian bytes of one great number, as the real server keeps it.
class Bitmap {
 public:
  explicit Bitmap(const std::string& big_endian) : bytes_(big_endian.rbegin(), big_endian.rend()) {}
  bool has(std::uint32_t bit) const { return bit / 8 < bytes_.size() && (static_cast<unsigned char>(bytes_[bit / 8]) >> (bit % 8) & 1) != 0; }
  void set(std::uint32_t bit, bool value) {
    if (bit / 8 >= bytes_.size()) bytes_.resize(bit / 8 + 1, '\0');
    const auto mask = static_cast<char>(1 << (bit % 8));
    bytes_[bit / 8] = static_cast<char>(value ? bytes_[bit / 8] | mask : bytes_[bit / 8] & ~mask);
  }
  std::string big_endian() const {
    std::string text(bytes_.rbegin(), bytes_.rend());
    return text.substr(std::min(text.find_first_not_of('\0'), text.size()));
  }

 private:
  std::string bytes_;
};

struct Allocation {
  client::Revision revision = 0;
  Bitmap bitmap{""};
  bool changed = false;
};

Task<Allocation> read_allocation(Store& store, std::string key) {
  auto answer = co_await store.etcd().get(std::move(key));
  if (!answer) throw plain_error(answer.error().message);
  Allocation allocation;
  if (answer.value()) {
    allocation.revision = answer.value()->mod_revision;
    const Json object = Json::parse(answer.value()->value, nullptr, false);
    allocation.bitmap = Bitmap(decode_base64(text_at(object, {"data"})).value_or(""));
  }
  co_return allocation;
}

void add_to(WriteExtras& extras, const char* key, const std::string& range, const Allocation& allocation) {
  if (!allocation.changed) return;
  const Json object = {{"kind", "RangeAllocation"}, {"apiVersion", "v1"}, {"metadata", {{"creationTimestamp", nullptr}}}, {"range", range}, {"data", encode_base64(allocation.bitmap.big_endian())}};
  extras.compares.push_back(client::Compare::mod_revision(key, allocation.revision));
  extras.then.emplace_back(client::PutRequest(key, object.dump()));
}

bool wants_address(const Json& service) { return text_at(service, {"spec", "type"}) != "ExternalName" && text_at(service, {"spec", "clusterIP"}) != "None"; }
bool wants_ports(const Json& service) {
  const std::string type = text_at(service, {"spec", "type"});
  return type == "NodePort" || (type == "LoadBalancer" && find(service, {"spec", "allocateLoadBalancerNodePorts"}) != false);
}

std::vector<std::int64_t> ports_of(const Json& service) {
  std::vector<std::int64_t> ports;
  for (const Json& port : list_at(service, {"spec", "ports"})) {
    if (runtime::integer_at(port, {"nodePort"}) > 0) ports.push_back(runtime::integer_at(port, {"nodePort"}));
  }
  if (runtime::integer_at(service, {"spec", "healthCheckNodePort"}) > 0) ports.push_back(runtime::integer_at(service, {"spec", "healthCheckNodePort"}));
  return ports;
}

}  // namespace

/// What must be written beside a Service: its addresses and ports taken (object) and given back (old). Fills them into the object.
Task<WriteExtras> ApiServer::service_extras(Json* object, const Json* old) {
  WriteExtras extras;
  const Range range = parse_range(options_.service_range);
  const std::string old_address = old == nullptr ? "" : text_at(*old, {"spec", "clusterIP"});
  Allocation addresses = co_await read_allocation(store_, ip_key);
  Allocation ports = co_await read_allocation(store_, port_key);
  FieldErrors errors;
  const std::string name = object == nullptr ? "" : text_at(*object, {"metadata", "name"});
  std::string new_address;
  if (object != nullptr && wants_address(*object)) {
    Json& spec = (*object)["spec"];
    new_address = text_at(spec, {"clusterIP"});
    if (new_address.empty() && !list_at(spec, {"clusterIPs"}).empty()) new_address = spec["clusterIPs"][0].get<std::string>();
    const std::string shown = "[]string{" + in_quotes(new_address) + "}";
    if (new_address == old_address && !new_address.empty()) {
    } else if (!new_address.empty()) {
      const std::uint32_t offset = address_number(new_address) - range.base;
      const std::string failed = "failed to allocate IP " + new_address + ": ";
      if (!runtime::is_ipv4(new_address)) {
        errors.push_back(invalid_value("spec.clusterIPs[0]", in_quotes(new_address), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
      } else if (offset >= range.size) {
        errors.push_back(invalid_value("spec.clusterIPs", shown, failed + "the provided IP (" + new_address + ") is not in the valid range. The range of valid IPs is " + options_.service_range));
      } else if (addresses.bitmap.has(offset)) {
        errors.push_back(invalid_value("spec.clusterIPs", shown, failed + "provided IP is already allocated"));
      } else {
        addresses.bitmap.set(offset, true);
        addresses.changed = true;
      }
    } else {
      const std::uint32_t fixed = std::min<std::uint32_t>(std::max<std::uint32_t>(16, range.size / 16), 256);
      std::uint32_t offset = fixed + static_cast<std::uint32_t>(random_.below(range.size - fixed));
      std::uint32_t tried = 0;
      while (addresses.bitmap.has(offset) && tried++ < range.size) offset = offset + 1 < range.size ? offset + 1 : 0;
      if (tried > range.size) throw internal_error("failed to allocate a serviceIP: range is full");
      addresses.bitmap.set(offset, true);
      addresses.changed = true;
      new_address = address_text(range.base + offset);
    }
    spec["clusterIP"] = new_address;
    spec["clusterIPs"] = Json::array({new_address});
  }
  if (object != nullptr) {
    Json& spec = (*object)["spec"];
    if (text_at(spec, {"type"}) == "ExternalName") {
      for (const char* key : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) spec.erase(key);
    } else {
      if (text_at(spec, {"clusterIP"}) == "None") spec["clusterIPs"] = Json::array({"None"});
      if (text_at(spec, {"clusterIP"}) == "None" && list_at(spec, {"selector"}).empty() && list_at(spec, {"ipFamilies"}).empty() && text_at(spec, {"ipFamilyPolicy"}).empty()) {
        spec["ipFamilies"] = Json::array({"IPv4", "IPv6"});
        spec["ipFamilyPolicy"] = "RequireDualStack";
      }
      if (list_at(spec, {"ipFamilies"}).empty()) spec["ipFamilies"] = Json::array({"IPv4"});
      if (text_at(spec, {"ipFamilyPolicy"}).empty()) spec["ipFamilyPolicy"] = "SingleStack";
    }
  }
  if (old != nullptr && !old_address.empty() && old_address != "None" && old_address != new_address) {
    addresses.bitmap.set(address_number(old_address) - range.base, false);
    addresses.changed = true;
  }
  const auto offset_of = [&](std::int64_t port) { return static_cast<std::uint32_t>(port - options_.node_port_min); };
  const auto count = static_cast<std::uint32_t>(options_.node_port_max - options_.node_port_min + 1);
  const std::vector<std::int64_t> old_ports = old == nullptr ? std::vector<std::int64_t>() : ports_of(*old);
  if (object != nullptr && wants_ports(*object)) {
    const auto take_any = [&] {
      std::uint32_t offset = static_cast<std::uint32_t>(random_.below(count));
      while (ports.bitmap.has(offset)) offset = (offset + 1) % count;
      ports.bitmap.set(offset, true);
      ports.changed = true;
      return options_.node_port_min + static_cast<int>(offset);
    };
    std::size_t position = 0;
    for (Json& port : (*object)["spec"]["ports"]) {
      const std::string path = "spec.ports[" + std::to_string(position++) + "].nodePort";
      const std::int64_t wanted = runtime::integer_at(port, {"nodePort"});
      if (wanted == 0) continue;
      if (std::find(old_ports.begin(), old_ports.end(), wanted) != old_ports.end()) continue;
      if (wanted < options_.node_port_min || wanted > options_.node_port_max) {
        errors.push_back(invalid_value(path, std::to_string(wanted), "provided port is not in the valid range. The range of valid ports is " +
                                                                         std::to_string(options_.node_port_min) + "-" + std::to_string(options_.node_port_max)));
      } else if (ports.bitmap.has(offset_of(wanted))) {
        errors.push_back(invalid_value(path, std::to_string(wanted), "provided port is already allocated"));
      } else {
        ports.bitmap.set(offset_of(wanted), true);
        ports.changed = true;
      }
    }
    if (errors.empty()) {
      std::size_t reuse = 0;
      for (Json& port : (*object)["spec"]["ports"]) {
        if (runtime::integer_at(port, {"nodePort"}) > 0) continue;
        const Json& before = old == nullptr ? list_at(Json(), {}) : list_at(*old, {"spec", "ports"});
        if (reuse < before.size() && runtime::integer_at(before[reuse], {"nodePort"}) > 0) {
          port["nodePort"] = before[reuse]["nodePort"];
        } else {
          port["nodePort"] = take_any();
        }
        ++reuse;
      }
      Json& spec = (*object)["spec"];
      const bool needs_check = text_at(spec, {"type"}) == "LoadBalancer" && text_at(spec, {"externalTrafficPolicy"}) == "Local";
      if (needs_check && runtime::integer_at(spec, {"healthCheckNodePort"}) == 0) {
        const std::int64_t before = old == nullptr ? 0 : runtime::integer_at(*old, {"spec", "healthCheckNodePort"});
        spec["healthCheckNodePort"] = before > 0 ? before : take_any();
      }
    }
  }
  if (!errors.empty()) throw invalid("", "Service", name, errors);
  const std::vector<std::int64_t> new_ports = object == nullptr ? std::vector<std::int64_t>() : ports_of(*object);
  for (const std::int64_t port : old_ports) {
    if (std::find(new_ports.begin(), new_ports.end(), port) != new_ports.end()) continue;
    ports.bitmap.set(offset_of(port), false);
    ports.changed = true;
  }
  const std::string port_range = std::to_string(options_.node_port_min) + "-" + std::to_string(options_.node_port_max);
  add_to(extras, ip_key, options_.service_range, addresses);
  add_to(extras, port_key, port_range, ports);
  co_return extras;
}

Task<ObjectPtr> ApiServer::create_service(Request& request, Json object) {
  const std::string key = request.key();
  for (int attempt = 0; attempt < 100; ++attempt) {
    Json filled = object;
    WriteExtras extras = co_await service_extras(&filled, nullptr);
    ObjectPtr made = co_await store_.create(key, std::move(filled), std::move(extras));
    if (made) co_return made;
    const ObjectPtr present = co_await store_.read(key);
    if (present) co_return nullptr;  // else another server took an address in the meantime
  }
  throw plain_error("too many servers allocate at once");
}

Task<ObjectPtr> ApiServer::update_service(Request& request, Mutation mutation) {
  const std::string key = request.key();
  for (int attempt = 0; attempt < 100; ++attempt) {
    const ObjectPtr present = co_await store_.read(key);
    Change change = mutation(present);
    if (change.remove) {
      WriteExtras extras = co_await service_extras(nullptr, &present->value());
      const Revision removed = co_await store_.remove(present, std::move(extras));
      if (removed != 0) co_return StoredObject::from_value(key, std::move(change.value), present->revision());
      continue;
    }
    WriteExtras extras = co_await service_extras(&change.value, &present->value());
    Json next = std::move(change.value);
    Mutation exact = [&](const ObjectPtr& now) -> Change {
      if (!now || now->revision() != present->revision()) throw conflict(*request.resource, request.info.name, object_modified);
      return Change(next);
    };
    bool raced = false;
    ObjectPtr written;
    try {
      written = co_await store_.update(key, exact, std::move(extras));
    } catch (const ApiError& error) {
      if (error.code != 409) throw;
      raced = true;
    }
    if (!raced && written) co_return written;
  }
  throw plain_error("too many conflicting writes to " + key);
}

}  // namespace skidpad::fakes::kube_apiserver
