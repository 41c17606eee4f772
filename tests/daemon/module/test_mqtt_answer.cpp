// What a broker's reason codes (MQTT 5, 3.4.2.1) mean.
#include "daemon/module/mqtt/mqtt_answer.hpp"
#include "tests/catch.hpp"

using namespace duplexd;

TEST_CASE("which acknowledgements take a message, and which refuse it for good", "[mqtt]") {
  for (const int taken : {0x00, 0x10, 0x7f}) CHECK(answer_of(taken) == mqtt_answer::taken);
  for (const int refused : {0x90, 0x95, 0x99}) CHECK(answer_of(refused) == mqtt_answer::refused);
  for (const int not_taken : {0x80, 0x83, 0x87, 0x91, 0x97})
    CHECK(answer_of(not_taken) == mqtt_answer::not_taken);
}

TEST_CASE("a reason code in words", "[mqtt]") {
  CHECK(reason_text(0x87) == "the broker says: Not authorized (135)");
}
