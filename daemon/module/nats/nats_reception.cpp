#include "daemon/module/nats/nats_reception.hpp"

#include "daemon/module/nats/nats_link.hpp"

namespace duplexd {

nats_reception::nats_reception(const config::output_settings& settings, reference_reader& references)
    : settings_(settings), references_(references), link_(settings.timeout) {}

void nats_reception::wake() noexcept {
  const std::lock_guard lock(mutex_);
  inbox_->wake();
}

// The library's thread may still be at work with the inbox, which it holds as long as that.
void nats_reception::close() noexcept {
  inbox_->close();
  link_.close();
  const std::lock_guard lock(mutex_);
  inbox_ = std::make_shared<nats_inbox>();
}

std::string nats_reception::open(const listener& listen) {
  if (link_.is_open()) return "";
  std::string why = link_.end_cause();
  close();
  if (!why.empty()) return why;
  const auto target = nats_target_of(settings_, references_, why);
  if (!target) return why;
  why = link_.open(*target);
  if (why.empty()) why = listen(inbox_);
  if (!why.empty()) close();
  return why;
}

std::string nats_reception::answer(const std::string& to, std::string_view text, const listener& listen) {
  std::string failed = open(listen);
  if (failed.empty()) failed = link_.publish(to, text, "", std::nullopt).failed;
  if (failed.empty()) failed = link_.flush();
  return failed.empty() ? "" : "NATS: " + failed;
}

}  // namespace duplexd
