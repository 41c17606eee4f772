#include <cstring>
#include <filesystem>

#include "daemon/module/protobuf/proto_reader.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

// Everything in config/examples, the cookbook too, is right as it stands, without warnings.
TEST_CASE("every example passes the check", "[examples]") {
  std::size_t count = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(DUPLEXD_SOURCE_DIR "/config/examples")) {
    const std::string file = entry.path().string();
    if (!file.ends_with(".yaml") && !file.ends_with(".json")) continue;
    INFO(file);
    ++count;
    protocol::diagnostics mistakes;
    protocol::diagnostics warnings;
    proto_reader schemas;
    const auto all = load(file, {true, &warnings, &schemas}, mistakes);
    for (const auto& each : mistakes) UNSCOPED_INFO(format(file, each));
    for (const auto& each : warnings) UNSCOPED_INFO(format(file, each));
    CHECK(all.has_value());
    CHECK(warnings.empty());
  }
  CHECK(count >= 14);
}

// The reference session says what its Python script said.
TEST_CASE("the reference session is what it should be", "[examples]") {
  const testing::environment_variable agent("AGENT_ID", "test1234");
  protocol::diagnostics mistakes;
  const auto all = load(DUPLEXD_SOURCE_DIR "/config/examples/reference.yaml", {}, mistakes);
  REQUIRE(all.has_value());
  REQUIRE(all->sessions.size() == 1);
  const session_settings& session = all->sessions[0];
  CHECK(session.login->json->resolve().value.dump() == R"({"role":"admin","user_id":"test1234"})");
  CHECK(session.script.size() == 5);
  CHECK(session.close.reason == "user quit");
  const auto bytes_of = [&](std::size_t step) {
    const send_step& what = std::get<send_step>(session.script[step].action);
    std::vector<std::uint8_t> bytes;
    const auto mistake = pack(*session.protocol->find(protocol::direction::command, what.command),
                              what.with.resolve().value, bytes);
    REQUIRE_FALSE(mistake.has_value());
    return bytes;
  };
  CHECK(bytes_of(3) == std::vector<std::uint8_t>{0, 0, 0, 0, 0});
  const std::vector<std::uint8_t> set_service = bytes_of(1);
  REQUIRE(set_service.size() > 4);
  std::int32_t opcode = 0;
  std::memcpy(&opcode, set_service.data(), sizeof opcode);
  CHECK(opcode == 2);
  CHECK(nlohmann::json::parse(set_service.begin() + 4, set_service.end()) ==
        nlohmann::json({"first", "test"}));
}

}  // namespace duplexd::config
