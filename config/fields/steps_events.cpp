// The field table, part: the steps that go through lists and make events.
#include <fmt/format.h>

#include "config/fields/step_kind.hpp"

namespace duplexd::config {

namespace {

struct parsed_each_list {
  protocol::position where;
  std::string path;
  json_template list;
  std::string variable;
  parsed_steps body;
};

struct parsed_event {
  protocol::position where;
  std::string path;
  unresolved_name reply;
  unresolved_match data;
};

}  // namespace

template <>
const section& section_of<parsed_each_list>() {
  using s = parsed_each_list;
  const fields_of<s> make;
  static const section fields{
      "for_each",
      "A list, and the steps to run for each of its elements.",
      {
          make("in", &s::list, "The list. Another value is a `script` fault.")
              .required()
              .example("${var:answer.trades}"),
          make("as", &s::variable, "The variable that holds the element.").required().example("trade"),
          make("do", &s::body, "The steps.")
              .required()
              .example(nlohmann::ordered_json::array({{{"send", "subscribe"}}})),
      }};
  return fields;
}

template <>
const section& section_of<parsed_event>() {
  using s = parsed_event;
  const fields_of<s> make;
  static const section fields{
      "emit",
      "An event for the outputs, as if this reply had come now. Steps and handlers do not see it.",
      {
          make("reply", &s::reply, "The reply of the protocol that the event is one of.")
              .required()
              .example("tick"),
          make("data", &s::data, "Its values, of at most `limits.message` bytes as JSON; no secrets.")
              .required()
              .example({{"price", "${var:trade.p}"}}),
      }};
  return fields;
}

namespace {

struct parsed_each : each_step {
  parsed_each_list each;

  void build(parsed_step& /*from*/, script_builder& make) {
    parsed_each_list& at = each;
    make.use(at.list, at.where, at.path + ".in");
    if (!at.list.has_references() && !at.list.unresolved().is_array())
      make.complain(at, "'in' is not a list", "a list, or a reference to one, such as ${var:orders}");
    if (at.variable.empty()) make.complain(at, "'as' needs the name of a variable");
    if (at.body.empty()) make.complain(at, "'do' has no steps");
    make.know_variable(at.variable);
    const last_reply* before = make.last();
    body = make.repeated(at.body);
    make.either(before, make.last());  // the list may be empty
    list = std::move(at.list);
    variable = std::move(at.variable);
  }
};

struct parsed_emit : emit_step {
  parsed_event event;

  void build(parsed_step& /*from*/, script_builder& make) {
    parsed_event& at = event;
    const auto replies = make.replies({at.reply});
    make.use(at.data.values, at.where, at.path + ".data");
    if (at.data.values.has_secrets())
      make.complain(at, "an event is no place for a secret", "whoever reads the events would see it");
    make.check_values(replies, at.data);
    reply = at.reply.text;
    data = std::move(at.data.values);
  }
};

}  // namespace

step_kind each_kind() {
  using s = parsed_each;
  const fields_of<s> make;
  return kind_of<each_step, s>({make("for_each", &s::each, "Run steps for each element of a list.")});
}

step_kind emit_kind() {
  using s = parsed_emit;
  const fields_of<s> make;
  return kind_of<emit_step, s>({make("emit", &s::event, "Put an event into the session's stream.")});
}

}  // namespace duplexd::config
