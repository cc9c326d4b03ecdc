/// @file real_disk.hpp
/// Disk over this machine's file system, each call synchronous.
#pragma once

#include "harness/runtime/disk_space.hpp"

namespace skidpad::runtime {

class RealDisk final : public Disk, public MeasuresSpace {
 public:
  Result<std::string> read(const std::string& path, std::uint64_t bytes_max) override;
  Result<std::string> read_from(const std::string& path, std::uint64_t offset, std::uint64_t bytes_max) override;
  Result<void> write(const std::string& path, std::string_view bytes, unsigned mode) override;
  Result<void> append(const std::string& path, std::string_view bytes, unsigned mode) override;
  Result<void> write_atomically(const std::string& path, std::string_view bytes, unsigned mode) override;
  Result<void> create_exclusively(const std::string& path, std::string_view bytes, unsigned mode) override;
  Result<void> sync(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_recursively(const std::string& path) override;
  Result<void> make_directories(const std::string& path, unsigned mode) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<FileStatus> status(const std::string& path) override;
  Result<DiskSpace> space(const std::string& path) override;
};

}  // namespace skidpad::runtime
