#include "config/settings/column_types.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "config/settings/settings.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/message/value_shape.hpp"

namespace duplexd::config {

namespace {

using protocol::message_type;
using protocol::value_shape;

column_type type_of(const value_shape& shape) {
  if (shape.what == value_shape::kind::any) return column_type::any;
  if (shape.what != value_shape::kind::scalar) return column_type::text;  // JSON
  switch (shape.exact) {
    case value_shape::exact_type::boolean:
    case value_shape::exact_type::integer:
      return column_type::integer;
    case value_shape::exact_type::real:
      return column_type::real;
    case value_shape::exact_type::text:
      return column_type::text;
    case value_shape::exact_type::any:
    case value_shape::exact_type::null:
      break;
  }
  return column_type::any;
}

/// The columns of one table, as several replies of its name have them.
struct table {
  std::map<std::string, column_type> columns{};
  bool open = false;  ///< a reply may have any values

  void take(const std::string& column, column_type type) {
    const auto [known, is_new] = columns.emplace(column, type);
    if (!is_new && known->second != type) known->second = column_type::any;
  }

  void take(const value_shape& reply) {
    open = open || reply.open || reply.what == value_shape::kind::any;
    if (reply.what != value_shape::kind::map) return take(std::string(whole_value_column), type_of(reply));
    for (const auto& [name, shape] : reply.members) take(name, type_of(shape));
  }
};

}  // namespace

table_columns columns_of(const output_settings& output, const std::vector<session_settings>& sessions) {
  if (output.type != output_type::sqlite) return {};
  std::map<std::string, table> tables;
  std::set<std::pair<std::string, const message_type*>> taken;  // sessions share protocols
  const auto take = [&](const std::string& reply, const message_type* type) {
    if (type != nullptr && taken.emplace(reply, type).second) tables[reply].take(shape_of(*type));
  };
  for (const session_settings& session : sessions) {
    if (session.protocol == nullptr) continue;
    for (const output_route& route : session.outputs) {
      if (route.to != output.name) continue;
      for (const std::string& each : route.replies)
        take(each, session.protocol->find(protocol::direction::reply, each));
      if (!route.replies.empty()) continue;
      for (const message_type& each : session.protocol->types(protocol::direction::reply))
        take(name_of(each), &each);
    }
  }
  table_columns made;
  for (auto& [name, each] : tables) {
    std::erase_if(each.columns,
                  [&](const auto& column) { return each.open || column.second == column_type::any; });
    if (!each.columns.empty()) made.emplace(name, std::move(each.columns));
  }
  return made;
}

}  // namespace duplexd::config
