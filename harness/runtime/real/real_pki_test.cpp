#include "harness/runtime/real/real_pki.hpp"

#include <gtest/gtest.h>

#include "harness/runtime/real/jwt.hpp"
#include "harness/runtime/real/real_runtime.hpp"
#include "harness/runtime/real/resolver_configuration.hpp"

namespace skidpad::runtime {
namespace {

class RealPkiTest : public ::testing::Test {
 protected:
  RealRuntime runtime;
  Pki& pki = runtime.pki();
  KeyPair authority = pki.make_ca("kubernetes", 24h * 3650).value();
  CertificateSpec spec_of_everything() const {
    CertificateSpec spec;
    spec.common_name = "kube-apiserver";
    spec.organizations = {"a", "b, c=d"};
    spec.dns_names = {"kubernetes", "kubernetes.default.svc"};
    spec.ip_addresses = {"10.96.0.1", "127.0.0.1"};
    spec.client = spec.server = true;
    spec.lifetime = 1h;
    return spec;
  }
};

TEST_F(RealPkiTest, ReadsBackWhatItIssued) {
  const CertificateFacts root = pki.read_certificate(authority.certificate_pem).value();
  EXPECT_TRUE(root.is_ca);
  EXPECT_EQ(root.common_name, "kubernetes");
  const CertificateSpec spec = spec_of_everything();
  const KeyPair pair = pki.issue(authority, spec).value();
  const CertificateFacts facts = pki.read_certificate(pair.certificate_pem).value();
  EXPECT_FALSE(facts.is_ca);
  EXPECT_EQ(facts.common_name, spec.common_name);
  EXPECT_EQ(facts.organizations, spec.organizations);
  EXPECT_EQ(facts.dns_names, spec.dns_names);
  EXPECT_EQ(facts.ip_addresses, spec.ip_addresses);
  EXPECT_LT(facts.not_before, runtime.wall_now());
  EXPECT_NEAR(seconds(facts.not_after - runtime.wall_now()), 3600, 5);
}

TEST_F(RealPkiTest, SignsRequestsWithTheNamesTheyAskFor) {
  const CertificateSpec spec = spec_of_everything();
  const KeyPair request = pki.make_request(spec).value();
  const CertificateFacts asked = pki.read_request(request.certificate_pem).value();
  EXPECT_EQ(asked.common_name, spec.common_name);
  EXPECT_EQ(asked.organizations, spec.organizations);
  EXPECT_EQ(asked.dns_names, spec.dns_names);
  EXPECT_EQ(asked.ip_addresses, spec.ip_addresses);
  CertificateSpec grant;
  grant.common_name = "ignored";
  grant.client = true;
  grant.lifetime = 2h;
  const std::string signed_pem = pki.sign_request(authority, request.certificate_pem, grant).value();
  const CertificateFacts facts = pki.read_certificate(signed_pem).value();
  EXPECT_EQ(facts.common_name, spec.common_name);
  EXPECT_EQ(facts.ip_addresses, spec.ip_addresses);
  EXPECT_NEAR(seconds(facts.not_after - runtime.wall_now()), 7200, 5);
}

TEST_F(RealPkiTest, BrokenInputIsInvalidNotACrash) {
  KeyPair broken = authority;
  broken.key_pem = "no key";
  const CertificateSpec spec = spec_of_everything();
  EXPECT_EQ(pki.issue(broken, spec).error().code, ErrorCode::invalid);
  EXPECT_EQ(pki.read_certificate("").error().code, ErrorCode::invalid);
  EXPECT_EQ(pki.read_certificate(authority.key_pem).error().code, ErrorCode::invalid);
  EXPECT_EQ(pki.read_request(authority.certificate_pem).error().code, ErrorCode::invalid);
  CertificateSpec wrong = spec;
  wrong.ip_addresses = {"localhost"};
  EXPECT_EQ(pki.issue(authority, wrong).error().code, ErrorCode::invalid);
  std::string truncated = authority.certificate_pem + authority.certificate_pem.substr(0, 200);
  EXPECT_EQ(pki.read_certificate(truncated).error().code, ErrorCode::invalid);
}

TEST_F(RealPkiTest, TokensVerifyWithTheirKeyOnly) {
  const KeyPair key = pki.make_signing_key().value();
  const KeyPair other = pki.make_signing_key().value();
  const std::string claims = R"({"iss":"https://kubernetes.default.svc","sub":"system:serviceaccount:default:web"})";
  const std::string token = pki.sign_jwt(key.key_pem, claims).value();
  EXPECT_EQ(pki.verify_jwt({other.certificate_pem, key.certificate_pem}, token).value(), claims);
  EXPECT_EQ(pki.verify_jwt({key.key_pem}, token).value(), claims);
  EXPECT_EQ(pki.verify_jwt({other.certificate_pem}, token).error().code, ErrorCode::unauthorized);
  std::string header;
  ASSERT_TRUE(base64url_decode(token.substr(0, token.find('.')), header));
  EXPECT_EQ(header.rfind(R"({"alg":"ES256","kid":")", 0), 0u) << header;
  EXPECT_EQ(header.size(), std::string(R"({"alg":"ES256","kid":""})").size() + 43);
}

TEST_F(RealPkiTest, ChangedOrUnsignedTokensAreRefused) {
  const KeyPair key = pki.make_signing_key().value();
  const std::string token = pki.sign_jwt(key.key_pem, R"({"sub":"a"})").value();
  const auto first = token.find('.');
  const auto second = token.find('.', first + 1);
  const std::string head = token.substr(0, first), body = token.substr(first + 1, second - first - 1), signature = token.substr(second + 1);
  const std::vector<std::string> wrong{
      "", "a", "a.b", "..", head + "." + body, head + "." + body + ".", head + "." + base64url_encode(R"({"sub":"b"})") + "." + signature,
      base64url_encode(R"({"alg":"none"})") + "." + body + ".", base64url_encode(R"({"alg":"RS256"})") + "." + body + "." + signature,
      head + "." + body + "." + base64url_encode("short"), token + ".x", token + "="};
  for (const std::string& text : wrong) EXPECT_EQ(pki.verify_jwt({key.certificate_pem}, text).error().code, ErrorCode::unauthorized) << text;
}

TEST_F(RealPkiTest, RsaKeysSignRs256) {
  const KeyPointer rsa(EVP_RSA_gen(2048));
  const std::string token = sign_token(rsa.get(), R"({"sub":"a"})").value();
  const Token parts = split_token(token).value();
  EXPECT_EQ(parts.algorithm, "RS256");
  EXPECT_EQ(parts.key_id, key_id(rsa.get()));
  EXPECT_TRUE(signed_by(parts, rsa.get()));
}

TEST(Base64Url, RoundTripsAndRefusesNonsense) {
  struct Case {
    std::string_view bytes;
    std::string_view text;
  };
  for (const Case& good : {Case{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"\xff\xfe\xfd", "__79"}}) {
    std::string bytes;
    EXPECT_EQ(base64url_encode(good.bytes), good.text);
    EXPECT_TRUE(base64url_decode(good.text, bytes));
    EXPECT_EQ(bytes, good.bytes);
  }
  for (const std::string_view wrong : {"Z", "Zg==", "Zh", "Z+", "Zm9vY"}) {
    std::string bytes;
    EXPECT_FALSE(base64url_decode(wrong, bytes)) << wrong;
  }
}

TEST(ResolverConfiguration, ReadsResolvConf) {
  const DnsConfiguration configuration = parse_resolver_configuration(
      "# made by hand\nnameserver 10.96.0.10 ; the cluster's\nnameserver ::1\n\nsearch default.svc.cluster.local svc.cluster.local\n"
      "options ndots:5 timeout:2 rotate\nnameserver 1.1.1.1");
  EXPECT_EQ(configuration.nameservers, (std::vector<std::string>{"10.96.0.10", "1.1.1.1"}));
  EXPECT_EQ(configuration.search, (std::vector<std::string>{"default.svc.cluster.local", "svc.cluster.local"}));
  EXPECT_EQ(configuration.ndots, 5);
  EXPECT_EQ(configuration.timeout, 2s);
  const DnsConfiguration empty = parse_resolver_configuration("");
  EXPECT_EQ(empty.nameservers, (std::vector<std::string>{"127.0.0.1"}));
  EXPECT_EQ(empty.ndots, 1);
  EXPECT_EQ(empty.timeout, 5s);
  EXPECT_EQ(parse_resolver_configuration("options ndots: timeout:999999999999 x:\n").timeout, 5s);
}

TEST(ResolverConfiguration, FindsNamesInHosts) {
  const std::string_view hosts = "127.0.0.1 localhost\n::1 node-a\n10.0.0.1\tnode-a Node-A.example # first\n10.0.0.2 node-a\n10.0.0.3 # node-a";
  EXPECT_EQ(find_in_hosts(hosts, "NODE-A"), (std::vector<std::string>{"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(find_in_hosts(hosts, "node-a.example"), (std::vector<std::string>{"10.0.0.1"}));
  EXPECT_TRUE(find_in_hosts(hosts, "10.0.0.1").empty());
}

}  // namespace
}  // namespace skidpad::runtime
