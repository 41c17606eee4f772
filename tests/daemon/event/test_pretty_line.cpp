#include <string>
#include <vector>

#include "daemon/event/pretty_line.hpp"
#include "tests/catch.hpp"

namespace duplexd {

TEST_CASE("events for people") {
  struct row {
    std::string line, pretty;
  };
  const std::string head = R"({"v":1,"time":"2026-11-21T02:11:55.123456Z","session":"feed",)";
  for (
      const auto& [line, pretty] : std::vector<row>{
          {head +
               R"("event":"reply","reply":"trade","data":{"price":12.5,"name":"ab","list":[1,{"a":"b c"}]}})",
           R"(02:11:55.123 feed trade  price=12.5 name=ab list=[1,{"a":"b c"}])"},
          {head + R"("event":"reply","reply":"t","data":{"a":"","b":"x y","c":"d=e","d":null}})",
           R"(02:11:55.123 feed t  a="" b="x y" c="d=e" d=null)"},
          {head + R"("event":"reply","reply":"t","data":[1]})", "02:11:55.123 feed t  [1]"},
          {head + R"("event":"reply","reply":"t","data":{"a":"\u001b[2J\u202e"}})",
           "02:11:55.123 feed t  a=\\x1b[2J\\u202e"},
          {head + R"("event":"raw","frame":"binary","bytes":"0102","size":2,"error":{"field":"a"}})",
           R"(02:11:55.123 feed [raw]  frame=binary bytes=0102 size=2 error={"field":"a"})"},
          {head +
               R"("event":"command","id":"7","command":"c","state":"confirmed","reply":"r","data":{"n":1}})",
           "02:11:55.123 feed [command] r  id=7 command=c state=confirmed n=1"},
          {R"({"v":1,"event":"dropped","count":17})", "[dropped]  count=17"},
          {"a;b;c", "a;b;c"},
          {R"({"price":1})", R"({"price":1})"},
          {"", ""},
      }) {
    CAPTURE(line);
    CHECK(pretty_line(line) == pretty);
    CHECK(pretty_line(line + "\n") == pretty + "\n");
  }
}

}  // namespace duplexd
