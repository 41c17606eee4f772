#include "config/reference/expression.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/value/json_size.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

using expression_node = expression::node;
using outcome = resolved<ordered_json>;

void gather_references(const expression_node& from, std::vector<reference>& all) {
  if (from.what == expression_node::kind::refer) all.push_back(from.source);
  for (const expression_node& each : from.operands) gather_references(each, all);
}

/// Tells the scope each text in what was made of a secret.
void tell_secrets(const ordered_json& value, scope& inside) {
  if (value.is_structured())
    for (const ordered_json& each : value) tell_secrets(each, inside);
  else if (!value.is_boolean() && !value.is_null())
    inside.take_secret(as_text(value), secret_origin::made);
}

/// One evaluation. The depth of the calls is that of the brackets, which the parser bounds.
class evaluation {
 public:
  evaluation(const expression& what, const std::string& directory, scope* inside)
      : what_(what), directory_(directory), inside_(inside) {
    if (inside != nullptr) largest_ = inside->largest_value();
  }

  /// An expression of its own: the whole, or an argument. What it makes of secrets is one.
  outcome whole(const expression_node& of) {
    outcome made = value(of);
    const bool is_made =
        of.what != expression_node::kind::refer && of.what != expression_node::kind::constant;
    if (made && is_made && of.is_outside && inside_ != nullptr) tell_secrets(made.value, *inside_);
    return made;
  }

 private:
  outcome value(const expression_node& of) {
    switch (of.what) {
      case expression_node::kind::constant:
        return {of.constant, ""};
      case expression_node::kind::refer:
        return look_up(of.source, directory_, inside_);
      case expression_node::kind::join:
        return bounded(joined(of));
      case expression_node::kind::apply:
        return bounded(applied(of));
      default:
        return calculated(of);
    }
  }

  outcome joined(const expression_node& of) {
    std::string text;
    for (const expression_node& each : of.operands) {
      const auto part = value(each);
      if (!part) return part;
      text += as_text(part.value);
    }
    return {std::move(text), ""};
  }

  outcome applied(const expression_node& of) {
    function_call call;
    for (std::size_t i = 0; i < of.operands.size(); ++i) {
      auto operand = i == 0 ? value(of.operands[0]) : whole(of.operands[i]);
      if (!operand) return operand;
      const value_kinds wanted = i == 0 ? of.function->input : of.function->arguments[i - 1];
      if (!overlap(kind_of(operand.value), wanted) &&
          !(kind_of(operand.value) == value_kinds::bytes && overlap(wanted, value_kinds::text)))
        return failed(fmt::format("'{}' takes {}, not {}", of.function->name, in_words(wanted),
                                  in_words(kind_of(operand.value))));
      if (i == 0)
        call.input = std::move(operand.value);
      else
        call.arguments.push_back(std::move(operand.value));
    }
    call.pattern = of.pattern.get();
    call.json_depth = depth_for(inside_);
    call.largest = largest_;
    outcome made = of.function->apply(call);
    return made ? made : failed(made.error);
  }

  outcome calculated(const expression_node& of) {
    auto left = value(of.operands[0]);
    if (!left) return left;
    if (of.what == expression_node::kind::negate) return told(negated(left.value));
    if (of.what == expression_node::kind::invert) {
      if (!left.value.is_boolean())
        return failed(fmt::format("'not' takes true or false, not {}", in_words(kind_of(left.value))));
      return {!left.value.get<bool>(), ""};
    }
    const bool decided = (of.sign == operation::both && left.value == false) ||
                         (of.sign == operation::either && left.value == true);
    if (decided) return left;
    auto right = value(of.operands[1]);
    if (!right) return right;
    return told(calculate(of.sign, left.value, right.value));
  }

  [[nodiscard]] outcome failed(std::string_view why) const {
    return {nullptr, fmt::format("${{{}}}: {}", what_.written, why)};
  }
  [[nodiscard]] outcome told(const outcome& made) const { return made ? made : failed(made.error); }

  [[nodiscard]] outcome bounded(outcome made) const {
    if (!made || size_in_memory(made.value) <= largest_) return made;
    return failed(fmt::format("the value would take more than {} bytes (limits.variables)", largest_));
  }

  const expression& what_;
  const std::string& directory_;
  scope* inside_;
  std::uint64_t largest_ = standard_largest_value;
};

}  // namespace

std::vector<reference> expression::references() const {
  std::vector<reference> all;
  gather_references(root, all);
  return all;
}

outcome evaluate(const expression& what, const std::string& directory, scope* inside) {
  outcome made = evaluation(what, directory, inside).whole(what.root);
  if (made.value.is_binary()) made.value = as_text(made.value);
  return made;
}

std::size_t depth_for(const scope* inside) noexcept {
  return inside != nullptr ? inside->json_depth() : protocol::standard_json_depth;
}

}  // namespace duplexd::config
