#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/fields/field.hpp"
#include "config/reference/template.hpp"
#include "config/settings/settings.hpp"
#include "config/value/redirect_rules.hpp"

namespace duplexd::config {

/// How a value of type T is written: `type()` describes it, `show()` writes one (null: nothing to show),
/// `read()` reads one and says false after a complaint. What is not specialised here is a section.
template <class T>
struct value_parser;

/// The fields of a settings structure; specialised in fields.cpp.
template <class T>
const section& section_of();

template <>
struct value_parser<bool> {
  static value_type type();
  static nlohmann::ordered_json show(bool value) { return value; }
  static bool read(const value_at& at, bool& out, reading& in);
};

/// A whole number.
template <>
struct value_parser<std::uint16_t> {
  static value_type type();
  static nlohmann::ordered_json show(std::uint16_t value) { return value; }
  static bool read(const value_at& at, std::uint16_t& out, reading& in);
  static double magnitude(std::uint16_t value) { return value; }
};

template <>
struct value_parser<std::uint32_t> {
  static value_type type() { return value_parser<std::uint16_t>::type(); }
  static nlohmann::ordered_json show(std::uint32_t value) { return value; }
  static bool read(const value_at& at, std::uint32_t& out, reading& in);
  static double magnitude(std::uint32_t value) { return value; }
};

template <>
struct value_parser<double> {
  static value_type type();
  static nlohmann::ordered_json show(double value) { return value; }
  static bool read(const value_at& at, double& out, reading& in);
  static double magnitude(double value) { return value; }
};

template <>
struct value_parser<std::chrono::milliseconds> {
  static value_type type();
  static nlohmann::ordered_json show(std::chrono::milliseconds value);
  static bool read(const value_at& at, std::chrono::milliseconds& out, reading& in);
  static double magnitude(std::chrono::milliseconds value) { return static_cast<double>(value.count()); }
};

/// Bytes, with or without a unit.
struct size_parser {
  static value_type type();
  static nlohmann::ordered_json show(std::uint64_t value);
  static bool read(const value_at& at, std::uint64_t& out, reading& in);
  static double magnitude(std::uint64_t value) { return static_cast<double>(value); }
};

/// A text without references.
template <>
struct value_parser<std::string> {
  static value_type type();
  static nlohmann::ordered_json show(const std::string& value);
  static bool read(const value_at& at, std::string& out, reading& in);
};

/// A token of HTTP (RFC 9110, 5.6.2): a method, a subprotocol.
struct token_parser : value_parser<std::string> {
  static bool read(const value_at& at, std::string& out, reading& in);
};

/// `127.0.0.1:9100`, `[::1]:9100`.
template <>
struct value_parser<listen_address> {
  static value_type type();
  static nlohmann::ordered_json show(const listen_address& value) { return text_of(value); }
  static bool read(const value_at& at, listen_address& out, reading& in);
};

/// The name of a host, in lower case.
struct host_name_parser : value_parser<std::string> {
  static bool read(const value_at& at, std::string& out, reading& in);
};

/// A list of names, or a map that says more.
template <>
struct value_parser<subprotocol_settings> {
  static value_type type();
  static nlohmann::ordered_json show(const subprotocol_settings& /*value*/) { return nullptr; }
  static bool read(const value_at& at, subprotocol_settings& out, reading& in);
};

/// A text with references, each of which can be resolved now unless secrets are absent.
template <>
struct value_parser<text_template> {
  static value_type type();
  static nlohmann::ordered_json show(const text_template& /*value*/) { return nullptr; }
  static bool read(const value_at& at, text_template& out, reading& in);
};

/// The path of a file, with references; a relative one starts from the configuration's directory.
struct path_parser {
  static value_type type();
  static nlohmann::ordered_json show(const text_template& /*value*/) { return nullptr; }
  static bool read(const value_at& at, text_template& out, reading& in);
};

/// A WebSocket address with references, or a list of them.
struct url_parser {
  using value = std::vector<text_template>;
  static value_type type();
  static nlohmann::ordered_json show(const value& /*value*/) { return nullptr; }
  static bool read(const value_at& at, value& out, reading& in);
};

/// A word, or a list of origins.
template <>
struct value_parser<redirect_rules> {
  static value_type type();
  static nlohmann::ordered_json show(const redirect_rules& value);
  static bool read(const value_at& at, redirect_rules& out, reading& in);
};

/// Puts the reason into `error` if the text is none of its kind: `parse_url`, for instance.
using text_check = std::function<void(const std::string& value, std::string& error)>;

/// Reads a text with references and checks what it stands for. What cannot be known without the secrets is
/// not checked.
bool read_checked(const value_at& at, text_template& out, reading& in, const text_check& check);

/// Any JSON value; its texts may have references.
template <>
struct value_parser<json_template> {
  static value_type type();
  static nlohmann::ordered_json show(const json_template& /*value*/) { return nullptr; }
  static bool read(const value_at& at, json_template& out, reading& in);
};

/// Any JSON value without references.
template <>
struct value_parser<nlohmann::ordered_json> {
  static value_type type();
  static nlohmann::ordered_json show(const nlohmann::ordered_json& /*value*/) { return nullptr; }
  static bool read(const value_at& at, nlohmann::ordered_json& out, reading& in);
};

/// Named texts in their order: HTTP headers.
struct headers_parser {
  using value = std::vector<std::pair<std::string, text_template>>;
  static value_type type();
  static nlohmann::ordered_json show(const value& /*value*/) { return nullptr; }
  static bool read(const value_at& at, value& out, reading& in);
};

/// Variables of a program's environment, by name.
struct environment_parser {
  using value = std::vector<std::pair<std::string, text_template>>;
  static value_type type();
  static nlohmann::ordered_json show(const value& /*value*/) { return nullptr; }
  static bool read(const value_at& at, value& out, reading& in);
};

/// A value that is read later, by somebody who knows more.
template <>
struct value_parser<const protocol::node*> {
  static value_type type() { return {"map", {{"type", "object"}}}; }
  static nlohmann::ordered_json show(const protocol::node* /*value*/) { return nullptr; }
  static bool read(const value_at& at, const protocol::node*& out, reading& /*in*/) {
    out = &at.value;
    return true;
  }
};

void complain_of_choice(const value_at& at, const std::vector<std::string>& names, reading& in);

/// One of a few words. `words_of(E)` gives the pairs (value, name).
template <class E>
struct choice_parser {
  static value_type type() {
    nlohmann::ordered_json names = nlohmann::ordered_json::array();
    for (const auto& [value, name] : words_of(E{})) names.push_back(std::string(name));
    return {"name", {{"enum", std::move(names)}}};
  }
  static nlohmann::ordered_json show(E wanted) {
    for (const auto& [value, name] : words_of(E{}))
      if (value == wanted) return std::string(name);
    return nullptr;
  }
  static bool read(const value_at& at, E& out, reading& in) {
    std::vector<std::string> names;
    for (const auto& [value, name] : words_of(E{})) {
      if (at.value.kind == protocol::node_kind::text && at.value.text == name) {
        out = value;
        return true;
      }
      names.emplace_back(name);
    }
    complain_of_choice(at, names, in);
    return false;
  }
};

/// A member that may be left out: written as its value is.
template <class T>
struct value_parser<std::optional<T>> : value_parser<T> {};

/// Reads a list whose items the parser F reads into a container with `insert(end, item)`.
template <class F, class Item, class Container>
bool read_list(const value_at& at, Container& out, reading& in) {
  if (at.value.kind != protocol::node_kind::list) {
    at.complain(in, expected("a list", at.value), "write [a, b], or lines that start with '- '");
    return false;
  }
  out.clear();
  bool good = true;
  for (std::size_t i = 0; i < at.value.items.size(); ++i) {
    Item item{};
    if (F::read(at.item(i), item, in))
      out.insert(out.end(), std::move(item));
    else
      good = false;
  }
  return good;
}

template <class F>
value_type list_type() {
  value_type item = F::type();
  std::string items = item.name;
  items.insert(std::min(items.find(" with "), items.size()), "s");
  return {"list of " + items, {{"type", "array"}, {"items", std::move(item.schema)}}, item.inner};
}

/// A list whose items the parser F reads.
template <class F, class T>
struct list_parser {
  static value_type type() { return list_type<F>(); }
  static nlohmann::ordered_json show(const std::vector<T>& /*value*/) { return nullptr; }
  static bool read(const value_at& at, std::vector<T>& out, reading& in) {
    return read_list<F, T>(at, out, in);
  }
};

template <class T>
struct value_parser<std::vector<T>> : list_parser<value_parser<T>, T> {};

template <class T>
struct value_parser<std::set<T>> {
  static value_type type() { return list_type<value_parser<T>>(); }
  static nlohmann::ordered_json show(const std::set<T>& /*value*/) { return nullptr; }
  static bool read(const value_at& at, std::set<T>& out, reading& in) {
    return read_list<value_parser<T>, T>(at, out, in);
  }
};

/// A section. If its structure wants to know where it stands, `where` and `path` are set.
template <class T>
struct value_parser {
  static value_type type() {
    const section& fields = section_of<T>();
    return {fields.id, {{"$ref", "#/$defs/" + fields.id}}, &fields};
  }
  static nlohmann::ordered_json show(const T& /*value*/) { return nullptr; }
  static bool read(const value_at& at, T& out, reading& in) {
    const std::size_t before = in.mistakes.size();
    if constexpr (requires { out.path; }) {
      out.where = at.value.where;
      out.path = at.path;
    }
    read_section(section_of<T>(), at, at.value.where, &out, in);
    return in.mistakes.size() == before;
  }
};

/// Complains if the value is out of the field's range.
void check_range(const field& self, const value_at& at, double value, reading& in);

/// Makes the fields of section S.
template <class S>
struct fields_of {
  /// A field that is written as its member's type is.
  template <class M, class B>
  field operator()(std::string name, M B::* member, std::string doc) const {
    return as<value_parser<M>>(std::move(name), member, std::move(doc));
  }

  /// A field that is written as F says.
  template <class F, class M, class B>
  field as(std::string name, M B::* member_of_base, std::string doc) const {
    M S::* const member = member_of_base;
    field result;
    result.name = std::move(name);
    result.doc = std::move(doc);
    result.type = F::type();
    result.fallback = shown<F>(S{}.*member);
    result.read = [member](const field& self, const value_at& at, void* object, reading& in) {
      read_member<F>(self, at, static_cast<S*>(object)->*member, in);
    };
    return result;
  }

 private:
  template <class F, class M>
  static nlohmann::ordered_json shown(const M& value) {
    return F::show(value);
  }
  template <class F, class T>
  static nlohmann::ordered_json shown(const std::optional<T>& value) {
    return value ? F::show(*value) : nullptr;
  }

  template <class F, class M>
  static void read_member(const field& self, const value_at& at, M& out, reading& in) {
    if (self.is_map_only && at.value.kind != protocol::node_kind::map) {
      at.complain(in, expected("a map", at.value));
      return;
    }
    if (F::read(at, out, in)) {
      if constexpr (requires { F::magnitude(out); }) check_range(self, at, F::magnitude(out), in);
    }
  }
  template <class F, class T>
  static void read_member(const field& self, const value_at& at, std::optional<T>& out, reading& in) {
    read_member<F>(self, at, out.emplace(), in);
  }
};

}  // namespace duplexd::config
