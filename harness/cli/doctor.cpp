#include "harness/cli/doctor.hpp"

#include <sys/statvfs.h>

#include <cstdio>
#include <filesystem>

#include "harness/cli/assets.hpp"
#include "harness/driver/process/capabilities.hpp"

namespace skidpad::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t disk_free_min_bytes = 1ULL << 30;

enum class Need { required, useful };

class Report {
 public:
  void line(const std::string& what, bool good, const std::string& detail, const std::string& mend, Need need) {
    std::printf("%-8s %-26s %s", good ? "ok" : need == Need::required ? "missing" : "limited", what.c_str(), detail.c_str());
    if (!good && !mend.empty()) std::printf("; mend: %s", mend.c_str());
    std::printf("\n");
    if (!good && need == Need::required) code_ = 1;
  }
  int code() const { return code_; }

 private:
  int code_ = 0;
};

}  // namespace

int doctor(const Installation& installation, const std::string& assets) {
  Report report;
  const std::string etcd = find_etcd();
  report.line("etcd", !etcd.empty(), etcd.empty() ? "no etcd server on PATH" : etcd, "apt-get install etcd-server", Need::required);
  const std::string kubectl = find_on_path("kubectl");
  report.line("kubectl", !kubectl.empty(), kubectl.empty() ? "not on PATH; clusters work, `kubectl` does not" : kubectl, "apt-get install kubernetes-client", Need::useful);
  for (const auto& [name, component] : programs_of(installation).components) {
    if (name == "etcd") continue;
    const bool there = fs::exists(component.executable);
    report.line(name, there, component.executable, "./dev build", Need::required);
  }
  report.line("scenarios", !installation.scenario_folder.empty(), installation.scenario_folder.empty() ? "not found" : installation.scenario_folder,
              "run from the checkout", Need::required);
  const auto capabilities = driver::process::detect();
  for (const auto& capability : capabilities.all) {
    std::string detail = capability.reason;
    if (!capability.available && !capability.loses.empty()) detail += " (without it: " + capability.loses + ")";
    report.line(capability.name, capability.available, detail, capability.mend, Need::useful);
  }
  struct statvfs space {};
  const bool known = ::statvfs(".", &space) == 0;
  const std::uint64_t free_bytes = known ? static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize : 0;
  report.line("disk", free_bytes >= disk_free_min_bytes, std::to_string(free_bytes >> 20) + " MiB free here", "free 1 GiB", Need::required);
  std::printf("driver sim: ok; driver process: %s\n",
              capabilities.best_isolation() == driver::process::Isolation::namespaces ? "full isolation" : "loopback addresses only");
  for (const std::string& limit : capabilities.limits(capabilities.best_isolation())) std::printf("limit: %s\n", limit.c_str());
  const int unusable = assets.empty() ? 0 : tell_assets(assets);
  return std::max(report.code(), unusable);
}

}  // namespace skidpad::cli
