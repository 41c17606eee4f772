#include "config/session_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/field.hpp"
#include "config/suggest.hpp"
#include "protocol/message_type.hpp"

namespace duplexd::config {

using protocol::direction;
using protocol::message_type;
using protocol::node;

namespace {

/// The node that a field's path ("ticks[1].price") leads to, as far as it was written.
const node& descend(const node& from, std::string_view path) {
  const node* at = &from;
  while (!path.empty()) {
    const node* next = nullptr;
    std::size_t length = 0;
    if (path[0] == '[') {
      std::size_t index = 0;
      length = std::min(path.find(']'), path.size() - 1) + 1;
      const auto [end, error] = std::from_chars(path.data() + 1, path.data() + length, index);
      if (error == std::errc{} && *end == ']' && index < at->items.size()) next = &at->items[index];
    } else {
      length = std::min(path.find_first_of(".["), path.size());
      next = at->find(path.substr(0, length));
    }
    if (next == nullptr) break;
    at = next;
    path.remove_prefix(length);
    if (path.starts_with('.')) path.remove_prefix(1);
  }
  return *at;
}

class builder {
 public:
  builder(std::shared_ptr<const protocol::protocol> types, reading& in) : types_(std::move(types)), in_(in) {}

  /// A message that we or the simulator send.
  send_step message(direction of, const written_name& name, const written_values& with) {
    const message_type* type = find(of, name);
    if (type != nullptr) check_values(*type, name, with);
    return {name.text, with.values};
  }

  expectation reply(const written_name& name, nlohmann::ordered_json fields, milliseconds timeout) {
    find(direction::reply, name);
    return {name.text, std::move(fields), timeout};
  }

  /// The type of that name, or null after a complaint.
  const message_type* find(direction of, const written_name& name) {
    if (types_ == nullptr || name.text.empty()) return nullptr;
    if (const message_type* type = types_->find(of, name.text)) return type;
    std::vector<std::string> known;
    known.reserve(types_->types(of).size());
    for (const message_type& each : types_->types(of)) known.push_back(name_of(each));
    const std::string_view kind = of == direction::command ? "command" : "reply";
    in_.mistakes.push_back({name.where, name.path,
                            fmt::format("the session's protocol has no {} {}", kind, in_quotes(name.text)),
                            suggest(name.text, known)});
    return nullptr;
  }

 private:
  /// The simulator takes what is left out from the reply's example.
  static nlohmann::ordered_json completed(const message_type& type, const written_values& with) {
    nlohmann::ordered_json values = example_values(type);
    if (!values.is_object() && with.source != nullptr) return with.values.unresolved();
    for (const auto& [key, value] : with.values.unresolved().items()) values[key] = value;
    return values;
  }

  /// Packs the values once: what does not fit is a mistake of the file, not a surprise at run time.
  void check_values(const message_type& type, const written_name& name, const written_values& with) {
    if (with.values.has_references()) return;
    std::vector<std::uint8_t> bytes;
    const bool simulated = type.way == direction::reply;
    const auto mistake = pack(type, simulated ? completed(type, with) : with.values.unresolved(), bytes);
    if (!mistake) return;
    const bool has_source = with.source != nullptr;
    const protocol::position where = has_source ? descend(*with.source, mistake->field).where : name.where;
    in_.mistakes.push_back({where, has_source ? with.path : name.path,
                            fmt::format("'{}' cannot be packed: {}", name.text, mistake->text()), ""});
  }

  std::shared_ptr<const protocol::protocol> types_;
  reading& in_;
};

std::optional<login_settings> build_login(session_draft& draft, builder& make) {
  if (!draft.login_written) return std::nullopt;
  login_draft& written = *draft.login_written;
  login_settings login;
  login.json = std::move(written.json);
  if (written.send) login.send = make.message(direction::command, *written.send, written.with);
  if (written.expect)
    login.expect = make.reply(*written.expect, std::move(written.fields), draft.timeouts.login);
  return login;
}

std::vector<script_step> build_script(session_draft& draft, builder& make) {
  std::vector<script_step> script;
  for (step_draft& step : draft.script_written) {
    script_step& made = script.emplace_back();
    made.where = step.where;
    if (step.send)
      made.action = make.message(direction::command, *step.send, step.with);
    else if (step.expect)
      made.action = expect_step{make.reply(*step.expect, std::move(step.fields), step.timeout)};
    else
      made.action = sleep_step{step.sleep.value_or(milliseconds{0})};
  }
  return script;
}

simulate_settings build_simulation(const simulate_draft& written, builder& make) {
  simulate_settings simulate;
  simulate.answer_by_default = written.answer_by_default;
  for (const greeting_draft& each : written.login)
    simulate.login.push_back(make.message(direction::reply, each.send, each.with));
  for (const answer_draft& each : written.answers) {
    auto rule = std::find_if(simulate.answers.begin(), simulate.answers.end(),
                             [&](const simulate_answer& known) { return known.command == each.to.text; });
    if (rule == simulate.answers.end()) {
      make.find(direction::command, each.to);
      rule = simulate.answers.insert(rule, {each.to.text, {}});
    }
    if (each.send) rule->replies.push_back(make.message(direction::reply, *each.send, each.with));
  }
  for (const push_draft& each : written.pushes) {
    send_step what = make.message(direction::reply, each.send, each.with);
    simulate.pushes.push_back({std::move(what.command), std::move(what.with), each.after, each.every});
  }
  return simulate;
}

}  // namespace

session_settings build_session(session_draft draft, reading& in) {
  builder make(draft.protocol, in);
  draft.login = build_login(draft, make);
  draft.script = build_script(draft, make);
  draft.simulate = build_simulation(draft.simulate_written, make);
  session_settings& whole = draft;  // without what was written in another form
  return std::move(whole);
}

}  // namespace duplexd::config
