// exec, attach, port-forward and logs of the kubelet, spoken as the API server and other clients speak them.
#include <gtest/gtest.h>

#include "fakes/kubelet/kubelet.hpp"
#include "harness/runtime/http/http_client.hpp"
#include "harness/runtime/http/spdy_session.hpp"
#include "harness/runtime/http/web_socket.hpp"
#include "harness/runtime/sim/world.hpp"

namespace skidpad::fakes::kubelet {
namespace {

using namespace std::chrono_literals;
using runtime::ProcessSpec;
using runtime::SpdyRole;
using runtime::SpdySession;
using runtime::WebSocket;
using runtime::sim::SimProcess;

/// Echoes, in capital letters, on 8080 of its pod's address; ends a connection after "BYE".
Task<int> echo_main(Runtime& runtime, std::vector<std::string>) {
  runtime::ListenOptions listen;
  listen.at.address = runtime.environment("POD_IP");
  listen.at.port = 8080;
  auto listener = runtime.network().listen(listen);
  if (!listener) co_return 1;
  for (;;) {
    auto connection = co_await listener.value()->accept();
    if (!connection) co_return 0;
    for (;;) {
      auto bytes = co_await connection.value()->read_some();
      if (!bytes || bytes.value().empty()) break;
      std::string text = std::move(bytes.value());
      for (char& c : text) c = static_cast<char>(std::toupper(c));
      const bool last = text == "BYE";
      (void)co_await connection.value()->write(std::move(text));
      if (last) break;
    }
  }
}

/// Sleeps for some seconds, then ends with a code.
Task<int> tool_main(Runtime& runtime, std::vector<std::string> arguments) {
  co_await runtime.sleep_for(std::chrono::seconds(std::stoi(arguments.at(0))));
  co_return std::stoi(arguments.at(1));
}

std::vector<std::string> told;
std::string target;

Task<runtime::Result<std::unique_ptr<runtime::Connection>>> dial(Runtime& runtime, std::string& already_read, std::string upgrade, std::string protocol) {
  runtime::HttpClientOptions options;
  options.servers.push_back(runtime::Endpoint{"10.0.0.1", 10250});
  options.tls.emplace();
  options.tls->insecure = true;
  runtime::HttpClient client(runtime, options);
  runtime::HttpRequest request;
  const bool web_socket = upgrade == "websocket";
  request.method = web_socket ? "GET" : "POST";
  request.target = target;
  request.headers.set("Connection", "Upgrade");
  request.headers.set("Upgrade", std::move(upgrade));
  request.headers.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  request.headers.set(web_socket ? "Sec-WebSocket-Protocol" : "X-Stream-Protocol-Version", std::move(protocol));
  auto answer = co_await client.open_stream(std::move(request));
  if (!answer) co_return answer.error();
  const int status = answer.value().status();
  if (status != 101) {
    auto body = co_await answer.value().read_some();
    told.push_back(std::to_string(status) + " " + (body ? body.value() : ""));
    co_return runtime::Error(runtime::ErrorCode::refused, "not upgraded");
  }
  co_return answer.value().take_connection(already_read);
}

Task<std::string> read_all(SpdySession::StreamPointer stream) {
  std::string all;
  for (;;) {
    const std::string bytes = co_await stream->read();
    if (bytes.empty()) co_return all;
    all += bytes;
  }
}

Task<void> note_status(SpdySession::StreamPointer error) {
  std::string status = co_await read_all(error);
  told.push_back(std::move(status));
}

/// Opens the streams named in its arguments and tells what comes on the error stream, or that the connection ended.
Task<int> spdy_exec_main(Runtime& runtime, std::vector<std::string> arguments) {
  std::string already_read;
  auto connection = co_await dial(runtime, already_read, "SPDY/3.1", "v4.channel.k8s.io");
  if (!connection) co_return 1;
  SpdySession session(std::move(connection.value()), already_read, SpdyRole::client);
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  tasks.spawn("session", session.run());
  for (const std::string& type : arguments) {
    runtime::HttpHeaders headers;
    headers.add("streamType", type);
    auto stream = co_await session.open(std::move(headers));
    if (!stream) co_return 1;
    if (type == "error") tasks.spawn("status", note_status(stream.value()));
  }
  co_await session.closed().wait();
  co_await runtime.sleep_for(1ms);
  told.push_back("closed");
  tasks.kill();
  co_return 0;
}

Task<int> web_socket_exec_main(Runtime& runtime, std::vector<std::string> arguments) {
  std::string already_read;
  auto connection = co_await dial(runtime, already_read, "websocket", arguments.at(0));
  if (!connection) co_return 1;
  WebSocket socket(std::move(connection.value()), already_read, runtime::WebSocketRole::client, runtime.random());
  for (;;) {
    auto message = co_await socket.read();
    if (!message) break;
    told.push_back(std::to_string(message->payload[0]) + ":" + message->payload.substr(1));
  }
  told.push_back("closed");
  co_return 0;
}

Task<runtime::Result<SpdySession::StreamPointer>> open_port(SpdySession& session, std::string type, std::string port, std::string id) {
  runtime::HttpHeaders headers;
  headers.add("streamType", std::move(type));
  headers.add("port", std::move(port));
  headers.add("requestID", std::move(id));
  co_return co_await session.open(std::move(headers));
}

/// One connection for each port in its arguments, one after the other.
Task<int> forward_main(Runtime& runtime, std::vector<std::string> arguments) {
  std::string already_read;
  auto connection = co_await dial(runtime, already_read, "SPDY/3.1", "portforward.k8s.io");
  if (!connection) co_return 1;
  SpdySession session(std::move(connection.value()), already_read, SpdyRole::client);
  runtime::TaskGroup tasks(co_await runtime::CurrentStop());
  tasks.spawn("session", session.run());
  for (const std::string& port : arguments) {
    auto error = co_await open_port(session, "error", port, "id" + port);
    (void)co_await error.value()->finish();
    auto data = co_await open_port(session, "data", port, "id" + port);
    (void)co_await data.value()->write("bye");
    const std::string answer = co_await read_all(data.value());
    const std::string complaint = co_await read_all(error.value());
    told.push_back(answer + "|" + complaint);
  }
  tasks.kill();
  co_return 0;
}

class KubeletStreaming : public testing::Test {
 protected:
  KubeletStreaming() : world_({}) {
    told.clear();
    world_.register_program("kubelet", kubelet_main);
    world_.register_program("echo", echo_main);
    world_.register_program("tool", tool_main);
    world_.register_program("spdy-exec", spdy_exec_main);
    world_.register_program("web-socket-exec", web_socket_exec_main);
    world_.register_program("forward", forward_main);
    auto& node = world_.add_machine({.name = "n1", .address = "10.0.0.1", .pod_cidr = "10.244.1.0/24"});
    world_.add_machine({.name = "client", .address = "10.0.0.2"});
    (void)node.disk().make_directories("/m", 0755);
    (void)node.disk().make_directories("/images", 0755);
    (void)node.disk().write_atomically("/images/images.json", R"({"echo:1":{"executable":"/bin/echo"}})", 0644);
    (void)node.disk().write_atomically("/m/web.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: default}\nspec: {containers: [{name: web, image: 'echo:1'}]}\n", 0644);
    start(node, "/bin/kubelet", {"--pod-manifest-path=/m", "--image-store=/images", "--node-ip=10.0.0.1", "--hostname-override=n1", "--pod-cidr=10.244.1.0/24",
                                 "--anonymous-auth=true", "--authorization-mode=AlwaysAllow"});
    pass(1s);
  }
  void start(runtime::sim::Machine& machine, std::string executable, std::vector<std::string> arguments) {
    ProcessSpec spec;
    spec.executable = std::move(executable);
    spec.arguments = std::move(arguments);
    ASSERT_TRUE(machine.start(std::move(spec)));
  }
  void ask(const std::string& program, std::vector<std::string> arguments) { start(*world_.machine("client"), "/bin/" + program, std::move(arguments)); }
  void pass(Duration time) { world_.run_until(world_.now() + time); }
  std::size_t running(const std::string& program) {
    const auto processes = world_.machine("n1")->processes();
    return static_cast<std::size_t>(std::count_if(processes.begin(), processes.end(), [&](SimProcess* each) { return each->program_name() == program; }));
  }
  runtime::sim::World world_;
};

const std::string exec_tool = "/exec/default/web-n1/web?command=/bin/tool&command=5&command=3&output=1&error=1";

TEST_F(KubeletStreaming, ExecTellsTheExitCodeOnTheErrorStream) {
  target = exec_tool;
  ask("spdy-exec", {"error", "stdout", "stderr"});
  pass(4s);
  EXPECT_EQ(running("tool"), 1u);
  EXPECT_TRUE(told.empty());
  pass(3s);
  ASSERT_EQ(told.size(), 2u);
  const Json status = Json::parse(told[0]);
  EXPECT_EQ(status["reason"], "NonZeroExitCode");
  EXPECT_EQ(status["details"]["causes"][0]["message"], "3");
  EXPECT_EQ(told[1], "closed");
}

TEST_F(KubeletStreaming, ExecSpeaksWebSocketsOfAllKinds) {
  for (const char* protocol : {"v5.channel.k8s.io", "v4.channel.k8s.io"}) {
    SCOPED_TRACE(protocol);
    told.clear();
    target = exec_tool;
    ask("web-socket-exec", {protocol});
    pass(7s);
    ASSERT_EQ(told.size(), 3u);
    EXPECT_EQ(told[0], "1:") << "the greeting";
    EXPECT_EQ(told[1].substr(0, 2), "3:");
    EXPECT_EQ(Json::parse(told[1].substr(2))["details"]["causes"][0]["message"], "3");
    EXPECT_EQ(told[2], "closed");
  }
  told.clear();
  ask("web-socket-exec", {"v9.channel.k8s.io"});
  pass(1s);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].substr(0, 3), "403");
}

TEST_F(KubeletStreaming, AClientThatOpensTooFewStreamsIsLeftAfterHalfAMinute) {
  target = exec_tool;
  ask("spdy-exec", {"error", "stdout"});
  pass(29s);
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(running("tool"), 0u) << "nothing runs before all streams are there";
  pass(3s);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back(), "closed");
}

TEST_F(KubeletStreaming, RefusesWhatIsNotThereInTheRealKubeletsWords) {
  const struct {
    const char* path;
    const char* answer;
  } cases[] = {
      {"/exec/default/nobody/web?command=x&output=1", "404 pod \"nobody\" does not exist"},
      {"/exec/default/web-n1/other?command=x&output=1", "500 container not found (\"other\")"},
      {"/exec/default/web-n1/web?command=x", "400 you must specify at least 1 of stdin, stdout, stderr"},
      {"/exec/default/web-n1/web?output=1", "400 a command is needed"},
      {"/exec/default", "404 404 page not found\n"},
      {"/exec/default/web-n1/web/a/b/c?command=x&output=1", "404 404 page not found\n"},
      {"/portForward/default/nobody", "404 pod \"nobody\" does not exist"},
  };
  for (const auto& each : cases) {
    told.clear();
    target = each.path;
    ask("spdy-exec", {"error"});
    pass(1s);
    ASSERT_EQ(told.size(), 1u) << each.path;
    EXPECT_EQ(told[0], each.answer);
  }
}

TEST_F(KubeletStreaming, PortForwardCarriesBytesAndTellsOfClosedPorts) {
  target = "/portForward/default/web-n1";
  ask("forward", {"8080", "9999", "8080"});
  pass(5s);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0], "BYE|");
  EXPECT_EQ(told[1].substr(0, 45), "|error forwarding port 9999 to pod web-n1_def");
  EXPECT_EQ(told[2], "BYE|") << "one closed port does not end the others";
}

}  // namespace
}  // namespace skidpad::fakes::kubelet
