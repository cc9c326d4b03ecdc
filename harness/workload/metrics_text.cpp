#include "harness/workload/metrics_text.hpp"

#include <cmath>
#include <cstdlib>

namespace skidpad::workload {
namespace {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; }
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

/// One line, read from the left.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : line_(line) {}
  Result<MetricLine> read() {
    MetricLine metric;
    TRY(metric.name, name("a metric name"));
    if (next() == '{') {
      ++at_;
      TRY(labels(metric.labels));
    }
    skip_blanks();
    TRY(metric.value, number());
    skip_blanks();
    if (at_ < line_.size()) {
      TRY(number());  // a timestamp
      skip_blanks();
    }
    if (at_ < line_.size()) return wrong("the end of the line");
    return metric;
  }

 private:
  char next() const { return at_ < line_.size() ? line_[at_] : '\0'; }
  void skip_blanks() {
    while (next() == ' ' || next() == '\t') ++at_;
  }
  Error wrong(const std::string& expected) const {
    return Error(ErrorCode::corrupt, "column " + std::to_string(at_ + 1) + ": expected " + expected);
  }
  Result<std::string> name(const char* what) {
    const std::size_t begin = at_;
    if (!is_name_start(next())) return wrong(what);
    while (is_name(next())) ++at_;
    return std::string(line_.substr(begin, at_ - begin));
  }
  Result<void> labels(std::map<std::string, std::string>& labels) {
    for (;;) {
      skip_blanks();
      if (next() == '}') {
        ++at_;
        return runtime::success();
      }
      TRY(std::string label, name("a label name or '}'"));
      if (next() != '=') return wrong("'='");
      ++at_;
      TRY(std::string value, quoted());
      if (!labels.emplace(std::move(label), std::move(value)).second) return wrong("each label once");
      skip_blanks();
      if (next() == ',') ++at_;
      else if (next() != '}') return wrong("',' or '}'");
    }
  }
  Result<std::string> quoted() {
    if (next() != '"') return wrong("'\"'");
    std::string value;
    for (++at_; at_ < line_.size() && line_[at_] != '"'; ++at_) {
      if (line_[at_] != '\\') {
        value += line_[at_];
        continue;
      }
      ++at_;
      if (next() == 'n') value += '\n';
      else if (next() == '\\' || next() == '"') value += next();
      else return wrong("an escape: \\\\, \\\" or \\n");
    }
    if (next() != '"') return wrong("'\"'");
    ++at_;
    return value;
  }
  Result<double> number() {
    const std::size_t end = std::min(line_.find_first_of(" \t", at_), line_.size());
    const std::string text(line_.substr(at_, end - at_));
    char* stop = nullptr;
    const double value = std::strtod(text.c_str(), &stop);
    if (text.empty() || *stop != '\0') return wrong("a number");
    at_ = end;
    return value;
  }

  std::string_view line_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<MetricLine>> parse_metrics(std::string_view text, std::string_view source) {
  std::vector<MetricLine> metrics;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.front() == '#') continue;
    auto metric = LineReader(line).read();
    if (!metric) return Error(ErrorCode::corrupt, std::string(source) + ":" + std::to_string(number) + ": " + metric.error().message);
    metrics.push_back(std::move(metric.value()));
  }
  return metrics;
}

}  // namespace skidpad::workload
