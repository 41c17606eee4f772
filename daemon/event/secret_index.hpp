#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/reference/scope.hpp"

namespace duplexd {

/// The secrets of the process: finds them in texts and bytes that leave it (the log, captures, reports), so
/// that they can be masked, whichever session a secret belongs to. A secret is found raw, percent-encoded
/// (RFC 3986, either case, any subset of characters escaped), in any spelling of a JSON string (RFC 8259, 7),
/// as hexadecimal digits of either case, and as base64 or base64url (RFC 4648) at any offset. One pass over
/// the text, whose cost hardly depends on how many secrets there are. Used on the loop's thread.
class secret_index {
 public:
  secret_index() = default;
  secret_index(const secret_index&) = delete;
  secret_index& operator=(const secret_index&) = delete;
  ~secret_index();

  /// A shorter value would be found everywhere: it is masked only where it is known to have been used.
  static constexpr std::size_t shortest = 3;

  enum class scope : std::uint8_t { long_enough, all };
  /// Which letters may stand for each other.
  enum class alphabet : std::uint8_t { raw, hex, base64 };

  /// Replaces every secret in `text` by `***`; secrets that overlap are replaced together. Returns whether
  /// there was one.
  bool mask(std::string& text, scope which = scope::long_enough) const;

  /// Whether a secret is in `bytes`.
  [[nodiscard]] bool in(std::string_view bytes) const;

  /// How many values are held now.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  friend class secret_holder;

  struct pattern {
    std::string text;  ///< hex: lower case; base64: the standard alphabet, without the ends that others share
    alphabet letters = alphabet::raw;
    bool long_enough = true;    ///< the value that it spells is
    bool shares_front = false;  ///< base64: the character before it holds bits of the secret as well
    bool shares_back = false;   ///< base64: and the one behind it
  };
  struct entry {
    std::size_t holders = 0;
    std::vector<pattern> patterns{};
  };

  /// A value that is held already is held once more; `release` is its counterpart. Values are wiped when the
  /// last holder lets go.
  void hold(std::string_view value);
  void release(std::string_view value);

  [[nodiscard]] static pattern base64_of(std::string_view value, std::size_t offset);
  void enter(const pattern& what);
  void leave(const pattern& what);
  template <class Found>
  void scan(std::string_view text, scope which, Found found) const;

  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, entry, text_hash, std::equal_to<>> entries_;
  std::unordered_multimap<std::uint32_t, const pattern*> by_front_;  ///< by alphabet and first bytes
  std::vector<std::uint32_t> fronts_;       ///< how many patterns begin like this, by a hash: a filter
  std::vector<const pattern*> short_ones_;  ///< for scope::all
};

/// What one session keeps in the index: the values of its present attempt or link, of the one before and of
/// the last link that stood, so that what a server says back late is still known. Released when it goes.
class secret_holder {
 public:
  explicit secret_holder(secret_index& index) : index_(index) {}
  secret_holder(const secret_holder&) = delete;
  secret_holder& operator=(const secret_holder&) = delete;
  ~secret_holder();

  /// What was read from outside, and what was made of such values, may each be of so many bytes; beyond it
  /// the values that were used least recently are released. The newest is always held.
  static constexpr std::size_t capacity = 64 * 1024;

  void take(std::string_view value, config::secret_origin from);

  /// A new attempt to connect begins. Older values are released unless `still_used` says that something (a
  /// variable) holds them yet.
  void begin_attempt(const std::function<bool(std::string_view)>& still_used);

  /// The attempt led to a link.
  void link_stands() noexcept { last_link_ = attempt_; }

 private:
  struct value {
    std::string text;
    std::uint64_t attempt;  ///< that used it last
  };
  /// The least recently used value first.
  struct group {
    std::list<value> values{};
    std::unordered_map<std::string_view, std::list<value>::iterator> places{};
    std::size_t bytes = 0;
  };
  void drop(group& from, std::list<value>::iterator which);

  secret_index& index_;
  group read_;
  group made_;
  std::uint64_t attempt_ = 0;
  std::uint64_t last_link_ = 0;  ///< the attempt that led to it
};

}  // namespace duplexd
