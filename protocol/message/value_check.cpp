// What can be said of a command's values before all of them are known.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/document/node_json.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/message/value_shape.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {

using kind = value_shape::kind;
using pointer = ordered_json::json_pointer;

/// Compares the values of a command with its shape.
class partial_check {
 public:
  explicit partial_check(const std::vector<pointer>& unknown) : unknown_(unknown) {}

  void look(const value_shape& shape, const ordered_json* given, const pointer& at,
            const std::string& field) {
    if (std::ranges::find(unknown_, at) != unknown_.end()) {
      steered_ |= shape.steers;
      return;
    }
    if (given == nullptr && shape.what != kind::map) {
      if (shape.required) complain(field, "the field is missing");
      return;
    }
    if (shape.what == kind::map) return look_into_map(shape, given, at, field);
    if (shape.constant && !same_json(*given, *shape.constant))
      return complain(field, fmt::format("it is always {}, found {}", shown(*shape.constant), shown(*given)));
    if (!given->is_array()) return;
    for (std::size_t i = 0; i < given->size(); ++i) {
      const value_shape* inner = shape.at(std::to_string(i));
      if (inner != nullptr) look(*inner, &(*given)[i], at / i, fmt::format("{}[{}]", field, i));
    }
  }

  /// Whether other fields depend on a value that is not known.
  [[nodiscard]] bool steered() const noexcept { return steered_; }
  [[nodiscard]] std::vector<codec_error> take() { return std::move(errors_); }
  [[nodiscard]] bool empty() const noexcept { return errors_.empty(); }
  void complain(const std::string& field, std::string why) { errors_.push_back({field, 0, std::move(why)}); }

 private:
  static std::string shown(const ordered_json& value) {
    return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }

  void look_into_map(const value_shape& shape, const ordered_json* given, const pointer& at,
                     const std::string& field) {
    if (given == nullptr && !shape.required) return;
    if (given != nullptr && !given->is_object()) return;  // packing tells
    const auto below = [&](const std::string& name) { return field.empty() ? name : field + "." + name; };
    for (const auto& [name, inner] : shape.members) {
      const auto found = given == nullptr ? ordered_json::const_iterator{} : given->find(name);
      const bool is_given = given != nullptr && found != given->end();
      look(inner, is_given ? &*found : nullptr, at / name, below(name));
    }
    if (given == nullptr || shape.open) return;
    for (const auto& [key, value] : given->items()) {
      if (shape.find(key) != nullptr) continue;
      const std::string hint = suggest(key, shape.names());
      complain(below(key), fmt::format("there is no such field{}{}", hint.empty() ? "" : "; ", hint));
    }
  }

  const std::vector<pointer>& unknown_;
  std::vector<codec_error> errors_;
  bool steered_ = false;
};

// How packing names the field, and the shape that it has there.
std::pair<std::string, const value_shape*> field_at(const value_shape& shape, const ordered_json& values,
                                                    pointer at) {
  std::vector<std::string> parts;
  for (; !at.empty(); at.pop_back()) parts.insert(parts.begin(), at.back());
  std::string field;
  const ordered_json* value = &values;
  const value_shape* inner = &shape;
  for (const std::string& part : parts) {
    const bool in_list = value->is_array();
    field += in_list ? "[" + part + "]" : (field.empty() ? "" : ".") + part;
    value = in_list ? &value->at(std::stoul(part)) : &value->at(part);
    if (inner != nullptr) inner = inner->at(part);
  }
  return {field, inner};
}

bool is_within(std::string_view field, std::string_view other) {
  return field.starts_with(other) &&
         (field.size() == other.size() || field[other.size()] == '.' || field[other.size()] == '[');
}

}  // namespace

std::vector<codec_error> check_partly(const message_type& type, const ordered_json& values,
                                      const std::vector<pointer>& unknown) {
  const bool is_layout = type.body == message_type::body_kind::layout;
  if (std::ranges::find(unknown, pointer{}) != unknown.end()) return {};
  const value_shape shape = shape_of(type);
  partial_check check(unknown);
  if (is_layout) check.look(shape, &values, pointer{}, "");
  if (!check.empty() || (is_layout && (check.steered() || !type.layout.choices.empty()))) return check.take();
  const auto chooses = [](const text_content& each) { return !each.layout.choices.empty(); };
  if (!unknown.empty() && std::ranges::any_of(type.contents, chooses)) return {};
  ordered_json filled = values;
  std::vector<std::string> open;
  for (const pointer& each : unknown) {
    const auto [field, at] = field_at(shape, values, each);
    if (at != nullptr) filled[each] = at->sample;
    open.push_back(field);
  }
  std::vector<std::uint8_t> ignored;
  const auto error = pack(type, filled, ignored);
  const auto depends = [&](const std::string& field) {
    return is_within(error->field, field) || is_within(field, error->field);
  };
  if (error && !error->field.empty() && std::ranges::none_of(open, depends))
    check.complain(error->field, error->message);
  return check.take();
}

}  // namespace duplexd::protocol
