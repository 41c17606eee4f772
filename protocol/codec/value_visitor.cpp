#include "protocol/codec/value_visitor.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "protocol/text/json_tree.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

void visit_json(const ordered_json& value, value_visitor& to) {
  switch (value.type()) {
    case ordered_json::value_t::object:
      to.begin_object();
      for (const auto& [key, item] : value.items()) {
        field_name name{key, ","};
        append_quoted(name.key, key);
        name.key += ':';
        to.key(name);
        visit_json(item, to);
      }
      return to.end_object();
    case ordered_json::value_t::array:
      to.begin_array();
      for (const ordered_json& item : value) {
        to.element();
        visit_json(item, to);
      }
      return to.end_array();
    case ordered_json::value_t::string:
      return to.text(value.get_ref<const std::string&>());
    case ordered_json::value_t::boolean:
      return to.boolean(value.get<bool>());
    case ordered_json::value_t::number_integer:
      return to.integer(value.get<std::int64_t>());
    case ordered_json::value_t::number_unsigned:
      return to.natural(value.get<std::uint64_t>());
    case ordered_json::value_t::number_float:
      return to.real(value.get<double>());
    default:
      return to.null();
  }
}

ordered_json& json_builder::put(ordered_json value) {
  if (stack_.empty()) return root_ = std::move(value);
  ordered_json& parent = *stack_.back();
  if (parent.is_array()) {
    parent.push_back(std::move(value));
    return parent.back();
  }
  // Unpacking never names a key of an object twice, so there is nothing to look up.
  return parent.get_ref<ordered_json::object_t&>().emplace_back(key_, std::move(value)).second;
}

void json_builder::decimal(int128 mantissa, unsigned places) {
  std::string digits;
  append_decimal(digits, mantissa, places);
  put(json_tree(digits));
}

void json_builder::real(double value) {
  if (std::isfinite(value))
    put(value);
  else
    put(std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
}

void json_builder::hex(bytes_view value) {
  std::string digits;
  append_hex(digits, value);
  put(std::move(digits));
}

void json_builder::base64(bytes_view value) {
  std::string digits;
  append_base64(digits, value);
  put(std::move(digits));
}

void pick_visitor::key(const field_name& name) {
  if (depth_ > 1) {
    value([&](json_writer& to) { to.key(name); });
    return;
  }
  const auto found = std::find(names_.begin(), names_.end(), name.text);
  current_ = found == names_.end() ? -1 : found - names_.begin();
}

}  // namespace duplexd::protocol
