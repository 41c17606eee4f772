#include "daemon/session/script/mailbox.hpp"

#include "config/script/match.hpp"

namespace duplexd {

mailbox::mailbox(const asio::any_io_executor& loop, const config::handler& rule,
                 std::shared_ptr<reply_budget> budget)
    : rule_(rule), depends_(rule.where.has_references()), budget_(std::move(budget)), delivered_(loop) {}

field_list mailbox::looked_at() const {
  field_list fields;
  if (!depends_) fields.add_all_of(rule_.where.unresolved());
  return fields;
}

void mailbox::offer(offered_reply& reply) {
  const auto& where = rule_.where.unresolved();
  if (!depends_ && where.is_object() && !config::matches(reply.fields(), where)) return;
  waiting_.push_back(reply.keep());
  budget_->take(waiting_.back()->size());
  delivered_.notify();
}

kept_reply mailbox::take() {
  if (waiting_.empty()) return nullptr;
  kept_reply next = std::move(waiting_.front());
  waiting_.pop_front();
  budget_->give_back(next->size());
  return next;
}

}  // namespace duplexd
