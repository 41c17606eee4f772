#pragma once

#include <set>
#include <string>
#include <vector>

#include "protocol/layout/layout_compiler.hpp"
#include "protocol/message/message_type.hpp"

namespace duplexd::protocol {

/// Compiles the `protocol:` map of a configuration. Every mistake is reported, not only the first.
class protocol_compiler {
 public:
  protocol_compiler(std::string path, diagnostics& out);

  bool compile(const node& definition, protocol::state& to);

 private:
  void layouts(const node& from);
  void commands(const node& from);
  void replies(const node& from);
  void message(const node& from, message_type& type);
  void body(const node& from, message_type& type);
  void tie_length(const framing_rule& rule, const node& where, message_type& type);
  void ends_itself(const node& from, const message_type& type);
  void followers();
  void examples(const node& from, message_type& type);

  // protocol_settings.cpp
  void settings(const node& from);
  void limits(const node& from);
  void framing(const node& from);
  void delimited(const node& from, const node& delimiter, framing_rule& rule);
  void read_mode(const node& from, framing_rule& rule);
  bool integer_type(const node& from, number_type& type, bool& big, std::uint8_t& limit);

  // schema_compiler.cpp
  [[nodiscard]] const node* schema_of(const node* layout) const;
  void schema_body(const node& message, const node& layout, message_type& type);
  std::shared_ptr<schema_layout> schema_as(const node& layout, const std::string& path);

  // json_template.cpp
  void json_body(const node& from, message_type& type);
  void json_place(const node& from, json_part& part);
  void add_part(position where, json_part part, std::vector<json_part>& to);

  // contents_compiler.cpp
  void contents(const node& from, message_type& type);

  // selection_compiler.cpp
  void selection(const node& from, message_type& type);
  bool opcode(const node& from, opcode_rule& rule, bool in_when, condition* into);
  void json_conditions(const node& from, message_type& type);
  void size_condition(const node& from, message_type& type);
  void starts_condition(const node& from, message_type& type);
  void after_condition(const node& from, message_type& type);
  void unreachable();

  bool fail(const node& from, std::string message, std::string hint = {}, std::size_t at = 0);
  bool fail_key(const node_entry& entry, std::string message, std::string hint = {});
  bool known_keys(const node& from, const std::vector<std::string>& keys);
  bool is_map(const node& from, const char* what);
  bool natural(const node& from, std::size_t& out, std::size_t top);

  // Names where in the document we are, for the diagnostics made below.
  class step {
   public:
    step(protocol_compiler& of, const std::string& name) : of_(of), length_(of.path_.size()) {
      if (!name.empty() && name.front() != '[' && !of_.path_.empty()) of_.path_ += '.';
      of_.path_ += name;
    }
    ~step() { of_.path_.resize(length_); }
    step(const step&) = delete;
    step& operator=(const step&) = delete;

   private:
    protocol_compiler& of_;
    std::size_t length_;
  };

  std::string path_;
  diagnostics& out_;
  protocol::state* to_ = nullptr;
  layout_environment env_;
  std::optional<opcode_rule> opcode_;
  std::vector<const node*> places_;  // of the replies
  struct followed {
    const node* where;
    std::string name;
    direction way;
    std::string path;
  };
  std::vector<followed> followed_;  // the names in `after`, known when all are
  std::size_t mistakes_ = 0;
};

}  // namespace duplexd::protocol
