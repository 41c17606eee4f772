#include "daemon/cli/completion.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/app/exit_code.hpp"

namespace duplexd::cli {

namespace {

struct known_option {
  std::vector<std::string> names;  ///< with their dashes
  std::string text;
  bool takes_value = false;
};
struct known_command {
  std::string name;
  std::string text;
  std::vector<known_option> options;
};

/// Descriptions stand in single quotes, in zsh between brackets.
std::string quotable(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\'' || c == '[' || c == ']' || c == ':' || c == '\n' ? ' ' : c;
  return out;
}

std::vector<known_command> commands_of(const CLI::App& app) {
  std::vector<known_command> all;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    known_command& command = all.emplace_back();
    command.name = each->get_name();
    command.text = quotable(each->get_description());
    for (const CLI::Option* option : each->get_options()) {
      known_option known{{}, quotable(option->get_description()), option->get_items_expected_max() > 0};
      for (const std::string& name : option->get_snames()) known.names.push_back("-" + name);
      for (const std::string& name : option->get_lnames()) known.names.push_back("--" + name);
      if (!known.names.empty()) command.options.push_back(std::move(known));
    }
  }
  return all;
}

std::string bash_script(const std::vector<known_command>& all) {
  std::string names;
  std::string cases;
  for (const known_command& command : all) {
    names += command.name + " ";
    std::string options;
    for (const known_option& option : command.options)
      options += fmt::format("{} ", fmt::join(option.names, " "));
    cases += fmt::format("    {}) words='{}' ;;\n", command.name, options);
  }
  return fmt::format(R"(# duplexd completion bash
_duplexd() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} command= word words=
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [[ $word == -* ]] || {{ command=$word; break; }}
  done
  case $command in
    '' | help) words='{}' ;;
{}  esac
  if [[ -z $command || $command == help || $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    COMPREPLY=()
  fi
}}
complete -o bashdefault -o default -F _duplexd duplexd
)",
                     names, cases);
}

std::string zsh_script(const std::vector<known_command>& all) {
  std::string names;
  std::string cases;
  for (const known_command& command : all) {
    names += fmt::format("    '{}:{}'\n", command.name, command.text);
    cases += fmt::format("        {})\n          _arguments \\\n", command.name);
    for (const known_option& option : command.options)
      for (const std::string& name : option.names)
        cases += fmt::format("            '{}[{}]{}' \\\n", name, option.text,
                             option.takes_value ? ":value:_files" : "");
    cases += command.name == "help" ? "            '1:subcommand:(${commands%%:*})' ;;\n"
                                    : "            '*:file:_files' ;;\n";
  }
  return fmt::format(R"(#compdef duplexd
# duplexd completion zsh
_duplexd() {{
  local state
  local -a commands=(
{}  )
  _arguments -C '1:subcommand:->command' '*::argument:->arguments'
  case $state in
    command) _describe subcommand commands ;;
    arguments)
      case $words[1] in
{}      esac ;;
  esac
}}
if [[ $funcstack[1] == _duplexd ]]; then _duplexd "$@"; else compdef _duplexd duplexd; fi
)",
                     names, cases);
}

std::string fish_script(const std::vector<known_command>& all) {
  std::string script = "# duplexd completion fish\n";
  for (const known_command& command : all) {
    script += fmt::format("complete -c duplexd -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name,
                          command.text);
    for (const known_option& option : command.options) {
      script += fmt::format("complete -c duplexd -n '__fish_seen_subcommand_from {}'", command.name);
      for (const std::string& name : option.names)
        script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      script += fmt::format("{} -d '{}'\n", option.takes_value ? " -r" : "", option.text);
    }
  }
  return script;
}

}  // namespace

void add_completion(CLI::App& app, int& exit_code) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("completion", "Print a script for the shell that completes what is typed");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&app, shell, &exit_code] {
    const auto all = commands_of(app);
    const std::string script = *shell == "bash"  ? bash_script(all)
                               : *shell == "zsh" ? zsh_script(all)
                                                 : fish_script(all);
    const bool written = std::fwrite(script.data(), 1, script.size(), stdout) == script.size();
    exit_code = written && std::fflush(stdout) == 0 ? exit_success : exit_output_closed;
  });
}

}  // namespace duplexd::cli
