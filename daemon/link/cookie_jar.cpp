#include "daemon/link/cookie_jar.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <tuple>

#include "protocol/text/parts.hpp"

namespace duplexd {
namespace {

using protocol::next_part;
using protocol::trimmed;

bool equals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

bool is_address(std::string_view host) {
  const auto last_dot = host.rfind('.');
  const auto last = last_dot == std::string_view::npos ? host : host.substr(last_dot + 1);
  const bool is_v4 = !last.empty() && last.find_first_not_of("0123456789") == std::string_view::npos;
  return is_v4 || host.find(':') != std::string_view::npos;
}

/// RFC 6265, 5.1.3.
bool domain_matches(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.' && !is_address(host);
}

std::string_view path_of(const config::url& where) {
  return std::string_view(where.target).substr(0, where.target.find('?'));
}

/// RFC 6265, 5.1.4.
std::string default_path(const config::url& from) {
  const std::string_view path = path_of(from);
  const auto end = path.rfind('/');
  return end == 0 || end == std::string_view::npos ? "/" : std::string(path.substr(0, end));
}

bool path_matches(std::string_view asked, std::string_view path) {
  if (!asked.starts_with(path)) return false;
  return asked.size() == path.size() || path.ends_with('/') || asked[path.size()] == '/';
}

/// A whole number of up to 18 digits and perhaps more, which say no more.
std::optional<std::int64_t> number_of(std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::int64_t value = 0;
  for (const char digit : digits.substr(0, 18)) value = value * 10 + (digit - '0');
  return value;
}

/// "hh:mm:ss", each of one or two digits, perhaps with something behind it.
bool read_time(std::string_view token, std::tm& parts) {
  std::array<int, 3> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::size_t digits = 0;
    while (digits < token.size() && digits < 3 && token[digits] >= '0' && token[digits] <= '9')
      numbers[i] = numbers[i] * 10 + (token[digits++] - '0');
    if (digits == 0 || digits > 2) return false;
    token.remove_prefix(digits);
    if (i == 2) break;
    if (!token.starts_with(':')) return false;
    token.remove_prefix(1);
  }
  std::tie(parts.tm_hour, parts.tm_min, parts.tm_sec) = std::tie(numbers[0], numbers[1], numbers[2]);
  return true;
}

/// The number at the beginning of a token of up to `longest` digits; nothing if more digits follow.
std::optional<int> leading_number(std::string_view token, std::size_t least, std::size_t longest) {
  const std::size_t digits = std::min(token.find_first_not_of("0123456789"), token.size());
  if (digits < least || digits > longest) return std::nullopt;
  const auto number = number_of(token.substr(0, digits));
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

std::optional<int> month_of(std::string_view token) {
  constexpr std::array<std::string_view, 12> names = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
  for (std::size_t i = 0; i < names.size(); ++i)
    if (equals(token.substr(0, 3), names[i])) return static_cast<int>(i);
  return std::nullopt;
}

/// RFC 6265, 5.1.1: the parts of a date in any order, whatever stands between them.
std::optional<std::time_t> read_date(std::string_view text) {
  constexpr std::string_view inside = "0123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::tm parts{};
  bool has_time = false;
  std::optional<int> day;
  std::optional<int> month;
  std::optional<int> year;
  const auto take = [](std::optional<int>& part, std::optional<int> found) {
    if (part || !found) return false;
    part = found;
    return true;
  };
  for (;;) {
    text.remove_prefix(std::min(text.find_first_of(inside), text.size()));
    if (text.empty()) break;
    const auto token = text.substr(0, text.find_first_not_of(inside));
    text.remove_prefix(token.size());
    if (!has_time && read_time(token, parts)) {
      has_time = true;
      continue;
    }
    if (take(day, leading_number(token, 1, 2)) || take(month, month_of(token))) continue;
    take(year, leading_number(token, 2, 4));
  }
  if (!has_time || !day || !month || !year) return std::nullopt;
  if (*year >= 70 && *year <= 99) *year += 1900;
  if (*year <= 69) *year += 2000;
  if (*day < 1 || *day > 31 || *year < 1601 || parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 59)
    return std::nullopt;
  parts.tm_mday = *day;
  parts.tm_mon = *month;
  parts.tm_year = *year - 1900;
  return timegm(&parts);
}

constexpr std::time_t for_good = std::numeric_limits<std::time_t>::max();

/// Max-Age (RFC 6265, 5.2.2): seconds; nothing if it is not a number.
std::optional<std::time_t> read_max_age(std::string_view text, std::time_t now) {
  const bool negative = text.starts_with('-');
  const auto seconds = number_of(text.substr(negative ? 1 : 0));
  if (!seconds) return std::nullopt;
  if (negative || *seconds == 0) return 0;
  return *seconds > for_good - now ? for_good : now + *seconds;
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

bool cookie_jar::cookie::goes_to(const config::url& to) const {
  const std::string host = lower(to.host_without_zone());
  const bool to_host = host_only ? host == domain : domain_matches(host, domain);
  return to_host && (to.secure || !secure) && path_matches(path_of(to), path);
}

void cookie_jar::note(const config::url& from, unsigned status, const header_list& headers, std::time_t now) {
  if (status == 401 || status == 403) cookies_.clear();
  for (const auto& [name, value] : headers)
    if (equals(name, "set-cookie")) take(from, value, now);
}

// RFC 6265, 5.2 and 5.3.
void cookie_jar::take(const config::url& from, std::string_view line, std::time_t now) {
  std::string_view pair = next_part(line, ';');
  if (pair.find('=') == std::string_view::npos || has_control_character(pair)) return;
  cookie made;
  made.name = next_part(pair, '=');
  made.value = trimmed(pair);
  if (made.name.empty() || made.name.size() + made.value.size() > most_of_one) return;
  made.domain = lower(from.host_without_zone());
  made.path = default_path(from);
  made.expires = for_good;
  bool has_max_age = false;
  std::string domain;
  while (!line.empty()) {
    std::string_view value = next_part(line, ';');
    const auto name = next_part(value, '=');
    value = trimmed(value);
    if (equals(name, "secure")) {
      made.secure = true;
    } else if (equals(name, "path")) {
      made.path = value.starts_with('/') ? std::string(value) : default_path(from);
    } else if (equals(name, "max-age")) {
      const auto end = read_max_age(value, now);
      has_max_age = has_max_age || end;
      if (end) made.expires = *end;
    } else if (equals(name, "expires")) {
      const auto end = read_date(value);
      if (end && !has_max_age) made.expires = *end;
    } else if (equals(name, "domain")) {
      if (value.starts_with('.')) value.remove_prefix(1);
      if (!value.empty()) domain = lower(value);
    }
  }
  if (!domain.empty()) {
    if (!domain_matches(made.domain, domain)) return;
    // A single label stands for all servers of a country, unless it is the server's own name.
    const bool is_single = domain.find('.') == std::string::npos;
    if (is_single && domain != made.domain) return;
    made.host_only = is_single || is_address(domain);
    made.domain = domain;
  }
  if (made.secure && !from.secure) return;  // whoever can write on an open connection must not set one
  if (made.path.size() > most_of_one) return;
  store(std::move(made), now);
}

void cookie_jar::store(cookie fresh, std::time_t now) {
  fresh.created = fresh.used = ++count_;
  const auto old = std::find_if(cookies_.begin(), cookies_.end(), [&](const cookie& each) {
    return each.name == fresh.name && each.domain == fresh.domain && each.path == fresh.path;
  });
  if (old != cookies_.end()) {
    fresh.created = old->created;
    cookies_.erase(old);
  }
  std::erase_if(cookies_, [&](const cookie& each) { return each.expires <= now; });
  if (fresh.expires <= now) return;
  cookies_.push_back(std::move(fresh));
  shrink();
}

void cookie_jar::shrink() {
  std::size_t bytes = 0;
  for (const cookie& each : cookies_) bytes += each.bytes();
  while (bytes > most_bytes) {
    const auto oldest = std::min_element(cookies_.begin(), cookies_.end(),
                                         [](const auto& a, const auto& b) { return a.used < b.used; });
    bytes -= oldest->bytes();
    cookies_.erase(oldest);
  }
}

std::string cookie_jar::header_for(const config::url& to, std::time_t now) {
  std::erase_if(cookies_, [&](const cookie& each) { return each.expires <= now; });
  std::vector<cookie*> wanted;
  for (cookie& each : cookies_)
    if (each.goes_to(to)) wanted.push_back(&each);
  std::sort(wanted.begin(), wanted.end(), [](const cookie* a, const cookie* b) {
    return a->path.size() != b->path.size() ? a->path.size() > b->path.size() : a->created < b->created;
  });
  std::string all;
  for (cookie* each : wanted) {
    each->used = ++count_;
    if (!all.empty()) all += "; ";
    all.append(each->name).append("=").append(each->value);
  }
  return all;
}

namespace {

/// Those that the user wrote first, then those of the jar that have other names.
std::string joined(std::string_view written, std::string_view from_jar) {
  std::string all(written);
  while (!from_jar.empty()) {
    const auto pair = next_part(from_jar, ';');
    const auto name = trimmed(pair.substr(0, pair.find('=')));
    bool is_written = false;
    for (auto rest = written; !rest.empty();) {
      auto each = next_part(rest, ';');
      is_written = is_written || next_part(each, '=') == name;
    }
    if (is_written) continue;
    if (!all.empty()) all += "; ";
    all.append(pair);
  }
  return all;
}

}  // namespace

void set_cookies(cookie_jar::header_list& headers, std::string_view from_jar) {
  if (from_jar.empty()) return;
  const auto written = std::find_if(headers.begin(), headers.end(),
                                    [](const auto& each) { return equals(each.first, "cookie"); });
  if (written == headers.end())
    headers.emplace_back("Cookie", from_jar);
  else
    written->second = joined(written->second, from_jar);
}

}  // namespace duplexd
