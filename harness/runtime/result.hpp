/// @file result.hpp
/// What an operation that may ordinarily fail returns.
#pragma once

#include <boost/outcome/result.hpp>
#include <string>
#include <string_view>

#include "harness/runtime/assert.hpp"

namespace skidpad::runtime {

/// A code exists only where some caller reacts differently to it.
enum class ErrorCode {
  timeout,             ///< no answer in time; whether it took effect is unknown
  connection_lost,     ///< sent, but the connection broke before the answer; effect unknown
  refused,             ///< never reached the other side: nothing happened there
  unavailable,         ///< the other side answered that it cannot serve now (503, no leader, too many requests)
  not_found,
  already_exists,
  conflict,            ///< optimistic concurrency, or a failed compare
  gone,                ///< the revision asked for is compacted or expired: list again
  invalid,             ///< the request itself is wrong; repeating it does not help
  unauthorized,        ///< who are you
  forbidden,           ///< you may not
  io,                  ///< disk or socket
  corrupt,             ///< what was read cannot be trusted
  unsupported,         ///< this world or driver cannot do it
};

std::string_view name(ErrorCode code);

/// True where the operation may have taken effect although it failed.
constexpr bool effect_unknown(ErrorCode code) {
  return code == ErrorCode::timeout || code == ErrorCode::connection_lost;
}

struct Error {
  Error() {}  ///< only because the result's storage asks for it
  Error(ErrorCode code, std::string message) : code(code), message(std::move(message)) {}
  Error(ErrorCode code, std::string message, int http_status, std::string reason)
      : code(code), message(std::move(message)), http_status(http_status), reason(std::move(reason)) {}

  ErrorCode code = ErrorCode::invalid;
  std::string message;      ///< what was tried, on whom, what came back
  int http_status = 0;      ///< where the answer came over HTTP
  std::string reason;       ///< Kubernetes Status reason, if any
};

/// The same failure, told with what was being tried.
Error wrap(Error cause, std::string_view doing);

namespace outcome = BOOST_OUTCOME_V2_NAMESPACE;

/// A wrong look at a Result is our bug: value() of a failure ends the program with the error's text.
struct LookedWrong : outcome::policy::base {
  template <class Impl>
  static constexpr void wide_value_check(Impl&& self) {
    if (!base::_has_value(self)) report(base::_error(self));
  }
  template <class Impl>
  static constexpr void wide_error_check(Impl&& self) {
    ASSERT(base::_has_error(self));
  }
  template <class Impl>
  static constexpr void wide_exception_check(Impl&&) {}
  [[noreturn]] static void report(const Error& error);
};

template <class T>
using Result = outcome::basic_result<T, Error, LookedWrong>;

using outcome::success;

}  // namespace skidpad::runtime

/// TRY(expression) or TRY(auto x, expression): returns the failure to the caller (co_return in coroutines: CO_TRY).
/// Our own, since Boost 1.74's macro cannot declare `auto x`.
#define TRY(...) SKIDPAD_TRY_PICK(__VA_ARGS__)(return, SKIDPAD_TRY_NAME(__COUNTER__), __VA_ARGS__)
#define CO_TRY(...) SKIDPAD_TRY_PICK(__VA_ARGS__)(co_return, SKIDPAD_TRY_NAME(__COUNTER__), __VA_ARGS__)
#define SKIDPAD_TRY_PICK(first, ...) SKIDPAD_TRY_##__VA_OPT__(VALUE)
#define SKIDPAD_TRY_NAME(number) SKIDPAD_TRY_JOIN(tried_, number)
#define SKIDPAD_TRY_JOIN(a, b) a##b
#define SKIDPAD_TRY_(give, name, expression) \
  if (auto name = expression; name) {        \
  } else                                     \
    give std::move(name).error()
#define SKIDPAD_TRY_VALUE(give, name, declaration, ...) \
  auto name = __VA_ARGS__;                              \
  if (!name) give std::move(name).error();              \
  declaration = std::move(name).value()
