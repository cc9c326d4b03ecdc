#include "harness/runtime/http/http_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

namespace skidpad::runtime {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using beast::string_view;

template <bool is_request>
class BeastParser final : public HttpParser, private beast::http::basic_parser<is_request> {
  using Base = beast::http::basic_parser<is_request>;

 public:
  BeastParser(Limits limits, bool head_only) {
    this->eager(true);
    this->header_limit(static_cast<std::uint32_t>(limits.head_bytes_max));
    head_bytes_max_ = limits.head_bytes_max;
    this->body_limit(limits.body_bytes_max);  // not boost::none: 1.74 compares against it as if it were zero
    if (head_only) this->skip(true);
  }

 private:
  std::size_t parse(std::string_view bytes, bool& need_more, int& failed_status, std::string& why) override {
    error_code error;
    const std::size_t used = Base::put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    need_more = error == beast::http::error::need_more;
    if (error && !need_more) {
      failed_status = error == beast::http::error::body_limit ? 413 : error == beast::http::error::header_limit ? 431 : 400;
      why = error.message();
    }
    if (!error && this->is_done()) finish();
    return used;
  }

  bool parse_end() override {
    error_code error;
    Base::put_eof(error);
    if (error || !this->is_done()) return false;
    finish();
    return true;
  }

  void finish() {
    done_ = true;
    keep_alive_ = this->keep_alive();
  }

  void on_request_impl(beast::http::verb, string_view method_text, string_view target_text, int, error_code&) override {
    method.assign(method_text.data(), method_text.size());
    target.assign(target_text.data(), target_text.size());
  }
  void on_response_impl(int code, string_view, int, error_code&) override { status = code; }
  void on_field_impl(beast::http::field, string_view name, string_view value, error_code& error) override {
    // Beast counts anew with each piece that it is given; this is the whole head.
    head_bytes_ += name.size() + value.size() + field_signs_bytes;
    if (head_bytes_ > head_bytes_max_) {
      error = beast::http::error::header_limit;
      return;
    }
    headers.add(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  }
  void on_header_impl(error_code&) override { head_done_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length && *length < (64 << 20)) body.reserve(*length);
  }
  std::size_t on_body_impl(string_view bytes, error_code&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}

  static constexpr std::size_t field_signs_bytes = 4;  ///< ": " and the end of the line
  std::size_t head_bytes_ = 0;
  std::size_t head_bytes_max_ = 0;
};

}  // namespace

std::unique_ptr<HttpParser> HttpParser::for_request(Limits limits) { return std::make_unique<BeastParser<true>>(limits, false); }

std::unique_ptr<HttpParser> HttpParser::for_response(Limits limits, bool head_only) {
  return std::make_unique<BeastParser<false>>(limits, head_only);
}

Result<void> HttpParser::put(std::string_view bytes) {
  started_ = started_ || !bytes.empty();
  if (!buffer_.empty()) {
    buffer_.append(bytes);
    bytes = buffer_;
  }
  std::size_t used = 0;
  while (!done_ && used < bytes.size()) {
    bool need_more = false;
    int failed_status = 0;
    std::string why;
    const std::size_t step = parse(bytes.substr(used), need_more, failed_status, why);
    used += step;
    if (failed_status != 0) return Error(ErrorCode::invalid, "malformed HTTP message: " + why, failed_status, "");
    if (need_more || step == 0) break;
  }
  if (bytes.data() == buffer_.data()) {
    buffer_.erase(0, used);
  } else {
    buffer_.assign(bytes.substr(used));
  }
  return success();
}

Result<void> HttpParser::put_end() {
  if (done_ || (head_done_ && parse_end())) return success();
  return Error(ErrorCode::connection_lost, started_ ? "connection closed within a message" : "connection closed before an answer");
}

}  // namespace skidpad::runtime
