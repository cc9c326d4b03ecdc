# House rules that a compiler does not check, read from the sources:
#   1. who may include whom (the table below; docs/architecture.md says why),
#   2. sockets, threads, clocks and environment only where the real world is met,
#   3. no capturing lambda, braced aggregate or ?: inside a co_await expression (g++ 12.2 destroys them twice).
# Run: cmake -DROOT=<repository> -P cmake/layering.cmake        Prints every offence with its line, then fails.
# First the rules are tried on planted offences: one that goes unseen fails too.
cmake_minimum_required(VERSION 3.25)

# --- 1. rows and what each may include besides itself ---
set(rows runtime history client cluster driver fault workload check scenario cli controllers fakes reports benchmarks)
set(may_runtime)
set(may_history runtime)
set(may_client runtime)
set(may_cluster runtime history client controllers)
set(may_driver runtime history client cluster fakes controllers)
set(may_fault runtime history client cluster driver)
set(may_workload runtime history client cluster driver)
set(may_check runtime history)
set(may_scenario runtime history client cluster driver fault workload check)
set(may_cli runtime history client cluster driver fault workload check scenario controllers reports)
set(may_controllers runtime client)
set(may_fakes runtime client)
set(may_reports runtime history check)
set(may_benchmarks ${rows})

# --- 2. where the real world may be met ---
set(real_world "^(harness/runtime/real/|harness/driver/(process|kind|remote)/|harness/cli/|benchmarks/)|_test\\.cpp$|_testing\\.hpp$|/main\\.cpp$")
# Headers of threads and of the network; POSIX in general is refused by its calls below.
set(banned_headers "<(thread|mutex|shared_mutex|condition_variable|future|stop_token|semaphore|barrier|latch|random|boost/asio.*|sys/socket\\.h|sys/epoll\\.h|netinet/.*|arpa/.*|netdb\\.h|net/.*|pthread\\.h|spawn\\.h|signal\\.h|csignal|sys/wait\\.h|poll\\.h)>")
set(banned_calls "(^|[^a-zA-Z0-9_])(std::thread|std::jthread|std::mutex|std::random_device|std::getenv|getenv|secure_getenv|setenv|system_clock::now|steady_clock::now|high_resolution_clock::now|clock_gettime|gettimeofday|nanosleep|usleep|std::this_thread|fork|vfork|popen|gethostbyname|getaddrinfo)[ \t]*(\\(|::|[;>{ ]|$)")

function(row_of path result)
  set(${result} "" PARENT_SCOPE)
  if(path MATCHES "^harness/([a-z_]+)/")
    set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
  elseif(path MATCHES "^(controllers|fakes|reports|benchmarks)/")
    set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
  endif()
endfunction()

# Sets `result` to the reason why the file may not include the header, or to "".
function(check_include file header result)
  set(${result} "" PARENT_SCOPE)
  row_of(${file} from)
  row_of(${header} to)
  if(NOT to)
    return()
  endif()
  if(from STREQUAL to)
    # Two fakes (or two controllers) know each other only over the wire, except for what they share on purpose.
    if(from MATCHES "^(fakes|controllers)$")
      string(REGEX REPLACE "^[a-z]+/([a-z_]+)/.*" "\\1" from_part ${file})
      string(REGEX REPLACE "^[a-z]+/([a-z_]+)/.*" "\\1" to_part ${header})
      if(NOT from_part STREQUAL to_part AND NOT to_part STREQUAL "common" AND NOT file MATCHES "_sim_test\\.cpp$|/testing/")
        set(${result} "${from}/${from_part} may not include ${to}/${to_part}" PARENT_SCOPE)
      endif()
    endif()
    return()
  endif()
  # A controller's simulated test may put it into a world of fakes; the controller itself may not know them.
  if(from STREQUAL "controllers" AND to STREQUAL "fakes" AND file MATCHES "_sim_test\\.cpp$|/testing/")
    return()
  endif()
  string(REGEX REPLACE "^([a-z]+/[a-z_]+)/.*" "\\1" to_folder ${header})
  if(NOT to IN_LIST may_${from} AND NOT to_folder IN_LIST may_${from})
    set(${result} "${from} may not include ${to}" PARENT_SCOPE)
  endif()
endfunction()

# Appends to `offences` (in the caller) what is wrong in this text.
function(check_text file text)
  set(found)
  row_of(${file} row)
  # One list element a line: what CMake takes as list syntax becomes harmless first.
  string(REPLACE "[" "@(" text "${text}")
  string(REPLACE "]" ")@" text "${text}")
  string(REPLACE ";" "(SEMI)" text "${text}")
  string(REPLACE "\\" "/" text "${text}")
  string(REPLACE "\n" ";" lines "${text}")
  set(number 0)
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(line MATCHES "^[ \t]*#[ \t]*include[ \t]*\"([^\"]+)\"")
      if(row)
        check_include(${file} ${CMAKE_MATCH_1} reason)
        if(reason)
          list(APPEND found "${file}:${number}: ${reason}")
        endif()
      endif()
      continue()
    endif()
    if(row AND NOT file MATCHES "${real_world}" AND line MATCHES "^[ \t]*#[ \t]*include[ \t]*${banned_headers}")
      list(APPEND found "${file}:${number}: <${CMAKE_MATCH_1}> belongs where the real world is met")
      continue()
    endif()
    string(REGEX REPLACE "//.*" "" code "${line}")
    string(REPLACE "(SEMI)" ";" unlisted "${code}")
    if(row AND NOT file MATCHES "${real_world}" AND unlisted MATCHES "${banned_calls}")
      list(APPEND found "${file}:${number}: ${CMAKE_MATCH_2} belongs where the real world is met")
    endif()
    # What one line can tell: a capture, an aggregate in braces, or ?: behind a co_await.
    if(code MATCHES "co_await(.*)")
      set(awaited "${CMAKE_MATCH_1}")
      # A distinct type around one number has nothing to destroy twice.
      string(REGEX REPLACE "[A-Za-z_:]+(Id|Revision){[^,{}]*({[^{}]*})?[^,{}]*}" "id" aggregates "${awaited}")
      if(awaited MATCHES "[(, ]@\\([^@]+\\)@ *[({]")
        list(APPEND found "${file}:${number}: capturing lambda inside a co_await expression: name it first")
      elseif(aggregates MATCHES "[(,] *[A-Za-z_:]*{[^}]" AND NOT awaited MATCHES "\\) *{ *$")
        list(APPEND found "${file}:${number}: braced temporary inside a co_await expression: name it first")
      elseif(awaited MATCHES "^ *\\([^?]*\\?[^?]*:[^?]*\\)\\(SEMI\\)" AND NOT awaited MATCHES "^[^?]*\\) *\\?")
        list(APPEND found "${file}:${number}: ?: between tasks inside a co_await expression: use if")
      endif()
    endif()
  endforeach()
  set(offences ${offences} ${found} PARENT_SCOPE)
endfunction()

block()
  # file | line | expected number of offences
  set(cases
    "harness/history/a.cpp|#include \"harness/runtime/task.hpp\"|0"
    "harness/history/a.cpp|#include \"harness/client/x.hpp\"|1"
    "harness/runtime/a.cpp|#include \"fakes/etcd/x.hpp\"|1"
    "fakes/kubelet/a.cpp|#include \"harness/driver/driver.hpp\"|1"
    "fakes/kubelet/a.cpp|#include \"fakes/kube_apiserver/x.hpp\"|1"
    "fakes/kubelet/a.cpp|#include \"fakes/common/x.hpp\"|0"
    "fakes/kube_apiserver/a_sim_test.cpp|#include \"fakes/etcd/x.hpp\"|0"
    "controllers/a/a.cpp|#include \"harness/history/x.hpp\"|1"
    "controllers/a/a.cpp|#include \"fakes/etcd/x.hpp\"|1"
    "controllers/a/a_sim_test.cpp|#include \"fakes/etcd/x.hpp\"|0"
    "harness/cluster/a.cpp|#include \"fakes/machine_provider/x.hpp\"|1"
    "harness/cluster/a.cpp|#include \"fakes/etcd/x.hpp\"|1"
    "harness/driver/sim/a.cpp|#include \"fakes/etcd/x.hpp\"|0"
    "harness/check/a.cpp|#include <thread>|1"
    "harness/driver/process/a.cpp|#include <thread>|0"
    "harness/check/a.cpp|  auto now = std::chrono::system_clock::now()(SEMI)|1"
    "harness/check/a.cpp|  // std::chrono::system_clock::now() is banned|0"
    "fakes/kubelet/a.cpp|  const char* home = std::getenv(\"HOME\")(SEMI)|1"
    "fakes/kubelet/a.cpp|  co_await f(@(x, &y)@ { return x(SEMI) })(SEMI)|1"
    "fakes/kubelet/a.cpp|  co_await f(items@(i)@)(SEMI)|0"
    "fakes/kubelet/a.cpp|  co_await f({a, 1})(SEMI)|1"
    "fakes/kubelet/a.cpp|  co_await f(Wait{a, 1})(SEMI)|1"
    "fakes/kubelet/a.cpp|  co_await f(MemberId{a})(SEMI)|0"
    "fakes/kubelet/a.cpp|  if (!co_await f(a)) {|0"
    "fakes/kubelet/a.cpp|  while (auto item = co_await queue.pop()) { use(*item)(SEMI) }|0"
    "fakes/kubelet/a.cpp|  co_await (c ? f(a) : f(b))(SEMI)|1"
    "fakes/kubelet/a.cpp|  const int x = co_await f(a) ? 1 : 2(SEMI)|0")
  foreach(case IN LISTS cases)
    string(REGEX MATCH "^([^|]+)\\|(.*)\\|([0-9])$" ignored "${case}")
    set(file "${CMAKE_MATCH_1}")
    set(text "${CMAKE_MATCH_2}")
    set(expected "${CMAKE_MATCH_3}")
    set(offences)
    check_text(${file} "${text}")
    list(LENGTH offences count)
    if(NOT count EQUAL expected)
      message(SEND_ERROR "expected ${expected}, found ${count} in ${file}: ${text} ${offences}")
    endif()
  endforeach()
endblock()

set(offences)
file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/harness/*.?pp ${ROOT}/fakes/*.?pp ${ROOT}/controllers/*.?pp ${ROOT}/reports/*.?pp ${ROOT}/benchmarks/*.?pp)
foreach(source IN LISTS sources)
  file(READ ${ROOT}/${source} text)
  # Only files that could offend are read line by line: CMake's lists are slow.
  if(text MATCHES "co_await|${banned_headers}|clock|getenv|thread|fork|random_device|include \"")
    check_text(${source} "${text}")
  endif()
endforeach()
list(LENGTH sources source_count)
list(LENGTH offences offence_count)
foreach(offence IN LISTS offences)
  message("${offence}")
endforeach()
if(source_count EQUAL 0)
  message(FATAL_ERROR "no sources under ${ROOT}: nothing was checked")
endif()
if(offence_count GREATER 0)
  message(FATAL_ERROR "${offence_count} offences in ${source_count} files")
endif()
