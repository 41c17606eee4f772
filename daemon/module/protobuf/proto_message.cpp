#include "daemon/module/protobuf/proto_message.hpp"

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <array>
#include <limits>
#include <utility>

#include "daemon/module/protobuf/json_fill.hpp"
#include "daemon/module/protobuf/parse_message.hpp"
#include "daemon/module/protobuf/proto_shape.hpp"

namespace duplexd {

namespace pb = google::protobuf;

namespace {

/// Where one message lives; small ones need nothing of the heap.
class message_room {
 public:
  explicit message_room(const pb::Message& prototype)
      : arena_(options(first_)), message_(prototype.New(&arena_)) {}
  [[nodiscard]] pb::Message& message() noexcept { return *message_; }

 private:
  using block = std::array<char, 4096>;
  static pb::ArenaOptions options(block& first) {
    pb::ArenaOptions made;
    made.initial_block = first.data();
    made.initial_block_size = first.size();
    return made;
  }

  alignas(std::max_align_t) block first_;
  pb::Arena arena_;
  pb::Message* message_;
};

}  // namespace

proto_message::proto_message(std::shared_ptr<proto_files> files, const pb::Descriptor& type,
                             const proto_options& options)
    : files_(std::move(files)),
      type_(type),
      options_(options),
      prototype_(files_->factory.GetPrototype(&type_)),
      print_(files_->pool, files_->factory, type_, options_) {}

bool proto_message::unpack(protocol::bytes_view packet, std::string& json,
                           protocol::codec_error& error) const {
  const std::size_t before = json.size();
  const wire_limits limits = wire_limits_of(options_);
  message_room room(*prototype_);
  if (!parse_message(packet, limits, room.message(), error)) return false;
  if (print_.run(room.message(), json, error)) return true;
  json.resize(before);
  // Texts of proto2 that are not UTF-8: the walk knows where.
  if (protocol::codec_error placed; !wire_scan(limits).run(packet, type_, placed)) error = std::move(placed);
  return false;
}

std::optional<protocol::codec_error> proto_message::pack(const nlohmann::ordered_json& values,
                                                         std::vector<std::uint8_t>& out) const {
  message_room room(*prototype_);
  pb::Message& message = room.message();
  if (auto error = json_fill(files_->pool, files_->factory, options_).run(values, message)) return error;
  const std::size_t size = message.ByteSizeLong();
  if (size > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return protocol::codec_error{"", 0, "a message has at most 2147483647 bytes"};
  const std::size_t begin = out.size();
  out.resize(begin + size);
  pb::io::ArrayOutputStream to(out.data() + begin, static_cast<int>(size));
  pb::io::CodedOutputStream stream(&to);
  stream.SetSerializationDeterministic(true);
  message.SerializeWithCachedSizes(&stream);
  return std::nullopt;
}

protocol::value_shape proto_message::shape() const {
  return shape_of(type_, options_);
}

std::string proto_message::table() const {
  return table_of(type_, options_);
}

}  // namespace duplexd
