#include "harness/runtime/http/web_socket.hpp"

#include <gtest/gtest.h>

namespace skidpad::runtime {
namespace {

constexpr std::uint32_t mask = 0x37fa213d;

std::string from_client(WebSocketOpcode opcode, std::string_view payload, bool final = true) { return encode_web_socket_frame(opcode, payload, final, mask); }

// RFC 6455, sections 1.3 and 5.7.
TEST(WebSocketFrames, AreThoseOfTheRfc) {
  EXPECT_EQ(web_socket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(encode_web_socket_frame(WebSocketOpcode::text, "Hello", true, std::nullopt), "\x81\x05Hello");
  EXPECT_EQ(from_client(WebSocketOpcode::text, "Hello"), "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

TEST(WebSocketFrames, ComeBackAsTheyWereSentHoweverTheyAreCut) {
  for (const std::size_t size : {0, 1, 125, 126, 65535, 65536, 300000}) {
    std::string payload;
    for (std::size_t i = 0; i < size; ++i) payload += static_cast<char>(i * 31);
    const std::string wire = from_client(WebSocketOpcode::binary, payload.substr(0, size / 2), false) + from_client(WebSocketOpcode::ping, "beat") +
                             from_client(WebSocketOpcode::continuation, payload.substr(size / 2));
    WebSocketReader reader(WebSocketRole::server);
    std::vector<WebSocketMessage> messages;
    for (std::size_t at = 0; at < wire.size(); at += 4093) {
      reader.put(std::string_view(wire).substr(at, 4093));
      for (auto next = reader.next(); next && next.value(); next = reader.next()) messages.push_back(std::move(*next.value()));
    }
    ASSERT_EQ(messages.size(), 2u) << size;
    EXPECT_EQ(messages[0].opcode, WebSocketOpcode::ping);
    EXPECT_EQ(messages[0].payload, "beat");
    EXPECT_EQ(messages[1].payload, payload);
  }
}

TEST(WebSocketFrames, SaysNoToWhatIsMalformed) {
  const struct {
    const char* what;
    std::string wire;
    int code;
  } cases[] = {
      {"unmasked from a client", encode_web_socket_frame(WebSocketOpcode::binary, "x", true, std::nullopt), 1002},
      {"reserved bits", "\xc1\x80" + std::string(4, '\0'), 1002},
      {"an opcode that does not exist", "\x83\x80" + std::string(4, '\0'), 1002},
      {"a ping of 126 bytes", from_client(WebSocketOpcode::ping, std::string(126, 'x')), 1002},
      {"a ping in fragments", from_client(WebSocketOpcode::ping, "x", false), 1002},
      {"a continuation of nothing", from_client(WebSocketOpcode::continuation, "x"), 1002},
      {"a message inside a message", from_client(WebSocketOpcode::text, "x", false) + from_client(WebSocketOpcode::text, "y"), 1002},
      {"a length of 2^63", std::string("\x82\xff\x80\0\0\0\0\0\0\0", 10), 1009},
      {"a message too long", from_client(WebSocketOpcode::binary, std::string(1 << 19, 'x'), false) + from_client(WebSocketOpcode::continuation, std::string((1 << 19) + 1, 'x')), 1009},
  };
  for (const auto& each : cases) {
    WebSocketReader reader(WebSocketRole::server);
    reader.put(each.wire);
    const auto next = reader.next();
    ASSERT_FALSE(next.has_value()) << each.what;
    EXPECT_EQ(next.error().http_status, each.code) << each.what;
  }
}

TEST(WebSocketRequests, AreTold) {
  HttpRequest request;
  EXPECT_FALSE(is_web_socket_request(request));
  request.headers.add("Connection", "keep-alive, Upgrade");
  request.headers.add("Upgrade", "WebSocket");
  EXPECT_TRUE(is_web_socket_request(request));
  request.method = "POST";
  EXPECT_FALSE(is_web_socket_request(request));
  request.headers.add("X-List", "a, b,,c ");
  request.headers.add("x-list", "d");
  EXPECT_EQ(header_list(request.headers, "X-List"), (std::vector<std::string>{"a", "b", "c", "d"}));
}

}  // namespace
}  // namespace skidpad::runtime
