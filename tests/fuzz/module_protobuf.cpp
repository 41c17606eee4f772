// Any bytes as a message of Protocol Buffers: what comes out is JSON, or an error whose offset lies within
// the bytes; the JSON packs, and what it packs to is the same JSON. The walk over the bytes and libprotobuf
// agree on which are a message.
#include <google/protobuf/io/coded_stream.h>

#include <cstdint>
#include <string>

#include "daemon/module/protobuf/parse_message.hpp"
#include "daemon/module/protobuf/proto_files.hpp"
#include "daemon/module/protobuf/proto_message.hpp"
#include "daemon/module/protobuf/proto_reader.hpp"
#include "protocol/text/json_text.hpp"

using namespace duplexd;
namespace pb = google::protobuf;

namespace {

struct subject {
  std::shared_ptr<proto_files> files;
  const pb::Descriptor* type;
  proto_options options;
  proto_message message;

  subject(const char* file, const char* name, const proto_options& with)
      : files(read(file)),
        type(files->pool.FindMessageTypeByName(name)),
        options(with),
        message(files, *type, with) {}

  static std::shared_ptr<proto_files> read(const char* file) {
    std::vector<proto_mistake> mistakes;
    auto made = read_proto_files({file}, {}, DUPLEXD_TEST_DIR "/daemon/module/protobuf", mistakes);
    if (!made) __builtin_trap();
    return made;
  }
};

// Without limits on parts: is it a message? The walk refuses texts of proto2 that are not UTF-8, too.
void compare_walk(const subject& of, protocol::bytes_view bytes) {
  const wire_limits limits{bytes.size() + 1, 40, false};
  protocol::codec_error ignored;
  const bool walked = wire_scan(limits).run(bytes, *of.type, ignored);
  const std::unique_ptr<pb::Message> message(of.files->factory.GetPrototype(of.type)->New());
  pb::io::CodedInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(limits.nesting);
  const bool parsed = message->ParsePartialFromCodedStream(&stream) && stream.ConsumedEntireMessage();
  const bool is_proto2 = of.type->file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO2;
  if (walked != parsed && !(is_proto2 && parsed)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const proto_reader silent;  // libprotobuf says nothing
  static const subject subjects[] = {
      {"every_kind.proto", "every.Kinds", {false, false, false, 1'000, 20, 100'000}},
      {"every_kind.proto", "every.Kinds", {true, true, true, 30, 5, 2'000}},
      {"second_kind.proto", "second.Second", {false, false, false, 1'000, 20, 100'000}},
  };
  if (size == 0) return 0;
  const subject& of = subjects[data[0] % std::size(subjects)];
  const protocol::bytes_view bytes(data + 1, size - 1);
  compare_walk(of, bytes);
  std::string json;
  protocol::codec_error error;
  if (!of.message.unpack(bytes, json, error)) {
    if (error.message.empty() || error.offset > bytes.size() || !json.empty()) __builtin_trap();
    return 0;
  }
  nlohmann::ordered_json values;
  if (protocol::parse_json(json, values, 200)) __builtin_trap();
  if (json.size() > of.options.json) __builtin_trap();
  std::vector<std::uint8_t> packed;
  if (of.message.pack(values, packed)) __builtin_trap();
  std::string again;
  if (!of.message.unpack(packed, again, error) || again != json) __builtin_trap();
  return 0;
}
