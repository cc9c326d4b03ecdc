#include "fakes/kube_apiserver/api/cron_text.hpp"

#include <sstream>

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

struct CronField {
  unsigned min = 0;
  unsigned max = 0;
  std::vector<std::string> names;
};

const std::vector<std::string> months = {"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
const std::vector<std::string> weekdays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/// "" or the complaint; `value` is the number.
std::string read_number(const std::string& text, const CronField& field, unsigned& value) {
  std::string folded = text;
  for (char& c : folded) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (std::size_t i = 0; i < field.names.size(); ++i) {
    if (!folded.empty() && field.names[i] == folded) {
      value = static_cast<unsigned>(i);
      return "";
    }
  }
  const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  if (text.size() == sign || text.size() > 9 || text.find_first_not_of("0123456789", sign) != std::string::npos) {
    return "failed to parse int from " + text + ": strconv.Atoi: parsing " + in_quotes(text) + ": invalid syntax";
  }
  if (text[0] == '-') return "negative number (" + text + ") not allowed: " + text;
  value = static_cast<unsigned>(std::stoul(text));
  return "";
}

std::vector<std::string> split_text(const std::string& text, char separator) {
  std::vector<std::string> parts = {""};
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::string range_problem(const std::string& text, const CronField& field) {
  const auto steps = split_text(text, '/');
  const auto ends = split_text(steps[0], '-');
  unsigned start = 0;
  unsigned end = 0;
  unsigned step = 1;
  const bool star = ends[0] == "*" || ends[0] == "?";
  if (star) {
    start = field.min;
    end = field.max;
  } else {
    if (std::string problem = read_number(ends[0], field, start); !problem.empty()) return problem;
    end = start;
    if (ends.size() == 2) {
      if (std::string problem = read_number(ends[1], field, end); !problem.empty()) return problem;
    } else if (ends.size() > 2) {
      return "too many hyphens: " + text;
    }
  }
  if (steps.size() == 2) {
    if (std::string problem = read_number(steps[1], CronField{}, step); !problem.empty()) return problem;
    if (ends.size() == 1) end = field.max;
  } else if (steps.size() > 2) {
    return "too many slashes: " + text;
  }
  if (start < field.min) return "beginning of range (" + std::to_string(start) + ") below minimum (" + std::to_string(field.min) + "): " + text;
  if (end > field.max) return "end of range (" + std::to_string(end) + ") above maximum (" + std::to_string(field.max) + "): " + text;
  if (start > end) return "beginning of range (" + std::to_string(start) + ") beyond end of range (" + std::to_string(end) + "): " + text;
  if (step == 0) return "step of range should be a positive number: " + text;
  return "";
}

}  // namespace

std::string cron_text_problem(const std::string& text) {
  if (text[0] == '@') {
    for (const char* known : {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}) {
      if (text == known) return "";
    }
    if (text.compare(0, 7, "@every ") == 0) {
      const std::string span = text.substr(7);
      if (!span.empty() && std::isdigit(static_cast<unsigned char>(span[0])) != 0 && std::isalpha(static_cast<unsigned char>(span.back())) != 0) return "";
      return "failed to parse duration " + text + ": time: invalid duration " + in_quotes(span);
    }
    return "unrecognized descriptor: " + text;
  }
  std::istringstream words(text);
  std::vector<std::string> fields;
  for (std::string word; words >> word;) fields.push_back(word);
  if (fields.size() != 5) {
    std::string shown;
    for (const std::string& field : fields) shown += (shown.empty() ? "" : " ") + field;
    return "expected exactly 5 fields, found " + std::to_string(fields.size()) + ": [" + shown + "]";
  }
  const CronField kinds[] = {{0, 59, {}}, {0, 23, {}}, {1, 31, {}}, {1, 12, months}, {0, 6, weekdays}};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    for (const std::string& range : split_text(fields[i], ',')) {
      if (range.empty()) continue;
      if (std::string problem = range_problem(range, kinds[i]); !problem.empty()) return problem;
    }
  }
  return "";
}

}  // namespace skidpad::fakes::kube_apiserver
