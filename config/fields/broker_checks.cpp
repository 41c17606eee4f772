#include "config/fields/broker_checks.hpp"

#include <optional>
#include <string>

#include "config/fields/field_judge.hpp"
#include "config/value/path_pattern.hpp"
#include "config/value/url.hpp"

namespace duplexd::config {

namespace {

/// Of a text with placeholders; empty: nothing.
std::string mistake_in_topic(std::string_view text) {
  std::string error;
  const auto pattern = path_pattern::parse(text, error);
  if (!pattern) return error;
  const std::string like = pattern->path_of("s", "r", "2026-11-21T02:11:55.123456Z");
  if (like.find_first_of(std::string_view("+#\0", 3)) != std::string::npos)
    return "a topic that is written to has no '+' or '#'";
  return like.starts_with('$') ? "topics that begin with '$' are the broker's own" : "";
}

}  // namespace

void check_broker(const value_at& at, const parsed_output& output, reading& in) {
  if (output.type != output_type::mqtt) return;
  field_judge judge(at, in);
  constexpr const char* example = "mqtts://BROKER";
  const std::string url_text = output.url.with_placeholder("1");
  std::string error;
  std::optional<url> broker;
  if (output.url.empty())
    judge.complain("url", "an output of type mqtt needs a url", fmt::format("add url: {}", example));
  else if (broker = parse_broker_url(url_text, mqtt_schemes, error); !broker)
    judge.complain("url", error, example);
  for (const auto& [field, text] :
       {std::pair{"url", &output.url}, std::pair{"user", &output.user},
        std::pair{"password", &output.password}, std::pair{"ca_file", &output.ca_file},
        std::pair{"cert_file", &output.cert_file}, std::pair{"key_file", &output.key_file}})
    judge.check_outside(*text, field);
  if (broker && !broker->secure)
    for (const char* field : {"ca_file", "cert_file", "key_file"}) judge.refuse(field, "mqtt:// without TLS");
  if (output.topic.empty())
    judge.complain("topic", "an output of type mqtt needs a topic", "add topic: feeds/${session}/${reply}");
  else if (std::string why = mistake_in_topic(output.topic); !why.empty())
    judge.complain("topic", std::move(why));
  if (output.durable && output.qos == 0)
    judge.complain("qos", "a durable output needs qos: 1, because only that is acknowledged");
}

}  // namespace duplexd::config
