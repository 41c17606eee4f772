#include "daemon/module/mqtt/mqtt_writer.hpp"

#include <algorithm>
#include <utility>

#include "daemon/module/mqtt/mqtt_answer.hpp"
#include "daemon/output/broker_message.hpp"

namespace duplexd {

mqtt_writer::mqtt_writer(const config::output_settings& settings, module_host& host)
    : settings_(settings), host_(host), link_(settings.timeout) {
  topic_ = config::path_pattern::parse(settings.topic, failed_);  // the configuration was checked
  keeper_ = std::jthread([this](const std::stop_token& stop) { keep_alive(stop); });
}

void mqtt_writer::keep_alive(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, settings_.keepalive / 4, [] { return false; });
    if (link_.is_open() && !link_.turn_now().empty()) link_.close();
  }
}

bool mqtt_writer::resolve(const config::text_template& text, std::string& into) {
  auto made = host_.resolve(text, failed_);
  if (made) into = std::move(*made);
  return made.has_value();
}

bool mqtt_writer::open() {
  if (link_.is_open() && link_.turn_now().empty()) return true;
  link_.close();
  mqtt_target target{.address = {},
                     .client_id = settings_.client_id,
                     .keepalive = settings_.keepalive,
                     .retain = settings_.retain};
  std::string url;
  if (!resolve(settings_.url, url) || !resolve(settings_.user, target.user) ||
      !resolve(settings_.password, target.password) || !resolve(settings_.ca_file, target.ca_file) ||
      !resolve(settings_.cert_file, target.cert_file) || !resolve(settings_.key_file, target.key_file))
    return false;
  auto address = config::parse_broker_url(url, config::mqtt_schemes, failed_);
  if (!address) return false;
  target.address = std::move(*address);
  failed_ = link_.open(target);
  return failed_.empty();
}

// As many as the window has room for.
bool mqtt_writer::publish(const record_batch& records, progress& made) {
  while (made.written + window_.size() < records.size()) {
    const auto record = records[made.written + window_.size()];
    const std::string topic = topic_ ? topic_of(*topic_, record, "/+#\0") : settings_.topic;
    const auto payload = payload_of(record);
    const std::size_t bytes = topic.size() + payload.size();
    if (!window_.has_room(bytes)) break;
    const auto sent = link_.publish(
        {topic, payload, settings_.qos, settings_.retain, record.number == 0 ? "" : records.id_of(record)});
    if (failed_ = sent.failed; !failed_.empty()) return false;
    window_.add(sent.key, bytes);
    if (!sent.refusal.empty()) window_.answer(sent.key, sent.refusal);
  }
  return true;
}

bool mqtt_writer::take(const record_batch::record& sent, std::string refusal, progress& made) {
  if (!refusal.empty()) {
    if (failed_ = host_.keep_refused(sent, refusal); !failed_.empty()) return false;
    made.is_kept = host_.keeps_refused();
    made.refusal = std::move(refusal);
    ++made.refused;
  }
  ++made.written;
  return true;
}

// Answers for events, in the events' order.
bool mqtt_writer::settle(const record_batch& records, progress& made) {
  std::string not_taken;
  for (const auto& [key, reason] : link_.take_answers()) {
    const mqtt_answer answer = answer_of(reason);
    if (answer == mqtt_answer::not_taken)
      not_taken = reason_text(reason);
    else
      window_.answer(key, answer == mqtt_answer::refused ? reason_text(reason) : "");
  }
  while (auto refusal = window_.take())
    if (!take(records[made.written], std::move(*refusal), made)) return false;
  failed_ = std::move(not_taken);
  return failed_.empty();
}

event_writer::progress mqtt_writer::write(const record_batch& records) {
  const std::lock_guard lock(mutex_);
  progress made;
  window_ = {};
  bool good = open();
  auto until = std::chrono::steady_clock::now() + settings_.timeout;
  while (good && made.written < records.size()) {
    const std::size_t before = made.written;
    good = publish(records, made) && settle(records, made);
    if (!good || made.written == records.size()) break;
    if (made.written > before) until = std::chrono::steady_clock::now() + settings_.timeout;
    if (window_.size() == 0) continue;
    const std::string ended = link_.turn(until);
    good = settle(records, made);  // what came before the end counts
    if (good && !ended.empty()) failed_ = ended;
    good = failed_.empty();
  }
  if (!good) {
    made.failed = "MQTT: " + std::exchange(failed_, "");
    link_.close();
  }
  return made;
}

}  // namespace duplexd
