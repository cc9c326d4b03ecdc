/// @file sim_disk.hpp
/// A simulated disk: a power cut takes back what was not synced; the whole disk can be lost or filled.
/// Not modelled: torn sectors; renames and removals are durable at once, as on a journalled file system with fsynced directories.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "harness/runtime/disk_space.hpp"

namespace skidpad::runtime::sim {

class SimDisk final : public Disk, public MeasuresSpace {
 public:
  explicit SimDisk(std::function<WallTime()> wall_now) : wall_now_(std::move(wall_now)) { format(); }
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

  /// unsupported unless the disk has a bound.
  Result<DiskSpace> space(const std::string& path) override;
  /// Takes back every unsynced write.
  void lose_unsynced();
  /// Empties the disk.
  void format();
  void set_capacity_bytes(std::uint64_t capacity) { capacity_bytes_ = capacity; }
  std::uint64_t used_bytes() const { return used_bytes_; }

 private:
  struct Node {
    bool is_directory = false;
    std::string content;
    std::size_t synced_bytes = 0;               ///< prefix of content that is durable
    std::optional<std::string> durable_before;  ///< what is durable instead, if content was rewritten since the last sync
    bool ever_synced = false;
    unsigned mode = 0644;
    WallTime modified;
  };
  Result<Node*> file(const std::string& path, unsigned mode);
  Result<void> grow(std::uint64_t bytes);
  void drop(std::map<std::string, Node>::iterator node);

  std::function<WallTime()> wall_now_;
  std::map<std::string, Node> nodes_;
  std::uint64_t capacity_bytes_ = UINT64_MAX;
  std::uint64_t used_bytes_ = 0;
};

}  // namespace skidpad::runtime::sim
