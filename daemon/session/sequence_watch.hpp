#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/session/exchange/arrived_reply.hpp"

namespace duplexd {

/// A number that did not follow the one before it.
struct sequence_gap {
  const config::sequence_settings* rule = nullptr;
  nlohmann::ordered_json key;  ///< the values of the rule's key fields, in their order
  nlohmann::ordered_json expected;
  nlohmann::ordered_json found;  ///< lower than expected: again, or the server started again
  bool over_links = false;       ///< what is missing was due while there was no link
};

/// Watches fields that count a reply's messages. Pure. One for each session.
class sequence_watch {
 public:
  /// `limit`: bytes of all keys; further ones are not watched.
  sequence_watch(std::vector<config::sequence_settings> rules, std::uint64_t limit)
      : rules_(std::move(rules)), limit_(limit) {}

  /// What is watched already stays, even if it is more.
  void limit(std::uint64_t bytes) noexcept { limit_ = bytes; }

  /// The replies that the rules are about, and what they look at.
  [[nodiscard]] std::map<std::string, field_list> looked_at() const;

  /// There is a new link. A number that is higher than expected is a gap; a lower one is nothing new: the
  /// server says again what it said before, or counts for each link.
  void begin_link() noexcept { ++link_; }

  /// A reply has come. The first number of each key is taken as it is.
  std::vector<sequence_gap> see(const std::string& reply, const nlohmann::ordered_json& data);

  /// Whether the last reply had a key that is not watched.
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }

 private:
  /// What a key costs beside its bytes.
  static constexpr std::uint64_t overhead = 96;

  std::vector<config::sequence_settings> rules_;
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
  bool overflowed_ = false;
  struct expected {
    nlohmann::ordered_json number;
    std::uint64_t link = 0;  ///< that the number before it came on
  };
  std::uint64_t link_ = 0;
  std::map<std::pair<const config::sequence_settings*, std::string>, expected> next_;
};

}  // namespace duplexd
