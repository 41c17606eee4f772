#include "daemon/module/nats/nats_receiver.hpp"

#include <chrono>
#include <utility>

namespace duplexd {

std::string nats_receiver::listen(const std::shared_ptr<nats_inbox>& into) {
  lost_ = 0;
  return line_.link().listen(line_.settings().commands.from, into);
}

broker_receiver::received nats_receiver::receive() {
  received made;
  std::string why = line_.open([this](const auto& into) { return listen(into); });
  if (!why.empty()) return {.failed = "NATS: " + why};
  for (nats_delivery& each : line_.take(std::chrono::seconds{1}))
    made.messages.push_back({.text = std::move(each.payload),
                             .is_too_long = each.is_too_long,
                             .answer_to = std::move(each.reply)});
  const std::uint64_t lost = line_.link().lost();
  made.lost = lost - std::exchange(lost_, lost);
  return made;
}

}  // namespace duplexd
