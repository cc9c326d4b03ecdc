/// @file exec_session.hpp
/// exec, attach and run: a command beside a container's process, and looking on at what a container prints.
/// Promise: the exit code reaches the client as the real kubelet tells it; a client that goes away takes its command with it.
/// Limits: no user or root file system of a container's own, as everywhere here. attach shows what is printed from now on, read from
/// the log, both outputs in one, and types into a pipe, as containers have no terminal. In the simulator commands neither read nor print.
#pragma once

#include "fakes/kubelet/remote_streams.hpp"

namespace skidpad::fakes::kubelet {

StreamOptions parse_stream_options(std::string_view query);
/// Streams of a command that is not started yet. @param words  for messages
runtime::Task<void> serve_exec(runtime::Runtime& runtime, const runtime::HttpRequest& request, runtime::HttpResponder& responder, StreamOptions options,
                               runtime::ProcessSpec spec, std::vector<std::string> words);
/// A process of a container with `stdin: true` reads a named pipe that attached clients write to; the program becomes a shell that opens
/// it and then becomes the program. With `once`, its input ends with the first client that was attached, and it is not begun before one is.
void read_input_from_pipe(runtime::ProcessSpec& spec, const std::string& pipe, bool once);
/// @param runs        whether the instance looked at still runs
/// @param input_pipe  of a container with `stdin: true`, else ""
runtime::Task<void> serve_attach(runtime::Runtime& runtime, const runtime::HttpRequest& request, runtime::HttpResponder& responder, StreamOptions options,
                                 std::string log_path, std::string input_pipe, std::function<bool()> runs);

}  // namespace skidpad::fakes::kubelet
