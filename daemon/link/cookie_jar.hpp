#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/value/url.hpp"

namespace duplexd {

/// The cookies of one session (RFC 6455, 4.1; RFC 6265): what its servers set comes back to them, by `http`
/// steps, redirects and WebSocket handshakes. Kept in memory only. Pure: time comes in.
///
/// There is no list of public suffixes: a Domain of a single label ("com") is refused, one of several is
/// not. A session asks few servers, and those that its configuration names.
class cookie_jar {
 public:
  using header_list = std::vector<std::pair<std::string, std::string>>;

  static constexpr std::size_t most_bytes = 64U << 10;  ///< of all cookies, as they lie in memory
  static constexpr std::size_t most_of_one = 4096;      ///< name and value; a longer one is ignored (6.1)

  /// Takes note of an answer's Set-Cookie lines. 401 and 403 say that nothing set before is worth anything:
  /// the jar is emptied first. Over `most_bytes` the cookies that were not used for longest give way.
  void note(const config::url& from, unsigned status, const header_list& headers, std::time_t now);

  /// The value of the Cookie header for this server; empty: it gets none. Longer paths come first.
  [[nodiscard]] std::string header_for(const config::url& to, std::time_t now);

  [[nodiscard]] std::size_t size() const noexcept { return cookies_.size(); }

 private:
  struct cookie {
    std::string name;
    std::string value;
    std::string domain;  ///< in lower case
    std::string path;
    bool host_only = true;  ///< it goes to `domain` itself, not to names below it
    bool secure = false;
    std::time_t expires = 0;
    std::uint64_t created = 0;  ///< a count, so that equal times keep their order
    std::uint64_t used = 0;

    [[nodiscard]] std::size_t bytes() const noexcept {
      return sizeof(cookie) + name.size() + value.size() + domain.size() + path.size();
    }
    [[nodiscard]] bool goes_to(const config::url& to) const;
  };

  void take(const config::url& from, std::string_view line, std::time_t now);
  void store(cookie fresh, std::time_t now);
  void shrink();

  std::vector<cookie> cookies_;
  std::uint64_t count_ = 0;
};

/// Adds the jar's cookies to a request's headers. A Cookie header that is there already stays, and is
/// completed by those that have other names.
void set_cookies(cookie_jar::header_list& headers, std::string_view from_jar);

}  // namespace duplexd
