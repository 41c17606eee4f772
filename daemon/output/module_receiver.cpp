#include "daemon/output/module_receiver.hpp"

#include <utility>

namespace duplexd {

module_receiver::module_receiver(const config::output_settings& settings, const clock& time, loader load)
    : settings_(settings), load_(std::move(load)), references_(time) {}

broker_receiver::received module_receiver::receive() {
  if (receiver_ == nullptr) {
    loaded_module found = load_();
    if (found.module == nullptr) return {.failed = std::move(found.error)};
    const std::lock_guard lock(mutex_);
    receiver_.reset(found.module->receive(settings_, references_));
  }
  received made = receiver_->receive();
  references_.mask(made.failed);
  return made;
}

void module_receiver::wake() noexcept {
  const std::lock_guard lock(mutex_);
  if (receiver_ != nullptr) receiver_->wake();
}

bool module_receiver::acknowledge(const std::vector<bool>& accepted) {
  return receiver_ != nullptr && receiver_->acknowledge(accepted);
}

std::string module_receiver::flush() {
  std::string failed = receiver_ == nullptr ? "" : receiver_->flush();
  references_.mask(failed);
  return failed;
}

std::string module_receiver::answer(const std::string& to, const std::string& correlation,
                                    std::string_view text) {
  std::string failed = receiver_ == nullptr ? "" : receiver_->answer(to, correlation, text);
  references_.mask(failed);
  return failed;
}

void module_receiver::stop() {
  if (receiver_ != nullptr) receiver_->stop();
}

void module_receiver::rest() noexcept {
  if (receiver_ != nullptr) receiver_->rest();
}

}  // namespace duplexd
