// Bytes that hold other bytes: what is compressed or cut short, and packets within packets.
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

struct named_transform {
  const char* name;
  transform_kind kind;
  bool decodes;
};
constexpr named_transform transforms[] = {
    {"zlib", transform_kind::zlib, false},       {"gzip", transform_kind::gzip, false},
    {"deflate", transform_kind::deflate, false}, {"brotli", transform_kind::brotli, false},
    {"zstd", transform_kind::zstd, false},       {"base64", transform_kind::base64, true},
    {"hex", transform_kind::hex, true}};

std::optional<transform_kind> transform_of(std::string_view name, bool decodes) {
  for (const named_transform& each : transforms)
    if (each.name == name && each.decodes == decodes) return each.kind;
  return std::nullopt;
}

std::vector<std::string> transform_names(bool decode) {
  std::vector<std::string> out;
  for (const named_transform& each : transforms)
    if (each.decodes == decode) out.emplace_back(each.name);
  return out;
}

}  // namespace

// {inflate: zlib, frames: layout}, {decode: base64, type: layout} and {fill: 28, type: layout}, each with
// 'size' if it is not the rest
void layout_compiler::nested_item(const node& from, name_id name, bool hidden) {
  if (!known_keys(from, {"inflate", "decode", "fill", "frames", "type", "layout", "size", "trailing"}))
    return;
  const node* inflate = from.find("inflate");
  const node* decode = from.find("decode");
  const node* fill_node = from.find("fill");
  const node* frames = from.find("frames");
  const node* type = from.find("type") != nullptr ? from.find("type") : from.find("layout");
  if ((frames == nullptr) == is_nothing(type) ||
      (inflate != nullptr) + (decode != nullptr) + (fill_node != nullptr) > 1) {
    fail(from, 0, "expected 'frames' or 'type'",
         "{inflate: zlib, frames: packet}, or {inflate: gzip, type: json}");
    return;
  }
  const node* size_node = from.find("size");
  extent_id size;
  if (size_node == nullptr)
    size = rest_extent();
  else if (size_node->text.starts_with(':'))
    size =
        prefix({extent_notation::kind::prefix, {size_node->text.substr(1), 1}}, *size_node, env_.order, name);
  else
    size = extent_of(size_node->text, *size_node, 0);
  if (!size) return;
  const std::int32_t whole = open_nullable(size, name, hidden);
  const std::int32_t region = here();
  emit(op::region).size = size;
  const std::int32_t at = here();
  const bool transformed = inflate != nullptr || decode != nullptr || fill_node != nullptr;
  if (transformed) {
    transform_rule rule;
    if (fill_node == nullptr) {
      const node& named = inflate != nullptr ? *inflate : *decode;
      const auto kind = transform_of(named.text, decode != nullptr);
      if (!kind) {
        fail(named, 0,
             fmt::format("unknown {} '{}'", decode != nullptr ? "encoding" : "compression", named.text),
             suggest_or_list(named.text, transform_names(decode != nullptr)));
        return;
      }
      rule.kind = *kind;
    } else {
      const auto count = parse_integer(fill_node->text);
      if (!count || *count < 1 || *count > static_cast<std::int64_t>(env_.limits.packet)) {
        fail(*fill_node, 0, "expected a number of bytes");
        return;
      }
      rule.kind = transform_kind::fill;
      rule.fill = *count;
    }
    instruction& in = emit(op::nested);
    in.name = name;
    in.left = read_trailing(from, fill_node != nullptr ? trailing::drop : trailing::refuse);
    if (in.left == trailing::keep) fail(from, 0, "'trailing: keep' is not allowed with nested bytes");
    in.rule = to_->transforms.add(rule);
  }
  const std::string filled = std::exchange(filled_by_, {});
  const std::size_t first = symbols_.size();
  if (frames != nullptr) {
    id<routine> frame;
    if (!framed_layout(frames->text, *frames, 0, frame)) return;
    if (hidden) fail(from, 0, "a list cannot be hidden");
    const std::int32_t list = here();
    instruction& in = emit(op::frames);
    in.name = name;
    in.rule = frame;
    close(list);
  } else {
    any_value(*type, name, hidden);
  }
  // Offsets within other bytes mean nothing outside them.
  for (std::size_t i = first; i < symbols_.size(); ++i) symbols_[i].dead = true;
  if (name) remember(name, region, false);
  if (transformed) close(at);
  close(region);
  if (whole >= 0) close(whole);
  filled_by_ = size_node == nullptr && name ? to_->names[name].text : filled;
}

bool layout_compiler::framed_layout(const std::string& name, const node& from, std::size_t at,
                                    id<routine>& index) {
  if (find_layout(name) == nullptr) {
    std::vector<std::string> names;
    if (env_.layouts != nullptr)
      for (const node_entry& entry : env_.layouts->entries) names.push_back(entry.key);
    return fail(from, at, fmt::format("no layout is named '{}'", name), suggest(name, names));
  }
  if (is_message(*find_layout(name)))
    return fail(from, at,
                fmt::format("'{}' is a message of Protocol Buffers, which is no packet of its own", name),
                fmt::format("a layout with it: [data:{}]", name));
  for (const auto& [known, known_index] : routines_)
    if (known == name) {
      index = known_index;
      return true;
    }
  index = to_->routines.add({});
  routines_.emplace_back(name, index);
  pending_routines_.emplace_back(name, index);
  return true;
}

}  // namespace duplexd::protocol
