#include "fakes/kubelet/image_store.hpp"

namespace skidpad::fakes::kubelet {

using runtime::Error;
using runtime::ErrorCode;
using runtime::Result;

namespace {

/// "registry.k8s.io/kube-apiserver:v1@sha256:..." -> "kube-apiserver"
std::string repository_base(const std::string& image) {
  const auto slash = image.rfind('/');
  const std::string last = slash == std::string::npos ? image : image.substr(slash + 1);
  return last.substr(0, last.find_first_of(":@"));
}

bool has_tag(const std::string& image) {
  const auto slash = image.rfind('/');
  return image.find_first_of(":@", slash == std::string::npos ? 0 : slash) != std::string::npos;
}

}  // namespace

CommandLine command_line(const Image& image, const std::vector<std::string>& command, const std::vector<std::string>& arguments) {
  CommandLine line;
  std::size_t words_taken = 0;
  if (command.empty()) {
    line.executable = image.executable;
    line.arguments = image.arguments;
  } else {
    words_taken = 1;
    const std::string program = runtime::file_name(command[0]);
    if (program == runtime::file_name(image.executable) || program == repository_base(image.name)) {
      line.executable = image.executable;
      line.arguments = image.arguments;
    } else {
      line.executable = command[0];
    }
  }
  line.arguments.insert(line.arguments.end(), command.begin() + static_cast<std::ptrdiff_t>(words_taken), command.end());
  line.arguments.insert(line.arguments.end(), arguments.begin(), arguments.end());
  return line;
}

std::string full_image_name(const std::string& image) {
  const std::string tagged = has_tag(image) ? image : image + ":latest";
  const auto slash = tagged.find('/');
  if (slash == std::string::npos) return "docker.io/library/" + tagged;
  const std::string first = tagged.substr(0, slash);
  return first.find_first_of(".:") == std::string::npos && first != "localhost" ? "docker.io/" + tagged : tagged;
}

Result<std::map<std::string, Image>> parse_images(std::string_view text) {
  TRY(Json json, runtime::parse_json(text));
  if (!json.is_object()) return Error(ErrorCode::invalid, "expected an object of images");
  std::map<std::string, Image> images;
  for (const auto& [name, entry] : json.items()) {
    Image image;
    image.name = name;
    image.executable = runtime::text_at(entry, {"executable"});
    if (image.executable.empty()) return Error(ErrorCode::invalid, "image " + name + ": executable: expected a path");
    for (const Json& word : runtime::list_at(entry, {"arguments"})) {
      if (!word.is_string()) return Error(ErrorCode::invalid, "image " + name + ": arguments: expected texts");
      image.arguments.push_back(word.get<std::string>());
    }
    for (const auto& [key, value] : runtime::list_at(entry, {"environment"}).items()) {
      if (!value.is_string()) return Error(ErrorCode::invalid, "image " + name + ": environment." + key + ": expected text");
      image.environment[key] = value.get<std::string>();
    }
    images.emplace(name, std::move(image));
  }
  return images;
}

ImageStore::ImageStore(runtime::Disk& disk, runtime::Log& log, std::string directory)
    : disk_(disk), log_(log), path_(directory.empty() ? "" : directory + "/images.json") {}

std::optional<Image> ImageStore::find(const std::string& name) {
  refresh();
  auto found = images_.find(name);
  if (found == images_.end() && !has_tag(name)) found = images_.find(name + ":latest");
  if (found == images_.end()) found = images_.find(full_image_name(name));
  if (found == images_.end()) return std::nullopt;
  return found->second;
}

const std::map<std::string, Image>& ImageStore::images() {
  refresh();
  return images_;
}

void ImageStore::refresh() {
  if (path_.empty()) return;
  auto text = disk_.read(path_);
  if (!text || text.value() == text_) return;  // a store that went away keeps what was pulled
  auto images = parse_images(text.value());
  text_ = std::move(text.value());
  if (!images) {
    log_.warning("image_store_unreadable", {{"path", path_}, {"error", images.error().message}});
    return;
  }
  images_ = std::move(images.value());
}

}  // namespace skidpad::fakes::kubelet
