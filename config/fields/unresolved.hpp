#pragma once

#include <array>
#include <limits>

#include "config/fields/parsed.hpp"
#include "config/fields/value_parsers.hpp"

namespace duplexd::config {

/// How names and values that are looked up in the protocol later are written, and steps.

template <>
struct value_parser<unresolved_name> {
  static value_type type() { return {"name", {{"type", "string"}}}; }
  static nlohmann::ordered_json show(const unresolved_name& /*value*/) { return nullptr; }
  static bool read(const value_at& at, unresolved_name& out, reading& in);
};

/// A name, or a list of names.
template <>
struct value_parser<unresolved_names> {
  static value_type type();
  static nlohmann::ordered_json show(const unresolved_names& /*value*/) { return nullptr; }
  static bool read(const value_at& at, unresolved_names& out, reading& in);
};

template <>
struct value_parser<unresolved_values> {
  static value_type type() { return {"map of any values with references", {{"type", "object"}}}; }
  static nlohmann::ordered_json show(const unresolved_values& /*value*/) { return nullptr; }
  static bool read(const value_at& at, unresolved_values& out, reading& in);
};

template <>
struct value_parser<simulated_values> {
  static value_type type() { return value_parser<unresolved_values>::type(); }
  static nlohmann::ordered_json show(const simulated_values& /*value*/) { return nullptr; }
  static bool read(const value_at& at, simulated_values& out, reading& in);
};

template <>
struct value_parser<unresolved_match> {
  static value_type type() { return value_parser<json_template>::type(); }
  static nlohmann::ordered_json show(const unresolved_match& /*value*/) { return nullptr; }
  static bool read(const value_at& at, unresolved_match& out, reading& in);
};

template <>
struct value_parser<unresolved_pairs> {
  static value_type type() { return value_parser<nlohmann::ordered_json>::type(); }
  static nlohmann::ordered_json show(const unresolved_pairs& /*value*/) { return nullptr; }
  static bool read(const value_at& at, unresolved_pairs& out, reading& in);
};

/// A duration, or a text with references that gives one.
template <>
struct value_parser<duration_template> {
  static value_type type();
  static nlohmann::ordered_json show(const duration_template& value);
  static bool read(const value_at& at, duration_template& out, reading& in);
  /// What references give is known later: no range forbids it.
  static double magnitude(const duration_template& value) {
    return value.text ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(value.fixed.count());
  }
};

template <>
struct value_parser<parsed_step> {
  static bool read(const value_at& at, parsed_step& out, reading& in);
};

/// A list of steps, or a single one. Says nothing about the fields of a step: sections must not look into
/// themselves.
template <>
struct value_parser<parsed_steps> {
  static value_type type();
  static nlohmann::ordered_json show(const parsed_steps& /*value*/) { return nullptr; }
  static bool read(const value_at& at, parsed_steps& out, reading& in);
};

template <>
const section& section_of<parsed_output>();
template <>
const section& section_of<parsed_route>();

template <>
struct value_parser<parsed_output> {
  static value_type type();
  static nlohmann::ordered_json show(const parsed_output& /*value*/) { return nullptr; }
  static bool read(const value_at& at, parsed_output& out, reading& in);
};

/// The name of an output, or a route.
template <>
struct value_parser<parsed_route> {
  static value_type type();
  static nlohmann::ordered_json show(const parsed_route& /*value*/) { return nullptr; }
  static bool read(const value_at& at, parsed_route& out, reading& in);
};

template <>
struct value_parser<parsed_on_fault> {
  static value_type type();
  static nlohmann::ordered_json show(const parsed_on_fault& /*value*/) { return nullptr; }
  static bool read(const value_at& at, parsed_on_fault& out, reading& in);
};

/// Named sections in their order.
template <class T>
struct named_parser {
  using value = std::vector<std::pair<unresolved_name, T>>;
  static value_type type() {
    value_type inner = value_parser<T>::type();
    return {"map of " + inner.name + "s",
            {{"type", "object"}, {"additionalProperties", std::move(inner.schema)}},
            inner.inner};
  }
  static nlohmann::ordered_json show(const value& /*value*/) { return nullptr; }
  static bool read(const value_at& at, value& out, reading& in) {
    if (at.value.kind != protocol::node_kind::map) {
      at.complain(in, expected("a map", at.value));
      return false;
    }
    out.clear();
    bool good = true;
    for (const protocol::node_entry& entry : at.value.entries) {
      auto& [name, inner] = out.emplace_back();
      const value_at inside = at.entry(entry);
      name = {entry.key, entry.where, inside.path};
      good &= value_parser<T>::read(inside, inner, in);
    }
    return good;
  }
};

}  // namespace duplexd::config
