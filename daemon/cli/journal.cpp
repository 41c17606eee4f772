#include "daemon/cli/journal.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "daemon/app/exit_code.hpp"
#include "daemon/app/open_journal.hpp"
#include "daemon/cli/config_option.hpp"
#include "daemon/journal/journal_file.hpp"
#include "daemon/journal/journal_reader.hpp"
#include "daemon/journal/journal_replay.hpp"
#include "daemon/output/record_batch.hpp"
#include "protocol/text/printable.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::cli {

namespace {

using json = nlohmann::ordered_json;

struct journal_options {
  config_choice config;
  std::string file;
  std::string output;
  std::uint64_t number = 0;  ///< 0: none
  std::uint64_t from = 0;
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t limit = 20;
  bool as_json = false;
  bool taken = false;
};

/// Which journal, and what the configuration says of it.
struct chosen_journal {
  std::string file;
  bool is_configured = false;
  std::map<std::string, config::output_type> durable{};  ///< the configuration's durable outputs
  config::journal_settings settings{};
};

int choose_journal(const journal_options& given, chosen_journal& out) {
  out.file = given.file;
  if (given.config.file.empty()) {
    out.settings.file = out.file;
    return exit_success;
  }
  const auto settings = load_config(given.config, true, false);
  if (!settings) return exit_config;
  out.is_configured = true;
  for (const config::output_settings& each : settings->outputs)
    if (each.durable) out.durable[each.name] = each.type;
  out.settings = settings->journal;
  if (out.file.empty()) out.file = journal_path(settings->journal);
  out.settings.file = out.file;
  if (!out.file.empty()) return exit_success;
  std::fprintf(stderr,
               "%s does not say where the journal is, and STATE_DIRECTORY is not set: add --journal FILE "
               "(of a unit duplexd@NAME: /var/lib/duplexd/NAME/journal.db)\n",
               given.config.file.c_str());
  return exit_usage;
}

int complain(const journal_reader::opened& of) {
  std::fprintf(stderr, "%s\n", of.error.c_str());
  switch (of.what) {
    case journal_reader::problem::missing:
      return exit_no_daemon;
    case journal_reader::problem::damaged:
      return exit_data;
    default:
      return exit_internal;
  }
}

int complain(const journal_reader& of) {
  std::fprintf(stderr, "%s\n", of.failed().c_str());
  return exit_data;
}

int flushed(int code) {
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? code : exit_output_closed;
}

int list(const chosen_journal& where, journal_reader& from, const journal_options& given) {
  journal_reader::summary all;
  if (!from.summarize(all)) return complain(from);
  std::uint64_t records = 0;
  json outputs = json::array();
  for (const auto& [name, each] : all.outputs) {
    records += each.records;
    json& line = outputs.emplace_back(
        json{{"output", name}, {"place", each.place}, {"kept", each.records}, {"waiting", each.waiting}});
    if (where.is_configured) line["orphan"] = !where.durable.contains(name);
  }
  if (given.as_json) {
    const json whole{{"path", where.file}, {"journal", all.id},  {"given", all.given}, {"first", all.first},
                     {"last", all.last},   {"bytes", all.bytes}, {"events", records},  {"outputs", outputs}};
    std::printf("%s\n", whole.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    return flushed(exit_success);
  }
  std::printf("path     %s\njournal  %s\nbytes    %ju\nnumbers  %ju given", where.file.c_str(),
              all.id.c_str(), static_cast<std::uintmax_t>(all.bytes), static_cast<std::uintmax_t>(all.given));
  if (records > 0)
    std::printf(", %ju to %ju kept", static_cast<std::uintmax_t>(all.first),
                static_cast<std::uintmax_t>(all.last));
  std::printf("\nevents   %ju\n", static_cast<std::uintmax_t>(records));
  if (outputs.empty()) return flushed(exit_success);
  std::printf("\n%-24s %12s %12s %12s\n", "OUTPUT", "TAKEN UP TO", "KEPT", "WAITING");
  for (const json& each : outputs)
    std::printf("%-24s %12ju %12ju %12ju%s\n", protocol::one_line(each["output"].get<std::string>()).c_str(),
                each["place"].get<std::uintmax_t>(), each["kept"].get<std::uintmax_t>(),
                each["waiting"].get<std::uintmax_t>(),
                each.value("orphan", false) ? "  orphan: no durable output has this name" : "");
  return flushed(exit_success);
}

using record_taker = std::function<bool(const record_batch&, std::size_t)>;

/// Gives an output's records from a number on to `take` until it has enough.
int each_record(journal_reader& from, const std::string& output, std::uint64_t first,
                const record_taker& take) {
  std::uint64_t damaged = 0;
  bool more = true;
  for (std::uint64_t after = first == 0 ? 0 : first - 1; more;) {
    journal_reader::part part;
    if (!from.read(output, after, part)) return complain(from);
    damaged += part.damaged;
    after = part.reached;
    more = !part.end;
    bool wanted = true;
    for (std::size_t i = 0; i < part.records.size() && wanted; ++i) wanted = take(part.records, i);
    more = more && wanted;
  }
  if (damaged == 0) return exit_success;
  std::fprintf(stderr, "output %s: %ju event(s) are damaged and were left out\n", output.c_str(),
               static_cast<std::uintmax_t>(damaged));
  return exit_data;
}

/// The outputs that are asked for: one, or all that have something.
int each_output(journal_reader& from, const std::string& only,
                const std::function<int(const std::string&)>& visit) {
  journal_reader::summary all;
  if (!from.summarize(all)) return complain(from);
  if (!only.empty() && !all.outputs.contains(only)) {
    std::fprintf(stderr, "the journal has nothing of an output %s\n", only.c_str());
    return exit_usage;
  }
  int code = exit_success;
  for (const auto& [name, each] : all.outputs)
    if (only.empty() || name == only)
      if (const int how = visit(name); how != exit_success) code = how;
  return code;
}

void print_record(const std::string& output, const record_batch& from, std::size_t at) {
  const record_batch::record each = from[at];
  std::string_view text = each.text;
  if (text.ends_with('\n')) text.remove_suffix(1);
  const std::string line =
      fmt::format("{} {} {} {} {} {}\n", each.number, output, protocol::one_line(each.time),
                  protocol::one_line(each.session), each.name.empty() ? "-" : protocol::one_line(each.name),
                  protocol::one_line(text));
  std::fwrite(line.data(), 1, line.size(), stdout);
}

int show(journal_reader& from, const journal_options& given) {
  std::uint64_t shown = 0;
  const int code = each_output(from, given.output, [&](const std::string& output) {
    std::uint64_t of_output = 0;
    return each_record(from, output, given.number != 0 ? given.number : given.from,
                       [&](const record_batch& all, std::size_t at) {
                         if (given.number != 0 && all[at].number != given.number) return false;
                         if (of_output == given.limit) return false;
                         print_record(output, all, at);
                         ++shown;
                         return ++of_output < given.limit && given.number == 0;
                       });
  });
  if (code != exit_success) return code;
  if (shown > 0 || given.number == 0) return flushed(exit_success);
  std::fprintf(stderr, "the journal has no event %ju\n", static_cast<std::uintmax_t>(given.number));
  return exit_no_daemon;
}

/// What the output is given, as it stands in a line: JSON as it is, text as a text, bytes as base64.
std::string record_member(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.find('\n') == std::string_view::npos && json::accept(text))
    return fmt::format("\"record\":{}", text);
  try {
    return "\"text\":" + json(text).dump();
  } catch (const json::exception&) {
    std::string line = "\"base64\":\"";
    protocol::append_base64(line, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return line + '"';
  }
}

int export_all(journal_reader& from, const journal_options& given) {
  bool broken = false;
  const int code = each_output(from, given.output, [&](const std::string& output) {
    if (broken) return static_cast<int>(exit_output_closed);
    return each_record(from, output, given.from, [&](const record_batch& all, std::size_t at) {
      const record_batch::record each = all[at];
      if (each.number > given.to) return false;
      json head{
          {"event_id", all.id_of(each)}, {"output", output}, {"time", each.time}, {"session", each.session}};
      if (!each.name.empty()) head["reply"] = each.name;
      std::string line = head.dump(-1, ' ', false, json::error_handler_t::replace);
      line.pop_back();
      line.append(",").append(record_member(each.text)).append("}\n");
      broken = std::fwrite(line.data(), 1, line.size(), stdout) != line.size();
      return !broken;
    });
  });
  return broken ? exit_output_closed : flushed(code);
}

int check_journal(const chosen_journal& where, journal_reader& from) {
  const journal_reader::findings found = from.check();
  for (const std::string& each : found.mistakes)
    std::fprintf(stderr, "%s: %s\n", where.file.c_str(), protocol::one_line(each).c_str());
  if (found.interrupted)
    std::fprintf(
        stderr,
        "%s: the pages were not all checked: the daemon wrote too much meanwhile; stop it, or check a "
        "copy\n",
        where.file.c_str());
  if (!found.mistakes.empty() || found.interrupted) return exit_data;
  std::printf("%s: ok, %ju batch%s\n", where.file.c_str(), static_cast<std::uintmax_t>(found.batches),
              found.batches == 1 ? "" : "es");
  return flushed(exit_success);
}

int prune(const chosen_journal& where, std::unique_ptr<journal_reader> from, const journal_options& given) {
  if (given.output.empty() && !given.taken) {
    std::fputs("what is to be deleted? --output NAME or --taken\n", stderr);
    return exit_usage;
  }
  journal_reader::summary all;
  if (!from->summarize(all)) return complain(*from);
  from.reset();
  if (!given.output.empty() && !all.outputs.contains(given.output)) {
    std::fprintf(stderr, "the journal has nothing of an output %s\n", given.output.c_str());
    return exit_usage;
  }
  if (where.durable.contains(given.output) && all.outputs[given.output].waiting > 0) {
    std::fprintf(stderr, "%ju event(s) wait for output %s, which is durable in %s: they are not deleted\n",
                 static_cast<std::uintmax_t>(all.outputs[given.output].waiting), given.output.c_str(),
                 given.config.file.c_str());
    return exit_refused;
  }
  journal_file::options how{.settings = where.settings, .outputs = {}, .moves_damaged = false};
  const journal_file::opened made = journal_file::open(how, std::chrono::system_clock::now());
  if (made.file == nullptr) {
    std::fprintf(stderr, "%s\n", made.error.c_str());
    return exit_refused;
  }
  const journal_file::pruned done = made.file->prune(given.output);
  made.file->close();
  if (!done.failed.empty()) {
    std::fprintf(stderr, "%s\n", done.failed.c_str());
    return exit_internal;
  }
  std::printf("%ju event(s) deleted\n", static_cast<std::uintmax_t>(done.records));
  return flushed(exit_success);
}

/// Those whose database has it, in the transaction of their rows.
bool keeps_own_place(config::output_type type) {
  return type == config::output_type::sqlite || type == config::output_type::postgres;
}

/// Only an output whose place is the journal's can be told to go back.
int replay(const chosen_journal& where, std::unique_ptr<journal_reader> from, const journal_options& given) {
  const auto to = where.durable.find(given.output);
  if (to == where.durable.end() || keeps_own_place(to->second)) {
    std::fprintf(stderr,
                 to == where.durable.end()
                     ? "the configuration (FILE or -c FILE) has no durable output %s\n"
                     : "output %s keeps its place in its own database: nothing can be sent to it again\n",
                 given.output.c_str());
    return exit_usage;
  }
  journal_reader::summary before;
  if (!from->summarize(before)) return complain(*from);
  if (given.from > before.given) {
    std::fprintf(stderr, "--from %ju: the newest event of this journal has the number %ju\n",
                 static_cast<std::uintmax_t>(given.from), static_cast<std::uintmax_t>(before.given));
    return exit_usage;
  }
  const journal_file::options how{.settings = where.settings, .outputs = {}, .moves_damaged = false};
  const journal_file::opened held = journal_file::open(how, std::chrono::system_clock::now());
  if (held.file == nullptr) {
    std::fprintf(stderr, "%s\n", held.error.c_str());
    return exit_refused;
  }
  journal_reader::summary after;
  const std::string failed = replay_from(where.file, given.output, given.from);
  if (failed.empty() && !from->summarize(after)) return complain(*from);
  from.reset();
  held.file->close();
  if (!failed.empty()) {
    std::fprintf(stderr, "%s\n", failed.c_str());
    return exit_internal;
  }
  std::printf(
      "%ju event(s) will be sent again to output %s when the daemon runs\n",
      static_cast<std::uintmax_t>(after.outputs[given.output].waiting - before.outputs[given.output].waiting),
      given.output.c_str());
  return flushed(exit_success);
}

using journal_action =
    std::function<int(const chosen_journal&, std::unique_ptr<journal_reader>, const journal_options&)>;

std::shared_ptr<journal_options> add_journal_action(CLI::App& to, const std::string& name,
                                                    const std::string& doc, CLI::App*& made,
                                                    const journal_action& does, int& exit_code) {
  auto given = std::make_shared<journal_options>();
  made = to.add_subcommand(name, doc);
  made->add_option(name == "show" ? "-c,--config" : "FILE,-c,--config", given->config.file,
                   "The configuration that says where the journal is");
  made->add_option("--journal", given->file, "The journal's file, instead");
  made->add_option("--env-file", given->config.environment_file,
                   "File with lines NAME=VALUE for ${env:NAME}; the environment takes precedence");
  made->callback([given, does, &exit_code] {
    if (given->config.file.empty() && given->file.empty())
      throw CLI::RequiredError("a configuration file, or --journal FILE");
    chosen_journal where;
    exit_code = choose_journal(*given, where);
    if (exit_code != exit_success) return;
    journal_reader::opened from = journal_reader::open(where.file);
    exit_code = from.reader == nullptr ? complain(from) : does(where, std::move(from.reader), *given);
  });
  return given;
}

}  // namespace

void add_journal(CLI::App& app, int& exit_code) {
  CLI::App* all =
      app.add_subcommand("journal", "Look into the journal of durable outputs (docs/durability.md)");
  all->require_subcommand(1);
  CLI::App* made = nullptr;
  auto given = add_journal_action(
      *all, "ls", "Print what the journal holds for each output", made,
      [](const chosen_journal& where, const std::unique_ptr<journal_reader>& from,
         const journal_options& how) { return list(where, *from, how); },
      exit_code);
  made->add_flag("--json", given->as_json, "Print one JSON object");

  given = add_journal_action(
      *all, "show", "Print events: number, output, time, session, reply, text", made,
      [](const chosen_journal&, const std::unique_ptr<journal_reader>& from, const journal_options& how) {
        return show(*from, how);
      },
      exit_code);
  made->add_option("NUMBER", given->number, "Only the event with this number (of event_id)");
  made->add_option("--output", given->output, "Only of this output");
  made->add_option("--from", given->from, "From this number on")->check(CLI::NonNegativeNumber);
  made->add_option("--limit", given->limit, "At most so many of each output (default: 20)")
      ->check(CLI::PositiveNumber);

  given = add_journal_action(
      *all, "export", "Print events as JSON lines, one output after the other", made,
      [](const chosen_journal&, const std::unique_ptr<journal_reader>& from, const journal_options& how) {
        return export_all(*from, how);
      },
      exit_code);
  made->add_option("--output", given->output, "Only of this output");
  made->add_option("--from", given->from, "From this number on")->check(CLI::NonNegativeNumber);
  made->add_option("--to", given->to, "Up to this number");

  add_journal_action(
      *all, "check", "Read all of it: SQLite's pages, each batch's checksum and records", made,
      [](const chosen_journal& where, const std::unique_ptr<journal_reader>& from, const journal_options&) {
        return check_journal(where, *from);
      },
      exit_code);

  given = add_journal_action(*all, "replay",
                             "Send kept events again, when the daemon runs, to an output that had them", made,
                             replay, exit_code);
  made->add_option("--to", given->output, "The output")->required();
  made->add_option("--from", given->from, "From this number on (default: all that are kept)")
      ->check(CLI::NonNegativeNumber);

  given = add_journal_action(*all, "prune", "Delete events, while no daemon uses the journal", made, prune,
                             exit_code);
  auto* output =
      made->add_option("--output", given->output, "Those of an output that is not durable any more");
  auto* taken = made->add_flag("--taken", given->taken, "Those that their outputs have taken");
  output->excludes(taken);
}

}  // namespace duplexd::cli
