#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/message/protocol.hpp"

namespace duplexd::protocol::fuzzing {

/// Takes decisions from the front of the input; what is left is the packet. After the end every answer is 0.
class decisions {
 public:
  decisions(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  unsigned below(unsigned count) { return at_ < size_ ? data_[at_++] % count : 0; }

  /// A copy of exactly its size on the heap, so that a sanitizer sees one byte too many.
  [[nodiscard]] std::vector<std::uint8_t> rest() const { return {data_ + at_, data_ + size_}; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

inline node text_node(std::string value) {
  node out;
  out.kind = node_kind::text;
  out.where = {1, 1};
  out.text = std::move(value);
  return out;
}
inline node boolean_node(bool value) {
  node out = text_node(value ? "true" : "false");
  out.kind = node_kind::boolean;
  return out;
}
inline node map_node(std::vector<std::pair<std::string, node>> entries) {
  node out;
  out.kind = node_kind::map;
  out.where = {1, 1};
  for (auto& [key, value] : entries) out.entries.push_back({key, {1, 1}, std::move(value)});
  return out;
}
inline node list_node(std::vector<node> items) {
  node out;
  out.kind = node_kind::list;
  out.where = {1, 1};
  out.items = std::move(items);
  return out;
}

/// Makes up a lawful layout whose values survive being unpacked and packed again.
class layout_generator {
 public:
  explicit layout_generator(decisions& from) : from_(from) {}

  node layout(unsigned depth) {
    std::vector<node> items;
    const unsigned count = 1 + from_.below(4);
    for (unsigned i = 0; i < count; ++i) items.push_back(item(depth));
    return list_node(std::move(items));
  }

 private:
  std::string name() { return "f" + std::to_string(next_++); }

  node item(unsigned depth) {
    static const char* const plain[] = {
        "b",         "B",     "h",       "H",        "i",      "I",    "q",      "Q",
        "u24",       "i24",   "e",       "f",        "d",      "?",    "varint", "zigzag",
        "varint(4)", "H/100", "i*0.001", "B/7",      "I@s",    "q@us", "zstr",   "str(4)",
        "zstr(6)",   "5s",    "c",       "bytes(3)", "b64(2)", "2H",   "4p"};
    static const char* const sized[] = {"str", "bytes", "json", "b64", "cbor", "msgpack", "H[*]", "zstr[*]"};
    static const char* const cut[] = {"str", "bytes", "decnum", "hexnum", "b64", "json"};
    static const char* const ends[] = {"\"\\r\\n\"", "'\\n\\n'", "\"\\0\"", "\"\\x1e!\""};
    static const char* const prefixes[] = {":B", ":>H", ":varint"};
    const char* const order = from_.below(2) != 0 ? "> " : "< ";
    switch (from_.below(depth > 1 ? 21 : depth > 0 ? 20 : 9)) {
      case 0:
      case 1:
        return text_node(order + name() + ":" + plain[from_.below(31)]);
      case 2:
        return text_node(order + name() + ":" + sized[from_.below(6)] + "(" + prefixes[from_.below(3)] + ")");
      case 3: {
        const std::string size = "_" + name();
        return text_node(order + size + ":B " + name() + ":str(" + size + ")");
      }
      case 4:
        return text_node(order + name() + ":" + plain[from_.below(19)] + "[" + prefixes[from_.below(3)] +
                         "]");
      case 5:
        return text_node(order + name() + ":" + cut[from_.below(6)] + "(until " + ends[from_.below(4)] + ")");
      case 6:
        return text_node(order + name() + ":" + cut[from_.below(4)] + "(until " + ends[from_.below(4)] +
                         ", 5)[" + (from_.below(2) != 0 ? ":decnum(2)]" : ":hexnum(until \"-\")]"));
      case 7: {
        const std::string size = "_" + name();
        return text_node(size + (from_.below(2) != 0 ? ":decnum(until ' ') " : ":hexnum(3) ") + name() +
                         ":bytes(" + size + ") " + name() + ":decnum(:B)");
      }
      case 8: {
        const std::string size = name();
        return text_node(size + ":B " + name() + ":hexnum(" + size + ") " + name() + ":decnum(" + size +
                         " * 2 % 7)");
      }
      case 9: {
        const std::string key = name();
        return list_node(
            {text_node(key + ":B"), map_node({{"switch", text_node(key)},
                                              {"cases", map_node({{"0", layout(depth - 1)},
                                                                  {"1, 2", layout(depth - 1)},
                                                                  {"else", layout(depth - 1)}})}})});
      }
      case 10: {
        const std::string key = name();
        return list_node({text_node(key + ":B"), map_node({{"if", text_node(key + " & 1")},
                                                           {"then", layout(depth - 1)},
                                                           {"else", layout(depth - 1)}})});
      }
      case 11:
        return map_node({{name(), map_node({{"array", layout(depth - 1)},
                                            {"count", text_node(prefixes[from_.below(3)])},
                                            {"each", text_node("B")}})}});
      case 12:
        return map_node({{name(), map_node({{"bits", text_node(">H")},
                                            {"fields", map_node({{"a", text_node("3")},
                                                                 {"b", text_node("?")},
                                                                 {"c", text_node("12")}})}})}});
      case 13:
        return map_node(
            {{name(), map_node({{"flags", text_node("B")},
                                {"names", map_node({{"0", text_node("x")}, {"5", text_node("y")}})}})},
             {name(), map_node({{"enum", text_node("B")}, {"names", map_node({{"1", text_node("one")}})}})}});
      case 14:
        return map_node({{name(), map_node({{"size", text_node(":B")}, {"type", layout(depth - 1)}})}});
      case 16: {
        static const char* const nullable[] = {"> str(:h)", "B[:b]", "bytes(:varint)", "zstr[:H]"};
        const unsigned which = from_.below(4);
        return map_node({{name(), map_node({{"type", text_node(nullable[which])},
                                            {"none", text_node(which < 2 ? "-1" : "3")}})}});
      }
      case 17: {
        const node escapes =
            map_node({{"@A", text_node("@")}, {"@S", text_node("/")}, {"\\", text_node("\n")}});
        const bool percent = from_.below(2) != 0;
        return map_node(
            {{name(),
              map_node({{"type", text_node(from_.below(2) != 0 ? "str(:B)" : "str(until '\\n')")},
                        {"pairs", map_node({{"separator", text_node(percent ? "&" : "/")},
                                            {"equals", text_node(percent ? "=" : "@=")},
                                            {"closed", boolean_node(from_.below(2) != 0)},
                                            {"escape", percent ? text_node("percent") : escapes}})}})}});
      }
      case 18: {
        static const char* const ended[] = {":B[until 0]", ":u24[until 65793]", ":zstr[until '\\0']",
                                            ":str(:B)[until '\\0']"};
        return text_node(order + name() + ended[from_.below(4)]);
      }
      case 19:
        return map_node({{name(), map_node({{"size", text_node(":B")},
                                            {"decode", text_node(from_.below(2) != 0 ? "hex" : "base64")},
                                            {"type", layout(depth - 1)}})}});
      case 20: {  // not within what has a small size: bytes that are shared are packed once for each
        const std::string at = "_" + name();
        const unsigned which = from_.below(3);
        std::vector<std::pair<std::string, node>> placed{{"type", which == 0   ? text_node("zstr")
                                                                  : which == 1 ? text_node("bytes(:B)")
                                                                               : layout(depth - 1)},
                                                         {"at", text_node(at)}};
        if (from_.below(2) != 0) placed.emplace_back("none", text_node("0"));
        return list_node({text_node(order + at + ":I"), map_node({{name(), map_node(std::move(placed))}})});
      }
      default:
        return map_node({{name(), map_node({{"size", text_node(":B")},
                                            {"inflate", text_node(from_.below(2) != 0 ? "zlib" : "zstd")},
                                            {"type", layout(depth - 1)}})}});
    }
  }

  decisions& from_;
  unsigned next_ = 0;
};

/// A protocol whose one reply and one command have a made-up layout; null if that came out unlawful.
inline std::shared_ptr<const protocol> make_protocol(decisions& from) {
  layout_generator generator(from);
  const node layout = generator.layout(2);
  diagnostics ignored;
  return protocol::compile(
      map_node({{"limits", map_node({{"inflate", text_node("100000")}, {"count", text_node("10000")}})},
                {"commands", map_node({{"c", map_node({{"layout", layout}})}})},
                {"replies", list_node({map_node({{"layout", layout}, {"as", text_node("r")}})})}}),
      "p", ignored);
}

}  // namespace duplexd::protocol::fuzzing
