#include "harness/runtime/result.hpp"

namespace skidpad::runtime {

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::connection_lost: return "connection_lost";
    case ErrorCode::refused: return "refused";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_exists: return "already_exists";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::gone: return "gone";
    case ErrorCode::invalid: return "invalid";
    case ErrorCode::unauthorized: return "unauthorized";
    case ErrorCode::forbidden: return "forbidden";
    case ErrorCode::io: return "io";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::unsupported: return "unsupported";
  }
  ASSERT(!"an error code outside the enumeration");
  return "";
}

Error wrap(Error cause, std::string_view doing) {
  cause.message = std::string(doing) + ": " + cause.message;
  return cause;
}

void LookedWrong::report(const Error& error) {
  const std::string expression = "value of a failed result: " + std::string(name(error.code)) + ": " + error.message;
  assertion_failed(expression.c_str(), __FILE__, __LINE__);
}

}  // namespace skidpad::runtime
