#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "config/fields/script_builder.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

/// One kind of step: its fields, and how a step is made from their values.
struct step_kind {
  std::vector<field> fields;         ///< the first one chooses the kind
  std::shared_ptr<void> (*start)();  ///< what the fields are read into
  /// The second pass: looks names up and completes the step.
  void (*build)(parsed_step& from, script_builder& make, script_step& out);

  [[nodiscard]] const std::string& name() const noexcept { return fields.front().name; }
  [[nodiscard]] const field* find(std::string_view wanted) const noexcept;
};

/// A kind whose fields belong to `Parsed`: a `Step` that the fields fill, with members of its own for what
/// must be looked up. `Parsed::build(parsed_step&, script_builder&)` puts that into the step.
template <class Step, class Parsed>
step_kind kind_of(std::vector<field> fields) {
  return {std::move(fields), []() -> std::shared_ptr<void> { return std::make_shared<Parsed>(); },
          [](parsed_step& from, script_builder& make, script_step& out) {
            auto& own = *static_cast<Parsed*>(from.own.get());
            own.build(from, make);
            out.action = static_cast<Step&&>(own);
          }};
}

/// All kinds, in the order of the reference page.
[[nodiscard]] const std::vector<step_kind>& step_kinds();

template <>
const section& section_of<parsed_step>();

// steps_messages.cpp
step_kind send_kind();
step_kind call_kind();
step_kind json_kind();
step_kind echo_kind();
step_kind expect_kind();
step_kind reconnect_kind();

// steps_flow.cpp
step_kind sleep_kind();
step_kind set_kind();
step_kind every_kind();
step_kind gather_kind();
step_kind race_kind();
step_kind wait_kind();
step_kind spawn_kind();
step_kind cancel_kind();
step_kind if_kind();
step_kind repeat_kind();
step_kind each_kind();
step_kind fail_kind();

// steps_events.cpp
step_kind emit_kind();

// steps_stream.cpp
step_kind stream_kind();

// steps_keys.cpp
step_kind pbkdf2_kind();

// steps_outside.cpp
step_kind http_kind();
step_kind exec_kind();

}  // namespace duplexd::config
