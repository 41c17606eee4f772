#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "config/document/document.hpp"
#include "config/document/tree_builder.hpp"

namespace duplexd::config {

using protocol::node;
using protocol::node_kind;
using protocol::position;

namespace {

/// Follows the parser through the text: nlohmann's events have no places. The text up to and including the
/// token of an event was found valid by then, so that finding the token again needs no checks.
class cursor {
 public:
  explicit cursor(std::string_view text) : text_(text) {}

  /// Steps over what stands between tokens, and says where the next one is.
  position find_token() {
    while (at_ < text_.size() && std::string_view(" \t\r\n,:").find(text_[at_]) != std::string_view::npos)
      step();
    return here_;
  }

  /// Steps over a bracket.
  void take_bracket() {
    find_token();
    step();
  }

  /// Steps over a string; the place is behind its quote.
  position take_string() {
    find_token();
    step();
    const position start = here_;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') step();
      step();
    }
    step();
    return start;
  }

  /// Steps over a number or a word and gives it as written.
  std::string_view take_word() {
    find_token();
    const std::size_t start = at_;
    while (at_ < text_.size() && std::string_view(" \t\r\n,:]}").find(text_[at_]) == std::string_view::npos)
      step();
    return text_.substr(start, at_ - start);
  }

  /// The place of a byte further on.
  position forward_to(std::size_t offset) {
    while (at_ < text_.size() && at_ < offset) step();
    return here_;
  }

 private:
  void step() {
    if (at_ >= text_.size()) return;
    const bool line_ends = text_[at_++] == '\n';
    here_ = line_ends ? position{here_.line + 1, 1} : position{here_.line, here_.column + 1};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  position here_{1, 1};
};

/// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error …; last read: …" without
/// what we say better.
std::string reason_of(std::string_view what) {
  if (const auto start = what.find("syntax error"); start != std::string_view::npos)
    what.remove_prefix(start);
  const auto last_read = what.find("; last read: ");
  const auto expected = what.find("; expected ");
  std::string text(what.substr(0, std::min(last_read, expected)));
  if (expected != std::string_view::npos) text += what.substr(expected);
  return text;
}

class json_events final : public nlohmann::json_sax<nlohmann::json> {
 public:
  json_events(std::string_view text, protocol::diagnostics& out) : cursor_(text), tree_(out) {}

  bool null() override { return add_word(); }
  bool boolean(bool /*value*/) override { return add_word(); }
  bool number_integer(number_integer_t /*value*/) override { return add_word(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return add_word(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return add_word(); }
  bool binary(binary_t& /*value*/) override { return false; }

  bool string(string_t& value) override {
    node text;
    text.kind = node_kind::text;
    text.where = cursor_.take_string();
    text.text = value;
    tree_.add(std::move(text));
    return true;
  }

  bool key(string_t& value) override {
    tree_.key(value, cursor_.take_string());
    return true;
  }

  bool start_object(std::size_t /*elements*/) override { return open(node_kind::map); }
  bool start_array(std::size_t /*elements*/) override { return open(node_kind::list); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t offset, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    // nlohmann counts the characters that it read, the offending one included.
    const position where = cursor_.forward_to(offset == 0 ? 0 : offset - 1);
    throw unreadable{{where, "", reason_of(error.what()), ""}};
  }

  node take() { return tree_.take(); }

 private:
  bool open(node_kind kind) {
    tree_.open(kind, cursor_.find_token());
    cursor_.take_bracket();
    return true;
  }

  bool close() {
    cursor_.take_bracket();
    tree_.close();
    return true;
  }

  bool add_word() {
    node word;
    word.where = cursor_.find_token();
    word.text = cursor_.take_word();
    word.kind = kind_of_plain(word.text);
    tree_.add(std::move(word));
    return true;
  }

  cursor cursor_;
  tree_builder tree_;
};

}  // namespace

node read_json(std::string_view text, protocol::diagnostics& out) {
  json_events events(text, out);
  nlohmann::json::sax_parse(text.begin(), text.end(), &events);
  return events.take();
}

}  // namespace duplexd::config
