#include "daemon/session/match.hpp"

#include <string>
#include <string_view>

namespace duplexd {

namespace {

using json = nlohmann::ordered_json;

const json* find(const json& data, std::string_view path) {
  if (!data.is_object()) return nullptr;
  if (const auto exact = data.find(std::string{path}); exact != data.end()) return &*exact;
  const auto dot = path.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const auto parent = data.find(std::string{path.substr(0, dot)});
  return parent == data.end() ? nullptr : find(*parent, path.substr(dot + 1));
}

}  // namespace

bool matches(const json& data, const json& where) {
  for (const auto& [path, wanted] : where.items()) {
    const json* found = find(data, path);
    if (found == nullptr || *found != wanted) return false;
  }
  return true;
}

}  // namespace duplexd
