#include "protocol/message/schema.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <utility>

#include "protocol/message/message_type.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::protocol {
namespace {

constexpr const char* not_read = "the schema was not read";

/// What is wrong with a condition on a field: nothing, or the message has no such field.
void check_condition(const condition& c, const value_shape& whole, const message_type& type,
                     diagnostics& out) {
  const value_shape* at = &whole;
  std::string path;
  for (const std::string& part : c.pointer) {
    if (at->what == value_shape::kind::any || at->open) return;
    const value_shape* next = at->at(part);
    if (next == nullptr) {
      out.push_back({type.schema_when.where, type.schema_when.path,
                     fmt::format("{} has no field '{}'", path.empty() ? "the message" : path, part),
                     suggest_or_list(part, at->names())});
      return;
    }
    path += "/" + part;
    at = next;
  }
}

void check_content(const text_content& content, const value_shape& whole, const message_type& type,
                   diagnostics& out) {
  const std::string path = fmt::format("{}", fmt::join(content.path, "."));
  if (const auto lost = find_lost(whole, path))
    out.push_back({type.contents_where.where, type.contents_where.path,
                   fmt::format("the message has no field '{}'", lost->part),
                   suggest_or_list(lost->part, lost->known)});
}

}  // namespace

bool schema_layout::unpack(bytes_view packet, std::string& json, codec_error& error) const {
  if (message) return message->unpack(packet, json, error);
  error = {"", 0, not_read};
  return false;
}

std::optional<codec_error> schema_layout::pack(const nlohmann::ordered_json& values,
                                               std::vector<std::uint8_t>& out) const {
  if (message) return message->pack(values, out);
  return codec_error{"", 0, not_read};
}

value_shape schema_layout::shape() const {
  return message ? message->shape() : value_shape{};
}

std::string schema_layout::table() const {
  return message ? message->table() : std::string();
}

bool read_schemas(const protocol& types, schema_reader* reader, const std::string& directory,
                  diagnostics& out) {
  const std::size_t before = out.size();
  for (const auto& each : types.schemas()) {
    schema_layout& schema = *each;
    const auto complain = [&](const std::string& key, std::string why, std::string hint) {
      const node* part = key.empty() ? nullptr : schema.layout.find(key);
      const std::string path = part == nullptr ? schema.path : schema.path + "." + key;
      out.push_back(
          {part == nullptr ? schema.layout.where : part->where, path, std::move(why), std::move(hint)});
    };
    if (reader == nullptr)
      complain("", "nothing here reads Protocol Buffers", "");
    else
      schema.message = reader->read(schema.layout, directory, schema.limits, complain);
  }
  for (const direction way : {direction::command, direction::reply}) {
    for (const message_type& type : types.types(way)) {
      if (!type.schema || !type.schema->message) continue;
      const value_shape shape = type.schema->shape();
      for (const condition& c : type.when)
        if (c.schema != nullptr) check_condition(c, shape, type, out);
      for (const text_content& each : type.contents) check_content(each, shape, type, out);
    }
  }
  return out.size() == before;
}

std::size_t schema_digest(const protocol& types) noexcept {
  constexpr int turn = 5;  // so that the order counts
  std::size_t all = 0;
  for (const auto& each : types.schemas())
    if (each->message) all = std::rotl(all, turn) ^ each->message->digest();
  return all;
}

}  // namespace duplexd::protocol
