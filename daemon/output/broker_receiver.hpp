#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/input/command_request.hpp"

namespace duplexd {

/// A connection over which a broker delivers commands. It connects by itself when it is asked for messages.
/// All calls but `wake` come from one thread at a time, which is not the loop's.
class broker_receiver {
 public:
  /// Bytes of a message that is a command; of a longer one the text is left out.
  static constexpr std::size_t largest = std::size_t{1} << 20;
  /// Messages that are given, and wait in memory to be given, at a time; and their bytes, unless one message
  /// has more.
  static constexpr std::size_t most_messages = 64;
  static constexpr std::size_t most_bytes = std::size_t{4} << 20;
  static constexpr std::size_t longest_id = longest_command_id;

  broker_receiver() = default;
  broker_receiver(const broker_receiver&) = delete;
  broker_receiver& operator=(const broker_receiver&) = delete;
  virtual ~broker_receiver() = default;

  struct message {
    std::string text{};
    bool is_too_long = false;   ///< then there is no text
    std::string answer_to{};    ///< where its sender wants the answer; empty: it says nothing
    std::string correlation{};  ///< what the answer must carry
    std::string id{};     ///< names this message at the broker, also when it comes again; empty: nothing does
    bool is_kept = true;  ///< by a broker that keeps messages: it delivers it again until it is acknowledged
  };
  struct received {
    std::vector<message> messages{};
    std::uint64_t lost = 0;  ///< messages that came faster than they were taken
    std::string failed{};    ///< why there is no connection; it is tried again with the next call
  };
  /// Waits for messages, for a second, or until `wake` is called.
  [[nodiscard]] virtual received receive() = 0;
  /// From any thread.
  virtual void wake() noexcept = 0;

  /// Which of the messages that were given and not acknowledged are accepted, in their order: the broker may
  /// forget these. The others cannot be taken for now. Returns whether they are kept here, to be acknowledged
  /// by a later call; if not, the broker delivers them again. Called every second while there are some.
  virtual bool acknowledge(const std::vector<bool>& accepted) = 0;

  /// Publishes a command's end; connects if needed. Returns why it failed; empty: it did not, or never will.
  [[nodiscard]] virtual std::string answer(const std::string& to, const std::string& correlation,
                                           std::string_view text) = 0;
  /// Waits until the broker has all answers. Returns why it has not: what is left is published again by the
  /// next call.
  [[nodiscard]] virtual std::string flush() { return ""; }

  /// Nothing is received any more. What was received and is not acknowledged is delivered again, to the next
  /// who receives; answers are published still.
  virtual void stop() {}

  /// Nothing is received for a while: a connection that could not be kept up meanwhile is closed.
  virtual void rest() noexcept = 0;
};

}  // namespace duplexd
