/// @file flags.hpp
/// Command-line flags of programs, in the manner of Go's pflag: --name=value, --name value, bare --bool.
/// Hides CLI11. Unknown flags and bad values are one UsageError; the real components exit 1 on those, ours of the CLI 64.
#pragma once

#include <map>
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
  /// Accepted, checked for form, otherwise without effect here. `why` is printed by --help.
  void accept(const std::string& name, const std::string& why);
  /// What is left that is no flag.
  void add_positional(const std::string& name, std::vector<std::string>& values, const std::string& help = "");
  void require(const std::string& name);
  bool given(const std::string& name) const;
  /// Throws UsageError ("unknown flag: --x"). Returns false after --help or --version text went into output().
  bool parse(const std::vector<std::string>& arguments);
  const std::string& output() const { return output_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string output_;
};

}  // namespace skidpad::runtime
