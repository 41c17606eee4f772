#include "protocol/codec/codec_error.hpp"

#include <fmt/format.h>

namespace duplexd::protocol {

std::string codec_error::text() const {
  return fmt::format("{}{}byte {}: {}", field, field.empty() ? "" : " at ", offset, message);
}

}  // namespace duplexd::protocol
