// What becomes of messages: commands, replies and when these are meant.
#include "config/asyncapi/session_maker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/asyncapi/message_shape.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

bool is_json_type(std::string_view type) {
  return type.empty() || type.find("json") != std::string_view::npos;
}

/// Whether each message that meets the conditions `narrow` meets `wide`, too. Both: pointers and values.
bool implies(const ordered_json& narrow, const ordered_json& wide) {
  const auto values = [](const ordered_json& of) { return of.is_array() ? of : ordered_json::array({of}); };
  for (const auto& [pointer, value] : wide.items()) {
    if (!narrow.contains(pointer)) return false;
    const ordered_json all = values(value);
    for (const ordered_json& each : values(narrow[pointer]))
      if (std::ranges::find(all, each) == all.end()) return false;
  }
  return true;
}

/// Whether each message of `later` is one of `earlier`, too, as far as the document tells.
bool takes_all_of(const reply_entry& earlier, const reply_entry& later) {
  if (!earlier.conditions.is_object()) return false;
  if (!earlier.entry.contains("when"))
    return earlier.entry.contains("layout") == later.entry.contains("layout");
  return !earlier.conditions.empty() && implies(later.conditions, earlier.conditions);
}

}  // namespace

std::string name_from(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (out.empty() && is_digit) out += '_';
    out += is_letter || is_digit ? c : '_';
  }
  return out.empty() ? "_" : out;
}

std::string session_maker::command(const api_value& message, const std::string& key) {
  std::string name = name_in(message, key);
  if (!commands_.contains(name)) {
    ordered_json entry = body_of(message, nullptr);
    apply_extension(document_.with_traits(message, "x-duplexd"), entry);
    entry.erase("as");
    commands_[name] = std::move(entry);
  }
  return name;
}

std::optional<std::string> session_maker::reply(const api_value& message, const std::string& key) {
  std::string name = name_in(message, key);
  const auto known = [&](const reply_entry& each) { return each.entry["as"] == name; };
  if (std::ranges::any_of(replies_, known)) return name;
  reply_entry made;
  made.entry = {{"as", name}};
  made.entry.update(body_of(message, &made.conditions));
  const api_value extension = document_.with_traits(message, "x-duplexd");
  apply_extension(extension, made.entry);
  made.entry["as"] = name;
  for (const char* const key_of : {"when", "layout", "frame", "json"})
    if (extension.find(key_of) != nullptr) made.conditions = nullptr;
  if (made.conditions.is_null()) {
    replies_.push_back(std::move(made));
    return name;
  }
  // The first one that matches is taken: those with more conditions come first.
  const auto place =
      std::ranges::find_if(replies_, [&](const reply_entry& each) { return takes_all_of(each, made); });
  if (place != replies_.end() && takes_all_of(made, *place)) {
    document_.note(message,
                   fmt::format("nothing in it tells it from '{}'", place->entry["as"].get<std::string>()),
                   "say when it is meant: x-duplexd: {when: …}");
    return std::nullopt;
  }
  replies_.insert(place, std::move(made));
  return name;
}

void session_maker::confirm(const std::string& command, const ordered_json& rules) {
  if (!rules.empty()) delivery_[command].update(rules);
}

void session_maker::extend_delivery(const std::string& command, const api_value& extension) {
  if (extension.is_map()) apply_extension(extension, delivery_[command]);
}

void session_maker::extend(const api_value& extension) {
  if (extension.is_map()) extensions_.push_back(extension);
}

ordered_json session_maker::take() {
  ordered_json out{{"url", address_.url}};
  if (!address_.headers.empty()) out["headers"] = address_.headers;
  ordered_json types{{"json", "compact"}};
  if (!commands_.empty()) types["commands"] = std::move(commands_);
  for (reply_entry& each : replies_) types["replies"].push_back(std::move(each.entry));
  if (!delivery_.empty()) out["commands"] = std::move(delivery_);
  for (const api_value& extension : extensions_) {
    apply_extension(document_.at(extension, "protocol"), types);
    apply_extension(extension, out);
    out.erase("protocol");
  }
  out["protocol"] = std::move(types);
  return out;
}

std::string session_maker::name_in(const api_value& message, const std::string& key) const {
  const std::string given = document_.text(document_.with_traits(message, "x-duplexd"), "as");
  return name_from(given.empty() ? key : given);
}

ordered_json session_maker::body_of(const api_value& message, ordered_json* conditions) const {
  if (const api_value headers = document_.with_traits(message, "headers"))
    document_.note(headers, "messages of a WebSocket have no headers");
  const api_value type_at = document_.with_traits(message, "contentType");
  std::string type = type_at && type_at.value->is_scalar() ? type_at.value->text : "";
  if (type.empty()) type = document_.text(document_.root(), "defaultContentType");
  ordered_json none = ordered_json::object();
  if (conditions != nullptr) *conditions = none;
  const api_value extension = document_.with_traits(message, "x-duplexd");
  const bool has_body = extension.find("layout") != nullptr || extension.find("json") != nullptr ||
                        extension.find("frame") != nullptr;
  if (has_body) return none;
  if (!is_json_type(type)) {
    const bool is_text = type.starts_with("text/");
    document_.note(message, fmt::format("what is in a message of the type {} is not known", type),
                   "describe its bytes: x-duplexd: {layout: …}");
    return is_text ? ordered_json{{"frame", "text"}, {"layout", "text:str"}}
                   : ordered_json{{"layout", "bytes:bytes"}};
  }
  api_value payload = document_.with_traits(message, "payload");
  if (const api_value format = document_.at(payload, "schemaFormat"); format && payload.is_map()) {
    const std::string& name = format.value->text;
    const bool is_known =
        name.find("asyncapi") != std::string::npos || name.find("schema+") != std::string::npos;
    if (!is_known) document_.note(format, fmt::format("schemas of the format '{}' are not read", name));
    payload = is_known ? document_.at(payload, "schema") : api_value{};
  }
  const message_shape shape = read_schema(document_, payload);
  ordered_json out{{"frame", "text"}};
  if (ordered_json made = template_of(shape); !made.is_null()) out = ordered_json{{"json", std::move(made)}};
  if (conditions == nullptr) return out;
  *conditions = conditions_of(shape);
  if (conditions->size() == 1)
    out["when"] = {{"json", conditions->begin().key()}, {"is", conditions->front()}};
  else if (!conditions->empty())
    out["when"] = {{"json", *conditions}};
  else if (requires_something(shape))
    out["when"] = {{"frame", "text"}, {"fits", true}};
  return out;
}

}  // namespace duplexd::config
