// Lists in chunks and at versions, and watches.
#include "fakes/kube_apiserver/api/base64.hpp"
#include "fakes/kube_apiserver/api/conversion.hpp"
#include "fakes/kube_apiserver/api/protobuf.hpp"
#include "fakes/kube_apiserver/api/selector.hpp"
#include "fakes/kube_apiserver/crd/custom_definition.hpp"
#include "fakes/kube_apiserver/server/api_server.hpp"
#include "fakes/kube_apiserver/server/table.hpp"

namespace skidpad::fakes::kube_apiserver {
namespace {

using runtime::find;
using runtime::text_at;

struct ListOptions {
  LabelSelector labels;
  FieldSelector fields;
  std::int64_t limit = 0;
  std::string continue_token;
  std::string version;
  std::string match;
  std::int64_t timeout_seconds = 0;
  bool bookmarks = false;
  std::optional<bool> send_initial_events;
};

std::int64_t number_of(const Query& query, const char* name) {
  const std::string text = query_value(query, name);
  if (text.empty()) return 0;
  if (text.find_first_not_of("-0123456789") != std::string::npos || text.size() > 18) throw bad_request("strconv.ParseInt: parsing " + in_quotes(text) + ": invalid syntax");
  return std::stoll(text);
}

void check_match(const ListOptions& options, bool watch) {
  FieldErrors errors;
  const std::string path = "resourceVersionMatch";
  if (watch) {
    if (options.send_initial_events) {
      if (options.match != "NotOlderThan") errors.push_back(forbidden_value(path, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
      if (!options.match.empty() && options.match != "NotOlderThan") errors.push_back(unsupported_value(path, in_quotes(options.match), {"NotOlderThan"}));
      if (*options.send_initial_events && !options.bookmarks) {}
    } else if (!options.match.empty()) {
      errors.push_back(forbidden_value(path, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
    }
  } else {
    if (!options.match.empty()) {
      if (!options.version.empty() && options.match != "Exact" && options.match != "NotOlderThan") {
        errors.push_back(unsupported_value(path, in_quotes(options.match), {"Exact", "NotOlderThan", ""}));
      } else if (!options.continue_token.empty()) {
        errors.push_back(forbidden_value(path, "resourceVersionMatch is forbidden when continue is provided"));
      } else if (options.version.empty()) {
        errors.push_back(forbidden_value(path, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
      } else if (options.match == "Exact" && options.version == "0") {
        errors.push_back(forbidden_value(path, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
      }
    }
    if (options.send_initial_events) errors.push_back(forbidden_value("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  }
  if (!errors.empty()) throw invalid("meta.k8s.io", "ListOptions", "", errors);
}

ListOptions read_list_options(const Request& request, bool watch) {
  ListOptions options;
  options.limit = number_of(request.query, "limit");
  options.timeout_seconds = number_of(request.query, "timeoutSeconds");
  options.labels = LabelSelector::parse(query_value(request.query, "labelSelector"));
  options.fields = FieldSelector::parse(query_value(request.query, "fieldSelector"), *request.resource);
  options.continue_token = query_value(request.query, "continue");
  options.version = query_value(request.query, "resourceVersion");
  options.match = query_value(request.query, "resourceVersionMatch");
  options.bookmarks = query_flag(request.query, "allowWatchBookmarks");
  if (query_has(request.query, "sendInitialEvents")) options.send_initial_events = query_flag(request.query, "sendInitialEvents");
  check_match(options, watch);
  if (!options.version.empty() && (options.version.find_first_not_of("0123456789") != std::string::npos || options.version.size() > 18)) {
    throw plain_error("resourceVersion: Invalid value: " + in_quotes(options.version) + ": strconv.ParseUint: parsing " + in_quotes(options.version) + ": invalid syntax");
  }
  return options;
}

bool selected(const ListOptions& options, const Json& object, const Resource& resource) {
  return options.labels.matches(find(object, {"metadata", "labels"})) && options.fields.matches(object, resource);
}

struct ContinueToken {
  Revision revision = 0;
  std::string start;  ///< the key to go on with, below the scope's prefix
};

std::string encode_token(const ContinueToken& token) {
  return encode_base64_url(Json({{"v", "meta.k8s.io/v1"}, {"rv", token.revision}, {"start", token.start}}).dump());
}

ContinueToken decode_token(const std::string& text) {
  const auto bytes = decode_base64(text);
  const Json parsed = bytes ? Json::parse(*bytes, nullptr, false) : Json();
  if (!parsed.is_object() || !find(parsed, {"rv"}).is_number_integer() || !find(parsed, {"start"}).is_string()) {
    throw bad_request("invalid continue token: continue key is not valid: illegal base64 data at input byte 4");
  }
  ContinueToken token;
  token.revision = parsed["rv"];
  token.start = parsed["start"];
  return token;
}

/// `{"kind":"Pod","apiVersion":"v1",` is left out of list items.
void append_item(std::string& body, const std::string& encoded) {
  const std::size_t at = encoded.find("\"metadata\":");
  if (at == std::string::npos) {
    body += encoded;
    return;
  }
  body += '{';
  body.append(encoded, at, std::string::npos);
}

}  // namespace

Task<Answer> ApiServer::list(Request& request) {
  const Resource& resource = *request.resource;
  const ListOptions options = read_list_options(request, false);
  const std::string prefix = request.scope_prefix();
  std::vector<ObjectPtr> objects;
  Revision revision = 0;
  std::string from;
  const bool ignore_limit = options.version == "0" && options.continue_token.empty();
  if (!options.continue_token.empty()) {
    if (!options.version.empty()) throw bad_request("specifying resource version is not allowed when using continue");
    const ContinueToken token = decode_token(options.continue_token);
    from = token.start;
    revision = token.revision;
    if (revision < 0) {
      revision = co_await store_.wait_until_fresh();
      objects = store_.cached_list(prefix);
    } else {
      std::string wanted = prefix;
      std::optional<ApiError> failure;
      try {
        objects = co_await store_.read_at(std::move(wanted), revision);
      } catch (const ApiError& error) {
        failure.emplace(error);
      }
      if (failure && failure->reason == "Expired") {  // the rest may be read at the newest state instead
        ContinueToken inconsistent;
        inconsistent.revision = -1;
        inconsistent.start = from;
        ApiError error = expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue "
            "token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were "
            "created, modified, or deleted between the time the first chunk was returned and now may show up in the list.");
        Json status = error.status();
        status["metadata"]["continue"] = encode_token(inconsistent);
        co_return encode_answer(request, status, 410);
      }
      if (failure) throw *failure;
    }
  } else if (options.match == "Exact") {
    revision = std::stoll(options.version);
    std::string wanted = prefix;
    co_await store_.wait_until_reached(revision);
    std::optional<ApiError> failure;
    try {
      objects = co_await store_.read_at(std::move(wanted), revision);
    } catch (const ApiError& error) {
      failure.emplace(error);
    }
    if (failure) throw failure->reason == "Expired" ? expired("The resourceVersion for the provided list is too old.") : *failure;
  } else {
    if (options.version.empty()) {
      revision = co_await store_.wait_until_fresh();
    } else if (options.version != "0") {
      co_await store_.wait_until_reached(std::stoll(options.version));
    }
    revision = std::max<Revision>(store_.revision(), 1);
    objects = store_.cached_list(prefix);
  }
  const bool everything = options.labels.everything() && options.fields.everything();
  const bool plain = request.representation.type == MediaType::json && request.representation.shown == Shown::object && !version_differs(resource) && !query_has(request.query, "pretty");
  Json metadata = {{"resourceVersion", std::to_string(revision)}};
  if (resource.custom) metadata["continue"] = "";
  std::vector<ObjectPtr> chosen;
  std::vector<Json> converted;
  std::size_t position = 0;
  for (; position < objects.size(); ++position) {
    const ObjectPtr& object = objects[position];
    if (!from.empty() && object->key().compare(prefix.size(), std::string::npos, from) < 0) continue;
    if (options.limit > 0 && !ignore_limit && static_cast<std::int64_t>(chosen.size()) >= options.limit) break;
    if (!everything) {
      if (version_differs(resource) ? !selected(options, in_version(request, object->value()), resource) : !selected(options, object->value(), resource)) continue;
    }
    chosen.push_back(object);
  }
  if (position < objects.size() && options.limit > 0 && !ignore_limit) {
    ContinueToken token;
    token.revision = revision;
    token.start = objects[position]->key().substr(prefix.size());
    metadata["continue"] = encode_token(token);
    if (everything) metadata["remainingItemCount"] = objects.size() - position;
  }
  if (plain) {
    Answer answer;
    std::size_t size_bytes = 256;
    for (const ObjectPtr& object : chosen) size_bytes += object->encoded().size() + 1;
    answer.body.reserve(size_bytes);
    answer.body.append("{\"kind\":\"").append(resource.list_kind).append("\",\"apiVersion\":\"").append(resource.api_version()).append("\",\"metadata\":");
    answer.body.append(metadata.dump()).append(",\"items\":[");
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (i > 0) answer.body += ',';
      if (resource.custom) {
        answer.body += chosen[i]->encoded();
      } else {
        append_item(answer.body, chosen[i]->encoded());
      }
    }
    answer.body += "]}\n";
    answer.content_type = "application/json";
    co_return answer;
  }
  for (const ObjectPtr& object : chosen) converted.push_back(in_version(request, object->value()));
  if (request.representation.shown == Shown::table) {
    std::vector<const Json*> rows;
    for (const Json& object : converted) rows.push_back(&object);
    Json table = make_table(resource, rows, query_value(request.query, "includeObject"), runtime_.wall_now());
    table["metadata"] = metadata;
    table["apiVersion"] = "meta.k8s.io/" + request.representation.table_version;
    co_return encode_answer(request, table, 200);
  }
  Json items = Json::array();
  const bool partial = request.representation.shown == Shown::partial_metadata;
  for (Json& object : converted) {
    if (partial) {
      items.push_back(partial_metadata(object, request.representation.table_version));
      continue;
    }
    if (!resource.custom) {
      object.erase("kind");
      object.erase("apiVersion");
    }
    items.push_back(std::move(object));
  }
  Json answer = {{"kind", partial ? "PartialObjectMetadataList" : resource.list_kind},
                 {"apiVersion", partial ? "meta.k8s.io/" + request.representation.table_version : resource.api_version()},
                 {"metadata", metadata},
                 {"items", std::move(items)}};
  co_return encode_answer(request, answer, 200);
}

// --- watch ------------------------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t chunk_bytes_max = 64 * 1024;
constexpr runtime::Duration bookmark_interval = std::chrono::minutes(1);
constexpr runtime::Duration bookmark_lead = std::chrono::seconds(2);

/// A client that goes away while nothing happens must not leave its watch behind.
Task<void> notice_disconnect(runtime::Event& disconnected, runtime::Event& wake) {
  co_await disconnected.wait();
  wake.notify_all();
}

}  // namespace

Task<void> ApiServer::watch(Request& request, runtime::HttpResponder& responder, bool& streamed) {
  const Resource& resource = *request.resource;
  const ListOptions options = read_list_options(request, true);
  const std::string prefix = request.scope_prefix();
  EventStream& events = store_.stream(resource.storage_prefix());
  const bool everything = options.labels.everything() && options.fields.everything();
  const bool plain = request.representation.type == MediaType::json && request.representation.shown == Shown::object && !version_differs(resource);
  const auto is_selected = [&](const ObjectPtr& object) {
    if (everything) return true;
    return version_differs(resource) ? selected(options, in_version(request, object->value()), resource) : selected(options, object->value(), resource);
  };
  bool first_table = true;
  const auto shown = [&](const Json& stored) {
    Json object = in_version(request, stored);
    if (request.representation.shown == Shown::partial_metadata) return partial_metadata(object, request.representation.table_version);
    if (request.representation.shown == Shown::table) {
      Json table = make_table(resource, {&object}, query_value(request.query, "includeObject"), runtime_.wall_now());
      table["apiVersion"] = "meta.k8s.io/" + request.representation.table_version;
      table["metadata"]["resourceVersion"] = text_at(object, {"metadata", "resourceVersion"});
      if (!std::exchange(first_table, false)) table["columnDefinitions"] = nullptr;
      return table;
    }
    return object;
  };
  const bool binary = request.representation.type == MediaType::protobuf;
  const auto line_of = [&](const char* type, const Json& object) {
    if (binary) return encode_watch_frame(type, object).value_or("");
    return std::string("{\"type\":\"") + type + "\",\"object\":" + encode_object(object) + "}\n";
  };
  const auto bookmark_of = [&](bool initial) {
    Json object = {{"kind", resource.kind}, {"apiVersion", resource.api_version()}, {"metadata", {{"resourceVersion", std::to_string(std::max<Revision>(store_.revision(), 1))}, {"creationTimestamp", nullptr}}}};
    if (initial) {
      const std::string blueprint = "{\"kind\":\"" + resource.list_kind + "\",\"apiVersion\":\"" + resource.api_version() + "\",\"metadata\":{},\"items\":null}\n";
      object["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}, {"kubernetes.io/initial-events-list-blueprint", encode_base64(blueprint)}};
    }
    if (resource.type != nullptr) canonicalise(object, *resource.type, nullptr);
    if (request.representation.shown == Shown::partial_metadata) object = partial_metadata(object, request.representation.table_version);
    return line_of("BOOKMARK", object);
  };

  std::string pending;
  std::uint64_t position = 0;
  std::optional<ApiError> refusal;
  const bool initial_events = options.send_initial_events.value_or(false);
  const bool synthetic = options.version.empty() || options.version == "0";
  const bool newest_only = options.send_initial_events && !*options.send_initial_events && synthetic;
  if (synthetic || initial_events) {
    if (options.version.empty()) {
      (void)co_await store_.wait_until_fresh();
    } else if (options.version != "0") {
      co_await store_.wait_until_reached(std::stoll(options.version));
    }
    position = events.end_position();
    if (!newest_only) {
      for (const ObjectPtr& object : store_.cached_list(prefix)) {
        if (!is_selected(object)) continue;
        pending += plain ? "{\"type\":\"ADDED\",\"object\":" + object->encoded() + "}\n" : line_of("ADDED", shown(object->value()));
      }
    }
    if (initial_events && options.bookmarks) pending += bookmark_of(true);
  } else {
    const Revision revision = std::stoll(options.version);
    if (resource.plural == "events" && co_await store_.is_compacted(revision)) {
      refusal = expired("The resourceVersion for the provided watch is too old.");
    } else if (const Revision known_after = std::max(events.complete_after(), resource.custom ? resource.custom->revision : 0); revision < known_after) {
      refusal = expired("too old resource version: " + std::to_string(revision) + " (" + std::to_string(known_after) + ")");
    } else {
      position = events.position_after(revision);
    }
  }

  runtime::HttpHeaders headers;
  headers.add("Audit-Id", request.audit_id);
  headers.add("Cache-Control", "no-cache, private");
  headers.add("Content-Type", binary ? "application/vnd.kubernetes.protobuf;stream=watch" : "application/json");
  streamed = true;
  note_audit("ResponseStarted", request, 200, "");
  auto started = co_await responder.start_stream(200, std::move(headers));
  if (!started) co_return;
  if (refusal) {
    (void)co_await responder.write_chunk(line_of("ERROR", refusal->status()));
    (void)co_await responder.end_stream();
    co_return;
  }
  const Revision not_before = synthetic ? 0 : std::stoll(options.version);
  const runtime::Instant now = runtime_.now();
  runtime::Duration timeout = std::chrono::seconds(options.timeout_seconds);
  if (options.timeout_seconds <= 0) {
    timeout = random_.between(options_.min_request_timeout, options_.min_request_timeout * 2);
  }
  const runtime::Instant deadline = now + timeout;
  runtime::Instant bookmark_due = now + std::min(bookmark_interval, std::max<runtime::Duration>(timeout - bookmark_lead, std::chrono::seconds(1)));
  std::int64_t& running = metrics_.longrunning[resource.plural];
  struct Leaving {
    std::int64_t& count;
    ~Leaving() { --count; }
  } leaving{running};
  ++running;
  runtime::StopState& stop = co_await runtime::CurrentStop();
  runtime::TaskGroup side(stop);
  side.spawn("notice_disconnect", notice_disconnect(responder.disconnected(), events.changed()));

  for (;;) {
    while (position < events.end_position() && pending.size() < chunk_bytes_max) {
      if (position < events.first_position()) break;
      const StoreEvent& event = events.at(position++);
      if (event.revision <= not_before || event.object->key().compare(0, prefix.size(), prefix) != 0) continue;
      EventType type = event.type;
      if (!everything) {
        const bool is_in = event.type != EventType::deleted && is_selected(event.object);
        const bool was_in = event.previous && is_selected(event.previous);
        if (!is_in && !was_in) continue;
        type = is_in ? (was_in ? EventType::modified : EventType::added) : EventType::deleted;
      }
      metrics_.watch_event(resource.group, resource.version, resource.kind);
      if (plain) {
        pending += event.line(type);
      } else {
        const bool left = type == EventType::deleted && event.type != EventType::deleted;
        const Json object = left ? event.previous->at_revision(event.revision)->value() : event.object->value();
        pending += line_of(type == EventType::added ? "ADDED" : type == EventType::modified ? "MODIFIED" : "DELETED", shown(object));
      }
    }
    if (!pending.empty()) {
      auto written = co_await responder.write_chunk(std::exchange(pending, {}));
      if (!written) co_return;
      continue;
    }
    if (position < events.first_position()) break;  // fell behind: the client lists again
    if (responder.disconnected().is_set()) co_return;
    if (position < events.end_position()) continue;
    const runtime::Instant time = runtime_.now();
    if (time >= deadline) break;
    if (options.bookmarks && time >= bookmark_due) {
      bookmark_due = std::max(time + std::chrono::seconds(1), std::min(time + bookmark_interval, deadline - bookmark_lead));
      if (store_.revision() >= not_before) pending = bookmark_of(false);
      continue;
    }
    co_await events.changed().wait_until(runtime_, options.bookmarks ? std::min(deadline, bookmark_due) : deadline);
  }
  (void)co_await responder.end_stream();
}

}  // namespace skidpad::fakes::kube_apiserver
