#include "harness/history/run_directory.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/history/codec.hpp"
#include "harness/runtime/usage_error.hpp"

namespace skidpad::history {
namespace {

enum class Missing { is_error, is_empty };

std::string read_file(const std::string& path, Missing missing) {
  std::error_code ignored;
  if (missing == Missing::is_empty && !std::filesystem::exists(path, ignored)) return "";
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UsageError(path + ": cannot read: " + std::strerror(errno));
  std::ostringstream text;
  if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (file.bad()) throw UsageError(path + ": cannot read: " + std::strerror(errno));
  return std::move(text).str();
}

}  // namespace

RunRecord decode_run(const RunTexts& texts, const std::string& directory) {
  const auto path = [&directory](const char* file) { return directory.empty() ? std::string(file) : directory + "/" + file; };
  RunRecord record;
  record.header = decode_header(texts.header, path(file_name::header));
  auto operations = decode_history(texts.history, path(file_name::history));
  auto events = decode_trace(texts.trace, path(file_name::trace));
  auto metrics = decode_metrics(texts.metrics, path(file_name::metrics));
  if (operations.torn) record.torn_files.push_back(file_name::history);
  if (events.torn) record.torn_files.push_back(file_name::trace);
  if (metrics.torn) record.torn_files.push_back(file_name::metrics);
  record.operations = std::move(operations.items);
  record.events = std::move(events.items);
  record.metrics = std::move(metrics.items);
  return record;
}

RunRecord read_run_directory(const std::string& directory) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory, ignored)) throw UsageError(directory + ": no such run directory");
  RunTexts texts;
  texts.header = read_file(directory + "/" + file_name::header, Missing::is_error);
  texts.history = read_file(directory + "/" + file_name::history, Missing::is_empty);
  texts.trace = read_file(directory + "/" + file_name::trace, Missing::is_error);
  texts.metrics = read_file(directory + "/" + file_name::metrics, Missing::is_empty);
  return decode_run(texts, directory);
}

RunDirectory::RunDirectory(std::string directory, const Header& header) : path_(std::move(directory)) {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) throw UsageError(path_ + ": cannot create the run directory: " + error.message());
  const std::string header_path = path_ + "/" + file_name::header;
  if (std::filesystem::exists(header_path, error)) throw UsageError(path_ + ": already holds a run; give --out an empty directory");
  write_whole_file(header_path, encode(header));
  history_ = std::make_unique<FileSink>(path_ + "/" + file_name::history);
  trace_ = std::make_unique<FileSink>(path_ + "/" + file_name::trace);
  metrics_ = std::make_unique<FileSink>(path_ + "/" + file_name::metrics);
  recorder_ = std::make_unique<Recorder>(*history_, *trace_, *metrics_);
}

void write_whole_file(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".part";
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.flush();
    const int number = errno;
    if (!file && (number == ENOSPC || number == EDQUOT)) throw std::runtime_error(path + ": cannot write: " + std::strerror(number) + "; mend: free disk space");
    if (!file) throw UsageError(path + ": cannot write: " + std::strerror(number));
  }
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) throw UsageError(path + ": cannot write: " + error.message());
}

}  // namespace skidpad::history
