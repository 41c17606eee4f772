#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "config/fields/fields.hpp"
#include "config/fields/json_schema.hpp"
#include "config/fields/reference_page.hpp"
#include "config/fields/step_kind.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using namespace testing;

namespace {

std::string content_of(const std::string& file) {
  std::ifstream stream(file);
  REQUIRE(stream.is_open());
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void for_each_section(const section& from, std::set<std::string>& seen,
                      const std::function<void(const section&)>& visit) {
  if (!seen.insert(from.id).second) return;
  visit(from);
  for (const field& each : from.fields)
    if (each.type.inner != nullptr) for_each_section(*each.type.inner, seen, visit);
}

void for_each_section(const std::function<void(const section&)>& visit) {
  std::set<std::string> seen;
  for_each_section(document_fields(), seen, visit);
}

}  // namespace

// The page in docs/ is what the table says now. To mend it: duplexd schema --markdown > docs/configuration.md
TEST_CASE("the reference page is current", "[fields]") {
  CHECK(content_of(DUPLEXD_SOURCE_DIR "/docs/configuration.md") == reference_page());
}

// Each field has a sentence, a value to show, and a name of its own.
TEST_CASE("the table is complete", "[fields]") {
  for_each_section([](const section& each) {
    INFO(each.id);
    CHECK_FALSE(each.doc.empty());
    std::set<std::string> names;
    for (const field& one : each.fields) {
      INFO(one.name);
      CHECK(names.insert(one.name).second);
      CHECK(one.doc.ends_with('.'));
      CHECK_FALSE(one.type.name.empty());
      const bool shows_itself =
          one.type.inner != nullptr || !one.fallback.is_null() || one.name == "protocols";
      CHECK((shows_itself || !one.sample.is_null()));
      for (const std::string& other : one.beside) CHECK(each.find(other) != nullptr);
    }
    for (const std::string& other : each.exactly_one) CHECK(each.find(other) != nullptr);
  });
}

// What several kinds of steps have is said alike by each, and "only allowed with" names them all.
TEST_CASE("the fields of a step are those of its kinds", "[fields]") {
  std::map<std::string, std::set<std::string>> kinds_of;
  std::map<std::string, std::string> doc_of;
  for (const step_kind& kind : step_kinds())
    for (const field& each : kind.fields) {
      INFO(kind.name() << ": " << each.name);
      CHECK(kinds_of[each.name].insert(kind.name()).second);
      CHECK(doc_of.try_emplace(each.name, each.doc).first->second == each.doc);
    }
  const section& step = section_of<parsed_step>();
  for (const auto& [name, kinds] : kinds_of) {
    INFO(name);
    const field* found = step.find(name);
    REQUIRE(found != nullptr);
    const bool chooses = kinds == std::set{name};
    CHECK(std::set(found->beside.begin(), found->beside.end()) ==
          (chooses ? std::set<std::string>{} : kinds));
  }
  CHECK(step.exactly_one.size() == step_kinds().size());
}

// Each example of a plain field of a session, and each default, is accepted by the field itself.
TEST_CASE("the table's examples and defaults are right", "[fields]") {
  nlohmann::ordered_json session;
  const auto accepted = [&](const std::string& name, const nlohmann::ordered_json& value) {
    session["url"] = "wss://h/";
    const auto dot = name.find('.');
    if (dot == std::string::npos)
      session[name] = value;
    else
      session[name.substr(0, dot)][name.substr(dot + 1)] = value;
    const nlohmann::ordered_json document{{"sessions", {{"s", session}}}};
    INFO(document.dump());
    CHECK(load_document(document.dump(), "f.json", true).mistakes.empty());
    session.clear();
  };
  const std::set<std::string> need_more{"template", "with",   "protocol", "before", "subscribe",
                                        "on",       "script", "commands", "renew",  "variables"};
  for (const field& each : session_fields().fields) {
    if (need_more.contains(each.name)) continue;
    if (!each.sample.is_null()) accepted(each.name, each.sample);
    if (!each.fallback.is_null()) accepted(each.name, each.fallback);
    if (!each.is_merged || each.type.inner == nullptr) continue;
    for (const field& inner : each.type.inner->fields) {
      for (const std::string& other : inner.beside)
        session[each.name][other] = each.type.inner->find(other)->sample;
      if (!inner.sample.is_null()) accepted(each.name + "." + inner.name, inner.sample);
      if (!inner.fallback.is_null()) accepted(each.name + "." + inner.name, inner.fallback);
    }
  }
}

// Every reference inside of the schema leads somewhere.
TEST_CASE("the JSON Schema is whole", "[fields]") {
  const nlohmann::ordered_json schema = json_schema();
  const std::function<void(const nlohmann::ordered_json&)> visit = [&](const nlohmann::ordered_json& value) {
    if (value.is_object() && value.contains("$ref") && value["$ref"].is_string()) {
      const std::string reference = value["$ref"];
      INFO(reference);
      CHECK(schema.contains(nlohmann::ordered_json::json_pointer(reference.substr(1))));
    }
    if (value.is_structured())
      for (const auto& inner : value) visit(inner);
  };
  visit(schema);
  CHECK(schema["properties"].contains("sessions"));
  CHECK(schema["$defs"]["template_tls"]["properties"].contains("verify"));
}

}  // namespace duplexd::config
