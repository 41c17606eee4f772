#include "daemon/cli/codec_source.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <utility>

#include "config/document/document.hpp"
#include "config/load/load.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/loading/schema_module.hpp"
#include "protocol/message/schema.hpp"

namespace duplexd::cli {

namespace {

protocol::node text_node(const std::string& text) {
  protocol::node out;
  out.kind = protocol::node_kind::text;
  out.where = {1, 1};
  out.text = text;
  return out;
}

// A line, or what a configuration may hold in its place: {protobuf: feed.proto, message: Feed}.
protocol::node layout_node(const std::string& text) {
  protocol::diagnostics not_yaml;
  if (text.starts_with('{'))
    if (auto map = config::read_document(text, config::document_format::yaml, not_yaml);
        map && not_yaml.empty())
      return *std::move(map);
  return text_node(text);
}

// A protocol of one layout, for both directions.
protocol::node lone_protocol(const codec_source& from) {
  const protocol::node layout = layout_node(from.layout);
  protocol::node command;
  command.kind = protocol::node_kind::map;
  protocol::node message;
  message.kind = protocol::node_kind::map;
  message.entries.push_back({"layout", {}, layout});
  command.entries.push_back({lone_layout_name, {}, std::move(message)});
  protocol::node reply;
  reply.kind = protocol::node_kind::map;
  reply.entries.push_back({"layout", {}, layout});
  reply.entries.push_back({"as", {}, text_node(lone_layout_name)});
  protocol::node replies;
  replies.kind = protocol::node_kind::list;
  replies.items.push_back(std::move(reply));
  protocol::node out;
  out.kind = protocol::node_kind::map;
  out.entries.push_back({"byte_order", {}, text_node(from.byte_order)});
  out.entries.push_back({"commands", {}, std::move(command)});
  out.entries.push_back({"replies", {}, std::move(replies)});
  return out;
}

std::shared_ptr<const protocol::protocol> open_layout(const codec_source& from, int& exit_code) {
  protocol::diagnostics mistakes;
  schema_modules schemas;
  auto made = protocol::protocol::compile(lone_protocol(from), "layout", mistakes);
  if (made && !read_schemas(*made, &schemas, ".", mistakes)) made.reset();
  // Both directions say the same; the first is enough.
  if (!made && !mistakes.empty())
    std::fputs((config::format("layout", mistakes.front()) + "\n").c_str(), stderr);
  if (!made) exit_code = exit_config;
  return made;
}

std::optional<config::settings> load(const codec_source& from, int& exit_code) {
  protocol::diagnostics mistakes;
  config::load_options how;
  schema_modules schemas;
  how.secrets_absent = true;
  how.schemas = &schemas;
  auto settings = config::load(from.file, how, mistakes);
  for (const protocol::diagnostic& each : mistakes)
    std::fprintf(stderr, "%s\n", config::format(from.file, each).c_str());
  if (!settings) exit_code = exit_config;
  return settings;
}

std::shared_ptr<const protocol::protocol> open_file(const codec_source& from, int& exit_code) {
  const auto settings = load(from, exit_code);
  if (!settings) return nullptr;
  std::string names;
  for (const config::session_settings& session : settings->sessions) {
    names += (names.empty() ? "" : ", ") + session.name;
    if (session.name == from.session || (from.session.empty() && settings->sessions.size() == 1)) {
      if (!session.protocol) std::fprintf(stderr, "session %s has no protocol\n", session.name.c_str());
      if (!session.protocol) exit_code = exit_config;
      return session.protocol;
    }
  }
  exit_code = exit_usage;
  std::fprintf(stderr, "%s; available: %s\n",
               from.session.empty() ? "choose a session with --session" : "no such session", names.c_str());
  return nullptr;
}

}  // namespace

void add_codec_source(CLI::App& command, codec_source& to) {
  auto* file = command.add_option("-c,--config", to.file, "Configuration file with the layouts");
  command.add_option("--session", to.session, "The session of that file, if there are several")->needs(file);
  auto* layout =
      command.add_option("--layout", to.layout, "A layout instead of a file, such as '= code:i rest:bytes'");
  layout->excludes(file);
  command
      .add_option("--byte-order", to.byte_order, "Byte order for --layout: native, little, big or network")
      ->needs(layout);
}

std::shared_ptr<const protocol::protocol> open_codec(const codec_source& from, int& exit_code) {
  if (!from.layout.empty()) return open_layout(from, exit_code);
  if (!from.file.empty()) return open_file(from, exit_code);
  std::fputs("no layouts given: use -c FILE, --layout LINE or --struct FORMAT\n", stderr);
  exit_code = exit_usage;
  return nullptr;
}

std::map<std::string, std::shared_ptr<const protocol::protocol>> open_codecs(const codec_source& from,
                                                                             int& exit_code) {
  std::map<std::string, std::shared_ptr<const protocol::protocol>> all;
  if (from.file.empty() || !from.session.empty()) {
    if (auto one = open_codec(from, exit_code)) all.emplace(from.session, std::move(one));
    return all;
  }
  const auto settings = load(from, exit_code);
  if (!settings) return all;
  for (const config::session_settings& session : settings->sessions)
    if (session.protocol) all.emplace(session.name, session.protocol);
  if (all.empty()) std::fprintf(stderr, "%s: no session has a protocol\n", from.file.c_str());
  if (all.empty()) exit_code = exit_config;
  return all;
}

packed_message pack_named(const protocol::protocol& types, protocol::direction way, const std::string& name,
                          const nlohmann::ordered_json& values) {
  packed_message made;
  const protocol::message_type* type = types.find(way, name);
  if (type == nullptr) {
    made.is_unknown = true;
    made.error =
        std::string("no ") + (way == protocol::direction::reply ? "reply" : "command") + " is named " + name;
    return made;
  }
  made.kind = protocol::frame_of(*type);
  if (const auto fault = protocol::pack(*type, values, made.bytes)) made.error = name + ": " + fault->text();
  return made;
}

}  // namespace duplexd::cli
