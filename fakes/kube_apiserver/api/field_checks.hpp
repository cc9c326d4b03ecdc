/// @file field_checks.hpp
/// Checks that many kinds share: selectors, ranges, int-or-percent, addresses. Each adds the real server's complaints to `errors`.
/// Source: v1.32 messages as recorded and documented.
#pragma once

#include "fakes/kube_apiserver/api/api_error.hpp"

namespace skidpad::fakes::kube_apiserver {

/// "spec.ports" and 2 -> "spec.ports[2]".
std::string at_index(const std::string& path, std::size_t position);
/// "data" and "a" -> "data[a]".
std::string at_key(const std::string& path, const std::string& key);

/// object[key], if it is a number, is not below zero. `path` is that of the object.
void check_not_negative(const Json& object, const char* key, const std::string& path, FieldErrors& errors);
/// object[key], if it is a text and not empty, is one of these.
void check_one_of(const Json& object, const char* key, const std::string& path, const std::vector<std::string>& supported, FieldErrors& errors);
/// A metav1.LabelSelector; null is fine.
void check_selector(const Json& selector, const std::string& path, FieldErrors& errors);
/// An integer from 0, or a text like "5%".
void check_int_or_percent(const Json& value, const std::string& path, FieldErrors& errors);
void check_at_most_100_percent(const Json& value, const std::string& path, FieldErrors& errors);
/// The number a rolling update counts with: of "0%" and 0 it is 0. Null counts as 0.
bool is_zero_int_or_percent(const Json& value);
void check_port_number(std::int64_t port, const std::string& path, FieldErrors& errors);
/// A number, or the name of a port.
void check_port_number_or_name(const Json& port, const std::string& path, FieldErrors& errors);
/// Any text that is an address of either family.
bool is_ip_address(const std::string& text);
void check_ip_address(const std::string& text, const std::string& path, FieldErrors& errors);
/// Endpoints and external addresses may not be loopback, link-local, unspecified or multicast.
void check_ordinary_address(const std::string& text, const std::string& path, FieldErrors& errors);
/// One prefix of either family; false if it is none (and that has been said).
bool check_cidr(const std::string& text, const std::string& path, FieldErrors& errors);
void check_host_name(const std::string& host, const std::string& path, FieldErrors& errors);
void check_immutable(const Json& now, const Json& then, const std::string& path, FieldErrors& errors);
void append_problems(const std::vector<std::string>& problems, const std::string& value, const std::string& path, FieldErrors& errors);
/// Go's %#v of a list of texts.
std::string shown_list(const Json& texts);
FieldError too_many(std::string field, std::size_t count, std::size_t count_max);

}  // namespace skidpad::fakes::kube_apiserver
