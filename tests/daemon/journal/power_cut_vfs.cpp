#include "tests/daemon/journal/power_cut_vfs.hpp"

#include <sqlite3.h>

#include <memory>
#include <new>

namespace duplexd::test {

namespace {

/// What SQLite gives us room for; the usual file system's own part follows.
struct watched_file {
  sqlite3_file base;
  power_cut_vfs* owner;
  const char* path;  ///< SQLite's: valid while the file is open; null: a temporary one
};

watched_file* watched(sqlite3_file* file) {
  return reinterpret_cast<watched_file*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(watched(file) + 1);
}
sqlite3_vfs* usual(sqlite3_vfs* vfs);

struct vfs_state {
  sqlite3_vfs vfs{};
  sqlite3_vfs* usual = nullptr;
  power_cut_vfs* owner = nullptr;
};
vfs_state* state_of(sqlite3_vfs* vfs) {
  return static_cast<vfs_state*>(vfs->pAppData);
}
sqlite3_vfs* usual(sqlite3_vfs* vfs) {
  return state_of(vfs)->usual;
}

int sync(sqlite3_file* file, int flags) {
  const int done = real(file)->pMethods->xSync(real(file), flags);
  sqlite3_int64 size = 0;
  if (done != SQLITE_OK || watched(file)->path == nullptr ||
      real(file)->pMethods->xFileSize(real(file), &size) != SQLITE_OK)
    return done;
  std::string content(static_cast<std::size_t>(size), '\0');
  if (real(file)->pMethods->xRead(real(file), content.data(), static_cast<int>(size), 0) == SQLITE_OK)
    watched(file)->owner->synced[watched(file)->path] = std::move(content);
  return done;
}

// Everything but `sync` is passed on.
const sqlite3_io_methods methods{
    .iVersion = 2,
    .xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); },
    .xRead = [](sqlite3_file* f, void* to, int size,
                sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), to, size, at); },
    .xWrite = [](sqlite3_file* f, const void* from, int size,
                 sqlite3_int64 at) { return real(f)->pMethods->xWrite(real(f), from, size, at); },
    .xTruncate = [](sqlite3_file* f,
                    sqlite3_int64 size) { return real(f)->pMethods->xTruncate(real(f), size); },
    .xSync = sync,
    .xFileSize = [](sqlite3_file* f,
                    sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); },
    .xLock = [](sqlite3_file* f, int how) { return real(f)->pMethods->xLock(real(f), how); },
    .xUnlock = [](sqlite3_file* f, int how) { return real(f)->pMethods->xUnlock(real(f), how); },
    .xCheckReservedLock = [](sqlite3_file* f,
                             int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); },
    .xFileControl = [](sqlite3_file* f, int what,
                       void* with) { return real(f)->pMethods->xFileControl(real(f), what, with); },
    .xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
    .xDeviceCharacteristics =
        [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
    .xShmMap =
        [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
          return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
        },
    .xShmLock = [](sqlite3_file* f, int at, int count,
                   int flags) { return real(f)->pMethods->xShmLock(real(f), at, count, flags); },
    .xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
    .xShmUnmap = [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
    .xFetch = nullptr,
    .xUnfetch = nullptr};

int open_file(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags, int* out) {
  auto* const made = new (file) watched_file{.base = {}, .owner = state_of(vfs)->owner, .path = path};
  const int done = usual(vfs)->xOpen(usual(vfs), path, real(file), flags, out);
  made->base.pMethods = real(file)->pMethods == nullptr ? nullptr : &methods;
  return done;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  state_of(vfs)->owner->synced.erase(path);
  return usual(vfs)->xDelete(usual(vfs), path, sync_directory);
}

}  // namespace

power_cut_vfs::power_cut_vfs() {
  auto state = std::make_unique<vfs_state>();
  state->usual = sqlite3_vfs_find(nullptr);
  state->owner = this;
  state->vfs = *state->usual;
  state->vfs.pNext = nullptr;
  state->vfs.zName = name;
  state->vfs.szOsFile = static_cast<int>(sizeof(watched_file)) + state->usual->szOsFile;
  state->vfs.xOpen = open_file;
  state->vfs.xDelete = delete_file;
  state->vfs.pAppData = state.get();
  vfs_ = &state.release()->vfs;
  sqlite3_vfs_register(vfs_, 0);
}

power_cut_vfs::~power_cut_vfs() {
  sqlite3_vfs_unregister(vfs_);
  delete state_of(vfs_);
}

}  // namespace duplexd::test
