#include <filesystem>

#include "config/load/load.hpp"
#include "daemon/module/protobuf/proto_reader.hpp"
#include "protocol/message/message_type.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace duplexd::protocol;

namespace {

// Every configuration in config/examples, loaded without its secrets.
template <class Use>
void each_session(Use use) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(DUPLEXD_SOURCE_DIR "/config/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    INFO(entry.path().filename().string());
    diagnostics mistakes;
    config::load_options how;
    proto_reader schemas;
    how.secrets_absent = true;
    how.schemas = &schemas;
    const auto settings = config::load(entry.path().string(), how, mistakes);
    for (const diagnostic& mistake : mistakes) FAIL_CHECK(config::format(entry.path().string(), mistake));
    if (!settings) continue;
    for (const config::session_settings& session : settings->sessions)
      if (session.protocol) use(session);
  }
  CHECK(files >= 19);
}

}  // namespace

// The examples next to the layouts hold, in both directions.
TEST_CASE("the examples of the example configurations hold") {
  each_session([](const config::session_settings& session) {
    for (const example_result& result : run_examples(session.protocol))
      if (!result.message.empty()) FAIL_CHECK(result.path << ": " << result.message);
  });
}

// The values that the simulator makes up can be packed, and come back as that very message.
TEST_CASE("every message of the example configurations can be made up") {
  each_session([](const config::session_settings& session) {
    for (const direction way : {direction::command, direction::reply}) {
      for (const message_type& type : session.protocol->types(way)) {
        INFO(session.name << " " << type.name);
        std::vector<std::uint8_t> bytes;
        const auto values = example_values(type);
        const auto error = pack(type, values, bytes);
        if (error) FAIL_CHECK(error->text() << " of " << values.dump());
        CHECK(byte_table(type).find(type.name) != std::string::npos);
        if (error) continue;
        packet_reader reader(session.protocol, way);
        reader.expect(type);
        reader.begin({type.frame, bytes});
        packet found;
        REQUIRE(reader.next(found));
        std::string text;
        if (found.type == nullptr) FAIL_CHECK(found.error.text() << " of " << values.dump());
        if (found.type == nullptr) continue;
        if (const auto fault = write_json(found, text)) FAIL_CHECK(fault->text() << " of " << values.dump());
      }
    }
  });
}
