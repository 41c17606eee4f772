// From sessions to an AsyncAPI document.
#include "config/asyncapi/export_asyncapi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "config/asyncapi/export_address.hpp"
#include "config/asyncapi/session_maker.hpp"
#include "config/asyncapi/template_schema.hpp"
#include "protocol/document/node_json.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node;
using protocol::node_entry;
using protocol::node_kind;

namespace {

constexpr std::string_view reply_suffix = "_reply";  // of a reply that has a command's name

ordered_json link_to(const std::string& pointer) {
  return {{"$ref", pointer}};
}

/// "a.b" as a pointer in a message: "$message.payload#/a/b".
std::string location_of(std::string path) {
  std::ranges::replace(path, '.', '/');
  return "$message.payload#/" + path;
}

std::vector<std::string> names_in(const node* value) {
  std::vector<std::string> names;
  if (value == nullptr) return names;
  if (value->is_scalar()) names.push_back(value->text);
  for (const node& each : value->items) names.push_back(each.text);
  return names;
}

/// One session's channel and operations in the making.
class channel_maker {
 public:
  channel_maker(std::string name, const node& session, protocol::diagnostics& notes)
      : name_(std::move(name)), session_(session), protocol_(session.find("protocol")), notes_(notes) {}

  void run(ordered_json& operations) {
    const node* const replies = protocol_ == nullptr ? nullptr : protocol_->find("replies");
    if (replies != nullptr)
      for (const node& each : replies->items) add_reply(each);
    const node* const commands = protocol_ == nullptr ? nullptr : protocol_->find("commands");
    if (commands != nullptr)
      for (const node_entry& each : commands->entries) add_message(each.key, each.value, "", false);
    // The order of the replies is that in which they are tried.
    if (!replies_.empty()) operations[name_ + "_receive"] = operation("receive", replies_);
    if (commands == nullptr) return;
    for (const node_entry& each : commands->entries) add_command(each.key, operations);
  }

  [[nodiscard]] ordered_json take() && { return std::move(messages_); }

 private:
  [[nodiscard]] std::string channel() const { return "#/channels/" + name_; }

  [[nodiscard]] ordered_json operation(const char* action, const std::vector<std::string>& keys) const {
    return {{"action", action}, {"channel", link_to(channel())}, {"messages", references_to(keys)}};
  }

  [[nodiscard]] ordered_json references_to(const std::vector<std::string>& keys) const {
    ordered_json all = ordered_json::array();
    for (const std::string& each : keys) all.push_back(link_to(channel() + "/messages/" + each));
    return all;
  }

  void add_reply(const node& entry) {
    const node* const as = entry.find("as");
    if (as == nullptr) return;
    const bool is_taken =
        protocol_->find("commands") != nullptr && protocol_->find("commands")->find(as->text) != nullptr;
    const std::string key = name_from(as->text) + std::string(is_taken ? reply_suffix : "");
    if (std::ranges::find(replies_, key) != replies_.end()) {
      note(entry, fmt::format("a further reply '{}' is left out: a message has one form", as->text));
      return;
    }
    replies_.push_back(key);
    add_message(key, entry, is_taken ? as->text : "", true);
  }

  /// `as`: its name, if the key is another.
  void add_message(const std::string& name, const node& entry, const std::string& as, bool is_reply) {
    const std::string key = name_from(name);
    if (key != name) note(entry, fmt::format("'{}' is called {} there", name, key));
    ordered_json made = ordered_json::object();
    ordered_json extension = ordered_json::object();
    if (!as.empty()) extension["as"] = as;
    if (entry.kind != node_kind::map) {
      extension["layout"] = protocol::to_json(entry);
    } else {
      for (const node_entry& each : entry.entries)
        if (each.key != "as" && each.key != "json" && each.key != "examples")
          extension[each.key] = protocol::to_json(each.value);
    }
    const node* const text = entry.kind == node_kind::map ? entry.find("json") : nullptr;
    if (text != nullptr) {
      const ordered_json form = protocol::to_json(*text);
      template_schema schema = schema_of(form);
      made["payload"] = std::move(schema.schema);
      if (!schema.is_whole) extension["json"] = form;
      if (is_reply && !extension.contains("when"))
        extension["when"] = nullptr;  // none is made of the constants
      add_examples(entry, made);
    }
    const bool has_body = text != nullptr || extension.contains("layout") || extension.contains("frame");
    if (!has_body) extension["frame"] = nullptr;  // an import takes it for JSON otherwise
    const bool is_text = extension.value("frame", ordered_json()) == "text";
    made["contentType"] = text != nullptr || !extension.contains("layout") ? "application/json"
                          : is_text                                        ? "text/plain"
                                                                           : "application/octet-stream";
    if (!extension.empty()) made["x-duplexd"] = std::move(extension);
    messages_[key] = std::move(made);
  }

  static void add_examples(const node& entry, ordered_json& to) {
    const node* const examples = entry.find("examples");
    const bool is_packed = entry.find("contents") != nullptr;  // examples have the values that are shown
    if (examples == nullptr || is_packed) return;
    for (const node& each : examples->items)
      if (const node* const values = each.find("values"))
        to["examples"].push_back({{"payload", protocol::to_json(*values)}});
  }

  [[nodiscard]] const node* rules_of(const std::string& command) const {
    const node* const all = session_.find("commands");
    return all == nullptr ? nullptr : all->find(command);
  }

  void add_command(const std::string& command, ordered_json& operations) {
    const std::string key = name_from(command);
    ordered_json made = operation("send", {key});
    ordered_json extension = ordered_json::object();
    if (const node* const rules = rules_of(command)) {
      for (const node_entry& each : rules->entries)
        if (each.key != "confirm") extension[each.key] = protocol::to_json(each.value);
      std::vector<std::string> answers;
      for (const std::string& each : names_in(rules->find("confirm"))) answers.push_back(key_of_reply(each));
      if (!answers.empty()) made["reply"] = {{"messages", references_to(answers)}};
      if (correlate(key, answers, rules->find("correlate"))) extension.erase("correlate");
    }
    if (!extension.empty()) made["x-duplexd"] = std::move(extension);
    operations[name_ + "_" + key] = std::move(made);
  }

  [[nodiscard]] std::string key_of_reply(const std::string& name) const {
    std::string other = name_from(name) + std::string(reply_suffix);
    return std::ranges::find(replies_, other) != replies_.end() ? other : name_from(name);
  }

  /// Whether `correlationId` says it: one field of JSON in both, and nothing else in either.
  bool correlate(const std::string& command, const std::vector<std::string>& answers, const node* rule) {
    if (rule == nullptr || rule->entries.size() != 1 || answers.empty()) return false;
    const auto may_have = [this](const std::string& key, const std::string& location) {
      const ordered_json& message = messages_[key];
      return message.contains("payload") &&
             (!message.contains("correlationId") || message["correlationId"]["location"] == location);
    };
    const std::string mine = location_of(rule->entries[0].key);
    const std::string theirs = location_of(rule->entries[0].value.text);
    if (!may_have(command, mine)) return false;
    for (const std::string& each : answers)
      if (!may_have(each, theirs)) return false;
    messages_[command]["correlationId"] = {{"location", mine}};
    for (const std::string& each : answers) messages_[each]["correlationId"] = {{"location", theirs}};
    return true;
  }

  void note(const node& at, std::string message) const {
    notes_.push_back({at.where, fmt::format("sessions.{}", name_), std::move(message), ""});
  }

  const std::string name_;
  const node& session_;
  const node* const protocol_;
  protocol::diagnostics& notes_;
  ordered_json messages_ = ordered_json::object();
  std::vector<std::string> replies_;  ///< the keys of their messages
};

/// What else the protocol says.
ordered_json rest_of(const node* protocol) {
  ordered_json rest = {{"json", nullptr}};  // instead of what an import takes for granted
  if (protocol != nullptr)
    for (const node_entry& each : protocol->entries)
      if (each.key != "commands" && each.key != "replies") rest[each.key] = protocol::to_json(each.value);
  return rest;
}

}  // namespace

void asyncapi_export::add(const std::string& name, const node& session) {
  const std::string key = name_from(name);
  title_ += (title_.empty() ? "" : ", ") + name;
  servers_[key] = server_of(name, session, notes_);
  ordered_json channel{{"address", nullptr}, {"servers", ordered_json::array({link_to("#/servers/" + key)})}};
  if (ordered_json binding = binding_of(session); !binding.empty())
    channel["bindings"] = {{"ws", std::move(binding)}};
  channel_maker messages(key, session, notes_);
  messages.run(operations_);
  channel["messages"] = std::move(messages).take();
  ordered_json extension{{"protocol", rest_of(session.find("protocol"))}};
  if (const node* const offered = session.find("subprotocols"))
    extension["subprotocols"] = protocol::to_json(*offered);
  channel["x-duplexd"] = std::move(extension);
  channels_[key] = std::move(channel);
}

ordered_json asyncapi_export::take() && {
  return {{"asyncapi", "3.0.0"},
          {"info", {{"title", title_}, {"version", "1.0.0"}}},
          {"x-duplexd", {{"describes", "client"}}},
          {"servers", std::move(servers_)},
          {"channels", std::move(channels_)},
          {"operations", std::move(operations_)}};
}

}  // namespace duplexd::config
