#include "daemon/cli/test_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/document/document.hpp"
#include "protocol/document/node_json.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::cli {

namespace {

using nlohmann::ordered_json;
using protocol::node;
using protocol::node_kind;
using names = std::vector<std::string>;

std::string joined(const names& all) {
  std::string out;
  for (const std::string& each : all) out += (out.empty() ? "" : ", ") + each;
  return out;
}

/// Reads the parts of a test file and collects the mistakes.
class test_reader {
 public:
  explicit test_reader(protocol::diagnostics& out) : out_(out) {}

  test_file read(const node& document) {
    test_file made;
    if (!is_map(document, "", {"config", "session", "cases"})) return made;
    made.config = text_of(document, "config", "", true);
    session_ = text_of(document, "session", "", false);
    const node* cases = document.find("cases");
    if (cases == nullptr || cases->kind != node_kind::list || cases->items.empty()) {
      complain(cases == nullptr ? document : *cases, "cases", "expected a list of cases", "");
      return made;
    }
    for (std::size_t i = 0; i < cases->items.size(); ++i)
      made.cases.push_back(read_case(cases->items[i], fmt::format("cases[{}]", i)));
    return made;
  }

 private:
  void complain(const node& at, const std::string& path, std::string message, std::string hint) {
    out_.push_back({at.where, path, std::move(message), std::move(hint)});
  }

  bool is_map(const node& value, const std::string& path, const names& known) {
    if (value.kind != node_kind::map) {
      complain(value, path, fmt::format("expected a map, not {}", protocol::describe(value.kind)), "");
      return false;
    }
    for (const protocol::node_entry& each : value.entries)
      if (std::ranges::find(known, each.key) == known.end())
        out_.push_back({each.where, path, fmt::format("unknown field '{}'", each.key),
                        protocol::suggest_or_list(each.key, known)});
    return true;
  }

  std::string text_of(const node& map, const std::string& key, const std::string& path, bool required) {
    const node* value = map.find(key);
    if (value == nullptr && required) complain(map, path, fmt::format("the field '{}' is missing", key), "");
    if (value == nullptr) return "";
    const bool is_good = value->is_scalar() && value->kind != node_kind::null && !value->text.empty();
    if (!is_good) complain(*value, path.empty() ? key : path + "." + key, "expected a text", "");
    return is_good ? value->text : "";
  }

  ordered_json json_of(const node& value, const std::string& path) {
    std::string error;
    ordered_json made = protocol::to_json(value, {}, &error);
    if (!error.empty()) complain(value, path, error, "");
    return made;
  }

  test_case read_case(const node& value, const std::string& path) {
    test_case made;
    made.where = value.where;
    if (!is_map(value, path,
                {"name", "session", "receive", "capture", "events", "send", "with", "hex", "text"}))
      return made;
    made.name = text_of(value, "name", path, true);
    made.session = text_of(value, "session", path, false);
    if (made.session.empty()) made.session = session_;
    names kinds;
    for (const char* each : {"receive", "send", "capture"})
      if (value.find(each) != nullptr) kinds.emplace_back(each);
    if (kinds.size() != 1) {
      complain(value, path, "expected exactly one of receive, send and capture",
               kinds.empty() ? "" : "found: " + joined(kinds));
    } else if (kinds.front() == "receive") {
      refuse(value, path, {"with", "hex", "text"}, "send");
      made.what = receive_case{messages(*value.find("receive"), path + ".receive"), events(value, path)};
    } else if (kinds.front() == "capture") {
      refuse(value, path, {"with", "hex", "text"}, "send");
      made.what = capture_case{text_of(value, "capture", path, true), events(value, path)};
    } else {
      refuse(value, path, {"events"}, "receive and capture");
      const node* with = value.find("with");
      made.what = send_case{text_of(value, "send", path, true),
                            with == nullptr ? ordered_json() : json_of(*with, path + ".with"),
                            message_in(value, path)};
    }
    return made;
  }

  void refuse(const node& value, const std::string& path, const names& fields, const char* only_with) {
    for (const protocol::node_entry& each : value.entries)
      if (std::ranges::find(fields, each.key) != fields.end())
        out_.push_back(
            {each.where, path + "." + each.key, fmt::format("only allowed with {}", only_with), ""});
  }

  std::vector<test_message> messages(const node& value, const std::string& path) {
    std::vector<test_message> all;
    if (value.kind != node_kind::list) {
      all.push_back(message(value, path));
      return all;
    }
    for (std::size_t i = 0; i < value.items.size(); ++i)
      all.push_back(message(value.items[i], fmt::format("{}[{}]", path, i)));
    return all;
  }

  test_message message(const node& value, const std::string& path) {
    if (value.is_scalar()) return binary(value, path);
    return is_map(value, path, {"hex", "text"}) ? message_in(value, path) : test_message{};
  }

  /// One of the fields `hex` and `text`.
  test_message message_in(const node& map, const std::string& path) {
    const node* hex = map.find("hex");
    const node* text = map.find("text");
    if ((hex == nullptr) == (text == nullptr)) {
      complain(map, path, "expected either hex or text", "");
      return {};
    }
    if (hex != nullptr) return binary(*hex, path + ".hex");
    if (!text->is_scalar()) complain(*text, path + ".text", "expected a text", "");
    return {protocol::frame_kind::text, {text->text.begin(), text->text.end()}};
  }

  test_message binary(const node& value, const std::string& path) {
    std::string digits = value.text;
    std::erase_if(digits, [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == ':'; });
    auto bytes = value.is_scalar() ? protocol::parse_hex(digits) : std::nullopt;
    if (!bytes) complain(value, path, "expected hex digits", "for text frames write {text: …}");
    return {protocol::frame_kind::binary, bytes ? std::move(*bytes) : std::vector<std::uint8_t>{}};
  }

  ordered_json events(const node& value, const std::string& path) {
    const node* list = value.find("events");
    const std::string here = path + ".events";
    if (list == nullptr || list->kind != node_kind::list) {
      complain(list == nullptr ? value : *list, list == nullptr ? path : here, "expected a list of events",
               "events: [{reply: NAME, data: {…}}]; [] means none");
      return ordered_json::array();
    }
    for (std::size_t i = 0; i < list->items.size(); ++i)
      check_event(list->items[i], fmt::format("{}[{}]", here, i));
    return json_of(*list, here);
  }

  void check_event(const node& value, const std::string& path) {
    if (!is_map(value, path, {"reply", "data", "where", "error"})) return;
    if (value.find("reply") != nullptr) (void)text_of(value, "reply", path, true);
    if (value.find("reply") == nullptr && value.find("error") == nullptr)
      complain(value, path, "expected reply or error", "");
    int compared = 0;
    for (const char* each : {"data", "where", "error"}) compared += value.find(each) != nullptr ? 1 : 0;
    if (compared > 1) complain(value, path, "data, where and error cannot be used together", "");
    for (const char* each : {"where", "error"})
      if (const node* fields = value.find(each); fields != nullptr && fields->kind != node_kind::map)
        complain(*fields, path + "." + each, "expected a map of fields", "");
  }

  protocol::diagnostics& out_;
  std::string session_;  ///< of cases that name none
};

}  // namespace

std::optional<test_file> read_test_file(std::string_view text, protocol::diagnostics& out) {
  const std::size_t before = out.size();
  const auto document = config::read_document(text, config::document_format::yaml, out);
  if (!document) return std::nullopt;
  test_file made = test_reader(out).read(*document);
  if (out.size() > before) return std::nullopt;
  return made;
}

}  // namespace duplexd::cli
