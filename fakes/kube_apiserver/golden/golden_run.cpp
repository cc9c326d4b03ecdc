#include "fakes/kube_apiserver/golden/golden_run.hpp"

#include <boost/beast/zlib.hpp>
#include <regex>
#include <sstream>


namespace skidpad::fakes::kube_apiserver::golden {
namespace {

using namespace std::chrono_literals;
using runtime::find;
using runtime::HttpClient;
using runtime::HttpClientOptions;
using runtime::HttpRequest;
using runtime::HttpStream;
using runtime::list_at;
using runtime::text_at;

constexpr const char* kept_header_names[] = {"content-type", "warning", "retry-after", "www-authenticate", "allow", "location"};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// "content-type" -> "Content-Type".
std::string capitalised(std::string_view name) {
  std::string result = lower(name);
  bool first = true;
  for (char& c : result) {
    if (first) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    first = c == '-';
  }
  return result;
}

bool lists(const Json& names, const std::string& wanted) {
  return std::any_of(names.begin(), names.end(), [&](const Json& name) { return lower(name.get<std::string>()) == wanted; });
}

runtime::Duration seconds_of(const Json& value, double otherwise) {
  const double seconds = value.is_number() ? value.get<double>() : otherwise;
  return std::chrono::duration_cast<runtime::Duration>(std::chrono::duration<double>(seconds));
}

HttpClientOptions client_options(const GoldenServer& server) {
  HttpClientOptions options;
  options.servers.push_back(server.endpoint);
  options.tls = server.tls;
  options.request_timeout = 60s;
  return options;
}

std::string brief(const Json& step) {
  const Json& request = step.contains("request") ? step.at("request") : find(step, {"watch"});
  return request.is_object() ? text_at(request, {"method"}, "WATCH") + " " + text_at(request, {"path"}) + ": " : "";
}

/// The text inside a gzip member without extra header fields.
std::string gunzip(const std::string& bytes) {
  constexpr std::size_t head_bytes = 10;
  constexpr std::size_t tail_bytes = 8;
  if (bytes.size() < head_bytes + tail_bytes) throw Mismatch("the gzip body is too short");
  boost::beast::zlib::inflate_stream stream;
  std::string text;
  boost::beast::zlib::z_params params;
  params.next_in = bytes.data() + head_bytes;
  params.avail_in = bytes.size() - head_bytes - tail_bytes;
  boost::beast::error_code error;
  while (error != boost::beast::zlib::error::end_of_stream) {
    char buffer[65536];
    params.next_out = buffer;
    params.avail_out = sizeof buffer;
    const std::size_t before = params.total_out;
    stream.write(params, boost::beast::zlib::Flush::none, error);
    text.append(buffer, params.total_out - before);
    if (error && error != boost::beast::zlib::error::end_of_stream) throw Mismatch("gzip: " + error.message());
    if (!error && params.total_out == before) throw Mismatch("gzip: the body breaks off");
  }
  return text;
}

Json parsed_or_text(const std::string& text) {
  if (text.empty()) return Json();
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json(text) : parsed;
}

}  // namespace

struct GoldenRun::Watch {
  Reply head;
  std::deque<std::pair<runtime::Instant, std::optional<std::string>>> items;  ///< no value: the end
  runtime::Event arrived;
  runtime::Instant opened;
  bool protobuf = false;
  bool closed = false;
  runtime::Event closing;
};

GoldenRun::GoldenRun(runtime::Runtime& runtime, const GoldenServer& server, Json document)
    : runtime_(runtime), server_(server), document_(std::move(document)), holes_(variables_), http_(runtime, client_options(server)), tasks_(runtime.stop()) {
  variables_.set("ns", "gns-" + runtime.random().name_suffix(7));
  variables_.set("x", "q" + runtime.random().name_suffix(6));
  variables_.set("y", "z" + runtime.random().name_suffix(6));
  managed_ = text_at(document_, {"managedFields"}) == "check";
}

GoldenRun::~GoldenRun() = default;

HttpRequest GoldenRun::http_request(const Json& request) {
  HttpRequest http;
  http.method = text_at(request, {"method"}, "GET");
  http.target = text_at(request, {"path"});
  char separator = '?';
  for (const auto& [key, value] : list_at(request, {"query"}).items()) {
    const Json values = value.is_array() ? value : Json::array({value});
    for (const Json& each : values) {
      const std::string text = each.is_string() ? each.get<std::string>() : each.is_boolean() ? (each.get<bool>() ? "True" : "False") : each.dump();
      http.target += separator + runtime::percent_encode(key) + "=" + runtime::percent_encode(text);
      separator = '&';
    }
  }
  std::map<std::string, std::string> headers = {{"User-Agent", "golden/1"}, {"Accept", "application/json"}};
  const std::string user = text_at(request, {"user"}, "admin");
  std::string token;
  if (user == "admin") token = server_.admin_token;
  if (user == "bob") token = server_.bob_token;
  if (user == "bad") token = "no-such-token";
  if (user[0] == '$') token = variables_.get(user.substr(1)).get<std::string>();
  if (!token.empty()) headers["Authorization"] = "Bearer " + token;
  for (const auto& [name, value] : list_at(request, {"headers"}).items()) {
    if (value.is_null()) {
      headers.erase(name);
    } else {
      headers[name] = value.get<std::string>();
    }
  }
  std::string type = "application/json";
  bool body = true;
  if (request.contains("protobuf")) {
    http.body = write_protobuf(request.at("protobuf"));
    type = "application/vnd.kubernetes.protobuf";
  } else if (request.contains("raw")) {
    http.body = request.at("raw").get<std::string>();
  } else if (request.contains("body")) {
    http.body = request.at("body").dump();
  } else {
    body = false;
  }
  if (body && !headers.contains("Content-Type")) headers["Content-Type"] = type;
  for (const auto& [name, value] : headers) http.headers.add(name, value);
  return http;
}

Task<GoldenRun::Reply> GoldenRun::send(Json request) {
  HttpRequest http = http_request(request);
  auto answer = co_await http_.request(std::move(http));
  if (!answer) throw Mismatch("no answer from the server: " + answer.error().message);
  Reply reply;
  reply.status = answer.value().status;
  reply.headers = answer.value().headers.fields();
  reply.body = std::move(answer.value().body);
  if (answer.value().headers.get("Content-Encoding") == "gzip") reply.body = gunzip(reply.body);
  co_return reply;
}

Json GoldenRun::decode(const Reply& reply, const Json& step) {
  if (step.contains("readProtobuf")) return read_protobuf_fields(reply.body, step.at("readProtobuf"));
  if (runtime::bool_at(step, {"text"})) return reply.body;
  return parsed_or_text(reply.body);
}

Json GoldenRun::kept_headers(const Reply& reply, const Json& step) {
  Json kept = Json::object();
  for (const auto& [name, value] : reply.headers) {
    const std::string folded = lower(name);
    const bool wanted = std::find(std::begin(kept_header_names), std::end(kept_header_names), folded) != std::end(kept_header_names) || lists(list_at(step, {"headers"}), folded);
    if (!wanted || lists(list_at(step, {"ignoreHeaders"}), folded)) continue;
    if (folded == "warning") {
      kept["Warning"].push_back(value);
    } else {
      kept[capitalised(name)] = value;
    }
  }
  return kept;
}

Json GoldenRun::shape(Json body, const Json& step) {
  if (managed_) {
    sort_managed_fields(body);
  } else {
    strip_managed_fields(body);
  }
  for (const Json& pointer : list_at(step, {"ignore"})) drop(body, pointer.get<std::string>());
  if (step.contains("project") && body.is_structured()) body = project(body, step.at("project").get<std::vector<std::string>>());
  for (const Json& pointer : list_at(step, {"unordered"})) {
    for (const Json* found : lookup(body, pointer.get<std::string>())) {
      if (found->is_array()) std::sort(const_cast<Json*>(found)->begin(), const_cast<Json*>(found)->end(), [](const Json& a, const Json& b) { return a.dump() < b.dump(); });
    }
  }
  return body;
}

void GoldenRun::take(const Json& step, const Reply& reply, const Json& body, runtime::WallTime sent) {
  for (const auto& [name, pointer] : list_at(step, {"capture"}).items()) {
    const Json& value = lookup_one(body, pointer.get<std::string>());
    if (value.is_null()) throw Mismatch("nothing at " + pointer.get<std::string>() + " to capture as " + name + "; answer " + std::to_string(reply.status) + " " + reply.body.substr(0, 300));
    variables_.set(name, value);
  }
  if (const Json& wanted = find(step, {"response"}); wanted.is_object()) {
    if (wanted.at("status") != reply.status) throw Mismatch("expected status " + wanted.at("status").dump() + ", got " + std::to_string(reply.status) + " " + reply.body.substr(0, 400));
    const Json headers = kept_headers(reply, step);
    for (const auto& [name, value] : list_at(wanted, {"headers"}).items()) {
      if (!headers.contains(name)) throw Mismatch("header " + name + " is missing, expected " + value.dump());
      holes_.compare(value, headers.at(name), "header " + name);
    }
    for (const char* name : {"Warning", "Retry-After", "Www-Authenticate"}) {
      if (headers.contains(name) && find(wanted, {"headers", name}).is_null()) throw Mismatch(std::string("header ") + name + " should not be there, got " + headers.at(name).dump());
    }
    if (step.contains("lines")) {
      std::istringstream text(body.is_string() ? body.get<std::string>() : "");
      std::vector<std::string> lines;
      for (std::string line; std::getline(text, line);) lines.push_back(line);
      for (const Json& pattern : step.at("lines")) {
        const std::regex expression(pattern.get<std::string>());
        if (std::none_of(lines.begin(), lines.end(), [&](const std::string& line) { return std::regex_match(line, expression); })) throw Mismatch("no line matches " + pattern.dump());
      }
    } else if (wanted.contains("body")) {
      const Json got = shape(body, step);
      if (text_at(step, {"compare"}) == "contains") {
        holes_.contains(wanted.at("body"), got, "");
      } else {
        holes_.compare(wanted.at("body"), got, "");
      }
      holes_.check_list_versions(body);
    }
  }
  for (const Json& each : list_at(step, {"checks"})) check(each, body, sent);
}

void GoldenRun::check(const Json& check, const Json& body, runtime::WallTime sent) {
  const std::string operation = text_at(check, {"op"});
  const auto value_of = [&](const char* key) {
    const Json& expression = find(check, {key});
    if (!expression.is_string()) return expression.is_null() ? Json() : variables_.expand(expression);
    const std::string text = expression.get<std::string>();
    if (text == "now") return Json(runtime::format_rfc3339_micro(sent));
    if (text[0] == '/') return Json(lookup_one(body, text));
    return variables_.expand(expression);
  };
  const Json a = value_of("a");
  const Json b = value_of("b");
  const auto number = [](const Json& value) { return value.is_string() ? std::stoll(value.get<std::string>()) : value.get<std::int64_t>(); };
  bool good = false;
  if (operation == "equal") good = a == b && !a.is_null();
  if (operation == "differ") good = a != b && !a.is_null();
  if (operation == "newer") good = !a.is_null() && !b.is_null() && number(a) > number(b);
  if (operation == "notolder") good = !a.is_null() && !b.is_null() && number(a) >= number(b);
  if (operation == "absent") good = a.is_null();
  if (operation == "present") good = !a.is_null();
  if (operation == "count") good = a.is_structured() && a.size() == check.at("is").get<std::size_t>();
  if (operation == "matches") good = a.is_string() && std::regex_match(a.get<std::string>(), std::regex(check.at("pattern").get<std::string>()));
  if (operation == "within") good = a.is_number() && a >= check.at("min") && a <= check.at("max");
  if (operation == "seconds" && a.is_string() && b.is_string()) {
    runtime::WallTime first;
    runtime::WallTime second;
    (void)runtime::parse_rfc3339(a.get<std::string>(), first);
    (void)runtime::parse_rfc3339(b.get<std::string>(), second);
    const double apart = std::chrono::duration<double>(first - second).count();
    good = std::abs(apart - check.at("is").get<double>()) <= check.value("tolerance", 3.0);
  }
  if (!good) throw Mismatch("check " + check.dump() + ": a is " + a.dump() + ", b is " + b.dump());
}

Task<void> GoldenRun::prepare() {
  if (!document_.value("namespace", true)) co_return;
  const std::string space = variables_.expand_text("${ns}");
  Json wishes = Json::array();
  wishes.push_back(Json::parse(R"({"method":"POST","path":"/api/v1/namespaces","body":{"apiVersion":"v1","kind":"Namespace","metadata":{"name":""}}})"));
  wishes.push_back(Json::parse(R"({"method":"POST","path":"","body":{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}}})"));
  wishes[0]["body"]["metadata"]["name"] = space;
  wishes[1]["path"] = "/api/v1/namespaces/" + space + "/serviceaccounts";
  for (const Json& wish : wishes) {
    const Reply reply = co_await send(wish);
    if (reply.status != 201) throw Mismatch("preparing: " + std::to_string(reply.status) + " " + reply.body);
  }
}

Task<void> GoldenRun::finish() {
  for (auto& [name, watch] : watches_) watch->closing.set();
  Json wishes = document_.value("cleanup", Json::array());
  if (document_.value("namespace", true)) {
    Json last = Json::object();
    last["method"] = "DELETE";
    last["path"] = "/api/v1/namespaces/${ns}";
    wishes.push_back(std::move(last));
  }
  for (const Json& wish : wishes) {
    bool failed = false;
    try {
      Json expanded = variables_.expand(wish);
      (void)co_await send(std::move(expanded));
    } catch (const Mismatch&) {
      failed = true;  // what the case did not make cannot be removed
    }
    (void)failed;
  }
  co_await tasks_.stop_and_join();
}

Task<std::string> GoldenRun::run() {
  std::string failure;
  try {
    co_await prepare();
    std::size_t number = 0;
    for (const Json& each : document_.at("steps")) {
      ++number;
      std::string where;
      try {
        variables_.now = runtime::format_rfc3339(runtime_.wall_now());
        variables_.now_micro = runtime::format_rfc3339_micro(runtime_.wall_now());
        Json copy = each;
        co_await step(std::move(copy));
      } catch (const runtime::Cancelled&) {
        throw;
      } catch (const std::exception& error) {
        where = error.what();
        if (where.empty()) where = "unknown";
      }
      if (!where.empty()) throw Mismatch("step " + std::to_string(number) + " (" + text_at(each, {"step"}) + "): " + brief(each) + where);
    }
  } catch (const Mismatch& mismatch) {
    failure = mismatch.what();
  }
  co_await finish();
  co_return failure;
}

Task<void> GoldenRun::step(Json step) {
  if (step.contains("sleep")) {
    const runtime::Duration span = seconds_of(step["sleep"], 0);
    co_await runtime_.sleep_for(span);
  } else if (step.contains("compact")) {
    co_await compact();
  } else if (step.contains("request")) {
    co_await do_request(std::move(step));
  } else if (step.contains("parallel")) {
    co_await do_parallel(std::move(step));
  } else if (step.contains("watch")) {
    co_await do_watch(std::move(step));
  } else if (step.contains("events")) {
    co_await do_events(std::move(step));
  } else if (step.contains("quiet")) {
    co_await do_quiet(std::move(step));
  } else if (step.contains("end")) {
    co_await do_end(std::move(step));
  } else if (step.contains("close")) {
    watch_named(step["close"].get<std::string>()).closing.set();
  } else {
    throw Mismatch("unknown kind of step");
  }
}

Task<void> GoldenRun::do_request(Json step) {
  const Json request = variables_.expand(step["request"]);
  const Json& until = find(step, {"until"});
  const runtime::Instant deadline = runtime_.now() + seconds_of(find(until, {"within"}), 15);
  for (;;) {
    const runtime::WallTime sent = runtime_.wall_now();
    const Reply reply = co_await send(request);
    const Json body = decode(reply, step);
    bool good = until.is_null() || until.value("status", reply.status) == reply.status;
    if (good && until.is_object() && until.contains("path")) {
      const Json& got = lookup_one(body, until.at("path").get<std::string>());
      good = until.contains("equals") ? got == variables_.expand(until.at("equals")) : !got.is_null();
    }
    if (good || runtime_.now() > deadline) {
      take(step, reply, body, sent);
      co_return;
    }
    co_await runtime_.sleep_for(100ms);
  }
}

Task<void> GoldenRun::send_one(Json request, std::vector<int>* statuses) {
  HttpClient http(runtime_, client_options(server_));
  HttpRequest wanted = http_request(request);
  auto answer = co_await http.request(std::move(wanted));
  statuses->push_back(answer ? answer.value().status : -1);
}

Task<void> GoldenRun::do_parallel(Json step) {
  std::vector<int> statuses;
  const std::size_t count = step["parallel"].size();
  for (const Json& each : step["parallel"]) {
    Json request = variables_.expand(each);
    Task<void> sending = send_one(std::move(request), &statuses);
    tasks_.spawn("parallel", std::move(sending));
  }
  const runtime::Instant deadline = runtime_.now() + 60s;
  while (statuses.size() < count && runtime_.now() < deadline) co_await runtime_.sleep_for(10ms);
  std::sort(statuses.begin(), statuses.end());
  const Json& wanted = step["response"]["statuses"];
  if (Json(statuses) != wanted) throw Mismatch("expected the statuses " + wanted.dump() + " in any order, got " + Json(statuses).dump());
}

Task<void> GoldenRun::compact() {
  HttpClientOptions options;
  options.servers.push_back(server_.etcd);
  HttpClient etcd(runtime_, std::move(options));
  HttpRequest range;
  range.method = "POST";
  range.target = "/v3/kv/range";
  range.body = R"({"key":"AA==","limit":"1"})";
  auto state = co_await etcd.request(range);
  if (!state) throw Mismatch("etcd: " + state.error().message);
  const Json header = Json::parse(state.value().body, nullptr, false);
  HttpRequest compaction;
  compaction.method = "POST";
  compaction.target = "/v3/kv/compaction";
  compaction.body = Json({{"revision", text_at(header, {"header", "revision"})}, {"physical", true}}).dump();
  auto done = co_await etcd.request(compaction);
  if (!done || done.value().status != 200) throw Mismatch("compaction failed");
}

// --- watches ----------------------------------------------------------------------------------------------------------

GoldenRun::Watch& GoldenRun::watch_named(const std::string& name) {
  const auto found = watches_.find(name);
  if (found == watches_.end()) throw Mismatch("no watch " + name);
  return *found->second;
}

Task<void> GoldenRun::pump(Watch& watch, HttpStream stream) {
  std::string bytes;
  for (;;) {
    auto part = co_await stream.read_some();
    if (!part || part.value().empty()) break;
    bytes += part.value();
    for (;;) {
      std::size_t size = 0;
      std::size_t skip = 0;
      if (watch.protobuf) {
        if (bytes.size() < 4) break;
        for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
        skip = 4;
        if (bytes.size() < skip + size) break;
      } else {
        size = bytes.find('\n');
        if (size == std::string::npos) break;
      }
      std::string item = bytes.substr(skip, size);
      bytes.erase(0, skip + size + (watch.protobuf ? 0 : 1));
      if (item.empty()) continue;
      watch.items.emplace_back(runtime_.now(), std::move(item));
      watch.arrived.notify_all();
    }
  }
  watch.items.emplace_back(runtime_.now(), std::nullopt);
  watch.arrived.notify_all();
}

Task<void> GoldenRun::do_watch(Json step) {
  const Json request = variables_.expand(step["watch"]);
  auto watch = std::make_unique<Watch>();
  Watch& made = *watch;
  watches_[request.at("name").get<std::string>()] = std::move(watch);
  HttpRequest wanted = http_request(request);
  made.opened = runtime_.now();
  HttpClientOptions options = client_options(server_);
  HttpClient http(runtime_, std::move(options));
  auto stream = co_await http.open_stream(std::move(wanted));
  if (!stream) throw Mismatch("the watch was not answered: " + stream.error().message);
  made.head.status = stream.value().status();
  made.head.headers = stream.value().headers().fields();
  made.protobuf = stream.value().headers().get("Content-Type").find("protobuf") != std::string_view::npos;
  Json body;
  if (made.head.status != 200) {
    for (;;) {
      auto part = co_await stream.value().read_some();
      if (!part || part.value().empty()) break;
      made.head.body += part.value();
    }
    made.items.emplace_back(runtime_.now(), std::nullopt);
    body = decode(made.head, step);
  } else {
    Task<void> pumping = pump(made, std::move(stream.value()));
    tasks_.spawn("watch", std::move(pumping));
  }
  take(step, made.head, body, runtime_.wall_now());
}

Task<std::optional<std::string>> GoldenRun::next_item(Watch& watch, runtime::Instant deadline, bool& timed_out) {
  timed_out = false;
  while (watch.items.empty()) {
    if (runtime_.now() >= deadline) {
      timed_out = true;
      co_return std::nullopt;
    }
    (void)co_await watch.arrived.wait_until(runtime_, deadline);
  }
  if (!watch.items.front().second) co_return std::nullopt;
  std::optional<std::string> item = std::move(watch.items.front().second);
  watch.items.pop_front();
  co_return item;
}

Task<void> GoldenRun::do_events(Json step) {
  const Json& wish = step["events"];
  Watch& watch = watch_named(wish.at("of").get<std::string>());
  const runtime::Instant deadline = runtime_.now() + seconds_of(find(wish, {"within"}), 10);
  const std::size_t count = wish.at("count").get<std::size_t>();
  Json got = Json::array();
  const auto summary = [&] {
    std::string text;
    for (const Json& event : got) text += text_at(event, {"type"}) + " " + text_at(event, {"object", "metadata", "name"}) + ", ";
    return text;
  };
  while (got.size() < count) {
    bool timed_out = false;
    const std::optional<std::string> item = co_await next_item(watch, deadline, timed_out);
    if (!item) throw Mismatch((timed_out ? "only " : "the watch ended after ") + std::to_string(got.size()) + " of " + std::to_string(count) + " events came: " + summary());
    Json event;
    if (watch.protobuf) {
      std::string type;
      std::string raw;
      for (const auto& [number, value] : protobuf_fields(*item)) {
        if (number == 1) type = value.get<std::string>();
        if (number != 2) continue;
        for (const auto& [inner, bytes] : protobuf_fields(value.get_ref<const std::string&>())) {
          if (inner == 1) raw = bytes.get<std::string>();
        }
      }
      event["type"] = type;
      event["object"] = read_protobuf_fields(raw, list_at(step, {"readProtobuf"}));
    } else {
      event = Json::parse(*item, nullptr, false);
      if (event.is_discarded()) throw Mismatch("a watch line is not JSON: " + item->substr(0, 200));
    }
    if (event["type"] == "BOOKMARK" && !wish.value("bookmarks", false)) continue;
    got.push_back(std::move(event));
  }
  if (wish.contains("sort")) {
    const std::string pointer = wish.at("sort").get<std::string>();
    const auto key = [&](const Json& event) {
      const Json& value = lookup_one(event, pointer);
      return value.is_string() ? value.get<std::string>() : value.dump();
    };
    std::stable_sort(got.begin(), got.end(), [&](const Json& a, const Json& b) { return key(a) < key(b); });
  }
  for (const auto& [name, pointer] : list_at(step, {"capture"}).items()) {
    const Json& value = lookup_one(got, pointer.get<std::string>());
    if (value.is_null()) throw Mismatch("nothing to capture as " + name);
    variables_.set(name, value);
  }
  if (step.contains("response")) {
    const Json& wanted = step["response"]["events"];
    for (std::size_t i = 0; i < std::min(wanted.size(), got.size()); ++i) {
      const std::string where = "event " + std::to_string(i + 1);
      if (wanted[i]["type"] != got[i]["type"]) throw Mismatch(where + ": expected " + wanted[i]["type"].dump() + ", got " + got[i]["type"].dump() + "; events: " + summary());
      Json shaped = got[i];
      if (shaped.contains("object")) shaped["object"] = shape(got[i]["object"], step);
      holes_.compare(wanted[i], shaped, where);
    }
    holes_.check_list_versions(Json());
  }
  for (const Json& each : list_at(step, {"checks"})) check(each, got, runtime_.wall_now());
}

Task<void> GoldenRun::do_quiet(Json step) {
  Watch& watch = watch_named(step["quiet"]["of"].get<std::string>());
  const runtime::Instant deadline = runtime_.now() + seconds_of(step["quiet"]["seconds"], 1);
  for (;;) {
    bool timed_out = false;
    const std::optional<std::string> item = co_await next_item(watch, deadline, timed_out);
    if (timed_out) co_return;
    if (!item) throw Mismatch("the watch ended while it should have stayed open and silent");
    if (!watch.protobuf && item->find("\"type\":\"BOOKMARK\"") != std::string::npos) continue;
    throw Mismatch("an event came that should not: " + item->substr(0, 300));
  }
}

Task<void> GoldenRun::do_end(Json step) {
  const Json& wish = step["end"];
  Watch& watch = watch_named(wish.at("of").get<std::string>());
  const runtime::Instant deadline = runtime_.now() + seconds_of(find(wish, {"within"}), 10);
  for (;;) {
    bool timed_out = false;
    const std::optional<std::string> item = co_await next_item(watch, deadline, timed_out);
    if (timed_out) throw Mismatch("the watch did not end in time");
    if (!item) break;
    if (!watch.protobuf && item->find("\"type\":\"BOOKMARK\"") != std::string::npos) continue;
    throw Mismatch("an event came where the watch should have ended: " + item->substr(0, 300));
  }
  const double took = std::chrono::duration<double>(watch.items.front().first - watch.opened).count();
  if (took < wish.value("min", 0.0) || took > wish.value("max", 1e9)) throw Mismatch("the watch lasted " + std::to_string(took) + " s");
}

}  // namespace skidpad::fakes::kube_apiserver::golden
