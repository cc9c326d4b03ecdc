#include "fakes/kube_apiserver/server/table.hpp"

#include "fakes/kube_apiserver/crd/custom_resources.hpp"
#include "fakes/kube_apiserver/server/table_columns.hpp"
#include "fakes/kube_apiserver/server/table_cells.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::text_at;

std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      result += text[++i] == 'n' ? '\n' : text[i];
    } else {
      result += text[i];
    }
  }
  return result;
}

Json column(const std::string& name, const std::string& type, const std::string& format, int priority, const std::string& description) {
  return {{"name", name}, {"type", type}, {"format", format}, {"description", description}, {"priority", priority}};
}

/// Columns by kind; "" holds those of kinds without any of their own.
const std::map<std::string, Json>& columns_by_kind() {
  static const std::map<std::string, Json> table = [] {
    std::map<std::string, Json> made;
    std::string whole;
    for (std::size_t i = 0; i < table_column_data_count; ++i) whole += table_column_data[i];
    std::string name_text;
    std::string age_description;
    Json* current = nullptr;
    std::size_t start = 0;
    while (start < whole.size()) {
      const std::size_t end = whole.find('\n', start);
      const std::string line = whole.substr(start, end - start);
      start = end + 1;
      if (line.compare(0, 6, "@name ") == 0) {
        name_text = unescaped(line.substr(6));
      } else if (line.compare(0, 5, "@age ") == 0) {
        age_description = unescaped(line.substr(5));
      } else if (line.front() != ' ') {
        current = &(made[line] = Json::array());
      } else {
        std::vector<std::string> parts(1);
        for (const char c : line.substr(1)) {
          if (c == '|' && parts.size() < 5) {
            parts.emplace_back();
          } else {
            parts.back() += c;
          }
        }
        const std::string description = parts[4] == "@name" ? name_text : parts[4] == "@age" ? age_description : unescaped(parts[4]);
        current->push_back(column(parts[0], parts[1], parts[2], parts[3] == "1" ? 1 : 0, description));
      }
    }
    made[""] = Json::array({column("Name", "string", "name", 0, name_text), column("Created At", "date", "", 0, age_description)});
    made["@name"] = name_text;
    made["@age"] = age_description;
    return made;
  }();
  return table;
}

Json custom_columns(const Resource& resource) {
  const auto& known = columns_by_kind();
  Json columns = Json::array({column("Name", "string", "name", 0, known.at("@name").get<std::string>())});
  const Json& declared = resource.custom->printer_columns;
  if (declared.empty()) {
    columns.push_back(column("Age", "date", "", 0, "Custom resource definition column (in JSONPath format): .metadata.creationTimestamp"));
    return columns;
  }
  for (const Json& each : declared) {
    const std::string path = text_at(each, {"jsonPath"});
    columns.push_back(column(text_at(each, {"name"}), text_at(each, {"type"}), text_at(each, {"format"}), static_cast<int>(runtime::integer_at(each, {"priority"})),
                             text_at(each, {"description"}, "Custom resource definition column (in JSONPath format): " + path)));
  }
  return columns;
}

}  // namespace

Json partial_metadata(const Json& object, const std::string& version) {
  return {{"kind", "PartialObjectMetadata"}, {"apiVersion", "meta.k8s.io/" + version}, {"metadata", object.at("metadata")}};
}

Json make_table(const Resource& resource, const std::vector<const Json*>& objects, const std::string& include_object, runtime::WallTime now) {
  if (!include_object.empty() && include_object != "Metadata" && include_object != "Object" && include_object != "None") {
    throw bad_request("Unable to convert to Table as requested: includeObject: Invalid value: " + in_quotes(include_object) +
                      ": must be 'Metadata', 'Object', 'None', or empty");
  }
  const auto& known = columns_by_kind();
  Json columns;
  bool printed = true;
  if (resource.custom) {
    columns = custom_columns(resource);
  } else {
    const auto found = known.find(resource.kind);
    printed = found != known.end();
    columns = printed ? found->second : known.at("");
  }
  Json rows = Json::array();
  for (const Json* object : objects) {
    Json cells;
    if (resource.custom) {
      cells = custom_cells(*object, resource.custom->printer_columns, now);
    } else if (printed) {
      cells = cells_of(*object, resource, now);
    } else {
      cells = Json::array({text_at(*object, {"metadata", "name"}), text_at(*object, {"metadata", "creationTimestamp"})});
    }
    Json row = {{"cells", std::move(cells)}};
    if (include_object == "Object") {
      row["object"] = *object;
    } else if (include_object == "None") {
      row["object"] = nullptr;
    } else {
      row["object"] = partial_metadata(*object, "v1");
    }
    const std::string phase = resource.kind == "Pod" ? text_at(*object, {"status", "phase"}) : "";
    if (phase == "Succeeded") row["conditions"] = Json::array({{{"type", "Completed"}, {"status", "True"}, {"reason", "Succeeded"}, {"message", "The pod has completed successfully."}}});
    if (phase == "Failed") row["conditions"] = Json::array({{{"type", "Completed"}, {"status", "True"}, {"reason", "Failed"}, {"message", "The pod failed."}}});
    rows.push_back(std::move(row));
  }
  return {{"kind", "Table"}, {"apiVersion", "meta.k8s.io/v1"}, {"metadata", Json::object()}, {"columnDefinitions", std::move(columns)}, {"rows", std::move(rows)}};
}

}  // namespace skidpad::fakes::kube_apiserver
