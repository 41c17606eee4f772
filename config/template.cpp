#include "config/template.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "config/node_json.hpp"
#include "config/utf8.hpp"

namespace duplexd::config {

namespace {

constexpr std::size_t largest_secret = 1u << 20;  // bytes of a file that a reference names

constexpr std::array<std::pair<reference_source, std::string_view>, 3> source_names{{
    {reference_source::env, "env"},
    {reference_source::file, "file"},
    {reference_source::credential, "credential"},
}};

std::string_view name_of(reference_source source) {
  for (const auto& [candidate, name] : source_names)
    if (candidate == source) return name;
  return "";
}

std::optional<reference_source> source_from(std::string_view name) {
  for (const auto& [source, candidate] : source_names)
    if (candidate == name) return source;
  return std::nullopt;
}

void note(std::string* error, std::string message) {
  if (error != nullptr && error->empty()) *error = std::move(message);
}

/// The file without one trailing newline. False with the reason if it cannot be read.
bool read_file(const std::string& path, std::string& value, std::string& error) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed) && !std::filesystem::is_fifo(path, failed)) {
    error = "there is no such file";
    return false;
  }
  std::ifstream file(path, std::ios::binary);
  value.resize(largest_secret + 1);
  file.read(value.data(), static_cast<std::streamsize>(value.size()));
  if (!file.is_open() || file.bad()) {
    error = "the file cannot be read";
    return false;
  }
  value.resize(static_cast<std::size_t>(file.gcount()));
  if (value.size() > largest_secret) {
    error = "the file is larger than 1 MiB";
    return false;
  }
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  return true;
}

}  // namespace

text_template::text_template(std::string_view text, std::string* error, std::string_view directory)
    : directory_(directory) {
  std::string literal;
  while (!text.empty()) {
    const std::size_t start = text.find("${");
    literal += text.substr(0, start);
    if (start == std::string_view::npos) break;
    const bool escaped = start > 0 && text[start - 1] == '$';
    text.remove_prefix(start + 2);
    if (escaped) {
      literal += '{';  // the first '$' of "$${" is there already
      continue;
    }
    const std::size_t end = text.find('}');
    const std::string_view inside = text.substr(0, end);
    const std::size_t colon = inside.find(':');
    const auto source = source_from(inside.substr(0, colon));
    if (end == std::string_view::npos)
      note(error, "a reference that starts with '${' has no '}' (write '$${' for a literal '${')");
    else if (!source || colon == std::string_view::npos || colon + 1 == inside.size())
      note(error, fmt::format("'${{{}}}' is not a reference: there are ${{env:NAME}}, ${{file:PATH}} and "
                              "${{credential:NAME}}, and ${{param:NAME}} in templates",
                              inside));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    if (!source || colon == std::string_view::npos) continue;
    if (!literal.empty()) parts_.push_back({false, reference_source::env, std::exchange(literal, {})});
    parts_.push_back({true, *source, std::string(inside.substr(colon + 1))});
  }
  if (!literal.empty()) parts_.push_back({false, reference_source::env, std::move(literal)});
}

text_template text_template::of_path(std::string_view text, std::string* error, std::string_view directory) {
  text_template path(text, error, directory);
  path.is_path_ = true;
  return path;
}

std::string text_template::from_directory(const std::string& path) const {
  return (std::filesystem::path(directory_) / path).string();  // an absolute path stays as it is
}

bool text_template::read(const part& reference, std::string& value, std::string& error) const {
  switch (reference.source) {
    case reference_source::env: {
      const char* found = std::getenv(reference.text.c_str());
      if (found == nullptr) error = "the environment has no such variable";
      value = found == nullptr ? "" : found;
      return found != nullptr;
    }
    case reference_source::file:
      return read_file(from_directory(reference.text), value, error);
    case reference_source::credential: {
      const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
      if (directory == nullptr) error = "CREDENTIALS_DIRECTORY is not set: no credentials were given";
      const bool inside = reference.text.find('/') == std::string::npos && reference.text != "..";
      if (error.empty() && !inside) error = "a credential's name is not a path";
      return error.empty() &&
             read_file((std::filesystem::path(directory) / reference.text).string(), value, error);
    }
  }
  return false;
}

resolved<std::string> text_template::resolve() const {
  resolved<std::string> result;
  for (const part& each : parts_) {
    if (!each.is_reference) {
      result.value += each.text;
      continue;
    }
    std::string value;
    std::string why;
    if (!read(each, value, why)) {
      result.value.clear();
      result.error = fmt::format("${{{}:{}}}: {}", name_of(each.source), each.text, why);
      return result;
    }
    result.value += value;
  }
  if (is_path_) result.value = from_directory(result.value);
  return result;
}

std::string text_template::display() const {
  std::string text;
  for (const part& each : parts_)
    text += each.is_reference ? fmt::format("${{{}:{}}}", name_of(each.source), each.text) : each.text;
  return text;
}

bool text_template::has_references() const noexcept {
  for (const part& each : parts_)
    if (each.is_reference) return true;
  return false;
}

std::string text_template::with_placeholder(std::string_view placeholder) const {
  std::string text;
  for (const part& each : parts_) text += each.is_reference ? placeholder : std::string_view(each.text);
  return text;
}

json_template::json_template(const protocol::node& source, std::string* error, std::string_view directory) {
  const auto read_text = [&](const std::string& text, const nlohmann::ordered_json::json_pointer& at) {
    text_template parsed(text, error, directory);
    if (!parsed.has_references()) return nlohmann::ordered_json(parsed.display());
    texts_.emplace_back(at, std::move(parsed));
    return nlohmann::ordered_json();
  };
  value_ = to_json(source, read_text, error);
}

resolved<nlohmann::ordered_json> json_template::resolve() const {
  resolved<nlohmann::ordered_json> result;
  result.value = value_;
  for (const auto& [pointer, text] : texts_) {
    const resolved<std::string> value = text.resolve();
    result.error = value.error;
    if (result && invalid_utf8_at(value.value))
      result.error = fmt::format("{}: the value is not UTF-8, JSON cannot hold it", text.display());
    if (!result) {
      result.value = nullptr;
      return result;
    }
    result.value[pointer] = value.value;
  }
  return result;
}

bool json_template::has_references() const noexcept {
  return !texts_.empty();
}

}  // namespace duplexd::config
