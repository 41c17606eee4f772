#include "config/reference/functions.hpp"

#include <algorithm>
#include <iterator>

namespace duplexd::config {

namespace {

const std::vector<function_info>& all_functions() {
  static const std::vector<function_info> all = [] {
    std::vector<function_info> made;
    for (const auto& part :
         {digest_functions(), text_functions(), value_functions(), time_functions(), token_functions()})
      made.insert(made.end(), part.begin(), part.end());
    return made;
  }();
  return all;
}

}  // namespace

const function_info* find_function(std::string_view name) noexcept {
  const auto found = std::ranges::find(all_functions(), name, &function_info::name);
  return found == all_functions().end() ? nullptr : &*found;
}

std::vector<std::string> function_names() {
  std::vector<std::string> names;
  for (const function_info& each : all_functions()) names.emplace_back(each.name);
  return names;
}

}  // namespace duplexd::config
