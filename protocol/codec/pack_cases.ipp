// Part of the packer: cases.
#pragma once

#include "protocol/codec/pack_walk.ipp"

namespace duplexd::protocol {
namespace {

inline bool packer::choose(const instruction& in) {
  const choice_rule& rule = p_.choices[in.its<choice_rule>()];
  if (needs(in.expr)) return guess(in, rule);
  const auto result = eval(in.expr);
  if (!result) return no_value(in, in.expr);
  const std::int64_t value = rule.is_if ? (*result != 0 ? 1 : 0) : *result;
  for (const choice_case& c : rule.cases)
    if (c.label == value) return block(c.begin, c.end);
  if (rule.has_otherwise) return block(rule.otherwise.begin, rule.otherwise.end);
  return fail_named({},
                    fmt::format("{} is {}, and there is no such case", p_.expressions[in.expr].text, value));
}

// The command may have given a view of the same expression ("mode: ltp"): only those cases come into
// question.
inline bool packer::wished_for(const instruction& in, std::int64_t label) const {
  for (const wish& w : wishes_) {
    if (*w.expr != p_.expressions[in.expr].text) continue;
    if (!w.rule->mapped) return *w.value == label;
    const view_value* found = mapped(*w.rule, label);
    if (found == nullptr) return false;
    return found->what == view_value::kind::text ? *w.value == found->text : *w.value == found->number;
  }
  return true;
}

// What the expression will be is not known yet: take the case that fits and uses most of the values.
inline bool packer::guess(const instruction& in, const choice_rule& rule) {
  const choice_case* best = nullptr;
  std::size_t best_score = 0;
  codec_error first_error;
  const bool nested_guess = guessing_ >= 2;
  for (const choice_case& c : rule.cases) {
    if (!wished_for(in, c.label) || nested_guess) continue;
    const pack_state saved = *this;
    const std::vector<std::uint8_t> tail(out_.begin() + static_cast<std::ptrdiff_t>(base_), out_.end());
    ++guessing_;
    const bool ok = block(c.begin, c.end);
    const std::size_t score = used_.size();
    if (!ok && first_error.message.empty()) first_error = error_;
    static_cast<pack_state&>(*this) = saved;
    out_.resize(base_);
    out_.insert(out_.end(), tail.begin(), tail.end());
    if (!ok || (best != nullptr && score <= best_score)) continue;
    best = &c;
    best_score = score;
  }
  if (best == nullptr && rule.has_otherwise) return block(rule.otherwise.begin, rule.otherwise.end);
  if (best == nullptr) {
    error_ = first_error;
    if (error_.message.empty())
      error_ = {"", out_.size() - base_,
                fmt::format("no case of '{}' fits these values", p_.expressions[in.expr].text)};
    return false;
  }
  if (!rule.is_if) {
    leave_gap(gap::kind::label, in);
    gaps_.back().label = best->label;
  }
  return block(best->begin, best->end);
}

}  // namespace
}  // namespace duplexd::protocol
