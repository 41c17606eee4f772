// Checks a JSON text and copies it without white space, in one pass.
#include <cstring>
#include <vector>

#include "protocol/text/json_text.hpp"
#include "protocol/text/text_encoding.hpp"
#include "protocol/text/text_scan.hpp"

namespace duplexd::protocol {
namespace {

/// The containers around a place: a bit each, set for a map.
class container_stack {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool in_map() const noexcept { return (bits_ & 1) != 0; }
  void push(bool map) {
    if (size_ != 0 && size_ % 64 == 0) outer_.push_back(bits_);
    bits_ = bits_ << 1 | (map ? 1 : 0);
    ++size_;
  }
  void pop() noexcept {
    bits_ >>= 1;
    if (--size_ % 64 != 0 || size_ == 0) return;
    bits_ = outer_.back();
    outer_.pop_back();
  }

 private:
  std::uint64_t bits_ = 0;  ///< the innermost, of those since `outer_`
  std::vector<std::uint64_t> outer_;
  std::size_t size_ = 0;
};

// The cursor is handed from step to step, so that it stays in a register; a null one says that the text is
// wrong. What stands from `from_` to the cursor is still to be copied.
template <bool Copies>
class json_copier {
 public:
  /// `to` has room for the whole text.
  json_copier(std::string_view text, char* to, std::size_t depth)
      : begin_(text.data()), end_(begin_ + text.size()), from_(begin_), to_(to), depth_(depth) {}

  bool run() {
    const char* at = begin_;
    for (;;) {
      at = value(at);
      if (at == nullptr) return false;
      at = after_value(at);
      if (at == nullptr) return false;
      if (open_.size() == 0) break;
    }
    at = skip_space(at);
    copy(at);
    return at == end_ || fail(at, "something follows the JSON value") != nullptr;
  }

  /// Behind what was copied.
  [[nodiscard]] const char* copied() const noexcept { return to_; }

  // Texts that are not UTF-8 are told as such, whatever else is wrong with them.
  [[nodiscard]] json_fault fault() const {
    const std::string_view text(begin_, static_cast<std::size_t>(end_ - begin_));
    const std::size_t bad = find_bad_utf8(text);
    return bad == text.size() ? json_fault{wrong_, message_, too_deep_} : json_fault{bad, "not UTF-8"};
  }

 private:
  const char* fail(const char* at, const char* message) noexcept {
    wrong_ = static_cast<std::size_t>(at - begin_);
    message_ = message;
    return nullptr;
  }
  [[nodiscard]] char peek(const char* at) const noexcept { return at < end_ ? *at : '\0'; }

  // Most pieces are short: sixteen bytes are copied faster than it is found out how many there are. Nothing
  // is written behind the room, because no more was copied than read.
  void copy(const char* at) noexcept {
    if constexpr (Copies) {
      const auto size = static_cast<std::size_t>(at - from_);
      if (size <= 16 && end_ - from_ >= 16)
        std::memcpy(to_, from_, 16);
      else
        std::memcpy(to_, from_, size);
      to_ += size;
    }
  }

  const char* skip_space(const char* at) noexcept {
    return at == end_ || static_cast<unsigned char>(*at) > ' ' ? at : leave_out_space(at);
  }
  const char* leave_out_space(const char* at) noexcept {
    copy(at);
    while (at < end_ && is_space(*at)) ++at;
    from_ = at;
    return at;
  }

  // A value, or a container up to its first value.
  const char* value(const char* at) {
    for (;;) {
      at = skip_space(at);
      const char c = peek(at);
      if (c == '"') return string(at);
      if (c != '{' && c != '[') return c == '-' || is_digit(c) ? number(at) : word(at);
      if (open_.size() == depth_) {
        too_deep_ = true;
        return fail(at, "nested too deeply");
      }
      const bool map = c == '{';
      open_.push(map);
      at = skip_space(at + 1);
      if (peek(at) == (map ? '}' : ']')) {
        open_.pop();
        return at + 1;
      }
      if (map) at = key(at);
      if (at == nullptr) return nullptr;
    }
  }

  // Every container's end that follows, and what stands before the next value.
  const char* after_value(const char* at) {
    while (open_.size() != 0) {
      at = skip_space(at);
      const char c = peek(at);
      if (c == ',') {
        at = skip_space(at + 1);
        return open_.in_map() ? key(at) : at;
      }
      if (c != (open_.in_map() ? '}' : ']')) return fail(at, "expected ',' or the end of the list or map");
      ++at;
      open_.pop();
    }
    return at;
  }

  const char* key(const char* at) {
    if (peek(at) != '"') return fail(at, "expected a key");
    at = string(at);
    if (at == nullptr) return nullptr;
    at = skip_space(at);
    return peek(at) == ':' ? at + 1 : fail(at, "expected ':'");
  }

  const char* word(const char* at) noexcept {
    const std::string_view left(at, static_cast<std::size_t>(end_ - at));
    for (const std::string_view each : {"true", "false", "null"})
      if (left.starts_with(each)) return at + each.size();
    return fail(at, left.empty() ? "the JSON text ends too early" : "expected a JSON value");
  }

  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  const char* digits(const char* at) noexcept {
    return is_digit(peek(at)) ? find_no_digit(at + 1, end_) : fail(at, "expected a digit");
  }

  const char* number(const char* at) noexcept {
    const char* short_end = short_number(at);
    return short_end != nullptr ? short_end : any_number(at);
  }

  // Nearly all numbers, "123" or "123.45" within sixteen bytes, at one look; null: look closer.
  const char* short_number(const char* at) const noexcept {
#if defined(__SSE2__)
    if (end_ - at < 16) return nullptr;
    const unsigned ends = no_digits_of(load_sixteen(at));
    int size = std::countr_zero(ends);
    if (ends == 0 || size == 0 || (size > 1 && *at == '0')) return nullptr;
    if (at[size] == '.') {
      const unsigned behind = ends >> (size + 1);
      if (behind == 0 || (behind & 1) != 0) return nullptr;
      size += 1 + std::countr_zero(behind);
    }
    return at[size] == 'e' || at[size] == 'E' ? nullptr : at + size;
#else
    (void)at;
    return nullptr;
#endif
  }

  const char* any_number(const char* at) noexcept {
    if (*at == '-') ++at;
    at = peek(at) == '0' ? at + 1 : digits(at);
    if (at != nullptr && peek(at) == '.') at = digits(at + 1);
    if (at == nullptr || (peek(at) != 'e' && peek(at) != 'E')) return at;
    ++at;
    if (peek(at) == '+' || peek(at) == '-') ++at;
    return digits(at);
  }

  const char* string(const char* at) {
    ++at;
#if defined(__SSE2__)
    if (end_ - at >= 16) {  // nearly all keys
      const unsigned found = not_plain_of(load_sixteen(at));
      const char* const stop = at + std::countr_zero(found);
      if (found != 0 && *stop == '"') return stop + 1;
    }
#endif
    return any_string(at);
  }

  const char* any_string(const char* at) {
    for (;;) {
      at = find_not_plain(at, end_);
      if (at != end_ && *at == '"') return at + 1;
      at = not_plain(at);
      if (at == nullptr) return nullptr;
    }
  }

  const char* not_plain(const char* at) {
    if (at == end_) return fail(at, "the JSON text ends too early");
    const auto c = static_cast<unsigned char>(*at);
    if (c == '\\') return escape(at + 1);
    if (c < 0x20) return fail(at, "a control character in a text");
    while (at < end_ && static_cast<unsigned char>(*at) >= 0x80) {
      const std::size_t length = utf8_length(at, static_cast<std::size_t>(end_ - at));
      if (length == 0) return fail(at, "not UTF-8");
      at += length;
    }
    return at;
  }

  const char* escape(const char* at) {
    const char c = peek(at);
    if (c != 'u') {
      const bool known = c != '\0' && std::strchr("\"\\/bfnrt", c) != nullptr;
      return known ? at + 1 : fail(at, "unknown escape");
    }
    unsigned unit = 0;
    at = hex4(at + 1, unit);
    if (at == nullptr || unit < 0xd800 || unit > 0xdfff) return at;
    constexpr const char* half = "half of a surrogate pair";
    if (unit > 0xdbff || peek(at) != '\\' || peek(at + 1) != 'u') return fail(at, half);
    at = hex4(at + 2, unit);
    if (at == nullptr) return nullptr;
    return unit >= 0xdc00 && unit <= 0xdfff ? at : fail(at, half);
  }

  const char* hex4(const char* at, unsigned& unit) {
    const auto bytes = end_ - at >= 4 ? parse_hex({at, 4}) : std::nullopt;
    if (!bytes) return fail(at, "expected four hex digits");
    unit = static_cast<unsigned>((*bytes)[0] << 8 | (*bytes)[1]);
    return at + 4;
  }

  const char* begin_;
  const char* end_;
  const char* from_;
  char* to_;
  std::size_t depth_;
  container_stack open_;
  std::size_t wrong_ = 0;
  const char* message_ = "";
  bool too_deep_ = false;
};

}  // namespace

std::optional<json_fault> copy_json(std::string_view text, std::string& out, std::size_t depth) {
  const std::size_t before = out.size();
  out.resize(before + text.size());
  json_copier<true> copier(text, out.data() + before, depth);
  const bool right = copier.run();
  out.resize(right ? static_cast<std::size_t>(copier.copied() - out.data()) : before);
  return right ? std::nullopt : std::optional(copier.fault());
}

std::optional<json_fault> check_json(std::string_view text, std::size_t depth) {
  json_copier<false> checker(text, nullptr, depth);
  return checker.run() ? std::nullopt : std::optional(checker.fault());
}

}  // namespace duplexd::protocol
