/// @file image_store.hpp
/// What this node has instead of a container registry: DIR/images.json maps an image's name to an executable.
///
///     {"registry.k8s.io/kube-apiserver:v1.32.13": {"executable": "/opt/fakes/kube-apiserver",
///                                                  "arguments": ["--prepended"], "environment": {"NAME": "value"}}}
///
/// A container's command replaces the entry point as in Kubernetes, with one rule on top: a command that names the image's own
/// program (base name of the executable, or the last part of the image's repository) runs the image's executable.
/// The file is read again whenever it has changed, so images can be added to a running node.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/runtime/runtime.hpp"

namespace skidpad::fakes::kubelet {

struct Image {
  std::string name;
  std::string executable;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
};

struct CommandLine {
  std::string executable;
  std::vector<std::string> arguments;
};

/// @param command  the container's command, empty where it has none
CommandLine command_line(const Image& image, const std::vector<std::string>& command, const std::vector<std::string>& arguments);
/// "docker.io/library/nginx:1" for "nginx:1", as container runtimes spell it out in messages.
std::string full_image_name(const std::string& image);
/// Reads images.json. Errors name the image and the field.
runtime::Result<std::map<std::string, Image>> parse_images(std::string_view text);

class ImageStore {
 public:
  /// @param directory  "" = a store without images
  ImageStore(runtime::Disk& disk, runtime::Log& log, std::string directory);
  /// The image, or none. "name" alone means "name:latest".
  std::optional<Image> find(const std::string& name);
  const std::map<std::string, Image>& images();

 private:
  void refresh();
  runtime::Disk& disk_;
  runtime::Log& log_;
  std::string path_;
  std::string text_;
  std::map<std::string, Image> images_;
};

}  // namespace skidpad::fakes::kubelet
