#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
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
  sequence_watch(std::vector<config::sequence_settings> rules, std::uint64_t limit);

  /// Told what durable rules expect next, as JSON, and under which name it is kept; an empty value: nothing
  /// any more. What has this prefix is theirs.
  using keeper = std::function<void(const std::string& name, std::string value)>;
  static constexpr std::string_view name_prefix = "sequence:";
  /// Goes on with what durable rules have kept, as after a change of links. `who` is told at once which of it
  /// no rule goes on with. False: not all has room.
  [[nodiscard]] bool make_durable(const std::map<std::string, std::string>& kept, keeper who);

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
  /// What a key costs beside its bytes, and the name that its number is kept under.
  static constexpr std::uint64_t overhead = 96;

  struct rule {
    config::sequence_settings what;
    std::string name;  ///< of a durable one: how the names begin under which its numbers are kept
  };
  struct expected {
    nlohmann::ordered_json number;
    std::uint64_t link = 0;  ///< that the number before it came on
  };
  using counted = std::map<std::pair<const rule*, std::string>, expected>;

  [[nodiscard]] static std::string name_of(const config::sequence_settings& what);
  /// The place of a key that is new; none: there is no room.
  [[nodiscard]] counted::iterator add(const rule& of, std::string key);
  [[nodiscard]] bool restore(const rule& of, const std::string& name, const nlohmann::ordered_json& number);

  std::vector<rule> rules_;
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
  bool overflowed_ = false;
  std::uint64_t link_ = 0;
  counted next_;
  keeper keeper_;
};

}  // namespace duplexd
