// The schemas of the OpenAPI document.
#include <utility>

#include "config/settings/log_settings.hpp"
#include "daemon/control/api_routes.hpp"

namespace duplexd {

using nlohmann::ordered_json;

namespace {

ordered_json text(std::string_view doc) {
  return {{"type", "string"}, {"description", doc}};
}
ordered_json whole(std::string_view doc) {
  return {{"type", "integer"}, {"description", doc}};
}
ordered_json seconds(std::string_view doc) {
  return {{"type", "number"}, {"description", doc}};
}

ordered_json names(std::string_view doc) {
  return {{"type", "array"}, {"items", {{"type", "string"}}}, {"description", doc}};
}

ordered_json fields(std::string_view doc) {
  return {{"type", "array"}, {"items", {{"$ref", "#/components/schemas/Field"}}}, {"description", doc}};
}

ordered_json object(ordered_json properties, std::vector<std::string> required) {
  return {{"type", "object"}, {"required", std::move(required)}, {"properties", std::move(properties)}};
}

ordered_json level() {
  ordered_json made{{"type", "string"}, {"enum", ordered_json::array()}};
  for (const auto& [level, word] : config::log_level_words) made["enum"].push_back(word);
  return made;
}

}  // namespace

ordered_json api_schemas() {
  const ordered_json session_properties{
      {"session", text("Its name.")},
      {"required", {{"type", "boolean"}, {"description", "Whether readiness asks for it."}}},
      {"phase", text("starting, inactive, connecting, login, up, waiting, closing, paused or ended.")},
      {"phase_seconds", seconds("How long it has been in that phase.")},
      {"cause", object({{"class", text("Of the fault.")}, {"text", text("For people.")}}, {"class", "text"})},
      {"next_attempt_seconds", seconds("Until it connects again.")},
      {"round_trip_ms", seconds("The kernel's estimate of the TCP round trip.")},
      {"certificate_expires", text("When the server's certificate expires: RFC 3339, in UTC.")},
      {"lag",
       object({{"newest_age_seconds", seconds("How long ago the newest event happened, by its own time.")},
               {"last_seconds", seconds("How old the last event was when it arrived.")},
               {"times_unusable", whole("Events whose field has no time.")},
               {"times_ahead", whole("Events whose time was in the future: their lag counts as 0.")}},
              {"times_unusable", "times_ahead"})},
      {"queued", whole("Commands that wait to be sent.")},
      {"unconfirmed", whole("Commands that wait for the reply that confirms them.")},
      {"unsent_bytes", whole("Bytes that the kernel has not taken.")},
      {"counts", {{"type", "object"}, {"additionalProperties", {{"type", "integer"}}}}},
      {"replies", {{"type", "object"}, {"additionalProperties", {{"type", "integer"}}}}}};
  return {
      {"Session", object(session_properties, {"session", "phase", "phase_seconds"})},
      {"SessionList",
       object({{"sessions", {{"type", "array"}, {"items", {{"$ref", "#/components/schemas/Session"}}}}},
               {"next", text("For `after` of the next page, if there is one.")},
               {"role",
                {{"type", "string"},
                 {"enum", {name_of(api_role::view), name_of(api_role::operate)}},
                 {"description", "What the client may do: the `x-role` of operations."}}}},
              {"sessions", "role"})},
      {"CommandList",
       object({{"session", text("The session's name.")},
               {"commands", {{"type", "array"}, {"items", {{"$ref", "#/components/schemas/CommandType"}}}}}},
              {"session", "commands"})},
      {"CommandType",
       object({{"command", text("Its name.")},
               {"frame", text("binary or text.")},
               {"fields", fields("What `with` may hold.")},
               {"open", {{"type", "boolean"}, {"description", "`with` is any JSON: it has no fields."}}},
               {"example", {{"description", "A `with` that can be sent."}}}},
              {"command", "frame", "fields", "example"})},
      {"Field",
       object({{"name", text("Its name; of a tuple its place. The elements of a list have none.")},
               {"type", text("number, text, boolean, map, list, tuple, or any.")},
               {"bytes", text("A text that stands for bytes: hex or base64.")},
               {"required", {{"type", "boolean"}, {"description", "The command cannot be sent without it."}}},
               {"constant", {{"description", "Its only value."}}},
               {"fields", fields("Of a map or tuple; of a list its element.")}},
              {"type", "required"})},
      {"CommandRequest",
       object({{"command", text("The name of a command of the session's protocol.")},
               {"with", {{"type", "object"}, {"description", "The values of its fields."}}},
               {"id", text("Names it and makes it safe to repeat; one is made if none is given.")}},
              {"command"})},
      {"Command", object({{"session", text("The session's name.")},
                          {"id", text("The command's id.")},
                          {"command", text("Its name.")},
                          {"state", text("See commands.md.")},
                          {"ended", {{"type", "boolean"}, {"description", "No further change follows."}}},
                          {"why", text("Of a refusal, for people.")},
                          {"reply", text("The name of the reply that confirmed it.")},
                          {"data", {{"type", "object"}, {"description", "That reply's values."}}},
                          {"data_omitted", {{"type", "boolean"}, {"description", "They are too large."}}}},
                         {"session", "id", "command", "state", "ended"})},
      {"Event", {{"type", "object"}, {"description", "One event a line, as in events.md."}}},
      {"Log", object({{"level", level()},
                      {"sessions",
                       {{"type", "object"},
                        {"additionalProperties", level()},
                        {"description", "Those that have a level of their own."}}}},
                     {"level", "sessions"})},
      {"LogChange", object({{"level",
                             {{"type", "string"},
                              {"enum", {"debug", "info", "warning", "error", "default", nullptr}},
                              {"nullable", true},
                              {"description", "With null or default the session loses its own level."}}},
                            {"session", text("The level is this session's only.")}},
                           {"level"})},
      {"Reload", object({{"applied", {{"type", "boolean"}}},
                         {"added", names("Sessions that were not there.")},
                         {"removed", names("Sessions that are closed.")},
                         {"reconnect", names("Sessions that have changed and connect again.")},
                         {"in_place", names("Sessions that have changed and keep their connections.")},
                         {"unchanged", whole("The number of the other sessions.")},
                         {"live", names("Fields that have changed without a new connection.")}},
                        {"applied", "added", "removed", "reconnect", "in_place", "unchanged", "live"})},
      {"Document", {{"type", "object"}}},
      {"Error", object({{"error", text("What is wrong.")}}, {"error"})}};
}

}  // namespace duplexd
