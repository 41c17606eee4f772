#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

#include "config/document/document.hpp"
#include "config/document/tree_builder.hpp"

namespace duplexd::config {

using protocol::node;
using protocol::node_kind;
using protocol::position;

namespace {

position place_of(const YAML::Mark& mark) {
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

std::string hint_for(const std::string& message) {
  if (message.find("invalid unicode") != std::string::npos)
    return "write the character itself, or \\U and eight digits; YAML has no surrogate pairs";
  if (message.find("end of") != std::string::npos || message.find("unknown token") != std::string::npos)
    return "a text with any of : # [ ] { } , & * ! | > ' \" % @ in it is best put in quotes";
  return "";
}

/// Builds the tree from yaml-cpp's events rather than from its nodes: they tell a plain scalar from a quoted
/// one, an alias from its anchor, and a key that is there twice.
class yaml_events final : public YAML::EventHandler {
 public:
  yaml_events(std::string_view text, protocol::diagnostics& out) : text_(text), tree_(out) {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const std::string_view word = null_word(mark);
    if (tree_.expects_key()) {
      if (word.empty()) refuse(mark, "a key is missing", "");
      tree_.key(std::string(word), place_of(mark));
      return;
    }
    node none;
    none.where = tree_.expected_at();
    if (!word.empty() && may_be_value(place_of(mark))) {
      none.where = place_of(mark);
      none.text = word;
    }
    remember(anchor, tree_.add(std::move(none)));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, "this alias stands inside of what it stands for", "");
    if (!tree_.expects_key())
      tree_.add(found->second);
    else if (found->second.is_scalar())
      tree_.key(found->second.text, place_of(mark));
    else
      refuse(mark, "a key must be a text", "");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    const bool plain = tag == "?";
    node scalar;
    scalar.where = plain ? place_of(mark) : content_place(mark);
    scalar.kind = plain ? kind_of_plain(value) : node_kind::text;
    scalar.text = value;
    if (!tree_.expects_key()) {
      remember(anchor, tree_.add(std::move(scalar)));
    } else {
      remember(anchor, scalar);
      if (plain && value == "<<")
        tree_.merge_key(scalar.where);
      else
        tree_.key(value, scalar.where);
    }
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(node_kind::list, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(node_kind::map, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  node take() { return tree_.take(); }

  /// What yaml-cpp could not parse. It marks a bracket that is not closed with the file's first character.
  [[noreturn]] void refuse(const YAML::Exception& error) const {
    for (const char* unclosed : {YAML::ErrorMsg::END_OF_SEQ_FLOW, YAML::ErrorMsg::END_OF_MAP_FLOW})
      if (error.msg == unclosed)
        throw unreadable{
            {tree_.open_at(), "", "this bracket is not closed, or a comma is missing behind it", ""}};
    const position where = error.mark.is_null() ? position{} : place_of(error.mark);
    throw unreadable{{where, "", error.msg, hint_for(error.msg)}};
  }

 private:
  [[noreturn]] static void refuse(const YAML::Mark& mark, std::string message, std::string hint) {
    throw unreadable{{place_of(mark), "", std::move(message), std::move(hint)}};
  }

  /// "?" and "!" are what yaml-cpp gives for plain and for quoted; a "!" that was written is a tag as well.
  void check_tag(const YAML::Mark& mark, const std::string& tag) const {
    if ((tag == "?" || tag == "!") && character_at(mark) != '!') return;
    refuse(mark, "an unquoted '!' starts a YAML tag, and tags have no meaning here",
           "put the text in quotes");
  }

  [[nodiscard]] char character_at(const YAML::Mark& mark) const {
    const auto at = static_cast<std::size_t>(mark.pos);
    return at < text_.size() ? text_[at] : '\0';
  }

  /// The first character of what a quoted or block scalar says.
  [[nodiscard]] position content_place(const YAML::Mark& mark) const {
    position where = place_of(mark);
    std::size_t at = static_cast<std::size_t>(mark.pos);
    if (character_at(mark) == '&') {  // an anchor stands before it
      const std::size_t start = text_.find_first_of(" \t", at);
      const std::size_t scalar = text_.find_first_not_of(" \t", start);
      if (scalar == std::string_view::npos) return where;
      where.column += static_cast<std::uint32_t>(scalar - at);
      at = scalar;
    }
    if (at >= text_.size()) return where;
    if (text_[at] == '"' || text_[at] == '\'') return {where.line, where.column + 1};
    if (text_[at] != '|' && text_[at] != '>') return where;
    std::size_t line_start = text_.find('\n', at);
    while (line_start != std::string_view::npos) {
      ++where.line;
      const std::size_t first = text_.find_first_not_of(' ', ++line_start);
      if (first == std::string_view::npos) break;
      if (text_[first] != '\n' && text_[first] != '\r')
        return {where.line, static_cast<std::uint32_t>(first - line_start + 1)};
      line_start = text_.find('\n', first);
    }
    return place_of(mark);
  }

  /// A null as it is written here, or nothing.
  [[nodiscard]] std::string_view null_word(const YAML::Mark& mark) const {
    const std::string_view rest = text_.substr(std::min(text_.size(), static_cast<std::size_t>(mark.pos)));
    for (const std::string_view word : {"~", "null", "Null", "NULL"})
      if (rest.starts_with(word)) return rest.substr(0, word.size());
    return {};
  }

  /// yaml-cpp marks a null that is not written with the token after it, which may be a key `null`.
  [[nodiscard]] bool may_be_value(position marked) const {
    const position key = tree_.expected_at();
    return marked.line == key.line || marked.column > key.column;
  }

  void open(node_kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check_tag(mark, tag);
    if (tree_.expects_key()) refuse(mark, "a key must be a text", "");
    tree_.open(kind, place_of(mark));
    open_anchors_.push_back(anchor);
  }

  void close() {
    const YAML::anchor_t anchor = open_anchors_.back();
    open_anchors_.pop_back();
    remember(anchor, tree_.close());
  }

  void remember(YAML::anchor_t anchor, const node& value) {
    if (anchor == YAML::NullAnchor) return;
    tree_.charge(value);
    anchors_.insert_or_assign(anchor, value);
  }

  std::string_view text_;
  tree_builder tree_;
  std::vector<YAML::anchor_t> open_anchors_;
  std::map<YAML::anchor_t, node> anchors_;
};

}  // namespace

node read_yaml(std::string_view text, protocol::diagnostics& out) {
  yaml_events events(text, out);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(events)) return events.take();
    node first = events.take();
    yaml_events rest(text, out);
    if (parser.HandleNextDocument(rest))
      throw unreadable{{rest.take().where, "", "a second YAML document starts here", "keep one per file"}};
    return first;
  } catch (const YAML::Exception& error) {
    events.refuse(error);
  }
}

}  // namespace duplexd::config
