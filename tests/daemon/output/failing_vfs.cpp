#include "tests/daemon/output/failing_vfs.hpp"

#include <sqlite3.h>

#include <memory>
#include <new>

namespace duplexd::test {

namespace {

/// What SQLite gives us room for; the usual file system's own part follows.
struct failing_file {
  sqlite3_file base;
  failing_vfs* owner;
};

struct vfs_state {
  sqlite3_vfs vfs{};
  sqlite3_vfs* usual = nullptr;
  failing_vfs* owner = nullptr;
};

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<failing_file*>(file) + 1);
}
const sqlite3_io_methods* of(sqlite3_file* file) {
  return real(file)->pMethods;
}
bool fails(sqlite3_file* file) {
  return reinterpret_cast<failing_file*>(file)->owner->fails_now();
}
vfs_state* state_of(sqlite3_vfs* vfs) {
  return static_cast<vfs_state*>(vfs->pAppData);
}

// What fails does nothing. A lock that cannot be taken is another matter.
const sqlite3_io_methods methods{
    .iVersion = 2,
    .xClose = [](sqlite3_file* f) { return of(f)->xClose(real(f)); },
    .xRead =
        [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
          return fails(f) ? SQLITE_IOERR_READ : of(f)->xRead(real(f), to, size, at);
        },
    .xWrite =
        [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
          return fails(f) ? SQLITE_IOERR_WRITE : of(f)->xWrite(real(f), from, size, at);
        },
    .xTruncate =
        [](sqlite3_file* f, sqlite3_int64 size) {
          return fails(f) ? SQLITE_IOERR_TRUNCATE : of(f)->xTruncate(real(f), size);
        },
    .xSync = [](sqlite3_file* f,
                int flags) { return fails(f) ? SQLITE_IOERR_FSYNC : of(f)->xSync(real(f), flags); },
    .xFileSize =
        [](sqlite3_file* f, sqlite3_int64* size) {
          return fails(f) ? SQLITE_IOERR_FSTAT : of(f)->xFileSize(real(f), size);
        },
    .xLock = [](sqlite3_file* f, int how) { return of(f)->xLock(real(f), how); },
    .xUnlock = [](sqlite3_file* f, int how) { return of(f)->xUnlock(real(f), how); },
    .xCheckReservedLock = [](sqlite3_file* f, int* out) { return of(f)->xCheckReservedLock(real(f), out); },
    .xFileControl = [](sqlite3_file* f, int what,
                       void* with) { return of(f)->xFileControl(real(f), what, with); },
    .xSectorSize = [](sqlite3_file* f) { return of(f)->xSectorSize(real(f)); },
    .xDeviceCharacteristics = [](sqlite3_file* f) { return of(f)->xDeviceCharacteristics(real(f)); },
    .xShmMap =
        [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
          return fails(f) ? SQLITE_IOERR_SHMMAP : of(f)->xShmMap(real(f), page, size, extend, out);
        },
    .xShmLock = [](sqlite3_file* f, int at, int count,
                   int flags) { return of(f)->xShmLock(real(f), at, count, flags); },
    .xShmBarrier = [](sqlite3_file* f) { of(f)->xShmBarrier(real(f)); },
    .xShmUnmap = [](sqlite3_file* f, int remove) { return of(f)->xShmUnmap(real(f), remove); },
    .xFetch = nullptr,
    .xUnfetch = nullptr};

int open_file(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags, int* out) {
  auto* const made = new (file) failing_file{.base = {}, .owner = state_of(vfs)->owner};
  if (made->owner->fails_now()) return SQLITE_CANTOPEN;
  sqlite3_vfs* const usual = state_of(vfs)->usual;
  const int done = usual->xOpen(usual, path, real(file), flags, out);
  made->base.pMethods = real(file)->pMethods == nullptr ? nullptr : &methods;
  return done;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  if (state_of(vfs)->owner->fails_now()) return SQLITE_IOERR_DELETE;
  sqlite3_vfs* const usual = state_of(vfs)->usual;
  return usual->xDelete(usual, path, sync_directory);
}

}  // namespace

failing_vfs::failing_vfs() {
  auto state = std::make_unique<vfs_state>();
  state->usual = sqlite3_vfs_find(nullptr);
  state->owner = this;
  state->vfs = *state->usual;
  state->vfs.pNext = nullptr;
  state->vfs.zName = "duplexd-failing";
  state->vfs.szOsFile = static_cast<int>(sizeof(failing_file)) + state->usual->szOsFile;
  state->vfs.xOpen = open_file;
  state->vfs.xDelete = delete_file;
  state->vfs.pAppData = state.get();
  vfs_ = &state.release()->vfs;
  sqlite3_vfs_register(vfs_, 1);
}

failing_vfs::~failing_vfs() {
  sqlite3_vfs_unregister(vfs_);
  delete state_of(vfs_);
}

void failing_vfs::fail_after(std::size_t calls, bool for_good) {
  is_armed_ = true;
  for_good_ = for_good;
  has_failed_ = false;
  left_ = calls;
}

bool failing_vfs::fails_now() {
  if (!is_armed_) return false;
  if (left_ > 0) {
    --left_;
    return false;
  }
  is_armed_ = for_good_;
  has_failed_ = true;
  return true;
}

}  // namespace duplexd::test
