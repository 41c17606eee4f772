#include "daemon/session/script/mailbox.hpp"

#include "config/script/match.hpp"

namespace duplexd {

mailbox::mailbox(const asio::any_io_executor& loop, const config::handler& rule,
                 std::shared_ptr<reply_budget> budget, const safe_keeping* safe)
    : rule_(rule),
      depends_(rule.where.has_references()),
      budget_(std::move(budget)),
      safe_(safe),
      delivered_(loop) {}

field_list mailbox::looked_at() const {
  field_list fields;
  if (!depends_) fields.add_all_of(rule_.where.unresolved());
  return fields;
}

void mailbox::offer(offered_reply& reply) {
  const auto& where = rule_.where.unresolved();
  if (!depends_ && where.is_object() && !config::matches(reply.fields(), where)) return;
  kept_reply kept = reply.keep();
  if (handles_ && waiting_.empty() && handles_(kept)) return;
  budget_->take(kept->size());
  waiting_.push_back({std::move(kept), safe_ == nullptr ? 0 : safe_->given()});
  delivered_.notify();
}

bool mailbox::is_due() const noexcept {
  if (waiting_.empty()) return false;
  if (rule_.after == config::handler_time::arrival) return true;
  if (safe_ == nullptr) return false;
  const bool waits_for_one = rule_.after == config::handler_time::taken;
  return waiting_.front().after <= (waits_for_one ? safe_->taken_by(rule_.taken_by) : safe_->committed());
}

kept_reply mailbox::take() {
  if (!is_due()) return nullptr;
  kept_reply next = std::move(waiting_.front().reply);
  waiting_.pop_front();
  budget_->give_back(next->size());
  return next;
}

}  // namespace duplexd
