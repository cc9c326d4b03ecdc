/// @file document.hpp
/// Reads one YAML document as a tree of texts, each with its place in the file.
/// Promise: any bytes give either a tree or one Refusal, in time and memory bounded by the limits below; nothing is
/// converted, so `off`, `030` and repeated keys are seen as they were written.
/// Not accepted although YAML: anchors, aliases, tags, directives, several documents, tabs, keys that are not text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace skidpad::scenario {

/// In lines and characters, both from 1.
struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
  friend bool operator==(const Position&, const Position&) = default;
};

/// Where in the pipeline a scenario was refused: a JSON Schema can show only what is wrong with the shape.
enum class Stage { text, shape, sense };

/// The one thing that is told about a bad scenario.
struct Refusal {
  Stage stage = Stage::text;
  Position position;
  std::string path;   ///< "faults[0].target"; "document" for the text as a whole
  std::string what;   ///< "...; expected ..."
};

struct DocumentLimits {
  std::size_t bytes_max = 256 * 1024;
  std::size_t depth_max = 16;
  std::size_t values_max = 10'000;
};

struct Entry;

struct Value {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  Position position;
  std::string text;            ///< of a scalar
  bool is_quoted = false;      ///< of a scalar: quoted or a block, so certainly text
  std::vector<Entry> entries;  ///< of a list (keys empty) or a map, in file order; map keys are distinct

  const Entry* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Position key_position;
  Value value;
};

/// Throws Refusal; nothing else.
Value parse_document(std::string_view text, const DocumentLimits& limits = {});

/// The place of the value at a path such as "faults[0].target", or of the nearest value around it.
Position locate(const Value& document, std::string_view path);

/// What YAML itself takes a plain scalar for, so that text that is not text is noticed.
enum class PlainType { text, boolean, number, null };
PlainType plain_type(std::string_view plain_scalar);

}  // namespace skidpad::scenario
