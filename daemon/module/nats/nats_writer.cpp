#include "daemon/module/nats/nats_writer.hpp"

#include <fmt/format.h>

#include <utility>

#include "daemon/output/broker_message.hpp"

namespace duplexd {

nats_writer::nats_writer(const config::output_settings& settings, module_host& host)
    : settings_(settings), host_(host), link_(settings.timeout) {
  subject_ = config::path_pattern::parse(settings.topic, failed_);  // the configuration was checked
}

bool nats_writer::resolve(const config::text_template& text, std::string& into) {
  auto made = host_.resolve(text, failed_);
  if (made) into = std::move(*made);
  return made.has_value();
}

bool nats_writer::open() {
  if (link_.is_open()) return true;
  link_.close();
  nats_target target{.address = {}, .creds_file = settings_.creds_file};
  std::string url;
  if (!resolve(settings_.url, url) || !resolve(settings_.user, target.user) ||
      !resolve(settings_.password, target.password) || !resolve(settings_.token, target.token) ||
      !resolve(settings_.ca_file, target.ca_file) || !resolve(settings_.cert_file, target.cert_file) ||
      !resolve(settings_.key_file, target.key_file))
    return false;
  auto address = config::parse_broker_url(url, config::nats_schemes, failed_);
  if (!address) return false;
  target.address = std::move(*address);
  failed_ = link_.open(target);
  return failed_.empty();
}

// As many as the window has room for.
bool nats_writer::publish(const record_batch& records, const progress& made) {
  while (made.written + window_.size() < records.size()) {
    const auto record = records[made.written + window_.size()];
    const std::string subject = subject_ ? topic_of(*subject_, record, ".*> \t\r\n") : settings_.topic;
    const auto payload = payload_of(record);
    const std::size_t bytes = subject.size() + payload.size();
    if (!window_.has_room(bytes)) break;
    const std::uint64_t key = next_++;
    auto sent = link_.publish(subject, payload, record.number == 0 ? "" : records.id_of(record),
                              settings_.jetstream ? std::optional(key) : std::nullopt);
    if (failed_ = std::move(sent.failed); !failed_.empty()) return false;
    window_.add(key, bytes);
    if (!sent.refusal.empty()) window_.answer(key, std::move(sent.refusal));
  }
  return true;
}

bool nats_writer::wait(nats_connection::deadline until) {
  if (!settings_.jetstream) {
    failed_ = link_.flush();
    if (!failed_.empty()) return false;
    for (std::uint64_t key = next_ - window_.size(); key < next_; ++key) window_.answer(key);
    return true;
  }
  auto answer = link_.wait_answer(until);
  failed_ = answer.has_no_stream
                ? fmt::format("no stream has the subject {}, or JetStream is off: create a stream with it",
                              settings_.topic)
                : std::move(answer.failed);
  if (!failed_.empty()) return false;
  if (answer.what.what == nats_answer::kind::not_taken)
    failed_ = std::move(answer.what.why);
  else
    window_.answer(answer.key, std::move(answer.what.why));
  return failed_.empty();
}

// Answers for events, in the events' order.
bool nats_writer::settle(const record_batch& records, progress& made) {
  while (auto refusal = window_.take()) {
    if (!refusal->empty()) {
      if (failed_ = host_.keep_refused(records[made.written], *refusal); !failed_.empty()) return false;
      made.is_kept = host_.keeps_refused();
      made.refusal = std::move(*refusal);
      ++made.refused;
    }
    ++made.written;
  }
  return true;
}

event_writer::progress nats_writer::write(const record_batch& records) {
  progress made;
  window_ = {};
  bool good = open();
  auto until = std::chrono::steady_clock::now() + settings_.timeout;
  while (good && made.written < records.size()) {
    const std::size_t before = made.written;
    good = publish(records, made) && settle(records, made);
    if (good && window_.size() > 0) good = wait(until) && settle(records, made);
    if (made.written > before) until = std::chrono::steady_clock::now() + settings_.timeout;
  }
  if (!good) {
    made.failed = fmt::format("NATS: {}", std::exchange(failed_, ""));
    link_.close();
  }
  return made;
}

}  // namespace duplexd
