#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "daemon/module/protobuf/proto_reader.hpp"
#include "protocol/message/message_type.hpp"
#include "tests/protocol/yaml_harness.hpp"

namespace duplexd::test {

using protocol::testing::read;
using protocol::testing::yaml;

inline const std::string proto_folder = DUPLEXD_TEST_DIR "/daemon/module/protobuf";

/// A protocol (YAML) whose schemas are in a folder; null after mistakes, which are "line:column path: message
/// (hint)", one a line.
inline std::shared_ptr<const protocol::protocol> proto_types(const std::string& text,
                                                             const std::string& folder,
                                                             std::string& mistakes) {
  protocol::diagnostics found;
  proto_reader reader;
  auto made = protocol::protocol::compile(yaml(text), "p", found);
  if (made && !read_schemas(*made, &reader, folder, found)) made.reset();
  CHECK((made == nullptr) != found.empty());
  mistakes.clear();
  for (const protocol::diagnostic& each : found)
    mistakes += (mistakes.empty() ? "" : "\n") + std::to_string(each.where.line) + ":" +
                std::to_string(each.where.column) + " " + each.path + ": " + each.message +
                (each.hint.empty() ? "" : " (" + each.hint + ")");
  return made;
}

inline std::shared_ptr<const protocol::protocol> proto_types(const std::string& text) {
  std::string mistakes;
  auto made = proto_types(text, proto_folder, mistakes);
  INFO(mistakes);
  REQUIRE(made);
  return made;
}

/// A protocol whose command "c" and reply "r" are this message; `more` stands behind it in the layout.
inline std::shared_ptr<const protocol::protocol> proto_of(const std::string& file, const std::string& message,
                                                          const std::string& more = "",
                                                          const std::string& around = "") {
  const std::string layout = "{protobuf: " + file + ", message: " + message + more + "}";
  return proto_types(around + "commands: {c: {layout: " + layout + "}}\nreplies: [{as: r, layout: " + layout +
                     "}]");
}

inline std::shared_ptr<const protocol::protocol> every_kind(const std::string& more = "",
                                                            const std::string& around = "") {
  return proto_of("every_kind.proto", "every.Kinds", more, around);
}

/// What the bytes unpack to: JSON, or "! error".
inline std::string unpacked(const std::shared_ptr<const protocol::protocol>& types, const std::string& hex) {
  const auto all = read(types, hex);
  REQUIRE(all.size() == 1);
  return all.front().starts_with("r ") ? all.front().substr(2) : all.front();
}

/// What the values (JSON) pack to: hex digits, or the error.
inline std::string packed(const std::shared_ptr<const protocol::protocol>& types, const std::string& json) {
  return protocol::testing::packed(*types, "c", nlohmann::ordered_json::parse(json));
}

/// A folder for files of a test.
class proto_files_of_test {
 public:
  proto_files_of_test() {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~proto_files_of_test() { std::filesystem::remove_all(path_); }
  proto_files_of_test(const proto_files_of_test&) = delete;
  proto_files_of_test& operator=(const proto_files_of_test&) = delete;

  void put(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  const std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("duplexd-test-proto-" + std::to_string(::getpid()));
};

}  // namespace duplexd::test
