// Real binaries in place of ours, through the built program. Where there is none at hand: recording stand-ins (testdata/stand_in.sh)
// that refuse unknown flags, note what they were given, and become our own component.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "harness/cli/command_testing.hpp"
#include "harness/client/kubernetes/kubeconfig.hpp"
#include "harness/cluster/component_flags.hpp"
#include "harness/runtime/json.hpp"
#include "harness/runtime/real/real_runtime.hpp"

namespace skidpad::cli::testing {
namespace {

std::string replaced(std::string text, const std::string& before, const std::string& after) {
  for (std::size_t at = 0; (at = text.find(before, at)) != std::string::npos; at += after.size()) text.replace(at, before.size(), after);
  return text;
}

std::string write_program(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
  fs::permissions(path, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec | fs::perms::others_read);
  return path;
}

/// The flags that the stand-in knows: those of its version, by the same table that our fakes are held to below.
std::string flags_of(const std::string& component, const std::string& version) {
  std::string flags;
  for (const cluster::ComponentFlag& flag : cluster::component_flags()) {
    if (flag.component != component) continue;
    const bool taken = flag.ask || cluster::takes_flag(component, cluster::parse_version(version).value(), {}, flag.name);
    if (taken) flags += (flags.empty() ? "" : " ") + std::string(flag.name);
  }
  return flags;
}

struct StandIn {
  std::string component;
  std::string version;  ///< "v1.31.14"
  std::string becomes;  ///< path of the program
};

/// @param without  a flag this one does not know: the planted error
std::string write_stand_in(const std::string& path, const StandIn& one, const std::string& without = "") {
  std::string flags = " " + flags_of(one.component, one.version) + " ";
  if (!without.empty()) flags = replaced(flags, " " + without + " ", " ");
  std::string text = read_text(SKIDPAD_SOURCE_DIR "/harness/cli/testdata/stand_in.sh");
  text = replaced(text, "@NAME@", one.component);
  text = replaced(text, "@VERSION@", (one.component == "etcd" ? "etcd Version: " : "Kubernetes ") + one.version);
  text = replaced(text, "@FLAGS@", flags);
  text = replaced(text, "@REAL@", one.becomes);
  // Beside the program: that much of the host's /tmp a machine sees.
  const std::string record = fs::path(path).parent_path().string() + "/record";
  text = replaced(text, "@RECORD@", record);
  fs::create_directories(record);
  return write_program(path, text);
}

const std::string fakes = SKIDPAD_BINARY_DIR "/fakes/";

struct BadAssets {
  const char* name;
  std::vector<std::string> flags;
  std::vector<std::string> said;
};

// Goal: a binary that cannot be used costs one line with its path, exit 64, and nothing is touched.
TEST(Assets, ThatCannotBeUsedAreOneLineAndTouchNothing) {
  Scratch scratch;
  const std::string good = write_program(scratch.path("dir/v1.31.14/kube-scheduler"), "#!/bin/sh\necho Kubernetes v1.31.14\n");
  const std::string garbage = write_program(scratch.path("garbage"), "#!/bin/sh\nprintf 'hello\\001\\nworld\\n'\n");
  const std::string silent = write_program(scratch.path("silent"), "#!/bin/sh\n");
  const std::string foreign = write_program(scratch.path("foreign"), std::string("\x7f" "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0", 20));
  const std::string plain = scratch.write("plain", "no program\n");
  write_program(scratch.path("flat/kube-apiserver"), "#!/bin/sh\necho Kubernetes v1.31.14\n");
  fs::create_directories(scratch.path("empty/v1.31.14"));
  fs::create_directories(scratch.path("nothing"));
  fs::create_directories(scratch.path("two/v1.30.1"));
  fs::create_directories(scratch.path("two/v1.31.14"));
  const BadAssets table[] = {
      {"missing", {"--component=etcd=" + scratch.path("none")}, {scratch.path("none"), "No such file"}},
      {"not executable", {"--component=etcd=" + plain}, {plain, "not executable"}},
      {"a directory", {"--component=etcd=" + scratch.path("dir")}, {"is no file"}},
      {"of another machine", {"--component=kube-apiserver=" + foreign}, {foreign, "cannot be run here"}},
      {"garbage", {"--component=kube-apiserver=" + garbage}, {garbage, "\"hello? ...\"", "Kubernetes vX.Y.Z"}},
      {"silent", {"--component=kube-apiserver=" + silent}, {silent, "nothing"}},
      {"of another component", {"--component=etcd=" + good}, {good, "etcd Version: X.Y.Z"}},
      {"no name", {"--component=" + good}, {"expected NAME=PATH"}},
      {"unknown name", {"--component=kube-proxy=" + good}, {"kube-proxy", "cannot be swapped"}},
      {"twice", {"--component=kube-scheduler=" + good, "--component=kube-scheduler=" + good}, {"twice"}},
      {"a kubelet without runtime", {"--component=kubelet=" + good, "--container-runtime-endpoint=unix://" + scratch.path("no.sock")}, {"needs a container runtime", scratch.path("no.sock") + " (No such file", "mend: "}},
      {"a runtime that does not listen", {"--component=kubelet=" + good, "--container-runtime-endpoint=unix://" + plain}, {plain + " (Connection refused)"}},
      {"an endpoint of another kind", {"--component=kubelet=" + good, "--container-runtime-endpoint=tcp://localhost:1"}, {"expected unix:///PATH"}},
      {"no directory", {"--assets=" + scratch.path("none")}, {scratch.path("none"), "is no directory"}},
      {"no version folder", {"--assets=" + scratch.path("nothing")}, {"holds no version"}},
      {"flat folder", {"--assets=" + scratch.path("flat")}, {"kube-apiserver lies in DIR itself"}},
      {"empty version", {"--assets=" + scratch.path("empty")}, {"holds none of"}},
      {"another release", {"--assets=" + scratch.path("dir"), "--release=v1.29.0"}, {"--release: v1.29.0", "holds v1.31.14"}},
      {"which of two", {"--assets=" + scratch.path("two")}, {"--release is needed", "v1.30.1, v1.31.14"}},
  };
  const auto before = scratch.listing();
  for (const BadAssets& one : table) {
    for (const char* verb : {"up", "run"}) {
      SCOPED_TRACE(std::string(one.name) + ", " + verb);
      std::vector<std::string> arguments = {verb};
      arguments.insert(arguments.end(), one.flags.begin(), one.flags.end());
      if (verb == std::string("run")) arguments.insert(arguments.end(), {"--driver=process", "--out=" + scratch.path("out")});
      const Outcome outcome = run_skidpad(scratch, arguments);
      EXPECT_EQ(outcome.code, 64) << outcome.error;
      EXPECT_EQ(line_count(outcome.error), 1u) << outcome.error;
      for (const std::string& text : one.said) EXPECT_NE(outcome.error.find(text), std::string::npos) << outcome.error;
    }
  }
  auto after = scratch.listing();
  after.erase(std::remove_if(after.begin(), after.end(), [](const std::string& name) { return name == ".out" || name == ".error"; }), after.end());
  EXPECT_EQ(after, before);
  const Outcome sim = run_skidpad(scratch, {"run", "--driver=sim", "--component=kube-scheduler=" + good});
  EXPECT_EQ(sim.code, 64);
  EXPECT_NE(sim.error.find("--driver=process"), std::string::npos) << sim.error;
  const Outcome hollow = run_skidpad(scratch, {"up", "--hollow-nodes=2", "--hollow-proxies"});
  EXPECT_EQ(hollow.code, 64);
  EXPECT_NE(hollow.error.find("kubemark"), std::string::npos) << hollow.error;
}

TEST(Assets, AreListedByDoctorAndInADryRun) {
  Scratch scratch;
  write_program(scratch.path("dir/v1.31.14/kube-scheduler"), "#!/bin/sh\necho Kubernetes v1.31.14\n");
  write_program(scratch.path("dir/1.33.2/kubelet"), "#!/bin/sh\necho Kubernetes v1.33.2\n");
  write_program(scratch.path("dir/1.33.2/etcd"), "#!/bin/sh\necho 'etcd Version: 3.5.21'\n");
  const Outcome good = run_skidpad(scratch, {"doctor", "--assets=" + scratch.path("dir")});
  EXPECT_NE(good.out.find("v1.31.14/kube-scheduler    v1.31.14, sha256 "), std::string::npos) << good.out;
  EXPECT_NE(good.out.find("1.33.2/etcd                3.5.21"), std::string::npos) << good.out;
  EXPECT_NE(good.out.find("v1.33.2, sha256 "), std::string::npos) << good.out;
  // Hosts of tests have no container runtime; a name that does not answer makes sure of it.
  CommandOptions no_runtime;
  no_runtime.environment["CONTAINER_RUNTIME_ENDPOINT"] = "unix://" + scratch.path("no.sock");
  const Outcome kubelet = run_skidpad(scratch, {"doctor", "--assets=" + scratch.path("dir")}, no_runtime);
  EXPECT_NE(kubelet.out.find("limited  1.33.2/kubelet"), std::string::npos) << kubelet.out;
  EXPECT_NE(kubelet.out.find("a real kubelet needs a container runtime, and none answers: tried " + scratch.path("no.sock")), std::string::npos) << kubelet.out;
  // With and without the leading v.
  for (const char* release : {"v1.33.2", "1.33.2"}) {
    const Outcome plan = run_skidpad(scratch, {"run", "--driver=process", "--dry-run", "--assets=" + scratch.path("dir"), std::string("--release=") + release});
    EXPECT_EQ(plan.code, 0) << plan.error;
    EXPECT_NE(plan.out.find("binary    etcd 3.5.21 (--assets) " + scratch.path("dir/1.33.2/etcd")), std::string::npos) << plan.out;
  }
  write_program(scratch.path("dir/v1.31.14/kube-apiserver"), "#!/bin/sh\necho no\n");
  const Outcome bad = run_skidpad(scratch, {"doctor", "--assets=" + scratch.path("dir")});
  EXPECT_EQ(bad.code, 1);
  EXPECT_NE(bad.out.find("bad      v1.31.14/kube-apiserver"), std::string::npos) << bad.out;
}

// Goal: wherever a real component's flags stand in a script or manifest, ours takes its place. Method: each of our programs gets every
// flag of the table that a covered version takes, and one that nobody has: only that one is refused.
TEST(OurComponents, TakeTheFlagsOfTheRealOnes) {
  Scratch scratch;
  for (const std::string component : {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"}) {
    SCOPED_TRACE(component);
    std::vector<std::string> command = {fakes + component};
    for (const cluster::ComponentFlag& flag : cluster::component_flags()) {
      if (flag.component != component || (flag.until != 0 && flag.until < 29)) continue;
      const char* value = flag.type == 'b' ? "true" : flag.type == 'i' ? "1" : flag.type == 'd' ? "1s" : "x=x";
      command.push_back("--" + std::string(flag.name) + "=" + value);
    }
    command.push_back("--nobody-has-this=1");
    const Outcome outcome = Command(scratch, command).wait(20s);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE((outcome.error + outcome.out).find("unknown flag: --nobody-has-this"), std::string::npos) << outcome.error << outcome.out;
    const Outcome version = Command(scratch, {fakes + component, "--version"}).wait(20s);
    EXPECT_EQ(version.out, "Kubernetes v1.32.13\n");
  }
}

class StandInTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  void TearDown() override {
    if (::geteuid() == 0) run_skidpad(scratch_, {"down"});
    if (runtime_ >= 0) ::close(runtime_);
  }
  void make_stand_ins(const std::string& version) {
    for (const std::string component : {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubemark"}) {
      write_stand_in(scratch_.path("dir/" + version + "/" + component), {component, version, fakes + (component == "kubemark" ? "kubelet" : component)});
    }
    // Where a container runtime would listen: what the command looks for before it gives a node to a real kubelet.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = scratch_.path("dir/" + version + "/containerd.sock");
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    runtime_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(runtime_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(runtime_, 8), 0);
  }
  Scratch scratch_;
  int runtime_ = -1;
};

// Goal: a cluster comes up with every component swapped; each was given flags of its version, files that exist, and certificates
// that say who it is. `status` tells whose binary each one is.
TEST_F(StandInTest, TakeEveryPlaceInAClusterThatComesUp) {
  make_stand_ins("v1.31.14");
  const Outcome up = run_skidpad(scratch_, {"up", "--topology=standalone", "--workers=2", "--no-healer", "--assets=" + scratch_.path("dir"), "--hollow-nodes=2", "--hollow-proxies", "--profile=fast",
                                        "--container-runtime-endpoint=unix://" + scratch_.path("dir/v1.31.14/containerd.sock")}, {}, 120s);
  ASSERT_EQ(up.code, 0) << up.error;
  for (const auto& entry : fs::directory_iterator(scratch_.path("dir/v1.31.14/record"))) {
    const std::string file = entry.path().filename();
    EXPECT_FALSE(file.ends_with(".refused") || file.ends_with(".missing")) << file << ": " << read_text(entry.path());
  }
  runtime::RealRuntime runtime;
  const auto facts = [&](const std::string& file) { return runtime.pki().read_certificate(read_text(scratch_.path("dir/v1.31.14/record/" + file))); };
  for (const char* certificate : {"kube-apiserver.tls-cert-file", "kube-apiserver.client-ca-file", "kube-apiserver.etcd-certfile", "kube-apiserver.proxy-client-cert-file",
                                  "kube-apiserver.kubelet-client-certificate", "kube-controller-manager.cluster-signing-cert-file"}) {
    EXPECT_TRUE(facts(certificate).has_value()) << certificate;
  }
  for (const auto& [component, user] : {std::pair{"kube-controller-manager", "system:kube-controller-manager"}, {"kube-scheduler", "system:kube-scheduler"}, {"kubemark", "system:node:hollow-1"}}) {
    const std::string text = read_text(scratch_.path("dir/v1.31.14/record/" + std::string(component) + ".kubeconfig"));
    auto config = client::parse_kubeconfig(text, runtime.disk(), "/");
    ASSERT_TRUE(config.has_value()) << component;
    const std::string common_name = runtime.pki().read_certificate(config.value().certificate_pem).value().common_name;
    if (component != std::string("kubemark")) EXPECT_EQ(common_name, user);
    else EXPECT_TRUE(common_name.starts_with("system:node:hollow-")) << common_name;
  }
  // The kubelet of worker-1 alone: a configuration for a container runtime, and its certificate by a bootstrap token.
  const std::string kubelet = read_text(scratch_.path("dir/v1.31.14/record/kubelet.arguments"));
  EXPECT_NE(kubelet.find("--hostname-override=worker-1\n"), std::string::npos) << kubelet;
  EXPECT_EQ(kubelet.find("worker-2"), std::string::npos) << kubelet;
  EXPECT_NE(read_text(scratch_.path("dir/v1.31.14/record/kubelet.config")).find("\"containerRuntimeEndpoint\": \"unix://" + scratch_.path("dir/v1.31.14/containerd.sock")), std::string::npos);
  EXPECT_NE(up.error.find("note: kubelet: on worker-1, over unix://"), std::string::npos) << up.error;
  EXPECT_NE(read_text(scratch_.path("dir/v1.31.14/record/kubemark.proxies")).find("--morph=proxy"), std::string::npos);
  const Outcome status = run_skidpad(scratch_, {"status"});
  EXPECT_EQ(status.code, 0) << status.error << status.out;
  EXPECT_NE(status.out.find("hollow-2 "), std::string::npos) << status.out;
  EXPECT_NE(status.out.find(scratch_.path("dir/v1.31.14/kube-apiserver")), std::string::npos) << status.out;
  EXPECT_NE(status.out.find("--assets"), std::string::npos) << status.out;
  EXPECT_NE(status.out.find("host "), std::string::npos) << "etcd stays the host's: " << status.out;
}

struct Failing {
  const char* component;
  const char* verb;
  std::string script;  ///< what it does in place of its work
  std::vector<std::string> said;
};

// Goal: a component that cannot be run ends `up` and `run` within seconds, with its name, its exit code and what it said last, and
// nothing of the cluster remains. The first one is the planted error of the table of flags: a scheduler that lacks one of them.
TEST_F(StandInTest, ThatCannotBeRunEndTheCommandInSeconds) {
  const std::string lacking = write_stand_in(scratch_.path("odd/kube-scheduler"), {"kube-scheduler", "v1.32.13", fakes + "kube-scheduler"}, "bind-address");
  const auto script = [](const std::string& component, const std::string& rest) {
    return "#!/bin/sh\n[ \"$1\" = --version ] && { echo '" + std::string(component == "etcd" ? "etcd Version: 3.5.21" : "Kubernetes v1.31.14") + "'; exit 0; }\n" + rest + "\n";
  };
  const Failing table[] = {
      {"kube-scheduler", "up", "", {"kube-scheduler on node-1", "exit code 1", "unknown flag: --bind-address"}},
      {"kube-apiserver", "up", script("kube-apiserver", "echo first; echo E1122 no such key >&2; exit 3"), {"kube-apiserver on node-1", "exit code 3", "E1122 no such key"}},
      {"etcd", "run", script("etcd", "echo panic: broken; kill -ABRT $$"), {"etcd on control-plane-", "exit code 134", "panic: broken"}},
  };
  for (const Failing& one : table) {
    SCOPED_TRACE(std::string(one.component) + ", " + one.verb);
    const std::string path = one.script.empty() ? lacking : write_program(scratch_.path("bad/" + std::string(one.component)), one.script);
    std::vector<std::string> arguments = {one.verb, "--component=" + std::string(one.component) + "=" + path};
    const std::vector<std::string> more = one.verb == std::string("up") ? std::vector<std::string>{"--topology=standalone", "--workers=0", "--no-healer"}
                                                                        : std::vector<std::string>{"node-loss", "--driver=process", "--quiet", "--out=" + scratch_.path("out")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto begun = std::chrono::steady_clock::now();
    const Outcome outcome = run_skidpad(scratch_, arguments, {}, 60s);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 30s);
    EXPECT_EQ(outcome.code, 1) << outcome.error;
    for (const std::string& text : one.said) EXPECT_NE(outcome.error.find(text), std::string::npos) << outcome.error;
    EXPECT_EQ(traces_of(scratch_.path("state")), std::vector<std::string>());
    EXPECT_EQ(traces_of(scratch_.path("out")), std::vector<std::string>());
    EXPECT_FALSE(fs::exists(scratch_.path("state/default")));
  }
  EXPECT_EQ(read_text(scratch_.path("odd/record/kube-scheduler.refused")).substr(0, 15), "--bind-address\n");
  EXPECT_TRUE(fs::exists(scratch_.path("state/default.logs"))) << "the whole logs are kept";
}

}  // namespace
}  // namespace skidpad::cli::testing
