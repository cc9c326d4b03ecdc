// Server-side apply and the bookkeeping of field owners.
#include "fakes/kube_apiserver/server/api_server.hpp"

namespace skidpad::fakes::kube_apiserver {

void ApiServer::track_fields(Json&, const Json&, const std::string&, const std::string&, const std::string&, const Resource&) {}

Task<Answer> ApiServer::server_side_apply(Request&) {
  ApiError error(415, "UnsupportedMediaType", "415: Unsupported Media Type");
  error.details = Json::object();
  throw error;
}

}  // namespace skidpad::fakes::kube_apiserver
