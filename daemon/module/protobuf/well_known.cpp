#include "daemon/module/protobuf/well_known.hpp"

#include <fmt/format.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/field_mask_util.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cstdlib>

namespace duplexd {

namespace pb = google::protobuf;

namespace {

// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z; 10,000 years.
constexpr std::int64_t first_second = -62'135'596'800;
constexpr std::int64_t last_second = 253'402'300'799;
constexpr std::int64_t longest_duration = 315'576'000'000;
constexpr std::int32_t second_in_nanos = 1'000'000'000;

struct instant {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
};

instant read(const pb::Message& from) {
  const pb::Descriptor& type = *from.GetDescriptor();
  const pb::Reflection& look = *from.GetReflection();
  return {look.GetInt64(from, type.FindFieldByNumber(1)), look.GetInt32(from, type.FindFieldByNumber(2))};
}

void write(pb::Message& to, std::int64_t seconds, std::int32_t nanos) {
  const pb::Descriptor& type = *to.GetDescriptor();
  const pb::Reflection& change = *to.GetReflection();
  change.SetInt64(&to, type.FindFieldByNumber(1), seconds);
  change.SetInt32(&to, type.FindFieldByNumber(2), nanos);
}

bool is_duration(const instant& of) {
  const bool same_sign = (of.seconds >= 0 && of.nanos >= 0) || (of.seconds <= 0 && of.nanos <= 0);
  return same_sign && of.seconds >= -longest_duration && of.seconds <= longest_duration &&
         of.nanos > -second_in_nanos && of.nanos < second_in_nanos;
}

bool is_timestamp(const instant& of) {
  return of.seconds >= first_second && of.seconds <= last_second && of.nanos >= 0 &&
         of.nanos < second_in_nanos;
}

pb::FieldMask mask_of(const pb::Message& from) {
  pb::FieldMask mask;
  const pb::FieldDescriptor* const paths = from.GetDescriptor()->FindFieldByNumber(1);
  const pb::Reflection& look = *from.GetReflection();
  for (int i = 0; i < look.FieldSize(from, paths); ++i)
    mask.add_paths(look.GetRepeatedString(from, paths, i));
  return mask;
}

bool same(const pb::FieldMask& one, const pb::FieldMask& other) {
  return std::equal(one.paths().begin(), one.paths().end(), other.paths().begin(), other.paths().end());
}

}  // namespace

well_known kind_of(const pb::Descriptor& type) {
  switch (type.well_known_type()) {
    case pb::Descriptor::WELLKNOWNTYPE_ANY:
      return well_known::any;
    case pb::Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return well_known::timestamp;
    case pb::Descriptor::WELLKNOWNTYPE_DURATION:
      return well_known::duration;
    case pb::Descriptor::WELLKNOWNTYPE_FIELDMASK:
      return well_known::field_mask;
    case pb::Descriptor::WELLKNOWNTYPE_STRUCT:
      return well_known::structure;
    case pb::Descriptor::WELLKNOWNTYPE_VALUE:
      return well_known::value;
    case pb::Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return well_known::list_value;
    case pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      return well_known::none;
    default:
      return well_known::wrapper;
  }
}

std::string_view type_of_url(std::string_view url) noexcept {
  const auto slash = url.rfind('/');
  return slash == std::string_view::npos ? url : url.substr(slash + 1);
}

bool text_of(const pb::Message& message, well_known kind, std::string& text) {
  if (kind == well_known::field_mask) {
    const pb::FieldMask mask = mask_of(message);
    pb::FieldMask again;
    const bool good = pb::util::FieldMaskUtil::ToJsonString(mask, &text) &&
                      pb::util::FieldMaskUtil::FromJsonString(text, &again) && same(mask, again);
    if (!good) text = "a path of the field mask has no form in lowerCamelCase";
    return good;
  }
  const instant is = read(message);
  if (kind == well_known::timestamp ? !is_timestamp(is) : !is_duration(is)) {
    text = fmt::format("{} seconds and {} nanoseconds are no {}", is.seconds, is.nanos,
                       kind == well_known::timestamp ? "time of the years 1 to 9999" : "duration");
    return false;
  }
  if (kind == well_known::timestamp) {
    pb::Timestamp made;
    made.set_seconds(is.seconds);
    made.set_nanos(is.nanos);
    text = pb::util::TimeUtil::ToString(made);
  } else {
    pb::Duration made;
    made.set_seconds(is.seconds);
    made.set_nanos(is.nanos);
    text = pb::util::TimeUtil::ToString(made);
  }
  return true;
}

std::string set_text(pb::Message& message, well_known kind, const std::string& text) {
  if (kind == well_known::timestamp) {
    pb::Timestamp made;
    if (!pb::util::TimeUtil::FromString(text, &made) || !is_timestamp({made.seconds(), made.nanos()}))
      return "expected a time such as \"2022-06-16T10:27:44.5Z\"";
    write(message, made.seconds(), made.nanos());
  } else if (kind == well_known::duration) {
    pb::Duration made;
    if (!pb::util::TimeUtil::FromString(text, &made) || !is_duration({made.seconds(), made.nanos()}))
      return "expected a duration such as \"1.5s\"";
    write(message, made.seconds(), made.nanos());
  } else {
    pb::FieldMask mask;
    if (!pb::util::FieldMaskUtil::FromJsonString(text, &mask))
      return "expected paths of fields such as \"price,book.bestBid\"";
    const pb::FieldDescriptor* const paths = message.GetDescriptor()->FindFieldByNumber(1);
    for (const std::string& each : mask.paths()) message.GetReflection()->AddString(&message, paths, each);
  }
  return {};
}

}  // namespace duplexd
