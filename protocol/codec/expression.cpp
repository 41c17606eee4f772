#include "protocol/codec/expression.hpp"

#include <array>

#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

using step = expression_step::kind;
constexpr std::size_t stack_limit = 32;  // levels of nesting; each holds one operand at most

struct binary_operator {
  std::string_view text;
  int level;
  step what;
};

// Longer spellings first. Levels as in Python; comparisons do not chain.
constexpr std::array<binary_operator, 20> binary_operators{{
    {"or", 1, step::either},     {"and", 2, step::both},       {"==", 4, step::equal},
    {"!=", 4, step::differ},     {"<=", 4, step::less_equal},  {">=", 4, step::greater_equal},
    {"<<", 8, step::shift_left}, {">>", 8, step::shift_right}, {"<", 4, step::less},
    {">", 4, step::greater},     {"|", 5, step::bit_or},       {"^", 6, step::bit_xor},
    {"&", 7, step::bit_and},     {"+", 9, step::add},          {"-", 9, step::subtract},
    {"*", 10, step::multiply},   {"//", 10, step::divide},     {"/", 10, step::divide},
    {"%", 10, step::modulo},     {"=", 4, step::equal},
}};
constexpr int not_level = 3;
constexpr int unary_level = 11;

bool is_name_start(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
bool is_name_part(char c) noexcept {
  return is_name_start(c) || (c >= '0' && c <= '9') || c == '.';
}

class parser {
 public:
  parser(std::string_view text, const slot_lookup& lookup, expression& out)
      : text_(text), lookup_(lookup), out_(out) {}

  bool run() {
    if (!binary(0)) return false;
    skip_space();
    return at_ == text_.size() || fail("expected an operator");
  }
  [[nodiscard]] expression_fault fault() const { return {at_, message_}; }

 private:
  bool fail(std::string message) {
    message_ = std::move(message);
    return false;
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  void emit(step what, std::int64_t value = 0) { out_.steps.push_back({what, value}); }

  [[nodiscard]] const binary_operator* peek_operator() {
    skip_space();
    for (const binary_operator& candidate : binary_operators) {
      if (text_.substr(at_, candidate.text.size()) != candidate.text) continue;
      const bool word = is_name_start(candidate.text[0]);
      const std::size_t end = at_ + candidate.text.size();
      if (word && end < text_.size() && is_name_part(text_[end])) continue;
      return &candidate;
    }
    return nullptr;
  }

  bool binary(int level) {
    if (++depth_ > stack_limit) return fail("the expression is too deep");
    if (!unary(level)) return false;
    while (const binary_operator* next = peek_operator()) {
      if (next->level < level) break;
      at_ += next->text.size();
      if (!binary(next->level + 1)) return false;
      emit(next->what);
    }
    --depth_;
    return true;
  }

  bool unary(int level) {
    skip_space();
    if (at_ == text_.size()) return fail("the expression ends too early");
    const char c = text_[at_];
    if (c == '-' || c == '~') {
      ++at_;
      if (!binary(unary_level)) return false;
      emit(c == '-' ? step::negate : step::complement);
      return true;
    }
    if (c == '(') {
      ++at_;
      if (!binary(0)) return false;
      skip_space();
      if (at_ == text_.size() || text_[at_] != ')') return fail("expected ')'");
      ++at_;
      return true;
    }
    if (c >= '0' && c <= '9') return number();
    if (is_name_start(c)) return name(level);
    return fail("expected a number, a field or '('");
  }

  bool number() {
    std::size_t end = at_;
    while (end < text_.size() && (is_name_part(text_[end]))) ++end;
    const auto value = parse_integer(text_.substr(at_, end - at_));
    if (!value) return fail("not an integer of 64 bits");
    at_ = end;
    emit(step::constant, *value);
    return true;
  }

  bool name(int level) {
    std::size_t end = at_;
    while (end < text_.size() && is_name_part(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    if (word == "not") {
      if (level > not_level) return fail("put 'not …' into parentheses");
      at_ = end;
      if (!binary(not_level)) return false;
      emit(step::invert);
      return true;
    }
    if (word.front() == '$') {
      const step what = word == "$size" ? step::size : word == "$packet" ? step::packet : step::rest;
      if (what == step::rest && word != "$rest")
        return fail("'" + std::string(word) + "' is unknown; there are $size, $packet and $rest");
      at_ = end;
      emit(what);
      return true;
    }
    std::string why;
    const auto slot = lookup_(word, why);
    if (!slot) return fail(std::move(why));
    at_ = end;
    emit(step::slot, *slot);
    return true;
  }

  std::string_view text_;
  const slot_lookup& lookup_;
  expression& out_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::string message_;
};

bool floor_divide(std::int64_t a, std::int64_t b, std::int64_t& quotient, std::int64_t& remainder) noexcept {
  if (b == 0 || (a == INT64_MIN && b == -1)) return false;
  quotient = a / b;
  remainder = a % b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) {
    --quotient;
    remainder += b;
  }
  return true;
}

// One operator of two operands; false where it has no value.
bool apply(step what, std::int64_t a, std::int64_t b, std::int64_t& out) noexcept {
  std::int64_t other = 0;
  switch (what) {
    case step::add:
      return !__builtin_add_overflow(a, b, &out);
    case step::subtract:
      return !__builtin_sub_overflow(a, b, &out);
    case step::multiply:
      return !__builtin_mul_overflow(a, b, &out);
    case step::divide:
      return floor_divide(a, b, out, other);
    case step::modulo:
      return floor_divide(a, b, other, out);
    case step::bit_and:
      out = a & b;
      return true;
    case step::bit_or:
      out = a | b;
      return true;
    case step::bit_xor:
      out = a ^ b;
      return true;
    case step::shift_left:
      if (b < 0 || b > 62) return false;
      return !__builtin_mul_overflow(a, std::int64_t{1} << b, &out);
    case step::shift_right:
      if (b < 0 || b > 63) return false;
      out = a >> b;
      return true;
    case step::equal:
      out = a == b;
      return true;
    case step::differ:
      out = a != b;
      return true;
    case step::less:
      out = a < b;
      return true;
    case step::less_equal:
      out = a <= b;
      return true;
    case step::greater:
      out = a > b;
      return true;
    case step::greater_equal:
      out = a >= b;
      return true;
    case step::both:
      out = (a != 0) && (b != 0);
      return true;
    case step::either:
      out = (a != 0) || (b != 0);
      return true;
    default:
      return false;
  }
}

}  // namespace

bool expression::uses_region() const noexcept {
  for (const expression_step& s : steps)
    if (s.what == step::size || s.what == step::packet || s.what == step::rest) return true;
  return false;
}

std::optional<std::int64_t> evaluate(const expression& what, const expression_input& input) noexcept {
  std::array<std::int64_t, stack_limit> stack;
  std::size_t top = 0;
  for (const expression_step& s : what.steps) {
    switch (s.what) {
      case step::constant:
        stack[top++] = s.value;
        break;
      case step::slot:
        stack[top++] = input.slots[static_cast<std::size_t>(s.value)];
        break;
      case step::size:
        stack[top++] = input.size;
        break;
      case step::packet:
        stack[top++] = input.packet;
        break;
      case step::rest:
        stack[top++] = input.rest;
        break;
      case step::negate:
        if (__builtin_sub_overflow(std::int64_t{0}, stack[top - 1], &stack[top - 1])) return std::nullopt;
        break;
      case step::complement:
        stack[top - 1] = ~stack[top - 1];
        break;
      case step::invert:
        stack[top - 1] = stack[top - 1] == 0;
        break;
      default:
        --top;
        if (!apply(s.what, stack[top - 1], stack[top], stack[top - 1])) return std::nullopt;
    }
  }
  return stack[0];
}

std::optional<expression> parse_expression(std::string_view text, const slot_lookup& lookup,
                                           expression_fault& fault) {
  expression out;
  out.text = text;
  parser reader(text, lookup, out);
  if (reader.run()) return out;
  fault = reader.fault();
  return std::nullopt;
}

}  // namespace duplexd::protocol
