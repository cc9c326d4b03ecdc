// Against the examples that AWS publishes for S3 ("Signature Calculations: Examples").
#include <gtest/gtest.h>

#include "harness/client/object_store/signature.hpp"

namespace skidpad::client {
namespace {

const S3Credentials example{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

runtime::HttpRequest request_for(const std::string& target) {
  runtime::HttpRequest request;
  request.target = target;
  request.headers.add("Host", "examplebucket.s3.amazonaws.com");
  return request;
}

runtime::WallTime example_time() {
  runtime::WallTime time;
  EXPECT_TRUE(parse_amz_date("20130524T000000Z", time));
  return time;
}

TEST(S3Signature, EqualsThoseThatAwsPublishes) {
  const struct {
    const char* target;
    const char* range;
    const char* signature;
  } cases[] = {{"/test.txt", "bytes=0-9", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
               {"/?lifecycle", "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
               {"/?max-keys=2&prefix=J", "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}};
  for (const auto& each : cases) {
    runtime::HttpRequest request = request_for(each.target);
    if (*each.range != '\0') request.headers.add("Range", each.range);
    sign_s3(request, example, "us-east-1", example_time());
    const auto claim = read_claim(request);
    ASSERT_TRUE(claim) << each.target;
    EXPECT_EQ(claim.value().signature, each.signature) << each.target;
    EXPECT_EQ(claim.value().access_key_id, example.access_key_id);
  }
}

TEST(S3Signature, CoversMethodPathQueryHeadersBodyAndSecret) {
  runtime::HttpRequest good = request_for("/bucket/a%20b?list-type=2");
  good.method = "PUT";
  good.body = "bytes";
  sign_s3(good, example, "us-east-1", example_time());
  const auto reason = [](const runtime::HttpRequest& request, const std::string& secret) {
    const auto claim = read_claim(request);
    if (!claim) return claim.error().reason;
    const auto checked = check_claim(request, claim.value(), secret);
    return checked ? std::string("good") : checked.error().reason;
  };
  EXPECT_EQ(reason(good, example.secret_access_key), "good");
  EXPECT_EQ(reason(good, "another"), "SignatureDoesNotMatch");
  auto changed = good;
  changed.method = "DELETE";
  EXPECT_EQ(reason(changed, example.secret_access_key), "SignatureDoesNotMatch");
  changed = good;
  changed.target = "/bucket/a%20c?list-type=2";
  EXPECT_EQ(reason(changed, example.secret_access_key), "SignatureDoesNotMatch");
  changed = good;
  changed.headers.set("Host", "elsewhere");
  EXPECT_EQ(reason(changed, example.secret_access_key), "SignatureDoesNotMatch");
  changed = good;
  changed.body = "other";
  EXPECT_EQ(reason(changed, example.secret_access_key), "XAmzContentSHA256Mismatch");
  changed = good;
  changed.headers.set("Authorization", "Basic x");
  EXPECT_EQ(reason(changed, example.secret_access_key), "AuthorizationHeaderMalformed");
  EXPECT_EQ(reason(request_for("/bucket"), example.secret_access_key), "AccessDenied");
}

}  // namespace
}  // namespace skidpad::client
