#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/codec/codec_error.hpp"
#include "protocol/message/protocol.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd {

/// The version of the event schema, docs/events.md: the "v" of every line. It changes when a reader would
/// have to.
inline constexpr int event_schema_version = 1;

/// Composes event lines for one session. Pure but for the buffers that it reuses: once they have grown, a
/// reply costs no allocation.
class event_line {
 public:
  explicit event_line(std::string_view session);

  /// The line for something else that happened to the session: `what` names it, `fields` follow.
  std::string_view note(std::string_view time, std::string_view what, const nlohmann::ordered_json& fields);

  /// The line for a reply of this name that no packet was; `data` is JSON.
  std::string_view reply(std::string_view time, std::string_view name, std::string_view data);

  /// The line, newline included, for a packet: its reply's name and data, or its bytes and the reason why
  /// not. `time` is an RFC 3339 text. Valid until the next call. `error` is set if the packet could not be
  /// unpacked.
  std::string_view compose(std::string_view time, const protocol::packet& packet,
                           const protocol::codec_error** error);

  /// The values in the line that was composed last, without an error; valid as long as the line.
  [[nodiscard]] std::string_view data() const noexcept {
    return std::string_view(line_).substr(kept_size_, line_.size() - kept_size_ - 2);
  }

  /// Unpacks the packet when nobody wants its line: why it could not be, or null. Valid until the next call.
  const protocol::codec_error* check(const protocol::packet& packet);

 private:
  void give_back();
  void begin(std::string_view time);
  void begin_reply(std::string_view time, const protocol::message_type& type);
  std::string_view head_of(const protocol::message_type& type);
  [[nodiscard]] std::string head_of_name(std::string_view name) const;
  void compose_raw(std::string_view time, const protocol::packet& packet, const protocol::codec_error& why);

  std::string session_;  ///< as JSON text
  std::vector<std::pair<const protocol::message_type*, std::string>>
      heads_;  ///< what stands between time and data
  std::string line_;
  const protocol::message_type* kept_type_ = nullptr;  ///< what the front of `line_` was made for
  std::size_t kept_size_ = 0;
  protocol::codec_error error_;
};

}  // namespace duplexd
