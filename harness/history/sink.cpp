#include "harness/history/sink.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/runtime/usage_error.hpp"

namespace skidpad::history {

FileSink::FileSink(const std::string& path)
    : path_(path), descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) throw UsageError(path + ": cannot record here: " + std::strerror(errno));
}

FileSink::~FileSink() { ::close(descriptor_); }

runtime::Result<void> FileSink::append(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return runtime::Error(runtime::ErrorCode::io, "append to " + path_ + ": " + std::strerror(errno));
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
  return runtime::success();
}

}  // namespace skidpad::history
