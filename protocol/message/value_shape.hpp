#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/codec/codec_error.hpp"
#include "protocol/message/protocol.hpp"

namespace duplexd::protocol {

struct program;

/// What is known of a message's values before any came: the fields that there may be, in whatever case.
struct value_shape {
  enum class kind : std::uint8_t {
    any,     ///< JSON whose fields nothing names
    scalar,  ///< a number, a text, a boolean or null
    map,
    list,   ///< `members` holds the shape of its elements, without a name
    tuple,  ///< a list whose members have their places as names
  };
  /// How a text stands for bytes.
  enum class bytes_text : std::uint8_t { none, hex, base64 };
  enum class json_type : std::uint8_t { any, number, text, boolean };
  /// What every value of a scalar is, if it is not null.
  enum class exact_type : std::uint8_t {
    any,   ///< not known, or several
    null,  ///< there is no other value
    boolean,
    integer,  ///< that has a sign and 63 bits
    real,     ///< a number with or without a fraction; or one of the texts nan, inf, -inf
    text,     ///< of times, a number if it has no date
  };
  kind what = kind::any;
  json_type json = json_type::any;                   ///< of a scalar; any: not known, or several
  exact_type exact = exact_type::any;                ///< of a scalar
  bytes_text bytes = bytes_text::none;               ///< of a text
  bool open = false;                                 ///< a map that may have fields beside its members
  bool required = false;                             ///< packing needs it, whatever the other values are
  bool steers = false;                               ///< other fields depend on its value
  std::optional<nlohmann::ordered_json> constant{};  ///< the only value that packs
  nlohmann::ordered_json sample{};                   ///< of a scalar: a value that packs
  std::vector<std::pair<std::string, value_shape>> members{};

  [[nodiscard]] const value_shape* find(std::string_view name) const noexcept;
  /// The shape under a part of a path, of a list's elements too; null if there is none.
  [[nodiscard]] const value_shape* at(std::string_view part) const noexcept;
  [[nodiscard]] std::vector<std::string> names() const;
};

/// The values of a reply as it is shown, of a command as it may be given. Made again at each call.
[[nodiscard]] value_shape shape_of(const message_type& type);
[[nodiscard]] value_shape shape_of(const program& layout, direction way);

/// A path that leads nowhere.
struct lost_path {
  std::string part;                ///< as far as it is wrong: "ticks.prise" of "ticks.prise.bid"
  std::vector<std::string> known;  ///< the fields that there are instead
  value_shape::kind inside = value_shape::kind::map;  ///< what was to have that field
};

/// Whether `path` ("ticks.0.price", read as everywhere in a script) may lead to a value; if not, why.
[[nodiscard]] std::optional<lost_path> find_lost(const value_shape& shape, std::string_view path);

/// What is certainly wrong with a command's values of which those at `unknown` come later (they are null in
/// `values`): fields that do not exist or are missing, constants with another value, values that do not fit.
[[nodiscard]] std::vector<codec_error> check_partly(
    const message_type& type, const nlohmann::ordered_json& values,
    const std::vector<nlohmann::ordered_json::json_pointer>& unknown);

}  // namespace duplexd::protocol
