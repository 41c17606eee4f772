#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "protocol/codec/framing.hpp"
#include "protocol/codec/packet_measure.hpp"
#include "protocol/message/carried_text.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/message/protocol.hpp"

namespace duplexd::protocol {

struct packet_reader::state {
  std::shared_ptr<const protocol> owner;
  const protocol::state* types = nullptr;
  direction way = direction::reply;
  frame_view message;
  std::size_t at = 0;  // next packet in `source`
  bool done = true;
  bool broken = false;             // stream framing has lost its place
  std::vector<std::uint8_t> kept;  // stream framing: bytes whose packet is not complete
  std::size_t carried = 0;         // bytes of `kept` that came before this message
  std::size_t searched = 0;        // bytes of `kept` that hold no whole delimiter
  frame_kind kept_kind = frame_kind::binary;
  const message_type* previous = nullptr;       // of the packet in front; null: none, or it is raw
  const message_type* expected = nullptr;       // may come whatever is in front
  std::size_t candidate = 0;                    // framing by layouts: what the packet is measured as,
  std::optional<packet_measure> measured;       // and how far
  mutable frame_memo memo;                      // of the packet at hand
  std::unique_ptr<carried_texts> carried_over;  // once there is one

  /// What cuts this message into packets; null if it is one itself.
  [[nodiscard]] const framing_rule* framing() const {
    const bool is_cut =
        types->framing && (message.kind == frame_kind::binary || !types->framing->delimiter.empty());
    return is_cut ? &*types->framing : nullptr;
  }
  [[nodiscard]] bool stream() const {
    const framing_rule* rule = framing();
    return rule != nullptr && rule->stream;
  }
  [[nodiscard]] bytes_view source() const { return stream() ? bytes_view(kept) : message.bytes; }
  [[nodiscard]] std::size_t offset_of(std::size_t place) const {
    return !stream() ? place : place < carried ? 0 : place - carried;
  }

  [[nodiscard]] const std::vector<message_type>& candidates() const {
    return way == direction::command ? types->commands : types->replies;
  }
  /// Whether only unpacking tells that a packet that matches the type is of it. A reply keeps its name even
  /// if it is too short: what is there of it can be shown.
  [[nodiscard]] bool on_trial(const message_type& type, frame_view frame) const {
    if (way == direction::reply) return false;
    if (!type.has_when) return true;
    return type.body == message_type::body_kind::layout && frame.bytes.size() < type.layout.min_size;
  }
  /// Whether the packet in front is one that the type comes after.
  [[nodiscard]] bool follows(const message_type& type) const {
    if (type.after.empty() || &type == expected) return true;
    return previous != nullptr && std::ranges::find(type.after, previous->name) != type.after.end();
  }
  [[nodiscard]] bool may_be(const message_type& type, frame_view frame) const {
    return follows(type) && matches(type, frame, memo);
  }
  void classify(packet& out) const;
  void classify_by_trial(packet& out) const;
  [[gnu::noinline]] void carry(packet& out);
  bool next_framed(const framing_rule& rule, packet& out);
  bool next_delimited(const framing_rule& rule, packet& out);
  bool next_laid_out(packet& out);
  bool next(packet& out);
  prospect choose(bytes_view front, codec_error& why);
  void give_up(packet& out, std::string why);
};

packet_reader::packet_reader(std::shared_ptr<const protocol> types, direction of)
    : state_(std::make_unique<state>()) {
  state_->types = types->state_.get();
  state_->owner = std::move(types);
  state_->way = of;
}
packet_reader::~packet_reader() = default;

void packet_reader::begin(frame_view message) {
  state& s = *state_;
  const bool may_span = s.types->framing && s.types->framing->stream;
  if (may_span && s.stream())
    s.kept.erase(s.kept.begin(), s.kept.begin() + static_cast<std::ptrdiff_t>(s.at));
  s.message = message;
  if (s.carried_over) s.carried_over->begin();
  s.done = false;
  s.at = 0;
  if (!may_span || !s.stream()) return;
  s.carried = s.kept.size();
  // A packet cannot begin as text and end as bytes.
  s.broken = s.broken || (s.carried > 0 && s.kept_kind != message.kind);
  s.kept_kind = message.kind;
  s.kept.insert(s.kept.end(), message.bytes.begin(), message.bytes.end());
}

bool packet_reader::next(packet& out) {
  state& s = *state_;
  if (s.done) return false;
  out.type = nullptr;
  out.offset = 0;
  if (!out.error.message.empty()) out.error = {};
  if (!s.next(out)) return false;
  s.previous = out.type;
  s.expected = nullptr;
  if (out.type != nullptr && out.type->carried_from) s.carry(out);
  return true;
}

void packet_reader::state::carry(packet& out) {
  if (!carried_over) carried_over = std::make_unique<carried_texts>();
  out.frame = carried_over->join(*out.type, out.frame);
}

void packet_reader::expect(const message_type& next) {
  state_->expected = &next;
}

bool packet_reader::state::next(packet& out) {
  if (const framing_rule* rule = framing()) {
    if (rule->layouts) return next_laid_out(out);
    return rule->delimiter.empty() ? next_framed(*rule, out) : next_delimited(*rule, out);
  }
  done = true;
  out.frame = message;
  classify(out);
  return true;
}

// What is left cannot be cut into packets.
void packet_reader::state::give_up(packet& out, std::string why) {
  const bytes_view left = source().subspan(at);
  out.type = nullptr;
  out.frame = {message.kind, left};
  out.offset = offset_of(at);
  out.error = {"", out.offset, std::move(why)};
  at += left.size();
  done = true;
}

bool packet_reader::state::next_framed(const framing_rule& rule, packet& out) {
  const bytes_view all = source();
  if (at == all.size()) {
    done = true;
    // An empty message is a packet of its own, unless it only goes on with a stream.
    if (!all.empty() || stream()) return false;
    out.frame = message;
    classify(out);
    return true;
  }
  const bytes_view left = all.subspan(at);
  if (broken) return give_up(out, "an earlier packet broke the framing of the stream"), true;
  const cut found = cut_packet(rule, left);
  if (!found.error.empty()) {
    broken = rule.stream;
    return give_up(out, found.error), true;
  }
  if (found.size > types->limits.packet) {
    broken = rule.stream;
    return give_up(out, fmt::format("a packet of {} bytes exceeds the limit of {}", found.size,
                                    types->limits.packet)),
           true;
  }
  if (found.size == 0 || found.size > left.size()) {
    if (rule.stream) {
      done = true;
      return false;
    }
    // A message with a single packet that is too small for framing may still have a rule of its own.
    if (at == 0) {
      out.frame = message;
      done = true;
      classify(out);
      if (out.type != nullptr && out.type->has_when) return true;
    }
    const std::string why =
        found.size == 0
            ? fmt::format("expected a packet's length, found {} bytes", left.size())
            : fmt::format("the packet's length says {} bytes, {} are left", found.size, left.size());
    return give_up(out, why), true;
  }
  const std::size_t header = rule.strip ? length_width(rule, left) : 0;
  out.frame = {frame_kind::binary, left.subspan(header, found.size - header)};
  out.offset = offset_of(at + header);
  at += found.size;
  classify(out);
  return true;
}

// Packets that are empty are left out: they keep a link alive.
bool packet_reader::state::next_delimited(const framing_rule& rule, packet& out) {
  for (;;) {
    const bytes_view all = source();
    const bytes_view left = all.subspan(at);
    if (left.empty()) {
      done = true;
      return false;
    }
    if (broken) return give_up(out, "an earlier packet broke the framing of the stream"), true;
    cut found = cut_packet(rule, left, searched);
    searched = rule.stream && found.size == 0 ? left.size() : 0;
    if (rule.stream && (found.size == 0 ? left.size() : found.size) > types->limits.packet) {
      broken = true;
      return give_up(out,
                     fmt::format("a packet of more than {} bytes exceeds the limit", types->limits.packet)),
             true;
    }
    if (found.size == 0 && rule.stream) {
      done = true;
      return false;
    }
    if (found.size == 0) found.size = left.size();  // the last one of a message needs no delimiter
    out.frame = {message.kind, left.first(found.size - found.trailer)};
    out.offset = offset_of(at);
    at += found.size;
    if (out.frame.bytes.empty()) continue;
    classify(out);
    return true;
  }
}

// The first type, from `candidate` on, that the packet may be. A command without 'when' is tried.
prospect packet_reader::state::choose(bytes_view front, codec_error& why) {
  const std::vector<message_type>& all = candidates();
  for (; candidate < all.size(); ++candidate, measured.reset()) {
    const message_type& type = all[candidate];
    if (type.frame != frame_kind::binary || !follows(type)) continue;
    const prospect found = begins_as(type, front);
    if (found == prospect::open) return found;
    if (found == prospect::no) continue;
    if (!measured) measured.emplace(type.layout);
    const packet_measure::outcome end = measured->go_on(front);
    if (end == packet_measure::outcome::whole && measured->size() > 0) return prospect::yes;
    if (end == packet_measure::outcome::more) return prospect::open;
    why = end == packet_measure::outcome::whole ? codec_error{"", 0, "a packet of no bytes"}
                                                : measured->error();
    if (way == direction::reply || type.has_when) return prospect::no;
  }
  return prospect::no;
}

// The packet is as long as the layout says of the type that its first bytes, and the packet in front, choose.
bool packet_reader::state::next_laid_out(packet& out) {
  const bytes_view left = source().subspan(at);
  if (left.empty()) {
    done = true;
    return false;
  }
  if (broken) return give_up(out, "an earlier packet broke the framing of the stream"), true;
  codec_error why;
  const prospect found = choose(left, why);
  const bool too_large = std::max(left.size(), measured ? measured->need() : 0) > types->limits.packet;
  if (found == prospect::open && !too_large) {
    done = true;
    return false;
  }
  const std::size_t size = measured ? measured->size() : 0;
  if (found == prospect::yes && size <= types->limits.packet) {
    out.type = &candidates()[candidate];
    out.frame = {frame_kind::binary, left.first(size)};
    out.offset = offset_of(at);
    at += size;
    candidate = 0;
    measured.reset();
    return true;
  }
  broken = true;
  const std::size_t begin = offset_of(at);
  const bool unknown = found == prospect::no && why.message.empty();
  give_up(out, found != prospect::no
                   ? fmt::format("a packet of more than {} bytes exceeds the limit", types->limits.packet)
               : unknown
                   ? fmt::format("no {} begins like this", way == direction::command ? "command" : "reply")
                   : "");
  if (found == prospect::no && !unknown) {
    out.error = std::move(why);
    out.error.offset += begin;
  }
  return true;
}

void packet_reader::state::classify(packet& out) const {
  memo.schema = nullptr;
  for (const message_type& type : candidates()) {
    if (!may_be(type, out.frame)) continue;
    if (on_trial(type, out.frame)) break;
    out.type = &type;
    return;
  }
  classify_by_trial(out);
}

void packet_reader::state::classify_by_trial(packet& out) const {
  codec_error first;
  std::size_t tried = 0;
  for (const message_type& type : candidates()) {
    if (!may_be(type, out.frame)) continue;
    auto error = on_trial(type, out.frame) ? check_fit(type, out.frame) : std::nullopt;
    if (!error) {
      out.type = &type;
      return;
    }
    if (tried++ == 0) first = *error;
    if (way != direction::command || type.has_when) break;
  }
  out.type = nullptr;
  if (tried == 1) {
    out.error = std::move(first);
  } else if (tried == 0 && memo.schema != nullptr && memo.json.empty()) {
    out.error = std::move(memo.error);  // conditions on its fields ask what it is
  } else {
    out.error = {
        "", 0,
        fmt::format("no {} fits this {} packet of {} bytes", way == direction::command ? "command" : "reply",
                    out.frame.kind == frame_kind::text ? "text" : "binary", out.frame.bytes.size())};
  }
  out.error.offset += out.offset;
}

}  // namespace duplexd::protocol
