#include "harness/driver/process/system_call.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace skidpad::driver::process {

namespace {
Result<void> write_all(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("write " + path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return success();
}
}  // namespace

void FileDescriptor::close() {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Error system_error(std::string doing) { return system_error(std::move(doing), errno); }

Error system_error(std::string doing, int number) {
  const ErrorCode code = number == ENOENT || number == ESRCH ? ErrorCode::not_found
                         : number == EEXIST                  ? ErrorCode::already_exists
                         : number == EPERM || number == EACCES ? ErrorCode::forbidden
                                                             : ErrorCode::io;
  return Error(code, std::move(doing) + ": " + std::strerror(number));
}

Result<std::string> read_text(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) return system_error("open " + path);
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t size = ::read(file.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return system_error("read " + path);
    if (size == 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
  }
}

Result<void> write_text(const std::string& path, std::string_view text, unsigned mode) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file.open()) return system_error("open " + path);
  return write_all(file.get(), text, path);
}

Result<void> append_durably(const std::string& path, std::string_view text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file.open()) return system_error("open " + path);
  TRY(write_all(file.get(), text, path));
  if (::fdatasync(file.get()) != 0) return system_error("sync " + path);
  return success();
}

Result<void> make_directories(const std::string& path, unsigned mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST && errno != EROFS) return system_error("mkdir " + part);
    if (slash == std::string::npos) break;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return Error(ErrorCode::io, path + " is not a directory");
  return success();
}

}  // namespace skidpad::driver::process
