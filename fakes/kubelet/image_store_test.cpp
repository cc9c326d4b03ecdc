#include "fakes/kubelet/image_store.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kubelet {
namespace {

using Words = std::vector<std::string>;

TEST(CommandLine, ACommandReplacesTheEntryPointUnlessItNamesTheImagesProgram) {
  Image image;
  image.name = "registry.k8s.io/kube-apiserver:v1.32.13";
  image.executable = "/opt/real-apiserver";
  image.arguments = {"--extra"};
  const struct {
    Words command, arguments;
    std::string executable;
    Words expected;
  } cases[] = {
      {{}, {"--a"}, "/opt/real-apiserver", {"--extra", "--a"}},
      {{"kube-apiserver", "--b"}, {"--a"}, "/opt/real-apiserver", {"--extra", "--b", "--a"}},
      {{"/usr/local/bin/real-apiserver"}, {}, "/opt/real-apiserver", {"--extra"}},
      {{"/bin/sh", "-c", "true"}, {}, "/bin/sh", {"-c", "true"}},
  };
  for (const auto& one : cases) {
    const CommandLine line = command_line(image, one.command, one.arguments);
    EXPECT_EQ(line.executable, one.executable);
    EXPECT_EQ(line.arguments, one.expected);
  }
}

TEST(ImageName, IsSpelledOutAsContainerRuntimesDo) {
  EXPECT_EQ(full_image_name("nginx"), "docker.io/library/nginx:latest");
  EXPECT_EQ(full_image_name("skidpad/workload:1"), "docker.io/skidpad/workload:1");
  EXPECT_EQ(full_image_name("registry.k8s.io/etcd:3.5.1"), "registry.k8s.io/etcd:3.5.1");
  EXPECT_EQ(full_image_name("localhost/x:1"), "localhost/x:1");
}

TEST(Images, RefuseWhatIsNotAnImage) {
  EXPECT_TRUE(parse_images(R"({"a:1":{"executable":"/x","arguments":["1"],"environment":{"A":"b"}}})"));
  for (const char* bad : {"", "[]", "{\"a\":{}}", R"({"a":{"executable":"/x","arguments":[1]}})", R"({"a":{"executable":"/x","environment":{"A":1}}})"}) {
    EXPECT_FALSE(parse_images(bad)) << bad;
  }
}

}  // namespace
}  // namespace skidpad::fakes::kubelet
