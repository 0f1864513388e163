#include "cli/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "impl/call/cat.h"

namespace ipcspec {
namespace {

absl::Status Refuse(const std::string& path, std::string_view why) {
  return absl::InvalidArgumentError(Cat("cannot read '", path, "': ", why));
}

absl::Status TooLarge(const std::string& path) {
  return Refuse(path, Cat("it has more than ", kMostBytes >> 20,
                          " MiB; keep its beginning, up to the end of a line"));
}

// Reads what is behind `fd`, of about `size` bytes.
absl::StatusOr<std::string> ReadAll(int fd, int64_t size, const std::string& path) {
  std::string text;
  text.reserve(static_cast<size_t>(size));
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Refuse(path, std::strerror(errno));
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    if (static_cast<int64_t>(text.size()) > kMostBytes) return TooLarge(path);  // it grows
  }
}

absl::Status CheckLines(const std::string& text, const std::string& path) {
  int64_t line = 1;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (line > kMostLines) {
      return absl::InvalidArgumentError(
          Cat(path, ": line ", line, ": at most ", kMostLines,
              " lines are read; keep the beginning, of a history up to a line `quiet`"));
    }
    if (static_cast<int64_t>(end - begin) > kLongestLine) {
      return absl::InvalidArgumentError(
          Cat(path, ": line ", line, ": it is longer than ", kLongestLine >> 20,
              " MiB, as no line of a history or program is; was the file overwritten?"));
    }
    begin = end + 1;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  // Of a FIFO that nobody writes, opening would wait.
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return Refuse(path, std::strerror(errno));
  struct stat about = {};
  absl::StatusOr<std::string> text;
  if (fstat(fd, &about) != 0) {
    text = Refuse(path, std::strerror(errno));
  } else if (S_ISDIR(about.st_mode)) {
    text = Refuse(path, "it is a directory; name a file in it");
  } else if (!S_ISREG(about.st_mode)) {
    text = Refuse(path, "it is no regular file; write what it gives into one first");
  } else if (about.st_size > kMostBytes) {
    text = TooLarge(path);
  } else {
    text = ReadAll(fd, about.st_size, path);
  }
  close(fd);
  if (!text.ok()) return text;
  if (absl::Status status = CheckLines(*text, path); !status.ok()) return status;
  return text;
}

}  // namespace ipcspec
