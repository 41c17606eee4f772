#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/codec/program.hpp"
#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"
#include "protocol/layout/notation.hpp"

namespace duplexd::protocol {

/// What the layouts of one protocol have in common.
struct layout_environment {
  const node* layouts = nullptr;  ///< the map of named layouts, or null
  char order = '=';               ///< where neither line nor token says one
  json_style style = json_style::python;
  codec_limits limits;
  std::optional<framing_rule> framing;
  /// What a layout in another notation stands for, and the path of the layout that it is in. Null: there are
  /// none.
  std::function<embedded_message(const node& layout, const std::string& path)> embedded{};
};

/// Compiles one message's layout into a program: names are resolved, named layouts are written out where they
/// are used, sizes and counts are tied to the fields that carry them. Mistakes go to `out`.
class layout_compiler {
 public:
  layout_compiler(const layout_environment& environment, diagnostics& out);

  /// Compiles `layout` (a line, a list of items, an item, or null). False if there were mistakes.
  bool compile(const node& layout, const std::string& path, trailing left, program& to);

 private:
  // A name that expressions can use.
  struct symbol {
    std::string name;
    std::int32_t at = -1;      // instruction
    std::int32_t member = -1;  // of its bits
    bool number = true;
    bool dead = false;  // out of reach: a case or an element that has ended
  };
  // {type: …, none: -1} for what has a size or count.
  struct null_mark {
    const node* from = nullptr;
    std::int64_t value = 0;
    bool taken = false;
  };
  // The map that fields are put into.
  struct container {
    std::int32_t at = -1;
    std::set<std::string> names;
    bool named = false;
    std::int32_t values = 0;  // by position
  };

  // layout_compiler.cpp: structure
  void layout(const node& from);
  void line(const node& from);
  void named_token(const token& t, const node& from, char order);
  void group(const token& t, const node& from, char order, bool inside_list);
  [[nodiscard]] std::string hint_for_type(const std::string& word) const;
  bool may_unfold(const std::string& name, const node& from, std::size_t at);
  void splice(const std::string& name, const node& from, std::size_t at);
  void value(const token& t, const node& from, char order, name_id name, bool hidden);
  void sized_object(const token& t, const node& from, char order, name_id name, bool hidden);
  void object_of(const node& layout_node, const std::string& layout_name, name_id name, bool hidden);
  void list_of_codes(const token& t, const node& from, char order, name_id name, bool hidden);
  void array(const token& t, const node& from, char order, name_id name, bool hidden);

  // layout_numbers.cpp
  void number(const token& t, const node& from, char order, const instruction& basis, name_id name,
              bool hidden);
  bool scale(const token& t, const node& from, instruction& in);
  bool constant(const token& t, const node& from, instruction& in);
  // How many digits a number has, or what ends them.
  bool digits_size(const token& t, const node& from, char order, name_id name, instruction& in);

  // layout_texts.cpp
  void blob(const token& t, const node& from, char order, content what, name_id name, bool hidden);

  // layout_messages.cpp: what another notation describes
  [[nodiscard]] static bool is_message(const node& from);
  void message(const token& t, const node& from, const node& layout, char order, name_id name, bool hidden);
  void message_of(const node& layout, extent_id size, name_id name, bool hidden);

  // layout_items.cpp: what a line cannot say
  void item(const node& from);
  void field_item(const std::string& name, const node& name_node, const node& from);
  void any_value(const node& from, name_id name, bool hidden);
  void typed_item(const node& from, name_id name, bool hidden);
  void one_of(const node& from);
  void invalid(const node& from);
  void array_item(const node& from, name_id name, bool hidden);
  void region_item(const node& from, name_id name, bool hidden, bool spliced);
  trailing read_trailing(const node& from, trailing standard);
  [[nodiscard]] static bool is_type(const node& from);
  [[nodiscard]] static bool is_nothing(const node* from) noexcept;

  // layout_placed.cpp: what is elsewhere in the packet
  void placed_item(const node& from, name_id name, bool hidden);
  bool offset_fits(const node& from, const extent& where);
  bool null_offset(const node& from, const extent& where, instruction& in);

  // layout_named_numbers.cpp
  void bits_item(const node& from, name_id name, bool hidden, bool spliced);
  void enum_item(const node& from, name_id name, bool hidden);
  void flags_item(const node& from, name_id name, bool hidden);
  bool read_number_type(const node* from, const node& whole, instruction& in);
  bool read_names(const node& from, std::vector<std::pair<std::int64_t, std::string>>& out);
  bool read_bit(const node_entry& entry, bit_member& m);

  // layout_pairs.cpp
  void pairs(const node& from);
  bool read_mark(const node& from, const char* key, std::string& out);
  bool read_escapes(const node& from, pairs_rule& rule);

  // layout_choices.cpp: what expressions decide
  void let_item(const node& from);
  void choose_item(const node& from);
  void require_item(const node& from);
  void branch(const node* body, choice_case& into);
  bool read_view_value(const node& from, view_value& out);

  // layout_nested.cpp, layout_checksums.cpp
  void nested_item(const node& from, name_id name, bool hidden);
  bool framed_layout(const std::string& name, const node& from, std::size_t at, id<routine>& routine_index);
  void checksum_item(const node& from, name_id name, bool hidden);
  slot_id mark(const node& name, bool at_end);
  void check_checksums();

  // layout_extents.cpp: sizes and counts
  extent_id extent_of(std::string_view text, const node& from, std::size_t at);
  extent_id fixed_extent(std::int64_t value);
  extent_id rest_extent();
  extent_id prefix(const extent_notation& notation, const node& from, char order, name_id name);
  // Bytes that end a list of elements of that type.
  extent_id terminator(const extent_notation& notation, const node& from, std::string_view type, char order);
  // Opens what is null where a size or count says so; -1 if this is not asked for, or not possible.
  std::int32_t open_nullable(extent_id size, name_id name, bool hidden);
  extent_id size_extent(const extent_notation& notation, const node& from, char order, name_id name);

  // layout_symbols.cpp: names, registers, instructions
  instruction& emit(op code);
  std::int32_t here() const { return static_cast<std::int32_t>(to_->code.size()); }
  void close(std::int32_t at);
  name_id intern(const std::string& name);
  bool declare(const std::string& name, const node& from, std::size_t at, name_id& id);
  bool room_for(const node& from, std::size_t at, const std::string& what);
  void remember(name_id id, std::int32_t at, bool number);
  void retire(std::size_t first);
  std::optional<std::int64_t> slot_of(std::string_view name, std::string& error);
  slot_id slot_of(symbol& s);
  slot_id new_slot();
  expression_id expression_of(std::string_view text, const node& from, std::size_t at);
  bool number_type_of(std::string_view word, char order, instruction& in) const;
  const node* find_layout(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> known_names() const;
  [[nodiscard]] std::vector<std::string> type_names() const;
  bool fail(const node& from, std::size_t at, std::string message, std::string hint = {});
  bool known_keys(const node& from, const std::vector<std::string>& keys);

  // layout_bounds.cpp: what is worked out once the program is written
  void mark_simple();
  struct shortest_walk {
    static constexpr unsigned deepest = 100;
    unsigned depth = 0;
    unsigned steps_left = 100'000;
  };
  std::size_t shortest(std::int32_t begin, std::int32_t end) const;
  std::size_t shortest(std::int32_t begin, std::int32_t end, shortest_walk& walk) const;

  const layout_environment& env_;
  diagnostics& out_;
  std::string path_;
  program* to_ = nullptr;
  std::vector<symbol> symbols_;
  std::size_t visible_from_ = 0;  // symbols before this belong to another routine
  std::vector<container> containers_;
  null_mark* null_ = nullptr;                                  // of the type that comes next
  const node* placing_ = nullptr;                              // what has an offset that was seen to
  std::vector<std::pair<std::int32_t, std::int32_t>> placed_;  // what is elsewhere in the packet
  std::string filled_by_;                                      // the field that takes the rest of this region
  std::vector<std::string> unfolding_;                         // named layouts being written out
  std::vector<std::pair<std::string, id<routine>>> routines_;
  std::vector<std::pair<std::string, id<routine>>> pending_routines_;
  std::unordered_map<std::string, name_id> interned_;
  std::size_t unfolded_ = 0;                                     // layouts written out so far
  std::vector<std::pair<std::int32_t, const node*>> checksums_;  // where they are, in their order
  std::size_t mistakes_ = 0;
};

/// The place of byte `at` of a scalar's text.
[[nodiscard]] position place_in(const node& scalar, std::size_t at) noexcept;

}  // namespace duplexd::protocol
