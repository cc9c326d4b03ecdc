#include "fakes/kube_apiserver/audit/audit_log.hpp"

#include "fakes/kube_apiserver/api/utf8.hpp"
#include "harness/runtime/yaml.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;

constexpr std::int64_t size_default_mebibytes = 100;

std::string quoted(const std::string& text) { return Json(mended_utf8(text)).dump(); }

/// Go leaves out what is empty.
void append_text(std::string& line, const char* key, const std::string& value) {
  if (value.empty()) return;
  line += line.back() == '{' ? "" : ",";
  line.append("\"").append(key).append("\":").append(quoted(value));
}

std::string user_json(const User& user) {
  std::string text = "{";
  append_text(text, "username", user.name);
  append_text(text, "uid", user.uid);
  if (!user.groups.empty()) text += (text.back() == '{' ? "" : ",") + std::string("\"groups\":") + Json(user.groups).dump();
  if (!user.extra.empty()) text += (text.back() == '{' ? "" : ",") + std::string("\"extra\":") + Json(user.extra).dump();
  return text + "}";
}

std::string object_reference(const RequestInfo& info, const AuditRecord& record) {
  std::string text = "{";
  append_text(text, "resource", info.resource);
  append_text(text, "namespace", info.object_namespace);
  append_text(text, "name", info.name);
  append_text(text, "apiGroup", info.group);
  append_text(text, "apiVersion", info.version);
  append_text(text, "resourceVersion", record.sent_version);
  append_text(text, "subresource", info.subresource);
  return text + "}";
}

std::string response_status(int code, const std::string& body) {
  std::string text = "{\"metadata\":{}";
  if (body.compare(0, 16, "{\"kind\":\"Status\"") == 0) {
    const Json status = Json::parse(body, nullptr, false);
    for (const char* key : {"status", "message", "reason"}) append_text(text, key, runtime::text_at(status, {key}));
    if (const Json& details = find(status, {"details"}); details.is_object()) text += ",\"details\":" + details.dump();
  }
  return text + ",\"code\":" + std::to_string(code) + "}";
}

void drop_managers(Json& object) {
  if (!object.is_object()) return;
  if (object.contains("metadata") && object["metadata"].is_object()) object["metadata"].erase("managedFields");
  if (!object.contains("items") || !object["items"].is_array()) return;
  for (Json& item : object["items"]) drop_managers(item);
}

/// A body as an object; "" if it is none.
std::string shown_object(const std::string& body, bool without_managers) {
  if (body.empty()) return "";
  Json object = Json::parse(body, nullptr, false);
  if (object.is_discarded()) {
    auto parsed = runtime::parse_yaml(mended_utf8(body));
    if (!parsed) return "";
    object = std::move(parsed.value());
  }
  if (!object.is_object() && !object.is_array()) return "";
  if (without_managers) drop_managers(object);
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

AuditLog::AuditLog(runtime::Runtime& runtime, AuditOptions options) : runtime_(runtime), options_(std::move(options)) {
  if (options_.size_max_mebibytes <= 0) options_.size_max_mebibytes = size_default_mebibytes;
  (void)runtime_.disk().make_directories(runtime::parent_path(options_.path));
  if (const auto present = runtime_.disk().status(options_.path)) size_bytes_ = present.value().size_bytes;
}

void AuditLog::write(const char* stage, const AuditRecord& record, const RequestInfo& info, const runtime::HttpRequest& http, int code, const std::string& body) {
  if (silent(record) || record.decision.omitted_stages.contains(stage)) return;
  static constexpr const char* levels[] = {"None", "Metadata", "Request", "RequestResponse"};
  const AuditLevel level = record.decision.level;
  std::string line = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\"";
  append_text(line, "level", levels[static_cast<int>(level)]);
  append_text(line, "auditID", record.id);
  append_text(line, "stage", stage);
  append_text(line, "requestURI", http.target);
  append_text(line, "verb", info.verb);
  line += ",\"user\":" + user_json(record.user);
  if (record.impersonated) line += ",\"impersonatedUser\":" + user_json(*record.impersonated);
  if (!http.remote.address.empty()) line += ",\"sourceIPs\":[" + quoted(http.remote.address) + "]";
  append_text(line, "userAgent", std::string(http.headers.get("User-Agent")));
  if (info.is_resource) line += ",\"objectRef\":" + object_reference(info, record);
  if (code != 0) line += ",\"responseStatus\":" + response_status(code, body);
  const bool writes = info.verb != "get" && info.verb != "list" && info.verb != "watch";
  if (level >= AuditLevel::request && code != 0 && writes && info.is_resource) {
    const std::string shown = shown_object(http.body, record.decision.omit_managed_fields);
    if (!shown.empty()) line += ",\"requestObject\":" + shown;
  }
  if (level == AuditLevel::request_response && code != 0 && info.is_resource && !body.empty()) {
    const std::string shown = shown_object(body, record.decision.omit_managed_fields);
    if (!shown.empty()) line += ",\"responseObject\":" + shown;
  }
  append_text(line, "requestReceivedTimestamp", record.received_at);
  append_text(line, "stageTimestamp", runtime::format_rfc3339_micro(runtime_.wall_now()));
  if (!record.verdict.empty()) {
    line += ",\"annotations\":{\"authorization.k8s.io/decision\":" + quoted(record.verdict) + ",\"authorization.k8s.io/reason\":" + quoted(record.verdict_reason) + "}";
  }
  line += "}\n";
  if (size_bytes_ + line.size() > static_cast<std::uint64_t>(options_.size_max_mebibytes) << 20) rotate();
  size_bytes_ += line.size();
  const auto written = runtime_.disk().append(options_.path, line, 0600);
  if (!written && !std::exchange(failed_, true)) runtime_.log().error("audit_not_written", {{"path", options_.path}, {"error", written.error().message}});
}

/// "audit.log" becomes "audit-2026-11-22T18-25-16.000.log" and is begun anew.
void AuditLog::rotate() {
  const std::string directory = runtime::parent_path(options_.path);
  const std::string name = runtime::file_name(options_.path);
  const std::size_t dot = name.rfind('.');
  const std::string stem = name.substr(0, dot) + "-";
  const std::string ending = dot == std::string::npos ? "" : name.substr(dot);
  std::string time = runtime::format_rfc3339_micro(runtime_.wall_now()).substr(0, 23);
  std::replace(time.begin(), time.end(), ':', '-');
  (void)runtime_.disk().rename(options_.path, directory + "/" + stem + time + ending);
  size_bytes_ = 0;
  if (options_.backup_count_max <= 0) return;
  std::vector<std::string> old;
  if (const auto names = runtime_.disk().list(directory)) {
    for (const std::string& each : names.value()) {
      if (each.compare(0, stem.size(), stem) == 0 && each != name) old.push_back(each);
    }
  }
  for (std::size_t i = 0; i + static_cast<std::size_t>(options_.backup_count_max) < old.size(); ++i) (void)runtime_.disk().remove(directory + "/" + old[i]);
}

}  // namespace skidpad::fakes::kube_apiserver
