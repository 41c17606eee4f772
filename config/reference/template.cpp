#include "config/reference/template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "config/reference/quoted.hpp"
#include "protocol/document/node_json.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

bool is_utf8(std::string_view text) {
  return protocol::find_bad_utf8(text) == text.size();
}

void note(std::string* error, std::string message) {
  if (error != nullptr && error->empty()) *error = std::move(message);
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
    const std::size_t end = find_outside_quotes(text, "}");
    if (end == std::string_view::npos) {
      note(error, "a reference that starts with '${' has no '}' (write '$${' for a literal '${')");
      break;
    }
    std::string why;
    auto value = parse_expression(text.substr(0, end), why);
    text.remove_prefix(end + 1);
    if (!value) {
      note(error, std::move(why));
      continue;
    }
    if (error != nullptr && value->references().empty())  // nothing in it can change
      note(error, evaluate(*value, directory_, nullptr).error);
    if (!literal.empty()) parts_.push_back({std::exchange(literal, {})});
    parts_.push_back({"", std::move(value)});
  }
  if (!literal.empty()) parts_.push_back({std::move(literal)});
}

text_template text_template::of_path(std::string_view text, std::string* error, std::string_view directory) {
  text_template path(text, error, directory);
  path.is_path_ = true;
  return path;
}

std::string text_template::from_directory(const std::string& path) const {
  return (std::filesystem::path(directory_) / path).string();  // an absolute path stays as it is
}

resolved<std::string> text_template::resolve(scope* inside) const {
  resolved<std::string> result;
  for (const part& each : parts_) {
    if (!each.value) {
      result.value += each.literal;
      continue;
    }
    const auto value = evaluate(*each.value, directory_, inside);
    if (!value) return {"", value.error};
    result.value += as_text(value.value);
  }
  if (is_path_) result.value = from_directory(result.value);
  return result;
}

resolved<ordered_json> text_template::resolve_value(scope* inside) const {
  if (parts_.size() == 1)
    if (const auto& value = parts_[0].value) return evaluate(*value, directory_, inside);
  auto text = resolve(inside);
  if (!text) return {nullptr, std::move(text.error)};
  return {std::move(text.value), ""};
}

std::string text_template::check_outside() const {
  for (const reference& each : references()) {
    if (!is_outside(each.source)) continue;
    if (auto value = look_up(each, directory_, nullptr); !value) return std::move(value.error);
  }
  return "";
}

std::string text_template::display() const {
  std::string text;
  for (const part& each : parts_)
    text += each.value ? fmt::format("${{{}}}", each.value->written) : each.literal;
  return text;
}

bool text_template::has_references() const noexcept {
  return std::ranges::any_of(parts_, [](const part& each) { return each.value.has_value(); });
}

bool text_template::has_secrets() const noexcept {
  return std::ranges::any_of(parts_, [](const part& each) { return each.value && each.value->is_outside(); });
}

bool text_template::has_inside() const noexcept {
  return std::ranges::any_of(references(), [](const reference& each) {
    return !is_outside(each.source) && each.source != reference_source::literal;
  });
}

std::vector<reference> text_template::references() const {
  std::vector<reference> all;
  for (const part& each : parts_) {
    if (!each.value) continue;
    for (reference& one : each.value->references()) all.push_back(std::move(one));
  }
  return all;
}

std::string text_template::with_placeholder(std::string_view placeholder) const {
  std::string text;
  for (const part& each : parts_) text += each.value ? placeholder : std::string_view(each.literal);
  return text;
}

json_template::json_template(const protocol::node& source, std::string* error, std::string_view directory) {
  const auto read_text = [&](const std::string& text, const ordered_json::json_pointer& at) {
    text_template parsed(text, error, directory);
    if (!parsed.has_references()) return ordered_json(parsed.display());
    texts_.emplace_back(at, std::move(parsed));
    return ordered_json();
  };
  value_ = protocol::to_json(source, read_text, error);
}

resolved<ordered_json> json_template::resolve(scope* inside) const {
  resolved<ordered_json> result{value_, ""};
  for (const auto& [pointer, text] : texts_) {
    auto value = text.resolve_value(inside);
    result.error = std::move(value.error);
    if (result && value.value.is_string() && !is_utf8(value.value.get_ref<const std::string&>()))
      result.error = fmt::format(
          "{}: the value is not valid UTF-8 and cannot be used in JSON: add '| hex' or '| base64'",
          text.display());
    if (result && protocol::is_deeper(value.value, depth_for(inside)))
      result.error = fmt::format("{}: the value is nested more than {} deep (limits.json_depth)",
                                 text.display(), depth_for(inside));
    if (!result) {
      result.value = nullptr;
      return result;
    }
    result.value[pointer] = std::move(value.value);
  }
  return result;
}

bool json_template::has_references() const noexcept {
  return !texts_.empty();
}

bool json_template::has_secrets() const noexcept {
  return std::ranges::any_of(texts_, [](const auto& each) { return each.second.has_secrets(); });
}

std::vector<reference> json_template::references() const {
  std::vector<reference> all;
  for (const auto& [pointer, text] : texts_)
    for (reference& one : text.references()) all.push_back(std::move(one));
  return all;
}

}  // namespace duplexd::config
