#include "config/value/text_pattern.hpp"

#include <re2/re2.h>

#include <array>

namespace duplexd::config {

namespace {

constexpr int most_groups = 20;

RE2::Options options() {
  RE2::Options chosen;
  chosen.set_log_errors(false);
  chosen.set_max_mem(1 << 20);
  return chosen;
}

}  // namespace

struct text_pattern::engine {
  explicit engine(std::string_view text)
      : expression(re2::StringPiece(text.data(), text.size()), options()) {}
  RE2 expression;
};

text_pattern::text_pattern(std::unique_ptr<engine> made) : engine_(std::move(made)) {
  names_.resize(static_cast<std::size_t>(engine_->expression.NumberOfCapturingGroups()));
  for (const auto& [number, name] : engine_->expression.CapturingGroupNames()) {
    names_[static_cast<std::size_t>(number) - 1] = name;
    has_names_ = true;
  }
}

text_pattern::~text_pattern() = default;

std::shared_ptr<const text_pattern> text_pattern::parse(std::string_view text, std::string& error) {
  auto made = std::make_unique<engine>(text);
  if (!made->expression.ok())
    error = "the pattern is not valid: " + made->expression.error();
  else if (made->expression.NumberOfCapturingGroups() > most_groups)
    error = "a pattern has at most 20 groups";
  else
    return std::shared_ptr<const text_pattern>(new text_pattern(std::move(made)));
  return nullptr;
}

bool text_pattern::is_in(std::string_view text) const {
  return engine_->expression.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                                   RE2::UNANCHORED, nullptr, 0);
}

std::optional<text_pattern::groups> text_pattern::find_in(std::string_view text) const {
  std::array<re2::StringPiece, most_groups + 1> found;
  const int count = engine_->expression.NumberOfCapturingGroups() + 1;
  if (!engine_->expression.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), RE2::UNANCHORED,
                                 found.data(), count))
    return std::nullopt;
  groups all;
  for (int i = 0; i < count; ++i) {
    const re2::StringPiece& each = found[static_cast<std::size_t>(i)];
    if (each.data() == nullptr)
      all.emplace_back();
    else
      all.emplace_back(std::string_view(each.data(), each.size()));
  }
  return all;
}

}  // namespace duplexd::config
