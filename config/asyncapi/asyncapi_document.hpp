#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/reading.hpp"
#include "protocol/document/diagnostic.hpp"

namespace duplexd::config {

/// A value of an AsyncAPI document with its place, `$ref` followed. May be null: there is nothing.
struct api_value {
  const protocol::node* value = nullptr;
  std::string path;     ///< "channels.feed.messages.tick", where it stands itself
  std::string pointer;  ///< the last `$ref` that led here; empty: none

  explicit operator bool() const noexcept { return value != nullptr; }
  [[nodiscard]] bool is_map() const noexcept {
    return value != nullptr && value->kind == protocol::node_kind::map;
  }
  /// What a map has under this key itself; null: nothing, or no map.
  [[nodiscard]] const protocol::node* find(std::string_view key) const noexcept {
    return is_map() ? value->find(key) : nullptr;
  }
};

/// The entries of a map; none of anything else.
[[nodiscard]] const std::vector<protocol::node_entry>& entries_of(const api_value& map) noexcept;

/// An AsyncAPI document whose references lead from place to place. `root` and `notes` must outlive it.
class asyncapi_document {
 public:
  asyncapi_document(const protocol::node& root, protocol::diagnostics& notes) : root_(root), notes_(notes) {}

  [[nodiscard]] api_value root() const { return {&root_, "", ""}; }

  /// What stands under a key of a map. What a reference leads to, if it is one: those that lead out of the
  /// document, in a circle or nowhere are noted, and give nothing.
  [[nodiscard]] api_value at(const api_value& map, std::string_view key) const;
  [[nodiscard]] api_value item(const api_value& list, std::size_t index) const;
  [[nodiscard]] api_value entry(const api_value& map, const protocol::node_entry& of) const;

  /// The same for messages and operations, which take over from their `traits` what they do not have.
  [[nodiscard]] api_value with_traits(const api_value& map, std::string_view key) const;

  /// The text of a scalar, or empty.
  [[nodiscard]] std::string text(const api_value& map, std::string_view key) const;

  /// Something that has no place in a configuration. Each is noted once.
  void note(const api_value& at, std::string message, std::string hint = "") const;

 private:
  [[nodiscard]] api_value follow(api_value from) const;

  const protocol::node& root_;
  protocol::diagnostics& notes_;
};

/// Puts an extension (`x-duplexd`) over what was made of the document: each entry replaces the one of that
/// name, and null removes it.
void apply_extension(const api_value& extension, nlohmann::ordered_json& to);

}  // namespace duplexd::config
