#include "daemon/cli/systemd_unit.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>

#include "config/value/regular_file.hpp"
#include "protocol/text/parts.hpp"

namespace duplexd::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_unit = std::size_t{1} << 20;  // bytes of a file

/// Words with spaces between them; those in quotes are one.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> all;
  std::optional<std::string> word;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
      if (!word) word = "";
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      if (word) all.push_back(std::move(*word));
      word.reset();
    } else {
      if (!word) word = "";
      word->push_back(c);
    }
  }
  if (word) all.push_back(std::move(*word));
  return all;
}

std::string with_instance(std::string_view text, std::string_view instance) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '%' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'i' || next == 'I')
      out += instance;
    else
      out += text[i];
    if (next == 'i' || next == 'I' || next == '%') ++i;
  }
  return out;
}

/// `run -c FILE`, `run --config FILE` or `run FILE`.
std::string config_of(const std::vector<std::string>& words) {
  for (std::size_t i = 1; i + 1 < words.size(); ++i)
    if (words[i] == "-c" || words[i] == "--config") return words[i + 1];
  const auto run = std::ranges::find(words, "run");
  return run != words.end() && run + 1 != words.end() && !(run + 1)->starts_with('-') ? *(run + 1) : "";
}

/// NAME=VALUE; without a sign the value is empty.
std::pair<std::string, std::string> split(const std::string& text, char sign) {
  const auto at = text.find(sign);
  return {text.substr(0, at), at == std::string::npos ? "" : text.substr(at + 1)};
}

void take_setting(std::string_view key, const std::string& value, systemd_unit& unit) {
  if (key == "ExecStart") {
    if (!value.empty()) unit.config = config_of(words_of(value));
  } else if (key == "LoadCredential") {
    if (value.empty()) unit.credentials.clear();
    if (!value.empty()) unit.credentials.push_back(split(value, ':'));
  } else if (key == "Environment") {
    if (value.empty()) unit.environment.clear();
    for (const std::string& each : words_of(value)) unit.environment.push_back(split(each, '='));
  } else if (key == "EnvironmentFile") {
    if (value.empty()) unit.environment_files.clear();
    const bool optional = value.starts_with('-');
    if (!value.empty()) unit.environment_files.emplace_back(value.substr(optional ? 1 : 0), optional);
  } else if (key == "SetCredential" || key == "SetCredentialEncrypted" || key == "LoadCredentialEncrypted" ||
             key == "ImportCredential" || key == "RootDirectory" || key == "RootImage") {
    unit.ignored.emplace_back(key);
  }
}

std::vector<std::string> unit_paths() {
  std::vector<std::string> all;
  const char* given = std::getenv("SYSTEMD_UNIT_PATH");
  std::string_view left = given != nullptr
                              ? given
                              : "/etc/systemd/system:/run/systemd/system:/usr/local/lib/systemd/system:"
                                "/usr/lib/systemd/system:/lib/systemd/system";
  while (!left.empty()) all.emplace_back(protocol::next_part(left, ':'));
  return all;
}

/// The drop-ins of a unit by their names, the first directory's where several have one.
std::map<std::string, std::string> drop_ins_of(const std::vector<std::string>& files) {
  std::map<std::string, std::string> all;
  for (const std::string& directory : unit_paths())
    for (const std::string& file : files) {
      std::error_code failed;
      for (const auto& each : fs::directory_iterator(fs::path(directory) / (file + ".d"), failed))
        if (each.path().extension() == ".conf")
          all.emplace(each.path().filename().string(), each.path().string());
    }
  return all;
}

}  // namespace

void take_unit_text(std::string_view text, std::string_view instance, systemd_unit& unit) {
  std::string section;
  std::string line;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view piece = protocol::trimmed(text.substr(0, end), " \t\r");
    text.remove_prefix(std::min(end + 1, text.size()));
    if (piece.starts_with('#') || piece.starts_with(';')) continue;
    if (piece.ends_with('\\')) {
      line.append(piece.substr(0, piece.size() - 1)).append(" ");
      continue;
    }
    line += piece;
    const std::string whole = std::exchange(line, {});
    if (whole.starts_with('[')) section = whole;
    const auto sign = whole.find('=');
    if (section != "[Service]" || sign == std::string::npos) continue;
    const std::string_view key = protocol::trimmed(std::string_view{whole}.substr(0, sign));
    const std::string_view value = protocol::trimmed(std::string_view{whole}.substr(sign + 1));
    take_setting(key, with_instance(value, instance), unit);
  }
}

std::string read_unit(const std::string& name, systemd_unit& unit) {
  constexpr std::string_view suffix = ".service";
  const std::string file = name.ends_with(suffix) ? name : name + std::string(suffix);
  if (file.find('/') != std::string::npos) return fmt::format("'{}' is not the name of a unit", name);
  const std::string stem = file.substr(0, file.size() - suffix.size());
  const auto at = stem.find('@');
  const std::string instance = at == std::string::npos ? "" : stem.substr(at + 1);
  std::vector<std::string> files{file};
  if (!instance.empty()) files.push_back(stem.substr(0, at + 1) + std::string(suffix));
  bool is_found = false;
  const auto take = [&](const std::string& path) -> std::string {
    const auto text = config::read_regular_file(path, largest_unit);
    if (!text) return fmt::format("{}: {}", path, text.error);
    take_unit_text(text.value, instance, unit);
    return "";
  };
  for (const std::string& wanted : files) {
    for (const std::string& directory : unit_paths()) {
      const std::string path = fmt::format("{}/{}", directory, wanted);
      std::error_code failed;
      if (is_found || !fs::exists(path, failed)) continue;
      is_found = true;
      if (std::string why = take(path); !why.empty()) return why;
    }
  }
  if (!is_found) return fmt::format("there is no unit {}", file);
  for (const auto& [ignored, path] : drop_ins_of(files))
    if (std::string why = take(path); !why.empty()) return why;
  if (unit.config.empty()) return fmt::format("{}: its ExecStart= does not run duplexd with a file", file);
  return "";
}

unit_credentials::~unit_credentials() {
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);  // links, not what they lead to
}

std::string unit_credentials::make(const systemd_unit& unit) {
  const char* place = std::getenv("XDG_RUNTIME_DIR");
  std::string pattern = std::string(place != nullptr ? place : "/tmp") + "/duplexd-credentials-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    return fmt::format("{}: {}", pattern, std::generic_category().message(errno));
  directory_ = pattern;
  std::error_code failed;
  const auto link = [&](const fs::path& path, const std::string& id) {
    fs::create_symlink(path, fs::path(directory_) / id, failed);
  };
  for (const auto& [id, path] : unit.credentials) {
    if (!path.starts_with('/')) return fmt::format("LoadCredential={}: only absolute paths are followed", id);
    const bool is_directory = fs::is_directory(path, failed);
    if (!failed && !is_directory) link(path, id);
    if (!failed && is_directory)
      for (const auto& each : fs::directory_iterator(path, failed))
        link(each.path(), id + "_" + each.path().filename().string());
    if (failed) return fmt::format("LoadCredential={}:{}: {}", id, path, failed.message());
  }
  ::setenv("CREDENTIALS_DIRECTORY", directory_.c_str(), 1);
  return "";
}

}  // namespace duplexd::cli
