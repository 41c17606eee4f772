#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "protocol/text/json_text.hpp"

namespace duplexd::config {

/// How a secret came about.
enum class secret_origin : std::uint8_t {
  read,  ///< env, file, credential, or the answer of a step that asks the outside
  made,  ///< by functions, from such a value
};

/// Bytes that a value may take where nothing else is said.
inline constexpr std::uint64_t standard_largest_value = 16u << 20;

/// What references stand for inside a running session. Used while a template is resolved, not kept.
class scope {
 public:
  scope() = default;
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  virtual ~scope() = default;

  /// `${var:NAME}`: what `set` or `save` gave that name; null if nothing did.
  [[nodiscard]] virtual const nlohmann::ordered_json* variable(std::string_view name) const = 0;

  /// `${reply:PATH}`: the values of the reply that came last to these steps; null if none did.
  [[nodiscard]] virtual const nlohmann::ordered_json* reply() const = 0;

  /// `${fault:PATH}`: what `on_fault` caught; null outside of it.
  [[nodiscard]] virtual const nlohmann::ordered_json* caught() const { return nullptr; }

  /// `${time:…}`: the wall's time.
  [[nodiscard]] virtual std::chrono::system_clock::time_point wall() const = 0;

  /// `${counter:NAME}`: 1 at first, and one more at each call.
  [[nodiscard]] virtual std::uint64_t count(std::string_view name) = 0;

  /// `${link_counter:NAME}`: the same, from 1 for each connection.
  [[nodiscard]] virtual std::uint64_t count_of_link(std::string_view /*name*/) { return 0; }

  /// How deep JSON and what references put into values may be nested.
  [[nodiscard]] virtual std::size_t json_depth() const noexcept { return protocol::standard_json_depth; }

  /// How many bytes a value may take in memory.
  [[nodiscard]] virtual std::uint64_t largest_value() const noexcept { return standard_largest_value; }

  /// Is told each secret that a reference stood for, while it is resolved: what is written for others to read
  /// can leave out only what is known.
  virtual void take_secret(std::string_view /*value*/, secret_origin /*from*/) {}
};

}  // namespace duplexd::config
