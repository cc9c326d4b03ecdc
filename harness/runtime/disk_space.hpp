/// @file disk_space.hpp
/// How much room a machine's disk has. A capability of disks, beside Disk:
///     auto* measures = dynamic_cast<MeasuresSpace*>(&runtime.disk());
#pragma once

#include "harness/runtime/disk.hpp"

namespace skidpad::runtime {

struct DiskSpace {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t available_bytes = 0;
  bool own = false;  ///< the machine's alone; false: it shares the file system with its host
};

class MeasuresSpace {
 public:
  virtual ~MeasuresSpace() = default;
  /// Of the file system that holds a path. unsupported where there is no bound.
  virtual Result<DiskSpace> space(const std::string& path) = 0;
};

}  // namespace skidpad::runtime
