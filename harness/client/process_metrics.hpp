/// @file process_metrics.hpp
/// The process_* metrics that every Prometheus client library exports: memory, CPU, open files and start of this process.
/// Source: /proc/self and /proc/stat, as the machine's disk shows them. On a disk without them (the simulator's) there are none.
#pragma once

#include <optional>

#include "harness/client/metrics.hpp"
#include "harness/runtime/disk.hpp"

namespace skidpad::client {

struct ProcessUsage {
  double cpu_seconds = 0;         ///< user and system, of all threads
  double start_seconds = 0;       ///< since the Unix epoch
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double open_files = 0;
};

/// From the texts of /proc/self/stat and /proc/stat; nothing if they are not what Linux writes.
/// @param page_bytes  what a page of memory is
std::optional<ProcessUsage> parse_process_usage(const std::string& self_stat, const std::string& stat, double page_bytes = 4096);
std::optional<ProcessUsage> read_process_usage(runtime::Disk& disk);
/// Sets process_* before each text().
void add_process_metrics(Metrics& metrics, runtime::Disk& disk);
/// The same in Prometheus' text format, for a server that writes its own; "" where nothing is known.
std::string process_metrics_text(runtime::Disk& disk);

}  // namespace skidpad::client
