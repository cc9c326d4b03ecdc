/// @file api_error.hpp
/// The failures a client sees, as Status objects with the real server's messages and reasons.
/// ApiError is an exception: it leaves the pure functions from any depth and is caught once, where the answer is written.
#pragma once

#include <exception>

#include "fakes/kube_apiserver/api/resource_table.hpp"

namespace skidpad::fakes::kube_apiserver {

/// One thing wrong with an object: what kubectl prints as "spec.replicas: Invalid value: -1: must be ...".
struct FieldError {
  FieldError(std::string reason, std::string field, std::string message)
      : reason(std::move(reason)), field(std::move(field)), message(std::move(message)) {}
  std::string reason;  ///< FieldValueInvalid, FieldValueRequired, ...
  std::string field;
  std::string message;  ///< without the field
};
using FieldErrors = std::vector<FieldError>;

FieldError invalid_value(std::string field, const std::string& shown, const std::string& detail);
FieldError invalid_text(std::string field, const std::string& value, const std::string& detail);
FieldError required_value(std::string field, const std::string& detail = "");
FieldError forbidden_value(std::string field, const std::string& detail);
FieldError duplicate_value(std::string field, const std::string& shown);
FieldError not_found_value(std::string field, const std::string& shown);
FieldError unsupported_value(std::string field, const std::string& shown, const std::vector<std::string>& supported);
FieldError too_long(std::string field, const std::string& detail);
/// Go's %q.
std::string in_quotes(std::string_view text);

class ApiError : public std::exception {
 public:
  ApiError(int code, std::string reason, std::string message) : code(code), reason(std::move(reason)), message(std::move(message)) {}
  const char* what() const noexcept override { return message.c_str(); }
  /// The metav1.Status object.
  Json status() const;

  int code;
  std::string reason;
  std::string message;
  Json details;  ///< null: none
  int retry_after_seconds = 0;
};

ApiError bad_request(std::string message);
ApiError unauthorized();
ApiError internal_error(std::string message);
/// 500 without a reason, as errors that the server did not make itself.
ApiError plain_error(std::string message);
/// "the server could not find the requested resource".
ApiError unknown_resource();
ApiError method_not_allowed();
ApiError not_found(const Resource& resource, const std::string& name);
ApiError already_exists(const Resource& resource, const std::string& name);
ApiError conflict(const Resource& resource, const std::string& name, const std::string& detail);
ApiError forbidden(const std::string& group, const std::string& plural, const std::string& name, const std::string& detail);
/// `kind` and `group` as the message names them; a custom detail of several errors is joined as Go's aggregate is.
ApiError invalid(const std::string& group, const std::string& kind, const std::string& name, const FieldErrors& errors);
ApiError expired(std::string message);
ApiError too_large_resource_version(std::int64_t asked, std::int64_t current);
ApiError not_acceptable(const std::string& representations);
ApiError unsupported_media_type(std::string message);

extern const char* const object_modified;  ///< what a lost optimistic update says

/// metav1.Status of a success.
Json success_status(const Resource& resource, const std::string& name, const std::string& uid);

}  // namespace skidpad::fakes::kube_apiserver
