#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "daemon/event/session_event.hpp"

namespace duplexd {

/// What names an event of a durable output: "JOURNAL:NUMBER".
[[nodiscard]] inline std::string event_id(const std::string& journal, std::uint64_t number) {
  return journal + ':' + std::to_string(number);
}

/// Events that wait for a writer. A plain value.
class record_batch {
 public:
  struct record {
    session_event::kind what{};
    std::string_view session;
    std::string_view time;
    std::string_view name;     ///< see session_event
    std::string_view text;     ///< what is to be written
    std::uint64_t number = 0;  ///< in the journal; 0: it was in none
  };

  /// What an event costs beside its texts.
  static constexpr std::size_t overhead = 64;
  [[nodiscard]] static std::size_t size_of(const session_event& happened, std::string_view text) noexcept {
    return happened.session.size() + happened.time.size() + happened.name.size() + text.size() + overhead;
  }

  void add(const session_event& happened, std::string_view text, std::uint64_t number = 0);
  void drop_first(std::size_t count);

  [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// The journal that its numbers are from; empty: none.
  [[nodiscard]] const std::string& journal() const noexcept { return journal_; }
  void set_journal(const std::string& id) { journal_ = id; }
  /// What names a record for ever: the journal and its number there.
  [[nodiscard]] std::string id_of(const record& which) const { return event_id(journal_, which.number); }

  /// Valid until the batch is changed.
  [[nodiscard]] record operator[](std::size_t index) const;

 private:
  struct entry {
    std::string texts;  ///< session, time, name, text
    std::uint16_t session = 0;
    std::uint16_t time = 0;
    std::uint16_t name = 0;
    session_event::kind what{};
    std::uint64_t number = 0;
    [[nodiscard]] std::size_t size() const noexcept { return texts.size() + overhead; }
  };
  std::deque<entry> records_;
  std::size_t bytes_ = 0;
  std::string journal_;
};

}  // namespace duplexd
