#include "harness/client/process_metrics.hpp"

#include <cstdio>
#include <sstream>

namespace skidpad::client {

namespace {

constexpr double ticks_per_second = 100;  // USER_HZ: part of Linux' interface, whatever the kernel's own clock

struct Named {
  const char* name;
  const char* type;
  const char* help;
  double ProcessUsage::*value;
};

constexpr Named names[] = {
    {"process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", &ProcessUsage::cpu_seconds},
    {"process_open_fds", "gauge", "Number of open file descriptors.", &ProcessUsage::open_files},
    {"process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", &ProcessUsage::resident_bytes},
    {"process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", &ProcessUsage::start_seconds},
    {"process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", &ProcessUsage::virtual_bytes},
};

}  // namespace

std::optional<ProcessUsage> parse_process_usage(const std::string& self_stat, const std::string& stat, double page_bytes) {
  // The second field is the program's name in brackets and may hold anything, brackets and blanks too.
  const std::size_t name_end = self_stat.rfind(')');
  const std::size_t boot = stat.find("btime ");
  if (name_end == std::string::npos || boot == std::string::npos) return std::nullopt;
  std::istringstream fields(self_stat.substr(name_end + 1));
  std::string state;
  fields >> state;
  double value = 0;
  ProcessUsage usage;
  for (int number = 4; number <= 24 && fields >> value; ++number) {
    if (number == 14 || number == 15) usage.cpu_seconds += value / ticks_per_second;
    if (number == 22) usage.start_seconds = std::atof(stat.c_str() + boot + 6) + value / ticks_per_second;
    if (number == 23) usage.virtual_bytes = value;
    if (number == 24) usage.resident_bytes = value * page_bytes;
  }
  if (!fields) return std::nullopt;
  return usage;
}

std::optional<ProcessUsage> read_process_usage(runtime::Disk& disk) {
  const auto self_stat = disk.read("/proc/self/stat", 1 << 16);
  const auto stat = disk.read("/proc/stat", 1 << 20);
  if (!self_stat || !stat) return std::nullopt;
  auto usage = parse_process_usage(self_stat.value(), stat.value());
  if (!usage) return std::nullopt;
  if (const auto open = disk.list("/proc/self/fd")) usage->open_files = static_cast<double>(open.value().size());
  return usage;
}

void add_process_metrics(Metrics& metrics, runtime::Disk& disk) {
  for (const Named& named : names) metrics.describe(named.name, named.help);
  metrics.add_collector([&disk](Metrics& now) {
    const auto usage = read_process_usage(disk);
    if (!usage) return;
    for (const Named& named : names) now.set(named.name, (*usage).*named.value);
  });
}

std::string process_metrics_text(runtime::Disk& disk) {
  const auto usage = read_process_usage(disk);
  if (!usage) return "";
  std::string text;
  for (const Named& named : names) {
    char value[64];
    std::snprintf(value, sizeof value, "%.15g", (*usage).*named.value);
    text += std::string("# HELP ") + named.name + ' ' + named.help + "\n# TYPE " + named.name + ' ' + named.type + '\n' + named.name + ' ' + value + '\n';
  }
  return text;
}

}  // namespace skidpad::client
