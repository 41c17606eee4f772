// The field table, part: the steps that wait, branch, repeat and end.
#include <fmt/format.h>

#include <array>

#include "config/fields/step_kind.hpp"
#include "protocol/document/node_json.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node_kind;

namespace {

constexpr std::array<std::pair<wait_until, std::string_view>, 3> ends_of_waiting{
    {{wait_until::all, "all"}, {wait_until::first, "first"}, {wait_until::first_error, "first_error"}}};

/// `others:`, what becomes of the other branches when one has failed.
enum class fate : std::uint8_t { cancel, go_on };
const auto& words_of(fate /*any*/) {
  static constexpr std::array<std::pair<fate, std::string_view>, 2> words{
      {{fate::cancel, "cancel"}, {fate::go_on, "continue"}}};
  return words;
}

/// `until:`, a word beside `wait`, values beside `repeat`.
struct parsed_until {
  protocol::position where;
  std::string path;
  std::optional<wait_until> word;
  std::optional<json_template> match;
};

}  // namespace

template <>
struct value_parser<parsed_until> {
  static value_type type() {
    ordered_json words = ordered_json::array();
    for (const auto& [end, word] : ends_of_waiting) words.push_back(std::string(word));
    return {"word or map", {{"anyOf", {{{"enum", std::move(words)}}, {{"type", "object"}}}}}};
  }
  static ordered_json show(const parsed_until& /*value*/) { return nullptr; }
  static bool read(const value_at& at, parsed_until& out, reading& in) {
    out.where = at.value.where;
    out.path = at.path;
    if (at.value.kind == node_kind::map)
      return value_parser<json_template>::read(at, out.match.emplace(), in);
    std::vector<std::string> words;
    for (const auto& [end, word] : ends_of_waiting) {
      if (at.value.text == word) out.word = end;
      words.emplace_back(word);
    }
    if (!out.word) complain_of_choice(at, words, in);
    return out.word.has_value();
  }
};

namespace {

/// What a step waits for: tasks by name, and steps.
struct parsed_branch {
  std::string task;  ///< or
  parsed_steps steps;
};
using parsed_branches = std::vector<parsed_branch>;

/// What runs at the same time: a list of steps or lists of steps.
template <bool with_tasks>
struct branches_parser {
  static value_type type() {
    const ordered_json step{{"$ref", "#/$defs/step"}};
    ordered_json any{step, {{"type", "array"}, {"items", step}}};
    if (with_tasks) any.push_back({{"type", "string"}});
    return {with_tasks ? "list of tasks, steps or lists of steps" : "list of steps or lists of steps",
            {{"type", "array"}, {"minItems", 1}, {"items", {{"anyOf", std::move(any)}}}}};
  }
  static ordered_json show(const parsed_branches& /*value*/) { return nullptr; }
  static bool read(const value_at& at, parsed_branches& out, reading& in) {
    if (at.value.kind != node_kind::list || at.value.items.empty()) {
      at.complain(in, expected("a list of steps or lists of steps", at.value));
      return false;
    }
    out.clear();
    bool good = true;
    for (std::size_t i = 0; i < at.value.items.size(); ++i) {
      const value_at item = at.item(i);
      parsed_branch& branch = out.emplace_back();
      if (with_tasks && item.value.kind == node_kind::text)
        branch.task = item.value.text;
      else
        good &= value_parser<parsed_steps>::read(item, branch.steps, in);
    }
    return good;
  }
};

/// A number of rounds, or `forever` (0).
struct rounds_parser {
  static constexpr std::int64_t most = 1'000'000'000'000'000;  // exact in JSON, decades at any pace

  static value_type type() {
    return {"number, or forever",
            {{"anyOf", {{{"const", "forever"}}, {{"type", "integer"}, {"minimum", 1}, {"maximum", most}}}}}};
  }
  static ordered_json show(std::uint64_t /*value*/) { return nullptr; }
  static bool read(const value_at& at, std::uint64_t& out, reading& in) {
    out = 0;
    if (at.value.kind == node_kind::text && at.value.text == "forever") return true;
    if (at.value.kind != node_kind::integer) {
      at.complain(in, expected("an integer", at.value), "or forever");
      return false;
    }
    const auto value = protocol::to_integer(at.value.text);
    if (!value || *value < 1 || *value > most) {
      at.complain(in, fmt::format("{} repetitions are not allowed", at.value.text),
                  fmt::format("allowed: 1 to {}, or forever", most));
      return false;
    }
    out = static_cast<std::uint64_t>(*value);
    return true;
  }
};

void needs_no_task(const parsed_step& at, script_builder& make) {
  if (make.part() == script_part::before)
    make.complain(at, "background tasks are not allowed before there is a connection", "use gather");
  if (make.part() == script_part::closing)
    make.complain(at, "background tasks have ended when a connection is closed", "use gather");
}

/// `do:`, the steps of those that run them again or beside others.
struct parsed_body {
  parsed_steps steps;

  step_list build_body(const parsed_step& from, script_builder& make) {
    if (steps.empty()) make.complain(from, "the field 'do' is missing");
    return make.steps(steps);
  }
};

template <class Parsed>
field body_field() {
  const fields_of<Parsed> make;
  return make("do", &Parsed::steps, "The steps for `every`, `spawn` and `repeat`.")
      .only_beside({"every", "spawn", "repeat"})
      .example(ordered_json::array({{{"send", "ping"}}}));
}

template <class Parsed>
field until_field() {
  const fields_of<Parsed> make;
  return make("until", &Parsed::end,
              "With `wait`: all, first or first_error. With `repeat`: variables and the values that end "
              "the repetition.")
      .only_beside({"wait", "repeat"})
      .example("first")
      .apart();
}

std::vector<step_list> build_branches(parsed_branches& parsed, script_builder& make) {
  std::vector<step_list> made;
  const last_reply* before = make.last();
  for (parsed_branch& each : parsed) {
    if (each.task.empty()) made.push_back(make.steps(each.steps));
    make.go_on_from(before);  // branches know nothing of each other, nor what comes after of them
  }
  return made;
}

struct parsed_sleep : sleep_step {
  void build(parsed_step& from, script_builder& make) const { make.use(time, from.where, from.path); }
};

struct parsed_set : set_step {
  void build(parsed_step& from, script_builder& make) const {
    make.use(values, from.where, from.path);
    for (const auto& [variable, value] : values.unresolved().items()) {
      make.know_variable(variable);
      if (make.is_durable(variable) && values.has_secrets())
        make.complain(from, fmt::format("'{}' is durable: no secret is stored in it", variable),
                      "set it in a step without ${env:…}, ${file:…} and ${credential:…}");
    }
  }
};

struct parsed_every : every_step, parsed_body {
  void build(parsed_step& from, script_builder& make) {
    needs_no_task(from, make);
    make.use(interval, from.where, from.path);
    if (!interval.text && interval.fixed.count() == 0)
      make.complain(from, "'every' needs an interval above 0", "use repeat, or at least 1ms");
    const last_reply* before = make.last();
    body = build_body(from, make);
    make.go_on_from(before);
  }
};

template <class Step>
struct parsed_group : Step {
  parsed_branches all;
  void build(parsed_step& /*from*/, script_builder& make) { this->branches = build_branches(all, make); }
};

struct parsed_gather : parsed_group<gather_step> {
  fate others = fate::cancel;
  void build(parsed_step& from, script_builder& make) {
    parsed_group<gather_step>::build(from, make);
    others_continue = others == fate::go_on;
    if (others_continue) needs_no_task(from, make);
  }
};

struct parsed_wait : wait_step {
  parsed_branches all;
  std::optional<parsed_until> end;

  void build(parsed_step& from, script_builder& make) {
    needs_no_task(from, make);
    for (const parsed_branch& each : all) {
      if (each.task.empty()) continue;
      tasks.push_back(each.task);
      make.use_task(each.task, from.where, from.path + ".wait");
    }
    branches = build_branches(all, make);
    if (end && end->match)
      make.complain(*end, "'until' must be a word when used with 'wait'", "all, first or first_error");
    if (end) until = end->word.value_or(wait_until::all);
  }
};

struct parsed_spawn : spawn_step, parsed_body {
  void build(parsed_step& from, script_builder& make) {
    needs_no_task(from, make);
    if (!make.know_task(task))
      make.complain(from, fmt::format("there is already a task {}", in_quotes(task)), "give it another name");
    const last_reply* before = make.last();
    body = build_body(from, make);
    make.go_on_from(before);
  }
};

struct parsed_cancel : cancel_step {
  void build(parsed_step& from, script_builder& make) const {
    needs_no_task(from, make);
    make.use_task(task, from.where, from.path + ".cancel");
  }
};

struct parsed_if : if_step {
  parsed_steps on_true;
  parsed_steps on_false;

  void build(parsed_step& from, script_builder& make) {
    if (on_true.empty() && on_false.empty())
      make.complain(from, "'if' without 'then' or 'else' does nothing");
    condition = make.condition(std::move(condition), {"", from.where, from.path + ".if"});
    const last_reply* before = make.last();
    then = make.steps(on_true);
    const last_reply* then_last = make.last();
    make.go_on_from(before);
    otherwise = make.steps(on_false);
    make.either(then_last, make.last());
  }
};

struct parsed_repeat : repeat_step, parsed_body {
  std::optional<parsed_until> end;

  void build(parsed_step& from, script_builder& make) {
    if (end && end->word)
      make.complain(*end, "'until' must be a map when used with 'repeat'",
                    "variables, or reply.FIELD, and their values");
    if (steps.empty()) make.complain(from, "the field 'do' is missing");
    if (!variable.empty()) make.know_variable(variable);
    body = make.repeated(steps);
    if (end && end->match) until = make.condition(std::move(*end->match), {"", end->where, end->path});
  }
};

struct parsed_fail : fail_step {
  void build(parsed_step& from, script_builder& make) const { make.use(why, from.where, from.path); }
};

}  // namespace

step_kind sleep_kind() {
  using s = parsed_sleep;
  const fields_of<s> make;
  return kind_of<sleep_step, s>({make("sleep", &s::time, "Wait for this long.").example("500ms")});
}

step_kind set_kind() {
  using s = parsed_set;
  const fields_of<s> make;
  return kind_of<set_step, s>(
      {make("set", &s::values, "Set variables.").map_only().example({{"symbol", "EURUSD"}})});
}

step_kind every_kind() {
  using s = parsed_every;
  const fields_of<s> make;
  return kind_of<every_step, s>(
      {make("every", &s::interval, "Run `do` at this interval until cancelled.").example("30s"),
       make("jitter", &s::jitter, "Random variation, as a fraction of the interval: 0.1 means up to 10 %.")
           .only_beside({"every"})
           .range(0, 1, "0 to 1"),
       body_field<s>()});
}

step_kind gather_kind() {
  using s = parsed_gather;
  const fields_of<s> make;
  return kind_of<gather_step, s>(
      {make.as<branches_parser<false>>(
               "gather", &s::all,
               "Run all branches concurrently until all have finished; the result is a list of their "
               "results, in order. The first fault is that of the step.")
           .example(ordered_json::array({{{"call", "get_orders"}, {"reply", "orders"}},
                                         {{"call", "get_trades"}, {"reply", "trades"}}})),
       make.as<choice_parser<fate>>(
               "others", &s::others,
               "What happens to the other branches when one has failed: `cancel`, or `continue` in "
               "the background.")
           .only_beside({"gather"})});
}

step_kind race_kind() {
  using s = parsed_group<race_step>;
  const fields_of<s> make;
  return kind_of<race_step, s>(
      {make.as<branches_parser<false>>(
               "race", &s::all, "Run all branches concurrently; the first to finish cancels the others.")
           .example(ordered_json::array({{{"expect", "ready"}}, {{"sleep", "5s"}}}))});
}

step_kind wait_kind() {
  using s = parsed_wait;
  const fields_of<s> make;
  return kind_of<wait_step, s>(
      {make.as<branches_parser<true>>(
               "wait", &s::all,
               "Wait for tasks, by name or started here, until the condition in `until` "
               "holds. Cancels nothing.")
           .example({"warm_up"}),
       until_field<s>()});
}

step_kind spawn_kind() {
  using s = parsed_spawn;
  const fields_of<s> make;
  return kind_of<spawn_step, s>(
      {make("spawn", &s::task, "Start `do` in the background as a task with this name.").example("warm_up"),
       body_field<s>()});
}

step_kind cancel_kind() {
  using s = parsed_cancel;
  const fields_of<s> make;
  return kind_of<cancel_step, s>(
      {make("cancel", &s::task, "Cancel all tasks started under this name and wait until they have ended.")
           .example("warm_up")});
}

step_kind if_kind() {
  using s = parsed_if;
  const fields_of<s> make;
  return kind_of<if_step, s>(
      {make("if", &s::condition, "Variables, or `reply.FIELD`, and the values they must have.")
           .map_only()
           .example({{"reply.status", "ok"}}),
       make("then", &s::on_true, "Steps to run if the condition holds.")
           .only_beside({"if"})
           .example(ordered_json::array({{{"send", "to_free"}}})),
       make("else", &s::on_false, "Steps to run otherwise.")
           .only_beside({"if"})
           .example(ordered_json::array({{{"fail", "not ready"}}}))});
}

step_kind repeat_kind() {
  using s = parsed_repeat;
  const fields_of<s> make;
  return kind_of<repeat_step, s>(
      {make.as<rounds_parser>("repeat", &s::times, "Run `do` this many times, or `forever`.").example(10),
       make("as", &s::variable, "The variable that has the number of the round, from 0.")
           .only_beside({"repeat"})
           .example("round"),
       until_field<s>(), body_field<s>()});
}

step_kind fail_kind() {
  using s = parsed_fail;
  const fields_of<s> make;
  return kind_of<fail_step, s>(
      {make("fail", &s::why, "End the connection with a `script` fault that has this text.")
           .example("no quotes")});
}

}  // namespace duplexd::config
