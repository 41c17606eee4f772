#include "daemon/input/command_request.hpp"

#include <fmt/format.h>

#include "protocol/text/json_text.hpp"
#include "protocol/text/json_tree.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd {

namespace {

using nlohmann::ordered_json;

bool read_text(const ordered_json& value, std::string_view key, std::string& out, std::string& error) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    error = fmt::format("'{}' must be a text that is not empty", key);
    return false;
  }
  out = value.get<std::string>();
  return true;
}

}  // namespace

bool read_command_request(std::string_view line, command_request& out, std::string& error) {
  ordered_json request;
  if (const auto fault = protocol::parse_json(line, request)) {
    error = fmt::format("it is not JSON: byte {}: {}", fault->offset, fault->message);
    return false;
  }
  if (protocol::quote_large_numbers(line)) {
    error = protocol::large_number_mistake;
    return false;
  }
  if (!request.is_object()) {
    error = R"(expected a map such as {"command": "NAME", "with": {}})";
    return false;
  }
  error.clear();
  for (const auto& [key, value] : request.items()) {
    std::string mistake;
    if (key == "session") {
      (void)read_text(value, key, out.session, mistake);
    } else if (key == "command") {
      (void)read_text(value, key, out.command, mistake);
    } else if (key == "id") {
      if (value.is_number_integer())
        out.id = value.dump();
      else if (read_text(value, key, out.id, mistake) && out.id.size() > longest_command_id)
        mistake = fmt::format("'id' has more than {} bytes", longest_command_id);
    } else if (key == "with") {
      if (value.is_object())
        out.values = value;
      else
        mistake = "'with' must be a map";
    } else {
      mistake = fmt::format("unknown key '{}' ({})", key,
                            protocol::suggest_or_list(key, {"session", "command", "with", "id"}));
    }
    if (error.empty()) error = std::move(mistake);
  }
  if (error.empty() && out.command.empty()) error = "'command' is missing";
  if (out.id.size() > longest_command_id) out.id.clear();
  return error.empty();
}

}  // namespace duplexd
