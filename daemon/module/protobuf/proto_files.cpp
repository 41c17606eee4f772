#include "daemon/module/protobuf/proto_files.hpp"

#include <fmt/format.h>
#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "config/value/regular_file.hpp"

namespace duplexd {

namespace {

namespace fs = std::filesystem;
namespace pb = google::protobuf;

/// Bytes that a stream reads from, and owns.
class owned_stream final : public pb::io::ZeroCopyInputStream {
 public:
  explicit owned_stream(std::string bytes)
      : bytes_(std::move(bytes)), stream_(bytes_.data(), static_cast<int>(bytes_.size())) {}
  bool Next(const void** data, int* size) override { return stream_.Next(data, size); }
  void BackUp(int count) override { stream_.BackUp(count); }
  bool Skip(int count) override { return stream_.Skip(count); }
  [[nodiscard]] std::int64_t ByteCount() const override { return stream_.ByteCount(); }

 private:
  const std::string bytes_;
  pb::io::ArrayInputStream stream_;
};

/// Files by the names that imports have for them.
class source_folders final : public pb::compiler::SourceTree {
 public:
  explicit source_folders(std::vector<fs::path> roots) : roots_(std::move(roots)) {}

  pb::io::ZeroCopyInputStream* Open(const std::string& name) override {
    std::error_code ignored;
    for (const fs::path& root : roots_) {
      if (!fs::exists(root / name, ignored)) continue;
      if (read_.size() == most_proto_files && !read_.contains(name)) {
        error_ = fmt::format("more than {} files belong together", most_proto_files);
        return nullptr;
      }
      auto text = config::read_regular_file((root / name).string(), largest_proto_file);
      if (!text) {
        error_ = text.error;
        return nullptr;
      }
      read_[name] = std::hash<std::string>{}(text.value);
      return new owned_stream(std::move(text.value));
    }
    error_ = fmt::format("there is no such file in {}", roots());
    return nullptr;
  }
  std::string GetLastErrorMessage() override { return error_; }

  /// The name by which imports would find the file; the file's own if none of the folders holds it.
  [[nodiscard]] std::string name_of(const fs::path& file) const {
    for (const fs::path& root : roots_) {
      const fs::path relative = file.lexically_relative(root);
      if (!relative.empty() && *relative.begin() != "..") return relative.generic_string();
    }
    return file.filename().string();
  }

  [[nodiscard]] std::size_t digest() const {
    std::string all;
    for (const auto& [name, hash] : read_) all += fmt::format("{}={}\n", name, hash);
    return std::hash<std::string>{}(all);
  }

 private:
  [[nodiscard]] std::string roots() const {
    std::string all;
    for (const fs::path& each : roots_) all += (all.empty() ? "" : ", ") + each.string();
    return all;
  }

  const std::vector<fs::path> roots_;
  std::map<std::string, std::size_t> read_;
  std::string error_;
};

/// Collects what protobuf's compiler says.
class mistake_list final : public pb::compiler::MultiFileErrorCollector {
 public:
  explicit mistake_list(std::vector<proto_mistake>& to) : to_(to) {}
  // Lines and columns count from 0; -1 stands for the whole file.
  void AddError(const std::string& file, int line, int column, const std::string& message) override {
    constexpr std::size_t most_told = 20;
    if (++told_ > most_told) return;
    const std::string place = line < 0 ? "" : fmt::format(":{}:{}", line + 1, column + 1);
    to_.push_back({true, fmt::format("{}{}: {}", file, place, message)});
  }

 private:
  std::vector<proto_mistake>& to_;
  std::size_t told_ = 0;
};

void add_names(const pb::Descriptor& of, std::vector<std::string>& to) {
  if (!of.options().map_entry()) to.push_back(of.full_name());
  for (int i = 0; i < of.nested_type_count(); ++i) add_names(*of.nested_type(i), to);
}

/// Copies a file and what it needs into a pool that has no database behind it.
bool copy_file(const pb::FileDescriptor& from, std::set<std::string>& done, proto_files& to) {
  if (!done.insert(from.name()).second) return true;
  for (int i = 0; i < from.dependency_count(); ++i)
    if (!copy_file(*from.dependency(i), done, to)) return false;
  pb::FileDescriptorProto copy;
  from.CopyTo(&copy);
  const pb::FileDescriptor* const made = to.pool.BuildFile(copy);
  if (made == nullptr) return false;
  for (int i = 0; i < made->message_type_count(); ++i) add_names(*made->message_type(i), to.names);
  return true;
}

std::vector<fs::path> roots_of(const std::vector<std::string>& files, const std::vector<std::string>& paths,
                               const fs::path& directory) {
  std::vector<fs::path> roots;
  const auto add = [&](fs::path root) {
    root = root.lexically_normal();
    if (!root.has_filename()) root = root.parent_path();
    if (std::ranges::find(roots, root) == roots.end()) roots.push_back(std::move(root));
  };
  for (const std::string& each : paths) add(directory / each);
  add(directory);
  for (const std::string& each : files) add((directory / each).parent_path());
  return roots;
}

}  // namespace

std::shared_ptr<proto_files> read_proto_files(const std::vector<std::string>& files,
                                              const std::vector<std::string>& paths,
                                              const std::string& directory,
                                              std::vector<proto_mistake>& mistakes) {
  std::error_code ignored;
  const fs::path here = fs::absolute(directory, ignored);
  source_folders folders(roots_of(files, paths, here));
  mistake_list errors(mistakes);
  pb::DescriptorPoolDatabase standard(*pb::DescriptorPool::generated_pool());
  pb::compiler::SourceTreeDescriptorDatabase database(&folders, &standard);
  database.RecordErrorsTo(&errors);
  pb::DescriptorPool pool(&database, database.GetValidationErrorCollector());
  pool.EnforceWeakDependencies(true);
  auto made = std::make_shared<proto_files>();
  std::set<std::string> done;
  bool good = true;
  for (const std::string& each : files) {
    const std::string name = folders.name_of((here / each).lexically_normal());
    const pb::FileDescriptor* const read = pool.FindFileByName(name);
    good = good && read != nullptr && copy_file(*read, done, *made);
  }
  if (!good && mistakes.empty()) mistakes.push_back({false, "the files do not fit together"});
  if (!mistakes.empty()) return nullptr;
  made->digest = folders.digest();
  return made;
}

}  // namespace duplexd
