// Where connections go, and what they carry: addresses, URLs, redirects, headers, a program's environment.

#include <algorithm>

#include "config/fields/value_parsers.hpp"
#include "config/value/http_token.hpp"
#include "config/value/url.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node_kind;

namespace {

/// One of the origins of a list.
struct origin_parser {
  static bool read(const value_at& at, url& out, reading& in) {
    std::string text;
    if (!value_parser<std::string>::read(at, text, in)) return false;
    std::string error;
    const auto origin = parse_origin(text, error);
    if (origin)
      out = *origin;
    else
      at.complain(in, std::move(error));
    return origin.has_value();
  }
};

/// Why this cannot be the name of an additional header, or nothing (RFC 9110, 5.1; RFC 6455, 4.1).
std::string header_mistake(const std::string& name) {
  if (!is_http_token(name)) return "a header name consists of letters, digits and '-'";
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const std::string_view own : {"connection", "upgrade", "content-length", "transfer-encoding"})
    if (lower == own) return "this header belongs to the WebSocket handshake";
  if (lower == "sec-websocket-protocol") return "this header is set by the field 'subprotocols'";
  if (lower.starts_with("sec-websocket-")) return "this header belongs to the WebSocket handshake";
  return "";
}

}  // namespace

value_type value_parser<listen_address>::type() {
  return {"IP address and port", {{"type", "string"}, {"pattern", R"(:[0-9]{1,5}$)"}}};
}

bool value_parser<listen_address>::read(const value_at& at, listen_address& out, reading& in) {
  std::string text;
  if (!value_parser<std::string>::read(at, text, in)) return false;
  std::string error;
  const auto address = parse_listen_address(text, error);
  if (!address) at.complain(in, std::move(error));
  if (address) out = *address;
  return address.has_value();
}

bool host_name_parser::read(const value_at& at, std::string& out, reading& in) {
  if (!value_parser<std::string>::read(at, out, in)) return false;
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  const auto is_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  };
  if (!out.empty() && std::all_of(out.begin(), out.end(), is_of_name)) return true;
  at.complain(in, in_quotes(out) + " is not the name of a host", "without a port: metrics.test.com");
  return false;
}

value_type url_parser::type() {
  ordered_json one{{"type", "string"},
                   {"pattern", R"(^([wW][sS][sS]?://|[wW][sS]\+[uU][nN][iI][xX]:|.*\$\{))"}};
  ordered_json many{{"type", "array"}, {"items", one}, {"minItems", 1}};
  return {"URL with references, or a list of them", {{"anyOf", {std::move(one), std::move(many)}}}};
}

bool url_parser::read(const value_at& at, value& out, reading& in) {
  out.clear();
  if (at.value.kind != node_kind::list) return read_checked(at, out.emplace_back(), in, parse_url);
  if (at.value.items.empty()) at.complain(in, "the list of URLs is empty");
  bool good = !at.value.items.empty();
  for (std::size_t i = 0; i < at.value.items.size(); ++i)
    good &= read_checked(at.item(i), out.emplace_back(), in, parse_url);
  return good;
}

value_type value_parser<redirect_rules>::type() {
  return {"same_origin, none, or list of origins",
          {{"anyOf",
            {{{"enum", {"same_origin", "none"}}},
             {{"type", "array"},
              {"items", {{"type", "string"}, {"pattern", "^([wW][sS]|[hH][tT][tT][pP])[sS]?://"}}}}}}}};
}

ordered_json value_parser<redirect_rules>::show(const redirect_rules& value) {
  if (!value.origins.empty()) return nullptr;
  return value.followed ? "same_origin" : "none";
}

bool value_parser<redirect_rules>::read(const value_at& at, redirect_rules& out, reading& in) {
  out = {};
  if (at.value.kind == node_kind::list) return read_list<origin_parser, url>(at, out.origins, in);
  if (at.value.kind == node_kind::text && at.value.text == "same_origin") return true;
  out.followed = false;
  if (at.value.kind == node_kind::text && at.value.text == "none") return true;
  if (at.value.kind == node_kind::text && at.value.text.find("://") != std::string::npos)
    at.complain(in, "origins must be in a list", "write [" + in_quotes(at.value.text) + "]");
  else
    complain_of_choice(at, {"same_origin", "none"}, in);
  return false;
}

value_type headers_parser::type() {
  return {"map of texts with references",
          {{"type", "object"},
           {"propertyNames", {{"pattern", "^[-!#$%&'*+.^_`|~0-9A-Za-z]+$"}}},
           {"additionalProperties", {{"type", "string"}}}}};
}

bool headers_parser::read(const value_at& at, value& out, reading& in) {
  if (at.value.kind != node_kind::map) {
    at.complain(in, expected("a map", at.value), "such as {Authorization: \"Bearer ${env:TOKEN}\"}");
    return false;
  }
  out.clear();
  for (const protocol::node_entry& entry : at.value.entries) {
    const value_at header = at.entry(entry);
    std::string why = header_mistake(entry.key);
    if (!why.empty()) in.mistakes.push_back({entry.where, header.path, std::move(why), ""});
    text_template text;
    if (!value_parser<text_template>::read(header, text, in)) continue;
    const bool is_open = in.secrets_absent || text.has_inside();
    const std::string looks = is_open ? text.with_placeholder("") : text.resolve().value;
    if (looks.find_first_of("\r\n") != std::string::npos)
      header.complain(in, "a header's value must be a single line");
    out.emplace_back(entry.key, std::move(text));
  }
  return true;
}

value_type environment_parser::type() {
  return headers_parser::type();
}

bool environment_parser::read(const value_at& at, value& out, reading& in) {
  if (at.value.kind != node_kind::map) {
    at.complain(in, expected("a map", at.value), "such as {TOKEN: \"${credential:token}\"}");
    return false;
  }
  out.clear();
  for (const protocol::node_entry& entry : at.value.entries) {
    const value_at variable = at.entry(entry);
    if (entry.key.empty() || entry.key.find_first_of(std::string_view("=\0", 2)) != std::string::npos)
      in.mistakes.push_back({entry.where, variable.path, "this is not the name of a variable", ""});
    text_template text;
    if (value_parser<text_template>::read(variable, text, in)) out.emplace_back(entry.key, std::move(text));
  }
  return true;
}

}  // namespace duplexd::config
