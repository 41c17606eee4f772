#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/daemon/support/talk.hpp"

namespace duplexd::test {

/// A session on an open link, and what a test's server says and hears on it.
struct link_scene {
  explicit link_scene(const std::string& fields, bool once = false) : play(talk_yaml(fields), once) {}
  void tick(const nlohmann::ordered_json& values) {
    nlohmann::ordered_json all{{"op", "tick"}};
    for (const auto& [name, value] : values.items()) all[name] = value;
    server->say(say(all));
  }
  [[nodiscard]] std::vector<std::string> sent() const { return heard(*server); }
  [[nodiscard]] std::string last_line() const { return play.log().at(play.log().size() - 2); }

  stage play;
  std::shared_ptr<scripted_server> server = play.accept();
};

}  // namespace duplexd::test
