#include "config/fields/broker_checks.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

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
  scheme_pair schemes;
};
constexpr broker_words mqtt_words{"mqtt",           "topic", "feeds/${session}/${reply}",
                                  "mqtts://BROKER", "+#",    mqtt_schemes};
constexpr broker_words nats_words{"nats",         "subject",   "feeds.${session}.${reply}",
                                  "tls://SERVER", "*> \t\r\n", nats_schemes};

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

std::optional<url> check_url(const parsed_output& output, const broker_words& words, field_judge& judge) {
  if (output.url.empty()) {
    judge.complain("url", fmt::format("an output of type {} needs a url", words.type),
                   fmt::format("add url: {}", words.url_example));
    return std::nullopt;
  }
  std::string error;
  auto made = parse_broker_url(output.url.with_placeholder("1"), words.schemes, error);
  if (!made) judge.complain("url", std::move(error), std::string(words.url_example));
  return made;
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
  if (output.durable && !is_nats && output.qos == 0)
    judge.complain("qos", "a durable output needs qos: 1, because only that is acknowledged");
  if (output.durable && is_nats && !output.jetstream)
    judge.complain("durable", "a durable output needs jetstream: true, because only that is acknowledged");
  if (is_nats && at.value.find("token") != nullptr)
    for (const char* field : {"user", "password"}) judge.refuse(field, "a server that wants a token");
}

}  // namespace duplexd::config
