#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "config/fields/field.hpp"
#include "config/fields/value_parsers.hpp"
#include "config/reference/template.hpp"

namespace duplexd::config {

/// Says what is wrong with a field that may not be written down.
class field_judge {
 public:
  field_judge(const value_at& at, reading& in) : at_(at), in_(in) {}
  void complain(std::string_view field, std::string message, std::string hint = "") {
    const protocol::node* place = at_.value.find(field);
    in_.mistakes.push_back({place != nullptr ? place->where : at_.value.where,
                            place != nullptr ? fmt::format("{}.{}", at_.path, field) : at_.path,
                            std::move(message), std::move(hint)});
  }
  void refuse(std::string_view field, std::string_view because) {
    if (at_.value.find(field) != nullptr) complain(field, fmt::format("{} has no '{}'", because, field));
  }
  /// What a text stands for, as far as that is known now. Without a hint of its own a mistake gets `hint`.
  void check_value(std::string_view field, const text_check& check, std::string_view hint) {
    const protocol::node* place = at_.value.find(field);
    if (place == nullptr) return;
    const std::size_t before = in_.mistakes.size();
    protocol::diagnostics told_already;
    reading mine{in_.mistakes, told_already, told_already, in_.directory, in_.secrets_absent, in_.files};
    text_template ignored;
    (void)read_checked({*place, fmt::format("{}.{}", at_.path, field)}, ignored, mine, check);
    for (std::size_t i = before; i < in_.mistakes.size(); ++i)
      if (in_.mistakes[i].hint.empty()) in_.mistakes[i].hint = hint;
  }
  /// An output's field may refer to nothing of a session.
  void check_outside(const text_template& text, std::string_view field) {
    if (text.has_inside() && at_.value.find(field) != nullptr)
      complain(field, "an output belongs to no session: only env, file and credential have values here");
  }

 private:
  const value_at& at_;
  reading& in_;
};

}  // namespace duplexd::config
