#include "daemon/module/nats/nats_receiver.hpp"

#include <chrono>
#include <utility>

#include "daemon/module/nats/nats_link.hpp"

namespace duplexd {

nats_receiver::nats_receiver(const config::output_settings& settings, reference_reader& references)
    : settings_(settings), references_(references), link_(settings.timeout) {}

void nats_receiver::wake() noexcept {
  const std::lock_guard lock(mutex_);
  inbox_->wake();
}

// The library's thread may still be at work with the inbox, which it holds as long as that.
void nats_receiver::close() noexcept {
  inbox_->close();
  link_.close();
  const std::lock_guard lock(mutex_);
  inbox_ = std::make_shared<nats_inbox>();
}

std::string nats_receiver::open() {
  if (link_.is_open()) return "";
  std::string why = link_.end_cause();
  close();
  if (!why.empty()) return why;
  lost_ = 0;
  auto target = nats_target_of(settings_, references_, why);
  if (!target) return why;
  why = link_.open(*target);
  if (why.empty()) why = link_.listen(settings_.commands.from, inbox_);
  if (!why.empty()) close();
  return why;
}

broker_receiver::received nats_receiver::receive() {
  received made;
  if (std::string why = open(); !why.empty()) return {.failed = "NATS: " + why};
  made.messages = inbox_->take(std::chrono::seconds{1});
  const std::uint64_t lost = link_.lost();
  made.lost = lost - std::exchange(lost_, lost);
  return made;
}

std::string nats_receiver::answer(const std::string& to, const std::string& /*correlation*/,
                                  std::string_view text) {
  if (!link_.is_open()) return "there is no connection";
  const auto sent = link_.publish(to, text, "", std::nullopt);
  return sent.failed.empty() ? link_.flush() : sent.failed;
}

}  // namespace duplexd
