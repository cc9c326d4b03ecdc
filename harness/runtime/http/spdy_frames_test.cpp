#include "harness/runtime/http/spdy_frames.hpp"

#include <gtest/gtest.h>

namespace skidpad::runtime {
namespace {

SpdyFrame stream_opening(std::uint32_t stream, std::string type) {
  SpdyFrame frame(SpdyFrameType::syn_stream, stream);
  frame.headers.add("streamType", std::move(type));
  frame.headers.add("Port", "8080");
  return frame;
}

std::vector<SpdyFrame> all(SpdyFrameReader& reader) {
  std::vector<SpdyFrame> frames;
  for (;;) {
    auto next = reader.next();
    EXPECT_TRUE(next) << next.error().message;
    if (!next || !next.value()) return frames;
    frames.push_back(std::move(*next.value()));
  }
}

TEST(SpdyFrames, ComeBackAsTheyWereSentHoweverTheyAreCut) {
  SpdyFrameWriter writer;
  std::string wire;
  wire += writer.encode(stream_opening(1, "error"));
  wire += writer.encode(stream_opening(3, "data"));
  SpdyFrame data(SpdyFrameType::data, 3);
  data.data = "hello";
  data.fin = true;
  wire += writer.encode(data);
  wire += writer.encode(SpdyFrame(SpdyFrameType::ping, 7));
  SpdyFrame reset(SpdyFrameType::rst_stream, 1);
  reset.status = spdy_cancel;
  wire += writer.encode(reset);
  wire += writer.encode(SpdyFrame(SpdyFrameType::go_away, 3));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, wire.size()}) {
    SCOPED_TRACE(piece);
    SpdyFrameReader reader;
    std::vector<SpdyFrame> frames;
    for (std::size_t at = 0; at < wire.size(); at += piece) {
      reader.put(std::string_view(wire).substr(at, piece));
      for (SpdyFrame& frame : all(reader)) frames.push_back(std::move(frame));
    }
    std::string text;
    bool fin = false;
    std::vector<SpdyFrameType> types;
    for (const SpdyFrame& frame : frames) {
      if (frame.type != SpdyFrameType::data || types.empty() || types.back() != SpdyFrameType::data) types.push_back(frame.type);
      if (frame.type == SpdyFrameType::data) {
        text += frame.data;
        fin = frame.fin;
        EXPECT_EQ(frame.stream, 3u);
      }
    }
    const std::vector<SpdyFrameType> expected = {SpdyFrameType::syn_stream, SpdyFrameType::syn_stream, SpdyFrameType::data,
                                                 SpdyFrameType::ping,       SpdyFrameType::rst_stream, SpdyFrameType::go_away};
    EXPECT_EQ(types, expected);
    EXPECT_EQ(text, "hello");
    EXPECT_TRUE(fin);
    EXPECT_EQ(frames[0].headers.get("streamtype"), "error");
    EXPECT_EQ(frames[1].headers.get("streamtype"), "data");
    EXPECT_EQ(frames[1].headers.get("port"), "8080");
    EXPECT_EQ(frames[frames.size() - 2].status, spdy_cancel);
  }
}

// Headers packed by Go's library (spdystream): dictionary id e3c6a7c2 behind the zlib head, and what follows is ours to read.
TEST(SpdyFrames, PackHeadersWithTheDictionaryOfTheDraft) {
  SpdyFrameWriter writer;
  const std::string wire = writer.encode(stream_opening(1, "error"));
  ASSERT_GT(wire.size(), 24u);
  EXPECT_EQ(wire.substr(0, 4), std::string("\x80\x03\x00\x01", 4));
  EXPECT_EQ(static_cast<unsigned char>(wire[18]) & 15, 8) << "deflate";
  EXPECT_EQ(wire.substr(20, 4), "\xe3\xc6\xa7\xc2");
}

TEST(SpdyFrames, DataOfAnyLengthComesInPieces) {
  SpdyFrameReader reader;
  const std::string head("\x00\x00\x00\x01\x01\xff\xff\xff", 8);  // stream 1, last, 16 MiB
  reader.put(head);
  EXPECT_TRUE(all(reader).empty());
  std::size_t left = 0xffffff;
  bool fin = false;
  while (left > 0) {
    const std::size_t count = std::min<std::size_t>(left, 60000);
    reader.put(std::string(count, 'x'));
    const auto frames = all(reader);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].data.size(), count);
    EXPECT_FALSE(fin);
    fin = frames[0].fin;
    left -= count;
  }
  EXPECT_TRUE(fin);
}

TEST(SpdyFrames, SaysNoToWhatIsMalformed) {
  const auto control = [](const std::string& type, const std::string& body) {
    std::string wire("\x80\x03", 2);
    wire += type;
    wire += '\0';
    wire += static_cast<char>(body.size() >> 16);
    wire += static_cast<char>(body.size() >> 8 & 255);
    wire += static_cast<char>(body.size() & 255);
    return wire + body;
  };
  const std::string syn("\0\1", 2), reset("\0\3", 2), ping("\0\6", 2), reply("\0\2", 2);
  const std::string fixed("\0\0\0\1\0\0\0\0\0\0", 10);
  SpdyFrameWriter other;
  const std::string good = other.encode(stream_opening(1, "error"));
  const struct {
    const char* what;
    std::string wire;
  } cases[] = {
      {"another version", std::string("\x80\x02\x00\x06\x00\x00\x00\x04\x00\x00\x00\x01", 12)},
      {"a control frame of 16 MiB", std::string("\x80\x03\x00\x01\x00\xff\xff\xff", 8)},
      {"an opening without its fixed part", control(syn, std::string("\0\0\0\1", 4))},
      {"an opening of stream 0", control(syn, std::string(10, '\0') + good.substr(18))},
      {"headers that are no zlib stream", control(syn, fixed + "garbage garbage garbage")},
      {"headers of no length", control(syn, fixed)},
      {"headers cut short", control(syn, fixed + good.substr(18, good.size() - 18 - 8))},
      {"a reply without its stream", control(reply, "\1")},
      {"a reset cut short", control(reset, std::string("\0\0\0\1", 4))},
      {"a ping cut short", control(ping, "\1")},
      {"data on stream 0", std::string("\0\0\0\0\0\0\0\5hello", 13)},
  };
  for (const auto& each : cases) {
    SpdyFrameReader reader;
    reader.put(each.wire);
    const auto next = reader.next();
    EXPECT_FALSE(next.has_value()) << each.what;
  }
}

// Goal: a small frame must not unpack to much memory. Method: 100 headers of zeros, 60 KiB each, pack to a few hundred bytes.
TEST(SpdyFrames, SmallFramesThatUnpackToMuchAreRefused) {
  SpdyFrameWriter writer;
  SpdyFrame bomb(SpdyFrameType::syn_stream, 1);
  for (int i = 0; i < 100; ++i) bomb.headers.add("a" + std::to_string(i), std::string(60000, 'a'));
  const std::string wire = writer.encode(bomb);
  ASSERT_LT(wire.size(), 60000u);
  SpdyFrameReader reader;
  reader.put(wire);
  EXPECT_FALSE(reader.next().has_value());
}

// Goal: no bytes at all make the reader fail otherwise than by an error. Method: good frames with single bytes changed.
TEST(SpdyFrames, SurvivesEveryChangedByte) {
  SpdyFrameWriter writer;
  std::string wire = writer.encode(stream_opening(1, "error")) + writer.encode(SpdyFrame(SpdyFrameType::ping, 1));
  for (std::size_t at = 0; at < wire.size(); ++at) {
    for (const int change : {1, 0x80, 0xff}) {
      std::string bad = wire;
      bad[at] = static_cast<char>(bad[at] ^ change);
      SpdyFrameReader reader;
      reader.put(bad);
      for (int i = 0; i < 10; ++i) {
        const auto next = reader.next();
        if (!next || !next.value()) break;
      }
    }
  }
}

}  // namespace
}  // namespace skidpad::runtime
