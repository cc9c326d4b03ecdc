#include "harness/runtime/json_text.hpp"
#include "harness/runtime/sim/sim_tls.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::runtime::sim {
namespace {

// A certificate's text is JSON between PEM lines: {"id","issuer","cn","o","dns","ip","from","to","ca"}. A key names the same id.
// The private half is only a word here: the simulator's programs do not attack each other's cryptography.

std::string pem(const std::string& label, const std::string& body) {
  return "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n";
}

/// Null for bad text.
Json parsed_or_null(const std::string& text) {
  auto parsed = parse_json(text);
  return parsed ? std::move(parsed.value()) : Json();
}

/// Bodies of all blocks with this label.
std::vector<std::string> blocks(const std::string& text, const std::string& label) {
  const std::string begin = "-----BEGIN " + label + "-----\n";
  const std::string end = "\n-----END " + label + "-----";
  std::vector<std::string> found;
  for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    at += begin.size();
    const std::size_t stop = text.find(end, at);
    if (stop == std::string::npos) break;
    found.push_back(text.substr(at, stop - at));
  }
  return found;
}

Result<Json> first_block(const std::string& text, const std::string& label) {
  const auto all = blocks(text, label);
  if (all.empty()) return Error(ErrorCode::corrupt, "no PEM block " + label);
  Json parsed = parsed_or_null(all.front());
  if (!parsed.is_object() || !parsed.contains("id")) return Error(ErrorCode::corrupt, "bad PEM block " + label);
  return parsed;
}

Json names(const CertificateSpec& spec) {
  Json body;
  body["cn"] = spec.common_name;
  body["o"] = spec.organizations;
  body["dns"] = spec.dns_names;
  body["ip"] = spec.ip_addresses;
  return body;
}

std::int64_t nanoseconds_of(WallTime time) { return time.time_since_epoch().count(); }

CertificateFacts facts(const Json& body) {
  CertificateFacts facts;
  facts.common_name = body.value("cn", "");
  facts.organizations = body.value("o", std::vector<std::string>());
  facts.dns_names = body.value("dns", std::vector<std::string>());
  facts.ip_addresses = body.value("ip", std::vector<std::string>());
  facts.not_before = WallTime(Duration(body.value("from", std::int64_t{0})));
  facts.not_after = WallTime(Duration(body.value("to", std::int64_t{0})));
  facts.is_ca = body.value("ca", false);
  return facts;
}

constexpr char certificate_label[] = "CERTIFICATE";
constexpr char request_label[] = "CERTIFICATE REQUEST";
constexpr char key_label[] = "EC PRIVATE KEY";
constexpr char public_label[] = "PUBLIC KEY";

const char base64url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string base64url(std::string_view bytes) {
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) text += base64url_alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += base64url_alphabet[bits << (6 - count) & 63];
  return text;
}

std::string from_base64url(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char letter : text) {
    const char* at = std::char_traits<char>::find(base64url_alphabet, 64, letter);
    if (at == nullptr) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(at - base64url_alphabet);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 255);
    }
  }
  return bytes;
}

class SimPki final : public Pki {
 public:
  SimPki(std::function<WallTime()> wall_now, Random random) : wall_now_(std::move(wall_now)), random_(random) {}

  Result<KeyPair> make_ca(std::string common_name, Duration lifetime) override {
    CertificateSpec spec;
    spec.common_name = std::move(common_name);
    spec.lifetime = lifetime;
    return certificate(random_.uuid(), "", spec, true);
  }

  Result<KeyPair> issue(const KeyPair& ca, const CertificateSpec& spec) override {
    TRY(const Json issuer, signing_ca(ca));
    return certificate(random_.uuid(), issuer["id"], spec, false);
  }

  Result<KeyPair> make_request(const CertificateSpec& spec) override {
    Json body = names(spec);
    body["id"] = random_.uuid();
    return KeyPair{pem(request_label, body.dump()), key(body["id"])};
  }

  Result<std::string> sign_request(const KeyPair& ca, const std::string& request_pem, const CertificateSpec& spec) override {
    TRY(const Json issuer, signing_ca(ca));
    TRY(Json body, first_block(request_pem, request_label));
    body["issuer"] = issuer["id"];
    body["from"] = nanoseconds_of(wall_now_() - 5min);
    body["to"] = nanoseconds_of(wall_now_() + spec.lifetime);
    return pem(certificate_label, body.dump());
  }

  Result<CertificateFacts> read_request(const std::string& request_pem) override {
    TRY(const Json body, first_block(request_pem, request_label));
    return facts(body);
  }

  Result<CertificateFacts> read_certificate(const std::string& certificate_pem) override {
    TRY(const Json body, first_block(certificate_pem, certificate_label));
    return facts(body);
  }

  Result<KeyPair> make_signing_key() override {
    const std::string id = random_.uuid();
    Json body;
    body["id"] = id;
    return KeyPair{pem(public_label, body.dump()), key(id)};
  }

  Result<std::string> sign_jwt(const std::string& private_key_pem, const std::string& claims_json) override {
    TRY(const Json body, first_block(private_key_pem, key_label));
    const Json header = {{"alg", "ES256"}, {"kid", body["id"]}};
    return base64url(header.dump()) + "." + base64url(claims_json) + "." + base64url(body["id"].get<std::string>());
  }

  Result<std::string> verify_jwt(const std::vector<std::string>& key_pems, const std::string& token) override {
    const std::size_t first = token.find('.');
    const std::size_t second = first == std::string::npos ? first : token.find('.', first + 1);
    if (second == std::string::npos) return Error(ErrorCode::unauthorized, "token has not three parts");
    const std::string signer = from_base64url(std::string_view(token).substr(second + 1));
    for (const std::string& key_pem : key_pems) {
      for (const char* label : {key_label, public_label}) {
        const auto body = first_block(key_pem, label);
        if (body && body.value()["id"] == signer) return from_base64url(std::string_view(token).substr(first + 1, second - first - 1));
      }
    }
    return Error(ErrorCode::unauthorized, "no key signed this token");
  }

 private:
  Result<Json> signing_ca(const KeyPair& ca) {
    TRY(Json certificate, first_block(ca.certificate_pem, certificate_label));
    TRY(const Json key, first_block(ca.key_pem, key_label));
    if (certificate["id"] != key["id"]) return Error(ErrorCode::invalid, "the CA's key does not belong to its certificate");
    return certificate;
  }

  std::string key(const std::string& id) {
    Json body;
    body["id"] = id;
    return pem(key_label, body.dump());
  }

  KeyPair certificate(const std::string& id, const std::string& issuer, const CertificateSpec& spec, bool is_ca) {
    Json body = names(spec);
    body["id"] = id;
    body["issuer"] = issuer.empty() ? id : issuer;
    body["from"] = nanoseconds_of(wall_now_() - 5min);
    body["to"] = nanoseconds_of(wall_now_() + spec.lifetime);
    body["ca"] = is_ca;
    return KeyPair{pem(certificate_label, body.dump()), key(id)};
  }

  std::function<WallTime()> wall_now_;
  Random random_;
};

/// Why the other side does not trust this certificate; "" if it does.
std::string distrust(const Json& certificate, const std::string& ca_pem, WallTime now) {
  bool signed_by_trusted = false;
  for (const std::string& block : blocks(ca_pem, certificate_label)) {
    const Json ca = parsed_or_null(block);
    signed_by_trusted = signed_by_trusted || (ca.is_object() && ca.value("id", "") == certificate.value("issuer", "-"));
  }
  if (!signed_by_trusted) return "certificate signed by unknown authority";
  const CertificateFacts read = facts(certificate);
  if (now < read.not_before || now > read.not_after) return "certificate has expired or is not yet valid";
  return "";
}

PeerIdentity identity(const Json& certificate) {
  PeerIdentity peer;
  peer.verified = true;
  peer.common_name = certificate.value("cn", "");
  peer.organizations = certificate.value("o", std::vector<std::string>());
  return peer;
}

Error handshake_failed(const std::string& why) { return Error(ErrorCode::connection_lost, "tls handshake: " + why); }

constexpr char record_mark = '\x16';
constexpr std::size_t record_head_bytes = 9;
constexpr std::size_t record_bytes_max = 1 << 20;

std::string record(const Json& body) {
  const std::string text = json_text(body);
  std::string length = std::to_string(text.size());
  length.insert(0, record_head_bytes - 1 - length.size(), '0');
  return record_mark + length + text;
}

/// The client's identity as its hello claims it; the reason in `alert` if the server must refuse it.
PeerIdentity identify_client(const Json& hello, const TlsServerOptions& server, WallTime now, std::string& alert) {
  PeerIdentity client;
  if (server.client_ca_pem.empty()) return client;
  const std::string certificate_pem = hello.value("certificate", "");
  if (certificate_pem.empty()) {
    if (server.client_certificate_required) alert = "client certificate required";
    return client;
  }
  const auto offered = first_block(certificate_pem, certificate_label);
  const auto key = first_block(hello.value("key", ""), key_label);
  if (!offered || !key || key.value()["id"] != offered.value()["id"]) {
    alert = "the client's key does not belong to its certificate";
    return client;
  }
  const std::string why = distrust(offered.value(), server.client_ca_pem, now);
  if (why.empty()) return identity(offered.value());
  // An optional certificate that is not trusted names nobody and is the server's to refuse (401).
  if (server.client_certificate_required) alert = "bad certificate: " + why;
  client.organizations = {"untrusted certificate"};  // unverified: only says that something was shown
  return client;
}

}  // namespace

std::unique_ptr<Pki> make_sim_pki(std::function<WallTime()> wall_now, Random random) {
  return std::make_unique<SimPki>(std::move(wall_now), random);
}

std::string client_hello(const TlsClientOptions& client) {
  Json hello = Json::object();
  if (!client.certificate_pem.empty()) hello = {{"certificate", client.certificate_pem}, {"key", client.key_pem}};
  return record(hello);
}

ServerAnswer answer_hello(const std::string& hello, const TlsServerOptions& server, WallTime now) {
  ServerAnswer answer;
  const Json parsed = parsed_or_null(hello);
  std::string alert;
  if (!parsed.is_object()) alert = "bad hello";
  PeerIdentity client;
  if (alert.empty()) client = identify_client(parsed, server, now, alert);
  if (alert.empty()) answer.client = std::move(client);
  answer.record = record(alert.empty() ? Json{{"certificate", server.certificate_pem}} : Json{{"alert", alert}});
  return answer;
}

Result<PeerIdentity> check_answer(const std::string& answer, const TlsClientOptions& client, const std::string& host, WallTime now) {
  const Json parsed = parsed_or_null(answer);
  if (!parsed.is_object()) return handshake_failed("bad answer");
  if (parsed.contains("alert")) return handshake_failed("remote error: " + parsed["alert"].get<std::string>());
  if (client.insecure) return PeerIdentity();
  TRY(const Json shown, first_block(parsed.value("certificate", ""), certificate_label));
  const std::string why = distrust(shown, client.ca_pem, now);
  if (!why.empty()) return handshake_failed("x509: " + why);
  const std::string wanted = client.server_name.empty() ? host : client.server_name;
  const CertificateFacts server_facts = facts(shown);
  const auto& accepted = is_ipv4(wanted) ? server_facts.ip_addresses : server_facts.dns_names;
  if (std::find(accepted.begin(), accepted.end(), wanted) == accepted.end()) {
    return handshake_failed("x509: certificate is not valid for " + wanted);
  }
  return identity(shown);
}

Task<Result<std::string>> read_record(Connection& connection) {
  std::string bytes;
  std::size_t wanted = record_head_bytes;
  for (;;) {
    auto more = co_await connection.read_some();
    if (!more) co_return more.error();
    if (more.value().empty()) co_return handshake_failed("connection closed");
    bytes += more.value();
    if (bytes.front() != record_mark) co_return handshake_failed("first record does not look like a TLS handshake");
    if (bytes.size() >= record_head_bytes) wanted = record_head_bytes + std::strtoul(bytes.substr(1, record_head_bytes - 1).c_str(), nullptr, 10);
    if (wanted > record_bytes_max || bytes.size() > wanted) co_return handshake_failed("bad record");
    if (bytes.size() >= record_head_bytes && bytes.size() == wanted) co_return bytes.substr(record_head_bytes);
  }
}

}  // namespace skidpad::runtime::sim
