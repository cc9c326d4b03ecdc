#include "fakes/kubelet/path_mapping.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kubelet {
namespace {

TEST(PathMapping, RewritesWholePathPrefixesOnly) {
  PathMappings mappings;
  mappings.add("/etc/pki/", "/node/1/pki");
  mappings.add("/etc/pki/etcd", "/node/1/etcd-pki");
  mappings.add("/same", "/same");
  mappings.add("/", "/everything");
  const struct {
    const char* before;
    const char* after;
  } cases[] = {
      {"/etc/pki", "/node/1/pki"},
      {"--ca=/etc/pki/ca.crt", "--ca=/node/1/pki/ca.crt"},
      {"--etcd=/etc/pki/etcd/ca.crt,/etc/pki/x", "--etcd=/node/1/etcd-pki/ca.crt,/node/1/pki/x"},
      {"/etc/pkix", "/etc/pkix"},
      {"/x/etc/pki", "/x/etc/pki"},
      {"cat /etc/pki/a; ls '/etc/pki'", "cat /node/1/pki/a; ls '/node/1/pki'"},
      {"/same/a", "/same/a"},
      {"", ""},
  };
  for (const auto& one : cases) EXPECT_EQ(mappings.rewrite(one.before), one.after);
}

}  // namespace
}  // namespace skidpad::fakes::kubelet
