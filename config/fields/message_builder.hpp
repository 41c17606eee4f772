#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/reading.hpp"
#include "config/fields/parsed.hpp"
#include "config/settings/settings.hpp"
#include "protocol/message/value_shape.hpp"

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

  /// Complains of a path that leads to no field of any of the replies.
  void check_path(const std::vector<std::string>& replies, std::string_view path, protocol::position where,
                  const std::string& at);

  /// The same for a field of a command; false if there is none.
  bool check_field(const std::string& command, std::string_view path, protocol::position where,
                   const std::string& at);

  /// A command that takes a chunk of a stream in a field, or `takes_chunk` is false: it has no such field,
  /// and `may_lack` it.
  stream_step::carrier carrier(const unresolved_name& name, const unresolved_values& with,
                               const std::string& field, bool may_lack);

  /// Complains of conditions that none of the replies can meet.
  void check_match(const std::vector<std::string>& replies, const unresolved_match& match);

  /// The type of that name, or null after a complaint.
  const protocol::message_type* find(protocol::direction of, const unresolved_name& name);

 private:
  const protocol::value_shape* shape(protocol::direction of, const std::string& name);
  void check_partly(const protocol::message_type& type, const unresolved_name& name,
                    const unresolved_values& with);
  bool pack_checked(const protocol::message_type& type, const unresolved_name& name,
                    const unresolved_values& with, std::vector<std::uint8_t>& bytes);

  std::shared_ptr<const protocol::protocol> types_;
  reading& in_;
  std::map<const protocol::message_type*, protocol::value_shape> shapes_;
};

}  // namespace duplexd::config
