#include "daemon/module/nats/jetstream_receiver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/value/path_pattern.hpp"
#include "config/value/topic_filter.hpp"

namespace duplexd {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Acknowledgements of a connection that broke are sent with the next one.
std::string jetstream_receiver::listen(const std::shared_ptr<nats_inbox>& into) {
  asked_ = 0;
  pending_ = 0;
  const config::broker_commands& from = line_.settings().commands;
  auto [failed, text] =
      line_.link().ask(fmt::format("$JS.API.CONSUMER.INFO.{}.{}", from.stream, from.consumer));
  if (!failed.empty()) return failed;
  consumer_ = read_consumer(text, from.stream, from.consumer);
  if (!consumer_.mistake.empty()) return consumer_.mistake;
  failed = read_what_is_delivered();
  if (failed.empty()) failed = line_.link().listen_for_pulls(into);
  return failed.empty() ? send_acknowledgements() : failed;
}

// An answer that came back as a command would get an answer, which came back.
std::string jetstream_receiver::read_what_is_delivered() {
  const config::output_settings& settings = line_.settings();
  std::vector<std::string> delivered = consumer_.subjects;
  if (delivered.empty()) {
    const auto [failed, text] = line_.link().ask("$JS.API.STREAM.INFO." + settings.commands.stream);
    if (!failed.empty()) return failed;
    stream_subjects read = read_stream(text);
    if (!read.mistake.empty()) return read.mistake;
    delivered = std::move(read.subjects);
  }
  const auto is_delivered = [&delivered](const std::string& subject) {
    return std::ranges::any_of(delivered, [&subject](const std::string& each) {
      return config::is_heard(subject, each, config::nats_subjects);
    });
  };
  std::string error;
  const auto events = config::path_pattern::parse(settings.topic, error);
  const std::string& answers = settings.commands.answers;
  const bool has_events = events && is_delivered(events->path_of("s", "r", "2026-11-21T02:11:55.123456Z"));
  if (!has_events && (answers.empty() || !is_delivered(answers))) return "";
  return fmt::format("the stream '{}' takes the {}: they would come back as commands",
                     settings.commands.stream, has_events ? "output's own events" : "answers");
}

std::string jetstream_receiver::ask(std::size_t messages, std::size_t bytes, milliseconds wait) {
  const config::broker_commands& from = line_.settings().commands;
  asked_ = messages;
  asked_for_one_ = messages == 1;
  until_ = steady_clock::now() + wait + line_.settings().timeout;
  return line_.link().pull(fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}.{}", from.stream, from.consumer),
                           pull_request(messages, bytes, wait));
}

std::string jetstream_receiver::take(milliseconds limit, received& into) {
  auto come = line_.take(limit);
  for (nats_delivery& each : come) {
    if (!each.status.empty()) {
      asked_ = 0;
      pending_ = 0;
      if (std::string why = mistake_in_status(each.status, asked_for_one_); !why.empty()) return why;
    }
    if (each.sequence == 0) continue;
    asked_ -= std::min<std::size_t>(asked_, 1);
    pending_ = static_cast<std::size_t>(each.pending);
    given_.push_back(std::move(each.reply));
    into.messages.push_back({.text = std::move(each.payload),
                             .is_too_long = each.is_too_long,
                             .id = id_of(each.id, each.sequence, each.time)});
  }
  if (!come.empty() || asked_ == 0 || steady_clock::now() < until_) return "";
  return line_.link().is_open() ? "JetStream does not answer" : line_.link().end_cause();
}

std::string jetstream_receiver::take_batch(received& into) {
  const std::size_t more =
      std::min(pending_, consumer_.messages - std::min<std::size_t>(consumer_.messages, 1));
  if (more == 0) return "";
  std::string failed = ask(more, consumer_.bytes, std::min(batch_wait, consumer_.wait));
  while (failed.empty() && asked_ > 0) failed = take(batch_wait, into);
  return failed;
}

broker_receiver::received jetstream_receiver::receive() {
  received made;
  std::string failed = line_.open([this](const std::shared_ptr<nats_inbox>& into) { return listen(into); });
  if (failed.empty() && asked_ == 0) failed = ask(1, consumer_.message_bytes, consumer_.wait);
  if (failed.empty()) failed = take(std::chrono::seconds{1}, made);
  if (failed.empty() && !made.messages.empty()) failed = take_batch(made);
  if (failed.empty()) return made;
  given_.clear();
  line_.close();
  return {.failed = "NATS: " + failed};
}

std::string jetstream_receiver::send_acknowledgements() {
  std::string failed;
  for (const std::string& each : accepted_) {
    failed = line_.link().publish(each, "+ACK", "", std::nullopt).failed;
    if (!failed.empty()) return failed;
  }
  if (!accepted_.empty()) failed = line_.link().flush();
  if (failed.empty()) accepted_.clear();
  return failed;
}

// Without it they are delivered again after the consumer's `ack_wait`.
void jetstream_receiver::tell_of_given(std::string_view what) {
  if (!line_.link().is_open()) return;
  std::string failed;
  for (const std::string& each : given_)
    if (failed.empty()) failed = line_.link().publish(each, what, "", std::nullopt).failed;
  if (failed.empty() && !given_.empty()) failed = line_.link().flush();
  if (!failed.empty()) line_.close();
}

bool jetstream_receiver::acknowledge(const std::vector<bool>& accepted) {
  std::vector<std::string> others;
  for (std::size_t i = 0; i < given_.size(); ++i)
    (i < accepted.size() && accepted[i] ? accepted_ : others).push_back(std::move(given_[i]));
  given_ = std::move(others);
  if (line_.link().is_open() && !send_acknowledgements().empty()) line_.close();
  tell_of_given("+WPI");
  return true;
}

// Without its connection the server has nobody to deliver to.
void jetstream_receiver::stop() {
  received last;
  if (line_.link().is_open()) (void)take(milliseconds{0}, last);
  tell_of_given("-NAK");
  given_.clear();
  line_.close();
}

}  // namespace duplexd
