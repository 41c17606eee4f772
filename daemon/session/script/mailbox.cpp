#include "daemon/session/script/mailbox.hpp"

#include <algorithm>

#include "config/script/match.hpp"

namespace duplexd {

namespace {

// The first text that a condition asks for, if it is written in one way only.
std::string needed_text(const nlohmann::ordered_json& where) {
  if (!where.is_object()) return {};
  for (const auto& [path, wanted] : where.items()) {
    if (!wanted.is_string()) continue;
    const auto& text = wanted.get_ref<const std::string&>();
    const bool plain =
        std::ranges::all_of(text, [](char c) { return c >= ' ' && c != '"' && c != '\\' && c != 0x7f; });
    if (plain) return '"' + text + '"';
  }
  return {};
}

}  // namespace

mailbox::mailbox(const asio::any_io_executor& loop, const config::handler& rule,
                 std::shared_ptr<reply_budget> budget)
    : rule_(rule), depends_(rule.where.has_references()), budget_(std::move(budget)), delivered_(loop) {
  if (!depends_) needed_ = needed_text(rule.where.unresolved());
}

field_list mailbox::looked_at() const {
  field_list fields;
  if (!depends_) fields.add_all_of(rule_.where.unresolved());
  return fields;
}

void mailbox::offer(offered_reply& reply) {
  const auto& where = rule_.where.unresolved();
  if (!needed_.empty() && reply.lacks(needed_)) return;
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
