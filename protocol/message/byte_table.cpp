#include <fmt/format.h>

#include <optional>
#include <utility>

#include "protocol/codec/number_from_json.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::protocol {
namespace {

constexpr const char* number_type_names[] = {"i8",  "u8",   "i16",    "u16",    "i24",    "u24",
                                             "i32", "u32",  "i64",    "u64",    "f16",    "f32",
                                             "f64", "bool", "varint", "zigzag", "digits", "hex digits"};

/// Writes one line for each field. Offsets are known until something of variable size comes.
class table_writer {
 public:
  explicit table_writer(const program& p) : p_(p) {}

  std::string run() {
    rows(0, p_.routines.front().end, 0);
    if (lost_.empty())
      out_ += "packs what it unpacks\n";
    else
      out_ += fmt::format("packing also needs what unpacking leaves out: {}\n", lost_);
    return std::move(out_);
  }

 private:
  void rows(std::int32_t pc, std::int32_t end, int depth) {
    for (; pc < end; pc = p_.code[static_cast<std::size_t>(pc)].next) row(pc, depth);
  }

  void line(int depth, const std::string& size, const std::string& name, const std::string& what) {
    const std::string offset = offset_ ? std::to_string(*offset_) : "…";
    out_ += fmt::format("{:>6}  {:>6}  {:{}}{}{}{}\n", offset, size, "", 2 * depth, name,
                        name.empty() || what.empty() ? "" : ": ", what);
  }
  void advance(std::optional<std::size_t> bytes) {
    if (offset_ && bytes)
      *offset_ += *bytes;
    else
      offset_.reset();
  }

  std::string name(const instruction& in) const {
    return in.name && !in.helper ? p_.names[in.name].text : std::string();
  }
  std::string expr(expression_id index) const { return p_.expressions[index].text; }
  std::string extent_text(extent_id index) const {
    const extent& e = p_.extents[index];
    if (e.what == extent::kind::rest) return "the rest";
    if (e.what == extent::kind::fixed) return std::to_string(e.value);
    if (e.what == extent::kind::until) return "";
    if (e.expr) return expr(e.expr);
    for (const instruction& in : p_.code)
      if (in.slot == e.slot && !in.helper && in.name) return name(in);
    return "as many as said";
  }

  std::string end_text(const instruction& in) const {
    const bool ends = in.size && p_.extents[in.size].end;
    return ends ? fmt::format(", up to \"{}\"", one_line(p_.texts[p_.extents[in.size].end])) : std::string();
  }

  void row(std::int32_t pc, int depth) {
    const instruction& in = p_.code[static_cast<std::size_t>(pc)];
    switch (in.code) {
      case op::number:
        return number(in, depth);
      case op::blob:
      case op::zero_text:
      case op::until:
        return blob(in, depth);
      case op::pad:
        line(depth, std::to_string(in.constant), "", "padding");
        return advance(static_cast<std::size_t>(in.constant));
      case op::align:
        line(depth, "", "", fmt::format("padding up to a multiple of {}", in.constant));
        if (offset_)
          offset_ = (*offset_ + static_cast<std::size_t>(in.constant) - 1) /
                    static_cast<std::size_t>(in.constant) * static_cast<std::size_t>(in.constant);
        return;
      case op::object:
        if (in.name) line(depth, "", name(in), "a map");
        return rows(pc + 1, in.next, in.name ? depth + 1 : depth);
      case op::region:
        if (p_.extents[in.size].what != extent::kind::rest)
          line(depth, "", "", fmt::format("within {} bytes", extent_text(in.size)));
        return rows(pc + 1, in.next, depth);
      case op::nullable:
        line(depth, "", name(in), fmt::format("null if the size or count before it is {}", in.constant));
        rows(pc + 1, in.next, depth + 1);
        return advance(std::nullopt);
      case op::placed: {
        const auto behind = std::exchange(offset_, std::nullopt);
        line(depth, "", name(in),
             fmt::format("at byte {}{}", extent_text(in.size),
                         in.none ? fmt::format(", null if that is {}", *in.none) : ""));
        rows(pc + 1, in.next, depth + 1);
        offset_ = behind;
        return;
      }
      case op::list:
        line(depth, "", name(in),
             fmt::format("a list up to \"{}\"", one_line(p_.texts[p_.extents[in.count].end])));
        rows(pc + 1, in.next, depth + 1);
        return advance(std::nullopt);
      case op::array:
        line(depth, "", name(in),
             fmt::format("a list of {}", p_.extents[in.count].what == extent::kind::rest
                                             ? "what the rest holds"
                                             : extent_text(in.count)));
        rows(pc + 1, in.next, depth + 1);
        return advance(std::nullopt);
      case op::choose:
        return choose(in, depth);
      case op::require:
        return line(depth, "", "", fmt::format("requires {}", expr(in.expr)));
      case op::view:
        return line(depth, "", name(in), fmt::format("computed from {}", expr(in.expr)));
      case op::nested:
      case op::frames:
        line(depth, "", name(in), in.code == op::frames ? "packets" : "decompressed, decoded or filled up");
        offset_.reset();
        return rows(pc + 1, in.next, depth + 1);
    }
  }

  void number(const instruction& in, int depth) {
    const unsigned width = width_of(in.type);
    std::string what = number_type_names[static_cast<int>(in.type)];
    what += end_text(in);
    if (width > 1) what += in.big ? ", big-endian" : ", little-endian";
    if (in.helper) what += ", length or count of what follows";
    if (in.from == value_source::constant) what += fmt::format(", always {}", in.constant);
    if (in.from == value_source::computed) what += fmt::format(", always {}", expr(in.expr));
    if (in.from == value_source::standard) what += fmt::format(", {} if not given", in.constant);
    if (in.from == value_source::derived && !in.helper) what += ", derived when packing";
    if (in.as == form::scaled) what += ", scaled";
    if (in.as == form::time) what += ", a time";
    if (in.as == form::checksum) what += ", a checksum";
    if (in.as == form::names || in.as == form::flags) what += ", by name";
    line(depth,
         is_digits(in.type) ? extent_text(in.size)
         : width == 0       ? fmt::format("1-{}", in.limit)
                            : std::to_string(width),
         name(in), what);
    if (in.as == form::bits)
      for (const bit_member& m : p_.bits[in.its<bits_rule>()].members) {
        line(depth + 1, "", p_.names[m.name].text,
             fmt::format("bits {} to {}", m.shift + m.width - 1, m.shift));
        if (m.hidden && m.from == value_source::given) lose(p_.names[m.name].text);
      }
    else if (in.hidden && !in.helper && in.from == value_source::given && in.as != form::checksum)
      lose(name(in));
    advance(width == 0 ? std::nullopt : std::optional<std::size_t>(width));
  }

  void blob(const instruction& in, int depth) {
    static constexpr const char* kinds[] = {"text",
                                            "text, zero-padded",
                                            "bytes",
                                            "bytes, base64 in JSON",
                                            "JSON",
                                            "CBOR",
                                            "MessagePack",
                                            "text after its length byte",
                                            "UTF-16",
                                            "pairs of texts",
                                            "a message of Protocol Buffers"};
    const extent& e = p_.extents[in.size];
    const bool zero = in.code == op::zero_text;
    std::string what = zero ? "text up to a zero byte" : kinds[static_cast<int>(in.what)];
    what += end_text(in);
    if (in.from == value_source::constant) what += ", constant";
    line(depth, zero && e.what == extent::kind::rest ? "" : extent_text(in.size), name(in), what);
    if (in.hidden && in.from == value_source::given) lose(name(in));
    advance(e.what == extent::kind::fixed ? std::optional<std::size_t>(static_cast<std::size_t>(e.value))
                                          : std::nullopt);
  }

  void choose(const instruction& in, int depth) {
    const choice_rule& rule = p_.choices[in.its<choice_rule>()];
    const auto start = offset_;
    std::int32_t shown = -1;
    for (std::size_t i = 0; i < rule.cases.size(); ++i) {
      const choice_case& c = rule.cases[i];
      offset_ = start;
      line(depth, "", "",
           rule.is_if ? fmt::format("if {}", expr(in.expr))
                      : fmt::format("if {} is {}", expr(in.expr), c.label));
      if (c.begin == shown && c.begin != c.end) {
        line(depth + 1, "", "", "the same");
        continue;
      }
      shown = c.begin;
      rows(c.begin, c.end, depth + 1);
    }
    if (rule.has_otherwise && (!rule.is_if || rule.otherwise.begin != rule.otherwise.end)) {
      offset_ = start;
      line(depth, "", "", "else");
      rows(rule.otherwise.begin, rule.otherwise.end, depth + 1);
    }
    offset_.reset();
  }

  void lose(const std::string& field) {
    if (!lost_.empty()) lost_ += ", ";
    lost_ += field;
  }

  const program& p_;
  std::string out_;
  std::string lost_;
  std::optional<std::size_t> offset_ = 0;
};

void add_rows(const std::vector<json_part>& parts, const std::string& path, std::string& out) {
  for (const json_part& part : parts) {
    const std::string at = path + part.name;
    if (!part.parts.empty()) {
      add_rows(part.parts, at + ".", out);
      continue;
    }
    out += fmt::format("        {}: {}\n", at,
                       part.what == json_part::kind::constant ? "always " + part.value.dump()
                       : part.optional                        ? "JSON, may be left out"
                                                              : "JSON");
  }
}

}  // namespace

std::string byte_table(const message_type& type) {
  std::string out = fmt::format("{} {} ({})\n", type.way == direction::command ? "command" : "reply",
                                type.name, type.frame == frame_kind::text ? "text" : "binary");
  if (type.body == message_type::body_kind::layout) {
    out += fmt::format("{:>6}  {:>6}  field\n", "offset", "bytes");
    return out + table_writer(type.layout).run();
  }
  if (type.schema) return out + type.schema->table();
  if (type.body == message_type::body_kind::json) return out + "        the whole text is JSON\n";
  add_rows(type.parts, "", out);
  return out;
}

}  // namespace duplexd::protocol
