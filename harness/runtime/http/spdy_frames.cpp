#include "harness/runtime/http/spdy_frames.hpp"

#include <zlib.h>

#include "harness/runtime/assert.hpp"

namespace skidpad::runtime {
namespace {

constexpr std::size_t control_bytes_max = 64 * 1024;
constexpr std::size_t unpacked_bytes_max = 64 * 1024;
constexpr std::uint16_t version = 3;

void append_u16(std::string& out, std::uint32_t value) {
  out += static_cast<char>(value >> 8 & 255);
  out += static_cast<char>(value & 255);
}
void append_u32(std::string& out, std::uint32_t value) {
  append_u16(out, value >> 16);
  append_u16(out, value & 0xffff);
}
std::uint32_t byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }
std::uint32_t u32_at(std::string_view text, std::size_t at) {
  return byte_at(text, at) << 24 | byte_at(text, at + 1) << 16 | byte_at(text, at + 2) << 8 | byte_at(text, at + 3);
}

/// The dictionary of SPDY/3: words with their lengths, then a text. 1423 bytes, Adler-32 e3c6a7c2.
const std::string& dictionary() {
  static const std::string made = [] {
    const std::string_view words =
        "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization "
        "cache-control connection content-base content-encoding content-language content-length content-location content-md5 "
        "content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range "
        "if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer "
        "retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status "
        "200_OK version HTTP/1.1 url public set-cookie keep-alive origin ";
    std::string text;
    for (std::size_t begin = 0; begin < words.size();) {
      const std::size_t end = words.find(' ', begin);
      std::string word(words.substr(begin, end - begin));
      std::replace(word.begin(), word.end(), '_', ' ');
      append_u32(text, static_cast<std::uint32_t>(word.size()));
      text += word;
      begin = end + 1;
    }
    text +=
        "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information"
        "204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error"
        "501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, "
        "Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
        "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";
    ASSERT(text.size() == 1423);
    return text;
  }();
  return made;
}

Bytef* bytes_of(std::string& text) { return reinterpret_cast<Bytef*>(text.data()); }
const Bytef* bytes_of(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

Error malformed(const std::string& what) { return Error(ErrorCode::invalid, "SPDY: " + what); }

struct ControlType {
  SpdyFrameType type;
  std::uint16_t number;
};
constexpr ControlType control_types[] = {
    {SpdyFrameType::syn_stream, 1}, {SpdyFrameType::syn_reply, 2}, {SpdyFrameType::rst_stream, 3}, {SpdyFrameType::settings, 4},
    {SpdyFrameType::ping, 6},       {SpdyFrameType::go_away, 7},   {SpdyFrameType::headers, 8},    {SpdyFrameType::window_update, 9},
};

}  // namespace

// --- writing ---

struct SpdyFrameWriter::Packer {
  Packer() {
    const int made = ::deflateInit(&stream, Z_BEST_COMPRESSION);
    ASSERT(made == Z_OK);
    const int set = ::deflateSetDictionary(&stream, bytes_of(std::string_view(dictionary())), static_cast<uInt>(dictionary().size()));
    ASSERT(set == Z_OK);
  }
  Packer(const Packer&) = delete;
  ~Packer() { ::deflateEnd(&stream); }

  std::string pack(std::string block) {
    std::string packed(block.size() + 256, '\0');
    stream.next_in = bytes_of(block);
    stream.avail_in = static_cast<uInt>(block.size());
    stream.next_out = bytes_of(packed);
    stream.avail_out = static_cast<uInt>(packed.size());
    const int done = ::deflate(&stream, Z_SYNC_FLUSH);
    ASSERT(done == Z_OK && stream.avail_in == 0 && stream.avail_out > 0);
    packed.resize(packed.size() - stream.avail_out);
    return packed;
  }
  z_stream stream{};
};

SpdyFrameWriter::SpdyFrameWriter() : packer_(std::make_unique<Packer>()) {}
SpdyFrameWriter::~SpdyFrameWriter() = default;

std::string SpdyFrameWriter::encode(const SpdyFrame& frame) {
  std::string out;
  const std::uint32_t flags = frame.fin ? 1 : 0;
  if (frame.type == SpdyFrameType::data) {
    ASSERT(frame.data.size() < 1U << 24);
    append_u32(out, frame.stream & 0x7fffffff);
    append_u32(out, flags << 24 | static_cast<std::uint32_t>(frame.data.size()));
    out += frame.data;
    return out;
  }
  std::string body;
  append_u32(body, frame.stream & 0x7fffffff);
  switch (frame.type) {
    case SpdyFrameType::syn_stream:
    case SpdyFrameType::syn_reply:
    case SpdyFrameType::headers: {
      if (frame.type == SpdyFrameType::syn_stream) {
        append_u32(body, 0);  // no parent
        append_u16(body, 0);  // highest priority
      }
      std::string block;
      append_u32(block, static_cast<std::uint32_t>(frame.headers.fields().size()));
      for (const auto& [name, value] : frame.headers.fields()) {
        std::string lower = name;
        for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        append_u32(block, static_cast<std::uint32_t>(lower.size()));
        block += lower;
        append_u32(block, static_cast<std::uint32_t>(value.size()));
        block += value;
      }
      body += packer_->pack(std::move(block));
      break;
    }
    case SpdyFrameType::rst_stream:
    case SpdyFrameType::go_away: append_u32(body, frame.status); break;
    default: break;
  }
  for (const ControlType& known : control_types) {
    if (known.type != frame.type) continue;
    append_u16(out, 0x8000U | version);
    append_u16(out, known.number);
    append_u32(out, flags << 24 | static_cast<std::uint32_t>(body.size()));
    out += body;
  }
  ASSERT(!out.empty());
  return out;
}

// --- reading ---

struct SpdyFrameReader::Unpacker {
  Unpacker() {
    const int made = ::inflateInit(&stream);
    ASSERT(made == Z_OK);
  }
  Unpacker(const Unpacker&) = delete;
  ~Unpacker() { ::inflateEnd(&stream); }

  Result<std::string> unpack(std::string_view packed) {
    std::string block;
    std::string piece(16 * 1024, '\0');
    stream.next_in = const_cast<Bytef*>(bytes_of(packed));
    stream.avail_in = static_cast<uInt>(packed.size());
    for (;;) {
      stream.next_out = bytes_of(piece);
      stream.avail_out = static_cast<uInt>(piece.size());
      int done = ::inflate(&stream, Z_SYNC_FLUSH);
      if (done == Z_NEED_DICT) {
        done = ::inflateSetDictionary(&stream, bytes_of(std::string_view(dictionary())), static_cast<uInt>(dictionary().size()));
        if (done != Z_OK) return malformed("headers packed with another dictionary");
        continue;
      }
      const std::size_t count = piece.size() - stream.avail_out;
      block.append(piece, 0, count);
      if (block.size() > unpacked_bytes_max) return malformed("headers too large");
      if (done == Z_BUF_ERROR || (done == Z_OK && stream.avail_in == 0 && stream.avail_out > 0)) return block;
      if (done != Z_OK) return malformed("headers cannot be unpacked");
    }
  }
  z_stream stream{};
};

SpdyFrameReader::SpdyFrameReader() : unpacker_(std::make_unique<Unpacker>()) {}
SpdyFrameReader::~SpdyFrameReader() = default;

Result<HttpHeaders> SpdyFrameReader::read_headers(std::string_view packed) {
  TRY(const std::string text, unpacker_->unpack(packed));
  const std::string_view block(text);
  if (block.size() < 4) return malformed("headers cut short");
  std::uint32_t count = u32_at(block, 0);
  std::size_t at = 4;
  HttpHeaders headers;
  const auto word = [&](std::string& out) {
    if (block.size() - at < 4) return false;
    const std::size_t size = u32_at(block, at);
    at += 4;
    if (block.size() - at < size) return false;
    out = block.substr(at, size);
    at += size;
    return true;
  };
  for (; count > 0; --count) {
    std::string name;
    std::string value;
    if (!word(name) || !word(value)) return malformed("headers cut short");
    if (name.empty()) return malformed("a header without name");
    // Several values of one name are separated by NUL.
    for (std::size_t begin = 0; begin <= value.size();) {
      const std::size_t end = std::min(value.find('\0', begin), value.size());
      headers.add(name, value.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return headers;
}

Result<std::optional<SpdyFrame>> SpdyFrameReader::next() {
  if (data_left_ > 0) {
    if (pending_.empty()) return std::optional<SpdyFrame>();
    SpdyFrame piece(SpdyFrameType::data, data_stream_);
    const std::size_t count = std::min<std::size_t>(data_left_, pending_.size());
    piece.data = pending_.substr(0, count);
    pending_.erase(0, count);
    data_left_ -= static_cast<std::uint32_t>(count);
    piece.fin = data_left_ == 0 && data_fin_;
    return std::optional<SpdyFrame>(std::move(piece));
  }
  if (pending_.size() < 8) return std::optional<SpdyFrame>();
  if ((byte_at(pending_, 0) & 0x80) != 0) return control_frame();
  data_stream_ = u32_at(pending_, 0) & 0x7fffffff;
  data_fin_ = (byte_at(pending_, 4) & 1) != 0;
  data_left_ = u32_at(pending_, 4) & 0xffffff;
  if (data_stream_ == 0) return malformed("data on stream 0");
  pending_.erase(0, 8);
  if (data_left_ > 0) return next();
  SpdyFrame empty(SpdyFrameType::data, data_stream_);
  empty.fin = data_fin_;
  return std::optional<SpdyFrame>(std::move(empty));
}

Result<std::optional<SpdyFrame>> SpdyFrameReader::control_frame() {
  const std::uint32_t spoken = u32_at(pending_, 0) >> 16 & 0x7fff;
  const std::uint32_t number = u32_at(pending_, 0) & 0xffff;
  const std::uint32_t flags = byte_at(pending_, 4);
  const std::size_t length = u32_at(pending_, 4) & 0xffffff;
  if (spoken != version) return malformed("version " + std::to_string(spoken));
  if (length > control_bytes_max) return malformed("a control frame of " + std::to_string(length) + " bytes");
  if (pending_.size() < 8 + length) return std::optional<SpdyFrame>();
  const std::string body = pending_.substr(8, length);
  pending_.erase(0, 8 + length);
  SpdyFrame frame(SpdyFrameType::unknown, 0);
  for (const ControlType& known : control_types) {
    if (known.number == number) frame.type = known.type;
  }
  frame.fin = (flags & 1) != 0;
  const auto needs = [&](std::size_t size) { return body.size() >= size; };
  switch (frame.type) {
    case SpdyFrameType::syn_stream:
    case SpdyFrameType::syn_reply:
    case SpdyFrameType::headers: {
      const std::size_t fixed = frame.type == SpdyFrameType::syn_stream ? 10 : 4;
      if (!needs(fixed)) return malformed("a frame cut short");
      frame.stream = u32_at(body, 0) & 0x7fffffff;
      if (frame.stream == 0) return malformed("stream 0");
      TRY(frame.headers, read_headers(std::string_view(body).substr(fixed)));
      break;
    }
    case SpdyFrameType::rst_stream:
    case SpdyFrameType::go_away:
      if (!needs(8)) return malformed("a frame cut short");
      frame.stream = u32_at(body, 0) & 0x7fffffff;
      frame.status = u32_at(body, 4);
      break;
    case SpdyFrameType::ping:
      if (!needs(4)) return malformed("a frame cut short");
      frame.stream = u32_at(body, 0);
      break;
    default: break;  // settings and window updates mean nothing without flow control
  }
  return std::optional<SpdyFrame>(std::move(frame));
}

}  // namespace skidpad::runtime
