#include "harness/client/etcd/etcd_codec.hpp"

#include <gtest/gtest.h>

namespace skidpad::client {
namespace {

using runtime::ErrorCode;

TEST(Base64, AgreesWithRfc4648) {
  const std::vector<std::pair<std::string, std::string>> cases{{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
                                                               {"foobar", "Zm9vYmFy"}, {std::string("\xff\xfe\x00", 3), "//4A"}};
  for (const auto& [plain, encoded] : cases) {
    std::string out;
    append_base64(out, plain);
    EXPECT_EQ(out, encoded);
    std::string back;
    EXPECT_EQ(append_base64_decoded(back, encoded), std::string::npos);
    EXPECT_EQ(back, plain);
  }
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"!!", "Zm9", "Zg=", "Zg===", "=", "Zm9v!", "Z m9v"}) {
    std::string out;
    EXPECT_NE(append_base64_decoded(out, text), std::string::npos) << text;
    EXPECT_TRUE(out.empty());
  }
}

TEST(JsonScanner, ReadsAnySpacingOrderEscapesAndUnknownFields) {
  const std::string text =
      " {\"unknown\" : {\"a\":[1,{\"b\":\"}]\"},null,true,-1.5e3],\"c\":{}} , \"modRevision\" : \"7\",\n\"ke\\u0079\":\"Zm\\u0039v\", \"value\":\"\\/\\/4A\", "
      "\"create_revision\":5, \"lease\":null, \"list\":[] } ";
  JsonScanner in(text);
  const KeyValue kv = decode_key_value(in);
  EXPECT_FALSE(in.failed()) << in.error();
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(kv.key, "foo");
  EXPECT_EQ(kv.value, std::string("\xff\xfe\x00", 3));
  EXPECT_EQ(kv.mod_revision, 7);
  EXPECT_EQ(kv.create_revision, 5);
}

TEST(JsonScanner, FailsOnBrokenTextAndNeverLoops) {
  const std::string whole = R"({"header":{"revision":"3"},"kvs":[{"key":"Zm9v","version":"1"}],"more":true,"count":"1","x":[{"y":null}]})";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    JsonScanner in(cut);
    decode_range(in);
    EXPECT_TRUE(in.failed()) << cut;
  }
  for (const char* text : {"[]", "{\"key\":{}}", "{\"key\" \"a\"}", "{,}", "{\"version\":\"x\"}", "{\"version\":\"99999999999999999999\"}", "{\"key\":\"\\x\"}", "{\"a\":[1,]}", "{\"a\":1,}"}) {
    JsonScanner in(text);
    decode_key_value(in);
    EXPECT_TRUE(in.failed()) << text;
  }
  const std::string deep(1 << 20, '[');
  JsonScanner in(deep);
  in.skip();
  EXPECT_TRUE(in.failed());
}

TEST(EtcdCodec, WritesRequestsAsTheGatewayWantsThem) {
  PutRequest put("foo", "bar", EtcdLeaseId{77});
  put.prev_kv = true;
  EXPECT_EQ(encode(put), R"({"key":"Zm9v","value":"YmFy","lease":"77","prev_kv":true})");
  EXPECT_EQ(encode(RangeRequest::prefix("")), R"({"key":"AA==","range_end":"AA=="})");
  TxnRequest txn;
  txn.compares.push_back(Compare::absent("foo"));
  txn.then.emplace_back(PutRequest("foo", ""));
  EXPECT_EQ(encode(txn), R"({"compare":[{"key":"Zm9v","result":"EQUAL","target":"MOD","mod_revision":"0"}],"success":[{"request_put":{"key":"Zm9v"}}]})");
  EXPECT_EQ(encode(WatchRequest::one("foo"), 5), R"({"create_request":{"key":"Zm9v","start_revision":"5"}})");
}

TEST(EtcdCodec, FindsThePrefixEnd) {
  EXPECT_EQ(prefix_end("a"), "b");
  EXPECT_EQ(prefix_end("a\xff"), "b");
  EXPECT_EQ(prefix_end("\xff\xff"), std::string(1, '\0'));
  EXPECT_EQ(prefix_end(""), std::string(1, '\0'));
}

TEST(EtcdCodec, TellsWhatAnErrorMeans) {
  struct Case {
    int status;
    const char* message;
    int code;
    ErrorCode expected;
  };
  const Case cases[] = {
      {400, "etcdserver: mvcc: required revision has been compacted", 11, ErrorCode::gone},
      {400, "etcdserver: mvcc: required revision is a future revision", 11, ErrorCode::unavailable},
      {503, "etcdserver: request timed out", 14, ErrorCode::timeout},
      {503, "etcdserver: request timed out, possibly due to previous leader failure", 14, ErrorCode::timeout},
      {503, "etcdserver: no leader", 14, ErrorCode::unavailable},
      {503, "etcdserver: leader changed", 14, ErrorCode::unavailable},
      {500, "context deadline exceeded", 2, ErrorCode::timeout},
      {404, "etcdserver: requested lease not found", 5, ErrorCode::not_found},
      {412, "etcdserver: lease already exists", 9, ErrorCode::already_exists},
      {412, "etcdserver: can only promote a learner member which is in sync with leader", 9, ErrorCode::conflict},
      {400, "etcdserver: duplicate key given in txn request", 3, ErrorCode::invalid},
      {503, "etcdserver: mvcc: database space exceeded", 8, ErrorCode::unavailable},
  };
  for (const Case& item : cases) {
    const std::string body = std::string("{\"error\":\"") + item.message + "\",\"message\":\"" + item.message + "\",\"code\":" + std::to_string(item.code) + "}";
    const runtime::Error error = decode_error(item.status, body, "put");
    EXPECT_EQ(error.code, item.expected) << item.message;
    EXPECT_EQ(error.http_status, item.status);
    EXPECT_NE(error.message.find(item.message), std::string::npos);
  }
  EXPECT_EQ(decode_error(502, "<html>", "put").code, ErrorCode::timeout) << "a proxy in between: effect unknown";
}

TEST(EtcdCodec, ReadsWatchLines) {
  const auto line = decode_watch_line(
      R"({"result":{"header":{"cluster_id":"3","revision":"7"},"events":[{"type":"DELETE","kv":{"key":"Zm9v","mod_revision":"4"},"prev_kv":{"key":"Zm9v","value":"YQ=="}},{"kv":{"key":"Zm9v","mod_revision":"5"}}]}})");
  ASSERT_TRUE(line);
  ASSERT_EQ(line.value().events.size(), 2u);
  EXPECT_EQ(line.value().events[0].type, EtcdWatchEvent::Type::remove);
  EXPECT_EQ(line.value().events[0].prev_kv->value, "a");
  EXPECT_EQ(line.value().events[1].type, EtcdWatchEvent::Type::put);
  const auto canceled = decode_watch_line(R"({"result":{"header":{},"canceled":true,"compact_revision":"4"}})");
  ASSERT_TRUE(canceled);
  EXPECT_EQ(canceled.value().compact_revision, 4);
  const auto error = decode_watch_line(R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","http_status":"Service Unavailable"}})");
  ASSERT_TRUE(error);
  ASSERT_TRUE(error.value().error);
  EXPECT_EQ(error.value().error->code, ErrorCode::unavailable);
  EXPECT_FALSE(decode_watch_line("{\"result\""));
}

}  // namespace
}  // namespace skidpad::client
