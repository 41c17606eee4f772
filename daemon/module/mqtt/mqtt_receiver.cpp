#include "daemon/module/mqtt/mqtt_receiver.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <functional>
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
      wakes_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      answers_link_(settings.timeout) {}

mqtt_receiver::~mqtt_receiver() {
  ::close(wakes_);
}

void mqtt_receiver::wake() noexcept {
  (void)::eventfd_write(wakes_, 1);
}

// A client identifier belongs to one connection: the output's own has it.
std::optional<mqtt_target> mqtt_receiver::target_for(const char* suffix, std::string& error) {
  auto target = mqtt_target_of(settings_, references_, error);
  if (!target) return std::nullopt;
  target->retain = false;
  target->receives = true;
  target->largest_packet = 4 * largest;
  target->most_unaccepted = most_messages;
  target->most_unanswered = most_unanswered;
  if (!target->client_id.empty()) target->client_id += suffix;
  return target;
}

std::string mqtt_receiver::open() {
  if (link_.is_open()) return "";
  failed_.clear();
  given_.clear();
  skipped_.clear();
  std::string error;
  auto target = target_for("-commands", error);
  if (!target) return error;
  if (!target->client_id.empty()) target->kept_session = kept;
  is_subscribed_ = false;
  error = link_.open(*target);
  if (!error.empty())
    link_.close();
  else if (!link_.has_session())
    taken_.clear();
  return error;
}

// The library has queued the acknowledgements of all that was delivered.
std::string mqtt_receiver::write() {
  std::string failed = link_.write();
  if (!failed.empty()) return failed;
  for (const delivery& each : std::exchange(skipped_, {})) taken_.erase(each);
  return "";
}

// While nothing waits to be accepted: the acknowledgements that are queued leave in front of it.
std::string mqtt_receiver::subscribe() {
  std::string failed = link_.subscribe(settings_.commands.from, limit());
  is_subscribed_ = failed.empty();
  return failed;
}

// Their bytes. Without quality of service a message has no packet identifier, and comes once.
std::size_t mqtt_receiver::take_messages(received& into) {
  std::size_t bytes = 0;
  for (mqtt_delivery& each : link_.take_messages()) {
    const std::hash<std::string> hash;
    const delivery come{each.number,
                        hash(each.payload) ^ hash(each.response_topic + '\0' + each.correlation_data)};
    if (taken_.contains(come)) {
      skipped_.push_back(come);
      continue;
    }
    given_.push_back(come);
    bytes += each.payload.size() + each.response_topic.size() + each.correlation_data.size();
    const bool is_too_long = each.payload.size() > largest;
    into.messages.push_back({.text = is_too_long ? "" : std::move(each.payload),
                             .is_too_long = is_too_long,
                             .answer_to = std::move(each.response_topic),
                             .correlation = std::move(each.correlation_data),
                             .is_kept = each.number != 0});
  }
  return bytes;
}

// Nothing is written while there are messages that are not accepted. Of a connection that ends, a broker that
// keeps the session delivers them again.
broker_receiver::received mqtt_receiver::receive() {
  eventfd_t ignored = 0;
  (void)::eventfd_read(wakes_, &ignored);
  received made;
  std::string failed = failed_.empty() ? open() : std::exchange(failed_, "");
  served_ = std::chrono::steady_clock::now();
  if (unanswered_.empty() && served_ - answered_ > settings_.keepalive / 2) answers_link_.close();
  std::size_t bytes = 0;
  const auto take = [&] { bytes += take_messages(made); };
  if (failed.empty()) take();  // of a session that the broker kept
  if (failed.empty() && made.messages.empty()) failed = write();
  if (failed.empty() && made.messages.empty() && !is_subscribed_) {
    failed = subscribe();
    take();
  }
  bool waited = false;
  while (failed.empty() && made.messages.size() < most_messages && bytes < most_bytes) {
    const auto [ended, has_come] = link_.read();
    take();
    failed = ended;
    if (has_come) continue;
    if (waited || !made.messages.empty() || !failed.empty()) break;
    failed = link_.wait_readable(second, wakes_);
    waited = true;
  }
  if (failed.empty() && made.messages.empty()) failed = write();  // pings
  if (failed.empty()) return made;
  link_.close();
  if (!settings_.client_id.empty())
    std::erase_if(made.messages, [](const message& each) { return each.is_kept; });
  made.failed = "MQTT: " + failed;
  return made;
}

bool mqtt_receiver::acknowledge(const std::vector<bool>& accepted) {
  const std::vector<delivery> all = std::exchange(given_, {});
  bool are_all = true;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool is_accepted = i < accepted.size() && accepted[i];
    are_all = are_all && is_accepted;
    if (is_accepted && all[i].first != 0) taken_.insert(all[i]);
  }
  if (!are_all) {
    link_.close();
  } else if (link_.is_open()) {
    failed_ = write();
    failed_.empty() ? taken_.clear() : link_.close();
  }
  return false;
}

void mqtt_receiver::note_answered() {
  for (const auto& each : answers_link_.take_answers()) {
    const auto found = unanswered_.find(each.key);
    if (found == unanswered_.end()) continue;
    unanswered_bytes_ -= found->second.size();
    unanswered_.erase(found);
  }
}

void mqtt_receiver::note_answer(std::uint64_t key, sent_answer what) {
  unanswered_bytes_ += what.size();
  unanswered_.emplace(key, std::move(what));
}

// Those of the connection before.
void mqtt_receiver::publish_again() {
  unanswered_bytes_ = 0;
  for (auto& [key, each] : std::exchange(unanswered_, {})) {
    const auto sent = answers_link_.publish({each.to, each.text, 1, false, "", each.correlation});
    if (sent.failed.empty() && sent.refusal.empty()) note_answer(sent.key, std::move(each));
  }
}

std::string mqtt_receiver::open_answers() {
  if (answers_link_.is_open()) return "";
  std::string error;
  const auto target = target_for("-answers", error);
  if (!target) return error;
  error = answers_link_.open(*target);
  if (error.empty())
    publish_again();
  else
    answers_link_.close();
  return error;
}

// At the bound it waits for those before.
std::string mqtt_receiver::answer(const std::string& to, const std::string& correlation,
                                  std::string_view text) {
  const bool are_too_many =
      unanswered_.size() >= most_unanswered || unanswered_bytes_ >= most_unanswered_bytes;
  if (std::string why = are_too_many ? flush() : ""; !why.empty()) return why;
  std::string failed = open_answers();
  if (failed.empty()) {
    const auto sent = answers_link_.publish({to, text, 1, false, "", correlation});
    if (!sent.refusal.empty()) return "";
    failed = sent.failed;
    if (failed.empty()) {
      note_answer(sent.key, {to, correlation, std::string(text)});
      return "";
    }
  }
  answers_link_.close();
  return "MQTT: " + failed;
}

// For as long as the broker acknowledges one of them within the limit: many take their time on a slow line.
std::string mqtt_receiver::wait_answered() {
  std::string failed = answers_link_.write();
  auto until = limit();
  while (failed.empty() && !unanswered_.empty()) {
    auto [ended, has_come] = answers_link_.read();
    note_answered();
    failed = std::move(ended);
    if (has_come)
      until = limit();
    else if (failed.empty())
      failed = std::chrono::steady_clock::now() < until ? answers_link_.wait_readable(second, -1)
                                                        : "the broker does not acknowledge an answer";
    if (failed.empty()) failed = answers_link_.write();
  }
  return unanswered_.empty() ? "" : failed;
}

// Twice: the broker may have closed a connection that was not needed for long.
std::string mqtt_receiver::flush() {
  const auto until = limit();
  std::string failed;
  for (int attempt = 0; attempt < 2 && !unanswered_.empty(); ++attempt) {
    if (attempt > 0 && std::chrono::steady_clock::now() >= until) break;
    failed = open_answers();
    if (failed.empty()) failed = wait_answered();
    if (!failed.empty()) answers_link_.close();
  }
  answered_ = std::chrono::steady_clock::now();
  return unanswered_.empty() ? "" : "MQTT: " + failed;
}

void mqtt_receiver::rest() noexcept {
  if (link_.is_open() && std::chrono::steady_clock::now() - served_ > settings_.keepalive) link_.close();
}

}  // namespace duplexd
