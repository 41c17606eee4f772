#include "daemon/app/descriptors.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

namespace duplexd {

namespace {
constexpr int large_block = 256 * 1024;  // bytes; what is as large goes back to the system when it is freed
}  // namespace

std::uint64_t raise_descriptor_limit() noexcept {
  rlimit now{};
  if (getrlimit(RLIMIT_NOFILE, &now) != 0) return 0;
  if (now.rlim_cur < now.rlim_max) {
    const rlimit wanted{now.rlim_max, now.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) now = wanted;
  }
  return now.rlim_cur;
}

void prepare_process() noexcept {
  ::prctl(PR_SET_DUMPABLE, 0);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of the write
  // glibc raises this by itself to the largest block that was freed, and what a burst of large messages took
  // then stays with the process.
  ::mallopt(M_MMAP_THRESHOLD, large_block);
  int opened = 0;
  while (opened >= 0 && opened <= STDERR_FILENO) opened = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (opened >= 0) ::close(opened);
}

}  // namespace duplexd
