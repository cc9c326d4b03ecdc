/// @file http_parser.hpp
/// Incremental HTTP/1.1 parsing of requests and responses, by Beast's parser, behind a small face of our own.
#pragma once

#include "harness/runtime/http/http.hpp"

namespace skidpad::runtime {

class HttpParser {
 public:
  struct Limits {
    std::size_t head_bytes_max = 1 << 20;
    std::uint64_t body_bytes_max = UINT64_MAX;
  };
  static std::unique_ptr<HttpParser> for_request(Limits limits);
  /// @param head_only  the answer to HEAD has no body whatever its length field says.
  static std::unique_ptr<HttpParser> for_response(Limits limits, bool head_only);
  virtual ~HttpParser() = default;

  /// Takes more bytes. What stands behind the message stays in rest().
  /// Errors: invalid with http_status 400, 413 (body too large) or 431 (head too large).
  Result<void> put(std::string_view bytes);
  /// The other side closed: the end of a body without length, else connection_lost.
  Result<void> put_end();

  bool started() const { return started_; }   ///< at least one byte was taken
  bool head_done() const { return head_done_; }
  bool done() const { return done_; }
  bool keep_alive() const { return keep_alive_; }

  std::string method;
  std::string target;
  int status = 0;
  HttpHeaders headers;
  std::string body;      ///< decoded and not yet taken by the caller
  std::string rest() { return std::move(buffer_); }

 protected:
  virtual std::size_t parse(std::string_view bytes, bool& need_more, int& failed_status, std::string& why) = 0;
  virtual bool parse_end() = 0;
  bool head_done_ = false;
  bool done_ = false;
  bool keep_alive_ = true;

 private:
  bool started_ = false;
  std::string buffer_;
};

}  // namespace skidpad::runtime
