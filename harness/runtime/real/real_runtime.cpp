#include "harness/runtime/real/real_runtime.hpp"

#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>

namespace skidpad::runtime {
namespace {

std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? value : "";
}

std::uint64_t choose_seed(std::optional<std::uint64_t> given) {
  if (given) return *given;
  const std::string text = variable("SKIDPAD_SEED");
  std::uint64_t seed = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (!text.empty() && read.ec == std::errc() && read.ptr == text.data() + text.size()) return seed;
  const ssize_t count = ::getrandom(&seed, sizeof seed, 0);
  ASSERT(count == sizeof seed);
  return seed;
}

LogLevel choose_level(std::optional<LogLevel> given) {
  LogLevel level = LogLevel::info;
  if (given) return *given;
  parse_log_level(variable("SKIDPAD_LOG"), level);
  return level;
}

std::string choose_host_name() {
  const std::string given = variable("SKIDPAD_HOST_NAME");
  if (!given.empty()) return given;
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace

RealRuntime::RealRuntime(RealRuntimeOptions options)
    : host_name_(choose_host_name()),
      random_(choose_seed(options.seed)),
      log_(host_name_, options.program, choose_level(options.log_level)),
      network_(*this, loop_),
      processes_(loop_),
      pki_(*this) {
  // A peer that went away is an error of that one write, never the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
  if (options.stops_on_signal) {
    loop_.on_termination_signal([this] {
      if (stop_.stop_requested()) ::_exit(1);
      stop_.request_stop();
    });
  }
}

RealRuntime::~RealRuntime() = default;

WallTime RealRuntime::wall_now() const { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

std::string RealRuntime::environment(const std::string& name) const { return variable(name); }

void RealRuntime::run_root(Task<void> task) {
  bool ended = false;
  std::exception_ptr failure;
  // The group swallows Cancelled, as the owner of a task should; here the caller is the owner.
  struct Root {
    static Task<void> run(Task<void> task, bool& ended, std::exception_ptr& failure) {
      try {
        co_await task;
      } catch (...) {
        failure = std::current_exception();
      }
      ended = true;
    }
  };
  {
    TaskGroup group(stop_);
    group.spawn("main", Root::run(std::move(task), ended, failure));
    loop_.run_until([&ended] { return ended; });
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace skidpad::runtime
