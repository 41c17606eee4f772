#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "daemon/loading/module_file.hpp"
#include "protocol/message/schema.hpp"

namespace duplexd {

/// What a module that reads schemas, `duplexd-protobuf.so`, gives when it is loaded.
struct schema_module {
  module_head head;
  protocol::schema_reader* (*make)();  ///< the caller deletes it; what it made may live longer
};

inline constexpr std::uint32_t schema_module_interface = 2;
/// The name of such a module's only symbol, a function that returns its head.
inline constexpr const char* schema_module_entry = "duplexd_schema_module";

/// Reads schemas with the module for them, which is loaded when the first one is read. One for each time
/// that a configuration is loaded: files are read again then.
class schema_modules final : public protocol::schema_reader {
 public:
  explicit schema_modules(std::vector<std::filesystem::path> folders = module_folders());

  [[nodiscard]] std::shared_ptr<const protocol::schema_message> read(const protocol::node& layout,
                                                                     const std::string& directory,
                                                                     const protocol::codec_limits& limits,
                                                                     const complaint& complain) override;

 private:
  std::vector<std::filesystem::path> folders_;
  std::unique_ptr<protocol::schema_reader> reader_{};
};

}  // namespace duplexd
