#include "fakes/kube_proxy/service_table.hpp"

#include <gtest/gtest.h>

namespace skidpad::fakes::kube_proxy {
namespace {

Endpoint at(const std::string& text) { return runtime::parse_endpoint(text).value(); }

class ServiceTableTest : public testing::Test {
 protected:
  ServiceTableTest() { add_service_index(slices_); }
  void service(const std::string& json) { services_.put(std::make_shared<const Json>(Json::parse(json))); }
  void slice(const std::string& json) { slices_.put(std::make_shared<const Json>(Json::parse(json))); }
  void web() {
    service(R"({"metadata":{"name":"web","namespace":"default"},"spec":{"clusterIP":"10.96.0.7","clusterIPs":["10.96.0.7"],
      "ports":[{"name":"http","port":80,"targetPort":8080,"nodePort":30080}]}})");
    slice(R"({"metadata":{"name":"web-1","namespace":"default","labels":{"kubernetes.io/service-name":"web"}},"addressType":"IPv4",
      "ports":[{"name":"http","port":8080,"protocol":"TCP"}],
      "endpoints":[{"addresses":["10.244.1.2"],"nodeName":"n1","conditions":{"ready":true}},
                   {"addresses":["10.244.2.2"],"nodeName":"n2","conditions":{"ready":false}},
                   {"addresses":["10.244.2.3"],"nodeName":"n2","conditions":{}}]})");
  }
  ServiceTable table() { return make_service_table(services_, slices_, "10.0.0.1", "n1"); }
  DnsAnswer ask(const std::string& name, DnsType type = DnsType::a) {
    DnsQuestion question;
    question.name = question.name_as_sent = name;
    question.type = static_cast<std::uint16_t>(type);
    return DnsZone(services_, slices_, "cluster.local").answer(question);
  }
  std::vector<std::string> addresses(const std::string& name) {
    std::vector<std::string> found;
    for (const DnsRecord& record : ask(name).records) found.push_back(record.target);
    return found;
  }
  client::Store services_;
  client::Store slices_;
};

TEST_F(ServiceTableTest, ListensOnClusterIpAndNodePortForReadyEndpoints) {
  web();
  const ServiceTable made = table();
  ASSERT_EQ(made.size(), 2u);
  const std::vector<Endpoint> ready{at("10.244.1.2:8080"), at("10.244.2.3:8080")};
  EXPECT_EQ(made.at(at("10.96.0.7:80")), ready);
  EXPECT_EQ(made.at(at("10.0.0.1:30080")), ready);
}

TEST_F(ServiceTableTest, TerminatingEndpointsServeOnlyWhereNoneIsReady) {
  service(R"({"metadata":{"name":"a","namespace":"x"},"spec":{"clusterIP":"10.96.0.8","ports":[{"port":80}]}})");
  slice(R"({"metadata":{"name":"a-1","namespace":"x","labels":{"kubernetes.io/service-name":"a"}},"ports":[{"name":"","port":1}],
    "endpoints":[{"addresses":["10.1.1.1"],"conditions":{"ready":false,"serving":true,"terminating":true}},{"addresses":["10.1.1.2"],"conditions":{"ready":false}}]})");
  EXPECT_EQ(table().at(at("10.96.0.8:80")), std::vector<Endpoint>{at("10.1.1.1:1")});
}

TEST_F(ServiceTableTest, LeavesOutWhatItCannotServe) {
  service(R"({"metadata":{"name":"headless","namespace":"x"},"spec":{"clusterIP":"None","ports":[{"port":80}]}})");
  service(R"({"metadata":{"name":"udp","namespace":"x"},"spec":{"clusterIP":"10.96.0.9","ports":[{"port":53,"protocol":"UDP"}]}})");
  service(R"({"metadata":{"name":"alias","namespace":"x"},"spec":{"type":"ExternalName","externalName":"example.org","ports":[{"port":80}]}})");
  EXPECT_TRUE(table().empty());
}

TEST_F(ServiceTableTest, DnsAnswersForServicesEndpointsAndPods) {
  web();
  service(R"({"metadata":{"name":"db","namespace":"default"},"spec":{"clusterIP":"None","ports":[{"name":"sql","port":5432}]}})");
  slice(R"({"metadata":{"name":"db-1","namespace":"default","labels":{"kubernetes.io/service-name":"db"}},"ports":[{"name":"sql","port":5432}],
    "endpoints":[{"addresses":["10.244.1.9"],"hostname":"db-0","conditions":{"ready":true}},{"addresses":["10.244.1.8"],"conditions":{"ready":true}}]})");
  service(R"({"metadata":{"name":"alias","namespace":"default"},"spec":{"type":"ExternalName","externalName":"example.org"}})");
  using Texts = std::vector<std::string>;
  EXPECT_EQ(addresses("web.default.svc.cluster.local"), Texts{"10.96.0.7"});
  EXPECT_EQ(addresses("db.default.svc.cluster.local"), (Texts{"10.244.1.8", "10.244.1.9"}));
  EXPECT_EQ(addresses("db-0.db.default.svc.cluster.local"), Texts{"10.244.1.9"});
  EXPECT_EQ(addresses("10-244-1-9.default.pod.cluster.local"), Texts{"10.244.1.9"});
  EXPECT_EQ(addresses("alias.default.svc.cluster.local"), Texts{"example.org"});
  for (const char* absent : {"nobody.default.svc.cluster.local", "web.other.svc.cluster.local", "example.org", "x.web.default.svc.cluster.local",
                             "a.b.c.web.default.svc.cluster.local", "web.default.svc.cluster.local.default.svc.cluster.local"}) {
    EXPECT_EQ(ask(absent).code, DnsCode::no_such_name) << absent;
  }
  EXPECT_EQ(ask("web.default.svc.cluster.local", DnsType::aaaa).code, DnsCode::no_error);
  EXPECT_TRUE(ask("web.default.svc.cluster.local", DnsType::aaaa).records.empty());
  const DnsAnswer srv = ask("_sql._tcp.db.default.svc.cluster.local", DnsType::srv);
  ASSERT_EQ(srv.records.size(), 2u);
  EXPECT_EQ(srv.records[0].port, 5432);
  EXPECT_EQ(srv.records[0].target, "10-244-1-8.db.default.svc.cluster.local");
}

}  // namespace
}  // namespace skidpad::fakes::kube_proxy
