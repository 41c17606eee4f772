#include "daemon/link/secret_register.hpp"

#include <algorithm>
#include <cctype>

#include "protocol/text_form.hpp"

namespace duplexd {

namespace {

protocol::bytes_view bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

// RFC 3986, 2.3: what needs no escape.
std::string percent_encoded(std::string_view value) {
  std::string out;
  for (const char each : value) {
    const bool plain = std::isalnum(static_cast<unsigned char>(each)) != 0 || each == '-' || each == '.' ||
                       each == '_' || each == '~';
    if (plain) {
      out += each;
      continue;
    }
    std::string digits;
    protocol::append_hex(digits, bytes_of({&each, 1}));
    out += '%' + upper(std::move(digits));
  }
  return out;
}

void add_json(std::string_view value, std::vector<std::string>& to) {
  if (protocol::find_bad_utf8(value) != value.size()) return;
  for (const auto append : {&protocol::append_quoted, &protocol::append_quoted_ascii}) {
    std::string quoted;
    append(quoted, value);
    to.push_back(quoted.substr(1, quoted.size() - 2));
  }
}

void add_base64(std::string_view value, std::vector<std::string>& to) {
  std::string whole;
  protocol::append_base64(whole, bytes_of(value));
  to.push_back(whole);
  // What stands in front of other bytes is not padded, and its last character is another.
  if (value.size() >= 6) to.push_back(whole.substr(0, value.size() / 3 * 4));
}

std::vector<std::string> spellings_of(std::string_view value) {
  std::vector<std::string> all{std::string{value}, percent_encoded(value)};
  add_json(value, all);
  add_base64(value, all);
  std::string hex;
  protocol::append_hex(hex, bytes_of(value));
  all.push_back(upper(hex));
  all.push_back(std::move(hex));
  return all;
}

bool replace_all(std::string& text, const std::string& what) {
  bool found = false;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 3)) {
    text.replace(at, what.size(), "***");
    found = true;
  }
  return found;
}

}  // namespace

void secret_register::take(std::string_view value) {
  if (value.empty()) return;
  const std::scoped_lock lock{mutex_};
  if (std::ranges::find(values_, value) != values_.end()) return;
  if (values_.size() == capacity) values_.pop_front();
  values_.emplace_back(value);
  spelled_ = false;
}

void secret_register::spell() const {
  if (spelled_) return;
  spelled_ = true;
  spellings_.clear();
  for (const std::string& value : values_)
    for (std::string& text : spellings_of(value))
      spellings_.push_back({std::move(text), value.size() >= shortest});
  std::ranges::sort(spellings_, [](const spelling& a, const spelling& b) {
    if (a.text.size() != b.text.size()) return a.text.size() > b.text.size();
    return a.text != b.text ? a.text < b.text : a.long_enough && !b.long_enough;  // of two the stricter stays
  });
  const auto twice = std::ranges::unique(spellings_, {}, &spelling::text);
  spellings_.erase(twice.begin(), twice.end());
}

bool secret_register::mask(std::string& text, scope which) const {
  const std::scoped_lock lock{mutex_};
  spell();
  bool found = false;
  for (const spelling& each : spellings_)
    if (which == scope::all || each.long_enough) found = replace_all(text, each.text) || found;
  return found;
}

bool secret_register::in(std::string_view bytes) const {
  const std::scoped_lock lock{mutex_};
  spell();
  return std::ranges::any_of(spellings_, [&](const spelling& each) {
    return each.long_enough && bytes.find(each.text) != std::string_view::npos;
  });
}

}  // namespace duplexd
