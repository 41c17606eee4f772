#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd {

/// What can be asked of a running daemon.
enum class api_operation : std::uint8_t {
  list_sessions,
  show_session,
  list_commands,
  send_command,
  show_command,
  cancel_command,
  pause,
  resume,
  reconnect,
  drain,
  follow_events,
  show_log,
  set_log_level,
  reload,
  describe_api,
};

/// What somebody may do: see everything, or change things, too.
enum class api_role : std::uint8_t { view, operate };

/// "view".
[[nodiscard]] std::string_view name_of(api_role role) noexcept;

struct api_parameter {
  std::string_view name;
  std::string_view type;  ///< of JSON Schema: "integer", "string"
  std::string_view doc;
  std::span<const std::string_view> words{};  ///< the only values, if there are any
};

/// One operation, said once: dispatch and the OpenAPI document follow.
struct api_route {
  api_operation what;
  api_role role;  ///< that it needs
  std::string_view method;
  std::string_view path;  ///< "{name}" stands for one part
  std::string_view id;    ///< "pauseSession"
  std::string_view doc;
  std::span<const api_parameter> query{};
  std::string_view request{};   ///< the schema of its body; empty: none
  std::string_view response{};  ///< the schema of what it answers with 200
  bool may_be_early = false;    ///< 202 with the same schema: not at its end yet
};

[[nodiscard]] std::span<const api_route> api_routes() noexcept;

/// What a request is for.
struct api_match {
  const api_route* route = nullptr;                         ///< null: see `allow`
  std::map<std::string, std::string, std::less<>> parts{};  ///< what stands for "{name}", percent-decoded
  std::string allow{};  ///< the methods that the path has; empty: there is no such path
};
[[nodiscard]] api_match match_api(std::string_view method, std::string_view path);

/// The parameters behind a target's `?`, decoded. Says in `error` what is not of the route.
[[nodiscard]] std::map<std::string, std::string, std::less<>> read_query(const api_route& route,
                                                                         std::string_view query,
                                                                         std::string& error);

/// A number of a query; `usual` if it is not given, nothing if it is none or out of range.
[[nodiscard]] std::optional<unsigned> query_number(
    const std::map<std::string, std::string, std::less<>>& query, std::string_view name, unsigned least,
    unsigned greatest, unsigned usual);

/// The schemas that routes name, for `components` of the OpenAPI document.
[[nodiscard]] nlohmann::ordered_json api_schemas();

/// The OpenAPI 3.0 document of all routes.
[[nodiscard]] nlohmann::ordered_json openapi_document(std::string_view version);

}  // namespace duplexd
