#include "daemon/control/api_routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace duplexd {

namespace {

using namespace std::string_view_literals;
using nlohmann::ordered_json;

constexpr std::array states{"none"sv, "written"sv, "end"sv};
constexpr std::array page_parameters{
    api_parameter{"limit", "integer",
                  "The maximum number of sessions in the answer: 1 to 1000, by default 100."},
    api_parameter{"after", "string", "Only sessions behind this one in the file: `next` of the page before."},
};
constexpr std::array send_parameters{
    api_parameter{
        "wait", "string",
        "What is waited for: nothing, that the kernel has taken the command, or its end (the default).",
        states},
    api_parameter{"timeout", "integer", "Seconds to wait: 0 to 300, by default 30. Then the answer is 202."},
};
constexpr std::array event_parameters{
    api_parameter{"session", "string", "Only events of this session."},
    api_parameter{"reply", "string", "Only events of this reply."},
    api_parameter{"sample", "integer",
                  "Only every Nth of these events, counted for each client: 1 to 1000000, by default 1."},
};

constexpr std::array truths{"true"sv, "false"sv};
constexpr std::array reload_parameters{
    api_parameter{"dry_run", "string", "With `true` nothing is done: the answer is what would be.", truths},
};

constexpr std::array routes{
    api_route{api_operation::list_sessions,
              api_role::view,
              "GET",
              "/api/v1/sessions",
              "listSessions",
              "The sessions in the order of the file, in pages.",
              page_parameters,
              {},
              "SessionList"},
    api_route{api_operation::show_session,
              api_role::view,
              "GET",
              "/api/v1/sessions/{name}",
              "showSession",
              "Where one session stands.",
              {},
              {},
              "Session"},
    api_route{api_operation::list_commands,
              api_role::view,
              "GET",
              "/api/v1/sessions/{name}/commands",
              "listCommands",
              "The commands of the session's protocol, with the fields that they take.",
              {},
              {},
              "CommandList"},
    api_route{
        api_operation::send_command, api_role::operate, "POST", "/api/v1/sessions/{name}/commands",
        "sendCommand",
        "Sends a command and waits for its end. A command with an `id` that came before is not sent again: "
        "the answer is what became of the first.",
        send_parameters, "CommandRequest", "Command", true},
    api_route{api_operation::show_command,
              api_role::view,
              "GET",
              "/api/v1/sessions/{name}/commands/{id}",
              "showCommand",
              "What became of a command.",
              {},
              {},
              "Command"},
    api_route{
        api_operation::cancel_command,
        api_role::operate,
        "DELETE",
        "/api/v1/sessions/{name}/commands/{id}",
        "cancelCommand",
        "Takes a command off the queue: it ends as `refused`. One that is being sent cannot be cancelled.",
        {},
        {},
        "Command",
        true},
    api_route{api_operation::pause,
              api_role::operate,
              "POST",
              "/api/v1/sessions/{name}/pause",
              "pauseSession",
              "Closes the connection cleanly and connects no more until it is resumed.",
              {},
              {},
              "Session"},
    api_route{api_operation::resume,
              api_role::operate,
              "POST",
              "/api/v1/sessions/{name}/resume",
              "resumeSession",
              "Ends a pause or a drain.",
              {},
              {},
              "Session"},
    api_route{api_operation::reconnect,
              api_role::operate,
              "POST",
              "/api/v1/sessions/{name}/reconnect",
              "reconnectSession",
              "Closes the connection cleanly, or ends the wait for the next attempt, and connects at once.",
              {},
              {},
              "Session"},
    api_route{api_operation::drain,
              api_role::operate,
              "POST",
              "/api/v1/sessions/{name}/drain",
              "drainSession",
              "Refuses further commands and pauses when those taken have come to their end.",
              {},
              {},
              "Session"},
    api_route{
        api_operation::follow_events,
        api_role::view,
        "GET",
        "/api/v1/events",
        "followEvents",
        "Events as they happen: JSON lines, or server-sent events if `Accept` asks for text/event-stream.",
        event_parameters,
        {},
        "Event"},
    api_route{api_operation::show_log,
              api_role::view,
              "GET",
              "/api/v1/log",
              "showLog",
              "The lowest level that is logged, of all sessions and of those that have their own.",
              {},
              {},
              "Log"},
    api_route{api_operation::set_log_level,
              api_role::operate,
              "PUT",
              "/api/v1/log",
              "setLogLevel",
              "Sets the lowest level that is logged until the daemon ends, of all sessions or of one.",
              {},
              "LogChange",
              "Log"},
    api_route{api_operation::reload,
              api_role::operate,
              "POST",
              "/api/v1/reload",
              "reloadConfiguration",
              "Reads the configuration file again and takes it as a whole, or refuses it as a whole (409).",
              reload_parameters,
              {},
              "Reload"},
    api_route{api_operation::describe_api,
              api_role::view,
              "GET",
              "/api/v1/openapi.json",
              "describeApi",
              "This document.",
              {},
              {},
              "Document"},
};

/// Without percent-encoding (RFC 3986, 2.1); a `%` without two digits stands for itself.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const bool is_escape =
        text[i] == '%' && digits.size() == 2 &&
        std::from_chars(digits.data(), digits.data() + 2, byte, 16).ptr == digits.data() + 2;
    out += is_escape ? static_cast<char>(byte) : text[i];
    if (is_escape) i += 2;
  }
  return out;
}

/// The parts between slashes, behind the first.
std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

bool is_placeholder(std::string_view part) {
  return part.starts_with('{');
}

std::string_view inside(std::string_view placeholder) {
  return placeholder.substr(1, placeholder.size() - 2);
}

bool fits(const api_route& route, const std::vector<std::string_view>& parts, api_match& out) {
  const auto wanted = parts_of(route.path);
  if (wanted.size() != parts.size()) return false;
  api_match found;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!is_placeholder(wanted[i]) && wanted[i] != parts[i]) return false;
    if (!is_placeholder(wanted[i])) continue;
    std::string value = decoded(parts[i]);
    if (value.empty()) return false;
    found.parts.emplace(inside(wanted[i]), std::move(value));
  }
  out.parts = std::move(found.parts);
  return true;
}

ordered_json body_of(std::string_view schema, std::string_view type) {
  return {{"content",
           {{std::string(type), {{"schema", {{"$ref", "#/components/schemas/" + std::string(schema)}}}}}}}};
}

ordered_json operation_of(const api_route& route) {
  ordered_json parameters = ordered_json::array();
  for (const std::string_view part : parts_of(route.path)) {
    if (!is_placeholder(part)) continue;
    parameters.push_back(
        {{"name", inside(part)}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  for (const api_parameter& each : route.query) {
    ordered_json schema{{"type", each.type}};
    if (!each.words.empty()) schema["enum"] = std::vector<std::string>(each.words.begin(), each.words.end());
    parameters.push_back(
        {{"name", each.name}, {"in", "query"}, {"description", each.doc}, {"schema", std::move(schema)}});
  }
  ordered_json made{{"operationId", route.id}, {"summary", route.doc}, {"x-role", name_of(route.role)}};
  if (!parameters.empty()) made["parameters"] = std::move(parameters);
  if (!route.request.empty()) {
    made["requestBody"] = body_of(route.request, "application/json");
    made["requestBody"]["required"] = true;
  }
  const bool is_stream = route.what == api_operation::follow_events;
  ordered_json good = body_of(route.response, is_stream ? "application/x-ndjson" : "application/json");
  good["description"] = "Done.";
  made["responses"]["200"] = good;
  if (route.may_be_early) {
    good["description"] = "Not at its end yet.";
    made["responses"]["202"] = good;
  }
  if (route.role != api_role::view) {
    made["responses"]["403"] = body_of("Error", "application/json");
    made["responses"]["403"]["description"] = "Who asks may only view.";
  }
  made["responses"]["default"] = body_of("Error", "application/json");
  made["responses"]["default"]["description"] = "It was not done.";
  return made;
}

}  // namespace

std::string_view name_of(api_role role) noexcept {
  return role == api_role::view ? "view" : "operate";
}

std::span<const api_route> api_routes() noexcept {
  return routes;
}

api_match match_api(std::string_view method, std::string_view path) {
  api_match made;
  const auto parts = parts_of(path);
  if (!path.starts_with('/')) return made;
  for (const api_route& each : routes) {
    api_match found;
    if (!fits(each, parts, found)) continue;
    if (each.method == method) {
      found.route = &each;
      return found;
    }
    made.allow += (made.allow.empty() ? "" : ", ") + std::string(each.method);
  }
  return made;
}

std::map<std::string, std::string, std::less<>> read_query(const api_route& route, std::string_view query,
                                                           std::string& error) {
  std::map<std::string, std::string, std::less<>> values;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    std::string name = decoded(pair.substr(0, equals));
    const auto known = std::ranges::find(route.query, std::string_view(name),
                                         [](const api_parameter& each) { return each.name; });
    if (known == route.query.end()) {
      error = fmt::format("there is no parameter '{}'", name.substr(0, 80));
      return {};
    }
    std::string value = decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!known->words.empty() && std::ranges::find(known->words, value) == known->words.end()) {
      error = fmt::format("'{}' is not a value of the parameter '{}'", value.substr(0, 80), name);
      return {};
    }
    values.insert_or_assign(std::move(name), std::move(value));
  }
  return values;
}

std::optional<unsigned> query_number(const std::map<std::string, std::string, std::less<>>& query,
                                     std::string_view name, unsigned least, unsigned greatest,
                                     unsigned usual) {
  const auto given = query.find(name);
  if (given == query.end()) return usual;
  const std::string& text = given->second;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > greatest)
    return std::nullopt;
  return value;
}

ordered_json openapi_document(std::string_view version) {
  ordered_json paths = ordered_json::object();
  for (const api_route& each : routes) {
    std::string method(each.method);
    for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
    paths[std::string(each.path)][method] = operation_of(each);
  }
  return {{"openapi", "3.0.3"},
          {"info",
           {{"title", "duplexd"},
            {"description", "Operates a running duplexd: docs/operating.md."},
            {"version", version},
            {"license", {{"name", "MIT"}}}}},
          {"paths", std::move(paths)},
          {"components",
           {{"schemas", api_schemas()},
            {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

}  // namespace duplexd
