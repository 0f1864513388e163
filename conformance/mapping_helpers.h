// What clauses of mappings begin with: a file, and the words for usual arguments.
#ifndef IPCSPEC_CONFORMANCE_MAPPING_HELPERS_H_
#define IPCSPEC_CONFORMANCE_MAPPING_HELPERS_H_

#include <fcntl.h>
#include <sys/mman.h>

#include <cstdint>
#include <string>
#include <utility>

#include "conformance/clause.h"

namespace ipcspec {

inline constexpr int64_t kReadWrite = PROT_READ | PROT_WRITE;
inline constexpr int64_t kAnonymous = MAP_SHARED | MAP_ANONYMOUS;
inline constexpr Address kHere = kFirstAddress;  // where a clause maps with MAP_FIXED

// A new file that holds this.
inline Fd MakeFile(TaskHandle& task, const std::string& path, std::string data) {
  const Fd fd = task.Must(Open{.path = path, .flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0600});
  if (!data.empty()) task.Must(Write{.fd = fd, .data = std::move(data)});
  return fd;
}

}  // namespace ipcspec

#endif  // IPCSPEC_CONFORMANCE_MAPPING_HELPERS_H_
