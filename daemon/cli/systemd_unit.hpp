#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace duplexd::cli {

/// What a unit of systemd tells the program that it starts, as far as a configuration depends on it.
struct systemd_unit {
  std::string config;                                            ///< the file of ExecStart=
  std::vector<std::pair<std::string, std::string>> credentials;  ///< LoadCredential=: ID, path
  std::vector<std::pair<std::string, std::string>> environment;  ///< Environment=
  std::vector<std::pair<std::string, bool>> environment_files;   ///< EnvironmentFile=: path, optional or not
  std::vector<std::string> ignored;                              ///< settings that cannot be followed here
};

/// Takes the settings of a unit's file, or of a drop-in, into `unit`. `instance` is what %i stands for.
void take_unit_text(std::string_view text, std::string_view instance, systemd_unit& unit);

/// Reads a unit with its drop-ins from where systemd looks, or from $SYSTEMD_UNIT_PATH. `name`: "duplexd",
/// "duplexd@name", or with ".service". What is wrong; empty: nothing.
[[nodiscard]] std::string read_unit(const std::string& name, systemd_unit& unit);

/// A directory with links to the credentials of a unit, as long as this lives. $CREDENTIALS_DIRECTORY names
/// it.
class unit_credentials {
 public:
  unit_credentials() = default;
  ~unit_credentials();
  unit_credentials(const unit_credentials&) = delete;
  unit_credentials& operator=(const unit_credentials&) = delete;

  /// What is wrong; empty: nothing.
  [[nodiscard]] std::string make(const systemd_unit& unit);

 private:
  std::string directory_;
};

}  // namespace duplexd::cli
