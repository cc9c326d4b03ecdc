#include "fakes/kubelet/resource_usage.hpp"

#include <sstream>

namespace skidpad::fakes::kubelet {

namespace {

constexpr std::uint64_t tick_nanoseconds = 10'000'000;   // USER_HZ is 100 wherever we run
constexpr std::uint64_t page_bytes = 4096;
constexpr int depth_max = 8;
constexpr std::size_t remembered_max = 2000;
constexpr std::uint64_t file_bytes_max = 1 << 16;

}  // namespace

ResourceUse& ResourceUse::operator+=(const ResourceUse& other) {
  cpu_nanoseconds += other.cpu_nanoseconds;
  cpu_nanocores += other.cpu_nanocores;
  memory_bytes += other.memory_bytes;
  known = known || other.known;
  return *this;
}

ResourceUse ResourceUsage::read(const std::string& process) const {
  ResourceUse use;
  const auto stat = runtime_.disk().read("/proc/" + process + "/stat", file_bytes_max);
  if (!stat) return use;
  // The name in parentheses may hold anything: fields are counted from behind it, starting with the third.
  const std::size_t name_end = stat.value().rfind(')');
  if (name_end == std::string::npos) return use;
  std::istringstream fields(stat.value().substr(name_end + 1));
  std::vector<std::string> values;
  for (std::string value; fields >> value;) values.push_back(std::move(value));
  const auto number = [&](std::size_t field) { return field - 3 < values.size() ? std::strtoull(values[field - 3].c_str(), nullptr, 10) : 0ULL; };
  use.cpu_nanoseconds = (number(14) + number(15)) * tick_nanoseconds;
  use.started_ticks = number(22);
  use.memory_bytes = number(24) * page_bytes;
  use.known = true;
  return use;
}

ResourceUse ResourceUsage::read_tree(const std::string& process, int depth) const {
  ResourceUse use = read(process);
  if (!use.known || depth >= depth_max) return use;
  const auto children = runtime_.disk().read("/proc/" + process + "/task/" + process + "/children", file_bytes_max);
  if (!children) return use;
  std::istringstream list(children.value());
  for (std::string child; list >> child;) use += read_tree(child, depth + 1);
  return use;
}

double ResourceUsage::uptime_seconds() const {
  const auto text = runtime_.disk().read("/proc/uptime", file_bytes_max);
  return text ? std::strtod(text.value().c_str(), nullptr) : 0;
}

ResourceUse ResourceUsage::with_rate(const std::string& key, ResourceUse use) {
  if (!use.known) return use;
  if (looks_.size() > remembered_max) looks_.clear();
  Look& last = looks_[key];
  const runtime::Instant now = runtime_.now();
  const bool same = last.at != runtime::Instant{} && last.started_ticks == use.started_ticks && use.cpu_nanoseconds >= last.cpu_nanoseconds;
  if (same && now - last.at < std::chrono::seconds(1)) {
    use.cpu_nanocores = last.cpu_nanocores;
    return use;
  }
  const double span = same ? runtime::seconds(now - last.at) : uptime_seconds() - double(use.started_ticks) / 100;
  const std::uint64_t spent = use.cpu_nanoseconds - (same ? last.cpu_nanoseconds : 0);
  use.cpu_nanocores = span > 0 ? std::uint64_t(double(spent) / span) : 0;
  last.at = now;
  last.cpu_nanoseconds = use.cpu_nanoseconds;
  last.started_ticks = use.started_ticks;
  last.cpu_nanocores = use.cpu_nanocores;
  return use;
}

ResourceUse ResourceUsage::look(runtime::ProcessId process) {
  const std::string id = std::to_string(process.pid);
  return with_rate(id, read_tree(id, 0));
}

ResourceUse ResourceUsage::own() { return with_rate("self", read("self")); }

void put_usage(Json& entry, const ResourceUse& use, const std::string& time) {
  entry["cpu"]["time"] = time;
  entry["cpu"]["usageNanoCores"] = use.cpu_nanocores;
  entry["cpu"]["usageCoreNanoSeconds"] = use.cpu_nanoseconds;
  entry["memory"]["time"] = time;
  for (const char* field : {"usageBytes", "workingSetBytes", "rssBytes"}) entry["memory"][field] = use.memory_bytes;
}

}  // namespace skidpad::fakes::kubelet
