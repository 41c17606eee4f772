#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/runtime/notifier.hpp"
#include "protocol/message/protocol.hpp"

namespace duplexd {

/// How many bytes of replies wait for the handlers of one link, or are held by the tasks that these started.
/// Reading stops while there is no room.
class reply_budget {
 public:
  reply_budget(const asio::any_io_executor& loop, std::uint64_t limit) : limit_(limit), freed_(loop) {}

  /// What waits already stays, even if it is more.
  void limit(std::uint64_t bytes) noexcept { limit_ = bytes; }

  /// One reply alone never fills it.
  [[nodiscard]] bool has_room() const noexcept { return used_ < limit_ || replies_ <= 1; }
  void take(std::uint64_t bytes) noexcept;
  void give_back(std::uint64_t bytes);

  /// Suspends until there is room. May be cancelled.
  asio::awaitable<void> wait_room();

 private:
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
  std::size_t replies_ = 0;
  notifier freed_;
};

/// Takes room of a budget while it lives.
class reply_charge {
 public:
  reply_charge(std::shared_ptr<reply_budget> budget, std::uint64_t bytes)
      : budget_(std::move(budget)), bytes_(bytes) {
    budget_->take(bytes_);
  }
  ~reply_charge() { budget_->give_back(bytes_); }
  reply_charge(const reply_charge&) = delete;
  reply_charge& operator=(const reply_charge&) = delete;

 private:
  std::shared_ptr<reply_budget> budget_;
  std::uint64_t bytes_;
};

/// A reply that somebody keeps: its bytes, and while somebody looks at them its values. Shared by all who got
/// it.
class arrived_reply {
 public:
  /// What a kept reply costs beside its bytes.
  static constexpr std::size_t overhead = 256;

  /// `types`: the protocol that the packet came by.
  arrived_reply(std::uint64_t number, const protocol::packet& packet,
                std::shared_ptr<const protocol::protocol> types);
  ~arrived_reply() = default;
  arrived_reply(const arrived_reply&) = delete;
  arrived_reply& operator=(const arrived_reply&) = delete;

  [[nodiscard]] std::uint64_t number() const noexcept {
    return number_;
  }  ///< replies are counted as they come
  [[nodiscard]] const protocol::message_type* type() const noexcept { return packet_.type; }
  [[nodiscard]] const std::string& name() const noexcept { return protocol::name_of(*packet_.type); }
  [[nodiscard]] protocol::frame_view message() const noexcept { return packet_.frame; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() + overhead; }

  /// The values; they live as long as somebody holds them, and are made from the bytes when nobody does. Null
  /// if they cannot be (they were checked when the reply came).
  [[nodiscard]] std::shared_ptr<const nlohmann::ordered_json> values() const;

 private:
  std::uint64_t number_;
  std::shared_ptr<const protocol::protocol> types_;
  std::vector<std::uint8_t> bytes_;
  protocol::packet packet_;
  mutable std::weak_ptr<const nlohmann::ordered_json> values_;
};
using kept_reply = std::shared_ptr<const arrived_reply>;

/// The fields at the top level of a reply that conditions look at.
class field_list {
 public:
  /// Adds what a path may lead to: see config::find_path.
  void add(std::string_view path);
  void add_all_of(const nlohmann::ordered_json& where);
  void add_all_of(const field_list& other);

  [[nodiscard]] std::span<const std::string> names() const noexcept { return names_; }
  [[nodiscard]] bool whole() const noexcept { return whole_; }

 private:
  /// Paths may come from what a server sent: beyond this many the whole reply is read.
  static constexpr std::size_t most = 64;
  void insert(std::string_view name);
  std::vector<std::string> names_;
  bool whole_ = false;  ///< conditions look at the whole value
};

/// Whether a text is written in one way only in JSON without escapes, and how.
[[nodiscard]] bool is_plain_text(std::string_view text) noexcept;
[[nodiscard]] std::string quoted_text(std::string_view plain);

/// A reply while it is offered: nothing is copied or read into a tree before somebody asks.
class offered_reply {
 public:
  /// `json`: the packet's values as compact JSON if they were written already, else empty. `types`: the
  /// protocol that the packet came by. Packet, text and the pointer outlive it.
  offered_reply(std::uint64_t number, const protocol::packet& packet, std::string_view json,
                const field_list& looked_at, const std::shared_ptr<const protocol::protocol>& types)
      : number_(number), packet_(packet), json_(json), looked_at_(looked_at), types_(types) {}

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] const protocol::packet& packet() const noexcept { return packet_; }
  [[nodiscard]] const std::string& name() const noexcept { return protocol::name_of(*packet_.type); }

  /// The values as far as conditions look at them: all paths in `looked_at` lead to what they would lead to
  /// in the whole value.
  [[nodiscard]] const nlohmann::ordered_json& fields();

  /// The values as JSON, and whether there is an escape in it.
  [[nodiscard]] std::string_view json();
  [[nodiscard]] bool has_escapes();

  /// Whether a text (quoted_text) certainly stands nowhere in the reply. Much cheaper than the fields.
  [[nodiscard]] bool lacks(const std::string& quoted);

  /// The reply for whoever keeps it; all share one.
  [[nodiscard]] const kept_reply& keep();

 private:
  std::uint64_t number_;
  const protocol::packet& packet_;
  std::string_view json_;
  const field_list& looked_at_;
  const std::shared_ptr<const protocol::protocol>& types_;
  std::string text_;
  nlohmann::ordered_json fields_;
  bool read_ = false;
  std::optional<bool> has_escapes_;
  kept_reply kept_;
};

}  // namespace duplexd
