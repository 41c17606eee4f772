#include "protocol/message/schema.hpp"

#include <fmt/format.h>

#include <bit>
#include <set>
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
  std::set<const schema_layout*> done;
  for (const direction way : {direction::command, direction::reply}) {
    for (const message_type& type : types.types(way)) {
      if (!type.schema) continue;
      schema_layout& schema = *type.schema;
      const auto complain = [&](const std::string& key, std::string why, std::string hint) {
        const node* part = key.empty() ? nullptr : schema.layout.find(key);
        const std::string path = part == nullptr ? schema.path : schema.path + "." + key;
        out.push_back(
            {part == nullptr ? schema.layout.where : part->where, path, std::move(why), std::move(hint)});
      };
      const bool is_new = done.insert(&schema).second;
      if (is_new && reader == nullptr) complain("", "nothing here reads Protocol Buffers", "");
      if (is_new && reader != nullptr)
        schema.message = reader->read(schema.layout, directory, schema.limits, complain);
      if (!schema.message) continue;
      const value_shape shape = schema.shape();
      for (const condition& c : type.when)
        if (c.schema != nullptr) check_condition(c, shape, type, out);
    }
  }
  return out.size() == before;
}

std::size_t schema_digest(const protocol& types) noexcept {
  constexpr int turn = 5;  // so that the order counts
  std::size_t all = 0;
  for (const direction way : {direction::command, direction::reply})
    for (const message_type& each : types.types(way))
      if (each.schema && each.schema->message) all = std::rotl(all, turn) ^ each.schema->message->digest();
  return all;
}

}  // namespace duplexd::protocol
