#include "config/fields/broker_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/fields/field_judge.hpp"
#include "config/value/path_pattern.hpp"
#include "config/value/topic_filter.hpp"
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
  topic_syntax levels;
  scheme_pair schemes;
};
constexpr broker_words mqtt_words{
    "mqtt", "topic", "feeds/${session}/${reply}", "mqtts://BROKER", "+#", mqtt_topics, mqtt_schemes};
constexpr broker_words nats_words{
    "nats", "subject", "feeds.${session}.${reply}", "tls://SERVER", "*> \t\r\n", nats_subjects, nats_schemes};

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

/// Of a filter: a wildcard stands for a whole level, that for the rest is the last.
std::string mistake_in_filter(std::string_view text, const broker_words& words) {
  const auto levels = levels_of(text, words.levels.separator);
  const std::string wildcards{words.levels.one_level, words.levels.all_levels};
  const bool has_blanks = words.type == "nats" && text.find_first_of(" \t\r\n") != std::string_view::npos;
  if (text.find('\0') != std::string_view::npos || has_blanks) return "it holds blanks or U+0000";
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::string_view level = levels[i];
    if (level.empty() && words.type == "nats")
      return "a subject has a name before, between and behind its dots";
    const bool has_wildcard = level.find_first_of(wildcards) != std::string_view::npos;
    const bool is_rest = level.find(words.levels.all_levels) != std::string_view::npos;
    if ((has_wildcard && level.size() != 1) || (is_rest && i + 1 != levels.size()))
      return fmt::format("'{}' stands for a whole level, '{}' for all that are left", words.levels.one_level,
                         words.levels.all_levels);
  }
  return "";
}

/// A name that is a part of a subject.
std::string mistake_in_name(std::string_view text) {
  constexpr std::size_t longest = 255;
  const bool has_special = std::ranges::any_of(text, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' ||
           std::string_view{".*>/\\"}.find(c) != std::string_view::npos;
  });
  if (text.empty() || has_special) return R"(a name has no blanks and none of . * > / \)";
  return text.size() > longest ? fmt::format("a name has at most {} bytes", longest) : "";
}

/// By which name the stream's messages are received.
void check_stream(const value_at& at, const broker_commands& commands, const broker_words& words,
                  field_judge& judge) {
  if (words.type != "nats") return judge.refuse("stream", fmt::format("an output of type {}", words.type));
  for (const auto& [field, text] :
       {std::pair{"stream", &commands.stream}, std::pair{"consumer", &commands.consumer}})
    if (at.value.find(field) != nullptr)
      if (std::string why = mistake_in_name(*text); !why.empty()) judge.complain(field, std::move(why));
}

/// Answers and events that came back as commands would be refused, one after the other. Those of a stream are
/// compared when it is known.
void check_commands(const value_at& at, const parsed_output& output, const broker_words& words, reading& in) {
  const protocol::node* const written = at.value.find("commands");
  if (written == nullptr) return;
  const broker_commands& commands = output.commands;
  const value_at place{*written, at.path + ".commands"};
  field_judge judge(place, in);
  const std::string_view other = words.topic == "topic" ? "subject" : "topic";
  judge.refuse(other, fmt::format("an output of type {}", words.type));
  check_stream(place, commands, words, judge);
  const bool has_filter = place.value.find(words.topic) != nullptr;
  if (std::string why = mistake_in_filter(commands.from, words); has_filter && !why.empty())
    return judge.complain(words.topic, std::move(why));
  std::string error;
  if (const auto events = path_pattern::parse(output.topic, error);
      has_filter && events &&
      is_heard(events->path_of("s", "r", "2026-11-21T02:11:55.123456Z"), commands.from, words.levels))
    judge.complain(words.topic, "the output's own events would come back as commands");
  if (commands.answers.empty()) return;
  if (commands.answers.find_first_of(words.wildcards) != std::string::npos ||
      !mistake_in_filter(commands.answers, words).empty() || commands.answers.starts_with('$'))
    judge.complain("answers", fmt::format("it is not a {} that can be written to", words.topic));
  else if (has_filter && is_heard(commands.answers, commands.from, words.levels))
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
