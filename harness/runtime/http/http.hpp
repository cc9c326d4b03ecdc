/// @file http.hpp
/// HTTP/1.1 messages as values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/runtime/network.hpp"

namespace skidpad::runtime {

/// Fields in the order sent; names compare without case.
class HttpHeaders {
 public:
  HttpHeaders() {}
  HttpHeaders(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
  /// The first value, or "".
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  void set(std::string_view name, std::string value);  ///< replaces all of that name
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;  ///< path and query as sent: "/api/v1/pods?watch=1"
  HttpHeaders headers;
  std::string body;
  PeerIdentity peer;   ///< filled in by the server
  Endpoint remote;     ///< filled in by the server

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const;  ///< without '?', still encoded
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::string body;
};

std::string_view status_text(int status);
bool equal_ignoring_case(std::string_view a, std::string_view b);
/// "a%20b+c" -> "a b c" (plus only in queries). Returns false on a bad escape.
bool percent_decode(std::string_view text, std::string& decoded, bool plus_is_space);
std::string percent_encode(std::string_view text);
/// Decoded query parameters in order. Bad escapes stay as they are.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace skidpad::runtime
