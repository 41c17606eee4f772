#include <string>
#include <utility>
#include <vector>

#include "daemon/cli/systemd_unit.hpp"
#include "tests/catch.hpp"

namespace duplexd::cli {

using pairs = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("what a unit says of the configuration") {
  systemd_unit unit;
  take_unit_text(R"([Unit]
Environment=NOT=this
[Service]
# ExecStart=/usr/bin/duplexd run -c no.yaml
ExecStart=/usr/bin/duplexd run \
  ; a comment in between
  -c "/etc/duplexd/%i 100%%.yaml"
LoadCredential=duplexd:/etc/duplexd/credentials
 LoadCredential = token:/etc/%I/token
Environment=A=1 "B=x y" 'C='
EnvironmentFile=-/etc/default/%i
EnvironmentFile=/etc/env
LoadCredentialEncrypted=x:/y
[Install]
LoadCredential=no:/no
)",
                 "feed", unit);
  CHECK(unit.config == "/etc/duplexd/feed 100%.yaml");
  CHECK(unit.credentials == pairs{{"duplexd", "/etc/duplexd/credentials"}, {"token", "/etc/feed/token"}});
  CHECK(unit.environment == pairs{{"A", "1"}, {"B", "x y"}, {"C", ""}});
  CHECK(unit.environment_files ==
        std::vector<std::pair<std::string, bool>>{{"/etc/default/feed", true}, {"/etc/env", false}});
  CHECK(unit.ignored == std::vector<std::string>{"LoadCredentialEncrypted"});
  // A drop-in: an empty value forgets what was there.
  take_unit_text(
      "[Service]\nLoadCredential=\nLoadCredential=a:/b\nEnvironment=\nExecStart=\n"
      "ExecStart=/usr/bin/duplexd run other.yaml --once\nEnvironmentFile=\n",
      "", unit);
  CHECK(unit.config == "other.yaml");
  CHECK(unit.credentials == pairs{{"a", "/b"}});
  CHECK(unit.environment.empty());
  CHECK(unit.environment_files.empty());
}

TEST_CASE("where a unit's ExecStart has the configuration") {
  for (const auto& [command, config] : pairs{{"duplexd run -c a", "a"},
                                             {"duplexd run --once --config a", "a"},
                                             {"duplexd run a b", "a"},
                                             {"duplexd run --once", ""},
                                             {"duplexd run", ""},
                                             {"/bin/true", ""}}) {
    CAPTURE(command);
    systemd_unit unit;
    take_unit_text("[Service]\nExecStart=" + command, "", unit);
    CHECK(unit.config == config);
  }
}

}  // namespace duplexd::cli
