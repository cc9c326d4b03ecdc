/// @file table_columns.hpp
/// Data: the printed columns of the built-in kinds; read by table.cpp.
#pragma once

#include <cstddef>
#include <string_view>

namespace skidpad::fakes::kube_apiserver {

extern const std::string_view table_column_data[];
extern const std::size_t table_column_data_count;

}  // namespace skidpad::fakes::kube_apiserver
