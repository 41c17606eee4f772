#include "daemon/event/secret_index.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <optional>

#include "protocol/text/text_encoding.hpp"

namespace duplexd {

namespace {

using alphabet = secret_index::alphabet;

constexpr std::size_t front_size = 3;  // bytes by which patterns are found; the shortest secret has them
constexpr std::size_t front_slots = 1u << 16;
// From this size on, base64 at any offset leaves enough whole characters not to be found by chance.
constexpr std::size_t shortest_unaligned = 6;

void wipe(std::string& text) {
  explicit_bzero(text.data(), text.size());
  text.clear();
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// `count` hexadecimal digits at the front of `text`.
std::optional<std::uint32_t> hex_number(std::string_view text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  std::uint32_t number = 0;
  for (const char c : text.substr(0, count)) {
    const int digit = digit_of(c);
    if (digit < 0) return std::nullopt;
    number = number * 16 + static_cast<std::uint32_t>(digit);
  }
  return number;
}

/// What one character, or one escape that stands for a character, means.
struct unit {
  std::array<char, 4> bytes{};
  std::size_t size = 0;
  std::size_t length = 0;  ///< of its spelling

  static unit of(char c, std::size_t length) { return {{c}, 1, length}; }

  static unit of_code_point(std::uint32_t point, std::size_t length) {
    const auto low = [&](unsigned shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3f)); };
    if (point < 0x80) return {{static_cast<char>(point)}, 1, length};
    if (point < 0x800) return {{static_cast<char>(0xc0 | (point >> 6)), low(0)}, 2, length};
    if (point < 0x10000) return {{static_cast<char>(0xe0 | (point >> 12)), low(6), low(0)}, 3, length};
    return {{static_cast<char>(0xf0 | (point >> 18)), low(12), low(6), low(0)}, 4, length};
  }
};

unit read_json_escape(std::string_view text) {
  constexpr std::string_view names = "\"\\/bfnrt";
  constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
  if (text.size() < 2) return unit::of(text[0], 1);
  if (const auto which = names.find(text[1]); which != std::string_view::npos)
    return unit::of(meant[which], 2);
  const auto first = text[1] == 'u' ? hex_number(text.substr(2), 4) : std::nullopt;
  if (!first) return unit::of(text[0], 1);
  if (*first >= 0xd800 && *first < 0xdc00 && text.substr(6).starts_with("\\u")) {
    const auto second = hex_number(text.substr(8), 4);
    if (second && *second >= 0xdc00 && *second < 0xe000)
      return unit::of_code_point(0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00), 12);
  }
  return unit::of_code_point(*first, 6);
}

/// The unit at the front of `text`, which is not empty. What looks like an escape is taken for one.
unit read_unit(std::string_view text) {
  if (text[0] == '\\') return read_json_escape(text);
  if (text[0] == '%')
    if (const auto byte = hex_number(text.substr(1), 2)) return unit::of(static_cast<char>(*byte), 3);
  return unit::of(text[0], 1);
}

bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
         c == '-' || c == '_';
}

bool is_upper_hex(char c) {
  return c >= 'A' && c <= 'F';
}

/// What the first units of `text` mean, as many as it takes to look for patterns.
std::string read_front(std::string_view text) {
  std::string front;  // short: it allocates nothing
  while (front.size() < front_size && !text.empty()) {
    const unit next = read_unit(text);
    front.append(next.bytes.data(), next.size);
    text.remove_prefix(next.length);
  }
  return front;
}

protocol::bytes_view bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

char folded(char c, alphabet letters) {
  if (letters == alphabet::hex && is_upper_hex(c)) return static_cast<char>(c - 'A' + 'a');
  if (letters == alphabet::base64 && c == '-') return '+';
  if (letters == alphabet::base64 && c == '_') return '/';
  return c;
}

std::uint32_t front_key(std::string_view front, alphabet letters) {
  std::uint32_t key = static_cast<std::uint32_t>(letters) + 1;
  for (const char c : front.substr(0, front_size))
    key = key << 8 | static_cast<std::uint8_t>(folded(c, letters));
  return key;
}

std::size_t slot_of(std::uint32_t key) {
  return (key * 2654435761u) >> 16;  // Fibonacci hashing
}

/// Where `pattern` ends if `text` begins with it as it stands.
std::optional<std::size_t> match_plain(std::string_view text, std::string_view pattern, alphabet letters) {
  if (text.size() < pattern.size()) return std::nullopt;
  for (std::size_t i = 0; i < pattern.size(); ++i)
    if (folded(text[i], letters) != pattern[i]) return std::nullopt;
  return pattern.size();
}

/// The same with escapes.
std::optional<std::size_t> match_escaped(std::string_view text, std::string_view pattern, alphabet letters) {
  std::size_t at = 0;
  for (std::size_t met = 0; met < pattern.size();) {
    if (at == text.size()) return std::nullopt;
    const unit next = read_unit(text.substr(at));
    for (std::size_t i = 0; i < next.size; ++i, ++met)
      if (met == pattern.size() || folded(next.bytes[i], letters) != pattern[met]) return std::nullopt;
    at += next.length;
  }
  return at;
}

}  // namespace

secret_index::~secret_index() {
  for (auto& [text, each] : entries_)
    for (pattern& spelled : each.patterns) wipe(spelled.text);
}

/// What base64 makes of `value` so many bytes behind a group's begin: the characters that hold nothing else.
secret_index::pattern secret_index::base64_of(std::string_view value, std::size_t offset) {
  std::string shifted(offset, '\0');
  shifted += value;
  std::string spelled;
  protocol::append_base64(spelled, bytes_of(shifted));
  const std::size_t bits = shifted.size() * 8;
  wipe(shifted);
  const std::size_t begin = (offset * 8 + 5) / 6;
  pattern made{spelled.substr(begin, bits / 6 - begin), alphabet::base64, true, offset != 0, bits % 6 != 0};
  wipe(spelled);
  return made;
}

void secret_index::hold(std::string_view value) {
  if (value.empty()) return;
  if (const auto known = entries_.find(value); known != entries_.end()) {
    ++known->second.holders;
    return;
  }
  entry& made = entries_[std::string(value)];
  made.holders = 1;
  made.patterns.reserve(5);
  const bool long_enough = value.size() >= shortest;
  made.patterns.push_back({std::string(value), alphabet::raw, long_enough});
  std::string hex;
  protocol::append_hex(hex, bytes_of(value));
  made.patterns.push_back({std::move(hex), alphabet::hex, long_enough});
  const std::size_t offsets = !long_enough ? 0 : value.size() < shortest_unaligned ? 1 : 3;
  for (std::size_t offset = 0; offset < offsets; ++offset) made.patterns.push_back(base64_of(value, offset));
  if (!long_enough) {
    std::string whole;
    protocol::append_base64(whole, bytes_of(value));
    made.patterns.push_back({std::move(whole), alphabet::base64, false});
  }
  for (const pattern& each : made.patterns) enter(each);
}

void secret_index::release(std::string_view value) {
  const auto found = entries_.find(value);
  if (found == entries_.end() || --found->second.holders != 0) return;
  auto node = entries_.extract(found);
  for (pattern& each : node.mapped().patterns) {
    leave(each);
    wipe(each.text);
  }
  wipe(node.key());
}

void secret_index::enter(const pattern& what) {
  if (!what.long_enough) {
    short_ones_.push_back(&what);
    return;
  }
  if (fronts_.empty()) fronts_.resize(front_slots);
  const auto key = front_key(what.text, what.letters);
  ++fronts_[slot_of(key)];
  by_front_.emplace(key, &what);
}

void secret_index::leave(const pattern& what) {
  if (!what.long_enough) {
    std::erase(short_ones_, &what);
    return;
  }
  const auto key = front_key(what.text, what.letters);
  --fronts_[slot_of(key)];
  const auto [begin, end] = by_front_.equal_range(key);
  by_front_.erase(std::find_if(begin, end, [&](const auto& each) { return each.second == &what; }));
}

/// Calls `found(pattern, begin, end)` for each pattern wherever it is in `text`.
template <class Found>
void secret_index::scan(std::string_view text, scope which, Found found) const {
  if (which == scope::all)
    for (const pattern* each : short_ones_)
      for (std::size_t at = 0; at < text.size(); ++at)
        if (const auto length = match_escaped(text.substr(at), each->text, each->letters))
          found(*each, at, at + *length);
  if (by_front_.empty()) return;
  const auto try_front = [&](std::size_t at, std::string_view front, auto match) {
    if (front.size() < front_size) return;
    for (const alphabet letters : {alphabet::raw, alphabet::hex, alphabet::base64}) {
      const auto key = front_key(front, letters);
      if (fronts_[slot_of(key)] == 0) continue;
      const auto [begin, end] = by_front_.equal_range(key);
      for (auto each = begin; each != end; ++each)
        if (const auto length = match(text.substr(at), each->second->text, letters))
          found(*each->second, at, at + *length);
    }
  };
  const bool has_escapes = text.find_first_of("\\%") != std::string_view::npos;
  for (std::size_t at = 0; at < text.size(); ++at) {
    try_front(at, text.substr(at, front_size), match_plain);
    if (has_escapes) try_front(at, read_front(text.substr(at)), match_escaped);
  }
}

bool secret_index::mask(std::string& text, scope which) const {
  struct range {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<range> found;
  scan(text, which, [&](const pattern& what, std::size_t begin, std::size_t end) {
    if (what.shares_front && begin > 0 && is_base64(text[begin - 1])) --begin;
    if (what.shares_back && end < text.size() && is_base64(text[end])) ++end;
    if (what.letters == alphabet::base64)
      while (end < text.size() && text[end] == '=') ++end;
    found.push_back({begin, end});
  });
  if (found.empty()) return false;
  std::ranges::sort(found, {}, &range::begin);
  std::string masked;
  std::size_t done = 0;
  for (std::size_t i = 0; i < found.size();) {
    range whole = found[i++];
    while (i < found.size() && found[i].begin < whole.end) whole.end = std::max(whole.end, found[i++].end);
    masked.append(text, done, whole.begin - done).append("***");
    done = whole.end;
  }
  masked.append(text, done);
  text = std::move(masked);
  return true;
}

bool secret_index::in(std::string_view bytes) const {
  bool found = false;
  scan(bytes, scope::long_enough, [&](const auto&...) { found = true; });
  return found;
}

secret_holder::~secret_holder() {
  for (group* each : {&read_, &made_})
    while (!each->values.empty()) drop(*each, each->values.begin());
}

void secret_holder::take(std::string_view text, config::secret_origin from) {
  if (text.empty()) return;
  group& to = from == config::secret_origin::read ? read_ : made_;
  if (const auto known = to.places.find(text); known != to.places.end()) {
    known->second->attempt = attempt_;
    to.values.splice(to.values.end(), to.values, known->second);
    return;
  }
  index_.hold(text);
  to.values.push_back({std::string(text), attempt_});
  to.places.emplace(to.values.back().text, std::prev(to.values.end()));
  to.bytes += text.size();
  while (to.bytes > capacity && to.values.size() > 1) drop(to, to.values.begin());
}

void secret_holder::begin_attempt(const std::function<bool(std::string_view)>& still_used) {
  for (group* each : {&read_, &made_})
    for (auto next = each->values.begin(); next != each->values.end();) {
      const auto here = next++;
      if (here->attempt == attempt_ || here->attempt == last_link_ || still_used(here->text)) continue;
      drop(*each, here);
    }
  ++attempt_;
}

void secret_holder::drop(group& from, std::list<value>::iterator which) {
  index_.release(which->text);
  from.bytes -= which->text.size();
  from.places.erase(which->text);
  wipe(which->text);
  from.values.erase(which);
}

}  // namespace duplexd
