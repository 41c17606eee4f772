#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// How messages share TLS records and sends.
enum class packing : std::uint8_t {
  full_records,  ///< as many messages as fit a record, records gathered into large sends
  record_each,   ///< one record for each message, records gathered into large sends
  send_each,     ///< one record and one send for each message: live traffic
};

/// Frames that stand ready to be sent one behind the other.
struct burst {
  struct mark {
    std::size_t end;   ///< where the message's frame ends in `bytes`
    std::int64_t sum;  ///< of this burst's messages up to here
  };
  std::string bytes;
  std::vector<mark> messages;
};

/// What a receiving row sends, over and over: bursts go out in one TLS write each.
struct traffic {
  packing how = packing::full_records;
  std::vector<burst> cycle;
};

/// Binary messages of `size` bytes (at least 4): a little-endian int32, then JSON if 16 bytes, filler if
/// more. The sum is that of the numbers.
traffic binary_traffic(std::size_t size, packing how);

/// Trade messages as JSON text of about 415 bytes. The sum is that of their lengths.
traffic text_traffic();

/// The same messages as permessage-deflate has them, each compressed by itself (RFC 7692). The sum stays that
/// of what they unpack to.
traffic deflated(const traffic& plain);

}  // namespace bench
