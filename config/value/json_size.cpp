#include "config/value/json_size.hpp"

namespace duplexd::config {

std::uint64_t size_in_memory(const nlohmann::ordered_json& value) {
  std::uint64_t size = sizeof(value);
  if (const auto* text = value.get_ptr<const std::string*>()) size += text->size();
  if (value.is_binary()) size += value.get_binary().size();
  if (value.is_array())
    for (const auto& each : value) size += size_in_memory(each);
  if (value.is_object())
    for (const auto& [name, each] : value.items())
      size += sizeof(std::string) + name.size() + size_in_memory(each);
  return size;
}

}  // namespace duplexd::config
