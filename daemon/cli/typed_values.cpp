#include "daemon/cli/typed_values.hpp"

#include "protocol/text/json_text.hpp"
#include "protocol/text/json_tree.hpp"
#include "protocol/text/parts.hpp"

namespace duplexd::cli {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t deepest = 200;  // the most that limits.json_depth may be

// 5, [1, 2] and "x" are JSON; everything else is a text.
ordered_json value_of(const std::string& word, std::string& error) {
  ordered_json value;
  if (protocol::parse_json(word, value, deepest)) return word;
  if (protocol::quote_large_numbers(word)) error = word + ": " + protocol::large_number_mistake;
  return value;
}

}  // namespace

std::optional<ordered_json> value_of_json(std::string_view text, std::string& error) {
  ordered_json value;
  if (const auto fault = protocol::parse_json(text, value, deepest))
    error = "not valid JSON: " + std::string(fault->message);
  else if (protocol::quote_large_numbers(text))
    error = protocol::large_number_mistake;
  else
    return value;
  return std::nullopt;
}

std::optional<ordered_json> values_of(const std::vector<std::string>& words, std::string& error) {
  ordered_json values;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || (equals == std::string::npos && values.is_object()) ||
        (equals != std::string::npos && values.is_array())) {
      error = "expected key=value: " + word;
      return std::nullopt;
    }
    if (equals == std::string::npos)
      values.push_back(value_of(word, error));
    else if (std::string key = word.substr(0, equals); values.contains(key))
      error = "it is there twice: " + key;
    else
      values[key] = value_of(word.substr(equals + 1), error);
    if (!error.empty()) return std::nullopt;
  }
  return values;
}

std::optional<ordered_json> values_of_line(std::string_view line, std::string& error) {
  line = protocol::trimmed(line, " \t\r");
  if (line.starts_with('{') || line.starts_with('[')) return value_of_json(line, error);
  std::vector<std::string> words;
  while (!line.empty()) {
    const auto end = std::min(line.find(' '), line.size());
    words.emplace_back(line.substr(0, end));
    line = protocol::trimmed(line.substr(end), " \t\r");
  }
  return values_of(words, error);
}

}  // namespace duplexd::cli
