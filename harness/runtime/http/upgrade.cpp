#include "harness/runtime/http/upgrade.hpp"

#include "harness/runtime/http/web_socket.hpp"

namespace skidpad::runtime {
namespace {

Task<void> copy(Connection& from, Connection& to, bool half_closing, Event& ended) {
  for (;;) {
    auto bytes = co_await from.read_some();
    const bool end = bytes && bytes.value().empty();
    if (end && half_closing) {
      to.shutdown_write();
      co_return;
    }
    if (!bytes || end) break;
    const auto written = co_await to.write(std::move(bytes.value()));
    if (!written) break;
  }
  ended.set();
}

Task<void> copy_both(Connection& one, Connection& other, bool half_closing, Event& ended) {
  TaskGroup directions(co_await CurrentStop());
  directions.spawn("carry", copy(one, other, half_closing, ended));
  directions.spawn("carry", copy(other, one, half_closing, ended));
  co_await directions.join();
  ended.set();
}

}  // namespace

bool is_upgrade_request(const HttpRequest& request) {
  const auto entries = header_list(request.headers, "Connection");
  return std::any_of(entries.begin(), entries.end(), [](const std::string& entry) { return equal_ignoring_case(entry, "upgrade"); });
}

Task<Result<std::unique_ptr<Connection>>> switch_protocols(HttpResponder& responder, HttpHeaders headers, std::string& already_read) {
  auto connection = responder.take_connection(already_read);
  std::string head = "HTTP/1.1 101 Switching Protocols\r\n";
  for (const auto& [name, value] : headers.fields()) head += name + ": " + value + "\r\n";
  head += "\r\n";
  CO_TRY(co_await connection->write(std::move(head)));
  co_return std::move(connection);
}

Task<void> carry(Connection& one, Connection& other, bool half_closing) {
  Event ended;
  TaskGroup both(co_await CurrentStop());
  both.spawn("carry_both", copy_both(one, other, half_closing, ended));
  co_await ended.wait();
  both.kill();
}

}  // namespace skidpad::runtime
