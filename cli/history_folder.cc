#include "cli/history_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "impl/call/cat.h"

namespace ipcspec {
namespace {

absl::Status CannotUse(const std::string& path, std::string_view why) {
  return absl::InvalidArgumentError(Cat("cannot save histories in '", path, "': ", why));
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HistoryFolder>> HistoryFolder::Open(const std::string& path) {
  // Kept open: a run that is isolated may not see the name.
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return CannotUse(path, Cat(std::strerror(errno), "; name a directory that exists"));
  auto folder = std::unique_ptr<HistoryFolder>(new HistoryFolder(fd, path));
  struct stat about = {};
  if (fstat(fd, &about) != 0) return CannotUse(path, std::strerror(errno));
  if ((about.st_mode & S_IWOTH) != 0 && (about.st_mode & S_ISVTX) == 0) {
    return CannotUse(path, "everybody may replace files there; name a directory of your own");
  }
  if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
    return CannotUse(path, Cat(std::strerror(errno), "; name a directory that you may write"));
  }
  return folder;
}

HistoryFolder::~HistoryFolder() { close(fd_); }

absl::StatusOr<std::string> HistoryFolder::Save(const std::string& name, Verdict verdict,
                                                std::string_view text) {
  const bool undecided = verdict == Verdict::kUndecided;
  if (saved_->files == kMostFiles || (undecided && saved_->undecided == kMostUndecided)) {
    return std::string();
  }
  const std::string file = Cat(name, ".history"), torn = Cat(".", file, ".torn");
  // Where others may write too, neither of the names may lead elsewhere.
  unlinkat(fd_, torn.c_str(), 0);
  const int fd =
      openat(fd_, torn.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  bool written = fd >= 0 && WriteAll(fd, text) && fdatasync(fd) == 0;
  int error = errno;
  if (fd >= 0) close(fd);
  if (written && renameat(fd_, torn.c_str(), fd_, file.c_str()) != 0) {
    written = false;
    error = errno;
  }
  if (!written) {
    if (fd >= 0) unlinkat(fd_, torn.c_str(), 0);
    return absl::UnavailableError(
        Cat("cannot save the history '", path_, "/", file, "': ", std::strerror(error)));
  }
  ++saved_->files;
  saved_->undecided += undecided;
  return Cat(path_, "/", file);
}

}  // namespace ipcspec
