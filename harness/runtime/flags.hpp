/// @file flags.hpp
/// Command-line flags of programs, in the manner of Go's pflag: --name=value, --name value, bare --bool.
/// Unknown flags and bad values are one UsageError in pflag's words; the real components exit 1 on those, ours of the CLI 64.
/// Not over CLI11: that reads "[a,b]" as a list, lets a flag take several arguments, and words errors otherwise.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/runtime/time.hpp"

namespace skidpad::runtime {

class Flags {
 public:
  explicit Flags(std::string program, std::string summary = "");
  ~Flags();
  Flags(const Flags&) = delete;
  void add(const std::string& name, std::string& value, const std::string& help = "");
  void add(const std::string& name, std::int64_t& value, const std::string& help = "");
  void add(const std::string& name, bool& value, const std::string& help = "");       ///< --x, --x=true, --x=false
  void add(const std::string& name, Duration& value, const std::string& help = "");   ///< Go's form: 1m30s
  /// Repeatable and comma-separated, as pflag's StringSlice.
  void add(const std::string& name, std::vector<std::string>& value, const std::string& help = "");
  /// a=b,c=d as --feature-gates and --node-labels take it.
  void add(const std::string& name, std::map<std::string, std::string>& value, const std::string& help = "");
  /// Accepted with or without a value, otherwise without effect here. `why` is printed by --help.
  void accept(const std::string& name, const std::string& why);
  /// What is left that is no flag; without this such arguments are refused.
  void add_positional(const std::string& name, std::vector<std::string>& values, const std::string& help = "");
  void require(const std::string& name);
  bool given(const std::string& name) const;
  /// What --version prints; without it there is no such flag.
  void set_version(std::string text);
  /// Once. Throws UsageError ("unknown flag: --x"). Returns false after --help or --version text went into output().
  /// Underscores in flag names mean dashes, as in Kubernetes; -v and -h stand for --v and --help.
  bool parse(const std::vector<std::string>& arguments);
  const std::string& output() const { return output_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string output_;
};

}  // namespace skidpad::runtime
