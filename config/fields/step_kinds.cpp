// The field table, part: a step, put together from its kinds.
#include <algorithm>

#include "config/fields/step_kind.hpp"

namespace duplexd::config {

namespace {

/// The kind whose first field has a value; null if there is none.
const step_kind* kind_in(const protocol::node& step) {
  for (const step_kind& each : step_kinds()) {
    const protocol::node* value = step.find(each.name());
    if (value != nullptr && value->kind != protocol::node_kind::null) return &each;
  }
  return nullptr;
}

/// Reads a field of the step's kind. What belongs to another kind is out of place, which `read_section`
/// tells; its value is checked all the same.
void read_of_kind(const field& self, const value_at& at, void* object, reading& in) {
  auto& step = *static_cast<parsed_step*>(object);
  if (const field* own = step.kind != nullptr ? step.kind->find(self.name) : nullptr) {
    own->read(*own, at, step.own.get(), in);
    return;
  }
  const auto other = std::ranges::find_if(
      step_kinds(), [&](const step_kind& each) { return each.find(self.name) != nullptr; });
  const field& theirs = *other->find(self.name);
  theirs.read(theirs, at, other->start().get(), in);
}

}  // namespace

const field* step_kind::find(std::string_view wanted) const noexcept {
  const auto found = std::ranges::find(fields, wanted, &field::name);
  return found == fields.end() ? nullptr : &*found;
}

const std::vector<step_kind>& step_kinds() {
  static const std::vector<step_kind> kinds{
      sleep_kind(), send_kind(),   call_kind(),   json_kind(),   echo_kind(),     expect_kind(),
      every_kind(), gather_kind(), race_kind(),   wait_kind(),   spawn_kind(),    cancel_kind(),
      set_kind(),   http_kind(),   exec_kind(),   pbkdf2_kind(), if_kind(),       repeat_kind(),
      each_kind(),  emit_kind(),   stream_kind(), fail_kind(),   reconnect_kind()};
  return kinds;
}

// A field of several kinds stands with the last of them.
template <>
const section& section_of<parsed_step>() {
  static const section fields = [] {
    using s = parsed_step;
    const fields_of<s> make;
    section step{"step", "One step: exactly one action and its options. See scripts.md.", {}, false, {}};
    for (const step_kind& kind : step_kinds()) {
      step.exactly_one.push_back(kind.name());
      for (const field& each : kind.fields) {
        const bool returns = std::any_of(&kind + 1, step_kinds().data() + step_kinds().size(),
                                         [&](const step_kind& later) { return later.find(each.name); });
        if (returns) continue;
        step.fields.push_back(each);
        step.fields.back().read = read_of_kind;
      }
    }
    step.fields.push_back(
        make("timeout", &s::timeout,
             "Cancel the step, and all that it started, when it takes longer than this: a `script` fault. "
             "Beside `spawn`: the task.")
            .example("5s"));
    step.fields.push_back(
        make("save", &s::save,
             "Variables to set, with the paths of their values in the step's result; `*` is the whole "
             "result.")
            .map_only()
            .only_beside({"expect", "call", "http", "exec", "pbkdf2", "gather", "race", "wait", "stream"})
            .example({{"answer", "*"}}));
    step.fields.push_back(
        make("on_fault", &s::on_fault,
             "Steps to run when the step fails, instead of passing the fault on; they can refer to it as "
             "`${fault:text}`. Beside `spawn` also a word: `end_link`, the default, lets a fault of the task "
             "end the "
             "connection; `keep` logs it and keeps it for a later `wait`.")
            .example(nlohmann::ordered_json::array({{{"send", "to_free"}}})));
    step.fields.push_back(
        make(
            "finally", &s::finally,
            "Steps to run at the end of the step, whether it has succeeded, failed or been cancelled; within "
            "`timeouts.cleanup`.")
            .example(nlohmann::ordered_json::array({{{"send", "to_free"}}})));
    return step;
  }();
  return fields;
}

bool value_parser<parsed_step>::read(const value_at& at, parsed_step& out, reading& in) {
  const std::size_t before = in.mistakes.size();
  out.where = at.value.where;
  out.path = at.path;
  out.kind = kind_in(at.value);
  if (out.kind != nullptr) out.own = out.kind->start();
  read_section(section_of<parsed_step>(), at, at.value.where, &out, in);
  return in.mistakes.size() == before;
}

}  // namespace duplexd::config
