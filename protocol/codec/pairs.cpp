// Texts such as "a=1&b=2" as maps.
#include "protocol/codec/pairs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "protocol/text/percent_encoding.hpp"
#include "protocol/text/printable.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {

struct key_and_value {
  std::string key;
  std::optional<std::string> value{};
};

/// Takes a text apart, pair by pair. What an escape stands for is neither a separator nor an equals.
class pair_reader {
 public:
  pair_reader(std::string_view text, const pairs_rule& rule) : text_(text), rule_(rule) {}

  [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }

  /// The pair up to the next separator, which is taken, too. False if an escape in it means nothing.
  bool next(key_and_value& out) {
    out = {};
    std::string* into = &out.key;
    while (!at_end()) {
      const std::string_view left = text_.substr(at_);
      if (rule_.percent && left.front() == '%') {
        const std::string_view digits = left.substr(1, 2);
        unsigned byte = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
        if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) return false;
        *into += static_cast<char>(byte);
        at_ += 3;
      } else if (const auto* escape = escape_at(left); escape != nullptr) {
        *into += escape->second;
        at_ += escape->first.size();
      } else if (left.starts_with(rule_.separator)) {
        at_ += rule_.separator.size();
        return true;
      } else if (!out.value && left.starts_with(rule_.equals)) {
        at_ += rule_.equals.size();
        into = &out.value.emplace();
      } else {
        *into += left.front();
        ++at_;
      }
    }
    return true;
  }

 private:
  [[nodiscard]] const std::pair<std::string, std::string>* escape_at(std::string_view left) const {
    const auto found = std::ranges::find_if(
        rule_.escapes, [&](const auto& escape) { return left.starts_with(escape.first); });
    return found == rule_.escapes.end() ? nullptr : &*found;
  }

  std::string_view text_;
  const pairs_rule& rule_;
  std::size_t at_ = 0;
};

std::string escaped_part(std::string_view text, const pairs_rule& rule) {
  std::string out;
  if (rule.percent) {
    append_percent_encoded(out, text);
    return out;
  }
  while (!text.empty()) {
    const auto found = std::ranges::find_if(
        rule.escapes, [&](const auto& escape) { return text.starts_with(escape.second); });
    const bool is_escaped = found != rule.escapes.end();
    out += is_escaped ? found->first : std::string(1, text.front());
    text.remove_prefix(is_escaped ? found->second.size() : 1);
  }
  return out;
}

}  // namespace

std::optional<json_fault> read_pairs(std::string_view text, const pairs_rule& rule, std::size_t& left,
                                     std::string& json) {
  const std::size_t before = json.size();
  const auto fault = [&](std::size_t at, const char* why) {
    json.resize(before);
    return json_fault{at, why, false};
  };
  std::unordered_set<std::string> keys;
  pair_reader from(text, rule);
  json += '{';
  for (key_and_value found; !from.at_end();) {
    const std::size_t begin = from.at();
    if (!from.next(found)) return fault(from.at(), "'%' without two hex digits");
    if (found.key.empty() && !found.value) continue;
    if (left == 0) return fault(begin, "more pairs than the limit of elements in a packet");
    --left;
    if (find_bad_utf8(found.key) != found.key.size() ||
        (found.value && find_bad_utf8(*found.value) != found.value->size()))
      return fault(begin, "a pair that is not UTF-8");
    if (json.size() > before + 1) json += ',';
    append_quoted(json, found.key);
    json += ':';
    if (found.value)
      append_quoted(json, *found.value);
    else
      json += "null";
    if (!keys.insert(std::move(found.key)).second) return fault(begin, "a key that is there twice");
  }
  json += '}';
  return std::nullopt;
}

std::string write_pairs(const ordered_json& values, const pairs_rule& rule, std::size_t most,
                        std::string& text) {
  if (!values.is_object()) return fmt::format("expected a map of texts, found {}", kind_of(values));
  if (values.size() > most) return fmt::format("{} pairs, more than the limit of {}", values.size(), most);
  for (const auto& [key, value] : values.items()) {
    if (!value.is_string() && !value.is_null())
      return fmt::format("'{}': expected a text, found {}", one_line(key), kind_of(value));
    const std::string* const held = value.is_string() ? &value.get_ref<const std::string&>() : nullptr;
    if (find_bad_utf8(key) != key.size() || (held != nullptr && find_bad_utf8(*held) != held->size()))
      return "a key or a text in it is not UTF-8";
    std::string whole = escaped_part(key, rule);
    if (held != nullptr) whole += rule.equals + escaped_part(*held, rule);
    whole += rule.separator;
    // What would be read as something else has no form here.
    pair_reader again(whole, rule);
    key_and_value found;
    const bool same = again.next(found) && again.at_end() && found.key == key &&
                      (held == nullptr ? !found.value : found.value == *held);
    if (whole == rule.separator) return "a pair without key and value has no form";
    if (!same)
      return fmt::format(
          "'{}' would be read as something else: it holds a separator, and no escape is for that",
          one_line(key));
    text += whole;
  }
  if (!rule.closed && !values.empty()) text.resize(text.size() - rule.separator.size());
  return {};
}

}  // namespace duplexd::protocol
