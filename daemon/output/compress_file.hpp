#pragma once

#include <string>

#include "config/settings/output_settings.hpp"

namespace duplexd {

/// Puts what a file holds into one beside it, compressed, whose name has the method's suffix, and deletes it.
/// The new name appears when all of it is there; if `is_durable`, on the disk, and only then the file is
/// deleted. Returns why that failed: the file stays.
[[nodiscard]] std::string compress_file(const std::string& path, config::file_compression how,
                                        bool is_durable);

/// Puts the names in the folder of `path` on the disk. False: `errno` says why not.
[[nodiscard]] bool sync_folder_of(const std::string& path);

}  // namespace duplexd
