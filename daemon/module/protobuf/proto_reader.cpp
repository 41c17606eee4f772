#include "daemon/module/protobuf/proto_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <utility>

#include "daemon/module/protobuf/proto_message.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd {

namespace pb = google::protobuf;
using protocol::node;
using protocol::node_kind;

namespace {

/// Reads the keys of the layout.
class layout_keys {
 public:
  layout_keys(const node& layout, const proto_reader::complaint& complain)
      : layout_(layout), complain_(complain) {}

  void known_keys() {
    static const std::vector<std::string> keys{"protobuf", "message", "import", "int64", "names", "defaults"};
    for (const protocol::node_entry& entry : layout_.entries)
      if (std::ranges::find(keys, entry.key) == keys.end())
        fail(entry.key, fmt::format("unknown key '{}'", entry.key),
             protocol::suggest_or_list(entry.key, keys));
  }

  /// A text, or a list of them.
  std::vector<std::string> texts(const char* key, const char* what) {
    const node* const given = layout_.find(key);
    std::vector<std::string> made;
    if (given == nullptr) return made;
    const auto take = [&](const node& from) {
      if (from.kind == node_kind::text && !from.text.empty()) return made.push_back(from.text);
      fail(key, fmt::format("expected {} or a list, found {}", what, protocol::describe(from.kind)), "");
    };
    if (given->kind != node_kind::list) take(*given);
    for (const node& each : given->items) take(each);
    if (given->kind == node_kind::list && given->items.empty()) fail(key, "the list is empty", "");
    return made;
  }

  std::string text(const char* key, const char* hint) {
    const node* const given = layout_.find(key);
    if (given != nullptr && given->kind == node_kind::text) return given->text;
    fail(given == nullptr ? "" : key,
         given == nullptr ? fmt::format("'{}' is missing", key)
                          : fmt::format("expected a text, found {}", protocol::describe(given->kind)),
         hint);
    return "";
  }

  /// Whether the second of two words is there; the first is the default.
  bool second_of(const char* key, const char* first, const char* second) {
    const node* const given = layout_.find(key);
    if (given != nullptr && given->text != first && given->text != second)
      fail(key, fmt::format("'{}' is not a valid choice", given->text),
           fmt::format("{} or {}", first, second));
    return given != nullptr && given->text == second;
  }

  bool boolean(const char* key) {
    const node* const given = layout_.find(key);
    if (given != nullptr && given->kind != node_kind::boolean) fail(key, "expected true or false", "");
    return given != nullptr && given->text == "true";
  }

  void fail(const std::string& key, std::string why, std::string hint) {
    good_ = false;
    complain_(key, std::move(why), std::move(hint));
  }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  const node& layout_;
  const proto_reader::complaint& complain_;
  bool good_ = true;
};

/// By its full name, or by the last part of it if no other message has that.
const pb::Descriptor* find_message(const proto_files& files, const std::string& name, std::string& hint) {
  if (const auto* found = files.pool.FindMessageTypeByName(name)) return found;
  std::vector<std::string> ends;
  for (const std::string& each : files.names)
    if (each.ends_with("." + name)) ends.push_back(each);
  if (ends.size() == 1) return files.pool.FindMessageTypeByName(ends.front());
  if (ends.size() > 1) {
    hint = fmt::format("one of {}", fmt::join(ends, ", "));
    return nullptr;
  }
  std::vector<std::string> known;
  for (const std::string& each : files.names) {
    if (each.starts_with("google.protobuf.")) continue;
    known.push_back(each);
    if (const auto dot = each.rfind('.'); dot != std::string::npos && name.find('.') == std::string::npos)
      known.push_back(each.substr(dot + 1));
  }
  hint = protocol::suggest_or_list(name, known);
  return nullptr;
}

}  // namespace

// libprotobuf writes to stderr what it also returns.
proto_reader::proto_reader() {
  pb::SetLogHandler(nullptr);
}

const proto_reader::known_files& proto_reader::files_of(const std::vector<std::string>& files,
                                                        const std::vector<std::string>& paths,
                                                        const std::string& directory) {
  const std::string key =
      fmt::format("{}\n{}\n\n{}", directory, fmt::join(files, "\n"), fmt::join(paths, "\n"));
  const auto [at, is_new] = files_.try_emplace(key);
  if (is_new) at->second.files = read_proto_files(files, paths, directory, at->second.mistakes);
  return at->second;
}

std::shared_ptr<const protocol::schema_message> proto_reader::read(const node& layout,
                                                                   const std::string& directory,
                                                                   const protocol::codec_limits& limits,
                                                                   const complaint& complain) {
  layout_keys keys(layout, complain);
  keys.known_keys();
  const std::vector<std::string> files = keys.texts("protobuf", "a .proto file");
  const std::vector<std::string> paths = keys.texts("import", "a folder");
  const std::string name = keys.text("message", "message: the name of a message in that file");
  const proto_options options{keys.second_of("int64", "text", "number"),
                              keys.second_of("names", "json", "proto"),
                              keys.boolean("defaults"),
                              limits.elements,
                              limits.json_depth,
                              limits.inflated};
  if (!keys.good()) return nullptr;
  const known_files& read = files_of(files, paths, directory);
  for (const proto_mistake& each : read.mistakes) keys.fail("protobuf", each.text, "");
  if (read.files == nullptr) return nullptr;
  std::string hint;
  const pb::Descriptor* const type = find_message(*read.files, name, hint);
  if (type == nullptr) {
    keys.fail("message", fmt::format("there is no message '{}'", name), std::move(hint));
    return nullptr;
  }
  const well_known kind = kind_of(*type);
  if (kind != well_known::none && kind != well_known::structure && kind != well_known::any) {
    keys.fail("message",
              fmt::format("{} is no map in JSON, and a message's values are one", type->full_name()), "");
    return nullptr;
  }
  auto& made = messages_[fmt::format("{}\n{}\n{}{}{}\n{} {} {}", fmt::ptr(read.files.get()),
                                     type->full_name(), options.numbers, options.proto_names,
                                     options.defaults, options.elements, options.depth, options.json)];
  if (!made) made = std::make_shared<proto_message>(read.files, *type, options);
  return made;
}

}  // namespace duplexd
