// Where servers are: hosts, paths, parameters, bindings and security schemes.
#include "config/asyncapi/import_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "config/asyncapi/message_shape.hpp"
#include "protocol/document/node_json.hpp"
#include "protocol/text/percent_encoding.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node;
using protocol::node_kind;

namespace {

/// As a part of a text with references.
std::string literal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "${") out += '$';
    out += text[i];
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  protocol::append_percent_encoded(out, text);
  return out;
}

/// "symbol" → "SYMBOL", "X-Api-Key" → "X_API_KEY".
std::string variable_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool is_small = c >= 'a' && c <= 'z';
    const bool is_kept = is_small || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += is_small ? static_cast<char>(c - 'a' + 'A') : is_kept ? c : '_';
  }
  if (out.empty() || (out[0] >= '0' && out[0] <= '9')) out.insert(0, 1, '_');
  return out;
}

bool is_plain(std::string_view text) {
  return !text.empty() && text.find_first_of("{}$|+ '\"") == std::string_view::npos;
}

/// What stands for something that each installation says itself, in the environment.
std::string from_environment(std::string_view name, std::string_view otherwise) {
  return is_plain(otherwise) ? fmt::format("${{env:{}:-{}}}", variable_name(name), otherwise)
                             : fmt::format("${{env:{}}}", variable_name(name));
}

std::string text_of(const node& value) {
  return value.is_scalar() && value.kind != node_kind::null ? value.text : "";
}

/// What a parameter, a variable or a field of a binding says of its value: the default, the first of `enum`
/// or of `examples`.
std::string value_of(const asyncapi_document& document, const api_value& of) {
  if (std::string given = document.text(of, "default"); !given.empty()) return given;
  for (const char* const key : {"enum", "examples"})
    if (const api_value list = document.at(of, key);
        list && list.value->kind == node_kind::list && !list.value->items.empty())
      return text_of(list.value->items[0]);
  return "";
}

/// A text with each `{name}` replaced by what `variables` says of it.
std::string filled(const asyncapi_document& document, const api_value& at, const api_value& variables) {
  const std::string& text = at.value->text;
  std::string out;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t open = text.find('{', from);
    const std::size_t close = open == std::string::npos ? open : text.find('}', open);
    if (close == std::string::npos) break;
    const std::string name = text.substr(open + 1, close - open - 1);
    const std::string value = value_of(document, document.at(variables, name));
    if (!is_plain(value))
      document.note(at, fmt::format("'{{{}}}' has no default, no enum and no examples", name),
                    fmt::format("set the environment variable {}", variable_name(name)));
    out += literal(text.substr(from, open - from)) + from_environment(name, value);
    from = close + 1;
  }
  return out + literal(text.substr(from));
}

void add_query(std::string& url, const std::string& name, const std::string& value) {
  url += url.find('?') == std::string::npos ? '?' : '&';
  url += percent_encoded(name) + "=" + value;
}

/// Takes the fields of a binding's schema whose values are known or needed.
template <typename Take>
void take_fields(const asyncapi_document& document, const api_value& schema, const Take& take) {
  const message_shape shape = read_schema(document, schema);
  const api_value properties = document.at(schema, "properties");
  for (const message_shape::member& each : shape.members) {
    const api_value field = document.at(properties, each.name);
    if (each.shape.what == message_shape::kind::constant) {
      take(each.name,
           each.shape.value.is_string() ? each.shape.value.get<std::string>() : each.shape.value.dump(),
           false);
    } else if (std::string given = document.text(field, "default"); !given.empty()) {
      take(each.name, given, false);
    } else if (each.required) {
      document.note(field ? field : schema,
                    fmt::format("'{}' is required, and its value is not known", each.name),
                    fmt::format("set the environment variable {}", variable_name(each.name)));
      take(each.name, from_environment(each.name, ""), true);
    } else {
      document.note(field ? field : schema, fmt::format("'{}' is optional and left out", each.name));
    }
  }
}

void add_security(const asyncapi_document& document, const api_value& scheme, api_address& to) {
  const std::string type = document.text(scheme, "type");
  const std::string name = document.text(scheme, "name");
  const std::string how = document.text(scheme, "scheme");
  if (type == "http" && (how == "bearer" || how == "Bearer")) {
    to.headers["Authorization"] = "Bearer ${env:TOKEN}";
  } else if (type == "userPassword" || (type == "http" && (how == "basic" || how == "Basic"))) {
    to.headers["Authorization"] = "Basic ${env:USERNAME + ':' + env:PASSWORD | base64}";
  } else if (type == "httpApiKey" && !name.empty() && document.text(scheme, "in") == "header") {
    to.headers[name] = from_environment(name, "");
  } else if (type == "httpApiKey" && !name.empty() && document.text(scheme, "in") == "query") {
    add_query(to.url, name, fmt::format("${{env:{} | url}}", variable_name(name)));
  } else {
    document.note(scheme, fmt::format("security of the type '{}' is not translated", type),
                  "add headers, http steps or a login");
    return;
  }
  document.note(scheme, "the credentials come from the environment");
}

}  // namespace

std::optional<api_address> address_of(const asyncapi_document& document, const api_value& server) {
  const std::string scheme = document.text(server, "protocol");
  const api_value host = document.at(server, "host");
  if ((scheme != "ws" && scheme != "wss") || !host || !host.value->is_scalar()) return std::nullopt;
  const api_value variables = document.at(server, "variables");
  api_address out;
  out.url = scheme + "://" + filled(document, host, variables);
  if (const api_value path = document.at(server, "pathname"); path && path.value->is_scalar()) {
    if (!path.value->text.starts_with('/')) out.url += '/';
    out.url += filled(document, path, variables);
  }
  if (const api_value security = document.at(server, "security");
      security && security.value->kind == node_kind::list && !security.value->items.empty()) {
    add_security(document, document.item(security, 0), out);
    if (security.value->items.size() > 1)
      document.note(security, "of several ways to log in the first is taken");
  }
  return out;
}

void add_channel(const asyncapi_document& document, const api_value& channel, api_address& to) {
  std::string query;
  if (const std::size_t mark = to.url.find('?'); mark != std::string::npos) {
    query = to.url.substr(mark + 1);
    to.url.erase(mark);
  }
  if (const api_value address = document.at(channel, "address");
      address && address.value->is_scalar() && address.value->kind != node_kind::null) {
    std::string path = filled(document, address, document.at(channel, "parameters"));
    if (to.url.ends_with('/')) to.url.pop_back();
    if (!path.starts_with('/')) path.insert(0, 1, '/');
    to.url += path;
  }
  if (!query.empty()) to.url += (to.url.find('?') == std::string::npos ? "?" : "&") + query;
  const api_value binding = document.at(document.at(channel, "bindings"), "ws");
  if (const std::string method = document.text(binding, "method"); !method.empty() && method != "GET")
    document.note(document.at(binding, "method"), "a WebSocket is opened with GET");
  take_fields(document, document.at(binding, "query"),
              [&](const std::string& name, const std::string& value, bool is_reference) {
                add_query(to.url, name, is_reference ? value : percent_encoded(value));
              });
  take_fields(document, document.at(binding, "headers"),
              [&](const std::string& name, const std::string& value, bool is_reference) {
                to.headers[name] = is_reference ? value : literal(value);
              });
}

}  // namespace duplexd::config
