/// @file request_info.hpp
/// What a request's path, method and query ask for, and in which form the client wants the answer.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"
#include "fakes/kube_apiserver/access/authorizer.hpp"
#include "harness/runtime/http/http.hpp"

namespace skidpad::fakes::kube_apiserver {

using Query = std::vector<std::pair<std::string, std::string>>;
std::string query_value(const Query& query, std::string_view name);
bool query_has(const Query& query, std::string_view name);
/// As Go's strconv.ParseBool and the API's own rule: "", "1", "true", "t" are true if the key is there.
bool query_flag(const Query& query, std::string_view name);

struct RequestInfo {
  bool is_resource = false;
  std::string path;
  std::string verb;
  std::string group;
  std::string version;
  std::string resource;
  std::string subresource;
  std::string object_namespace;
  std::string name;
  std::vector<std::string> rest;  ///< behind the subresource: a proxied path
  bool watch_path = false;        ///< /api/v1/watch/...
};
RequestInfo parse_request_info(std::string_view method, const std::string& path, const Query& query);

enum class MediaType { json, yaml, protobuf };
enum class Shown { object, table, partial_metadata };
struct Representation {
  MediaType type = MediaType::json;
  Shown shown = Shown::object;
  bool list = false;          ///< as=PartialObjectMetadataList
  std::string table_version;  ///< v1 or v1beta1
  std::string content_type() const;
};
/// Throws ApiError 406.
Representation negotiate(std::string_view accept, bool table_allowed);
/// The media type of a body. Throws ApiError 415 with the accepted types.
MediaType body_type(std::string_view content_type);

}  // namespace skidpad::fakes::kube_apiserver
