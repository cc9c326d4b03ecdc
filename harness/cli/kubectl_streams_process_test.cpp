// The installed kubectl talks with containers: exec, logs, port-forward, attach, cp, through API server and kubelet.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "harness/cli/command_testing.hpp"

namespace skidpad::cli::testing {
namespace {

constexpr char talking_pods[] = R"(apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: web, image: "skidpad/workload:1", readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}}
---
apiVersion: v1
kind: Pod
metadata: {name: talker}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: talker
    image: skidpad/workload:1
    command: [sh, -c, 'n=0; while :; do n=$((n+1)); echo line $n; sleep 0.1; done']
)";

/// The body of an answer, or "" if nobody answered.
std::string http_get(int port, const std::string& path) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval limit{5, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string text;
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    (void)!::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
    char buffer[4096];
    for (ssize_t count = 0; (count = ::recv(socket, buffer, sizeof buffer, 0)) > 0;) text.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(socket);
  const std::size_t body = text.find("\r\n\r\n");
  return body == std::string::npos ? "" : text.substr(body + 4);
}

TEST(Kubectl, TalksWithContainers) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const Scratch scratch;
  if (Command(scratch, {"kubectl", "version", "--client"}).wait(30s).code != 0) GTEST_SKIP() << "no kubectl on this machine";
  const Outcome up = run_skidpad(scratch, {"up", "--topology=standalone", "--workers=1"}, {}, 120s);
  ASSERT_EQ(up.code, 0) << up.error;
  struct Down {
    ~Down() { run_skidpad(scratch, {"down"}); }
    const Scratch& scratch;
  } down{scratch};
  const std::string prefix = "export KUBECONFIG=";
  std::string kubeconfig = up.out.substr(up.out.find(prefix) + prefix.size());
  kubeconfig = kubeconfig.substr(0, kubeconfig.find('\n'));
  const auto command = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"kubectl", "--kubeconfig=" + kubeconfig});
    return words;
  };
  const auto kubectl = [&](std::vector<std::string> words) { return Command(scratch, command(std::move(words))).wait(30s); };
  const auto shell = [&](const std::string& line) { return Command(scratch, {"sh", "-c", "kubectl() { command kubectl --kubeconfig=" + kubeconfig + " \"$@\"; }; " + line}).wait(30s); };
  ASSERT_EQ(kubectl({"create", "-f", scratch.write("pods.yaml", talking_pods)}).code, 0);
  const Outcome ready = kubectl({"wait", "--for=condition=Ready", "pod/web", "pod/talker", "--timeout=25s"});
  ASSERT_EQ(ready.code, 0) << ready.error;

  const Outcome failed = kubectl({"exec", "web", "--", "sh", "-c", "echo out; echo error >&2; exit 3"});
  EXPECT_EQ(failed.code, 3) << failed.error;
  EXPECT_EQ(failed.out, "out\n");
  EXPECT_EQ(failed.error.substr(0, 6), "error\n");
  const Outcome piped = shell("printf 'to you' | kubectl exec -i web -- tr a-z A-Z");
  EXPECT_EQ(piped.out, "TO YOU") << piped.error;
  const Outcome large = shell("head -c 5000000 /dev/zero | kubectl exec -i web -- cat | wc -c");
  EXPECT_EQ(std::atoi(large.out.c_str()), 5000000) << large.error;
  const Outcome missing = kubectl({"exec", "web", "--", "no-such-program"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_NE(missing.error.find("executable file not found in $PATH"), std::string::npos) << missing.error;
  EXPECT_EQ(kubectl({"exec", "web", "-c", "nobody", "--", "true"}).error, "Error from server (BadRequest): container nobody is not valid for pod web\n");

  // Input of the container itself: its program begins when kubectl is attached and ends when kubectl's input does.
  const Outcome typed = shell("printf 'to a pod\\n' | kubectl run typed -i --rm --restart=Never --image=skidpad/workload:1 --command -- tr a-z A-Z");
  EXPECT_EQ(typed.code, 0) << typed.error;
  EXPECT_NE(typed.out.find("TO A POD"), std::string::npos) << typed.out << typed.error;

  // kubectl 1.20 knows another form of this request.
  if (kubectl({"version", "--client"}).out.find("v1.20.") == std::string::npos) {
    // Without stdinOnce input never ends, here as there: the program has to know when it has read enough.
    const Outcome debug = shell("printf 'a look\\n' | kubectl debug web -i --image=skidpad/workload:1 -c look -- sh -c 'read line; echo got $line'");
    EXPECT_NE(debug.out.find("got a look"), std::string::npos) << debug.out << debug.error;
    EXPECT_EQ(kubectl({"get", "pod", "web", "-o=jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode} {.status.phase} {.status.containerStatuses[0].ready}"}).out,
              "0 Running true");
  }

  EXPECT_EQ(kubectl({"logs", "talker", "--limit-bytes=7"}).out, "line 1\n");
  EXPECT_EQ(line_count(kubectl({"logs", "talker", "--tail=3"}).out), 3u);
  const std::string stamped = kubectl({"logs", "talker", "--tail=1", "--timestamps"}).out;
  ASSERT_GT(stamped.size(), 31u);
  EXPECT_EQ(stamped.substr(19, 1) + stamped.substr(29, 6), ".Z line") << stamped;
  EXPECT_EQ(kubectl({"logs", "talker", "--previous"}).error,
            "Error from server (BadRequest): previous terminated container \"talker\" in pod \"talker\" not found\n");
  {
    const Scratch own;  // a command writes where its scratch says, and this one runs beside others
    Command follow(own, command({"logs", "-f", "talker", "--tail=1"}));
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (line_count(follow.out()) < 10 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(20ms);
    EXPECT_GE(line_count(follow.out()), 10u) << follow.error();
    kubectl({"delete", "pod", "talker", "--wait=false"});
    EXPECT_EQ(follow.wait(20s).code, 0) << "the log of a container that has ended ends";
  }

  const Scratch own;
  Command forward(own, command({"port-forward", "pod/web", ":8080"}));
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (forward.out().find(" -> ") == std::string::npos && forward.running() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(20ms);
  const std::string line = forward.out();
  ASSERT_EQ(line.substr(0, 26), "Forwarding from 127.0.0.1:") << line << forward.error();
  const int port = std::atoi(line.c_str() + 26);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(http_get(port, "/healthz"), "ok");
  EXPECT_EQ(kubectl({"get", "--raw", "/api/v1/namespaces/default/pods/web:8080/proxy/healthz"}).out, "ok");
}

}  // namespace
}  // namespace skidpad::cli::testing
