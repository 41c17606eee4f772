#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.hpp"

namespace duplexd {

/// A number that did not follow the one before it.
struct sequence_gap {
  const config::sequence_settings* rule = nullptr;
  nlohmann::ordered_json key;  ///< the values of the rule's key fields, in their order
  std::int64_t expected = 0;
  std::int64_t found = 0;  ///< lower than expected: again, or the server began anew
};

/// Watches fields that count a reply's messages. Pure. One for each link.
class sequence_watch {
 public:
  explicit sequence_watch(const std::vector<config::sequence_settings>& rules) : rules_(rules) {}

  /// A reply has come. The first number of each key is taken as it is.
  std::vector<sequence_gap> see(const std::string& reply, const nlohmann::ordered_json& data);

 private:
  const std::vector<config::sequence_settings>& rules_;
  std::map<std::pair<const config::sequence_settings*, std::string>, std::int64_t> next_;
};

}  // namespace duplexd
