// The switch of all mutants: scripts/mutate puts this file in front of every source that it compiles
// (-include).
//   MUTANT=ID               this one is on; without it none is
//   MUTANTS_REACHED=FILE    a byte for each mutant, set when it is reached (the file has the right size
//   already)
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mutant_switch {
inline constexpr unsigned not_yet_known = 0xFFFFFFFF;
inline unsigned active = not_yet_known;
inline unsigned char* reached = nullptr;

// Shared memory: what a crash or a forked child has reached counts as well.
inline void start() noexcept {
  const char* id = ::getenv("MUTANT");
  active = id != nullptr ? static_cast<unsigned>(::strtoul(id, nullptr, 10)) : 0;
  const char* path = ::getenv("MUTANTS_REACHED");
  if (path == nullptr) return;
  const int file = ::open(path, O_RDWR | O_CLOEXEC);
  struct stat about{};
  if (file < 0 || ::fstat(file, &about) != 0) ::abort();
  void* bytes =
      ::mmap(nullptr, static_cast<size_t>(about.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (bytes == MAP_FAILED) ::abort();
  ::close(file);
  reached = static_cast<unsigned char*>(bytes);
}

inline bool is_on(unsigned id) noexcept {
  if (active == not_yet_known) start();
  if (reached != nullptr) reached[id] = 1;
  return active == id;
}
}  // namespace mutant_switch

// Off at compile time, so that constants and static assertions stay what they are.
constexpr bool mutant_on(unsigned id) noexcept {
  return __builtin_is_constant_evaluated() ? false : mutant_switch::is_on(id);
}
