#include "harness/runtime/real/real_disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "harness/runtime/real/file_descriptor.hpp"

namespace skidpad::runtime {
namespace {

Error failure(std::string_view doing, const std::string& path, int error_number) {
  ErrorCode code = ErrorCode::io;
  if (error_number == ENOENT || error_number == ENOTDIR) code = ErrorCode::not_found;
  if (error_number == EEXIST) code = ErrorCode::already_exists;
  return Error(code, std::string(doing) + " " + path + ": " + error_text(error_number));
}

Result<FileDescriptor> open_file(const std::string& path, int flags, unsigned mode = 0) {
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!file) return failure("open", path, errno);
  return file;
}

Result<void> write_all(const FileDescriptor& file, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.number(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return success();
}

Result<void> flush(const FileDescriptor& file, const std::string& path) {
  if (::fsync(file.number()) != 0) return failure("fsync", path, errno);
  return success();
}

Result<void> flush_directory(const std::string& path) {
  TRY(const FileDescriptor directory, open_file(path, O_RDONLY | O_DIRECTORY));
  return flush(directory, path);
}

}  // namespace

Result<std::string> RealDisk::read(const std::string& path, std::uint64_t bytes_max) {
  TRY(std::string bytes, read_from(path, 0, bytes_max == UINT64_MAX ? bytes_max : bytes_max + 1));
  if (bytes.size() > bytes_max) return Error(ErrorCode::io, "read " + path + ": larger than " + std::to_string(bytes_max) + " bytes");
  return bytes;
}

Result<std::string> RealDisk::read_from(const std::string& path, std::uint64_t offset, std::uint64_t bytes_max) {
  TRY(const FileDescriptor file, open_file(path, O_RDONLY));
  // The size is only a hint: files of /proc say 0, and a log grows while it is read.
  struct stat status {};
  std::uint64_t chunk = 4096;
  if (::fstat(file.number(), &status) == 0 && status.st_size > static_cast<off_t>(offset)) {
    chunk = static_cast<std::uint64_t>(status.st_size) - offset + 1;
  }
  std::string bytes;
  while (bytes.size() < bytes_max) {
    const std::size_t have = bytes.size();
    bytes.resize(have + std::min(chunk, bytes_max - have));
    const ssize_t count = ::pread(file.number(), bytes.data() + have, bytes.size() - have, static_cast<off_t>(offset + have));
    bytes.resize(have + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) break;
    if (count < 0 && errno != EINTR) return failure("read", path, errno);
    chunk = std::max<std::uint64_t>(4096, have);
  }
  return bytes;
}

Result<void> RealDisk::write(const std::string& path, std::string_view bytes, unsigned mode) {
  TRY(const FileDescriptor file, open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  return write_all(file, path, bytes);
}

Result<void> RealDisk::append(const std::string& path, std::string_view bytes, unsigned mode) {
  TRY(const FileDescriptor file, open_file(path, O_WRONLY | O_CREAT | O_APPEND, mode));
  return write_all(file, path, bytes);
}

Result<void> RealDisk::write_atomically(const std::string& path, std::string_view bytes, unsigned mode) {
  // The process number keeps two writers apart; a leftover of an earlier process with that number is written over.
  const std::string temporary = parent_path(path) + "/." + file_name(path) + "." + std::to_string(::getpid()) + ".tmp";
  const auto write_temporary = [&]() -> Result<void> {
    TRY(const FileDescriptor file, open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode));
    TRY(write_all(file, temporary, bytes));
    return flush(file, temporary);
  };
  Result<void> written = write_temporary();
  if (written) written = rename(temporary, path);
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return flush_directory(parent_path(path));
}

Result<void> RealDisk::create_exclusively(const std::string& path, std::string_view bytes, unsigned mode) {
  TRY(const FileDescriptor file, open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode));
  return write_all(file, path, bytes);
}

Result<void> RealDisk::sync(const std::string& path) {
  TRY(const FileDescriptor file, open_file(path, O_RDONLY));
  TRY(flush(file, path));
  // The name too: a synced file that nobody can find is lost.
  return flush_directory(parent_path(path));
}

Result<void> RealDisk::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failure("rename " + from + " to", to, errno);
  return success();
}

Result<void> RealDisk::remove(const std::string& path) {
  if (::remove(path.c_str()) != 0) return failure("remove", path, errno);
  return success();
}

Result<void> RealDisk::remove_recursively(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return failure("remove", path, error.value());
  return success();
}

Result<void> RealDisk::make_directories(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0) return success();
  const int error_number = errno;
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return success();
    return Error(ErrorCode::already_exists, "mkdir " + path + ": not a directory");
  }
  const std::string parent = parent_path(path);
  if (error_number != ENOENT || parent == path || parent == ".") return failure("mkdir", path, error_number);
  TRY(make_directories(parent, mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return failure("mkdir", path, errno);
  return success();
}

Result<std::vector<std::string>> RealDisk::list(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (stream == nullptr) return failure("open directory", directory, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return failure("read directory", directory, errno);
  std::sort(names.begin(), names.end());
  return names;
}

Result<FileStatus> RealDisk::status(const std::string& path) {
  struct stat raw {};
  if (::stat(path.c_str(), &raw) != 0) return failure("stat", path, errno);
  FileStatus status;
  status.is_directory = S_ISDIR(raw.st_mode);
  status.size_bytes = static_cast<std::uint64_t>(raw.st_size);
  status.mode = raw.st_mode & 07777;
  status.modified = WallTime(std::chrono::seconds(raw.st_mtim.tv_sec) + std::chrono::nanoseconds(raw.st_mtim.tv_nsec));
  return status;
}

Result<DiskSpace> RealDisk::space(const std::string& path) {
  struct statvfs raw{};
  if (::statvfs(path.c_str(), &raw) != 0) return Error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "space of " + path + ": " + error_text(errno));
  DiskSpace space;
  space.capacity_bytes = static_cast<std::uint64_t>(raw.f_blocks) * raw.f_frsize;
  space.available_bytes = static_cast<std::uint64_t>(raw.f_bavail) * raw.f_frsize;
  return space;
}

}  // namespace skidpad::runtime
