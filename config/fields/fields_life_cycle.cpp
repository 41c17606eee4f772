// The field table, part: when a link is tried again, renewed and ended.
#include <array>
#include <charconv>

#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

// Not in the unnamed namespace: `choice_parser` finds it by its argument.
static const auto& words_of(fault_class /*any*/) {
  return fault_class_names;
}
static const auto& words_of(jitter_kind /*any*/) {
  static constexpr std::array<std::pair<jitter_kind, std::string_view>, 3> words{
      {{jitter_kind::none, "none"}, {jitter_kind::half, "half"}, {jitter_kind::full, "full"}}};
  return words;
}

template <>
struct value_parser<fault_class> : choice_parser<fault_class> {};
template <>
struct value_parser<jitter_kind> : choice_parser<jitter_kind> {};

/// `login_rejected`, `http:429`, `http:500-599`, `closed:4001`.
template <>
struct value_parser<fault_pattern> {
  static value_type type() {
    std::string pattern = "^(http:[1-5][0-9]{2}(-[1-5][0-9]{2})?|closed:[1-4][0-9]{3}(-[1-4][0-9]{3})?";
    for (const auto& [kind, name] : fault_class_names) pattern.append("|").append(name);
    return {"fault", {{"type", "string"}, {"pattern", pattern + ")$"}}};
  }
  static ordered_json show(const fault_pattern& /*value*/) { return nullptr; }
  static bool read(const value_at& at, fault_pattern& out, reading& in);
};

/// At least one: a rule for nothing is a slip.
struct fault_patterns_parser : list_parser<value_parser<fault_pattern>, fault_pattern> {
  static value_type type() {
    value_type made = list_parser::type();
    made.schema["minItems"] = 1;
    return made;
  }
  static bool read(const value_at& at, std::vector<fault_pattern>& out, reading& in) {
    if (!list_parser::read(at, out, in)) return false;
    if (out.empty()) at.complain(in, "the list is empty: the rule fits no fault");
    return !out.empty();
  }
};

bool value_parser<fault_pattern>::read(const value_at& at, fault_pattern& out, reading& in) {
  const std::string_view text = at.value.text;
  const auto colon = text.find(':');
  std::vector<std::string> names;
  for (const auto& [kind, name] : fault_class_names) names.emplace_back(name);
  const auto kind = fault_class_from(text.substr(0, colon));
  if (at.value.kind != protocol::node_kind::text || !kind) {
    complain_of_choice(at, names, in);
    return false;
  }
  out.kind = *kind;
  if (colon == std::string_view::npos) return true;
  const auto dash = text.find('-', colon);
  const auto number = [&](std::string_view digits) {
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size() ? value : std::uint16_t{0};
  };
  out.low = number(text.substr(colon + 1, dash == std::string_view::npos ? dash : dash - colon - 1));
  out.high = dash == std::string_view::npos ? *out.low : number(text.substr(dash + 1));
  const bool fits_http = *kind == fault_class::http && *out.low >= 100 && out.high <= 599;
  const bool fits_close = *kind == fault_class::closed && *out.low >= 1000 && out.high <= 4999;
  if ((fits_http || fits_close) && out.high >= *out.low) return true;
  at.complain(in, in_quotes(text) + " is not a fault", "such as http:429, http:500-599 or closed:4001");
  return false;
}

namespace {

/// A close frame's status code that an endpoint may send (RFC 6455, 7.4).
struct close_code_parser : value_parser<std::uint16_t> {
  static value_type type() {
    return {"integer",
            {{"anyOf", {{{"const", 1000}}, {{"type", "integer"}, {"minimum", 3000}, {"maximum", 4999}}}}}};
  }
  static bool read(const value_at& at, std::uint16_t& out, reading& in) {
    if (!value_parser<std::uint16_t>::read(at, out, in)) return false;
    if (out == 1000 || (out >= 3000 && out <= 4999)) return true;
    at.complain(in, "a client cannot close with " + at.value.text, "allowed: 1000 and 3000 to 4999");
    return false;
  }
};

/// A close frame's reason: at most 123 bytes beside the code.
struct close_reason_parser : value_parser<std::string> {
  static value_type type() { return {"text", {{"type", "string"}, {"maxLength", 123}}}; }
  static bool read(const value_at& at, std::string& out, reading& in) {
    if (!value_parser<std::string>::read(at, out, in)) return false;
    if (out.size() <= 123) return true;
    at.complain(in, "the reason has " + std::to_string(out.size()) + " bytes of UTF-8", "allowed: 123 bytes");
    return false;
  }
};

}  // namespace

template <>
const section& section_of<fault_rule>() {
  using s = fault_rule;
  const fields_of<s> make;
  static const section fields{
      "fault_rule",
      "The response to certain faults. Fields left out have the values from `reconnect`. The fault classes "
      "and the default responses are listed in [faults.md](faults.md).",
      {
          make.as<fault_patterns_parser>("on", &s::on,
                                         "The fault classes, optionally with HTTP statuses or close codes.")
              .required()
              .example({"login_rejected", "http:500-599", "closed:4001"}),
          make("initial", &s::initial, "The first delay; 0 means one attempt at once, then 100ms growing.")
              .range(0, a_day, "0 to 24h")
              .example("5s"),
          make("maximum", &s::maximum, "The longest delay.").range(1, a_day, "1ms to 24h").example("10m"),
          make("factor", &s::factor, "The factor by which each delay grows.")
              .range(1, 100, "1 to 100")
              .example(1.5),
          make("jitter", &s::jitter,
               "The random part of a delay: none; half, its upper half; or full, all of it.")
              .example("half"),
          make("give_up_after", &s::give_up_after,
               "End the session after this many such faults without a stable connection in between.")
              .range(1, 65'535, "1 to 65535")
              .example(3),
          make("exit_code", &s::exit_code,
               "The daemon's exit code if such a fault ends the session, with `--once` any such fault. The "
               "service unit does "
               "not restart the daemon after 64 to 78, except 70, 74 and 75.")
              .range(1, 125, "1 to 125")
              .example(64),
      }};
  return fields;
}

template <>
const section& section_of<reconnect_settings>() {
  using s = reconnect_settings;
  const fields_of<s> make;
  static const section fields{
      "reconnect",
      "What happens when a connection is lost or cannot be established. The n-th delay is random between 0 "
      "and `initial` × `factor`ⁿ, and at most `maximum`. When many sessions connect at the same time, "
      "some wait longer: see [connect](#connect).",
      {
          make("initial", &s::initial, "The upper bound of the first delay.").range(1, a_day, "1ms to 24h"),
          make("maximum", &s::maximum, "The longest delay.").range(1, a_day, "1ms to 24h"),
          make("factor", &s::factor, "The factor by which each delay grows.").range(1, 100, "1 to 100"),
          make("jitter", &s::jitter,
               "The random part of a delay: none; half, its upper half; or full, all of it."),
          make("stable_after", &s::stable_after,
               "After a connection that lasted this long, the delays start again from `initial`.")
              .range(0, a_day, "0 to 24h"),
          make("fatal", &s::fatal,
               "Fault classes that end the session instead of leading to another attempt.")
              .example({"login_rejected", "tls"}),
          make("faults", &s::faults, "Rules for certain faults; the first one that matches applies."),
      }};
  return fields;
}

template <>
const section& section_of<parsed_active>() {
  using s = parsed_active;
  const fields_of<s> make;
  static const section fields{
      "active",
      "The hours during which the session is connected; outside of them it waits.",
      {
          make("time_zone", &s::time_zone, "The IANA name of the time zone of `windows`."),
          make("windows", &s::windows, "Days and hours. A window that passes midnight must be split in two.")
              .required()
              .example({"Mon-Fri 09:30-16:00", "Sun 18:00-24:00"}),
      }};
  return fields;
}

namespace {

/// Unix time, or a time in words (RFC 3339).
struct moment_parser : value_parser<text_template> {
  static value_type type() {
    value_type made = value_parser<text_template>::type();
    made.schema["pattern"] = R"(^([0-9.]+([eE][-+0-9]+)?$|[0-9]{4}-[0-9]{2}-[0-9]{2}.|[^$]*\$\{))";
    return made;
  }
  static bool read(const value_at& at, text_template& out, reading& in) {
    return read_checked(at, out, in, [](const std::string& text, std::string& error) {
      double number = 0;
      const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
      const bool is_number = failed == std::errc{} && end == text.data() + text.size() && number > 0;
      if (is_number || protocol::parse_time(text, protocol::time_unit::ms)) return;
      error = in_quotes(text) + " is neither a Unix time nor a time such as 2026-11-26T07:10:00Z";
    });
  }
};

}  // namespace

template <>
const section& section_of<renew_settings>() {
  using s = renew_settings;
  const fields_of<s> make;
  static const section fields{
      "renew",
      "When to close the connection cleanly and reconnect although it is healthy, for instance before a "
      "token "
      "expires. Ignored by `run --once`, which connects once only.",
      {
          make("after", &s::after, "The maximum age of a connection.")
              .range(1, 36'500 * a_day, "1ms to 876000h")
              .example("${var:expires_in}s"),
          make.as<moment_parser>("at", &s::at,
                                 "The time to reconnect at: Unix time, in seconds or milliseconds, or a time "
                                 "such as 2026-11-26T07:10:00Z (RFC 3339).")
              .example("${var:expires_at}"),
          make("margin", &s::margin, "How much earlier than `after` or `at` to reconnect.")
              .range(0, a_day, "0 to 24h")
              .example("1m"),
      }};
  return fields;
}

template <>
const section& section_of<parsed_close>() {
  using s = parsed_close;
  const fields_of<s> make;
  static const section fields{
      "close",
      "How a connection is closed, at the end of the session (SIGTERM, too) and before a reconnect that is "
      "wanted. "
      "A connection that is lost is not closed.",
      {
          make("steps", &s::unresolved_steps,
               "Steps to run before the close frame, once the login was granted, when all other steps have "
               "ended: "
               "unsubscribe, log out. If they fail the close frame follows all the same.")
              .example(ordered_json::array({{{"json", {{"op", "logout"}}}}})),
          make("within", &s::within, "How long the steps may take; then they are cancelled.")
              .range(1, a_minute, "1ms to 1m"),
          make.as<close_code_parser>("code", &s::code, "The status code: 1000, or 3000 to 4999."),
          make.as<close_reason_parser>("reason", &s::reason, "The reason, at most 123 bytes.")
              .example("user quit"),
      }};
  return fields;
}

}  // namespace duplexd::config
