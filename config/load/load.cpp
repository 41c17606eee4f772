#include "config/load/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "config/document/merged_document.hpp"
#include "config/document/source_map.hpp"
#include "config/fields/fields.hpp"
#include "config/load/config_folder.hpp"
#include "config/load/expansion.hpp"
#include "config/load/protocol_library.hpp"
#include "config/load/reload_plan.hpp"
#include "config/load/session_builder.hpp"
#include "config/settings/session_checks.hpp"
#include "config/value/path_pattern.hpp"
#include "config/value/regular_file.hpp"
#include "protocol/document/node_json.hpp"
#include "protocol/message/schema.hpp"
#include "protocol/text/printable.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::diagnostic;
using protocol::diagnostics;
using protocol::node;
using protocol::node_entry;
using protocol::node_kind;

namespace {

/// In the order of the file, each mistake once: what stands in a template goes wrong in each of its sessions.
void tidy(diagnostics& all) {
  std::multimap<protocol::position, diagnostic> sorted;  // equal places stay in the order in which they came
  std::set<std::pair<protocol::position, std::string>> seen;
  for (diagnostic& each : all)
    if (seen.emplace(each.where, each.message).second) sorted.emplace(each.where, std::move(each));
  all.clear();
  for (auto& [where, each] : sorted) all.push_back(std::move(each));
}

/// The files that have a name of their own. SQLite has some beside its database.
std::vector<std::string> files_of(const output_settings& of) {
  std::vector<std::string> all{of.path, of.dead_letters};
  if (of.type == output_type::sqlite)
    for (const char* suffix : {"-wal", "-shm", "-journal"}) all.push_back(of.path + suffix);
  std::erase(all, "");
  return all;
}

/// Whether they may spoil each other's files: those of one path, and what the names of one's files may be.
bool write_to_one_place(const output_settings& one, const output_settings& other) {
  const auto may_make = [](const output_settings& files, const output_settings& database) {
    if (files.type != output_type::file || database.type != output_type::sqlite) return false;
    std::string ignored;
    const auto pattern = path_pattern::parse(files.path, ignored);
    return pattern && pattern->may_have_made(database.path);
  };
  if (one.type == output_type::standard_error && other.type == one.type) return true;
  const auto theirs = files_of(other);
  for (const std::string& mine : files_of(one))
    if (std::ranges::find(theirs, mine) != theirs.end()) return true;
  return may_make(one, other) || may_make(other, one);
}

/// Handlers stand in the order of the document.
void take_digests(const node* written, std::vector<handler>& handlers) {
  if (written == nullptr || written->items.size() != handlers.size()) return;
  for (std::size_t i = 0; i < handlers.size(); ++i) handlers[i].digest = digest_of(written->items[i]);
}

class loader {
 public:
  loader(const node& document, settings& out, reading& in, protocol::schema_reader* schemas)
      : document_(document), source_map_(document, in), out_(out), in_(in), schemas_(schemas) {
    if (!in.files.empty()) files_ = std::make_shared<const std::vector<std::string>>(in.files);
  }

  void run() {
    parsed_document parsed;
    read_section(document_fields(), {document_, ""}, document_.where, &parsed, in_);
    out_.log = static_cast<const log_settings&>(parsed.log);
    out_.shutdown_limit = parsed.shutdown.limit;
    out_.connect_at_once = parsed.connect.at_once;
    out_.health = std::move(parsed.health);
    out_.control = std::move(parsed.control);
    out_.journal = parsed.journal;
    take_outputs(parsed.outputs);
    const expansion expand(parsed, in_);
    protocol_library protocols(parsed.protocols, schemas_, in_);
    if (parsed.sessions != nullptr) {
      read_sessions(*parsed.sessions, expand, protocols);
      take_log_levels(parsed.log);
    }
    check_journal();
    for (const auto& [name, output] : parsed.outputs) warn_of_unused(name);
    out_.process = process_part(document_);
  }

 private:
  void take_outputs(std::vector<std::pair<unresolved_name, parsed_output>>& outputs) {
    for (auto& [name, output] : outputs) {
      const auto complain = [&, &at = name](std::string message, std::string hint) {
        in_.mistakes.push_back({at.where, at.path, std::move(message), std::move(hint)});
      };
      if (!is_name(name.text))
        complain(fmt::format("{} is not a valid name for an output", in_quotes(name.text)),
                 "use letters, digits, '_', '.' and '-'");
      const bool is_standard = output.type == output_type::standard_output;
      if (output.is_good && is_standard != (name.text == standard_output_name))
        complain("the output of type stdout is called stdout, and no other is", "");
      for (const output_settings& other : out_.outputs)
        if (output.is_good && write_to_one_place(output, other))
          complain(fmt::format("it writes where the output '{}' writes, too", other.name),
                   "let the sessions share one of them, or give each a path of its own");
      output_settings journal;
      journal.type = output_type::sqlite;
      journal.path = out_.journal.file;
      if (output.is_good && !journal.path.empty() && write_to_one_place(output, journal))
        complain("it writes where the journal is", "give each a path of its own");
      output.name = name.text;
      out_.outputs.push_back(std::move(output));
    }
  }

  void warn(const unresolved_name& of, const std::string& part, std::string message, std::string hint) {
    in_.warnings.push_back({of.where, of.path + part, std::move(message), std::move(hint)});
  }

  // What an output would do if a session wrote to it.
  void warn_of_unused(const unresolved_name& name) {
    const auto defined = std::ranges::find(out_.outputs, name.text, &output_settings::name);
    if (defined == out_.outputs.end() || out_.sessions.empty()) return;
    std::vector<const session_settings*> writing;
    for (const session_settings& each : out_.sessions)
      if (std::ranges::find(each.outputs, name.text, &output_route::to) != each.outputs.end())
        writing.push_back(&each);
    const bool is_source = !defined->commands.from.empty() || !defined->commands.stream.empty();
    if (writing.empty() && !is_source)
      return warn(name, "", "no session writes to it", "name it in the outputs of a session");
    for (const auto& [reply, keys] : defined->indexes) {
      const auto may_have = [&, &wanted = reply](const session_settings* each) {
        return each->protocol == nullptr ||
               each->protocol->find(protocol::direction::reply, wanted) != nullptr;
      };
      if (reply != "_events" && std::ranges::none_of(writing, may_have))
        warn(name, ".indexes", fmt::format("no session that writes to it has a reply {}", in_quotes(reply)),
             "");
    }
  }

  void take_log_levels(const parsed_log& log) {
    if (log.unresolved_sessions.empty()) return;
    std::vector<std::string> known;
    for (const session_settings& each : out_.sessions) known.push_back(each.name);
    const std::set<std::string_view> names(known.begin(), known.end());
    for (const auto& [name, level] : log.unresolved_sessions) {
      if (!names.contains(name.text))
        in_.mistakes.push_back({name.where, name.path,
                                fmt::format("there is no session {}", in_quotes(name.text)),
                                protocol::suggest_or_list(name.text, known)});
      out_.log.sessions.emplace(name.text, level);
    }
  }

  void check_journal() {
    const node* const written = document_.find("journal");
    if (written != nullptr && out_.journal.file.find("${") != std::string::npos)
      in_.mistakes.push_back(
          {written->where, "journal.path", "references are not allowed in this field", ""});
    const bool keeps = std::ranges::any_of(out_.outputs, &output_settings::durable);
    bool is_used = keeps;
    const auto needs = [&](const session_settings& session, std::string_view part, const std::string& name,
                           std::string_view what) {
      is_used = true;
      if (written == nullptr && (!keeps || part == "commands"))
        in_.mistakes.push_back({session.where, fmt::format("sessions.{}.{}.{}", session.name, part, name),
                                fmt::format("a durable {} needs a journal", what),
                                "add journal: {path: FILE}"});
    };
    for (const session_settings& session : out_.sessions) {
      for (const auto& [name, command] : session.commands)
        if (command.durable) needs(session, "commands", name, "command");
      for (const auto& [name, variable] : session.variables)
        if (variable.durable) needs(session, "variables", name, "variable");
      const auto& rules = session.liveness.sequence;
      for (std::size_t i = 0; i < rules.size(); ++i)
        if (rules[i].durable) needs(session, "liveness", fmt::format("sequence[{}]", i), "sequence");
      check_acknowledgement(session);
    }
    if (written != nullptr && !is_used)
      in_.mistakes.push_back({written->where, "journal",
                              "no output, command, variable or sequence is durable",
                              "add durable: true to one"});
  }

  // What it drops was not kept, and must not be acknowledged.
  void check_acknowledgement(const session_settings& session) {
    const bool waits = std::ranges::any_of(
        session.on, [](const handler& each) { return each.after != handler_time::arrival; });
    if (waits && out_.journal.full == journal_policy::drop_oldest)
      in_.mistakes.push_back(
          {session.where, fmt::format("sessions.{}.on", session.name),
           "handlers that wait for the journal ('after') and a journal that drops events do not go together",
           "leave out full: drop_oldest of the journal"});
  }

  void read_sessions(const node& sessions, const expansion& expand, protocol_library& protocols) {
    const value_at all{sessions, "sessions"};
    if (sessions.kind != node_kind::map || sessions.entries.empty())
      all.complain(in_, expected("a map of sessions", sessions), "sessions: {name: {url: …}}");
    out_.sessions.reserve(sessions.entries.size());
    for (const node_entry& entry : sessions.entries) {
      if (!is_name(entry.key))
        in_.mistakes.push_back({entry.where, "sessions",
                                fmt::format("{} is not a valid name for a session", in_quotes(entry.key)),
                                "use letters, digits, '_', '.' and '-'"});
      const std::size_t mistakes = in_.mistakes.size();
      const std::size_t warnings = in_.warnings.size();
      const std::size_t missing = in_.missing.size();
      read_session(entry, all.entry(entry), expand, protocols);
      const auto follows = [&](const diagnostic& each) { return expand.is_told_already(each.where); };
      const auto first = in_.mistakes.begin() + static_cast<std::ptrdiff_t>(mistakes);
      in_.mistakes.erase(std::remove_if(first, in_.mistakes.end(), follows), in_.mistakes.end());
      source_map_.add_hints(in_.mistakes, mistakes, entry);
      source_map_.add_hints(in_.warnings, warnings, entry);
      source_map_.add_hints(in_.missing, missing, entry);
    }
  }

  void read_session(const node_entry& entry, const value_at& at, const expansion& expand,
                    protocol_library& protocols) {
    const expanded_session whole = expand.expand(entry, at, in_);
    const value_at from{whole.value, at.path};
    parsed_session parsed;
    parsed.name = entry.key;
    parsed.where = entry.where;
    const std::size_t mistakes = in_.mistakes.size();
    read_section(whole.is_complete ? session_fields() : partial_session_fields(), from, entry.where, &parsed,
                 in_);
    parsed.protocol = protocols.find(parsed.protocol_source, at.path + ".protocol", in_);
    session_digest digest = digest_of(whole.value, named_protocol(parsed.protocol_source));
    if (parsed.protocol) digest.fixed += schema_digest(*parsed.protocol);  // files of its own
    session_settings session = build_session(std::move(parsed), out_.outputs, in_);
    if (whole.is_complete && in_.mistakes.size() == mistakes) check_session(session, from, in_);
    session.files = files_;
    session.digest = digest;
    take_digests(whole.value.find("on"), session.on);
    out_.sessions.push_back(std::move(session));
  }

  /// The definition of a protocol that a session names; null: it names none.
  [[nodiscard]] const node* named_protocol(const node* protocol) const {
    const node* const named = document_.find("protocols");
    const bool by_name = protocol != nullptr && protocol->kind == node_kind::text && named != nullptr;
    return by_name ? named->find(protocol->text) : nullptr;
  }

  const node& document_;
  const source_map source_map_;
  std::shared_ptr<const std::vector<std::string>> files_;  ///< null: there is one
  settings& out_;
  reading& in_;
  protocol::schema_reader* const schemas_;
};

std::string directory_of(const std::string& file) {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::absolute(file, failed);
  return failed ? "." : path.parent_path().string();
}

/// What was found on the way to settings.
struct findings {
  diagnostics mistakes{};
  diagnostics warnings{};
  diagnostics missing{};

  /// All of it, in order, to whoever wants it. Whether there are no mistakes.
  bool tell(const std::vector<std::string>& files, const load_options& options, diagnostics& out) {
    mistakes.insert(mistakes.end(), missing.begin(), missing.end());
    for (diagnostics* const each : {&mistakes, &warnings}) {
      tidy(*each);
      for (diagnostic& one : *each)
        if (one.file.empty() && one.where.file < files.size()) one.file = files[one.where.file];
    }
    out.insert(out.end(), mistakes.begin(), mistakes.end());
    if (options.warnings != nullptr)
      options.warnings->insert(options.warnings->end(), warnings.begin(), warnings.end());
    return mistakes.empty();
  }
};

/// Reads the files, and says of each mistake which of them it is in.
std::vector<node> read_documents(const std::vector<std::string>& files, diagnostics& mistakes) {
  std::vector<node> all;
  std::size_t room = largest_config_file;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    const std::size_t before = mistakes.size();
    const auto text = read_file_or_pipe(files[i], largest_config_file, config_wait);
    if (!text) {
      mistakes.push_back({{}, "", "the file cannot be read: " + text.error, ""});
    } else if (text.value.size() > room) {
      mistakes.push_back({{}, "", "it and the files before it have more than 16 MiB", ""});
    } else if (auto document = read_document(text.value, format_of(files[i]), mistakes)) {
      room -= text.value.size();
      set_file(*document, i);
      all.push_back(std::move(*document));
    }
    for (std::size_t each = before; each < mistakes.size(); ++each) mistakes[each].where.file = i;
  }
  return all;
}

std::optional<settings> load_folder(const std::string& folder, const load_options& options,
                                    diagnostics& out) {
  const auto files = config_files_in(folder);
  if (!files) {
    out.push_back({{}, "", "the folder cannot be read: " + files.error, ""});
    return std::nullopt;
  }
  findings found;
  settings result;
  result.file = folder;
  std::vector<node> parts = read_documents(files.value, found.mistakes);
  reading in{found.mistakes,         found.warnings, found.missing, directory_of(files.value.front()),
             options.secrets_absent, files.value};
  // What is missing may be in a file that cannot be read.
  if (found.mistakes.empty()) {
    const node document = merge_documents(std::move(parts), in);
    loader(document, result, in, options.schemas).run();
  }
  return found.tell(files.value, options, out) ? std::optional(std::move(result)) : std::nullopt;
}

}  // namespace

std::optional<settings> load_text(std::string_view text, document_format format, const std::string& file,
                                  const load_options& options, diagnostics& out) {
  findings found;
  settings result;
  result.file = file;
  if (const auto document = read_document(text, format, found.mistakes)) {
    reading in{found.mistakes, found.warnings, found.missing, directory_of(file), options.secrets_absent};
    loader(*document, result, in, options.schemas).run();
  }
  return found.tell({}, options, out) ? std::optional(std::move(result)) : std::nullopt;
}

std::optional<settings> load(const std::string& file, const load_options& options, diagnostics& out) {
  std::error_code ignored;
  if (file != "-" && std::filesystem::is_directory(file, ignored)) return load_folder(file, options, out);
  const auto text = read_file_or_pipe(file == "-" ? "/dev/stdin" : file, largest_config_file, config_wait);
  if (!text) {
    out.push_back({{}, "", "the file cannot be read: " + text.error, ""});
    return std::nullopt;
  }
  return load_text(text.value, format_of(file), file, options, out);
}

std::string format(const std::string& file, const diagnostic& mistake) {
  std::string line = mistake.file.empty() ? file : mistake.file;
  if (mistake.where.line != 0) line += fmt::format(":{}:{}", mistake.where.line, mistake.where.column);
  if (!mistake.path.empty()) line += ": " + mistake.path;
  line += ": " + mistake.message;
  if (!mistake.hint.empty()) line += " (" + mistake.hint + ")";
  return protocol::one_line(line);
}

}  // namespace duplexd::config
