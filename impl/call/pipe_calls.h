// Calls on pipes and FIFOs: pipe(7), read(2), write(2), fcntl(2).
#ifndef IPCSPEC_IMPL_CALL_PIPE_CALLS_H_
#define IPCSPEC_IMPL_CALL_PIPE_CALLS_H_

#include <string_view>
#include <vector>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

// pipe2(2); values: the read end, the write end.
struct MakePipe {
  static constexpr std::string_view kName = "pipe2";
  OpenFlags flags;
  Memory result = Memory::kGood;
  IPCSPEC_FIELDS(MakePipe, flags, result)
};

// read(2); data: what was read. `memory` kBad passes a buffer that is not mapped, as in write.
struct Read {
  static constexpr std::string_view kName = "read";
  static constexpr bool kRestartable = true;
  Fd fd;
  int64_t count = 0;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(Read, fd, count, memory)
};

struct Write {
  static constexpr std::string_view kName = "write";
  static constexpr bool kRestartable = true;
  Fd fd;
  Bytes data;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(Write, fd, data, memory)
};

// readv(2) into buffers of these lengths; data: what was read, end to end.
struct Readv {
  static constexpr std::string_view kName = "readv";
  static constexpr bool kRestartable = true;
  Fd fd;
  std::vector<int64_t> counts;
  IPCSPEC_FIELDS(Readv, fd, counts)
};

struct Writev {
  static constexpr std::string_view kName = "writev";
  static constexpr bool kRestartable = true;
  Fd fd;
  std::vector<Bytes> data;
  IPCSPEC_FIELDS(Writev, fd, data)
};

// fcntl(2) F_GETPIPE_SZ and F_SETPIPE_SZ. Return the capacity in bytes.
struct GetPipeSize {
  static constexpr std::string_view kName = "getpipe_sz";
  Fd fd;
  IPCSPEC_FIELDS(GetPipeSize, fd)
};

struct SetPipeSize {
  static constexpr std::string_view kName = "setpipe_sz";
  Fd fd;
  int64_t size = 0;
  IPCSPEC_FIELDS(SetPipeSize, fd, size)
};

// ioctl(2) FIONREAD; values: the number of bytes in the pipe.
struct Fionread {
  static constexpr std::string_view kName = "fionread";
  Fd fd;
  IPCSPEC_FIELDS(Fionread, fd)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_PIPE_CALLS_H_
