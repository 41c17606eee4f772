// From an AsyncAPI document to a configuration: sessions, their messages, and what confirms a command.
#include "config/asyncapi/import_asyncapi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "config/asyncapi/asyncapi_document.hpp"
#include "config/asyncapi/import_address.hpp"
#include "config/asyncapi/message_shape.hpp"
#include "protocol/document/node_json.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::diagnostics;
using protocol::node;
using protocol::node_entry;
using protocol::node_kind;

namespace {

/// A name that commands, replies and sessions can have.
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

/// "/a/b" as a script writes it: "a.b".
std::string path_of_pointer(std::string_view pointer) {
  std::string out(pointer.substr(pointer.starts_with('/') ? 1 : 0));
  std::ranges::replace(out, '/', '.');
  return out;
}

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

struct reply_entry {
  ordered_json entry;       ///< of `protocol.replies`
  ordered_json conditions;  ///< pointers and values; null: the document says itself when it is meant
};

/// Whether each message of `later` is one of `earlier`, too, as far as the document tells.
bool takes_all_of(const reply_entry& earlier, const reply_entry& later) {
  if (!earlier.conditions.is_object()) return false;
  if (!earlier.entry.contains("when"))
    return earlier.entry.contains("layout") == later.entry.contains("layout");
  return !earlier.conditions.empty() && implies(later.conditions, earlier.conditions);
}

/// One session in the making: all channels of one address.
class session_maker {
 public:
  session_maker(const asyncapi_document& document, api_address address)
      : document_(document), address_(std::move(address)) {}

  [[nodiscard]] const api_address& address() const noexcept { return address_; }

  /// The name under which steps know it.
  std::string command(const api_value& message, const std::string& key) {
    std::string name = name_in(message, key);
    if (!commands_.contains(name)) {
      ordered_json entry = body_of(message, nullptr);
      apply_extension(document_.with_traits(message, "x-duplexd"), entry);
      entry.erase("as");
      commands_[name] = std::move(entry);
    }
    return name;
  }

  /// The same; nothing for one that cannot be told apart.
  std::optional<std::string> reply(const api_value& message, const std::string& key) {
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
      if (extension.is_map() && extension.value->find(key_of) != nullptr) made.conditions = nullptr;
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

  void confirm(const std::string& command, const ordered_json& rules) {
    if (!rules.empty()) delivery_[command].update(rules);
  }

  void extend_delivery(const std::string& command, const api_value& extension) {
    if (extension.is_map()) apply_extension(extension, delivery_[command]);
  }

  void extend(const api_value& extension) {
    if (extension.is_map()) extensions_.push_back(extension);
  }

  [[nodiscard]] ordered_json take() {
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

 private:
  std::string name_in(const api_value& message, const std::string& key) const {
    const std::string given = document_.text(document_.with_traits(message, "x-duplexd"), "as");
    return name_from(given.empty() ? key : given);
  }

  /// `frame` and `json`, or `layout`; with `conditions` also `when`.
  ordered_json body_of(const api_value& message, ordered_json* conditions) const {
    if (const api_value headers = document_.with_traits(message, "headers"))
      document_.note(headers, "messages of a WebSocket have no headers");
    const api_value type_at = document_.with_traits(message, "contentType");
    std::string type = type_at && type_at.value->is_scalar() ? type_at.value->text : "";
    if (type.empty()) type = document_.text(document_.root(), "defaultContentType");
    ordered_json none = ordered_json::object();
    if (conditions != nullptr) *conditions = none;
    const api_value extension = document_.with_traits(message, "x-duplexd");
    const bool has_body = extension.is_map() && (extension.value->find("layout") != nullptr ||
                                                 extension.value->find("json") != nullptr ||
                                                 extension.value->find("frame") != nullptr);
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
    if (ordered_json made = template_of(shape); !made.is_null())
      out = ordered_json{{"json", std::move(made)}};
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

  const asyncapi_document& document_;
  api_address address_;
  ordered_json commands_ = ordered_json::object();
  ordered_json delivery_ = ordered_json::object();
  std::vector<reply_entry> replies_;
  std::vector<api_value> extensions_;
};

class importer {
 public:
  importer(const node& root, const asyncapi_options& options, diagnostics& mistakes, diagnostics& notes)
      : document_(root, notes), options_(options), mistakes_(mistakes) {}

  std::optional<ordered_json> run() {
    const api_value root = document_.root();
    const std::string version = document_.text(root, "asyncapi");
    if (!version.starts_with("3.")) {
      const api_value at = document_.at(root, "asyncapi");
      fail(at ? at : root, version.empty() ? "this is not an AsyncAPI document" : "only AsyncAPI 3 is read",
           version.starts_with("2.") ? "the AsyncAPI CLI converts documents of version 2" : "");
      return std::nullopt;
    }
    const api_value extension = document_.at(root, "x-duplexd");
    is_client_ = document_.text(extension, "describes") == "client";
    choose_server();
    if (!address_) return std::nullopt;
    make_sessions(*address_);
    if (sessions_.empty()) {
      fail(document_.at(root, "channels"), "no channel is reached through this server", "");
      return std::nullopt;
    }
    take_operations();
    ordered_json out{{"version", 1}};
    ordered_json sessions = ordered_json::object();
    for (auto& [name, session] : sessions_) sessions[name] = session.take();
    apply_extension(extension, out);
    out.erase("describes");
    out["sessions"] = std::move(sessions);
    return out;
  }

 private:
  void fail(const api_value& at, std::string message, std::string hint) {
    mistakes_.push_back(
        {at ? at.value->where : protocol::position{1, 1}, at.path, std::move(message), std::move(hint)});
  }

  void choose_server() {
    const api_value servers = document_.at(document_.root(), "servers");
    if (!options_.server.empty() && (!servers.is_map() || servers.value->find(options_.server) == nullptr)) {
      fail(servers, fmt::format("there is no server '{}'", options_.server), "");
      return;
    }
    for (const node_entry& each : entries_of(servers)) {
      const api_value server = document_.entry(servers, each);
      if (!options_.server.empty() && each.key != options_.server) continue;
      if (address_) {
        document_.note(server, "another server is used", fmt::format("--server {}", each.key));
        continue;
      }
      if (const auto found =
              options_.url.empty() ? address_of(document_, server) : std::optional(api_address{})) {
        address_ = found;
        server_ = server;
      } else {
        document_.note(server,
                       fmt::format("the protocol '{}' is not ws or wss", document_.text(server, "protocol")));
      }
    }
    if (!options_.url.empty()) {
      api_address own;
      own.url = options_.url;
      address_ = std::move(own);
    }
    if (!address_)
      fail(servers ? servers : document_.root(), "no server speaks WebSocket", "give its address: --url URL");
  }

  /// Whether the channel can be used on the server.
  bool is_served(const api_value& channel) const {
    const api_value servers = document_.at(channel, "servers");
    if (!server_ || !servers || servers.value->kind != node_kind::list || servers.value->items.empty())
      return true;
    for (std::size_t i = 0; i < servers.value->items.size(); ++i)
      if (document_.item(servers, i).value == server_.value) return true;
    return false;
  }

  void make_sessions(const api_address& server) {
    const api_value channels = document_.at(document_.root(), "channels");
    for (const node_entry& each : entries_of(channels)) {
      const api_value channel = document_.entry(channels, each);
      if (!channel) continue;
      if (!is_served(channel)) {
        document_.note(channel, "this channel is on other servers only");
        continue;
      }
      api_address whole = server;
      add_channel(document_, channel, whole);
      const auto same = std::ranges::find_if(sessions_, [&](const auto& other) {
        return other.second.address().url == whole.url && other.second.address().headers == whole.headers;
      });
      const auto index = static_cast<std::size_t>(same - sessions_.begin());
      if (same == sessions_.end()) {
        sessions_.emplace_back(name_from(each.key), session_maker(document_, std::move(whole)));
        sessions_.back().second.extend(document_.at(server_, "x-duplexd"));
      }
      sessions_[index].second.extend(document_.at(channel, "x-duplexd"));
      session_of_[channel.value] = index;
    }
  }

  session_maker* session_at(const api_value& channel) {
    const auto found = session_of_.find(channel.value);
    return found == session_of_.end() ? nullptr : &sessions_[found->second].second;
  }

  struct named_message {
    std::string key;
    api_value value;
  };

  /// Those that `from`, an operation or its reply, names; all of the channel if it names none.
  std::vector<named_message> messages_of(const api_value& from, const api_value& channel) const {
    std::vector<named_message> out;
    const api_value all = document_.at(channel, "messages");
    if (const api_value chosen = document_.at(from, "messages");
        chosen && chosen.value->kind == node_kind::list) {
      for (std::size_t i = 0; i < chosen.value->items.size(); ++i) {
        const node* const reference = chosen.value->items[i].find("$ref");
        const std::string target = reference == nullptr ? "" : reference->text;
        if (api_value found = document_.item(chosen, i))
          out.push_back({name_from(target.substr(target.rfind('/') + 1)), std::move(found)});
      }
      return out;
    }
    for (const node_entry& each : entries_of(all))
      if (api_value found = document_.entry(all, each))
        out.push_back({name_from(each.key), std::move(found)});
    return out;
  }

  void take_operations() {
    const api_value operations = document_.at(document_.root(), "operations");
    for (const node_entry& each : entries_of(operations)) {
      const api_value operation = document_.entry(operations, each);
      if (!operation) continue;
      const api_value channel = document_.at(operation, "channel");
      const std::string action = document_.text(operation, "action");
      if (session_maker* const session = session_at(channel); session == nullptr)
        document_.note(operation, "its channel is not reached through this server");
      else if (action != "send" && action != "receive")
        document_.note(operation, "its action is not send or receive");
      else if (is_client_ == (action == "send"))
        take_commands(operation, channel, *session);
      else
        take_replies(operation, channel, *session);
    }
    const api_value channels = document_.at(document_.root(), "channels");
    for (const node_entry& each : entries_of(channels))
      if (const api_value channel = document_.entry(channels, each);
          session_at(channel) != nullptr && !used_.contains(channel.value))
        document_.note(channel, "no operation uses this channel: who sends its messages is not known");
  }

  void take_replies(const api_value& operation, const api_value& channel, session_maker& session) {
    used_.insert(channel.value);
    for (const named_message& each : messages_of(operation, channel))
      (void)session.reply(each.value, each.key);
    const api_value answer = document_.with_traits(operation, "reply");
    if (!answer) return;
    document_.note(answer, "what answers the server is a command; nothing sends it yet",
                   "add a handler: on: […]");
    const api_value to = document_.at(answer, "channel");
    used_.insert(to.value);
    for (const named_message& each : messages_of(answer, to ? to : channel))
      (void)session.command(each.value, each.key);
  }

  void take_commands(const api_value& operation, const api_value& channel, session_maker& session) {
    used_.insert(channel.value);
    const std::vector<named_message> commands = messages_of(operation, channel);
    std::vector<named_message> answers;
    ordered_json names = ordered_json::array();
    if (const api_value answer = document_.with_traits(operation, "reply")) {
      const api_value from = document_.at(answer, "channel");
      const api_value where = from ? from : channel;
      used_.insert(where.value);
      if (session_at(where) != &session) {
        document_.note(answer, "its answer comes over another connection");
      } else {
        answers = messages_of(answer, where);
        for (const named_message& each : answers)
          if (const auto name = session.reply(each.value, each.key)) names.push_back(*name);
      }
    }
    for (const named_message& each : commands) {
      const std::string name = session.command(each.value, each.key);
      ordered_json rules = ordered_json::object();
      if (!names.empty()) {
        rules["confirm"] = names.size() == 1 ? names[0] : names;
        if (ordered_json fields = correlation(each, answers); !fields.empty())
          rules["correlate"] = std::move(fields);
      }
      session.confirm(name, rules);
      session.extend_delivery(name, document_.at(operation, "x-duplexd"));
    }
  }

  /// The field of the command and that of its answers that must be equal.
  ordered_json correlation(const named_message& command, const std::vector<named_message>& answers) const {
    const std::string mine = correlation_field(command.value);
    std::string theirs;
    for (const named_message& each : answers) {
      const std::string field = mine.empty() ? "" : correlation_field(each.value);
      if (field.empty() || (!theirs.empty() && field != theirs)) return ordered_json::object();
      theirs = field;
    }
    return mine.empty() ? ordered_json::object() : ordered_json{{mine, theirs}};
  }

  std::string correlation_field(const api_value& message) const {
    const api_value id = document_.with_traits(message, "correlationId");
    const std::string location = document_.text(id, "location");
    constexpr std::string_view payload = "$message.payload#/";
    if (location.starts_with(payload))
      return path_of_pointer(std::string_view(location).substr(payload.size()));
    if (id) document_.note(id, "a correlation id that is not in the payload is not translated");
    return "";
  }

  const asyncapi_document document_;
  const asyncapi_options& options_;
  diagnostics& mistakes_;
  bool is_client_ = false;
  api_value server_;
  std::optional<api_address> address_;
  std::vector<std::pair<std::string, session_maker>> sessions_;
  std::map<const node*, std::size_t> session_of_;
  std::set<const node*> used_;
};

}  // namespace

std::optional<ordered_json> import_asyncapi(const node& document, const asyncapi_options& options,
                                            diagnostics& mistakes, diagnostics& notes) {
  return importer(document, options, mistakes, notes).run();
}

}  // namespace duplexd::config
