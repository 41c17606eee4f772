#pragma once

#include <memory>
#include <string>

#include "config/document/reading.hpp"
#include "config/fields/parsed.hpp"
#include "config/settings/settings.hpp"

namespace duplexd::config {

/// Looks the names of messages up in a session's protocol and checks values against their layouts.
/// Complaints go to the reading. Without a protocol (it had mistakes) nothing is looked up.
class message_builder {
 public:
  message_builder(std::shared_ptr<const protocol::protocol> types, reading& in)
      : types_(std::move(types)), in_(in) {}

  /// A message that we or the simulator send.
  send_step message(protocol::direction of, const unresolved_name& name, const unresolved_values& with);

  /// The names of replies, each of which must exist.
  std::vector<std::string> replies(const unresolved_names& names);

  /// The type of that name, or null after a complaint.
  const protocol::message_type* find(protocol::direction of, const unresolved_name& name);

 private:
  bool pack_checked(const protocol::message_type& type, const unresolved_name& name,
                    const unresolved_values& with, std::vector<std::uint8_t>& bytes);

  std::shared_ptr<const protocol::protocol> types_;
  reading& in_;
};

}  // namespace duplexd::config
