#include "daemon/module/mqtt/mqtt_link.hpp"

#include <utility>

#include "daemon/module/mqtt/mqtt_answer.hpp"
#include "daemon/output/broker_message.hpp"

namespace duplexd {

std::optional<mqtt_target> mqtt_target_of(const config::output_settings& settings,
                                          reference_reader& references, std::string& error) {
  mqtt_target target{.address = {},
                     .client_id = settings.client_id,
                     .keepalive = settings.keepalive,
                     .retain = settings.retain};
  std::string url;
  for (const auto& [text, into] :
       {std::pair{&settings.url, &url}, std::pair{&settings.user, &target.user},
        std::pair{&settings.password, &target.password}, std::pair{&settings.ca_file, &target.ca_file},
        std::pair{&settings.cert_file, &target.cert_file}, std::pair{&settings.key_file, &target.key_file}}) {
    auto made = references.resolve(*text, error);
    if (!made) return std::nullopt;
    *into = std::move(*made);
  }
  auto address = config::parse_broker_url(url, config::mqtt_schemes, error);
  if (!address) return std::nullopt;
  target.address = std::move(*address);
  return target;
}

mqtt_link::mqtt_link(const config::output_settings& settings, reference_reader& references)
    : settings_(settings), references_(references), link_(settings.timeout) {
  std::string error;  // the configuration was checked
  topic_ = config::path_pattern::parse(settings.topic, error);
}

bool mqtt_link::is_open() {
  if (link_.is_open() && !link_.turn_now().empty()) link_.close();
  return link_.is_open();
}

std::string mqtt_link::open() {
  std::string error;
  const auto target = mqtt_target_of(settings_, references_, error);
  return target ? link_.open(*target) : error;
}

broker_link::sent mqtt_link::publish(const message& what) {
  const std::string topic =
      topic_ ? topic_of(*topic_, what.session, what.name, what.time, mqtt_special) : settings_.topic;
  auto made = link_.publish({topic, what.payload, settings_.qos, settings_.retain, what.id});
  if (!made.failed.empty()) made.failed = told_reason(made.failed);
  return {made.key, std::move(made.refusal), std::move(made.failed)};
}

// A broker that closes the connection may have said why before.
std::string mqtt_link::told_reason(const std::string& failed) {
  std::string ended = link_.turn_now();
  answers come = take_answers();
  if (!come.failed.empty()) return std::move(come.failed);
  return ended.empty() ? failed : ended;
}

broker_link::answers mqtt_link::take_answers() {
  answers made;
  for (const auto& [key, reason] : link_.take_answers()) {
    const mqtt_answer what = answer_of(reason);
    if (what == mqtt_answer::not_taken)
      made.failed = reason_text(reason);
    else
      made.come.push_back({key, what == mqtt_answer::refused ? reason_text(reason) : ""});
  }
  return made;
}

broker_link::answers mqtt_link::wait(deadline until) {
  answers made = take_answers();
  if (!made.come.empty() || !made.failed.empty()) return made;
  std::string ended = link_.turn(until);
  made = take_answers();
  if (made.failed.empty()) made.failed = std::move(ended);
  return made;
}

}  // namespace duplexd
