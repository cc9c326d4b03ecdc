#include "fakes/kubelet/exec_session.hpp"

#include "harness/runtime/interactive.hpp"

namespace skidpad::fakes::kubelet {

using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::InteractiveProcess;
using runtime::ProcessSpec;
using runtime::Task;
using Output = RemoteStreams::Output;
using namespace std::chrono_literals;

namespace {

/// A descendant may hold an output open for ever; what the command itself wrote is there by then.
constexpr runtime::Duration drain_max = 2s;
constexpr std::uint64_t attach_chunk_bytes_max = 64 * 1024;

Task<void> carry_input(RemoteStreams& streams, InteractiveProcess& process) {
  for (;;) {
    std::string bytes = co_await streams.read_input();
    if (bytes.empty()) break;
    const auto written = co_await process.write_input(std::move(bytes));
    if (!written) break;
  }
  process.close_input();
  // The client may go on sending to a command that reads no more: it must not be held back before it hears of the end.
  for (;;) {
    const std::string dropped = co_await streams.read_input();
    if (dropped.empty()) co_return;
  }
}

Task<void> carry_sizes(RemoteStreams& streams, InteractiveProcess& process) {
  for (;;) {
    const auto size = co_await streams.next_size();
    if (!size) co_return;
    process.resize(size->columns, size->rows);
  }
}

Task<void> carry_output(RemoteStreams& streams, InteractiveProcess& process, Output which) {
  for (;;) {
    Task<std::string> reading = which == Output::output ? process.read_output() : process.read_error();
    std::string bytes = co_await reading;
    if (bytes.empty()) co_return;
    const auto written = co_await streams.write(which, std::move(bytes));
    if (!written) co_return;
  }
}

Task<void> carry_outputs(RemoteStreams& streams, InteractiveProcess& process, runtime::Event& drained) {
  runtime::TaskGroup outputs(co_await runtime::CurrentStop());
  outputs.spawn("output", carry_output(streams, process, Output::output));
  outputs.spawn("error", carry_output(streams, process, Output::error));
  co_await outputs.join();
  drained.set();
}

Task<void> wait_for_end(InteractiveProcess& process, std::optional<runtime::ExitStatus>& status, runtime::Event& over) {
  status = co_await process.wait();
  over.set();
}

Task<void> wait_until_gone(RemoteStreams& streams, runtime::Event& over) {
  co_await streams.gone().wait();
  over.set();
}

Task<Json> converse(runtime::Runtime& runtime, RemoteStreams& streams, InteractiveProcess& process, StreamOptions options, std::vector<std::string> words) {
  std::optional<runtime::ExitStatus> status;
  runtime::Event over;
  runtime::Event drained;
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  if (options.input) tasks.spawn("input", carry_input(streams, process));
  if (options.terminal) tasks.spawn("sizes", carry_sizes(streams, process));
  tasks.spawn("outputs", carry_outputs(streams, process, drained));
  tasks.spawn("process", wait_for_end(process, status, over));
  tasks.spawn("client", wait_until_gone(streams, over));
  co_await over.wait();
  if (status) co_await drained.wait_for(runtime, drain_max);
  tasks.kill();
  if (!status) co_return Json();
  co_return exit_status(status->code, words);
}

/// Of a world whose processes cannot be talked with.
Task<Json> run_silently(runtime::Runtime& runtime, RemoteStreams& streams, ProcessSpec spec, std::vector<std::string> words) {
  auto ran = co_await runtime.processes().run(std::move(spec));
  if (!ran) co_return failure_status("error executing command in container: " + ran.error().message);
  if (!ran.value().output.empty()) (void)co_await streams.write(Output::output, std::move(ran.value().output));
  co_return exit_status(ran.value().status.code, words);
}

}  // namespace

void read_input_from_pipe(ProcessSpec& spec, const std::string& pipe, bool once) {
  // Open for reading and writing, it never ends and opens at once; for reading alone, it opens with the first writer and ends with the last.
  const std::string open = once ? "<" : "<>";
  std::vector<std::string> words = {"-c", "[ -p \"$0\" ] || mkfifo \"$0\"; exec \"$@\" " + open + "\"$0\"", pipe, std::move(spec.executable)};
  for (std::string& word : spec.arguments) words.push_back(std::move(word));
  spec.executable = "/bin/sh";
  spec.arguments = std::move(words);
}

StreamOptions parse_stream_options(std::string_view query) {
  StreamOptions options;
  for (const auto& [name, value] : runtime::parse_query(query)) {
    const bool on = value == "1" || value == "true";
    if (name == "input" || name == "stdin") options.input = on;
    if (name == "output" || name == "stdout") options.output = on;
    if (name == "error" || name == "stderr") options.error = on;
    if (name == "tty") options.terminal = on;
  }
  if (options.terminal) options.error = false;  // a terminal has one output
  return options;
}

Task<void> serve_exec(runtime::Runtime& runtime, const HttpRequest& request, HttpResponder& responder, StreamOptions options, ProcessSpec spec,
                      std::vector<std::string> words) {
  const auto streams = co_await open_remote_streams(runtime, request, responder, options);
  if (!streams) co_return;
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  tasks.spawn("remote_streams", streams->run());
  Json status;
  if (!co_await streams->ready()) co_return;
  auto* talks = dynamic_cast<runtime::InteractiveProcesses*>(&runtime.processes());
  if (talks == nullptr) {
    status = co_await run_silently(runtime, *streams, std::move(spec), std::move(words));
  } else {
    runtime::InteractiveOptions how;
    how.input = options.input;
    how.terminal = options.terminal;
    if (options.terminal) spec.environment.emplace("TERM", "xterm");
    const std::string name = words.front();
    auto process = talks->start(std::move(spec), how);
    if (!process) {
      const bool missing = process.error().code == runtime::ErrorCode::not_found;
      status = failure_status("error executing command in container: failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: "
                              "unable to start container process: exec: \"" + name + "\": " +
                              (missing ? (name.find('/') == std::string::npos ? "executable file not found in $PATH" : "stat " + name + ": no such file or directory")
                                       : process.error().message) + ": unknown");
    } else {
      status = co_await converse(runtime, *streams, *process.value(), options, std::move(words));
    }
  }
  if (!status.is_null()) co_await streams->end(std::move(status));
  tasks.kill();
}

namespace {

/// Writes into a pipe: null where this world cannot. A client may be quicker than the container's shell, which makes the pipe.
std::unique_ptr<InteractiveProcess> open_pipe(runtime::Runtime& runtime, const std::string& pipe) {
  auto* talks = dynamic_cast<runtime::InteractiveProcesses*>(&runtime.processes());
  if (talks == nullptr) return nullptr;
  ProcessSpec spec;
  spec.executable = "/bin/sh";
  spec.arguments = {"-c", "until [ -p \"$0\" ]; do sleep 0.05; done; exec cat >\"$0\"", pipe};
  spec.environment["PATH"] = "/usr/bin:/bin";
  runtime::InteractiveOptions how;
  how.input = true;
  auto started = talks->start(std::move(spec), how);
  return started ? std::move(started.value()) : nullptr;
}

}  // namespace

Task<void> serve_attach(runtime::Runtime& runtime, const HttpRequest& request, HttpResponder& responder, StreamOptions options, std::string log_path,
                        std::string input_pipe, std::function<bool()> runs) {
  const auto streams = co_await open_remote_streams(runtime, request, responder, options);
  if (!streams) co_return;
  const std::unique_ptr<InteractiveProcess> writer = options.input && !input_pipe.empty() ? open_pipe(runtime, input_pipe) : nullptr;
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  if (writer) tasks.spawn("input", carry_input(*streams, *writer));
  tasks.spawn("remote_streams", streams->run());
  const auto file = runtime.disk().status(log_path);
  std::uint64_t offset = file ? file.value().size_bytes : 0;
  while (!streams->gone().is_set()) {
    const bool more_to_come = runs();
    auto bytes = runtime.disk().read_from(log_path, offset, attach_chunk_bytes_max);
    if (bytes && !bytes.value().empty()) {
      offset += bytes.value().size();
      const auto written = co_await streams->write(Output::output, std::move(bytes.value()));
      if (!written) break;
      continue;
    }
    if (!more_to_come) break;
    co_await streams->gone().wait_for(runtime, 100ms);
  }
  if (!streams->gone().is_set()) co_await streams->end(success_status());
  tasks.kill();
}

}  // namespace skidpad::fakes::kubelet
