#pragma once

#include <string>
#include <string_view>

#include "config/document/document.hpp"
#include "tests/protocol/codec_harness.hpp"

namespace duplexd::protocol::testing {

/// The tree of a YAML text that is known to be right.
inline node yaml(std::string_view text) {
  diagnostics out;
  const auto read = config::read_document(text, config::document_format::yaml, out);
  REQUIRE(out.empty());
  REQUIRE(read);
  return *read;
}

/// A protocol whose command "c" and reply "r" have this layout: a line, a list "[…]" or item "{…}",
/// or a YAML map of `layout` and what stands beside it in the message or the protocol.
inline node definition(const std::string& layout) {
  const bool whole = layout.find("layout:") != std::string::npos;
  const bool tree = layout.front() == '[' || layout.front() == '{';
  node message = map({});
  node around = map({});
  const node read =
      whole || tree ? yaml(whole ? layout : "layout: " + layout) : map({{"layout", text(layout)}});
  for (const node_entry& entry : read.entries) {
    const bool inner = entry.key == "layout" || entry.key == "examples" || entry.key == "trailing";
    (inner ? message : around).entries.push_back(entry);
  }
  node reply = message;
  reply.entries.push_back({"as", {1, 1}, text("r")});
  around.entries.push_back({"commands", {1, 1}, map({{"c", message}})});
  around.entries.push_back({"replies", {1, 1}, list({reply})});
  return around;
}

/// What the bytes unpack to: JSON without the reply's name, or "! error"; packets are parted by a space.
inline std::string unpacked(const std::string& layout, const std::string& hex) {
  std::string out;
  for (const std::string& each : read(compiled(definition(layout)), hex))
    out += (out.empty() ? "" : " ") + (each.starts_with("r ") ? each.substr(2) : each);
  return out;
}

/// What the values (JSON) pack to: hex digits, or the error.
inline std::string packed_from(const std::string& layout, const std::string& json) {
  return packed(*compiled(definition(layout)), "c", nlohmann::ordered_json::parse(json));
}

/// Every mistake of a protocol as "line:column path: message (hint)", one a line.
inline std::string mistakes_of(const node& from) {
  diagnostics found;
  const auto made = protocol::compile(from, "p", found);
  CHECK((made == nullptr) != found.empty());
  std::string out;
  for (const diagnostic& each : found) {
    if (!out.empty()) out += '\n';
    out += std::to_string(each.where.line) + ":" + std::to_string(each.where.column) + " " + each.path +
           ": " + each.message + (each.hint.empty() ? "" : " (" + each.hint + ")");
  }
  return out;
}

inline std::string mistakes_in_protocol(const std::string& text) {
  return mistakes_of(yaml(text));
}

/// The mistakes of a layout without their path, once: a command's and a reply's are the same.
inline std::string mistakes_in(const std::string& layout) {
  node from = definition(layout);
  std::erase_if(from.entries, [](const node_entry& each) { return each.key == "replies"; });
  std::string out = mistakes_of(from);
  const std::string path = " p.commands.c:";
  for (std::size_t at = out.find(path); at != std::string::npos; at = out.find(path))
    out.erase(at, path.size());
  return out;
}

/// A layout, what goes in and what comes out.
struct row {
  const char* layout;
  const char* in;
  const char* out;
};

/// Checks that `work(layout, in)` is `out`, row by row.
template <class Work>
void check_rows(const std::vector<row>& rows, Work work) {
  for (const row& each : rows) {
    INFO(each.layout << " | " << each.in);
    CHECK(work(each.layout, each.in) == each.out);
  }
}

/// The same for work that takes one text; an empty one to the right means: no mistake.
template <class Work>
void check_pairs(const std::vector<std::pair<const char*, const char*>>& pairs, Work work) {
  for (const auto& [in, out] : pairs) {
    INFO(in);
    CHECK(work(in) == out);
  }
}

}  // namespace duplexd::protocol::testing
