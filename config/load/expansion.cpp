#include "config/load/expansion.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/fields/fields.hpp"
#include "config/load/parameters.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using protocol::node;
using protocol::node_entry;
using protocol::node_kind;

namespace {

constexpr std::string_view session_parameter = "session";  // every template has it: the session's name

/// `over` laid over `base`. Without a table every key of a map is a field of its own.
node merged(const node& base, const node& over, const section* fields) {
  if (base.kind != node_kind::map || over.kind != node_kind::map) return over;
  node result = base;
  result.where = over.where;
  for (const node_entry& entry : over.entries) {
    const auto old = std::find_if(result.entries.begin(), result.entries.end(),
                                  [&](const node_entry& each) { return each.key == entry.key; });
    const field* rule = fields == nullptr ? nullptr : fields->find(entry.key);
    if (old == result.entries.end())
      result.entries.push_back(entry);
    else if (rule != nullptr && rule->is_merged)
      *old = {entry.key, entry.where, merged(old->value, entry.value, rule->type.inner)};
    else if (fields == nullptr && entry.value.kind == node_kind::null)
      result.entries.erase(old);  // of a map of texts: what was inherited is not wanted
    else
      *old = entry;
  }
  return result;
}

node name_of(const node_entry& session) {
  node name;
  name.kind = node_kind::text;
  name.text = session.key;
  name.where = session.where;
  return name;
}

/// `${param:session}` has a value everywhere that is said for several sessions.
node with_session_name(const node& said, const std::string& path, const node_entry& session, reading& in) {
  const node name = name_of(session);
  return substitute({said, path}, {{std::string(session_parameter), &name}}, in);
}

void check_names(const value_at& map, std::string_view what, reading& in) {
  for (const node_entry& entry : map.value.entries)
    if (!is_name(entry.key))
      in.mistakes.push_back({entry.where, map.path,
                             fmt::format("{} is not a valid name for a {}", in_quotes(entry.key), what),
                             "use letters, digits, '_', '.' and '-'"});
}

}  // namespace

const section& partial_session_fields() {
  static const section fields = [] {
    section partial = session_fields();
    for (field& each : partial.fields) {
      each.is_required = false;
      each.beside.clear();
    }
    return partial;
  }();
  return fields;
}

expansion::expansion(const parsed_document& document, reading& in) {
  if (document.defaults != nullptr) {
    defaults_ = document.defaults;
    parsed_session ignored;
    const node sample = with_session_name(*defaults_, "defaults", {"session", defaults_->where, {}}, in);
    read_section(partial_session_fields(), {sample, "defaults"}, defaults_->where, &ignored, in);
  }
  if (document.templates == nullptr) return;
  const value_at all{*document.templates, "templates"};
  if (all.value.kind != node_kind::map) {
    all.complain(in, expected("a map of templates", all.value));
    return;
  }
  check_names(all, "template", in);
  for (const node_entry& entry : all.value.entries) read_template(all.entry(entry), entry, in);
}

void expansion::read_template(const value_at& at, const node_entry& entry, reading& in) {
  const std::size_t before = in.mistakes.size();
  session_template& made = templates_[entry.key];
  read_section(template_fields(), at, entry.where, &made.body, in);
  if (made.body.parameters != nullptr)
    read_parameters({*made.body.parameters, at.path + ".parameters"}, made, in);
  made.is_broken = made.body.session == nullptr || in.mistakes.size() != before;
  if (made.body.session == nullptr) return;
  const value_at body{*made.body.session, at.path + ".session"};
  check_parameters(body, made.parameters, in);
  for (const node_entry& used : body.value.entries) {
    if (session_fields().find(used.key) == nullptr)
      in.mistakes.push_back({used.where, body.entry(used).path,
                             fmt::format("unknown field {}", in_quotes(used.key)),
                             protocol::suggest_or_list(used.key, session_fields().names())});
    else if (used.key == "template" || used.key == "with")
      in.mistakes.push_back(
          {used.where, body.entry(used).path, "a template cannot use another template", ""});
  }
}

/// Each `${param:NAME}` of the tree must be declared.
void expansion::check_parameters(const value_at& body, const std::vector<std::string>& declared,
                                 reading& in) {
  for_each_parameter(body.value.text, [&](std::string_view name) {
    if (name == session_parameter || std::find(declared.begin(), declared.end(), name) != declared.end())
      return;
    body.complain(in, fmt::format("the template has no parameter {}", in_quotes(name)),
                  protocol::suggest_or_list(name, declared));
    undeclared_.insert(body.value.where);
  });
  for (std::size_t i = 0; i < body.value.items.size(); ++i) check_parameters(body.item(i), declared, in);
  for (const node_entry& entry : body.value.entries) check_parameters(body.entry(entry), declared, in);
}

bool expansion::is_told_already(protocol::position where) const {
  return undeclared_.contains(where);
}

void expansion::read_parameters(const value_at& at, session_template& out, reading& in) {
  const auto declare = [&](const std::string& name, protocol::position where) {
    out.parameters.push_back(name);
    if (!is_name(name) || name == session_parameter)
      in.mistakes.push_back({where, at.path,
                             fmt::format("{} is not a valid name for a parameter", in_quotes(name)),
                             "use letters, digits, '_', '.' and '-'; 'session' is reserved"});
  };
  if (at.value.kind == node_kind::map) {
    for (const node_entry& entry : at.value.entries) {
      declare(entry.key, entry.where);
      if (entry.value.kind != node_kind::null) out.defaults[entry.key] = &entry.value;
    }
  } else if (at.value.kind == node_kind::list) {
    for (std::size_t i = 0; i < at.value.items.size(); ++i) {
      const value_at item = at.item(i);
      if (item.value.kind == node_kind::text)
        declare(item.value.text, item.value.where);
      else
        item.complain(in, expected("a parameter's name", item.value));
    }
  } else {
    at.complain(in, expected("a list of names, or a map of names with defaults", at.value));
  }
}

node expansion::instantiate(const std::string& name, const session_template& from, const node* given,
                            const node_entry& session, const value_at& at, reading& in) const {
  const node session_name = name_of(session);
  arguments values(from.defaults.begin(), from.defaults.end());
  values.insert_or_assign(std::string(session_parameter), &session_name);
  if (given != nullptr && given->kind == node_kind::map)
    for (const node_entry& argument : given->entries) {
      if (std::find(from.parameters.begin(), from.parameters.end(), argument.key) == from.parameters.end())
        in.mistakes.push_back(
            {argument.where, at.path + ".with",
             fmt::format("the template '{}' has no parameter {}", name, in_quotes(argument.key)),
             protocol::suggest_or_list(argument.key, from.parameters)});
      else
        values.insert_or_assign(argument.key, &argument.value);
    }
  bool complete = true;
  for (const std::string& parameter : from.parameters)
    if (!values.contains(parameter)) {
      complete = false;
      in.mistakes.push_back(
          {given == nullptr ? session.where : given->where, at.path,
           fmt::format("the parameter '{}' of the template '{}' is missing", parameter, name),
           fmt::format("with: {{{}: …}}", parameter)});
    }
  // An incomplete one would only bring mistakes that follow from the first.
  const std::size_t before = in.mistakes.size();
  node made = complete ? substitute({*from.body.session, at.path}, values, in) : node{};
  return in.mistakes.size() == before ? made : node{};
}

expanded_session expansion::expand(const node_entry& session, const value_at& at, reading& in) const {
  node own = session.value;
  if (own.kind == node_kind::null) own.kind = node_kind::map;
  if (own.kind != node_kind::map) return {own};
  const section& fields = session_fields();
  const bool has_defaults = defaults_ != nullptr && defaults_->kind == node_kind::map;
  node defaults;
  if (has_defaults) defaults = with_session_name(*defaults_, "defaults", session, in);
  node said = has_defaults ? merged(defaults, own, &fields) : own;
  const node* name = said.find("template");
  if (name == nullptr || name->kind == node_kind::null) return {said};
  const auto found = templates_.find(name->text);
  if (found == templates_.end()) {
    std::vector<std::string> known;
    known.reserve(templates_.size());
    for (const auto& [each, body] : templates_) known.push_back(each);
    in.mistakes.push_back({name->where, at.path + ".template",
                           fmt::format("there is no template {}", in_quotes(name->text)),
                           protocol::suggest_or_list(name->text, known)});
    return {said, false};
  }
  if (found->second.is_broken) return {said, false};
  node made = instantiate(found->first, found->second, said.find("with"), session, at, in);
  if (made.kind != node_kind::map) return {said, false};
  if (has_defaults) made = merged(defaults, made, &fields);
  return {merged(made, own, &fields)};
}

}  // namespace duplexd::config
