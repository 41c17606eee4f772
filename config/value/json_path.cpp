#include "config/value/json_path.hpp"

#include <charconv>
#include <string>

namespace duplexd::config {

namespace {

using json = nlohmann::ordered_json;

const json* find_part(const json& in, std::string_view part) {
  if (in.is_object()) {
    const auto found = in.find(std::string{part});
    return found == in.end() ? nullptr : &*found;
  }
  if (!in.is_array()) return nullptr;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  const bool is_index = error == std::errc{} && end == part.data() + part.size();
  return is_index && index < in.size() ? &in[index] : nullptr;
}

}  // namespace

const json* find_path(const json& in, std::string_view path) {
  if (path.empty() || path == "*") return &in;
  if (const json* exact = find_part(in, path)) return exact;
  const auto dot = path.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const json* parent = find_part(in, path.substr(0, dot));
  return parent == nullptr ? nullptr : find_path(*parent, path.substr(dot + 1));
}

}  // namespace duplexd::config
