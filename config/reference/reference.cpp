#include "config/reference/reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "config/reference/functions.hpp"
#include "config/reference/times.hpp"
#include "config/value/json_path.hpp"
#include "config/value/regular_file.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

constexpr std::size_t largest_nonce = 1024;  // bytes

constexpr std::array<std::pair<reference_source, std::string_view>, 10> source_names{{
    {reference_source::env, "env"},
    {reference_source::file, "file"},
    {reference_source::credential, "credential"},
    {reference_source::var, "var"},
    {reference_source::reply, "reply"},
    {reference_source::fault, "fault"},
    {reference_source::time, "time"},
    {reference_source::nonce, "nonce"},
    {reference_source::counter, "counter"},
    {reference_source::link_count, "link_counter"},
}};

std::string_view name_of(reference_source source) {
  for (const auto& [candidate, name] : source_names)
    if (candidate == source) return name;
  return "";
}

/// The file without one trailing newline.
resolved<std::string> read_text(const std::filesystem::path& path) {
  auto text = read_regular_file(path, largest_secret_file);
  if (text.value.ends_with('\n')) text.value.pop_back();
  if (text.value.ends_with('\r')) text.value.pop_back();
  return text;
}

resolved<ordered_json> failed(const reference& what, std::string_view why) {
  return {nullptr, fmt::format("{}: {}", written(what), why)};
}

resolved<ordered_json> read_file(const reference& what, const std::filesystem::path& directory) {
  auto text = read_text(directory / what.name);  // an absolute path stays as it is
  if (!text) return failed(what, text.error);
  return {std::move(text.value), ""};
}

resolved<ordered_json> read_outside(const reference& what, const std::string& directory) {
  if (what.source == reference_source::env) {
    const char* found = std::getenv(what.name.c_str());
    if (what.otherwise && (found == nullptr || *found == '\0')) return {*what.otherwise, ""};
    if (found == nullptr) return failed(what, "the environment variable is not set");
    return {found, ""};
  }
  if (what.source == reference_source::file) return read_file(what, directory);
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  if (credentials == nullptr)
    return failed(what, "CREDENTIALS_DIRECTORY is not set, so there are no credentials");
  if (what.name.find('/') != std::string::npos || what.name == "..")
    return failed(what, "the name of a credential cannot be a path");
  return read_file(what, credentials);
}

// As shells name what they export: GW_TOKEN.
bool is_variable_name(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  return text.size() > 1 && !(text[0] >= '0' && text[0] <= '9') && std::ranges::all_of(text, allowed);
}

std::optional<std::size_t> nonce_size(std::string_view text) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc{} || end != text.data() + text.size() || size == 0 || size > largest_nonce)
    return std::nullopt;
  return size;
}

/// `NAME:-TEXT`, as shells write it.
void split_default(reference& variable) {
  const auto sign = variable.name.find(":-");
  if (sign == std::string::npos) return;
  variable.otherwise = variable.name.substr(sign + 2);
  variable.name.resize(sign);
}

}  // namespace

std::optional<reference> parse_reference(std::string_view text, std::string& error) {
  if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'')
    return reference{reference_source::literal, std::string(text.substr(1, text.size() - 2))};
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && colon + 1 < text.size())
    for (const auto& [source, name] : source_names) {
      if (name != text.substr(0, colon)) continue;
      reference found{source, std::string(text.substr(colon + 1))};
      if (source == reference_source::time && !is_time_form(found.name)) {
        error = fmt::format("'{}' is not a time format (known: {})", found.name, time_forms);
        return std::nullopt;
      }
      if (source == reference_source::env) split_default(found);
      if (source == reference_source::nonce && !nonce_size(found.name)) {
        error = fmt::format("a nonce has 1 to {} bytes, not '{}'", largest_nonce, found.name);
        return std::nullopt;
      }
      return found;
    }
  if (is_variable_name(text)) {
    error = fmt::format("'${{{0}}}' is not a valid reference; did you mean ${{env:{0}}}?", text);
    return std::nullopt;
  }
  error = fmt::format(
      "'${{{}}}' is not a valid reference; known: ${{env:NAME}}, ${{file:PATH}}, ${{credential:NAME}}, "
      "${{var:NAME}}, ${{reply:FIELD}}, ${{fault:text}}, ${{time:unix}}, ${{nonce:16}}, "
      "${{counter:NAME}} and ${{link_counter:NAME}}, and ${{param:NAME}} in templates",
      text);
  return std::nullopt;
}

bool is_outside(reference_source source) noexcept {
  return source == reference_source::env || source == reference_source::file ||
         source == reference_source::credential;
}

std::string written(const reference& what) {
  return fmt::format("${{{}:{}}}", name_of(what.source), what.name);
}

resolved<ordered_json> look_up(const reference& what, const std::string& directory, scope* inside) {
  if (is_outside(what.source)) {
    auto value = read_outside(what, directory);
    const bool is_default = what.otherwise && value.value == *what.otherwise;  // stands in the file
    if (value && inside != nullptr && !is_default)
      inside->take_secret(value.value.get_ref<const std::string&>(), secret_origin::read);
    return value;
  }
  if (what.source == reference_source::literal) return {what.name, ""};
  if (what.source == reference_source::nonce) {
    const std::string bytes = random_bytes(nonce_size(what.name).value_or(1));
    std::string text;
    protocol::append_hex(text, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    return {std::move(text), ""};
  }
  if (inside == nullptr) return failed(what, "only has a value while the session runs");
  if (what.source == reference_source::time) return {time_as(what.name, inside->wall()), ""};
  if (what.source == reference_source::counter) return {inside->count(what.name), ""};
  if (what.source == reference_source::link_count) return {inside->count_of_link(what.name), ""};
  if (what.source == reference_source::reply) {
    const ordered_json* reply = inside->reply();
    if (reply == nullptr) return failed(what, "no reply was received yet");
    const ordered_json* found = find_path(*reply, what.name);
    return found == nullptr ? failed(what, "the last reply has no such field")
                            : resolved<ordered_json>{*found, ""};
  }
  if (what.source == reference_source::fault) {
    const ordered_json* caught = inside->caught();
    if (caught == nullptr) return failed(what, "no fault was caught");
    const ordered_json* found = find_path(*caught, what.name);
    return found == nullptr ? failed(what, "a fault has class, text, status and line")
                            : resolved<ordered_json>{*found, ""};
  }
  const auto dot = what.name.find('.');
  const ordered_json* value = inside->variable(what.name.substr(0, dot));
  if (value == nullptr) return failed(what, "the variable is not set");
  if (dot == std::string::npos) return {*value, ""};
  const ordered_json* found = find_path(*value, std::string_view(what.name).substr(dot + 1));
  return found == nullptr ? failed(what, "the saved value has no such field")
                          : resolved<ordered_json>{*found, ""};
}

}  // namespace duplexd::config
