#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/module/protobuf/proto_files.hpp"
#include "daemon/module/protobuf/proto_options.hpp"
#include "protocol/message/schema.hpp"

namespace duplexd {

/// Reads `{protobuf: FILE, message: NAME, import: [FOLDER…], int64: text|number, names: json|proto,
/// defaults: BOOL}`; FILE may be a list.
class proto_reader final : public protocol::schema_reader {
 public:
  proto_reader();

  [[nodiscard]] std::shared_ptr<const protocol::schema_message> read(const protocol::node& layout,
                                                                     const std::string& directory,
                                                                     const protocol::codec_limits& limits,
                                                                     const complaint& complain) override;

 private:
  /// What was asked for before: errors are told once, too.
  struct known_files {
    std::shared_ptr<proto_files> files;
    std::vector<proto_mistake> mistakes;
  };

  const known_files& files_of(const std::vector<std::string>& files, const std::vector<std::string>& paths,
                              const std::string& directory);

  std::map<std::string, known_files> files_;
  std::map<std::string, std::shared_ptr<const protocol::schema_message>> messages_;
};

}  // namespace duplexd
