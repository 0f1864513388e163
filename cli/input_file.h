// Files that a person names for a command to read.
//
// Whatever is behind the name, reading ends: it must never wait for the other end of a FIFO, nor
// fill the memory.
#ifndef IPCSPEC_CLI_INPUT_FILE_H_
#define IPCSPEC_CLI_INPUT_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace ipcspec {

inline constexpr int64_t kMostBytes = int64_t{256} << 20;
inline constexpr int64_t kMostLines = 1'000'000;
inline constexpr int64_t kLongestLine = int64_t{16} << 20;

// The text of a regular file. Errors, whose messages name the file, the line, and what to do: it
// cannot be read, is no regular file, or has more than the limits above.
absl::StatusOr<std::string> ReadInput(const std::string& path);

}  // namespace ipcspec

#endif  // IPCSPEC_CLI_INPUT_FILE_H_
