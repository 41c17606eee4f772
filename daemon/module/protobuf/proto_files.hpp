#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace duplexd {

/// The most of one .proto file, in bytes, and how many files may belong together.
constexpr std::size_t largest_proto_file = std::size_t{4} << 20;
constexpr std::size_t most_proto_files = 1'000;

/// .proto files and what they import, compiled. Immutable once made.
struct proto_files {
  google::protobuf::DescriptorPool pool;  ///< without a database: looking for names adds nothing to it
  google::protobuf::DynamicMessageFactory factory{&pool};
  std::vector<std::string> names;  ///< of all messages, in the files' order
  std::size_t digest = 0;          ///< of the files' contents
};

/// A mistake of a file ("feed.proto:3:5: Expected \";\".") or of the choice of files.
struct proto_mistake {
  bool of_a_file = false;
  std::string text;
};

/// Reads the files, and looks for what they import in `paths`, in `directory` and beside the files. All are
/// relative to `directory`. What Google defines (google/protobuf/timestamp.proto …) is always there.
[[nodiscard]] std::shared_ptr<proto_files> read_proto_files(const std::vector<std::string>& files,
                                                            const std::vector<std::string>& paths,
                                                            const std::string& directory,
                                                            std::vector<proto_mistake>& mistakes);

}  // namespace duplexd
