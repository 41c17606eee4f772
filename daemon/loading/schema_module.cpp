#include "daemon/loading/schema_module.hpp"

#include <utility>

namespace duplexd {

schema_modules::schema_modules(std::vector<std::filesystem::path> folders) : folders_(std::move(folders)) {}

std::shared_ptr<const protocol::schema_message> schema_modules::read(const protocol::node& layout,
                                                                     const std::string& directory,
                                                                     const protocol::codec_limits& limits,
                                                                     const complaint& complain) {
  if (!reader_) {
    opened_module found = open_module("protobuf", schema_module_entry, schema_module_interface, folders_);
    if (found.head == nullptr) {
      complain("", std::move(found.error), "");
      return nullptr;
    }
    reader_.reset(reinterpret_cast<const schema_module*>(found.head)->make());
  }
  return reader_->read(layout, directory, limits, complain);
}

}  // namespace duplexd
