#include "daemon/control/dashboard_page.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "daemon/control/dashboard_files.hpp"

namespace duplexd {

namespace {

constexpr std::string_view folder = "/dashboard/";
constexpr std::string_view first_page = "index.html";

/// The page runs its own scripts and nothing else, wherever a text that a server has sent ends up.
constexpr std::string_view content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";

std::string_view type_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> types{
      {{".html", "text/html; charset=utf-8"},
       {".css", "text/css; charset=utf-8"},
       {".js", "text/javascript; charset=utf-8"}}};
  const auto* const found =
      std::ranges::find_if(types, [&](const auto& each) { return name.ends_with(each.first); });
  return found == types.end() ? "application/octet-stream" : found->second;
}

}  // namespace

std::optional<net::served_answer> dashboard_page(std::string_view method, std::string_view path) {
  const bool is_first = path == "/";
  if (method != "GET" || (!is_first && !path.starts_with(folder))) return std::nullopt;
  const std::string_view name = is_first ? first_page : path.substr(folder.size());
  const auto* const found = std::ranges::find(dashboard_files, name, &dashboard_file::name);
  if (found == dashboard_files.end()) return std::nullopt;
  net::served_answer made;
  made.type = type_of(name);
  made.body = found->text;
  made.headers = {{"Content-Security-Policy", std::string(content_policy)},
                  {"X-Content-Type-Options", "nosniff"},
                  {"X-Frame-Options", "DENY"},
                  {"Referrer-Policy", "no-referrer"},
                  {"Cross-Origin-Resource-Policy", "same-origin"},
                  {"Cross-Origin-Opener-Policy", "same-origin"}};
  return made;
}

}  // namespace duplexd
