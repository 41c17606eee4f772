#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
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
  return "a text with any of : # [ ] { } , & * ! | > ' \" % @ in it is best put in quotes";
}

/// The line with this number, from 0.
std::string_view line_of(std::string_view text, std::size_t number) {
  for (; number > 0 && !text.empty(); --number)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

/// Characters that look like a space, or like nothing.
std::optional<std::size_t> find_false_space(std::string_view line) {
  for (const std::string_view each : {"\u00a0", "\u2007", "\u202f", "\u3000", "\u200b", "\ufeff"})
    if (const auto at = line.find(each); at != std::string_view::npos) return at;
  return std::nullopt;
}

/// Where a quote opens in a line that does not close in it.
std::optional<std::size_t> find_open_quote(std::string_view line) {
  char open = 0;
  std::size_t opened = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (open == 0 && line[i] == '#' && (i == 0 || line[i - 1] == ' ')) break;
    const bool may_open = i == 0 || std::string_view(" [{,(").find(line[i - 1]) != std::string_view::npos;
    if (open == 0 && may_open && (line[i] == '\'' || line[i] == '"')) {
      open = line[i];
      opened = i;
    } else if (open == '"' && line[i] == '\\') {
      ++i;
    } else if (open != 0 && line[i] == open) {
      open = 0;
    }
  }
  return open != 0 ? std::optional(opened) : std::nullopt;
}

/// What yaml-cpp could not parse, from what stands around the place that it names.
protocol::diagnostic explained(std::string_view text, const YAML::Exception& error) {
  const position where = error.mark.is_null() ? position{} : place_of(error.mark);
  if (where.line == 0) return {where, "", error.msg, hint_for(error.msg)};
  const auto number = static_cast<std::size_t>(error.mark.line);
  const std::string_view line = line_of(text, number);
  const auto at = [&](std::size_t line_number, std::size_t column) {
    return position{static_cast<std::uint32_t>(line_number + 1), static_cast<std::uint32_t>(column + 1)};
  };
  const std::size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
  if (const auto tab = line.substr(0, indent).find('\t'); tab != std::string_view::npos)
    return {at(number, tab), "", "this line is indented with a tab", "YAML takes spaces only"};
  if (const auto space = find_false_space(line))
    return {at(number, *space), "", "this is not a space, though it looks like one or like nothing",
            "type the space again"};
  constexpr std::size_t looked_back = 3;
  for (std::size_t back = 1; back <= looked_back && back <= number; ++back)
    if (const auto quote = find_open_quote(line_of(text, number - back)))
      return {at(number - back, *quote), "", "this quote is not closed on its line", ""};
  if (error.msg.find("unknown token") != std::string::npos && error.mark.column >= 0 &&
      static_cast<std::size_t>(error.mark.column) < line.size())
    return {where, "",
            fmt::format("a text cannot begin with '{}' unless it is in quotes",
                        line[static_cast<std::size_t>(error.mark.column)]),
            "put it in quotes"};
  const bool at_begin = where.column == indent + 1;
  if (error.msg.find("end of") != std::string::npos && at_begin && line.substr(indent).starts_with("-"))
    return {where, "", "a list's item stands where a field of a map is expected",
            "is a '-' missing above, or is one of the lines indented differently?"};
  if (error.msg.find("end of") != std::string::npos && at_begin)
    return {where, "", "this line is indented like none of those that it could belong to",
            "fields of one map begin in the same column; those of a list's item below its first field"};
  return {where, "", error.msg, hint_for(error.msg)};
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
        throw unreadable{{tree_.open_at(), "", "this bracket is not closed, or a comma is missing behind it",
                          "a text with brackets or commas in it must be in quotes here"}};
    throw unreadable{explained(text_, error)};
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
