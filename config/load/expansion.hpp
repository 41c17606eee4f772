#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/document/reading.hpp"
#include "config/fields/field.hpp"
#include "config/fields/parsed.hpp"

namespace duplexd::config {

/// A session with everything that it takes over. Incomplete after a complaint about its template: then
/// nothing of it may be called missing.
struct expanded_session {
  protocol::node value;
  bool is_complete = true;
};

/// The session's table for what need not be whole: nothing is required.
[[nodiscard]] const section& partial_session_fields();

/// Makes whole sessions from `defaults`, `templates` and what the sessions say themselves; the latter wins,
/// and sections that the field table marks as merged are merged field by field. Each value keeps its place.
class expansion {
 public:
  /// Reads and checks the definitions. `document` must outlive this.
  expansion(const parsed_document& document, reading& in);

  [[nodiscard]] expanded_session expand(const protocol::node_entry& session, const value_at& at,
                                        reading& in) const;

  /// A text of a template with an undeclared parameter: what goes wrong there in a session follows from that.
  [[nodiscard]] bool is_told_already(protocol::position where) const;

 private:
  struct session_template {
    parsed_template body;
    std::vector<std::string> parameters;
    std::map<std::string, const protocol::node*> defaults;  ///< of parameters that may be left out
    bool is_broken = false;  ///< has mistakes: sessions made from it are not judged
  };

  void read_template(const value_at& at, const protocol::node_entry& entry, reading& in);
  void check_parameters(const value_at& body, const std::vector<std::string>& declared, reading& in);
  static void read_parameters(const value_at& at, session_template& out, reading& in);
  [[nodiscard]] protocol::node instantiate(const std::string& name, const session_template& from,
                                           const protocol::node* arguments,
                                           const protocol::node_entry& session, const value_at& at,
                                           reading& in) const;

  const protocol::node* defaults_ = nullptr;
  std::map<std::string, session_template, std::less<>> templates_;
  std::set<protocol::position> undeclared_;
};

}  // namespace duplexd::config
