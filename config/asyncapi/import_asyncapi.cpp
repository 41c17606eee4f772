// From an AsyncAPI document to a configuration: sessions, their messages, and what confirms a command.
#include "config/asyncapi/import_asyncapi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "config/asyncapi/asyncapi_document.hpp"
#include "config/asyncapi/import_address.hpp"
#include "config/asyncapi/session_maker.hpp"
#include "protocol/document/node_json.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::diagnostics;
using protocol::node;
using protocol::node_entry;
using protocol::node_kind;

namespace {

/// "/a/b" as a script writes it: "a.b".
std::string path_of_pointer(std::string_view pointer) {
  std::string out(pointer.substr(pointer.starts_with('/') ? 1 : 0));
  std::ranges::replace(out, '/', '.');
  return out;
}

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
    if (!options_.server.empty() && servers.find(options_.server) == nullptr) {
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
