#include "fakes/kube_apiserver/api/api_error.hpp"

#include "fakes/kube_apiserver/api/utf8.hpp"

namespace skidpad::fakes::kube_apiserver {

const char* const object_modified = "the object has been modified; please apply your changes to the latest version and try again";

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': result += "\\\""; break;
      case '\\': result += "\\\\"; break;
      case '\n': result += "\\n"; break;
      case '\t': result += "\\t"; break;
      case '\r': result += "\\r"; break;
      default: result += c;
    }
  }
  return result + "\"";
}

FieldError invalid_value(std::string field, const std::string& shown, const std::string& detail) {
  return {"FieldValueInvalid", std::move(field), "Invalid value: " + shown + ": " + detail};
}
FieldError invalid_text(std::string field, const std::string& value, const std::string& detail) {
  return invalid_value(std::move(field), in_quotes(value), detail);
}
FieldError required_value(std::string field, const std::string& detail) {
  return {"FieldValueRequired", std::move(field), detail.empty() ? "Required value" : "Required value: " + detail};
}
FieldError forbidden_value(std::string field, const std::string& detail) {
  return {"FieldValueForbidden", std::move(field), "Forbidden: " + detail};
}
FieldError duplicate_value(std::string field, const std::string& shown) {
  return {"FieldValueDuplicate", std::move(field), "Duplicate value: " + shown};
}
FieldError not_found_value(std::string field, const std::string& shown) {
  return {"FieldValueNotFound", std::move(field), "Not found: " + shown};
}
FieldError unsupported_value(std::string field, const std::string& shown, const std::vector<std::string>& supported) {
  std::string text = "Unsupported value: " + shown;
  if (!supported.empty()) {
    text += ": supported values: ";
    for (std::size_t i = 0; i < supported.size(); ++i) text += (i == 0 ? "" : ", ") + in_quotes(supported[i]);
  }
  return {"FieldValueNotSupported", std::move(field), text};
}
FieldError too_long(std::string field, const std::string& detail) {
  return {"FieldValueTooLong", std::move(field), "Too long: " + detail};
}

namespace {

/// Messages quote what clients sent, which may be anything.
void mend_texts(Json& value) {
  if (value.is_string()) {
    std::string& text = value.get_ref<std::string&>();
    if (!is_utf8(text)) text = mended_utf8(text);
  } else if (value.is_structured()) {
    for (Json& each : value) mend_texts(each);
  }
}

}  // namespace

Json ApiError::status() const {
  Json status = {{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", Json::object()}, {"status", "Failure"}, {"message", message}, {"code", code}};
  if (!reason.empty()) status["reason"] = reason;
  if (!details.is_null()) status["details"] = details;
  if (retry_after_seconds > 0) status["details"]["retryAfterSeconds"] = retry_after_seconds;
  mend_texts(status);
  return status;
}

namespace {

Json details_of(const std::string& group, const std::string& kind, const std::string& name) {
  Json details = Json::object();
  if (!name.empty()) details["name"] = name;
  if (!group.empty()) details["group"] = group;
  if (!kind.empty()) details["kind"] = kind;
  return details;
}

ApiError with_details(int code, const char* reason, std::string message, Json details) {
  ApiError error(code, reason, std::move(message));
  error.details = std::move(details);
  return error;
}

std::string qualified(const std::string& group, const std::string& name) { return group.empty() ? name : name + "." + group; }

}  // namespace

ApiError bad_request(std::string message) { return {400, "BadRequest", std::move(message)}; }
ApiError unauthorized() { return {401, "Unauthorized", "Unauthorized"}; }
ApiError internal_error(std::string message) {
  ApiError error(500, "InternalError", "Internal error occurred: " + message);
  error.details = {{"causes", Json::array({{{"message", message}}})}};
  return error;
}
ApiError plain_error(std::string message) { return {500, "", std::move(message)}; }
ApiError unknown_resource() { return with_details(404, "NotFound", "the server could not find the requested resource", Json::object()); }
ApiError method_not_allowed() {
  return with_details(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", Json::object());
}
ApiError not_found(const Resource& resource, const std::string& name) {
  return with_details(404, "NotFound", resource.group_resource() + " " + in_quotes(name) + " not found", details_of(resource.group, resource.plural, name));
}
ApiError already_exists(const Resource& resource, const std::string& name) {
  return with_details(409, "AlreadyExists", resource.group_resource() + " " + in_quotes(name) + " already exists",
                      details_of(resource.group, resource.plural, name));
}
ApiError conflict(const Resource& resource, const std::string& name, const std::string& detail) {
  return with_details(409, "Conflict", "Operation cannot be fulfilled on " + resource.group_resource() + " " + in_quotes(name) + ": " + detail,
                      details_of(resource.group, resource.plural, name));
}
ApiError forbidden(const std::string& group, const std::string& plural, const std::string& name, const std::string& detail) {
  std::string message;
  if (plural.empty()) {
    message = "forbidden: " + detail;
  } else if (name.empty()) {
    message = qualified(group, plural) + " is forbidden: " + detail;
  } else {
    message = qualified(group, plural) + " " + in_quotes(name) + " is forbidden: " + detail;
  }
  return with_details(403, "Forbidden", message, details_of(group, plural, name));
}
ApiError invalid(const std::string& group, const std::string& kind, const std::string& name, const FieldErrors& errors) {
  Json causes = Json::array();
  std::string text;
  std::vector<std::string> seen;
  for (const FieldError& error : errors) {
    causes.push_back({{"reason", error.reason}, {"message", error.message}, {"field", error.field}});
    const std::string line = error.field + ": " + error.message;
    if (std::find(seen.begin(), seen.end(), line) != seen.end()) continue;
    seen.push_back(line);
    text += (text.empty() ? "" : ", ") + line;
  }
  if (seen.size() > 1) text = "[" + text + "]";
  Json details = details_of(group, kind, name);
  details["causes"] = std::move(causes);
  return with_details(422, "Invalid", qualified(group, kind) + " " + in_quotes(name) + " is invalid: " + text, std::move(details));
}
ApiError expired(std::string message) { return {410, "Expired", std::move(message)}; }
ApiError too_large_resource_version(std::int64_t asked, std::int64_t current) {
  ApiError error(504, "Timeout", "Timeout: Too large resource version: " + std::to_string(asked) + ", current: " + std::to_string(current));
  error.details = {{"causes", Json::array({{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}})}};
  error.retry_after_seconds = 1;
  return error;
}
ApiError not_acceptable(const std::string& representations) {
  return with_details(406, "NotAcceptable", "406: Not Acceptable\n\nAvailable representations: " + representations, Json::object());
}
ApiError unsupported_media_type(std::string message) { return {415, "UnsupportedMediaType", std::move(message)}; }

Json success_status(const Resource& resource, const std::string& name, const std::string& uid) {
  Json details = details_of(resource.group, resource.plural, name);
  details["uid"] = uid;
  return {{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", Json::object()}, {"status", "Success"}, {"details", details}};
}

}  // namespace skidpad::fakes::kube_apiserver
