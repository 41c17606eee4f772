#include "daemon/app/outside.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "config/settings/step_lists.hpp"
#include "daemon/link/dial_request.hpp"
#include "daemon/net/tls/tls_context.hpp"
#include "daemon/output/module_library.hpp"

namespace duplexd {

namespace {

bool is_program(const std::string& path) {
  struct stat found{};
  return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && access(path.c_str(), X_OK) == 0;
}

// As execvp looks for it.
bool is_on_path(const std::string& name) {
  const char* given = std::getenv("PATH");
  std::string_view left = given != nullptr ? given : "/bin:/usr/bin";
  for (bool more = true; more;) {
    const auto colon = left.find(':');
    const std::string_view folder = left.substr(0, colon);
    if (is_program(fmt::format("{}/{}", folder.empty() ? "." : folder, name))) return true;
    more = colon != std::string_view::npos;
    if (more) left.remove_prefix(colon + 1);
  }
  return false;
}

std::string tls_mistake(const config::session_settings& session) {
  server_request request;
  if (resolve_server(session, nullptr, request)) return "";  // a reference that only a session can read
  return net::client_tls{}.get(request).error;
}

}  // namespace

protocol::diagnostics missing_outside(const config::settings& settings) {
  protocol::diagnostics found;
  const auto is_there = [](const std::string& name) {
    return name.find('/') != std::string::npos ? is_program(name) : is_on_path(name);
  };
  for (const config::output_settings& output : settings.outputs) {
    if (const auto module = module_of(output.type))
      if (const auto loaded = load_module(*module, module_folders()); loaded.module == nullptr)
        found.push_back({{}, "outputs." + output.name, loaded.error, ""});
    if (output.program.empty()) continue;
    const auto program = output.program.front().resolve();
    if (program && !is_there(program.value))
      found.push_back({{}, "outputs." + output.name, "program: there is no program " + program.value, ""});
  }
  for (const config::session_settings& session : settings.sessions) {
    const std::string path = "sessions." + session.name;
    if (std::string why = tls_mistake(session); !why.empty())
      found.push_back({{}, path + ".tls", std::move(why), ""});
    const auto look = [&](const config::script_step& step) {
      const auto* exec = std::get_if<config::exec_step>(&step.action);
      const auto* stream = std::get_if<config::stream_step>(&step.action);
      const std::vector<config::text_template>* words = exec != nullptr     ? &exec->program
                                                        : stream != nullptr ? &stream->program
                                                                            : nullptr;
      if (words == nullptr || words->empty()) return;
      const auto program = words->front().resolve();
      if (!program || is_there(program.value)) return;
      found.push_back({step.where, path, "exec: there is no program " + program.value, ""});
    };
    for (const config::step_list* steps : config::step_lists(session)) config::for_each_step(*steps, look);
  }
  return found;
}

}  // namespace duplexd
