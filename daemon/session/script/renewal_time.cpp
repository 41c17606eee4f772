#include "daemon/session/script/renewal_time.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/text/text_encoding.hpp"

namespace duplexd {

namespace {

using seconds = std::chrono::duration<double>;

// No link lives longer: what lies beyond the range of the clock is as good as never.
constexpr seconds longest_age{std::chrono::years{100}};

// Unix time, or a time in words (RFC 3339); 0 if it is neither.
double unix_time_in(const nlohmann::ordered_json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return 0;
  const auto& text = value.get_ref<const std::string&>();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  const auto moment = protocol::parse_time(text, protocol::time_unit::ms);
  return moment ? static_cast<double>(*moment) / 1000 : 0;
}

}  // namespace

config::resolved<clock::duration> time_to_renewal(const config::renew_settings& renew, config::scope& login,
                                                  std::chrono::system_clock::time_point wall) {
  auto left = std::chrono::duration_cast<clock::duration>(longest_age);
  if (renew.after) {
    const auto age = renew.after->resolve(&login);
    if (!age) return {{}, "renew.after: " + age.error};
    left = std::min<clock::duration>(left, age.value);
  }
  if (renew.at) {
    const auto when = renew.at->resolve_value(&login);
    if (!when) return {{}, "renew.at: " + when.error};
    double unix_time = unix_time_in(when.value);
    if (!(unix_time > 0))  // NaN is none either
      return {{}, "renew.at: the value is neither a Unix time nor a time such as 2026-11-26T07:10:00Z"};
    if (unix_time > 1e11) unix_time /= 1000;  // milliseconds
    const seconds until = seconds(unix_time) - seconds(wall.time_since_epoch());
    left = std::min(left, std::chrono::duration_cast<clock::duration>(std::min(until, longest_age)));
  }
  return {std::max<clock::duration>(left - renew.margin, clock::duration{0}), {}};
}

}  // namespace duplexd
