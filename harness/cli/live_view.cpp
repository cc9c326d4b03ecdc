#include "harness/cli/live_view.hpp"

#include <cstdio>

namespace skidpad::cli {
namespace {

std::string in_seconds(runtime::Duration duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", runtime::seconds(duration));
  return text;
}

}  // namespace

LiveView::LiveView(runtime::Clock& clock, bool terminal, runtime::Duration floor)
    : clock_(clock), terminal_(terminal), floor_(floor), start_(clock.now()) {}

LiveView::~LiveView() { clear(); }

std::string LiveView::elapsed() const {
  char text[32];
  std::snprintf(text, sizeof text, "%8.1f s", runtime::seconds(clock_.now() - start_));
  return text;
}

void LiveView::clear() {
  if (width_ == 0) return;
  std::fprintf(stderr, "\r%*s\r", static_cast<int>(width_), "");
  width_ = 0;
}

void LiveView::draw() {
  std::string line = elapsed() + "  " + phase_;
  for (const auto& [name, value] : status_.items()) line += "  " + name + " " + value.get<std::string>();
  if (faulted_known_) {
    line += "  " + in_seconds(clock_.now() - faulted_) + " since the fault";
    if (floor_ > runtime::Duration::zero()) line += " (floor " + in_seconds(floor_) + ")";
  }
  if (terminal_) {
    clear();
    std::fprintf(stderr, "%s", line.c_str());
    std::fflush(stderr);
    width_ = line.size();
    return;
  }
  // Elsewhere a line appears only when something other than time has changed.
  const std::string plain = phase_ + status_.dump();
  if (plain == last_plain_) return;
  last_plain_ = plain;
  std::fprintf(stderr, "%s\n", line.c_str());
}

void LiveView::phase(std::string_view name) {
  if (name == "recovery" || (name == "faults" && !faulted_known_)) faulted_ = clock_.now();
  faulted_known_ = faulted_known_ || name == "recovery";
  if (name == "cleanup") faulted_known_ = false;
  phase_ = name;
  std::replace(phase_.begin(), phase_.end(), '_', ' ');
  draw();
}

void LiveView::status(const Json& status) {
  status_ = status;
  draw();
}

void LiveView::note(const std::string& text) {
  clear();
  std::fprintf(stderr, "%s  %s\n", elapsed().c_str(), text.c_str());
  if (terminal_) draw();
}

}  // namespace skidpad::cli
