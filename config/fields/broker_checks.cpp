#include "config/fields/broker_checks.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/fields/field_judge.hpp"
#include "config/value/path_pattern.hpp"
#include "config/value/url.hpp"

namespace duplexd::config {

namespace {

/// What differs between brokers.
struct broker_words {
  std::string_view type;
  std::string_view topic;  ///< the name of that field
  std::string_view topic_example;
  std::string_view url_example;
  std::string_view wildcards;
  std::string_view level_wildcards;  ///< for one level, for all that are left
  char separator;
  scheme_pair schemes;
};
constexpr broker_words mqtt_words{
    "mqtt", "topic", "feeds/${session}/${reply}", "mqtts://BROKER", "+#", "+#", '/', mqtt_schemes};
constexpr broker_words nats_words{
    "nats", "subject", "feeds.${session}.${reply}", "tls://SERVER", "*> \t\r\n", "*>", '.', nats_schemes};

/// Of a text with placeholders; empty: nothing.
std::string mistake_in_topic(std::string_view text, const broker_words& words) {
  std::string error;
  const auto pattern = path_pattern::parse(text, error);
  if (!pattern) return error;
  const std::string like = pattern->path_of("s", "r", "2026-11-21T02:11:55.123456Z");
  if (like.find_first_of(words.wildcards) != std::string::npos || like.find('\0') != std::string::npos)
    return fmt::format("a {} that is written to has no wildcards and no blanks", words.topic);
  const auto has = [&like](std::string_view part) { return like.find(part) != std::string::npos; };
  if (words.type == "nats" && (like.starts_with('.') || like.ends_with('.') || has("..")))
    return "a subject has a name before, between and behind its dots";
  return like.starts_with('$') ? fmt::format("a {} that begins with '$' is the broker's own", words.topic)
                               : "";
}

/// What is known of it now.
std::optional<url> check_url(const parsed_output& output, const broker_words& words, field_judge& judge) {
  if (output.url.empty()) {
    judge.complain("url", fmt::format("an output of type {} needs a url", words.type),
                   fmt::format("add url: {}", words.url_example));
    return std::nullopt;
  }
  std::optional<url> made;
  judge.check_value(
      "url",
      [&](const std::string& text, std::string& error) {
        made = parse_broker_url(text, words.schemes, error);
      },
      words.url_example);
  return made;
}

std::vector<std::string_view> levels_of(std::string_view text, char separator) {
  std::vector<std::string_view> levels;
  for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(end + 1)) {
    end = text.find(separator);
    levels.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
  }
  return levels;
}

/// Of a filter: a wildcard stands for a whole level, that for the rest is the last.
std::string mistake_in_filter(std::string_view text, const broker_words& words) {
  const auto levels = levels_of(text, words.separator);
  const bool has_blanks = words.type == "nats" && text.find_first_of(" \t\r\n") != std::string_view::npos;
  if (text.find('\0') != std::string_view::npos || has_blanks) return "it holds blanks or U+0000";
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::string_view level = levels[i];
    if (level.empty() && words.type == "nats")
      return "a subject has a name before, between and behind its dots";
    const bool has_wildcard = level.find_first_of(words.level_wildcards) != std::string_view::npos;
    const bool is_rest = level.find(words.level_wildcards[1]) != std::string_view::npos;
    if ((has_wildcard && level.size() != 1) || (is_rest && i + 1 != levels.size()))
      return fmt::format("'{}' stands for a whole level, '{}' for all that are left",
                         words.level_wildcards[0], words.level_wildcards[1]);
  }
  return "";
}

/// Whether a message to `topic` comes to who subscribed to `filter`.
bool is_heard(std::string_view topic, std::string_view filter, const broker_words& words) {
  const auto named = levels_of(topic, words.separator);
  const auto wanted = levels_of(filter, words.separator);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == words.level_wildcards.substr(1, 1)) return true;
    const bool fits =
        i < named.size() && (wanted[i] == words.level_wildcards.substr(0, 1) || wanted[i] == named[i]);
    if (!fits) return false;
  }
  return named.size() == wanted.size();
}

/// Answers and events that came back as commands would be refused, one after the other.
void check_commands(const value_at& at, const parsed_output& output, const broker_words& words, reading& in) {
  const protocol::node* const written = at.value.find("commands");
  if (written == nullptr) return;
  const broker_commands& commands = output.commands;
  const value_at place{*written, at.path + ".commands"};
  field_judge judge(place, in);
  const std::string_view other = words.topic == "topic" ? "subject" : "topic";
  judge.refuse(other, fmt::format("an output of type {}", words.type));
  if (std::string why = mistake_in_filter(commands.from, words); !why.empty())
    return judge.complain(words.topic, std::move(why));
  std::string error;
  if (const auto events = path_pattern::parse(output.topic, error);
      events && is_heard(events->path_of("s", "r", "2026-11-21T02:11:55.123456Z"), commands.from, words))
    judge.complain(words.topic, "the output's own events would come back as commands");
  if (commands.answers.empty()) return;
  if (commands.answers.find_first_of(words.wildcards) != std::string::npos ||
      !mistake_in_filter(commands.answers, words).empty() || commands.answers.starts_with('$'))
    judge.complain("answers", fmt::format("it is not a {} that can be written to", words.topic));
  else if (is_heard(commands.answers, commands.from, words))
    judge.complain("answers", "the answers would come back as commands");
}

}  // namespace

void check_broker(const value_at& at, const parsed_output& output, reading& in) {
  const bool is_nats = output.type == output_type::nats;
  if (!is_nats && output.type != output_type::mqtt) return;
  const broker_words& words = is_nats ? nats_words : mqtt_words;
  field_judge judge(at, in);
  const auto broker = check_url(output, words, judge);
  for (const auto& [field, text] :
       {std::pair{"url", &output.url}, std::pair{"user", &output.user},
        std::pair{"password", &output.password}, std::pair{"token", &output.token},
        std::pair{"ca_file", &output.ca_file}, std::pair{"cert_file", &output.cert_file},
        std::pair{"key_file", &output.key_file}})
    judge.check_outside(*text, field);
  if (broker && !broker->secure)
    for (const char* field : {"ca_file", "cert_file", "key_file"})
      judge.refuse(field, fmt::format("{}:// without TLS", words.schemes.open));
  if (output.topic.empty())
    judge.complain(words.topic, fmt::format("an output of type {} needs a {}", words.type, words.topic),
                   fmt::format("add {}: {}", words.topic, words.topic_example));
  else if (std::string why = mistake_in_topic(output.topic, words); !why.empty())
    judge.complain(words.topic, std::move(why));
  check_commands(at, output, words, in);
  if (output.durable && !is_nats && output.qos == 0)
    judge.complain("qos", "a durable output needs qos: 1, because only that is acknowledged");
  if (output.durable && is_nats && !output.jetstream)
    judge.complain("durable", "a durable output needs jetstream: true, because only that is acknowledged");
  if (is_nats && at.value.find("token") != nullptr)
    for (const char* field : {"user", "password"}) judge.refuse(field, "a server that wants a token");
}

}  // namespace duplexd::config
