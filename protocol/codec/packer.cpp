#include "protocol/codec/packer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "protocol/codec/checksum.hpp"
#include "protocol/codec/compression.hpp"
#include "protocol/codec/framing.hpp"
#include "protocol/codec/number_from_json.hpp"
#include "protocol/codec/packed_value.hpp"
#include "protocol/codec/unpacker.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

using nlohmann::ordered_json;

/// Walks a program and appends bytes. What is only known later (sizes, counts, checksums) leaves a gap that
/// is filled when its region ends. A place is an offset into `out_`.
class packer {
 public:
  packer(const program& layout, std::vector<std::uint8_t>& out, codec_error& error, std::size_t depth)
      : p_(layout), out_(out), error_(error), base_(out.size()), packet_(base_), depth_(depth) {}

  bool run(const routine& what, const ordered_json& values) {
    element_ = &values;
    return block(what.begin, what.end) && finish_packet();
  }

 private:
  enum class slot_state : std::uint8_t { unknown, given, derived };
  // A place whose bytes are not known yet.
  struct gap {
    enum class kind : std::uint8_t { slot, expr, checksum, label } what = kind::slot;
    const instruction* in = nullptr;
    const bit_member* member = nullptr;
    std::size_t at = 0;
    std::size_t level = 0;
    std::int64_t label = 0;
    bool done = false;
  };
  // A view that the command gave a value for, to choose a case by.
  struct wish {
    const std::string* expr = nullptr;
    const view_rule* rule = nullptr;
    const ordered_json* value = nullptr;
  };

  // ---- errors
  bool fail_named(std::int32_t name, std::string message) {
    error_.field = name >= 0 ? p_.names[static_cast<std::size_t>(name)].text : std::string();
    error_.offset = out_.size() - base_;
    error_.message = std::move(message);
    return false;
  }
  bool fail(const instruction& in, std::string message) { return fail_named(in.name, std::move(message)); }
  bool under(const instruction& in, bool ok) {
    if (!ok && in.name >= 0) prefix_path(error_, p_.names[static_cast<std::size_t>(in.name)].text);
    return ok;
  }

  // ---- values
  const ordered_json* look_up(std::int32_t name) {
    if (current_ == nullptr || !current_->is_object()) return nullptr;
    const auto found = current_->find(p_.names[static_cast<std::size_t>(name)].text);
    if (found == current_->end()) return nullptr;
    ++consumed_;
    used_.push_back(&p_.names[static_cast<std::size_t>(name)].text);
    return &*found;
  }
  const ordered_json* given(const instruction& in) {
    if (in.helper) return nullptr;
    if (in.name < 0) return element_;
    if (!in.positional || in.code == op::object) return look_up(in.name);
    const auto index = static_cast<std::size_t>(position_++);
    if (current_ == nullptr || !current_->is_array() || index >= current_->size()) return nullptr;
    ++consumed_;
    return &(*current_)[index];
  }
  bool missing(const instruction& in) {
    if (in.positional) return fail(in, "a value is missing");
    return fail(in, "the field is missing");
  }
  bool needs(std::int32_t expr) {
    for (const expression_step& s : p_.expressions[static_cast<std::size_t>(expr)].steps) {
      if (s.what == expression_step::kind::slot &&
          known_[static_cast<std::size_t>(s.value)] == slot_state::unknown)
        return true;
      if (s.what == expression_step::kind::size || s.what == expression_step::kind::packet ||
          s.what == expression_step::kind::rest)
        return true;
    }
    return false;
  }
  std::optional<std::int64_t> eval(std::int32_t expr, std::size_t rest_from = 0) {
    const std::size_t region = regions_.empty() ? packet_ : regions_.back();
    return evaluate(p_.expressions[static_cast<std::size_t>(expr)],
                    {slots_, static_cast<std::int64_t>(out_.size() - region),
                     static_cast<std::int64_t>(out_.size() - packet_),
                     static_cast<std::int64_t>(out_.size() - rest_from)});
  }
  bool no_value(const instruction& in, std::int32_t expr) {
    const std::string& text = p_.expressions[static_cast<std::size_t>(expr)].text;
    if (needs(expr))
      return fail(in, fmt::format("'{}' is not known yet when packing; give the fields in it", text));
    return fail(in, fmt::format("'{}' has no value: it overflows or divides by zero", text));
  }
  void set_slot(std::int32_t slot, std::int64_t value, slot_state how) {
    if (slot < 0) return;
    slots_[static_cast<std::size_t>(slot)] = value;
    known_[static_cast<std::size_t>(slot)] = how;
  }

  // ---- the walk
  bool block(std::int32_t pc, std::int32_t end) {
    while (pc < end) {
      const instruction& in = p_.code[static_cast<std::size_t>(pc)];
      if (in.begin_mark >= 0) marks_[static_cast<std::size_t>(in.begin_mark)] = out_.size();
      if (!execute(in, pc)) return false;
      if (in.end_mark >= 0) marks_[static_cast<std::size_t>(in.end_mark)] = out_.size();
      pc = in.next;
    }
    return true;
  }

  bool execute(const instruction& in, std::int32_t pc) {
    switch (in.code) {
      case op::number:
        return number(in);
      case op::blob:
        return blob(in);
      case op::zero_text:
        return zero_text(in);
      case op::pad:
        out_.resize(out_.size() + static_cast<std::size_t>(in.constant));
        return true;
      case op::align: {
        const auto unit = static_cast<std::size_t>(in.constant);
        const std::size_t past = (out_.size() - regions_.back()) % unit;
        if (past != 0) out_.resize(out_.size() + unit - past);
        return true;
      }
      case op::object:
        return object(in, pc);
      case op::array:
        return array(in, pc);
      case op::region:
        return region(in, pc);
      case op::choose:
        return choose(in);
      case op::require:
        return require(in);
      case op::view:
        return view(in);
      case op::nested:
        return nested(in, pc);
      case op::frames:
        return frames(in);
    }
    return false;
  }

  // ---- numbers
  void put(const instruction& in, std::uint64_t raw) {
    const unsigned width = width_of(in.type);
    if (width == 0) return append_varint(out_, raw);
    out_.resize(out_.size() + width);
    store(out_.data() + out_.size() - width, raw, width, in.big);
  }
  void leave_gap(gap::kind what, const instruction& in, const bit_member* member = nullptr) {
    gap g;
    g.what = what;
    g.in = &in;
    g.member = member;
    g.at = out_.size();
    g.level = level_for(what, in);
    gaps_.push_back(g);
  }
  // An expression over the whole packet is filled in with the outermost region.
  std::size_t level_for(gap::kind what, const instruction& in) const {
    if (what == gap::kind::expr || what == gap::kind::label)
      for (const expression_step& s : p_.expressions[static_cast<std::size_t>(in.expr)].steps)
        if (s.what == expression_step::kind::packet) return packet_level_;
    return regions_.size();
  }

  bool number(const instruction& in) {
    if (in.as == form::bits) return bits(in);
    const ordered_json* value = given(in);
    if (value == nullptr) {
      switch (in.from) {
        case value_source::given:
          if (in.as != form::checksum) return missing(in);
          leave_gap(gap::kind::checksum, in);
          put(in, 0);
          return true;
        case value_source::derived:
        case value_source::computed:
          leave_gap(in.from == value_source::derived ? gap::kind::slot : gap::kind::expr, in);
          put(in, 0);
          return true;
        default:
          return fixed_number(in);
      }
    }
    std::int64_t divisor = 1;
    if (in.as == form::scaled) {
      const std::int32_t expr = p_.scales[static_cast<std::size_t>(in.side)].divisor_expr;
      if (expr >= 0) {
        const auto result = needs(expr) ? std::nullopt : eval(expr);
        if (!result || *result == 0) return no_value(in, expr);
        divisor = *result;
      }
    }
    std::uint64_t raw = 0;
    if (std::string why = number_from_json(p_, in, *value, divisor, raw); !why.empty())
      return fail(in, std::move(why));
    if (is_variable(in.type) && !fits_varint(in, raw)) return false;
    const std::int64_t number = is_float(in.type) ? 0 : expression_value(in.type, raw);
    if (in.strict && std::none_of(p_.enums[static_cast<std::size_t>(in.side)].names.begin(),
                                  p_.enums[static_cast<std::size_t>(in.side)].names.end(),
                                  [&](const auto& name) { return name.first == number; }))
      return fail(in, fmt::format("{} is not one of its names", number));
    if (in.from == value_source::constant && number != in.constant)
      return fail(in, fmt::format("it is always {}, found {}", in.constant, number));
    set_slot(in.slot, number, slot_state::given);
    put(in, raw);
    return true;
  }
  bool fits_varint(const instruction& in, std::uint64_t raw) {
    if (in.limit >= 10 || raw >> (7 * in.limit) == 0) return true;
    const std::string shown = in.type == number_type::zigzag
                                  ? fmt::format("{}", expression_value(in.type, raw))
                                  : fmt::format("{}", raw);
    return fail(in, fmt::format("{} needs more than the {} bytes of its varint", shown, in.limit));
  }
  bool fixed_number(const instruction& in) {
    std::uint64_t raw = 0;
    if (is_float(in.type)) {
      const ordered_json value(in.constant);
      if (std::string why = number_from_json(p_, in, value, 1, raw); !why.empty())
        return fail(in, std::move(why));
    } else if (std::string why = number_from_integer(in.type, in.constant, raw); !why.empty()) {
      return fail(in, std::move(why));
    }
    if (is_variable(in.type) && !fits_varint(in, raw)) return false;
    set_slot(in.slot, in.constant, slot_state::given);
    put(in, raw);
    return true;
  }

  bool bits(const instruction& in) {
    const bits_rule& rule = p_.bits[static_cast<std::size_t>(in.side)];
    const ordered_json* outer = current_;
    const std::size_t outer_consumed = consumed_;
    std::size_t used = used_.size();
    bool value_given = false;
    if (!rule.spliced) {
      current_ = given(in);
      value_given = current_ != nullptr;
      consumed_ = 0;
      used = used_.size();
      if (current_ != nullptr && !current_->is_object() && !current_->is_null())
        return fail(in, fmt::format("expected a map, found {}", kind_of(*current_)));
    }
    std::uint64_t raw = 0;
    for (const bit_member& m : rule.members)
      if (!bit(in, m, raw)) return rule.spliced ? false : under(in, false);
    if (!rule.spliced) {
      if (!all_used(in, used)) return false;
      used_.resize(used);
      current_ = outer;
      consumed_ = outer_consumed + (value_given ? 1 : 0);
    }
    put(in, raw);
    return true;
  }
  bool bit(const instruction& in, const bit_member& m, std::uint64_t& raw) {
    const ordered_json* value = look_up(m.name);
    std::int64_t number = m.constant;
    if (value == nullptr) {
      if (m.from == value_source::derived) return leave_gap(gap::kind::slot, in, &m), true;
      if (m.from == value_source::given) return fail_named(m.name, "the field is missing");
    } else if (!read_bit(m, *value, number)) {
      return false;
    }
    if (m.from == value_source::constant && number != m.constant)
      return fail_named(m.name, fmt::format("it is always {}, found {}", m.constant, number));
    set_slot(m.slot, number, slot_state::given);
    raw |= static_cast<std::uint64_t>(number) << m.shift;
    return true;
  }
  bool read_bit(const bit_member& m, const ordered_json& value, std::int64_t& number) {
    if (value.is_boolean() && m.width == 1) {
      number = value.get<bool>() ? 1 : 0;
      return true;
    }
    if (value.is_string() && m.names >= 0)
      for (const auto& [known, name] : p_.enums[static_cast<std::size_t>(m.names)].names)
        if (value.get_ref<const std::string&>() == name) {
          number = known;
          return true;
        }
    const std::int64_t top = m.width >= 63 ? INT64_MAX : (std::int64_t{1} << m.width) - 1;
    if (value.is_number_integer()) {
      number = value.get<std::int64_t>();
      if (number >= 0 && number <= top &&
          (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX))
        return true;
    }
    return fail_named(m.name,
                      fmt::format("expected an integer from 0 to {}, found {}", top,
                                  value.dump(-1, ' ', false, ordered_json::error_handler_t::replace)));
  }

  // ---- what is known only later
  void make_room(std::size_t after, std::size_t count) {
    out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(after), count, 0);
    const auto shift = [&](std::size_t& place) {
      if (place >= after) place += count;
    };
    for (gap& g : gaps_) shift(g.at);
    for (std::size_t& mark : marks_) shift(mark);
    for (std::size_t& begin : regions_) shift(begin);
    shift(packet_);
  }
  bool fill(gap& g, int128 value) {
    g.done = true;
    std::uint64_t raw = 0;
    if (g.member != nullptr) {
      if (value < 0 || value >= (int128{1} << g.member->width))
        return fail_named(g.member->name, fmt::format("a size or count of {} does not fit its {} bits",
                                                      static_cast<std::int64_t>(value), g.member->width));
      const unsigned width = width_of(g.in->type);
      raw = load(out_.data() + g.at, width, g.in->big) | static_cast<std::uint64_t>(value) << g.member->shift;
      store(out_.data() + g.at, raw, width, g.in->big);
      return true;
    }
    if (std::string why = number_from_integer(g.in->type, value, raw); !why.empty())
      return fail(*g.in, std::move(why));
    if (!is_variable(g.in->type)) {
      store(out_.data() + g.at, raw, width_of(g.in->type), g.in->big);
      return true;
    }
    if (!fits_varint(*g.in, raw)) return false;
    std::vector<std::uint8_t> bytes;
    append_varint(bytes, raw);
    const std::size_t at = g.at;
    make_room(at + 1, bytes.size() - 1);
    std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<std::ptrdiff_t>(at));
    return true;
  }

  // The field with this size or count turned out to have `actual`.
  bool settle(const instruction& in, std::int32_t index, std::size_t actual, const char* what) {
    const extent& e = p_.extents[static_cast<std::size_t>(index)];
    const auto value = static_cast<std::int64_t>(actual);
    if (e.what == extent::kind::rest) return true;
    if (e.what == extent::kind::fixed) {
      if (value == e.value) return true;
      return fail(in, fmt::format("it takes exactly {} {}, found {}", e.value, what, value));
    }
    if (e.what == extent::kind::computed) {
      const auto want = needs(e.expr) ? std::nullopt : eval(e.expr);
      if (!want) return no_value(in, e.expr);
      if (*want == value) return true;
      return fail(in, fmt::format("'{}' says {} {}, found {}",
                                  p_.expressions[static_cast<std::size_t>(e.expr)].text, *want, what, value));
    }
    const std::int64_t reduced = value - e.offset;
    if (reduced % e.factor != 0)
      return fail(in, fmt::format("{} {} are not a multiple of {}", value, what, e.factor));
    const std::int64_t wanted = reduced / e.factor;
    const slot_state state = known_[static_cast<std::size_t>(e.slot)];
    if (state == slot_state::given) return true;  // the command's own word
    if (state == slot_state::derived) {
      if (slots_[static_cast<std::size_t>(e.slot)] == wanted) return true;
      return fail(in, fmt::format("found {} {}, but another field with the same length has {}", value, what,
                                  slots_[static_cast<std::size_t>(e.slot)] * e.factor + e.offset));
    }
    set_slot(e.slot, wanted, slot_state::derived);
    // The newest gap: within an array each element has its own.
    for (std::size_t i = gaps_.size(); i > 0; --i) {
      gap& g = gaps_[i - 1];
      const std::int32_t slot = g.member != nullptr ? g.member->slot : g.in != nullptr ? g.in->slot : -1;
      if (g.what == gap::kind::slot && !g.done && slot == e.slot) return fill(g, wanted);
    }
    return true;
  }

  // The innermost region is complete: sizes first, from the back, then the checksums over them.
  bool finish_region() {
    const std::size_t level = regions_.size();
    for (std::size_t i = gaps_.size(); i > 0; --i) {
      gap& g = gaps_[i - 1];
      if (g.done || g.level != level) continue;
      if (g.what == gap::kind::slot)
        return fail_named(g.member != nullptr ? g.member->name : g.in->name,
                          "nothing in this packet gives it a value, so the command must");
      if (g.what == gap::kind::expr && !fill_expression(g)) return false;
      if (g.what == gap::kind::label && !check_label(g)) return false;
    }
    for (gap& g : gaps_)
      if (!g.done && g.level == level && g.what == gap::kind::checksum && !fill_checksum(g)) return false;
    while (!gaps_.empty() && gaps_.back().done) gaps_.pop_back();
    return true;
  }
  bool finish_packet() { return true; }

  bool fill_expression(gap& g) {
    // A varint that counts itself grows by being counted: settle it in a few rounds.
    std::size_t width = std::max(1u, width_of(g.in->type));
    for (int round = 0; round < 4; ++round) {
      const std::size_t extra = is_variable(g.in->type) ? width - 1 : 0;
      const std::size_t region = regions_.back();
      const auto& what = p_.expressions[static_cast<std::size_t>(g.in->expr)];
      for (const expression_step& s : what.steps)
        if (s.what == expression_step::kind::slot &&
            known_[static_cast<std::size_t>(s.value)] == slot_state::unknown)
          return no_value(*g.in, g.in->expr);
      const auto value = evaluate(
          what, {slots_, static_cast<std::int64_t>(out_.size() + extra - region),
                 static_cast<std::int64_t>(out_.size() + extra - packet_),
                 static_cast<std::int64_t>(out_.size() - g.at - std::max(1u, width_of(g.in->type)))});
      if (!value) return no_value(*g.in, g.in->expr);
      std::vector<std::uint8_t> bytes;
      if (is_variable(g.in->type) && *value >= 0) append_varint(bytes, static_cast<std::uint64_t>(*value));
      if (!is_variable(g.in->type) || bytes.size() == width || round == 3) {
        set_slot(g.in->slot, *value, slot_state::derived);
        return fill(g, *value);
      }
      width = bytes.empty() ? 1 : bytes.size();
    }
    return true;
  }
  bool check_label(gap& g) {
    g.done = true;
    const auto value = eval(g.in->expr, g.at);
    if (value && *value == g.label) return true;
    return fail_named(-1, fmt::format("the case for {} = {} was packed, but it came out as {}",
                                      p_.expressions[static_cast<std::size_t>(g.in->expr)].text, g.label,
                                      value.value_or(-1)));
  }
  bool fill_checksum(gap& g) {
    g.done = true;
    const checksum_rule& rule = p_.checksums[static_cast<std::size_t>(g.in->side)];
    const std::size_t width = width_of(g.in->type);
    const std::size_t begin = rule.over_rest        ? g.at + width
                              : rule.from_mark >= 0 ? marks_[static_cast<std::size_t>(rule.from_mark)]
                                                    : regions_.back();
    const std::size_t end = rule.over_rest      ? out_.size()
                            : rule.to_mark >= 0 ? marks_[static_cast<std::size_t>(rule.to_mark)]
                                                : g.at;
    if (begin > end || end > out_.size()) return fail(*g.in, "the checksum covers nothing");
    std::optional<std::uint8_t> extra;
    if (rule.extra_expr >= 0) {
      const auto value = eval(rule.extra_expr, out_.size());
      if (!value) return no_value(*g.in, rule.extra_expr);
      extra = static_cast<std::uint8_t>(*value);
    }
    const std::uint32_t value = checksum(rule.kind, bytes_view(out_).subspan(begin, end - begin), extra);
    store(out_.data() + g.at, value, static_cast<unsigned>(width), g.in->big);
    return true;
  }

  // ---- texts and bytes
  bool blob_bytes(const instruction& in, const ordered_json& value, std::string& bytes) {
    switch (in.what) {
      case content::json:
        if (append_json(bytes, value, p_.style)) return true;
        return fail(in, "a text in it is not UTF-8");
      case content::cbor:
      case content::msgpack: {
        const bool is_cbor = in.what == content::cbor;
        std::string wrong =
            write_packed(value, is_cbor ? packed_format::cbor : packed_format::msgpack, bytes);
        return wrong.empty() || fail(in, std::move(wrong));
      }
      default:
        break;
    }
    if (!value.is_string()) return fail(in, fmt::format("expected a text, found {}", kind_of(value)));
    const auto& text = value.get_ref<const std::string&>();
    const bool raw = in.what == content::bytes || in.what == content::base64 ||
                     (in.what == content::pascal && in.positional);
    if (raw) {
      const auto parsed = in.what == content::base64 ? parse_base64(text) : parse_hex(text);
      if (!parsed)
        return fail(in, in.what == content::base64 ? "expected base64 text"
                                                   : "expected hex digits, two for each byte");
      bytes.assign(parsed->begin(), parsed->end());
      return true;
    }
    if (find_bad_utf8(text) != text.size()) return fail(in, "the text is not UTF-8");
    bytes = text;
    return true;
  }

  // The bytes of a text or bytes field, or what its constant or standard value says.
  bool contents(const instruction& in, std::string& bytes) {
    const ordered_json* value = given(in);
    if (value == nullptr) {
      if (in.text < 0) return missing(in);
      bytes = p_.texts[static_cast<std::size_t>(in.text)];
      return true;
    }
    if (!blob_bytes(in, *value, bytes)) return false;
    if (in.side >= 0) {
      const auto& allowed = p_.enums[static_cast<std::size_t>(in.side)].names;
      const auto same = [&](const auto& each) { return each.second == bytes; };
      if (std::none_of(allowed.begin(), allowed.end(), same))
        return fail(in, "a text that is not allowed here");
    }
    if (in.from != value_source::constant || bytes == p_.texts[static_cast<std::size_t>(in.text)])
      return true;
    return fail(in, "it is constant, and the value is another one");
  }

  bool blob(const instruction& in) {
    std::string bytes;
    if (!contents(in, bytes)) return false;
    const extent& e = p_.extents[static_cast<std::size_t>(in.size)];
    if (e.what == extent::kind::fixed) {
      const auto size = static_cast<std::size_t>(e.value);
      if (in.what == content::pascal) {
        if (bytes.size() > 255 || (bytes.size() + 1 > size && !(size == 0 && bytes.empty())))
          return fail(in,
                      fmt::format("{} bytes do not fit {}, one of which is the length", bytes.size(), size));
        if (size > 0) bytes.insert(bytes.begin(), static_cast<char>(bytes.size()));
        bytes.resize(size);
      }
      if (in.what == content::padded_text) {
        if (bytes.size() > size) return fail(in, fmt::format("{} bytes do not fit {}", bytes.size(), size));
        bytes.resize(size);
      }
    }
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return settle(in, in.size, bytes.size(), "bytes");
  }

  bool zero_text(const instruction& in) {
    std::string bytes;
    if (!contents(in, bytes)) return false;
    if (bytes.find('\0') != std::string::npos) return fail(in, "the text holds a zero byte");
    bytes.push_back('\0');
    const extent& e = p_.extents[static_cast<std::size_t>(in.size)];
    if (e.what == extent::kind::fixed) {
      if (bytes.size() > static_cast<std::size_t>(e.value))
        return fail(in, fmt::format("{} bytes with the zero byte do not fit {}", bytes.size(), e.value));
      bytes.resize(static_cast<std::size_t>(e.value));
    }
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return settle(in, in.size, bytes.size(), "bytes");
  }

  // ---- structure
  bool object(const instruction& in, std::int32_t pc) {
    const ordered_json* value = given(in);
    if (value != nullptr && value->is_null()) value = nullptr;
    if (value != nullptr && !(in.positional ? value->is_array() : value->is_object()) && !value->empty())
      return fail(in,
                  fmt::format("expected {}, found {}", in.positional ? "a list" : "a map", kind_of(*value)));
    const ordered_json* outer = std::exchange(current_, value);
    const std::size_t outer_consumed = std::exchange(consumed_, 0);
    const int outer_position = std::exchange(position_, 0);
    const std::size_t used = used_.size();
    if (!under(in, block(pc + 1, in.next)) || !all_used(in, used)) return false;
    used_.resize(used);
    current_ = outer;
    consumed_ = outer_consumed;
    position_ = outer_position;
    return true;
  }
  // A value that nothing took is a mistake of whoever gave it.
  bool all_used(const instruction& in, std::size_t from) {
    if (current_ == nullptr || consumed_ >= current_->size()) return true;
    if (current_->is_array()) {
      (void)fail_named(-1, fmt::format("{} values are given, {} are wanted", current_->size(), consumed_));
      return under(in, false);
    }
    for (const auto& [key, value] : current_->items()) {
      const auto taken = [&](const std::string* name) { return *name == key; };
      if (std::any_of(used_.begin() + static_cast<std::ptrdiff_t>(from), used_.end(), taken)) continue;
      std::vector<std::string> known;
      for (const field_name& name : p_.names) known.push_back(name.text);
      const bool elsewhere = std::find(known.begin(), known.end(), key) != known.end();
      const std::string hint = elsewhere ? std::string() : suggest(key, known);
      error_ = {key, out_.size() - base_,
                elsewhere ? "the field has no place in this packet"
                          : fmt::format("there is no such field{}{}", hint.empty() ? "" : "; ", hint)};
      return under(in, false);
    }
    return true;
  }

  bool array(const instruction& in, std::int32_t pc) {
    const ordered_json* value = given(in);
    if (value == nullptr) return missing(in);
    if (!value->is_array()) return fail(in, fmt::format("expected a list, found {}", kind_of(*value)));
    const ordered_json* outer = element_;
    const std::size_t wishes = wishes_.size();
    for (std::size_t i = 0; i < value->size(); ++i) {
      wishes_.resize(wishes);
      element_ = &(*value)[i];
      forget(pc + 1, in.next);
      if (!block(pc + 1, in.next)) {
        prefix_path(error_, fmt::format("[{}]", i));
        return under(in, false);
      }
    }
    element_ = outer;
    return settle(in, in.count, value->size(), "elements");
  }
  // Each element has values of its own.
  void forget(std::int32_t pc, std::int32_t end) {
    for (; pc < end; ++pc) {
      const instruction& in = p_.code[static_cast<std::size_t>(pc)];
      if (in.slot >= 0) known_[static_cast<std::size_t>(in.slot)] = slot_state::unknown;
      if (in.code == op::number && in.as == form::bits)
        for (const bit_member& m : p_.bits[static_cast<std::size_t>(in.side)].members)
          if (m.slot >= 0) known_[static_cast<std::size_t>(m.slot)] = slot_state::unknown;
    }
  }

  bool region(const instruction& in, std::int32_t pc) {
    regions_.push_back(out_.size());
    if (!block(pc + 1, in.next) || !put_trailing(in) || !finish_region()) return false;
    const extent& e = p_.extents[static_cast<std::size_t>(in.size)];
    std::size_t size = out_.size() - regions_.back();
    // A fixed region whose leftover bytes mean nothing is filled up with zeros.
    if (e.what == extent::kind::fixed && in.left == trailing::drop &&
        size < static_cast<std::size_t>(e.value)) {
      out_.resize(regions_.back() + static_cast<std::size_t>(e.value));
      size = static_cast<std::size_t>(e.value);
    }
    regions_.pop_back();
    return settle(in, in.size, size, "bytes");
  }
  bool put_trailing(const instruction& in) {
    if (in.left != trailing::keep) return true;
    const ordered_json* value = look_up(in.name);
    if (value == nullptr) return true;
    const auto bytes = value->is_string() ? parse_hex(value->get_ref<const std::string&>()) : std::nullopt;
    if (!bytes) return fail(in, "expected hex digits, two for each byte");
    out_.insert(out_.end(), bytes->begin(), bytes->end());
    return true;
  }

  bool require(const instruction& in) {
    const auto value = needs(in.expr) ? std::nullopt : eval(in.expr);
    if (!value) return no_value(in, in.expr);
    return *value != 0 || fail_named(-1, fmt::format("'{}' does not hold",
                                                     p_.expressions[static_cast<std::size_t>(in.expr)].text));
  }

  bool view(const instruction& in) {
    const ordered_json* value = in.hidden ? nullptr : look_up(in.name);
    const view_rule& rule = p_.views[static_cast<std::size_t>(in.side)];
    if (needs(in.expr)) {
      if (value != nullptr)
        wishes_.push_back({&p_.expressions[static_cast<std::size_t>(in.expr)].text, &rule, value});
      return true;
    }
    const auto result = eval(in.expr);
    if (!result) return no_value(in, in.expr);
    std::int64_t number = *result;
    if (rule.mapped) {
      const view_value* found = mapped(rule, *result);
      if (found == nullptr) return fail(in, fmt::format("{} is not in its map", *result));
      number = found->number;
    }
    set_slot(in.slot, number, slot_state::given);
    return true;
  }
  static const view_value* mapped(const view_rule& rule, std::int64_t key) {
    for (const auto& [number, result] : rule.map)
      if (number == key) return &result;
    return rule.otherwise ? &*rule.otherwise : nullptr;
  }

  // ---- cases
  bool choose(const instruction& in) {
    const choice_rule& rule = p_.choices[static_cast<std::size_t>(in.side)];
    if (needs(in.expr)) return guess(in, rule);
    const auto result = eval(in.expr);
    if (!result) return no_value(in, in.expr);
    const std::int64_t value = rule.is_if ? (*result != 0 ? 1 : 0) : *result;
    for (const choice_case& c : rule.cases)
      if (c.label == value) return block(c.begin, c.end);
    if (rule.has_otherwise) return block(rule.otherwise.begin, rule.otherwise.end);
    return fail_named(-1, fmt::format("{} is {}, and there is no such case",
                                      p_.expressions[static_cast<std::size_t>(in.expr)].text, value));
  }
  // The command may have given a view of the same expression ("mode: ltp"): only those cases come into
  // question.
  bool wished_for(const instruction& in, std::int64_t label) const {
    for (const wish& w : wishes_) {
      if (*w.expr != p_.expressions[static_cast<std::size_t>(in.expr)].text) continue;
      if (!w.rule->mapped) return *w.value == label;
      const view_value* found = mapped(*w.rule, label);
      if (found == nullptr) return false;
      return found->what == view_value::kind::text ? *w.value == found->text : *w.value == found->number;
    }
    return true;
  }
  // What the expression will be is not known yet: take the case that fits and uses most of the values.
  bool guess(const instruction& in, const choice_rule& rule) {
    const choice_case* best = nullptr;
    std::size_t best_score = 0;
    codec_error first_error;
    const bool nested_guess = guessing_ >= 2;
    for (const choice_case& c : rule.cases) {
      if (!wished_for(in, c.label) || nested_guess) continue;
      const packer saved = *this;
      const std::vector<std::uint8_t> tail(out_.begin() + static_cast<std::ptrdiff_t>(base_), out_.end());
      ++guessing_;
      const bool ok = block(c.begin, c.end);
      const std::size_t score = used_.size();
      if (!ok && first_error.message.empty()) first_error = error_;
      restore(saved);
      out_.resize(base_);
      out_.insert(out_.end(), tail.begin(), tail.end());
      if (!ok || (best != nullptr && score <= best_score)) continue;
      best = &c;
      best_score = score;
    }
    if (best == nullptr && rule.has_otherwise) return block(rule.otherwise.begin, rule.otherwise.end);
    if (best == nullptr) {
      error_ = first_error;
      if (error_.message.empty())
        error_ = {"", out_.size() - base_,
                  fmt::format("no case of '{}' fits these values",
                              p_.expressions[static_cast<std::size_t>(in.expr)].text)};
      return false;
    }
    if (!rule.is_if) {
      leave_gap(gap::kind::label, in);
      gaps_.back().label = best->label;
    }
    return block(best->begin, best->end);
  }
  void restore(const packer& from) {
    current_ = from.current_;
    element_ = from.element_;
    consumed_ = from.consumed_;
    position_ = from.position_;
    guessing_ = from.guessing_;
    used_ = from.used_;
    slots_ = from.slots_;
    known_ = from.known_;
    marks_ = from.marks_;
    regions_ = from.regions_;
    packet_ = from.packet_;
    packet_level_ = from.packet_level_;
    gaps_ = from.gaps_;
    wishes_ = from.wishes_;
  }

  // ---- packets within packets
  bool nested(const instruction& in, std::int32_t pc) {
    const transform_rule& rule = p_.transforms[static_cast<std::size_t>(in.side)];
    const bool filled = rule.kind == transform_kind::fill;
    regions_.push_back(out_.size());
    const std::size_t outer_packet = std::exchange(packet_, out_.size());
    const std::size_t outer_level = std::exchange(packet_level_, regions_.size());
    if (!block(pc + 1, in.next)) return false;
    if (filled && !fill_up(in, rule)) return false;
    if (!finish_region()) return false;
    const std::size_t begin = regions_.back();
    regions_.pop_back();
    packet_ = outer_packet;
    packet_level_ = outer_level;
    if (filled) {
      if (out_.size() - begin != static_cast<std::size_t>(rule.fill))
        return fail(in, "a varint in it grows when its size is filled in");
      while (out_.size() > begin + 1 && out_.back() == 0) out_.pop_back();
      return true;
    }
    const std::vector<std::uint8_t> plain(out_.begin() + static_cast<std::ptrdiff_t>(begin), out_.end());
    out_.resize(begin);
    return compress(rule.kind, plain, out_) || fail(in, "the bytes cannot be compressed");
  }

  // Sizes within count the zeros that unpacking restores.
  bool fill_up(const instruction& in, const transform_rule& rule) {
    const std::size_t size = out_.size() - regions_.back();
    const auto room = static_cast<std::size_t>(rule.fill);
    if (size > room)
      return fail(in, fmt::format("{} bytes, more than the {} that it is filled up to", size, room));
    out_.resize(out_.size() + room - size);
    return true;
  }

  bool frames(const instruction& in) {
    const ordered_json* value = given(in);
    if (value == nullptr) return missing(in);
    if (!value->is_array()) return fail(in, fmt::format("expected a list, found {}", kind_of(*value)));
    if (depth_ + 1 > p_.limits.nesting)
      return fail(in, fmt::format("nested more than {} deep", p_.limits.nesting));
    for (std::size_t i = 0; i < value->size(); ++i) {
      const std::size_t begin = out_.size();
      packer inner(p_, out_, error_, depth_ + 1);
      bool ok = inner.run(p_.routines[static_cast<std::size_t>(in.side)], (*value)[i]);
      if (!ok) error_.offset += begin - base_;
      if (ok && p_.framing && p_.framing->strip && !add_length(*p_.framing, out_, begin))
        ok = fail_named(-1, "the packet is too long for its length field");
      if (ok) continue;
      prefix_path(error_, fmt::format("[{}]", i));
      return under(in, false);
    }
    return true;
  }

  const program& p_;
  std::vector<std::uint8_t>& out_;
  codec_error& error_;
  std::size_t base_;
  std::size_t packet_;            // where $packet counts from: bytes within bytes are a packet of their own
  std::size_t packet_level_ = 1;  // its region
  std::size_t depth_;
  const ordered_json* current_ = nullptr;  // the map or list whose members are being packed
  const ordered_json* element_ = nullptr;  // the value of what has no name
  std::size_t consumed_ = 0;
  int position_ = 0;
  int guessing_ = 0;
  std::vector<const std::string*> used_;
  std::array<std::int64_t, slot_limit> slots_{};
  std::array<slot_state, slot_limit> known_{};
  std::array<std::size_t, slot_limit> marks_{};
  std::vector<std::size_t> regions_;
  std::vector<gap> gaps_;
  std::vector<wish> wishes_;
};

}  // namespace

std::optional<codec_error> pack_layout(const program& layout, const ordered_json& values,
                                       std::vector<std::uint8_t>& out) {
  const std::size_t before = out.size();
  codec_error error;
  packer walk(layout, out, error, 0);
  if (walk.run(layout.routines.front(), values)) return std::nullopt;
  out.resize(before);
  return error;
}

}  // namespace duplexd::protocol
