#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/document/reading.hpp"
#include "protocol/message/protocol.hpp"
#include "protocol/message/schema.hpp"

namespace duplexd::config {

/// Compiles each protocol once, however many sessions use it.
class protocol_library {
 public:
  /// Compiles the named ones. `named` may be null and must outlive this, and so must `schemas`, which reads
  /// the layouts that are schemas; null: there are none.
  protocol_library(const protocol::node* named, protocol::schema_reader* schemas, reading& in);

  /// The protocol that a session's field stands for: a name, a definition, or nothing, which is a protocol
  /// without messages. Null after a complaint.
  [[nodiscard]] std::shared_ptr<const protocol::protocol> find(const protocol::node* source,
                                                               const std::string& path, reading& in);

 private:
  using compiled = std::shared_ptr<const protocol::protocol>;

  compiled compile(const protocol::node& definition, const std::string& path, reading& in);

  protocol::schema_reader* const schemas_;
  std::map<std::string, compiled, std::less<>> named_;       ///< null: has mistakes
  std::vector<std::pair<protocol::node, compiled>> inline_;  ///< those of `defaults` and templates come often
};

}  // namespace duplexd::config
