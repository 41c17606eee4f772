#include "daemon/module/mqtt/mqtt_receiver.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "daemon/module/mqtt/mqtt_answer.hpp"
#include "daemon/module/mqtt/mqtt_link.hpp"

namespace duplexd {

namespace {
constexpr int second = 1'000;  // milliseconds
}

mqtt_receiver::mqtt_receiver(const config::output_settings& settings, reference_reader& references)
    : settings_(settings),
      references_(references),
      link_(settings.timeout),
      wakes_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

mqtt_receiver::~mqtt_receiver() {
  ::close(wakes_);
}

void mqtt_receiver::wake() noexcept {
  (void)::eventfd_write(wakes_, 1);
}

void mqtt_receiver::fail(std::string why) {
  link_.close();
  failed_ = std::move(why);
}

void mqtt_receiver::note_answered() {
  for (const auto& each : link_.take_answers()) unanswered_.erase(each.key);
}

void mqtt_receiver::publish_again(answers what) {
  for (auto& [key, each] : what) {
    const auto sent = link_.publish({each.to, each.text, 1, false, "", each.correlation});
    if (sent.failed.empty() && sent.refusal.empty()) unanswered_.emplace(sent.key, std::move(each));
  }
}

// A client identifier belongs to one connection: the output's own has it.
std::string mqtt_receiver::open() {
  if (link_.is_open()) return "";
  failed_.clear();
  answers on_their_way = std::exchange(unanswered_, {});
  std::string error;
  auto target = mqtt_target_of(settings_, references_, error);
  if (!target) return error;
  target->retain = false;
  target->receives = true;
  target->largest_packet = 4 * largest;
  target->most_unaccepted = most_messages;
  target->most_unanswered = most_unanswered;
  if (!target->client_id.empty()) {
    target->client_id += stopped_ ? "-answers" : "-commands";
    if (!stopped_) target->kept_session = kept;
  }
  error = link_.open(*target);
  if (error.empty() && !stopped_) error = link_.subscribe(settings_.commands.from, limit());
  if (error.empty() && stopped_) publish_again(std::move(on_their_way));
  if (!error.empty()) link_.close();
  return error;
}

// Nothing is written while there are messages that are not accepted. Of a connection that ends, a broker that
// keeps the session delivers them again.
broker_receiver::received mqtt_receiver::receive() {
  eventfd_t ignored = 0;
  (void)::eventfd_read(wakes_, &ignored);
  received made;
  std::string failed = failed_.empty() ? open() : std::exchange(failed_, "");
  served_ = std::chrono::steady_clock::now();
  std::size_t bytes = 0;
  const auto take = [&] {
    for (mqtt_delivery& each : link_.take_messages()) {
      bytes += each.payload.size();
      const bool is_too_long = each.payload.size() > largest;
      made.messages.push_back({is_too_long ? "" : std::move(each.payload), is_too_long,
                               std::move(each.response_topic), std::move(each.correlation_data)});
    }
  };
  if (failed.empty()) take();  // of a session that the broker kept
  if (failed.empty() && made.messages.empty()) failed = link_.write(limit());
  bool waited = false;
  while (failed.empty() && made.messages.size() < most_messages && bytes < most_bytes) {
    const auto [ended, has_come] = link_.read();
    note_answered();
    take();
    failed = ended;
    if (has_come) continue;
    if (waited || !made.messages.empty() || !failed.empty()) break;
    failed = link_.wait_readable(second, wakes_);
    waited = true;
  }
  if (failed.empty() && made.messages.empty()) failed = link_.write(limit());  // pings
  if (failed.empty()) return made;
  link_.close();
  if (!settings_.client_id.empty()) made.messages.clear();
  made.failed = "MQTT: " + failed;
  return made;
}

void mqtt_receiver::acknowledge() {
  if (!link_.is_open()) return;
  if (std::string why = link_.write(limit()); !why.empty()) fail(std::move(why));
}

// Until the broker has acknowledged it, or messages come: what is not written yet then leaves behind their
// acknowledgements.
std::string mqtt_receiver::wait_answered(std::uint64_t key, mqtt_connection::deadline until) {
  while (unanswered_.contains(key) && link_.count_messages() == 0) {
    if (std::string failed = link_.write(until); !failed.empty()) return failed;
    auto [ended, has_come] = link_.read();
    note_answered();
    if (has_come && ended.empty()) continue;
    if (ended.empty())
      ended = std::chrono::steady_clock::now() < until ? link_.wait_readable(second, -1)
                                                       : "the broker does not acknowledge an answer";
    if (!ended.empty()) return unanswered_.contains(key) ? std::move(ended) : "";
  }
  return "";
}

std::string mqtt_receiver::answer(const std::string& to, const std::string& correlation,
                                  std::string_view text) {
  if (std::string why = open(); !why.empty()) return "MQTT: " + why;
  const auto until = limit();
  const auto sent = link_.publish({to, text, 1, false, "", correlation});
  if (!sent.refusal.empty()) return "";
  std::string failed = sent.failed;
  if (failed.empty()) {
    unanswered_[sent.key] = {to, correlation, std::string(text)};
    failed = unanswered_.size() > most_unanswered ? "the broker does not acknowledge answers"
                                                  : wait_answered(sent.key, until);
    if (!failed.empty()) unanswered_.erase(sent.key);  // it will be given again
  }
  if (failed.empty()) return "";
  fail(failed);
  return "MQTT: " + failed;
}

void mqtt_receiver::stop() {
  stopped_ = true;
  link_.close();
  if (unanswered_.empty() || !open().empty()) return;
  const auto until = limit();
  std::string failed;
  while (failed.empty() && !unanswered_.empty()) failed = wait_answered(unanswered_.begin()->first, until);
  if (!failed.empty()) link_.close();
}

void mqtt_receiver::rest() noexcept {
  if (link_.is_open() && std::chrono::steady_clock::now() - served_ > settings_.keepalive) link_.close();
}

}  // namespace duplexd
