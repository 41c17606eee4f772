#include "daemon/app/descriptors.hpp"

#include <sys/resource.h>

namespace duplexd {

std::uint64_t raise_descriptor_limit() noexcept {
  rlimit now{};
  if (getrlimit(RLIMIT_NOFILE, &now) != 0) return 0;
  if (now.rlim_cur < now.rlim_max) {
    const rlimit wanted{now.rlim_max, now.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) now = wanted;
  }
  return now.rlim_cur;
}

}  // namespace duplexd
