#include "harness/client/machines/machine.hpp"

#include <gtest/gtest.h>

#include "harness/client/machines/link_rule.hpp"

namespace skidpad::client::machines {
namespace {

using namespace std::chrono_literals;

Machine machine_at(const std::string& root) {
  Machine machine;
  machine.spec.name = "worker-1";
  machine.spec.address = "10.240.1.4";
  machine.root = root;
  return machine;
}

TEST(MachineSpec, RefusesWrongFieldsByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"([])", "body: "},
      {R"({"nmae":"a"})", "nmae: "},
      {R"({"name":7})", "name: "},
      {R"({"name":"Upper"})", "name: "},
      {R"({"name":"-a"})", "name: "},
      {R"({"name":"a/b"})", "name: "},
      {R"({"name":"provider"})", "name: "},
      {R"({"address":"10.1"})", "address: "},
      {R"({"labels":[]})", "labels: "},
      {R"({"labels":{"a":1}})", "labels.a: "},
      {R"({"files":{}})", "files: "},
      {R"({"files":[{"path":"etc/x"}]})", "files[0].path: "},
      {R"({"files":[{"path":"/x"},{"path":"/y","mode":99999}]})", "files[1].mode: "},
      {R"({"files":[{"path":"/x","content":1}]})", "files[0].content: "},
      {R"({"units":[{"argv":["/bin/true"]}]})", "units[0].name: "},
      {R"({"units":[{"name":"a/b","argv":["/bin/true"]}]})", "units[0].name: "},
      {R"({"units":[{"name":"a","argv":[]}]})", "units[0].argv: "},
      {R"({"units":[{"name":"a","argv":["x",2]}]})", "units[0].argv[1]: "},
      {R"({"units":[{"name":"a","argv":["x"],"env":{"A":1}}]})", "units[0].env.A: "},
      {R"({"units":[{"name":"a","argv":["x"],"restart_seconds":-1}]})", "units[0].restart_seconds: "},
      {R"({"units":[{"name":"a","argv":["x"]},{"name":"a","argv":["x"]}]})", "units[1].name: "},
      {R"({"units":[{"name":"a","argv":["x"],"restart":1}]})", "units[0].restart: "},
  };
  for (const auto& [text, field] : cases) {
    const auto spec = machine_spec_from_json(Json::parse(text));
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(spec.error().code, runtime::ErrorCode::invalid);
    EXPECT_EQ(spec.error().message.rfind(std::string(field) + "expected ", 0), 0U) << text << " -> " << spec.error().message;
  }
}

TEST(MachineSpec, SurvivesItsJsonForm) {
  MachineSpec spec;
  spec.name = "a";
  spec.address = "10.240.1.1";
  spec.labels["role"] = "worker";
  spec.files.push_back(MachineFile{"/etc/x", "text", 0600});
  spec.units.push_back(MachineUnit{"kubelet", {"/bin/kubelet", "--v=2"}, {{"A", "b"}}, 0.5});
  const auto read = machine_spec_from_json(to_json(spec));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(read.value()), to_json(spec));
}

TEST(MachineSpec, TakesTheRoleAsALabel) {
  EXPECT_EQ(machine_spec_from_json(Json{{"role", "worker"}}).value().labels.at("role"), "worker");
}

TEST(Machine, SurvivesItsJsonForm) {
  Machine machine = machine_at("/x/disk");
  machine.state = MachineState::off;
  machine.last_error = "broken";
  machine.boot_count = 3;
  machine.spec.units.push_back(MachineUnit{"u", {"x"}, {}, 1});
  EXPECT_EQ(to_json(machine_from_json(to_json(machine)).value()), to_json(machine));
}

TEST(MachineExpand, ReplacesOnlyTheThreeVariables) {
  EXPECT_EQ(expand("${ROOT}/etc ${NAME}@${ADDRESS} ${HOME} $NAME ${NAM", machine_at("/d")), "/d/etc worker-1@10.240.1.4 ${HOME} $NAME ${NAM");
  EXPECT_EQ(expand("${ROOT}/etc", machine_at("")), "/etc");
}

TEST(MachineExpand, KeepsFilesBelowTheRoot) {
  const std::pair<const char*, const char*> cases[] = {
      {"/etc/x", "/d/etc/x"}, {"${ROOT}/etc/x", "/d/etc/x"}, {"/d/etc/x", "/d/etc/x"}, {"/a/../b", "/d/a/../b"}};
  for (const auto& [path, expected] : cases) EXPECT_EQ(expand(MachineFile{path, "", 0644}, machine_at("/d")).value().path, expected);
  for (const char* path : {"/../x", "/a/../../x", "${ROOT}/../x"}) {
    EXPECT_FALSE(expand(MachineFile{path, "", 0644}, machine_at("/d"))) << path;
  }
}

TEST(LinkRule, ReadsBothDirectionsAtOnce) {
  const auto changes = link_changes_from_json(Json::parse(R"({"from":"a","to":"b","both":true,"loss":"1/20","delay":"20ms","cut":true})"), "links[0]");
  ASSERT_TRUE(changes) << changes.error().message;
  ASSERT_EQ(changes.value().size(), 2U);
  EXPECT_EQ(changes.value()[1].link, (LinkName{"b", "a"}));
  EXPECT_EQ(changes.value()[0].rule.loss, (Ratio{1, 20}));
  EXPECT_EQ(changes.value()[0].rule.delay, 20ms);
  EXPECT_TRUE(changes.value()[0].rule.cut);
}

TEST(LinkRule, RefusesWrongFieldsByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"from":"a"})", "links[0].to: "},
      {R"({"from":"a","to":"a"})", "links[0].to: "},
      {R"({"from":"a","to":"b","loss":0.5})", "links[0].loss: "},
      {R"({"from":"a","to":"b","loss":"2/1"})", "links[0].loss: "},
      {R"({"from":"a","to":"b","loss":"1/0"})", "links[0].loss: "},
      {R"({"from":"a","to":"b","delay":"-1s"})", "links[0].delay: "},
      {R"({"from":"a","to":"b","delay":20})", "links[0].delay: "},
      {R"({"from":"a","to":"b","dely":"1s"})", "links[0].dely: "},
  };
  for (const auto& [text, field] : cases) {
    const auto changes = link_changes_from_json(Json::parse(text), "links[0]");
    ASSERT_FALSE(changes) << text;
    EXPECT_EQ(changes.error().message.rfind(field, 0), 0U) << changes.error().message;
  }
}

TEST(LinkStatus, SurvivesItsJsonForm) {
  LinkStatus status{LinkName{"a", "b"}, LinkRule{}, LinkCounters{}};
  status.rule.jitter = 3ms;
  status.counters.lost = 7;
  status.counters.bytes = 1ULL << 40;
  EXPECT_EQ(to_json(link_status_from_json(to_json(status)).value()), to_json(status));
}

}  // namespace
}  // namespace skidpad::client::machines
