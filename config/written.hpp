#pragma once

#include "config/draft.hpp"
#include "config/forms.hpp"

namespace duplexd::config {

/// How names and values that are looked up in the protocol later are written.
template <>
struct form<written_name> {
  static value_type type() { return {"name", {{"type", "string"}}}; }
  static nlohmann::ordered_json show(const written_name& /*value*/) { return nullptr; }
  static bool read(const value_at& at, written_name& out, reading& in) {
    out.where = at.value.where;
    out.path = at.path;
    if (at.value.kind != protocol::node_kind::map) return form<std::string>::read(at, out.text, in);
    at.complain(in, expected("a name", at.value), "values stand beside the name, under 'with' or 'where'");
    return false;
  }
};

template <>
struct form<written_values> {
  static value_type type() { return {"map of any values with references", {{"type", "object"}}}; }
  static nlohmann::ordered_json show(const written_values& /*value*/) { return nullptr; }
  static bool read(const value_at& at, written_values& out, reading& in) {
    if (at.value.kind != protocol::node_kind::map) {
      at.complain(in, expected("a map", at.value), "field: value, as the command's layout names them");
      return false;
    }
    out.source = &at.value;
    out.path = at.path;
    return form<json_template>::read(at, out.values, in);
  }
};

}  // namespace duplexd::config
