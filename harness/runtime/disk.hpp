/// @file disk.hpp
/// The files of one machine. Small and synchronous.
/// In the simulator a file that was not synced can be lost by a power cut, and a whole disk can be lost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/runtime/result.hpp"
#include "harness/runtime/time.hpp"

namespace skidpad::runtime {

struct FileStatus {
  bool is_directory = false;
  std::uint64_t size_bytes = 0;
  unsigned mode = 0;  ///< permission bits
  WallTime modified;
};

/// Paths are absolute. Errors: not_found, already_exists, io (full, unreadable).
class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::string> read(const std::string& path, std::uint64_t bytes_max = 1ULL << 30) = 0;
  /// From an offset to the end, for following a growing file.
  virtual Result<std::string> read_from(const std::string& path, std::uint64_t offset, std::uint64_t bytes_max) = 0;
  /// Truncates; volatile until sync().
  virtual Result<void> write(const std::string& path, std::string_view bytes, unsigned mode = 0644) = 0;
  virtual Result<void> append(const std::string& path, std::string_view bytes, unsigned mode = 0644) = 0;
  /// Temporary file, fsync, rename, fsync of the directory: readers see the old or the new, also after a power cut.
  virtual Result<void> write_atomically(const std::string& path, std::string_view bytes, unsigned mode = 0644) = 0;
  /// Fails with already_exists if something is there (O_EXCL).
  virtual Result<void> create_exclusively(const std::string& path, std::string_view bytes, unsigned mode = 0644) = 0;
  virtual Result<void> sync(const std::string& path) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// not_found if it was not there.
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> remove_recursively(const std::string& path) = 0;
  /// With parents; fine if it is there.
  virtual Result<void> make_directories(const std::string& path, unsigned mode = 0755) = 0;
  /// Names in byte order.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual Result<FileStatus> status(const std::string& path) = 0;
  bool exists(const std::string& path) { return status(path).has_value(); }
};

/// "a/b/c.txt" -> "a/b"; "/x" -> "/".
std::string parent_path(const std::string& path);
std::string file_name(const std::string& path);

}  // namespace skidpad::runtime
