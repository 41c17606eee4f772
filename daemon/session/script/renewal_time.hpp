#pragma once

#include "config/settings/settings.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// How long a link that has just logged in may live until it is renewed: the earlier of `renew.after` and
/// `renew.at`, less `renew.margin`; not negative, and saturated at 100 years. `login`: where the references
/// of the settings are looked up. An error says which field has no usable value.
[[nodiscard]] config::resolved<clock::duration> time_to_renewal(const config::renew_settings& renew,
                                                                config::scope& login,
                                                                std::chrono::system_clock::time_point wall);

}  // namespace duplexd
