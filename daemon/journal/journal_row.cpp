#include "daemon/journal/journal_row.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace duplexd {

namespace {

/// Before each record's texts, in the machine's own order of bytes.
struct record_head {
  std::uint64_t number = 0;
  std::uint32_t text = 0;
  std::uint16_t session = 0;
  std::uint16_t time = 0;
  std::uint16_t name = 0;
  std::uint8_t what = 0;
  std::uint8_t is_line = 0;  ///< the event's line as JSON
  std::uint32_t unused = 0;  ///< fills the struct up; not written
};
constexpr std::size_t head_size = 20;
static_assert(sizeof(record_head) == 24);

constexpr std::string_view line_end = "}\n";

/// Before what is compressed. Records do not begin like this: no number is 0.
constexpr std::string_view compressed_mark{"\0\0\0\0\0\0\0\0", 8};
/// The fastest: on what servers repeat it saves nearly as much as others.
constexpr int compression_level = 1;

bool decompress(std::string_view stored, std::string& out) {
  const auto size = ZSTD_getFrameContentSize(stored.data(), stored.size());
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ||
      size > journal_row::most_compressed)
    return false;
  out.resize(size);
  return ZSTD_decompress(out.data(), out.size(), stored.data(), stored.size()) == size;
}

// Names are short; one that is not is cut, as in queues.
std::string_view bounded(std::string_view text) noexcept {
  return text.substr(0, 0xffff);
}

bool take(std::string_view& from, std::size_t count, std::string_view& out) noexcept {
  if (from.size() < count) return false;
  out = from.substr(0, count);
  from.remove_prefix(count);
  return true;
}

struct parsed_record {
  std::uint64_t number = 0;
  session_event happened{};
  std::string_view text;
  bool is_line = false;
};

bool take_record(std::string_view& from, parsed_record& out) noexcept {
  std::string_view bytes;
  if (!take(from, head_size, bytes)) return false;
  std::array<char, sizeof(record_head)> copy{};
  std::copy(bytes.begin(), bytes.end(), copy.begin());
  const auto head = std::bit_cast<record_head>(copy);
  if (head.what > static_cast<std::uint8_t>(session_event::kind::note) || head.is_line > 1) return false;
  out.number = head.number;
  out.happened.what = static_cast<session_event::kind>(head.what);
  out.is_line = head.is_line == 1;
  return take(from, head.session, out.happened.session) && take(from, head.time, out.happened.time) &&
         take(from, head.name, out.happened.name) && take(from, head.text, out.text);
}

}  // namespace

std::uint64_t checksum_of(std::string_view records) {
  return crc32_z(0, reinterpret_cast<const Bytef*>(records.data()), records.size());
}

void append_record(journal_row& to, std::uint64_t number, const session_event& happened,
                   std::string_view text) {
  const auto session = bounded(happened.session);
  const auto time = bounded(happened.time);
  const auto name = bounded(happened.name);
  const bool is_line = text.data() == happened.line.data() && text.ends_with(line_end);
  const record_head head{.number = number,
                         .text = static_cast<std::uint32_t>(text.size()),
                         .session = static_cast<std::uint16_t>(session.size()),
                         .time = static_cast<std::uint16_t>(time.size()),
                         .name = static_cast<std::uint16_t>(name.size()),
                         .what = static_cast<std::uint8_t>(happened.what),
                         .is_line = static_cast<std::uint8_t>(is_line ? 1 : 0)};
  const auto bytes = std::bit_cast<std::array<char, sizeof(head)>>(head);
  to.records.append(bytes.data(), head_size).append(session).append(time).append(name).append(text);
  if (to.count++ == 0) to.first = number;
  to.last = number;
}

std::string stored_form(const std::string& records) {
  if (records.size() < journal_row::least_compressed || records.size() > journal_row::most_compressed)
    return records;
  std::string made{compressed_mark};
  made.resize(compressed_mark.size() + ZSTD_compressBound(records.size()));
  const std::size_t size =
      ZSTD_compress(made.data() + compressed_mark.size(), made.size() - compressed_mark.size(),
                    records.data(), records.size(), compression_level);
  if (ZSTD_isError(size) != 0 || compressed_mark.size() + size >= records.size()) return records;
  made.resize(compressed_mark.size() + size);
  return made;
}

bool read_records(std::string_view stored, std::uint64_t after, record_batch& out) {
  std::string_view records = stored;
  std::string plain;
  if (stored.starts_with(compressed_mark)) {
    if (!decompress(stored.substr(compressed_mark.size()), plain)) return false;
    records = plain;
  }
  std::vector<parsed_record> found;
  std::uint64_t number = 0;
  while (!records.empty()) {
    parsed_record next;
    if (!take_record(records, next) || next.number <= number) return false;
    number = next.number;
    if (number > after) found.push_back(next);
  }
  std::string line;
  for (const parsed_record& each : found) {
    if (each.is_line && each.text.ends_with(line_end)) {
      line.assign(each.text.substr(0, each.text.size() - line_end.size()));
      line.append(R"(,"event_id":")").append(event_id(out.journal(), each.number)).append("\"}\n");
      out.add(each.happened, line, each.number);
    } else {
      out.add(each.happened, each.text, each.number);
    }
  }
  return true;
}

}  // namespace duplexd
