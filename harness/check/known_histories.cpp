#include "harness/check/known_histories.hpp"

#include <sstream>

#include "harness/runtime/assert.hpp"

namespace skidpad::check {
namespace {

using history::Operation;
using history::Outcome;

Operation called(const std::string& process, const std::string& name, std::int64_t line_number) {
  Operation operation;
  operation.client = process;
  operation.operation = name;
  operation.call = runtime::Duration(line_number);
  operation.outcome = Outcome::unknown;
  return operation;
}

/// The text between `from` and `to`, or "" where `from` is absent.
std::string between(const std::string& line, const std::string& from, const std::string& to) {
  const std::size_t begin = line.find(from);
  if (begin == std::string::npos) return "";
  const std::size_t start = begin + from.size();
  return line.substr(start, line.find(to, start) - start);
}

}  // namespace

std::vector<Operation> read_jepsen_register(std::string_view text) {
  std::vector<Operation> operations;
  std::map<std::string, std::size_t> open;
  std::istringstream lines{std::string(text)};
  std::int64_t line_number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++line_number;
    std::istringstream words(line.substr(line.find(" - ") + 3));
    std::string process, type, name, value, second;
    words >> process >> type >> name >> value >> second;
    if (type == ":invoke") {
      Operation operation = called(process, name == ":read" ? "get" : name == ":write" ? "put" : "cas", line_number);
      if (name == ":write") operation.value = value;
      if (name == ":cas") {
        operation.compare = value.substr(1);
        operation.value = second.substr(0, second.size() - 1);
      }
      open[process] = operations.size();
      operations.push_back(std::move(operation));
      continue;
    }
    ASSERT(open.contains(process));
    Operation& operation = operations[open[process]];
    open.erase(process);
    if (type == ":info") continue;  // may take effect at any later time, or never
    operation.returned = runtime::Duration(line_number);
    operation.outcome = Outcome::ok;
    if (type == ":fail" && name == ":cas") operation.applied = false;
    else if (type == ":fail") operation.outcome = Outcome::failed;
    else if (name == ":read" && value != "nil") operation.observed = value;
  }
  return operations;
}

std::vector<Operation> read_key_value(std::string_view text) {
  std::vector<Operation> operations;
  std::map<std::string, std::size_t> open;
  std::istringstream lines{std::string(text)};
  std::int64_t line_number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++line_number;
    const std::string process = between(line, ":process ", ",");
    const std::string name = between(line, ":f :", ",");
    const std::string value = between(line, ":value \"", "\"}");
    if (between(line, ":type :", ",") == "invoke") {
      Operation operation = called(process, name, line_number);
      operation.key = between(line, ":key \"", "\"");
      if (name != "get") operation.value = value;
      open[process] = operations.size();
      operations.push_back(std::move(operation));
      continue;
    }
    ASSERT(open.contains(process));
    Operation& operation = operations[open[process]];
    open.erase(process);
    operation.returned = runtime::Duration(line_number);
    operation.outcome = Outcome::ok;
    if (name == "get") operation.observed = value;
  }
  return operations;
}

}  // namespace skidpad::check
