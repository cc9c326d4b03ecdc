#include "harness/driver/process/journal.hpp"

#include "harness/runtime/json.hpp"

namespace skidpad::driver::process {

namespace {

constexpr const char* kind_names[] = {"supervisor", "cgroup", "tag", "done"};

std::optional<JournalEntry> parse_entry(const std::string& line) {
  const auto json = runtime::parse_json(line);
  if (!json) return std::nullopt;
  const std::string kind = runtime::text_at(json.value(), {"kind"});
  const auto* found = std::find(std::begin(kind_names), std::end(kind_names), kind);
  if (found == std::end(kind_names)) return std::nullopt;
  JournalEntry entry;
  entry.kind = static_cast<JournalEntry::Kind>(found - std::begin(kind_names));
  entry.text = runtime::text_at(json.value(), {"text"});
  entry.pid = runtime::integer_at(json.value(), {"pid"});
  entry.start_time = static_cast<std::uint64_t>(runtime::integer_at(json.value(), {"start_time"}));
  return entry;
}

}  // namespace

Result<void> Journal::write(const JournalEntry& entry) const {
  Json json{{"kind", kind_names[static_cast<std::size_t>(entry.kind)]}};
  if (!entry.text.empty()) json["text"] = entry.text;
  if (entry.pid != 0) json["pid"] = entry.pid;
  if (entry.start_time != 0) json["start_time"] = entry.start_time;
  return append_durably(path_, json.dump() + "\n");
}

Result<std::vector<JournalEntry>> Journal::all() const {
  std::vector<JournalEntry> entries;
  const auto text = read_text(path_);
  if (!text && text.error().code == ErrorCode::not_found) return entries;
  if (!text) return text.error();
  std::string_view rest = text.value();
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;  // torn: nothing was made under it
    const auto entry = parse_entry(std::string(rest.substr(0, end)));
    rest.remove_prefix(end + 1);
    // A line torn by a power cut is followed by the next supervisor's first line; it too announced nothing that was made.
    if (!entry) continue;
    entries.push_back(*entry);
  }
  return entries;
}

Result<std::vector<JournalEntry>> Journal::pending() const {
  TRY(auto entries, all());
  const auto last_done = std::find_if(entries.rbegin(), entries.rend(), [](const JournalEntry& entry) { return entry.kind == JournalEntry::Kind::done; });
  entries.erase(entries.begin(), last_done.base());
  return entries;
}

}  // namespace skidpad::driver::process
